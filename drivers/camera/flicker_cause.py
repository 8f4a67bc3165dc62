"""Bands that stand still; which light flickers; whether it is flicker at all. Pure.

    pictures --mean light of each point--> one look
                                                    }--log2 of the ratio--> change down the rows, 8 groups of columns
    pictures --mean light of each point--> another                           --> peak, or none

Bands of a frequency n fps stand still and look like part of the set. In the ratio of two looks the set falls out, and
what differs between the looks stays: the bands, if the second look hides them. Best by an *exposure* of whole periods
(``flicker_free``): then 2 % are seen, and *which* light draws them by doing so once more with each light off. Or by
switching a light off at one exposure: then the shape of its cone and its shadows stay, too, and only narrow bands
(1 kHz), or strong ones, stand out.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from config.units import Text
from drivers.base import Picture
from drivers.camera import rolling
from drivers.camera.flicker import MAINS, Bands, candidates, per_cent
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
SURE = 4.0
"""Standard deviations."""


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

    @property
    def depth(self) -> float:
        """Per cent of what the light of the first look adds to the other's: its own modulation, as this shutter sees
        it. Means nothing for looks at two exposures."""
        return self.contrast / max(0.01, 1 - 1 / self.growth) if self.growth > 1 else self.contrast


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
    found: for :func:`attribute`. Raises ValueError for looks of two sizes, or that have no light in common."""
    ratio, live = _compared(one, other, stepped=False)
    if live.mean() < LEAST_LIVE:
        raise ValueError("the two looks have too little in common: too dark, burnt out, or another scene")
    lines = _lines(ratio, live, LAGS[0] if cycles < 5.5 else LAGS[1])
    at = int(np.abs(lines.cycles - cycles).argmin())
    light = float(np.exp(np.log(one[live]).mean()))
    _, stops = _wave(lines.profile, cycles, lines.lag, len(ratio))
    return Bands(per_cent(stops), per_cent(float(lines.sd[at])), light)


@dataclass(frozen=True, slots=True)
class Culprit:
    """Who flickers. ``fixtures``: the worst first; empty: nobody, or it cannot be said; ``reason`` says which.
    ``evidence``: numbers of every fixture."""

    fixtures: tuple[str, ...]
    reason: Text
    evidence: Mapping[str, Mapping[str, float]]


def culprit(found: Mapping[str, Standing | None]) -> Culprit:
    """Of several lights' looks, each through :func:`standing` (``stepped``): those that draw standing bands."""
    seen = {name: bands for name, bands in found.items() if bands is not None}
    worst = tuple(sorted(seen, key=lambda name: seen[name].depth, reverse=True))
    evidence = {
        name: {
            "frequency_hz": round(bands.frequency, 2),
            "depth_percent": round(bands.depth, 2),
            "contrast_percent": round(bands.contrast, 2),
            "strength_db": round(bands.strength, 1),
        }
        for name, bands in seen.items()
    }
    if not worst:
        return Culprit((), Text("no light draws standing bands", "没有灯具产生静止条纹"), evidence)
    names = ", ".join(worst)
    return Culprit(
        worst, Text(f"standing bands come and go with: {names}", f"静止条纹随以下灯具出现和消失：{names}"), evidence
    )


@dataclass(frozen=True, slots=True)
class BandStep:
    """Bands before and after one light alone was stepped: rolling ones (``FlickerWatch.bands``) or standing ones
    (:func:`standing_bands`)."""

    before: Bands
    after: Bands
    level_before: float
    level_after: float


def attribute(steps: Mapping[str, BandStep]) -> Culprit:
    """The light whose step changes the bands.

    What counts is the bands' own light, contrast x light: a light that does not flicker changes their contrast, too
    (it lights what they are compared with), but not them. ``share`` in the evidence is the part of the bands that is
    the light's if it dims without changing its waveform. Pulse-width dimmers do change it; near half duty a small
    step hardly changes their bands at all: if nobody is found, step further, or switch off.
    """
    evidence: dict[str, dict[str, float]] = {}
    moved: dict[str, float] = {}
    for name, step in steps.items():
        was, now = step.before.contrast * step.before.light, step.after.contrast * step.after.light
        sd = math.hypot(step.before.sd * step.before.light, step.after.sd * step.after.light) or 1e-9
        change = (now - was) / sd
        dimmed = 1 - step.level_after / step.level_before if step.level_before > 0 else 0.0
        share = (1 - now / was) / dimmed if was > 0 and dimmed else 0.0
        evidence[name] = {"change_sd": round(change, 1), "share": round(share, 2)}
        # No fixture answers for a change of the bands by 2 % or less: light is measured no better than that.
        if abs(change) > SURE and abs(now - was) > 0.02 * was:
            moved[name] = abs(now - was)
    if not moved:
        return Culprit((), Text("no light's step changed the bands", "没有灯具的变化影响条纹"), evidence)
    worst = tuple(sorted(moved, key=lambda name: moved[name], reverse=True))
    guilty = tuple(name for name in worst if moved[name] > 0.25 * moved[worst[0]])
    names = ", ".join(guilty)
    return Culprit(guilty, Text(f"the bands change with: {names}", f"条纹随以下灯具变化：{names}"), evidence)


class Answer(StrEnum):
    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class CrossCheck:
    """``expected``: contrast in per cent at the second exposure if the frequency is right, with its ``sd``."""

    answer: Answer
    expected: float
    sd: float


def predicted(contrast: float, frequency: float, exposure: float, other: float) -> float:
    """The contrast at another exposure: a shutter open for whole periods sees no flicker."""
    now = abs(float(np.sinc(frequency * exposure)))
    return contrast * abs(float(np.sinc(frequency * other))) / now if now > 0.01 else math.nan


def cross_check(before: Bands, after: Bands, frequency: float, exposure: float, other: float) -> CrossCheck:
    """Does the contrast change as that frequency's must, from one exposure to ``other`` (1/100 s for 100 Hz, 1/120 s
    for 120)? Undecided: the two exposures do not differ enough beside the noise."""
    expected = predicted(before.contrast, frequency, exposure, other)
    if math.isnan(expected):
        return CrossCheck(Answer.UNDECIDED, expected, math.nan)
    # Exposures are set to 0.1 ms by UVC: that is what a zero of the sinc is worth.
    slack = max(abs(predicted(before.contrast, frequency, exposure, other + by) - expected) for by in (-1e-4, 1e-4))
    sd = math.sqrt((before.sd * expected / max(before.contrast, 1e-9)) ** 2 + after.sd**2 + slack**2)
    if abs(expected - before.contrast) < SURE * math.hypot(sd, before.sd):
        return CrossCheck(Answer.UNDECIDED, expected, sd)
    as_expected = abs(after.contrast - expected) < abs(after.contrast - before.contrast)
    return CrossCheck(Answer.CONFIRMED if as_expected else Answer.REFUTED, expected, sd)


def flicker_free(frequency: float, shortest: float, longest: float) -> tuple[float, ...]:
    """Exposures in seconds, whole periods of the flicker, that hide it: what to set until the light is mended."""
    most = min(math.floor(longest * frequency + 1e-9), 1000)
    return tuple(n / frequency for n in range(max(1, math.ceil(shortest * frequency - 1e-9)), most + 1))


def is_mains(frequency: float) -> bool:
    """Twice 50 or 60 Hz, within 0.3 % (grids stray by 0.1 %, read-out of a frame rate by as much)."""
    return min(abs(frequency / hum - 1) for hum in MAINS) < 0.003


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
