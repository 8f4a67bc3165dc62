"""Lamps that flicker, found in the bands a rolling shutter draws: frequency and depth. Pure: pictures in, numbers out.

    points of green --log2--> change from the picture before --per row, 8 groups of columns--> mean of what is not far off
      --Hann, transform over the rows--> cycles per read-out --least squares at the true times--> hertz (alias)
      --power of the 8 groups' mean, over four kinds of noise--> the one peak, or nothing

A lamp's bands are the same in every column and keep their beat; whatever moves in front of the camera does neither.
So a peak counts by how far it stands above (1) the disagreement of the groups, there and (2) round about, (3) the same
spacing at neighbouring frequencies, (4) all spacings at the same frequency. Changes instead of levels, because slow
movement hardly changes a picture from one to the next; bands do. (First published for the median over columns of the
levels; see the README for the comparison.)

Cameras see a frequency f as its alias f - n fps; n follows from the spacing of the bands, f x read-out time.
**Bands of f = n fps stand still** and are not seen here: ``flicker_cause.standing``.
"""

import math
from collections import deque
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from drivers.base import Picture
from drivers.camera.metrics import CLIPPED, CRUSHED, SRGB, Floats

ROWS, COLUMNS = 240, 160
"""Points at most, down and across."""
GROUPS = 8
"""Groups of columns that must agree."""
CYCLES = 64
"""Bands per picture height at most: 3.2 kHz at a read-out of 20 ms."""
FRAMES = 46
FEWEST = 16
THRESHOLD = 17.0
"""dB. The highest of 160 clean clips of every kind of movement: 15 (``tests/benchmarks/flicker.py``)."""
NEAR = 1.5
"""Points further off than so many times the median distance count as this far off (Huber)."""
NEAR_AT_LEAST = 0.01
"""Stops; less than the step of one code."""
OVERSAMPLED = 2
MAINS = (100.0, 120.0)
READOUTS = (0.3, 1.0)
"""Read-out time in frame intervals, where nobody knows it."""
ONE_CORE = 2**15
"""Complex multiplications up to which a matrix product surely stays on the calling thread (OpenBLAS: some 2^16): else
it waits for the busiest core, beside other programs 100 ms and more."""

Times = npt.NDArray[np.float64]
Spectrum = npt.NDArray[np.complex128]
Power = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Flicker:
    """One flickering light, as seen.

    ``frequency`` in hertz, and its standard deviation ``sd``; ``alternatives``: what it may be instead (read-out time
    unknown or not known well enough), the likelier first. ``contrast``: amplitude of the bands in per cent of the
    light in the picture; ``modulation``: the same before the shutter blurred it, (max - min) / (max + min) of a sine,
    ``None`` where the exposure is unknown or hides it. ``strength`` in dB above the noise. ``cycles``: bands per
    read-out; ``alias``: hertz as filmed. ``readout`` in seconds: as given, or what ``frequency`` stands for.
    """

    frequency: float
    sd: float
    alternatives: tuple[float, ...]
    contrast: float
    modulation: float | None
    strength: float
    cycles: float
    alias: float
    readout: float

    @property
    def limit(self) -> float:
        """IEEE 1789-2015, low risk, for the *lamp*: modulation in per cent. To rank by, never to certify with: a
        camera sees a mixture of lights, and one harmonic only."""
        return (0.025 if self.frequency < 90 else 0.08) * self.frequency

    def evidence(self) -> dict[str, float]:
        """For an alert."""
        found = {
            "frequency_hz": round(self.frequency, 2),
            "contrast_percent": round(self.contrast, 2),
            "strength_db": round(self.strength, 1),
            "readout_ms": round(1e3 * self.readout, 2),
            "low_risk_percent": round(self.limit, 2),
        }
        if self.modulation is not None:
            found["modulation_percent"] = round(self.modulation, 2)
        return found | {f"or_{number}_hz": round(f, 2) for number, f in enumerate(self.alternatives[:3], 1)}


