"""Light transport: how much light each fixture brings to each zone of the picture. Pure: arrays in, numbers out.

    zones (144) = matrix (144 x fixtures) @ levels + ambient        all linear light, 1.0 = the camera's white

    A (look) ── B (one fixture stepped) ── A again      column = (B − A at the time of B) / step
        └──────── drift of the room light, drawn as a line and taken away ────────┘

Light adds up (Debevec et al. 2000, "Acquiring the Reflectance Field of a Human Face"), so one small step of each
fixture tells what any levels will look like. Only a camera that is locked shows it: with auto exposure on, most of
the numbers are wrong and some have the wrong sign. Everything is weighted by each zone's own noise, and a zone that
is clipped (NaN) takes no part: a person who moves about in some zones hardly counts.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from config.units import Text
from drivers.camera.metrics import CLIPPED, COLUMNS, ROWS, Metrics

Zones = npt.NDArray[np.float64]
"""ZONES values of linear light, row by row; NaN: clipped, so unknown."""
Mask = npt.NDArray[np.bool_]
"""ZONES truths."""

ZONES = ROWS * COLUMNS
CLIPPED_LIGHT = 0.8
"""Mean linear light of a zone above which parts of it are surely clipped."""
CLIPPED_SHARE = 0.02
"""Share of a zone's points that may be clipped: a spark on a metal button does not spoil a zone."""
QUIET = 0.5
"""No zone counts as less noisy than this share of the median zone: a few pictures tell a noise only roughly."""
LEAST_NOISE = 2e-5
"""Linear light; a zone of several hundred points of 8 bits is not known better."""
BEND = 0.05
"""Share of a drift that may be no straight line."""
LATEST = 2.5
"""Seconds from command to picture beyond which no delay is looked for."""
GRID = 0.01
"""Seconds; how finely a delay is searched."""


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """What is needed of one picture: when it was taken (monotonic seconds) and its zones. ``fault``: why not to trust
    it, "" for a sound one; ``mired``: colour of its metered zones, where known."""

    captured: float
    zones: Zones
    fault: str = ""
    mired: float | None = None


@dataclass(frozen=True, slots=True)
class Delay:
    """From a command to its picture: ``samples`` whole pictures of those that were measured by, ``seconds``;
    ``spread``: median deviation of the single steps from it, in seconds."""

    samples: int
    seconds: float
    spread: float = 0.0

    def pictures(self, interval: float) -> int:
        """Whole pictures at another rate, so many seconds apart: what a loop that looks so often has to wait for."""
        return max(1, math.ceil(self.seconds / interval - 0.1))


@dataclass(frozen=True, slots=True)
class Reach:
    """What one fixture can do to the light of the reference zones, from the look: levels ``low``…``high`` are
    ``down``…``up`` stops of that light; ``share`` of it comes from this fixture at ``level``, the look's."""

    level: float
    low: float
    high: float
    down: float
    up: float
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class Transport:
    """What commissioning found, of one camera in one place. ``noise``: standard deviation of one picture, by zone.
    ``reference``: the zones to regulate on: static, not clipped, lit by the key. ``controls``: the camera's, as locked.
    ``mired_gain``: mired of the picture per mired of all fixtures together; ``None``: not measured."""

    camera: str
    at: str
    fixtures: tuple[str, ...]
    matrix: Zones
    ambient: Zones
    noise: Zones
    reference: Mask
    delay: Delay
    reach: tuple[Reach, ...]
    controls: Mapping[str, float] = field(default_factory=dict)
    mired_gain: float | None = None

    def unfit(self, camera: str, fixtures: Collection[str]) -> Text | None:
        """Why these fixtures before this camera cannot go by it; ``None``: they can."""
        if camera != self.camera:
            en = f"the lights were commissioned for the camera {self.camera}"
            return Text(en, f"标定所用摄像机为 {self.camera}")
        if missing := sorted(set(fixtures) - set(self.fixtures)):
            en = f"the lights were commissioned without {', '.join(missing)}"
            return Text(en, f"标定时未包含 {'、'.join(missing)}")
        return None

    @property
    def known(self) -> Mask:
        """Zones of which everything is known."""
        every: Mask = np.isfinite(self.matrix).all(axis=1) & np.isfinite(self.ambient) & np.isfinite(self.noise)
        return every

    def levels(self, named: Mapping[str, float]) -> Zones:
        """Levels in the order of the columns; a fixture that is not named stands at the look's level."""
        return np.array([named.get(name, reach.level) for name, reach in zip(self.fixtures, self.reach, strict=True)])

    def predict(self, levels: Zones, ambient: Zones | None = None) -> Zones:
        """The zones at these levels."""
        light: Zones = self.matrix @ levels + (self.ambient if ambient is None else ambient)
        return light

    def ambient_of(self, zones: Zones, levels: Zones) -> Zones:
        """What the fixtures do not explain of a picture: the room's light now."""
        rest: Zones = zones - self.matrix @ levels
        return rest


