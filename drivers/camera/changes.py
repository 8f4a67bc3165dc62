"""Changes of the picture as they happen, each with its cause: a running step over measured pictures, ~8 a second.

    quiet --picture differs from the quiet ones' mean--> changing --still for 0.3 s, or 2 s are over--> attribute()
      ^                                                                                                 |
      '--------------------------------------- the new quiet -------------------------------------------'

What is quiet stays what it was until a change was judged: light that creeps is noticed when enough has come together,
and how long that took is read back from the last three seconds. The noise of every zone is learned from one picture to
the next. No clock: times are the pictures' own.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from drivers.camera.attribution import LEAST, LOCAL, Cause, Change, Lamps, View, attribute, middles
from drivers.camera.faults import Judged, PictureFault
from drivers.camera.light import Floats
from drivers.camera.shift import Grey

QUIET = 4
"""Pictures whose mean is what a change is counted from."""
LEARNED = 16
"""Pictures the noise is learned from, and flicker is looked for in."""
KEPT = 96
"""Pictures, about twelve seconds, that are remembered; ..."""
SPAN = 24
"""... about three, that how long a change took is read from."""
SURE = 5.0
"""Times the noise of a zone from which it has changed."""
SETTLED = 0.3
"""Seconds without movement after which a change is over."""
GOES_ON = 0.15
"""Share of the change between two pictures 0.4 s apart with which it is still going on."""
LONGEST = 2.0
"""Seconds after which a change is judged though it goes on (daylight does)."""
STEP = 0.5
"""... and with which it is a step that has only just come: it is waited for as long again."""
COMMAND = 0.6
"""Seconds a command may be older than what is seen of it; ..."""
LATE = (0.1, 0.2, 0.3, 0.45, 0.6)
"""... what is tried of that, for lamps that are being moved while they are seen."""
CLEAR, PATIENCE = 0.03, 8.0
"""Stops (median) below which a cause that other causes look like is not told yet: for so many seconds it is looked at
again and again, for light that creeps has a pattern only when enough of it has come together."""
TURNS = 6
"""Changes of direction in ``LEARNED`` pictures that no hand and no control loop makes ..."""
SHAKES = 5.0
"""... if their size is so many times the noise of a row of zones."""
WITHIN = 60.0
"""Seconds in which the camera must have moved the picture twice to be called automatic: one such change may have been
a lamp that lights everything."""
LASTING = 2.0
"""Seconds flicker counts on after it was last seen."""

_KINDS = {
    Cause.AUTO_EXPOSURE: PictureFault.AUTO_EXPOSURE,
    Cause.AUTO_WHITE_BALANCE: PictureFault.AUTO_WHITE_BALANCE,
}
_UNSURE = {Cause.AUTO_EXPOSURE, Cause.OTHER_LIGHT, Cause.UNKNOWN, Cause.NOTHING}


@dataclass(frozen=True, slots=True)
class Sample:
    """One measured picture: ``zones`` as in :class:`~drivers.camera.attribution.View`; ``levels``: of every lamp, as
    commanded at that time; of another of its attributes by ``lamp.attribute``."""

    time: float
    zones: Floats
    grey: Grey
    levels: Mapping[str, float]


def quartiles(values: Floats) -> tuple[Floats, Floats, Floats]:
    """The quartiles along the last axis, without what is NaN; NaN where all is. As ``numpy.nanpercentile``, which takes
    a Python call for every row: 12 ms of a picture instead of 0.1."""
    ordered = np.sort(values, axis=-1)  # NaN comes last
    last = np.isfinite(ordered).sum(axis=-1) - 1

    def at(share: float) -> Floats:
        place = share * np.maximum(last, 0)
        below = np.floor(place).astype(np.intp)
        above = np.minimum(below + 1, np.maximum(last, 0))
        one, other = (np.take_along_axis(ordered, each[..., None], axis=-1)[..., 0] for each in (below, above))
        found: Floats = one + (other - one) * (place - below).astype(values.dtype)
        return found

    return at(0.25), at(0.5), at(0.75)


def _middle(samples: Sequence[Sample]) -> Floats:
    """Zone by zone: a photographer's flash in one of three is no light of the room."""
    middle: Floats = np.median([each.zones for each in samples], axis=0)
    return middle


