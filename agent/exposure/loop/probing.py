"""A probe under way: when to look, when to move, when to judge. What is judged: :mod:`.probe`."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from agent.exposure.camera.glance import Glance, Memory, ZoneLight
from agent.exposure.loop.law import SLEW_OFF_AIR, SLEW_ON_AIR, Room
from agent.exposure.loop.probe import PICTURES, STEP_OFF_AIR, STEP_ON_AIR, Judged, judge

Predict = Callable[[Glance, Collection[str], float], tuple[ZoneLight, ZoneLight] | None]
"""Stops by which each zone of a picture should change when these lights move by so many, and what share of each zone is
the room's light; ``None``: nobody knows."""
SETTLED = 0.2
"""Seconds on top of fade and delay: a lamp's own lag."""
PAST = 1.2
"""Seconds before the step that say how the picture changes by itself."""
CALM = 1.5
"""Seconds without a move in which an auto exposure comes to rest from those before: else what it still does is taken
for a drift of the room's light."""
WAKES, SURELY, LARGER = 0.06, 0.15, (1, 2)
"""Stops (median of the zones) that an auto exposure answers: within 2 to 5 % it rests, on either side, so that of the
second it takes most back; times of the usual step that are tried for it off air, ..."""
PATTERN = 0.3
"""... and part of that by which the zones must differ (from the tenth to the ninth tenth) for all lights to be
stepped."""
AGAIN = 2
"""So often a probe is made anew: one whose scene moved too much, before the loop is let through with the watchdog on;
and on air one that speaks against the loop: its step is so small that a cloud may say the same once."""