# --- from pictures ---------------------------------------------------------------------------------------------------


def zones_of(metrics: Metrics) -> Zones:
    """A metered picture's zones, NaN where too many of a zone's points are clipped."""
    lost = metrics.points.max(axis=0) >= CLIPPED
    down, right = lost.shape
    tops, lefts = np.arange(ROWS) * down // ROWS, np.arange(COLUMNS) * right // COLUMNS
    counted = np.add.reduceat(np.add.reduceat(lost, tops, axis=0, dtype=np.intp), lefts, axis=1)
    sizes = np.diff([*tops, down])[:, None] * np.diff([*lefts, right])
    zones = metrics.zones.astype(np.float64)
    zones[counted > CLIPPED_SHARE * sizes] = np.nan
    return unclipped(zones.ravel())


def unclipped(zones: Zones) -> Zones:
    """NaN where a zone is too bright to be whole."""
    found: Zones = np.where(zones >= CLIPPED_LIGHT, np.nan, zones)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Pictures of one level: n times and n x ZONES."""

    times: Zones
    zones: Zones

    @property
    def mean(self) -> Zones:
        average: Zones = self.zones.mean(axis=0)
        return average

    @property
    def time(self) -> float:
        return float(self.times.mean())

    def every(self, start: int) -> "Series":
        """Every second picture."""
        return Series(self.times[start::2], self.zones[start::2])

    def __len__(self) -> int:
        return len(self.times)


def series(shots: Sequence[Shot]) -> Series:
    """The sound ones of these pictures."""
    sound = [shot for shot in shots if not shot.fault]
    if not sound:
        return Series(np.empty(0), np.empty((0, ZONES)))
    return Series(np.array([shot.captured for shot in sound]), unclipped(np.stack([shot.zones for shot in sound])))


def noise_of(pictures: Series) -> Zones:
    """Standard deviation of one picture by zone, each against its two neighbours: a drift is no noise. It takes what
    moves for noise, and that is meant: where somebody moves, less is believed. Needs three pictures."""
    bends = np.diff(pictures.zones, n=2, axis=0)
    sd = np.sqrt((bends**2).mean(axis=0) / 6)
    usual = float(np.nanmedian(sd)) if np.isfinite(sd).any() else 0.0
    floored: Zones = np.maximum(sd, max(QUIET * usual, LEAST_NOISE))
    return floored


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """What a step of ``level`` did to the zones, with the standard deviation of that. ``drift``: what the room's light
    did meanwhile."""

    light: Zones
    sigma: Zones
    level: float
    drift: Zones

    @property
    def response(self) -> Zones:
        """Linear light by unit of level: a column of the matrix."""
        column: Zones = self.light / self.level
        return column


def change_of(before: Series, stepped: Series, after: Series, level: float, noise: Zones) -> Change:
    """A–B–A: the room's light is drawn as a line between the two A and taken away. How far it may be from a line is
    part of the standard deviation."""
    first, last = before.mean, after.mean
    span = max(after.time - before.time, 1e-6)
    late = min(max((stepped.time - before.time) / span, 0.0), 1.0)
    parts = 1 / len(stepped) + (1 - late) ** 2 / len(before) + late**2 / len(after)
    light = stepped.mean - (first + (last - first) * late)
    sigma = np.sqrt(noise**2 * parts + (BEND * (last - first)) ** 2)
    return Change(light, sigma, level, last - first)


def repeats(before: Series, stepped: Series, after: Series, noise: Zones) -> float:
    """Whether a step shows at all, in standard deviations of nothing: even and odd pictures, each a whole A–B–A, must
    agree in where light was added. Needs no idea of how the fixture's light looks, and one flash does not make it."""
    even, odd = (
        change_of(before.every(start), stepped.every(start), after.every(start), 1.0, noise) for start in (0, 1)
    )
    alike = even.light * odd.light / (even.sigma * odd.sigma)
    seen = np.isfinite(alike)
    # what one zone says is held to what 20 standard deviations of it would: a passing hand is no answer of a fixture
    return float(np.minimum(alike[seen], 400.0).sum()) / math.sqrt(max(int(seen.sum()), 1))


