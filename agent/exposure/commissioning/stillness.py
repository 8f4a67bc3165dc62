"""What of the picture stands still, what of it the camera moves by itself, and what to regulate on. Pure."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from agent.exposure.transport.matrix import Change, Mask, Series, Zones, change_of, noise_of

DIM = 0.003
"""Linear light below which a zone is as good as black."""
RESTLESS = 0.03
"""Stops a zone may tremble from picture to picture, and still be static. A person who moves: 0.08 and more."""
WANDERS = 0.05
"""Stops it may wander in a watch, beyond what all zones do."""
FALLS = 0.006
"""Stops by which what a light does not reach must fall, when it rises, to be the camera's doing …"""
SURE = 6.0
"""… and standard deviations."""
RETURNS = 3.0
"""Times its own noise a zone may differ when the look is back; more: what happens in it is believed less."""
LIT_SHARE = 0.2
"""Share of a reference zone's light that comes from the key …"""
LIT_BEST = 0.25
"""… and share of the key's light in its brightest zone."""
HEADROOM = 0.6
"""Linear light a reference zone may have in the look: it is to stay whole half a stop up."""


class Fall(NamedTuple):
    """What the least lit zones did: stops (negative = they fell) ± ``sigma``, and how many zones that is. A light can
    only add: what fell was turned down by the camera, or by the sun."""

    stops: float
    sigma: float
    zones: int

    def is_deep(self, least: float) -> bool:
        """More than chance and more than ``least`` stops."""
        return self.stops < -max(SURE * self.sigma, least)


def lit(pictures: Series) -> Mask:
    """Zones with light enough to say anything of it, and not clipped."""
    mean = pictures.mean
    bright: Mask = np.isfinite(mean) & (np.nan_to_num(mean) >= DIM)
    return bright


def static(pictures: Series) -> Mask:
    """Zones in which nothing moves."""
    bright = lit(pictures)
    mean = np.where(bright, pictures.mean, 1.0)
    noise = noise_of(pictures)
    trembling = np.where(bright, noise, np.inf) / mean / math.log(2)
    quarters = np.stack([part.mean(axis=0) for part in np.array_split(pictures.zones, 4)])
    stops = np.log2(np.where(bright, np.maximum(quarters, 1e-6), 1.0))
    stops -= np.median(stops[:, bright], axis=1)[:, None] if bright.any() else 0.0
    wandering = np.ptp(stops, axis=0)
    by_noise = 4 * trembling / math.sqrt(max(len(pictures) / 4, 1))
    still: Mask = bright & (trembling < RESTLESS) & (wandering < WANDERS + np.where(bright, by_noise, 0.0))
    return still


def pooled(falls: Sequence[Fall]) -> Fall:
    """What several steps say together."""
    sure = [each for each in falls if math.isfinite(each.sigma)]
    if not sure:
        return Fall(0.0, math.inf, 0)
    weights = [1 / each.sigma**2 for each in sure]
    mean = sum(weight * each.stops for weight, each in zip(weights, sure, strict=True)) / sum(weights)
    return Fall(mean, 1 / math.sqrt(sum(weights)), min(each.zones for each in sure))


def trend(pictures: Series, still: Mask) -> float:
    """Stops a second by which the static zones move by themselves (median, without sign)."""
    half = len(pictures) // 2
    seconds = float(pictures.times[half:].mean() - pictures.times[:half].mean())
    return abs(slide(pictures, still)) / max(seconds, 1e-6)


def noise_over(rests: Sequence[Series]) -> Zones:
    """Noise of one picture by zone, from all pictures of the look. Where the look itself came back otherwise (somebody
    sat down), it is so much that an average of as many pictures is as uncertain as that."""
    within = np.mean([noise_of(rest) ** 2 for rest in rests], axis=0)
    if len(rests) < 3:
        return np.asarray(np.sqrt(within), np.float64)
    between = (np.diff([rest.mean for rest in rests], n=2, axis=0) ** 2).mean(axis=0) / 6
    slow = between * np.mean([len(rest) for rest in rests])
    return np.asarray(np.sqrt(np.where(slow > RETURNS**2 * within, slow, within)), np.float64)


