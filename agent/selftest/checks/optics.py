"""What the pictures of a stepped light say. Pure: arrays in, numbers out.

    dark ── 25 % ── 50 % ── 75 % ── 100 % ── dark        all other lights off
      └──────────── drift of the room light, drawn as a line and taken away ────────────┘

A light's *signature* is the linear light it adds to each of the 16 x 9 zones at full. Light adds up, so whatever a
picture shows is a sum of signatures: that is how a swapped light, a dim one and a stuck one are told apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Zones = npt.NDArray[np.float64]
"""ROWS x COLUMNS of linear light, 1 = the camera's white; NaN: clipped, so unknown."""

CLIPPED = 0.8
"""Mean linear light of a zone above which parts of it are surely clipped."""
LEAST = 5e-4
"""Mean linear light over the picture that counts as an answer at all, far above what 8 bits and noise invent."""
SIGMAS = 6.0
OWN_SHAPE = 0.03
"""Part of a response that may differ from the light's own signature before others are suspected."""
BETTER = 0.5
"""Others are believed only if they explain at least this share of that difference: a person who moved does not look
like a light."""
ANY_SHAPE = 0.30
"""Part that nothing explains before the baseline itself is in doubt."""

MORE_THAN_FULL = 1.3
"""A stranger that seems to give more than this share of its full light is no stranger: the scene has changed."""


@dataclass(frozen=True)
class Shots:
    """Pictures of one level: when they came in (monotonic, rising) and their zones, n x ROWS x COLUMNS."""

    times: tuple[float, ...]
    zones: Zones

    @property
    def mean(self) -> Zones:
        average: Zones = self.zones.mean(axis=0)
        return average

    @property
    def time(self) -> float:
        return float(np.mean(self.times))


@dataclass(frozen=True)
class LightSeen:
    """One light, as the camera saw it. ``shares`` of its own full response, by ``levels``; ``latency`` in seconds;
    ``flicker`` in per cent (standard deviation by mean, noise taken away); ``strength`` linear light it adds."""

    dark: Zones
    response: Zones
    levels: tuple[float, ...]
    shares: tuple[float, ...]
    strength: float
    noise: float
    reacts: bool
    clipped: float
    """Share of the zones that are clipped at full, 0…1."""
    latency: float | None = None
    flicker: float | None = None


@dataclass(frozen=True)
class Reference:
    """The baseline: how it was when all was well. ``runs``: from how many, by light."""

    dark: Zones
    signatures: Mapping[str, Zones]
    curves: Mapping[str, Mapping[float, float]]
    runs: Mapping[str, int]


@dataclass(frozen=True)
class Match:
    """A light against the baseline. ``own``: share of its signature found when it was stepped; ``others``: of other
    lights'; ``leak``: share that stays with the command at zero; ``fits``: the known lights explain the picture."""

    own: float
    others: Mapping[str, float] = field(default_factory=dict)
    leak: float = 0.0
    fits: bool = True

    @property
    def stranger(self) -> tuple[str, float]:
        """The other light that answered most."""
        return max(self.others.items(), key=lambda item: item[1], default=("", 0.0))


def analyse(
    dark: Shots, steps: Sequence[tuple[float, Shots]], dark_again: Shots, latency: float | None = None
) -> LightSeen:
    """``steps``: (level, pictures) upwards; the last one is full."""
    before, after = dark.mean, dark_again.mean
    span = max(dark_again.time - dark.time, 1e-6)

    def added(shots: Shots) -> Zones:
        room = before + (after - before) * (shots.time - dark.time) / span
        light: Zones = shots.mean - room
        return light

    full = steps[-1][1]
    clipped = full.mean >= CLIPPED
    response = np.where(clipped, np.nan, added(full))
    seen = ~clipped
    strength = float(response[seen].mean()) if seen.any() else float("nan")
    trembling = float(dark.zones.mean(axis=(1, 2)).std()) / len(dark.times) ** 0.5
    noise = trembling + abs(float((after - before).mean())) / 2
    reacts = strength > max(SIGMAS * noise, LEAST)
    power = float((response[seen] ** 2).sum()) if reacts else 1.0
    shares = tuple(float((added(shots)[seen] * response[seen]).sum()) / power for _, shots in steps)
    return LightSeen(
        dark=before,
        response=response,
        levels=tuple(level for level, _ in steps),
        shares=shares,
        strength=strength,
        noise=noise,
        reacts=reacts,
        clipped=float(clipped.mean()),
        latency=latency,
        flicker=_flicker(full, dark, response) if reacts else None,
    )


