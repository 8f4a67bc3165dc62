"""Bands that stand still, by two looks that differ; the exposures that hide flicker. Pure.

    pictures --mean light of each point--> one look
                                                    }--log2 of the ratio--> change down the rows, 8 groups of columns
    pictures --mean light of each point--> another                           --> peak, or none

Bands of a frequency n fps stand still and look like part of the set. In the ratio of two looks the set falls out, and
what differs between the looks stays: the bands, if the second look hides them. Best by an *exposure* of whole periods
(``flicker_free``): then 2 % are seen. Which light draws them the self-test finds by lighting each alone. Or by
switching a light off at one exposure: then the shape of its cone and its shadows stay, too, and only narrow bands
(1 kHz), or strong ones, stand out.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from drivers.base import Picture
from drivers.camera import rolling
from drivers.camera.flicker import Bands, candidates, per_cent
from drivers.camera.metrics import CLIPPED, SRGB, Floats, Mask

Values = npt.NDArray[np.float64]

STANDING = 15.0
"""dB above which bands are bands; clean pairs of looks with the same lights: up to 12."""
STEPPED = 22.0
"""The same where a light was stepped: up to 20."""
MOVED = 0.1
"""Stops off the rest of its row: something stands there that did not."""
LEAST_LIGHT = 0.004
"""Linear; darker points are noise."""
LAGS = (8, 40)
"""Rows are compared with those 1/8 and 1/40 of the height further down: 1.25...6 bands and 5...60."""
TRENDS = 3
"""A polynomial with so many terms is the shape of a light, not bands."""
FINER = 4
LEAST_LIVE = 0.1
"""Of the points; with fewer nothing is said."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Bands that stand still in one look and not, or less, in the other. ``contrast``: per cent of the light in the
    picture. ``growth``: light of the first look over that of the other. Frequencies as in
    :class:`drivers.camera.flicker.Flicker`."""

    frequency: float
    alternatives: tuple[float, ...]
    contrast: float
    strength: float
    cycles: float
    growth: float


def look(pictures: Iterable[Picture], curve: Floats = SRGB) -> Floats:
    """Mean linear light of every point: about a second of pictures, so that what rolls or moves is smeared. Burnt-out
    points are NaN. Raises ValueError for no pictures or pictures of several sizes."""
    total: Floats | None = None
    count = 0
    for pixels in pictures:
        points = rolling.sample(pixels)
        light = curve.take(points, mode="clip")
        light[points >= CLIPPED] = np.nan
        if total is not None and total.shape != light.shape:
            raise ValueError("the pictures are of several sizes")
        total = light if total is None else total + light
        count += 1
    if total is None:
        raise ValueError("no picture to look at")
    return total / np.float32(count)


def standing(
    one: Floats,
    other: Floats,
    fps: float,
    *,
    stepped: bool = False,
    readout: float | None = None,
    readout_error: float = 0.03,
) -> Standing | None:
    """Bands in ``one`` look that ``other`` hides: the same lights at an exposure of whole periods, or (``stepped``) a
    light off or dimmed. ``None``: nothing to be seen. Raises ValueError for looks of two sizes."""
    ratio, live = _compared(one, other, stepped)
    if live.mean() < LEAST_LIVE:
        return None
    if readout is not None and readout < 0:
        ratio, live = ratio[::-1], live[::-1]
    lines = max((_lines(ratio, live, part) for part in LAGS), key=lambda lines: float(lines.score.max()))
    peak = int(lines.score.argmax())
    strength = 10 * math.log10(max(float(lines.score[peak]), 1e-9))
    if strength < (STEPPED if stepped else STANDING):
        return None
    cycles, stops = _fitted(lines.profile, float(lines.cycles[peak]), lines.lag, len(ratio))
    frequencies = candidates(0.0, cycles, fps, readout, readout_error)
    growth = 2 ** float(np.median(ratio[live]))
    return Standing(frequencies[0], frequencies[1:], per_cent(stops), strength, cycles, growth)


def standing_bands(one: Floats, other: Floats, cycles: float) -> Bands:
    """The contrast of bands whose spacing is known, by two looks at the same lights, even where it is too weak to be
    found: to tell a light's own from those of the room. Raises ValueError for looks of two sizes, or that have no light
    in common."""
    ratio, live = _compared(one, other, stepped=False)
    if live.mean() < LEAST_LIVE:
        raise ValueError("the two looks have too little in common: too dark, burnt out, or another scene")
    lines = _lines(ratio, live, LAGS[0] if cycles < 5.5 else LAGS[1])
    at = int(np.abs(lines.cycles - cycles).argmin())
    light = float(np.exp(np.log(one[live]).mean()))
    _, stops = _wave(lines.profile, cycles, lines.lag, len(ratio))
    return Bands(per_cent(stops), per_cent(float(lines.sd[at])), light)


def flicker_free(frequency: float, shortest: float, longest: float) -> tuple[float, ...]:
    """Exposures in seconds, whole periods of the flicker, that hide it: what to set until the light is mended."""
    most = min(math.floor(longest * frequency + 1e-9), 1000)
    return tuple(n / frequency for n in range(max(1, math.ceil(shortest * frequency - 1e-9)), most + 1))


# --- inside ----------------------------------------------------------------------------------------------------------


class _Lines(NamedTuple):
    """For each spacing in cycles per height: power over noise, and the standard deviation of an amplitude in stops;
    and the mean profile they are of, which is one of differences over ``lag`` rows."""

    cycles: Values
    score: Values
    sd: Values
    profile: Values
    lag: int


def _compared(one: Floats, other: Floats, stepped: bool) -> tuple[Floats, Mask]:
    """Ratio in stops, and the points that count. With the same lights that is those that agree with their row."""
    if one.shape != other.shape:
        raise ValueError(f"two looks of one camera have one size, not {one.shape} and {other.shape}")
    live = (one > LEAST_LIGHT) & (other > LEAST_LIGHT)  # NaN is not
    ratio = np.log2(np.where(live, one, 1) / np.where(live, other, 1)).astype(np.float32)
    if not stepped:
        usual = np.nanmedian(ratio[live]) if live.any() else 0.0
        rows = np.median(np.where(live, ratio, usual), axis=1)
        live &= np.abs(ratio - rows[:, None]) < MOVED
    return ratio, live


def _lines(ratio: Floats, live: Mask, part: int) -> _Lines:
    """Differences down the columns, over 1/``part`` of the height: the shape of lights is smooth, and the edges of
    what moved between the looks are few and counted as a little off."""
    rows = len(ratio)
    lag = max(1, rows // part)
    both = live[lag:] & live[:-lag]
    profiles = rolling.group_means(np.where(both, ratio[lag:] - ratio[:-lag], np.float32(0)), both, near=0.7)
    count = profiles.shape[1]
    shape, _ = np.linalg.qr(np.polynomial.legendre.legvander(np.linspace(-1, 1, count), TRENDS - 1))
    flat = profiles - (profiles @ shape) @ shape.T
    taper = np.hanning(count + 2)[1:-1]
    cycles = np.arange(5, FINER * min(rolling.CYCLES, rows // 3)) / FINER
    groups = np.einsum("gr,rc->gc", flat * taper, np.exp(-2j * np.pi * np.outer(np.arange(count) / rows, cycles)))
    gain = 2 * np.abs(np.sin(np.pi * cycles * lag / rows))
    mean = groups.mean(axis=0)
    power = np.abs(mean) ** 2
    apart = 2 * ((groups * np.conj(mean) / np.sqrt(power + 1e-12)).imag ** 2).sum(axis=0) / rolling.GROUPS
    apart /= rolling.GROUPS - 1
    width = 3 * FINER
    near = np.convolve(np.pad(apart, width, mode="reflect"), np.ones(2 * width + 1) / (2 * width + 1), "valid")
    seen = gain > 0.7
    noise = (apart + near + float(np.median(power[seen])) / math.log(2)) / 3 + 1e-9
    scale = 2 / (float(taper.sum()) * np.maximum(gain, 0.1))
    sd = np.sqrt(noise / 2) * scale
    return _Lines(cycles, np.where(seen, power / noise, 0), sd, profiles.mean(axis=0).astype(np.float64), lag)


def _wave(profile: Values, cycles: float, lag: int, rows: int) -> tuple[float, float]:
    """Of a wave beside a polynomial, by least squares: what they explain, and the wave's amplitude in stops. (The
    peak of a transform alone lies up to half a cycle off, when there are two cycles and a slope.)"""
    turn = 2 * np.pi * cycles * np.arange(len(profile)) / rows
    shape = np.polynomial.legendre.legvander(np.linspace(-1, 1, len(profile)), TRENDS - 1)
    basis = np.column_stack([np.cos(turn), np.sin(turn), shape])
    found, *_ = np.linalg.lstsq(basis, profile, rcond=None)
    explained = float(((basis * found).sum(axis=1) ** 2).sum())
    return explained, math.hypot(found[0], found[1]) / max(0.1, 2 * abs(math.sin(math.pi * cycles * lag / rows)))


def _fitted(profile: Values, cycles: float, lag: int, rows: int) -> tuple[float, float]:
    """Cycles and amplitude of the best wave near a peak."""
    near = cycles + np.arange(-1.0, 1.01, 0.02)
    best = max(near[near >= 1].tolist(), key=lambda each: _wave(profile, each, lag, rows)[0])
    return best, _wave(profile, best, lag, rows)[1]