@dataclass(frozen=True, slots=True)
class Report:
    """What a window of pictures told. ``flicker``: ``None`` when there is none to be seen; ``strength``: of the
    strongest candidate, in dB, found or not. ``fps``: of the camera, measured; ``seconds`` and ``frames`` looked at."""

    flicker: Flicker | None
    strength: float
    fps: float
    frames: int
    seconds: float


class FlickerWatch:
    """Collects pictures and reports every so often. One thread. Memory: 8.6 kB per picture of the window.

    ``readout``: seconds from the first row to the last, negative when the rows are read from the bottom; ``None``:
    unknown, then the report names candidates. ``readout_error``: how well it is known (relative). ``exposure`` in
    seconds. ``fps`` as the camera says: only needed when the pictures are not consecutive. ``every``: seconds between
    reports.
    """

    def __init__(
        self,
        *,
        readout: float | None = None,
        readout_error: float = 0.03,
        exposure: float | None = None,
        fps: float | None = None,
        frames: int = FRAMES,
        every: float = 5.0,
        curve: Floats = SRGB,
    ) -> None:
        if frames < FEWEST:
            raise ValueError(f"a window has at least {FEWEST} pictures, not {frames}")
        self.readout, self.readout_error, self.exposure = readout, readout_error, exposure
        self.fps, self.every = fps, every
        self._log = np.log2(np.maximum(curve, curve[CRUSHED] / 4)).astype(np.float32)
        self._window: deque[tuple[float, float, Floats]] = deque(maxlen=frames - 1)
        self._last: tuple[float, Picture, Floats] | None = None
        self._reported = -math.inf

    def step(self, pixels: Picture, captured: float) -> Report | None:
        """One picture and when it was taken (monotonic seconds). A report when one is due."""
        self.collect(pixels, captured)
        window = self._window
        if len(window) < (window.maxlen or 0) or captured - self._reported < self.every:
            return None
        self._reported = captured
        return self.report()

    def wants(self, now: float) -> bool:
        """For bursts: whether consecutive pictures would be of use now; between two bursts nothing needs decoding.
        Forgets the last burst when the next one is due."""
        if now - self._reported < self.every:
            return False
        if self._last is not None and self._reported >= self._last[0]:
            self.clear()
        return True

    def clear(self) -> None:
        """Forget all pictures: exposure, mode or lights were changed."""
        self._window.clear()
        self._last = None

    def collect(self, pixels: Picture, captured: float) -> None:
        """Take a picture in: 0.3 ms at 1080p. Doubled pictures are left out."""
        points = _points(pixels)
        before = self._last
        if before is not None and before[1].shape != points.shape:
            self.clear()
            before = None
        if before is not None and (captured <= before[0] or np.array_equal(points, before[1])):
            return
        light = self._log.take(points, mode="clip")
        self._last = (captured, points, light)
        if before is not None:
            self._window.append((before[0], captured, _profile(light - before[2], points, before[1])))

    def report(self) -> Report:
        """Of what is held now. Raises ValueError with fewer than 16 pictures."""
        if len(self._window) < FEWEST - 1:
            raise ValueError(f"{len(self._window) + 1} pictures are too few: {FEWEST} are needed")
        return analyse(list(self._window), self.readout, self.readout_error, self.exposure, self.fps)


