"""Lamps that flicker, found in the bands a rolling shutter draws: frequency and depth. Pure: pictures in, numbers out.

    points of green --log2--> change from the picture before --rows x 8 groups of columns--> mean of what is not far off
      --Hann, transform over the rows--> cycles per read-out --least squares at the true times--> hertz (alias)
      --power of the 8 groups' mean, over four kinds of noise--> the one peak, or nothing

A lamp's bands are the same in every column and keep their beat; whatever moves in front of the camera does neither.
So a peak counts by how far it stands above (1) the disagreement of the groups, there and (2) round about, (3) the same
spacing at neighbouring frequencies, (4) all spacings at the same frequency. Changes instead of levels, because slow
movement hardly changes a picture from one to the next; bands do (README: Decisions).

Cameras see a frequency f as its alias f - n fps; n follows from the spacing of the bands, f x read-out time.
**Bands of f = n fps stand still** and are not seen here: ``flicker_cause.standing``.
"""

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from drivers.base import Picture
from drivers.camera import rolling
from drivers.camera.metrics import CLIPPED, CRUSHED, SRGB, Floats
from drivers.camera.rolling import Change

FRAMES = 46
FEWEST = 16
GAP = 1.0
"""Seconds without a picture after which a window begins anew: nobody can count the beats in between."""
THRESHOLD = 17.0
"""dB. The highest of 300 clean clips of every kind of movement: 15 (as ``tests/benchmarks/flicker.py`` makes them)."""
MAINS = (100.0, 120.0)
READOUTS = (0.3, 1.0)
"""Read-out time in frame intervals, where nobody knows it."""


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
class Bands:
    """How strong known bands are now: ``contrast`` and its standard deviation ``sd`` in per cent of the light, and that
    ``light`` (linear, geometric mean over the picture)."""

    contrast: float
    sd: float
    light: float


@dataclass(frozen=True, slots=True)
class Report:
    """What a window of pictures told. ``flicker``: ``None`` when there is none to be seen; ``strength``: of the
    strongest candidate, in dB, found or not. ``fps``: of the camera, measured; 0: the pictures come in no regular beat,
    and nothing can be said. ``seconds`` and ``frames`` looked at."""

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
        if readout == 0:
            raise ValueError("reading out takes time: the read-out time is not 0 (None: unknown)")
        self.readout, self.readout_error, self.exposure = readout, readout_error, exposure
        self.fps, self.every = fps, every
        self._log = np.log2(np.maximum(curve, curve[CRUSHED] / 4)).astype(np.float32)
        self._window: deque[Change] = deque(maxlen=frames - 1)
        self._last: tuple[float, Picture, Floats] | None = None
        self._reported = -math.inf

    def step(self, pixels: Picture, captured: float) -> Report | None:
        """One picture and when it was taken (monotonic seconds). A report when one is due. Between two bursts pictures
        are left out: they come at the pace of measuring, and a window of them would be reported before the next burst,
        half blind and with false beats."""
        if not self.wants(captured):
            return None
        self.collect(pixels, captured)
        window = self._window
        if len(window) < (window.maxlen or 0):
            return None
        self._reported = captured
        return self.report()

    def wants(self, now: float) -> bool:
        """For bursts: whether consecutive pictures would be of use now; between two bursts nothing needs decoding.
        Forgets the last burst when the next one is due."""
        if now - self._reported < self.every:
            return False
        if self._window and self._window[0].begin < self._reported:
            self.clear()
        return True

    def clear(self) -> None:
        """Forget all pictures: exposure, mode or lights were changed."""
        self._window.clear()
        self._last = None

    def collect(self, pixels: Picture, captured: float) -> None:
        """Take a picture in: 0.3 ms at 1080p. Doubled pictures are left out."""
        points = rolling.sample(pixels)
        before = self._last
        if before is not None and (before[1].shape != points.shape or captured - before[0] > GAP):
            self.clear()
            before = None
        if before is not None and (captured <= before[0] or np.array_equal(points, before[1])):
            return
        light = self._log.take(points, mode="clip")
        self._last = (captured, points, light)
        if before is not None:
            live = None
            if max(points.max(), before[1].max()) >= CLIPPED:  # burnt-out points never change
                live = (points < CLIPPED) & (before[1] < CLIPPED)
            profile = rolling.group_means(light - before[2], live)
            self._window.append(Change(before[0], captured, profile, float(light[::4, ::4].mean())))

    def report(self) -> Report:
        """Of what is held now. Raises ValueError with fewer than 16 pictures."""
        self._enough()
        return analyse(list(self._window), self.readout, self.readout_error, self.exposure, self.fps)

    def bands(self, flicker: Flicker) -> Bands:
        """The contrast of a flicker found before, in the pictures held now, even where it is too weak to be found:
        to compare levels, exposures. Raises ValueError with fewer than 16 pictures, or without a regular beat."""
        self._enough()
        return measure_bands(list(self._window), flicker.alias, flicker.cycles, self.readout, self.fps)

    def _enough(self) -> None:
        if len(self._window) < FEWEST - 1:
            raise ValueError(f"{len(self._window) + 1} pictures are too few: {FEWEST} are needed")