def crossing(shots: Shots, dark: float) -> float | None:
    """When the picture was half way from ``dark`` (mean light) to where it ended: the middle of the rise."""
    means = shots.zones.mean(axis=(1, 2))
    if len(means) < 3:
        return None
    half = (dark + float(np.median(means[-3:]))) / 2
    above = np.flatnonzero(means >= half)
    if not len(above) or above[0] == 0:
        return None
    i = int(above[0])
    rise = float(means[i] - means[i - 1])
    part = (half - float(means[i - 1])) / rise if rise > 0 else 1.0
    return shots.times[i - 1] + part * (shots.times[i] - shots.times[i - 1])


def match(seen: LightSeen, name: str, reference: Reference) -> Match | None:
    """Against the baseline; ``None`` when it does not know this light."""
    if name not in reference.signatures:
        return None
    known = list(reference.signatures)
    valid = np.isfinite(seen.response) & np.isfinite(reference.signatures[name])
    for other in known:
        valid &= np.isfinite(reference.signatures[other])
    if not valid.any():
        return Match(0.0, fits=False)
    response = seen.response[valid]
    basis = {other: reference.signatures[other][valid] for other in known}
    own, others, fits = _unmix(response, name, basis) if seen.reacts else (_along(response, basis[name]), {}, True)
    dark = [*basis.values(), reference.dark[valid]]
    stays, left = non_negative(dark, seen.dark[valid])
    leak = float(stays[known.index(name)]) if left <= ANY_SHAPE else 0.0
    # what is stuck cannot follow: a light that gives its whole response leaks nothing, whatever the room light does
    return Match(max(own, 0.0), others, min(leak, max(0.0, 1.0 - own - sum(others.values()))), fits)


def non_negative(basis: Sequence[Zones], seen: Zones) -> tuple[Zones, float]:
    """Least squares with no negative part: shares, and the part of ``seen`` that stays unexplained (0…1)."""
    matrix = np.stack(basis, axis=1)
    active = list(range(len(basis)))
    shares = np.zeros(len(basis))
    while active:
        found = np.linalg.lstsq(matrix[:, active], seen, rcond=None)[0]
        if np.min(found) >= 0:
            shares[active] = found
            break
        active.pop(int(np.argmin(found)))
    size = float(np.linalg.norm(seen))
    return shares, float(np.linalg.norm(seen - matrix @ shares)) / size if size > 0 else 0.0


def reversal(shares: Sequence[float]) -> float:
    """The deepest fall while the command rose, per cent of full; dark counts as the first point."""
    highest, deepest = 0.0, 0.0
    for share in shares:
        deepest = max(deepest, highest - share)
        highest = max(highest, share)
    return deepest * 100


def _unmix(response: Zones, name: str, basis: Mapping[str, Zones]) -> tuple[float, dict[str, float], bool]:
    size = float(np.linalg.norm(response))
    own = _along(response, basis[name])
    alone = float(np.linalg.norm(response - own * basis[name])) / size
    if alone > OWN_SHAPE:
        shares, left = non_negative(list(basis.values()), response)
        if left <= BETTER * alone:
            found = dict(zip(basis, shares.tolist(), strict=True))
            mine = found.pop(name)
            return mine, found, left <= ANY_SHAPE and max(found.values(), default=0.0) <= MORE_THAN_FULL
    return own, {}, alone <= ANY_SHAPE


def _along(response: Zones, signature: Zones) -> float:
    power = float((signature**2).sum())
    return float((response * signature).sum()) / power if power > 0 else 0.0


def _flicker(full: Shots, dark: Shots, response: Zones) -> float:
    """By rows, because a rolling shutter turns flicker into bands that move over the picture."""
    light = np.nanmean(response, axis=1)
    rows = full.zones.mean(axis=2).std(axis=0)
    noise = dark.zones.mean(axis=2).std(axis=0)
    lit = light > 0.2 * np.nanmax(light)
    beyond = np.sqrt(np.maximum(rows[lit] ** 2 - noise[lit] ** 2, 0.0))
    return float((beyond / light[lit]).mean() * 100)