class Changes:
    """See the module. :meth:`step` gives a change when it is over, else ``None``."""

    def __init__(self, columns: Mapping[str, npt.NDArray[np.float64]] | None = None, ambient: Floats | None = None):
        self._columns = columns or {}
        self._ambient = None if ambient is None else ambient.astype(np.float64)
        self._recent: deque[Sample] = deque(maxlen=KEPT)
        self._quiet: list[Sample] = []
        self._spread: deque[Floats] = deque(maxlen=LEARNED)
        self._noise: Floats | None = None
        self._began: float | None = None
        self._moved = 0.0
        self._since = 0.0
        self._flickered = float("-inf")
        self._told: deque[tuple[float, Change]] = deque(maxlen=16)

    def step(self, sample: Sample) -> Change | None:
        """One picture later."""
        if self._recent and self._recent[-1].zones.shape == sample.zones.shape:
            step = sample.zones - self._recent[-1].zones
            if np.isfinite(step).any():  # in the dark nothing is learned
                self._spread.append(np.abs(step - np.nanmedian(step)))
                self._noise = None
        self._recent.append(sample)
        if len(self._quiet) < QUIET:
            self._quiet.append(sample)
            return None
        change = self._flicker(sample.time) or self._change(sample)
        if change is not None and change.cause is not Cause.NOTHING:
            self._told.append((sample.time, change))
            return change
        return None

    @property
    def noise(self) -> Floats:
        """Standard deviation of one picture, in stops: 3 x ROWS x COLUMNS."""
        if self._noise is not None:
            return self._noise
        spread = np.median(np.array(self._spread), axis=0) * np.float32(1.4826 / 2**0.5) if self._spread else None
        if spread is None or not np.isfinite(spread).any():
            return np.ones_like(self._recent[-1].zones)
        found: Floats = np.maximum(spread, np.nanmedian(spread) * np.float32(0.5) + np.float32(1e-4))
        self._noise = np.nan_to_num(found, nan=1.0)
        return self._noise

    def judged(self, now: float) -> Mapping[PictureFault, Judged]:
        """What of it is a fault of the picture."""
        found = {}
        for cause, fault in _KINDS.items():
            seen = [change for time, change in self._told if change.cause is cause and time > now - WITHIN]
            found[fault] = Judged(len(seen) >= 2, {"times": len(seen), "stops": seen[-1].stops} if seen else {})
        flickers = now - self._flickered <= LASTING
        found[PictureFault.FLICKER] = Judged(flickers)
        return found

    # --- inside ------------------------------------------------------------------------------------------------------

    def _change(self, sample: Sample) -> Change | None:
        latest, before = _middle(list(self._recent)[-2:]), _middle(list(self._recent)[-4:-2])
        reference = _middle(self._quiet)
        if self._began is None:
            if not self._differ(reference, latest, (1 / 2 + 1 / len(self._quiet)) ** 0.5):
                return None
            self._began = self._since = self._moved = sample.time
        way = self._way(reference, latest)
        last = abs(way[-1] - way[-4])
        if last > GOES_ON or self._differ(before, latest, 1.0):
            self._moved = sample.time
        longest = 2 * LONGEST if last > STEP else LONGEST
        if sample.time - max(self._moved, self._since) < SETTLED and sample.time - self._since < longest:
            return None
        moved = self._commanded(sample)
        meanwhile = [self._commanded(sample, late) for late in LATE] if moved else ()
        found = attribute(
            View(reference, self._quiet[-1].grey),
            View(_middle(list(self._recent)[-3:]), sample.grey),
            Lamps(self._columns, self._ambient, moved, meanwhile),
            self.noise * np.float32(1.2 * (1 / 3 + 1 / len(self._quiet)) ** 0.5),  # 1.2: of a median
            self._took(way),
        )
        if found.cause in _UNSURE and abs(found.stops) < CLEAR and sample.time - self._began < PATIENCE:
            self._since = sample.time
            return None
        self._quiet, self._began = list(self._recent)[-3:], None
        if found.cause in _KINDS and any(name not in self._columns for name in moved):
            # what that lamp does to the picture nobody has measured: it may well do this
            lamps = tuple(sorted({name.partition(".")[0] for name in moved}))
            return replace(found, cause=Cause.LAMP, lamps=lamps, commanded=True)
        return found

    def _way(self, before: Floats, after: Floats) -> list[float]:
        """How much of the change each of the recent pictures shows, 0...1; two at a time, against noise. The weighted
        median over the zones: who moves is a stop in some of them, light a hundredth in most."""
        whole = np.nan_to_num(after - before).ravel()
        weights = np.abs(whole)
        weights = np.minimum(weights, 2 * np.median(weights[weights > 0])) if weights.any() else weights
        seen = weights > 0
        recent = list(self._recent)[-SPAN:]
        parts = np.array([each.zones.ravel()[seen] for each in recent]) - before.ravel()[seen]
        shares = middles(np.nan_to_num(parts) / whole[seen], weights[seen])
        return [float(a + b) / 2 for a, b in pairwise(shares)]

    def _took(self, way: list[float]) -> float:
        """Seconds in which most of the change happened: from 15 to 85 % of all that went this way, as far back as is
        remembered."""
        low, high = min(way), max(way[-1], 0.5)
        times = [each.time for each in self._recent][-len(way) :]
        begun = next((at for at in range(len(way) - 1, -1, -1) if way[at] < low + 0.15 * (high - low)), 0)
        done = next((at for at in range(begun, len(way)) if way[at] > low + 0.85 * (high - low)), len(way) - 1)
        return times[done] - times[begun]

    def _differ(self, one: Floats, other: Floats, share: float) -> bool:
        """Whether more zones differ than chance lets; in any colour."""
        limit = np.maximum(SURE * share * self.noise, LEAST / 2)
        with np.errstate(invalid="ignore"):
            return bool((np.abs(other - one) > limit).mean() > LOCAL)

    def _commanded(self, sample: Sample, late: float = 0.0) -> dict[str, tuple[float, float]]:
        """What the lamps were told since the picture was quiet and ``COMMAND`` before; ``late``: as it is seen so many
        seconds later, neither before nor after it."""
        first, last = self._quiet[0].time - (late or COMMAND), sample.time - late
        old = next((each for each in self._recent if each.time >= first), sample).levels
        new = next((each for each in reversed(self._recent) if each.time <= last), sample).levels
        return {name: (old[name], to) for name, to in new.items() if name in old and abs(to - old[name]) > 1e-3}

    def _flicker(self, now: float) -> Change | None:
        """Whole rows that go up and down from picture to picture."""
        if len(self._recent) <= LEARNED:
            return None
        recent = list(self._recent)[-LEARNED - 1 :]
        light = np.array([each.zones[1] for each in recent])  # pictures x rows x columns
        low, steps, high = quartiles(np.diff(light, axis=0))
        # light that flickers takes nearly all of a row along; somebody who moves in front of half of it does not
        together = np.where(np.sign(low) == np.sign(high), np.minimum(np.abs(low), np.abs(high)), 0.0)
        noise = 1.2533 * float(np.median(self.noise[1])) / light.shape[2] ** 0.5 * 2**0.5
        size = np.median(together, axis=0)
        # only steps of that size count: a light that fades after a rest has turned nowhere
        last, turns = np.zeros(steps.shape[1]), np.zeros(steps.shape[1])
        for way in np.where(np.abs(steps) > size / 2, np.sign(steps), 0.0):
            turns += way * last < 0
            last = np.where(way != 0, way, last)
        shakes = (size > max(SHAKES * noise, LEAST)) & (turns >= TURNS)
        if shakes.sum() < light.shape[1] / 3:
            return None
        begins = now - self._flickered > LASTING
        self._flickered = now
        self._quiet, self._began = list(self._recent)[-QUIET:], None
        if not begins:
            return Change(Cause.NOTHING)
        figures = {"stops": float(size.max()), "turns": float(turns.max()), "rows": float(shakes.sum())}
        return Change(Cause.FLICKER, seconds=now - recent[0].time, evidence=figures)