@dataclass(slots=True)
class Probing:
    """``lamp``: the light to step: one alone makes a pattern; all together might light every zone alike, and then
    nothing tells a camera that takes it back. ``calm``: seconds to wait after the last move; ``wakes``: stops the
    picture is to change by. ``began``: the lights' trims before; ``longest``: seconds the step takes."""

    lamp: str = ""
    calm: float = 0.0
    wakes: float = WAKES
    began: Mapping[str, float] = field(default_factory=dict)
    longest: float = 0.0
    doing: str = "looking"
    _stepped: Collection[str] = ()
    _before: float | None = None
    _until: float = 0.0
    _step: float = 0.0
    _tries: int = 0
    _from: float = -1.0
    _suspected: str = ""
    _was: Sequence[Glance] = ()
    _drift: float = 0.0
    _expected: tuple[ZoneLight, ZoneLight] | None = None
    """The pictures before the step, stops a second by which they changed, and what the step should do to them. Kept
    here, for a step on air takes longer than the memory of a camera that is measured often."""

    def fade(self, now: float) -> float:
        """Seconds left of the step."""
        return max(0.0, self._until - now)

    def after(self, rooms: Mapping[str, Room], error: float) -> Mapping[str, float]:
        """Where all lights go from a probe that was passed: along with the one that was stepped where the picture needs
        it still, else back."""
        along = self._step if error * self._step > 0 and abs(error) >= abs(self._step) else 0.0
        fits = all(
            along <= room.up and -along <= room.down for name, room in rooms.items() if name not in self._stepped
        )
        return {name: self.began.get(name, 0.0) + (along if fits else 0.0) for name in rooms}

    def turn(
        self,
        memory: Memory,
        trims: Mapping[str, float],
        rooms: Mapping[str, Room],
        error: float,
        now: float,
        late: float,
        still: float,
        on_air: bool,
        predict: Predict,
    ) -> tuple[Mapping[str, float], Judged | None]:
        """One picture. ``late``: seconds from light to picture; ``still``: since when no light has moved: earlier
        pictures show them on their way; ``predict``: what the step should do to each zone.
        Returns where the lights should be, and the verdict when there is one."""
        if self._before is None:
            if self._from < 0:
                self._from = max(_newest(memory) - (PICTURES - 0.5) * memory.interval, still + late + self.calm)
            if len(memory.since(self._from)) < PICTURES:
                return trims, None
            self.began, self._before = dict(trims), _newest(memory)
            self._was = memory.since(self._from)[-PICTURES:]
            self._drift = _trend(memory, max(self._before - PAST, still + late), self._before)
            # a second try goes back; on air, where its step is no more than an auto exposure rests within, further
            way = -self._step if self._tries and not on_air else error
            self._stepped = (self.lamp,) if self.lamp in rooms else tuple(rooms)
            alone = [rooms[name] for name in self._stepped]
            self._step = _chosen(alone, way, STEP_ON_AIR if on_air else STEP_OFF_AIR)
            if not on_air:
                self._stepped, self._step = self._waking(rooms, way, predict)
            self.longest = _lasts(abs(self._step), SLEW_ON_AIR if on_air else SLEW_OFF_AIR)
            self._until = now + self.longest
            self.doing = f"{', '.join(self._stepped)} {self._step:+.1f} stop"
            if self._step == 0.0:
                return trims, Judged("inconclusive", {"step": 0.0})
            self._expected = predict(self._was[-1], self._stepped, self._step)
        moved = {n: self.began.get(n, 0.0) + (self._step if n in self._stepped else 0.0) for n in rooms}
        after = memory.since(self._until + late + SETTLED)
        if len(after) < PICTURES:
            return moved, None
        before = self._was
        gone_by = (after[0].captured + after[-1].captured - before[0].captured - before[-1].captured) / 2
        expected, daylit = self._expected or (None, None)
        judged = judge(_zones(before), _zones(after), self._step, expected, self._drift * gone_by, daylit)
        bad = judged.verdict in ("no-effect", "camera-auto-exposure")
        doubtful = judged.verdict == "inconclusive" or (on_air and bad and judged.verdict != self._suspected)
        if doubtful and self._tries < AGAIN:
            # from where the lights are now, and back
            self._tries += 1
            self._suspected = judged.verdict
            self._before, self._from, self.calm = None, -1.0, CALM
            return moved, None
        return moved, judged

    def _waking(self, rooms: Mapping[str, Room], way: float, predict: Predict) -> tuple[Collection[str], float]:
        """What to step and how far where one light by the usual step would do less to the picture than wakes an auto
        exposure: all of them if that makes a pattern, else those chosen further."""
        one, every = self._stepped, tuple(rooms)
        tried: list[tuple[Collection[str], float]] = [
            (lamps, _chosen([rooms[name] for name in lamps], way, times * STEP_OFF_AIR))
            for times in LARGER
            for lamps in (one, every)
        ]
        for lamps, step in tried:
            expected = predict(self._was[-1], lamps, step)
            if expected is None:
                return tried[0]
            low, middle, high = np.nanpercentile(expected[0], (10, 50, 90))
            if abs(middle) >= self.wakes and (lamps is one or high - low >= PATTERN * abs(middle)):
                return lamps, step
        return max((each for each in tried if each[0] is one), key=lambda each: abs(each[1]))


def _zones(glances: Sequence[Glance]) -> list[ZoneLight]:
    return [glance.zones for glance in glances if glance.zones is not None]


def _trend(memory: Memory, since: float, until: float) -> float:
    """Stops a second by which the picture as a whole changed between these moments: a line through it."""
    past = [g for g in memory.since(since) if g.captured <= until and g.zones is not None]
    if len(past) < PICTURES:
        return 0.0
    light = [float(np.nanmedian(np.log2(np.maximum(g.zones, 1e-5)))) for g in past if g.zones is not None]
    return float(np.polyfit([g.captured - until for g in past], light, 1)[0])


def _newest(memory: Memory) -> float:
    return memory.kept[-1][1].captured


def _lasts(step: float, slew: float) -> float:
    """Seconds of a step so that no second of it is more than the slew: fades are even in light, not in stops."""
    return max(step / slew, (2**step - 1) / (2**slew - 1))


def _chosen(rooms: Collection[Room], way: float, size: float) -> float:
    """A step each of them can make, up or down as ``way`` if it can be."""
    up = min((room.up for room in rooms), default=0.0)
    down = min((room.down for room in rooms), default=0.0)
    if (way >= 0 and up >= size) or down < size:
        return min(size, up) if up >= size / 3 else 0.0
    return -size
