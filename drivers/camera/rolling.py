"""The arithmetic of bands that roll through pictures: points, changes, true times, travelling waves. Pure."""

import math
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from drivers.base import Picture
from drivers.camera.metrics import Floats

ROWS, COLUMNS = 240, 160
"""Points at most, down and across."""
GROUPS = 8
"""Groups of columns that must agree."""
CYCLES = 64
"""Bands per picture height at most: 3.2 kHz at a read-out of 20 ms."""
NEAR = 1.5
"""Points further off than so many times the median distance count as this far off (Huber)."""
NEAR_AT_LEAST = 0.01
"""Stops; less than the step of one code."""
OVERSAMPLED = 2
ONE_CORE = 2**15
"""Complex multiplications up to which a matrix product surely stays on the calling thread (OpenBLAS: some 2^16): else
it waits for the busiest core, beside other programs 100 ms and more."""

Times = npt.NDArray[np.float64]
Spectrum = npt.NDArray[np.complex128]
Power = npt.NDArray[np.float64]


class Change(NamedTuple):
    """Of two pictures one after the other: their stamps, what changed in stops (GROUPS x rows), and the later one's
    light, log2 of linear, on average."""

    begin: float
    end: float
    profile: Floats
    light: float


def sample(pixels: Picture) -> Picture:
    """Green on a grid of at most ROWS x COLUMNS, whole groups of columns."""
    height, width = pixels.shape[:2]
    down, across = -(-height // ROWS), max(1, -(-width // COLUMNS))
    points = pixels[down // 2 :: down, across // 2 :: across, 1]
    return np.ascontiguousarray(points[:, : points.shape[1] // GROUPS * GROUPS])


def group_means(change: Floats, live: npt.NDArray[np.bool_] | None = None, near: float = NEAR) -> Floats:
    """GROUPS x rows, row mean removed. Mean over columns, in which whatever is far from the usual counts as a little
    off only (one step of Huber's estimator; ``near``, in median distances). ``live``: the points that count. Writes to
    ``change``."""
    some = change[::4, ::4].ravel()
    usual = _middle(some)
    bound = np.float32(near * float(_middle(np.abs(some - usual))) + NEAR_AT_LEAST)
    change -= usual
    inside = np.abs(change) < bound
    np.clip(change, -bound, bound, out=change)
    columns = change.shape[1]
    count: Floats | int = columns // GROUPS
    alive = change.size
    if live is not None:
        inside &= live
        alive = int(np.count_nonzero(live))
        lit = live.astype(np.float32)
        change *= lit
        count = np.maximum(_sums(lit), columns / GROUPS / 4)
    share = max(float(np.count_nonzero(inside)) / max(1, alive), 0.2)
    means = _sums(change) / count
    means -= means.mean(axis=0)
    return np.ascontiguousarray((means / np.float32(share)).T)


def true_times(stamps: Times, fps: float | None = None) -> tuple[Times, float, float] | None:
    """When the pictures were really taken, the camera's rate, and the standard deviation of that rate.

    A camera keeps time to some millionths, its pictures' stamps only to milliseconds (a tenth of the mains' period
    and more): so the regular beat, with gaps, that fits the stamps. ``None``: there is none (a camera that lengthens
    its frames in the dark). ``stamps``: n x 2, pairs of pictures.
    """
    each = np.unique(stamps)
    steps = np.diff(each)
    expected = fps or 1 / float(np.median(steps))
    span = float(each[-1] - each[0])
    reach = 0.02 if fps else 0.1
    rates = expected * np.linspace(1 - reach, 1 + reach, 2 * max(2, math.ceil(8 * reach * expected * span)) + 1)
    turns = np.exp(-2j * np.pi * rates[:, None] * (each - each[0])).mean(axis=1)
    best = int(np.abs(turns).argmax())
    if abs(turns[best]) < 0.45:
        return None
    offset = -np.angle(turns[best]) / (2 * np.pi)
    number = np.round((each - each[0]) * rates[best] - offset)
    number -= number[0]
    middle = number.mean()
    spread = ((number - middle) ** 2).sum()
    period = float(((number - middle) * (each - each.mean())).sum() / spread)
    begin = float(each.mean() - period * middle)
    off = float(np.std(each - (begin + period * number)))
    divisor = int(np.gcd.reduce(number.astype(np.int64)))  # every second picture, say: then that is the rate seen
    beat = begin + period * number
    return beat[np.searchsorted(each, stamps)], 1 / (period * max(1, divisor)), off / math.sqrt(spread) / period**2


def prepared(
    changes: list[Change], readout: float | None, fps: float | None
) -> tuple[Floats, Times, float, float] | None:
    """Profiles in the order the rows are read; true times, rate and its standard deviation. ``None``: no beat."""
    profiles = np.stack([change.profile for change in changes])
    if readout is not None and readout < 0:
        profiles = profiles[:, :, ::-1]
    beat = true_times(np.array([(change.begin, change.end) for change in changes]), fps)
    return None if beat is None else (profiles, *beat)


def lines_of(profiles: Floats) -> Spectrum:
    """changes x groups x spacings."""
    rows = profiles.shape[2]
    spectrum: Spectrum = np.fft.rfft(profiles * np.hanning(rows + 2)[1:-1], axis=2)
    return spectrum[:, :, 1 : min(CYCLES, rows // 3) + 1]


def weights_of(lines: Spectrum, times: Times, seconds: float) -> Power:
    """Of each change: Hann over the window; the less the more it moves (cuts hardly count)."""
    unrest = np.median(np.abs(lines.mean(axis=1)) ** 2, axis=1)
    usual = float(np.median(unrest[unrest > 0])) if unrest.any() else 1.0
    middle = (times.mean(axis=1) - times[0, 0]) / seconds
    weights: Power = (0.5 - 0.5 * np.cos(2 * np.pi * middle)) / (unrest / usual + 0.25)
    return weights


def beats_of(hertz: Power | float, times: Times) -> Spectrum:
    """What a change between two pictures is of a wave's amplitude, conjugate: frequencies x changes."""
    turns = np.exp(-2j * np.pi * np.multiply.outer(hertz, times))
    return turns[..., 1] - turns[..., 0]


def transform(beats: Spectrum, lines: Spectrum) -> Spectrum:
    """frequencies x groups x spacings, in products small enough to stay on this core."""
    found = np.empty((len(beats), *lines.shape[1:]), np.complex128)
    block = max(1, ONE_CORE // (len(lines) * lines.shape[2]))
    for group in range(lines.shape[1]):
        flat = np.ascontiguousarray(lines[:, group])
        for start in range(0, len(beats), block):
            found[start : start + block, group] = beats[start : start + block] @ flat
    return found


def score_of(groups: Spectrum) -> Power:
    """frequencies x spacings: power of the mean over the four noises' mean."""
    mean = groups.mean(axis=1)
    power = np.abs(mean) ** 2
    tiny = 1e-12 + 1e-9 * float(power.max())
    phase = np.conj(mean) / np.sqrt(power + tiny)
    across = (groups * phase[:, None]).imag  # along the mean's phase lamps may differ: they light parts of the picture
    count = groups.shape[1]
    disagreement = 2 * (across**2).sum(axis=1) / (count - 1) / count
    usual = np.median(power, axis=1, keepdims=True) / math.log(2)
    ring = np.median([np.roll(power, by, axis=0) for by in _ring()], axis=0) / math.log(2)
    score: Power = 4 * power / (disagreement + _smooth(disagreement) + ring + usual + tiny)
    return score


def fitted(profiles: Floats, times: Times, weights: Power, alias: float, cycles: float) -> tuple[float, float, float]:
    """Hertz, cycles per height and amplitude of the wave near a peak, between whose neighbours it lies."""
    step, across = 0.5 / float(times[-1, 1] - times[0, 0]), 0.5

    def wave(alias: float, cycles: float) -> float:
        return explained(profiles, times, weights, alias, cycles)

    for _ in range(6):
        alias += step * vertex([wave(alias + by * step, cycles) for by in (-1, 0, 1)])
        cycles += across * vertex([wave(alias, cycles + by * across) for by in (-1, 0, 1)])
        step, across = step / 2, across / 2
    return alias, cycles, amplitude_of(profiles, times, weights, alias, cycles)


def amplitude_of(profiles: Floats, times: Times, weights: Power, alias: float, cycles: float) -> float:
    """Least squares of one travelling wave in rows of changes: its amplitude in stops."""
    found, norm = _projected(profiles, times, weights, alias, cycles)
    return 2 * abs(found) / norm


def without(profiles: Floats, times: Times, weights: Power, alias: float, cycles: float) -> Floats:
    """The changes less that wave: what is found in them beside it is noise, not its own side lobes."""
    found, norm = _projected(profiles, times, weights, alias, cycles)
    rows = profiles.shape[1]
    wave = 2 * found / norm * np.conj(beats_of(alias, times))[:, None]
    rest: Floats = profiles - (wave * np.exp(2j * np.pi * cycles * np.arange(rows) / rows)).real
    return rest


def explained(profiles: Floats, times: Times, weights: Power, alias: float, cycles: float) -> float:
    """Root of what such a wave explains of the changes: highest at the best fit (its amplitude is not: slow waves
    change little from one picture to the next, so that noise makes large ones of them)."""
    found, norm = _projected(profiles, times, weights, alias, cycles)
    return abs(found) / math.sqrt(norm)


def _projected(profiles: Floats, times: Times, weights: Power, alias: float, cycles: float) -> tuple[complex, float]:
    rows = profiles.shape[1]
    taper = np.hanning(rows + 2)[1:-1]
    lines = profiles @ (np.exp(-2j * np.pi * cycles * np.arange(rows) / rows) * taper)
    beats = beats_of(alias, times)
    found = complex((beats * weights * lines).sum())
    return found, float(taper.sum()) * float((weights * np.abs(beats) ** 2).sum()) + 1e-12


# --- inside ----------------------------------------------------------------------------------------------------------


def _middle(values: Floats) -> np.float32:
    """The median, within one rank."""
    middle: np.float32 = np.partition(values, len(values) // 2)[len(values) // 2]
    return middle


def _sums(values: Floats) -> Floats:
    """rows x GROUPS."""
    rows, columns = values.shape
    owner = np.repeat(np.eye(GROUPS, dtype=np.float32), columns // GROUPS, axis=0)
    half = rows // 2  # two products: each stays on this core
    return np.concatenate([values[:half] @ owner, values[half:] @ owner])


@cache
def _ring() -> tuple[int, ...]:
    """Neighbours outside the width of a tone."""
    return tuple(sign * by for by in range(3 * OVERSAMPLED, 6 * OVERSAMPLED + 1) for sign in (1, -1))


def _smooth(power: Power) -> Power:
    """Mean over 5 frequencies x 3 spacings."""
    along = sum(np.roll(power, by, axis=0) for by in range(-2, 3)) / 5
    edged = np.pad(along, ((0, 0), (1, 1)), mode="edge")
    smooth: Power = (edged[:, :-2] + edged[:, 1:-1] + edged[:, 2:]) / 3
    return smooth


def vertex(heights: list[float]) -> float:
    """Of the parabola through the logarithms of three neighbours: where it is highest, a step off at most."""
    left, mid, right = (math.log(height + 1e-30) for height in heights)
    bend = left - 2 * mid + right
    if bend >= 0:
        return 1.0 if right > left else -1.0
    return max(-1.0, min(1.0, 0.5 * (left - right) / bend))