def arrival(shots: Series, began: float, arrived: float, before: Zones, change: Change) -> tuple[float, float] | None:
    """How long after a fade from ``began`` to ``arrived`` the picture shows it, and how sure that is (standard
    deviation), in seconds. ``before``: the zones then. ``None``: the noise hides it.

    Fits the fade's own ramp by least absolute deviation: one bad picture does not shift it. Where several delays fit
    alike (a hard step between two pictures) it is the middle of them.
    """
    # a zone that clips on the way only (the camera overshoots) is of no use here
    seen = np.isfinite(change.light) & np.isfinite(change.sigma) & np.isfinite(shots.zones).all(axis=0)
    weight = np.where(seen, change.light / np.where(seen, change.sigma, 1.0) ** 2, 0.0)
    power = float((weight * np.where(seen, change.light, 0.0)).sum())
    if power <= 36.0 or len(shots) < 4:  # six standard deviations of the mean picture
        return None
    rise = np.where(seen, shots.zones - before, 0.0) @ weight / power
    waits = np.arange(0.0, LATEST, GRID)
    length = max(arrived - began, 1e-3)
    ramps = np.clip((shots.times - began - waits[:, None]) / length, 0.0, 1.0)
    misses = np.abs(ramps - rise).mean(axis=1)
    best = float(misses.min())
    if best > 0.2:
        return None
    # how far a mean of absolute deviations may be from its least by chance
    alike = waits[misses <= best + 0.25 * best / math.sqrt(len(shots)) + 1e-3]
    return float(alike.mean()), max(float(alike[-1] - alike[0]) / math.sqrt(12), GRID)


def delay_of(found: Sequence[tuple[float, float]], period: float) -> Delay | None:
    """The delay several steps agree on; ``period``: seconds between pictures. ``None`` when they do not agree."""
    sure = sorted(seconds for seconds, spread in found if spread <= period)
    if not sure:
        return None
    middle = float(np.median(sure))
    spread = float(np.median([abs(each - middle) for each in sure]))
    if spread > period:
        return None
    measured = Delay(1, middle, spread)
    return replace(measured, samples=measured.pictures(period))


def reach_of(
    light: Zones, ambient: Zones, reference: Mask, levels: Zones, spans: Sequence[tuple[float, float]]
) -> tuple[Reach, ...]:
    """By fixture, for the mean light of the reference zones. ``spans``: lowest and highest level each may take."""
    per = light[reference].mean(axis=0)
    whole = float(per @ levels + ambient[reference].mean())
    found = []
    for gain, level, (low, high) in zip(per.tolist(), levels.tolist(), spans, strict=True):
        down, up = (math.log2(max(whole + gain * (to - level), 1e-6) / max(whole, 1e-6)) for to in (low, high))
        found.append(Reach(level, low, high, down, up, gain * level / max(whole, 1e-6)))
    return tuple(found)