def analyse(
    changes: list[Change],
    readout: float | None = None,
    readout_error: float = 0.03,
    exposure: float | None = None,
    fps: float | None = None,
) -> Report:
    """The whole method; the arguments as of :class:`FlickerWatch`."""
    prepared = rolling.prepared(changes, readout, fps)
    if prepared is None:
        return Report(None, 0.0, 0.0, len(changes) + 1, changes[-1].end - changes[0].begin)
    profiles, times, rate, rate_sd = prepared
    seconds = float(times[-1, 1] - times[0, 0])
    hertz = np.arange(round(rolling.OVERSAMPLED * seconds * rate)) / (rolling.OVERSAMPLED * seconds)
    hertz -= hertz[len(hertz) // 2]
    lines = rolling.lines_of(profiles)
    weights = rolling.weights_of(lines, times, seconds)
    beats = rolling.beats_of(hertz, times)
    groups = rolling.transform(beats * weights, lines)
    groups /= np.sqrt(((np.abs(beats) * weights) ** 2).sum(axis=1) + 1e-12)[:, None, None]
    score = rolling.score_of(groups)
    score[np.abs(hertz) < 1 / seconds] = 0
    at, spacing = np.unravel_index(int(score.argmax()), score.shape)
    strength = 10 * math.log10(max(float(score[at, spacing]), 1e-9))
    report = Report(None, strength, rate, len(changes) + 1, seconds)
    if strength < THRESHOLD:
        return report
    alias, cycles, amplitude = rolling.fitted(
        profiles.mean(axis=1), times, weights, float(hertz[at]), 1.0 + float(spacing)
    )
    contrast = per_cent(amplitude)
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


def measure_bands(
    changes: list[Change], alias: float, cycles: float, readout: float | None = None, fps: float | None = None
) -> Bands:
    """The amplitude of bands whose frequency and spacing are known. Noise: what is found beside them, at other
    frequencies."""
    prepared = rolling.prepared(changes, readout, fps)
    if prepared is None:
        raise ValueError("the pictures come in no regular beat")
    profiles, times, _, _ = prepared
    weights = rolling.weights_of(rolling.lines_of(profiles), times, float(times[-1, 1] - times[0, 0]))
    mean = profiles.mean(axis=1)
    seconds = float(times[-1, 1] - times[0, 0])
    rest = rolling.without(mean, times, weights, alias, cycles)
    aside = [alias + by / seconds for by in (-7, -6, -5, -4, 4, 5, 6, 7)]
    beside = [rolling.amplitude_of(rest, times, weights, other, cycles) for other in aside]
    # Rayleigh: rms of the amplitude of pure noise is sqrt 2 times the standard deviation of one of its two parts.
    sd = per_cent(math.sqrt(float(np.mean(np.square(beside))) / 2))
    light = float(2 ** np.mean([change.light for change in changes]))
    return Bands(per_cent(rolling.amplitude_of(mean, times, weights, alias, cycles)), sd, light)


def per_cent(stops: float) -> float:
    """Of the light, from an amplitude in stops: that of a sine whose logarithm has such a fundamental."""
    amplitude = math.log(2) * stops
    return 100 * amplitude / (1 + amplitude**2 / 4)


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
    nearest = alias + fps * max(round((middle - alias) / fps), 0 if alias > 0 else 1)
    number = np.arange(math.ceil((low - alias) / fps), math.floor((high - alias) / fps) + 1)
    found = {nearest, *(alias + fps * number).tolist()}

    def rank(frequency: float) -> tuple[bool, float]:
        mains = readout is None and min(abs(frequency / hum - 1) for hum in MAINS) < 0.003
        return not mains, abs(math.log(frequency / middle))

    return tuple(sorted((f for f in found if f > 0), key=rank))
