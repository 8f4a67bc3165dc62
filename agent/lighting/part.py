"""A part: what one output plays of the scene, as arrays. Immutable; a pump is handed one after the other.

The first one is made whole, the following ones from what has changed, so that a command costs what it moves and not
what the studio has. A :class:`Change` is that, small enough for a process of its own: it goes over the socket and is
applied there. Nothing here needs more than numpy to be imported: it is what the output engine lives on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from agent.lighting.fade import APART, Fade
from agent.lighting.sheet import Bools, Indices, Numbers, Sheet, Slots

FEW = 16
"""Up to so many channels are quicker done one by one than by arrays: what a person's command moves."""


class Change(NamedTuple):
    """Channels by number, ascending, and their fades from now on: columns start, end, begin, length. ``rates``: of all
    channels, when they are others now; ``on_air``, ``stopped``: when that is otherwise now."""

    which: Indices
    fades: Numbers
    rates: Numbers | None = None
    on_air: bool | None = None
    stopped: bool | None = None


class Few(NamedTuple):
    """The same for few channels: number → (start, end, begin, length)."""

    fades: dict[int, tuple[float, ...]]


@dataclass(frozen=True, eq=False, slots=True)
class Part:
    """``most``: 4 x channels (start, end, begin, length), but for the few that are ``apart``: copying all of them for
    each command would cost what the studio has, and not what the command moves. ``rates``: the slew limit of each, in
    its unit per second.
    ``still``: every row as it is when all has arrived. ``moving``: the channels that may still
    be on their way, where these are not ``few``.
    ``on_air``: slots that profiles fix do not move on the wire, whatever the patch; ``fixed``: those, a row a universe,
    that an earlier patch fixed and this one does not, while it is on air. ``stopped``: what is led, or a console's,
    stands still, too."""

    sheet: Sheet
    most: Numbers
    rates: Numbers
    still: Slots
    moving: Indices
    settled: float
    few: tuple[int, ...]
    """Those that may move, where they are few; else there are straight ones, and ones that are not."""
    glides: "Glides | None"
    others: Indices
    on_air: bool = True
    fixed: Bools | None = None
    stopped: bool = False
    apart: Mapping[int, tuple[float, ...]] = field(default_factory=dict)

    @property
    def fades(self) -> Numbers:
        """4 x channels: start, end, begin, length. Not to be written to."""
        return _with(self.most, self.apart) if self.apart else self.most

    def fade(self, number: int) -> Fade:
        """That of one channel."""
        apart = self.apart.get(number)
        return Fade(*self.most[:, number].tolist()) if apart is None else Fade(*apart)

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
        if now >= self.settled or not (self.few or self.moving.size):
            return self.still
        frames = self.still.copy()
        if self.few:
            flat = frames.reshape(-1)
            for number in self.few:
                self.sheet.put_one(flat, number, self.fade(number).at(now))
            return frames
        if self.glides is not None:
            self.glides.put(frames.reshape(-1), now)
        if self.others.size:
            self.sheet.put(frames, self.others, self.levels(now, self.others))
        if self.sheet.mixes:
            self.sheet.put_mixes(frames, self.levels(now, slice(None)))
        return frames

    def changed(self, change: Change | Few, now: float) -> "Part":
        """The part after it."""
        if isinstance(change, Few):
            quick = self._moved(change.fades, now)
            if quick is not None:
                return quick
            return self.changed(Change(np.array(list(change.fades), np.intp), _columns(change.fades.values())), now)
        fades = self.fades
        moving = np.array(self.few, np.intp) if self.few else self.moving
        late = moving[fades[2, moving] + fades[3, moving] > now] if now < self.settled else NONE
        fades = fades.copy()
        fades[:, change.which] = change.fades
        still = self.still.copy()
        self.sheet.put(still, change.which, change.fades[1])
        if self.sheet.mixes:
            self.sheet.put_mixes(still, fades[1], self.rows_of(change))
        moving = np.union1d(late, change.which)
        rates = self.rates if change.rates is None else change.rates
        on_air = self.on_air if change.on_air is None else change.on_air
        fixed = self.fixed if on_air or self.fixed is None else freed(self.fixed, self.sheet)
        stopped = self.stopped if change.stopped is None else change.stopped
        return _part(self.sheet, fades, rates, still, moving, on_air, fixed, stopped)

    def _moved(self, fades: Mapping[int, tuple[float, ...]], now: float) -> "Part | None":
        """The part after these few: a person waits for it, so nothing is done that takes time. ``None``: it is none of
        so simple ones."""
        few, settled = tuple(fades), max(fade[2] + fade[3] for fade in fades.values())
        if now < self.settled:
            late = {each: done for each in self.few if each not in fades and (done := self.fade(each).done) > now}
            few, settled = (*few, *late), max((settled, *late.values()))
        if self.sheet.mixes or len(few) > FEW or (now < self.settled and not self.few):
            return None
        still = self.still.copy()
        flat, apart = still.reshape(-1), {**self.apart, **fades}
        for number, fade in fades.items():
            self.sheet.put_one(flat, number, fade[1])
        most = self.most
        if len(apart) > APART:
            most, apart = _with(most, apart), {}
        return replace(
            self, most=most, still=still, moving=NONE, settled=settled, few=few, glides=None, others=NONE, apart=apart
        )

    def rows_of(self, change: Change) -> frozenset[int]:
        """The rows a change is about."""
        return frozenset(np.unique(self.sheet.rows_of(change.which)).tolist())


