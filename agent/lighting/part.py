"""A part: what one output plays of the scene, as arrays. Immutable; a pump is handed one after the other.

``Score`` makes them, on the loop's thread: the first one whole, the following ones from what has changed, so that a
command costs what it moves and not what the studio has. A :class:`Change` is that, small enough for a process of its
own: it goes over the socket and is applied there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from agent.lighting.fade import Fade
from agent.lighting.scene import Scene
from agent.lighting.sheet import Indices, Numbers, Sheet, Slots, lay_out


class Change(NamedTuple):
    """Channels by number, and their fades from now on: columns start, end, begin, length. ``rates``: of all channels,
    when they are others now."""

    which: Indices
    fades: Numbers
    rates: Numbers | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Part:
    """``fades``: 4 x channels (start, end, begin, length). ``rates``: the slew limit of each, in its unit per second.
    ``still``: every row as it is when all has arrived. ``moving``: the channels that may still be on their way."""

    sheet: Sheet
    fades: Numbers
    rates: Numbers
    still: Slots
    moving: Indices
    settled: float

    def levels(self, now: float, which: "slice | Indices") -> Numbers:
        """What these channels show at ``now``: :meth:`agent.lighting.fade.Fade.at`, many at once."""
        start, end, begin, length = self.fades[:, which]
        passed = np.clip(now - begin, 0.0, length)
        under_way = passed < length
        shown = end.copy()
        np.divide((end - start) * passed, length, out=shown, where=under_way)
        shown[under_way] += start[under_way]
        return np.asarray(shown, np.float64)

    def frames(self, now: float) -> Slots:
        """All rows at ``now``. Not to be written to."""
        if now >= self.settled or not self.moving.size:
            return self.still
        frames = self.still.copy()
        self.sheet.put(frames, self.moving, self.levels(now, self.moving))
        if self.sheet.mixes:
            self.sheet.put_mixes(frames, self.levels(now, slice(None)))
        return frames

    def changed(self, change: Change, now: float) -> "Part":
        """The part after it."""
        fades = self.fades.copy()
        fades[:, change.which] = change.fades
        still = self.still.copy()
        self.sheet.put(still, change.which, change.fades[1])
        self.sheet.put_mixes(still, fades[1], self.rows_of(change))
        late = self.moving[self.fades[2, self.moving] + self.fades[3, self.moving] > now]
        moving = np.union1d(late, change.which)
        rates = self.rates if change.rates is None else change.rates
        return Part(self.sheet, fades, rates, still, moving, _settled(fades, moving))

    def rows_of(self, change: Change) -> frozenset[int]:
        """The rows a change is about."""
        return frozenset(np.unique(self.sheet.rows_of(change.which)).tolist())


def part(sheet: Sheet, fades: Numbers, rates: Numbers) -> Part:
    """A part whole."""
    moving = np.flatnonzero(fades[3] > 0)
    return Part(sheet, fades, rates, sheet.rows(fades[1]), moving, _settled(fades, moving))


def _settled(fades: Numbers, moving: Indices) -> float:
    return float((fades[2, moving] + fades[3, moving]).max(initial=0.0))


class Score:
    """What one output has to play, scene by scene: knows by which number the output knows a channel."""

    def __init__(self, scene: Scene, universes: Sequence[int]) -> None:
        self._scene = scene
        self._universes = tuple(universes)
        self._sheet, self._numbers = lay_out(scene.fixtures, universes)

    def whole(self) -> Part:
        """The present scene's part."""
        fades = _columns(self._scene.fades[key] for key in self._numbers)
        return part(self._sheet, fades, self._rates())

    def follow(self, scene: Scene) -> Change | Part | None:
        """Go over to this scene: what changes by it, a whole part when the patch is another one, ``None`` when it says
        nothing new for this output."""
        before, self._scene = self._scene, scene
        if scene.number == before.number:
            return None
        if scene.fixtures is not before.fixtures:
            self._sheet, self._numbers = lay_out(scene.fixtures, self._universes)
            return self.whole()
        fades = scene.changes if scene.follows == before.number else scene.fades
        mine = {self._numbers[key]: fade for key, fade in fades.items() if key in self._numbers}
        rates = None if scene.rate_of is before.rate_of else self._rates()
        if not mine and rates is None:
            return None
        return Change(np.fromiter(mine, np.intp, len(mine)), _columns(mine.values()), rates)

    def _rates(self) -> Numbers:
        return np.fromiter(map(self._scene.rate_of, self._numbers), np.float64, len(self._numbers))


def _columns(fades: Iterable[Fade]) -> Numbers:
    return np.array(list(fades), np.float64).reshape(-1, 4).T.copy()