def fall(before: Series, stepped: Series, after: Series | None, noise: Zones, still: Mask, way: float = 1.0) -> Fall:
    """How the zones behaved that the light reaches least. Which these are is told by the even pictures and how they
    behaved by the odd ones: the least of many noisy numbers would be negative by choice. ``way``: 1, or −1 where the
    light was stepped down: that is a step up, seen from behind. Without ``after`` the room's light is taken to stand.
    """
    then = before if after is None else after

    def part(start: int) -> Change:
        return change_of(before.every(start), stepped.every(start), then.every(start), way, noise)

    even, odd = part(0), part(1)
    level = (before.mean + then.mean) / 2
    seen = np.flatnonzero(still & np.isfinite(even.light) & np.isfinite(odd.light) & (level > DIM))
    if len(seen) < 8:
        return Fall(0.0, math.inf, len(seen))
    share = way * even.light[seen] / level[seen]
    least = seen[np.argsort(share)[: max(4, len(seen) // 4)]]
    stops = way * odd.light[least] / level[least] / math.log(2)
    sigma = odd.sigma[least] / level[least] / math.log(2)
    weight = 1 / sigma**2
    return Fall(float((stops * weight).sum() / weight.sum()), float(1 / math.sqrt(weight.sum())), len(least))


def rise(before: Series, after: Series, still: Mask) -> float:
    """Stops from one to the other, of the static zones (median)."""
    return _median_stops(before.mean, after.mean, still)


def slide(pictures: Series, still: Mask) -> float:
    """Stops from the first half of the pictures to the last."""
    half = len(pictures) // 2
    return _median_stops(pictures.zones[:half].mean(axis=0), pictures.zones[half:].mean(axis=0), still)


def unsteady(before: Series, after: Series, still: Mask) -> float:
    """Stops by which the static zones came back otherwise than they were (median), without sign."""
    return _median_stops(before.mean, after.mean, still, np.abs)


def steady_over(means: Zones, still: Mask) -> Mask:
    """Of the zones that were static: those that stayed so over all these means (n x ZONES), whatever all did alike."""
    stops = np.log2(np.where(still, np.maximum(np.nan_to_num(means), 1e-6), 1.0))
    stops -= np.median(stops[:, still], axis=1)[:, None] if still.any() else 0.0
    kept: Mask = still & np.isfinite(means).all(axis=0) & (np.ptp(stops, axis=0) < 2 * WANDERS)
    return kept


def reference(look: Zones, key: Zones, still: Mask) -> Mask:
    """The zones to regulate on: static, whole, and lit by the key. ``look``: the zones in the look; ``key``: what of
    that the key gives."""
    known = still & np.isfinite(look) & np.isfinite(key)
    if not known.any():
        return known
    best = float(key[known].max())
    share = np.where(known, key / np.where(known & (look > 0), look, 1.0), 0.0)
    chosen: Mask = (
        known & (look < HEADROOM) & (look > DIM) & (share > LIT_SHARE) & (np.nan_to_num(key) > LIT_BEST * best)
    )
    return chosen


def flatness(look: Zones, chosen: Mask) -> float:
    """Stops between the darkest and the brightest tenth of the reference zones in the look."""
    low, high = np.quantile(look[chosen], (0.1, 0.9))
    return float(np.log2(high / low))


def _median_stops(first: Zones, last: Zones, still: Mask, of: Callable[[Zones], Zones] = np.asarray) -> float:
    seen = still & np.isfinite(first) & np.isfinite(last)
    if not seen.any():
        return 0.0
    return float(np.median(of(np.log2(np.maximum(last[seen], 1e-6) / np.maximum(first[seen], 1e-6)))))