def _with(most: Numbers, apart: Mapping[int, tuple[float, ...]]) -> Numbers:
    fades = most.copy()
    fades[:, list(apart)] = _columns(apart.values())
    return fades


def _columns(fades: Iterable[tuple[float, ...]]) -> Numbers:
    return np.array(list(fades), np.float64).T


def freed(fixed: Bools, sheet: Sheet) -> Bools | None:
    """What is left of slots that were fixed once it was off air: those without a light are off, and stay known."""
    left = fixed & (sheet.owner == 0)
    return left if left.any() else None


def part(
    sheet: Sheet, fades: Numbers, rates: Numbers, on_air: bool, fixed: Bools | None, stopped: bool = False
) -> Part:
    """A part whole."""
    return _part(sheet, fades, rates, sheet.rows(fades[1]), np.flatnonzero(fades[3] > 0), on_air, fixed, stopped)


def _part(
    sheet: Sheet,
    fades: Numbers,
    rates: Numbers,
    still: Slots,
    moving: Indices,
    on_air: bool,
    fixed: Bools | None,
    stopped: bool,
) -> Part:
    if 0 < len(moving) <= FEW and not sheet.mixes:
        few = tuple(moving.tolist())
        settled = float((fades[2, moving] + fades[3, moving]).max())
        return Part(sheet, fades, rates, still, NONE, settled, few, None, NONE, on_air, fixed, stopped)
    settled = float((fades[2, moving] + fades[3, moving]).max(initial=0.0))
    straight = sheet.is_straight(moving, fades[0, moving], fades[1, moving])
    glides = Glides(sheet, moving[straight], fades) if straight.any() else None
    return Part(sheet, fades, rates, still, moving, settled, (), glides, moving[~straight], on_air, fixed, stopped)


NONE: Indices = np.empty(0, np.intp)

INSTANT = 1e-3
"""Seconds: a fade that is shorter is taken for that long."""

BELOW_1 = np.nextafter(np.float32(1.0), np.float32(0.0))


class Glides:
    """Channels whose slot value is a straight line in time: linear ones, most there are. One step each for all.

    A value is counted back from where it arrives, so that it arrives exactly there; on the way it is rounded as the
    profile rounds it (single precision: 16 bits may be one of them off).
    """

    def __init__(self, sheet: Sheet, which: Indices, fades: Numbers) -> None:
        start, end, begin, length = fades[:, which]
        last = sheet.exact(which, end)
        arrives = np.floor(last + 0.5)
        self._arrives = arrives.astype(np.int32)
        self._rest = np.minimum((last - arrives + 0.5).astype(np.float32), BELOW_1)
        self._way = (last - sheet.exact(which, start)).astype(np.float32)
        self._over = begin + length
        self._rate = (1.0 / np.maximum(length, INSTANT)).astype(np.float32)
        place, fine = sheet.place[which], sheet.fine[which]
        self._wide = np.flatnonzero(fine >= 0)
        self._place, self._fine = place, fine[self._wide]

    def put(self, slots: Slots, now: float) -> None:
        """Write them into all rows' slots."""
        left = (self._over - now).astype(np.float32)
        left *= self._rate
        np.clip(left, 0.0, 1.0, out=left)  # share of the way that is left
        left *= self._way
        np.subtract(self._rest, left, out=left)
        np.floor(left, out=left)
        raw = self._arrives + left.astype(np.int32)
        # bytes beforehand: numpy is three times as quick to scatter what it need not convert one by one
        if len(self._wide) == len(raw):
            slots[self._fine] = raw.astype(np.uint8)
            raw >>= 8
        elif len(self._wide):
            slots[self._fine] = raw[self._wide].astype(np.uint8)
            raw[self._wide] >>= 8
        slots[self._place] = raw.astype(np.uint8)