def analyse(
    changes: list[tuple[float, float, Floats]],
    readout: float | None = None,
    readout_error: float = 0.03,
    exposure: float | None = None,
    fps: float | None = None,
) -> Report:
    """``changes``: stamps of two pictures and GROUPS x rows of what changed between them, in stops."""
    profiles = np.stack([profile for _, _, profile in changes])
    if readout is not None and readout < 0:
        profiles = profiles[:, :, ::-1]
    stamps = np.array([(begin, end) for begin, end, _ in changes])
    times, rate, rate_sd = true_times(stamps, fps)
    seconds = float(times[-1, 1] - times[0, 0])
    hertz = np.arange(round(OVERSAMPLED * seconds * rate)) / (OVERSAMPLED * seconds)
    hertz -= hertz[len(hertz) // 2]
    rows = profiles.shape[2]
    taper = np.hanning(rows + 2)[1:-1]
    lines = np.fft.rfft(profiles * taper, axis=2)[:, :, 1 : min(CYCLES, rows // 3) + 1]
    weights = _weights(lines, times, seconds)
    beats = _beats(hertz, times)
    groups = _transform(beats * weights, lines)
    groups /= np.sqrt(((np.abs(beats) * weights) ** 2).sum(axis=1) + 1e-12)[:, None, None]
    score = _score(groups)
    score[np.abs(hertz) < 1 / seconds] = 0
    at, spacing = np.unravel_index(int(score.argmax()), score.shape)
    strength = 10 * math.log10(max(float(score[at, spacing]), 1e-9))
    report = Report(None, strength, rate, len(changes) + 1, seconds)
    if strength < THRESHOLD:
        return report
    alias, cycles, amplitude = _fitted(profiles.mean(axis=1), times, weights, float(hertz[at]), 1.0 + float(spacing))
    contrast = 100 * math.log(2) * amplitude
    frequencies = candidates(alias, cycles, rate, readout, readout_error)
    frequency = frequencies[0]
    blur = 1.0 if exposure is None else abs(float(np.sinc(frequency * exposure)))
    flicker = Flicker(
        frequency=frequency,
        sd=math.hypot(abs(frequency - alias) / rate * rate_sd, 0.9 / seconds / 10 ** (strength / 20)),
        alternatives=frequencies[1:],
        contrast=contrast,
        modulation=contrast / blur if exposure is not None and blur > 0.05 else None,
        strength=strength,
        cycles=cycles,
        alias=alias,
        readout=abs(readout) if readout is not None else cycles / frequency,
    )
    return Report(flicker, strength, rate, len(changes) + 1, seconds)


def candidates(
    alias: float, cycles: float, fps: float, readout: float | None = None, error: float = 0.03
) -> tuple[float, ...]:
    """The frequencies n fps + alias that bands of that spacing may have, the likeliest first.

    With the read-out time known, the nearest to cycles / readout, and others only if its error and that of the
    spacing (0.05 bands) leave them possible. Without, all that a read-out of 0.3...1 frame intervals allows; mains
    light, 100 or 120 Hz within 0.3 %, comes first, then the nearest to a read-out of 0.6.
    """
    if readout is not None:
        middle = cycles / abs(readout)
        low, high = (cycles - 0.05) / abs(readout) * (1 - error), (cycles + 0.05) / abs(readout) * (1 + error)
    else:
        middle, low, high = cycles * fps / 0.6, cycles * fps / READOUTS[1], cycles * fps / READOUTS[0]
    nearest = max(alias + fps * round((middle - alias) / fps), abs(alias))
    number = np.arange(math.ceil((low - alias) / fps), math.floor((high - alias) / fps) + 1)
    found = {nearest, *(alias + fps * number).tolist()}

    def rank(frequency: float) -> tuple[bool, float]:
        mains = readout is None and min(abs(frequency / hum - 1) for hum in MAINS) < 0.003
        return not mains, abs(math.log(frequency / middle))

    return tuple(sorted((f for f in found if f > 0), key=rank))


def true_times(stamps: Times, fps: float | None = None) -> tuple[Times, float, float]:
    """When the pictures were really taken, the camera's rate, and the standard deviation of that rate.

    A camera keeps time to some millionths, its pictures' stamps only to milliseconds (a tenth of the mains' period
    and more): where the stamps fit a regular beat with gaps, the beat is the better word. Where they do not (a camera
    that lengthens its frames in the dark), the stamps are taken as they are. ``stamps``: n x 2, pairs of pictures.
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
        return stamps, 1 / float(np.median(steps)), 0.0
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


# --- inside ----------------------------------------------------------------------------------------------------------


def _points(pixels: Picture) -> Picture:
    """Green on a grid of at most ROWS x COLUMNS, whole groups of columns."""
    height, width = pixels.shape[:2]
    down, across = -(-height // ROWS), max(1, -(-width // COLUMNS))
    points = pixels[down // 2 :: down, across // 2 :: across, 1]
    return np.ascontiguousarray(points[:, : points.shape[1] // GROUPS * GROUPS])


def _profile(change: Floats, after: Picture, before: Picture) -> Floats:
    """GROUPS x rows. Mean over columns, in which whatever is far from the usual counts as a little off only (one step
    of Huber's estimator). Burnt-out points never change and are left out."""
    some = change[::4, ::4].ravel()
    usual = _middle(some)
    near = np.float32(NEAR * float(_middle(np.abs(some - usual))) + NEAR_AT_LEAST)
    change -= usual
    inside = np.abs(change) < near
    np.clip(change, -near, near, out=change)
    rows, columns = change.shape
    count: Floats | int = columns // GROUPS
    alive = change.size
    if max(after.max(), before.max()) >= CLIPPED:
        live = (after < CLIPPED) & (before < CLIPPED)
        inside &= live
        alive = int(np.count_nonzero(live))
        live_light = live.astype(np.float32)
        change *= live_light
        count = np.maximum(_sums(live_light), columns / GROUPS / 4)
    share = max(float(np.count_nonzero(inside)) / max(1, alive), 0.2)
    means = _sums(change) / count
    means -= means.mean(axis=0)
    return np.ascontiguousarray((means / np.float32(share)).T)


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


def _weights(lines: Spectrum, times: Times, seconds: float) -> Power:
    """Of each change: Hann over the window; the less the more it moves (cuts hardly count)."""
    unrest = np.median(np.abs(lines.mean(axis=1)) ** 2, axis=1)
    usual = float(np.median(unrest[unrest > 0])) if unrest.any() else 1.0
    middle = (times.mean(axis=1) - times[0, 0]) / seconds
    weights: Power = (0.5 - 0.5 * np.cos(2 * np.pi * middle)) / (unrest / usual + 0.25)
    return weights


def _beats(hertz: Power | float, times: Times) -> Spectrum:
    """What a change between two pictures is of a wave's amplitude, conjugate: frequencies x changes."""
    turns = np.exp(-2j * np.pi * np.multiply.outer(hertz, times))
    return turns[..., 1] - turns[..., 0]


def _transform(beats: Spectrum, lines: Spectrum) -> Spectrum:
    """frequencies x groups x spacings, in products small enough to stay on this core."""
    found = np.empty((len(beats), *lines.shape[1:]), np.complex128)
    block = max(1, ONE_CORE // (len(lines) * lines.shape[2]))
    for group in range(lines.shape[1]):
        flat = np.ascontiguousarray(lines[:, group])
        for start in range(0, len(beats), block):
            found[start : start + block, group] = beats[start : start + block] @ flat
    return found


def _score(groups: Spectrum) -> Power:
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


def _fitted(
    profiles: Floats, times: Times, weights: Power, alias: float, cycles: float
) -> tuple[float, float, float]:
    """Least squares of one travelling wave: its hertz, cycles per height and amplitude in stops, from a peak between
    whose neighbours it lies."""
    rows = profiles.shape[1]
    place = np.arange(rows) / rows
    taper = np.hanning(rows + 2)[1:-1]
    seconds = float(times[-1, 1] - times[0, 0])

    def wave(alias: float, cycles: float) -> float:
        lines = profiles @ (np.exp(-2j * np.pi * cycles * place) * taper)
        beats = _beats(alias, times)
        return abs(complex((beats * weights * lines).sum())) / float((weights * np.abs(beats) ** 2).sum() + 1e-12)

    step, across = 0.5 / seconds, 0.5
    for _ in range(6):
        alias += step * _vertex([wave(alias + by * step, cycles) for by in (-1, 0, 1)])
        cycles += across * _vertex([wave(alias, cycles + by * across) for by in (-1, 0, 1)])
        step, across = step / 2, across / 2
    return alias, cycles, 2 * wave(alias, cycles) / float(taper.sum())


def _vertex(heights: list[float]) -> float:
    """Of the parabola through the logarithms of three neighbours: where it is highest, a step off at most."""
    left, mid, right = (math.log(height + 1e-30) for height in heights)
    bend = left - 2 * mid + right
    if bend >= 0:
        return 1.0 if right > left else -1.0
    return max(-1.0, min(1.0, 0.5 * (left - right) / bend))
