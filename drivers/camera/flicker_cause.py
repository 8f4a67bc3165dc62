"""Which light flickers, and does it: bands that stand still, lights stepped one by one, another exposure. Pure.

    pictures, light on  --mean light of each point--> on  '
                                                           }--log2 of the ratio--> rows x 8 groups of columns --> peak
    pictures, light off --mean light of each point--> off '

Bands of a frequency n fps stand still and look like part of the set. They go with the light that draws them: in the
ratio of two pictures the set falls out and the bands stay.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from config.units import Text
from drivers.base import Picture
from drivers.camera import rolling
from drivers.camera.flicker import MAINS, Bands, candidates
from drivers.camera.metrics import CLIPPED, SRGB, Floats

STANDING = 20.0
"""dB above which bands are bands."""
LEAST_LIGHT = 0.001
"""Linear; darker points are noise."""
TRENDS = 4
"""Of each column, a polynomial with so many terms is the light's own shape, not bands."""
SURE = 4.0
"""Standard deviations."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Bands that stand still while a light is on. ``contrast``: per cent of the light in the picture; ``modulation``:
    of that light alone, before the shutter blurred it (``None``: exposure unknown or hides it). ``share``: of the
    picture's light that came from it, 0...1. Frequencies as in :class:`drivers.camera.flicker.Flicker`."""

    frequency: float
    alternatives: tuple[float, ...]
    contrast: float
    modulation: float | None
    share: float
    strength: float
    cycles: float


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
    on: Floats,
    off: Floats,
    fps: float,
    *,
    readout: float | None = None,
    readout_error: float = 0.03,
    exposure: float | None = None,
    levels: tuple[float, float] = (1.0, 0.0),
) -> Standing | None:
    """Bands in what a light adds: two looks, with the light at ``levels`` (higher first). Nothing: none to be seen.

    Raises ValueError for looks of two sizes or levels that do not fall.
    """
    if on.shape != off.shape:
        raise ValueError(f"two looks of one camera have one size, not {on.shape} and {off.shape}")
    if not levels[0] > levels[1] >= 0:
        raise ValueError(f"the first level is the higher one, not {levels}")
    live = (on > LEAST_LIGHT) & (off > LEAST_LIGHT)  # NaN is not
    if live.mean() < 0.1:
        return None
    ratio = np.where(live, np.log2(np.where(live, on, 1) / np.where(live, off, 1)), np.float32(0))
    profiles = rolling.group_means(_flattened(ratio, live), live)
    rows = profiles.shape[1]
    if readout is not None and readout < 0:
        profiles = profiles[:, ::-1]
    taper = np.hanning(rows + 2)[1:-1]
    finer = 4
    lines = np.fft.rfft(profiles * taper, n=finer * rows, axis=1)[:, : finer * min(rolling.CYCLES, rows // 3)]
    mean = lines.mean(axis=0)
    power = np.abs(mean) ** 2
    floor = _noise(lines, mean, finer)
    score = power / floor
    score[: round(1.25 * finer)] = 0
    peak = int(score.argmax())
    strength = 10 * math.log10(max(float(score[peak]), 1e-9))
    if strength < STANDING:
        return None
    cycles = (
        peak + rolling.vertex([math.sqrt(power[i]) for i in (peak - 1, peak, min(peak + 1, len(power) - 1))])
    ) / finer
    contrast = 100 * math.log(2) * 2 * math.sqrt(float(power[peak])) / float(taper.sum())
    growth = 2 ** float(np.median(ratio[live]))
    full = (growth - 1) / (levels[0] - levels[1])  # this light at full, where ``off`` is 1
    share = min(1.0, max(0.0, levels[0] * full / growth))
    gained = share - max(0.0, levels[1] * full)  # of the picture's light, from one look to the other
    frequencies = candidates(0.0, cycles, fps, readout, readout_error)
    blur = 0.0 if exposure is None else abs(float(np.sinc(frequencies[0] * exposure)))
    shown = blur > 0.05 and gained > 0.01
    return Standing(
        frequencies[0], frequencies[1:], contrast, contrast / gained / blur if shown else None, share, strength, cycles
    )


@dataclass(frozen=True, slots=True)
class Culprit:
    """Who flickers. ``fixtures``: the worst first; empty: nobody, or it cannot be said; ``reason`` says which.
    ``evidence``: numbers of every fixture."""

    fixtures: tuple[str, ...]
    reason: Text
    evidence: Mapping[str, Mapping[str, float]]


def culprit(found: Mapping[str, Standing | None]) -> Culprit:
    """Of several lights' step pictures, each through :func:`standing`: those that draw standing bands."""
    seen = {name: bands for name, bands in found.items() if bands is not None}

    def depth(name: str) -> float:
        bands = seen[name]
        return bands.contrast / max(bands.share, 0.01) if bands.modulation is None else bands.modulation

    worst = tuple(sorted(seen, key=depth, reverse=True))
    evidence = {
        name: {
            "frequency_hz": round(bands.frequency, 2),
            "depth_percent": round(depth(name), 2),
            "contrast_percent": round(bands.contrast, 2),
            "share": round(bands.share, 3),
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
    """Rolling bands before and after one light alone was stepped."""

    before: Bands
    after: Bands
    level_before: float
    level_after: float


def attribute(steps: Mapping[str, BandStep]) -> Culprit:
    """Of rolling bands: the light whose step changes them.

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
        if abs(change) > SURE and abs(now / was - 1) > 0.02 if was > 0 else change > SURE:
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


def _flattened(ratio: Floats, live: npt.NDArray[np.bool_]) -> Floats:
    """Each column without its smooth trend: the shape of a light's cone is no band."""
    rows = ratio.shape[0]
    basis, _ = np.linalg.qr(np.polynomial.legendre.legvander(np.linspace(-1, 1, rows), TRENDS - 1))
    flat = ratio.astype(np.float64)
    middle = (flat * live).sum(axis=0) / np.maximum(live.sum(axis=0), 1)
    flat = np.where(live, flat, middle)
    trend = np.einsum("rk,kc->rc", basis, np.einsum("rk,rc->kc", basis, flat))
    return np.asarray(flat - trend, np.float32)


def _noise(lines: npt.NDArray[np.complex128], mean: npt.NDArray[np.complex128], finer: int) -> npt.NDArray[np.float64]:
    """Disagreement of the groups, there and round about, and what the mean has at other spacings."""
    power = np.abs(mean) ** 2
    phase = np.conj(mean) / np.sqrt(power + 1e-12)
    across = (lines * phase).imag
    count = len(lines)
    apart = 2 * (across**2).sum(axis=0) / (count - 1) / count
    width = 3 * finer
    padded = np.pad(apart, width, mode="reflect")
    round_about = np.convolve(padded, np.ones(2 * width + 1) / (2 * width + 1), "valid")
    usual = float(np.median(power)) / math.log(2)
    noise: npt.NDArray[np.float64] = (apart + round_about + usual) / 3 + 1e-12
    return noise
