"""Hand-over: while a lighting console sends one of our universes with more priority than ours, its lights are its.

An output then sends what the console sends, light by light. Receivers that hear the console themselves see no
difference; those behind a widget get it from us; and when the console ends, all of them are where it left them, and the
lights go back to the scene in a fade. That is also why we never just stop sending: a receiver that falls back to us
would jump.
"""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from agent.lighting.sheet import Bools, Slots
from config.units import SLOTS
from drivers.base import Heard


class Kept(NamedTuple):
    """What a console left behind that was lost at ``since`` (monotonic): ``slots`` where ``mask`` is not 0."""

    input: str
    sources: tuple[str, ...]
    since: float
    slots: bytes
    mask: bytes

    def without(self, slots: Bools) -> "Kept | None":
        """The rest, when these slots are kept no more; ``None``: nothing is left."""
        left = _array(self.mask) * ~slots
        return self._replace(mask=left.tobytes()) if left.any() else None


class Console(NamedTuple):
    """Consoles that hold a universe. ``sources``: their names, the strongest first. ``held``: the priority of each
    slot, 0 where it is not theirs. ``limited``: led within the slew limit, not thrown. ``shares``: which of several has
    what, a byte a slot, not 0 where it is its; empty: all of it is all theirs. ``inputs``: where each source is heard;
    empty: all by ``input``. ``kept``: what lost ones left behind; these slots are in ``slots`` and ``held``, too."""

    input: str
    sources: tuple[str, ...]
    priority: int
    slots: bytes
    held: bytes
    limited: bool = True
    shares: tuple[bytes, ...] = ()
    inputs: tuple[str, ...] = ()
    kept: tuple[Kept, ...] = ()

    def who(self, first: int, last: int) -> tuple[str, ...]:
        """Who holds some of these slots (from 1 on, inclusive), the strongest first."""
        span = slice(first - 1, last)
        shares = self.shares or (self.held,) * len(self.sources)
        return tuple(
            name
            for name, share in zip(self.sources, shares, strict=True)
            if any(held and its for held, its in zip(self.held[span], share[span], strict=False))
        )

    def left(self, first: int, last: int) -> tuple[Kept, ...]:
        """What lost ones left behind on some of these slots, the latest first."""
        found = [each for each in self.kept if any(each.mask[first - 1 : last])]
        return tuple(sorted(found, key=lambda each: -each.since))

    def of(self, inputs: Container[str]) -> "Console | None":
        """What is heard, and was left behind, by these inputs alone; ``None``: nothing."""
        heard_by = self.inputs or (self.input,) * len(self.sources)
        kept = tuple(each for each in self.kept if each.input in inputs)
        rows = [row for row, name in enumerate(heard_by) if name in inputs]
        if len(rows) == len(heard_by) and kept == self.kept:
            return self if rows or kept else None
        live = None
        if rows:
            shares = [(self.shares or (self.held,) * len(self.sources))[row] for row in rows]
            theirs = np.any([_array(share) > 0 for share in shares], axis=0)
            held = np.where(theirs, _array(self.held), 0).astype(np.uint8)
            names, hears = tuple(self.sources[row] for row in rows), tuple(heard_by[row] for row in rows)
            live = Console(
                hears[0], names, int(held.max()), self.slots, held.tobytes(), self.limited, tuple(shares), hears
            )
        return with_kept(live, kept)

    def freed(self, slots: bytes) -> "Console | None":
        """Without what lost ones left behind on these slots (not 0); ``None``: nothing is left."""
        mask = _array(slots) > 0
        kept = tuple(left for each in self.kept if (left := each.without(mask)) is not None)
        return self if kept == self.kept else with_kept(self.live, kept)

    @property
    def live(self) -> "Console | None":
        """Without what lost ones left behind; ``None``: nobody is there."""
        if not self.kept:
            return self
        if not self.sources:
            return None
        held = _array(self.held).copy()
        for each in self.kept:
            held[_array(each.mask) > 0] = 0
        return self._replace(held=held.tobytes(), kept=())


@dataclass(frozen=True, slots=True)
class Standing:
    """What an input's table says: consoles with a priority above ``over`` take lights; ``limited``: see Console;
    ``keeps``: what one had stays as it is when it is lost, until a person moves it or a console has it again."""

    over: int = 100
    limited: bool = True
    keeps: bool = False


def console(name: str, standing: Standing, heard: Heard) -> Console | None:
    """Who holds the universe by what one input has heard; ``None``: nobody."""
    slots = heard.slots
    priorities = heard.priorities[: len(slots)] or bytes((heard.priority,)) * len(slots)
    held = bytes(each if each > standing.over else 0 for each in priorities)
    if not any(held):
        return None
    return Console(name, heard.sources or (name,), max(held), slots, held, standing.limited, heard.shares)


def together(consoles: Sequence[Console]) -> Console | None:
    """What several inputs hear of one universe, as within one: of each slot the highest priority, among equals the
    highest level. Where one of them is to be led, all are."""
    if len(consoles) < 2:
        return consoles[0] if consoles else None
    width = max(len(each.slots) for each in consoles)
    levels = np.stack([_array(each.slots, width) for each in consoles])
    ranks = np.stack([_array(each.held, width) for each in consoles])
    best = ranks.max(axis=0)
    holds = (ranks == best) & (best > 0)
    slots = np.where(holds | (best == 0), levels, 0).max(axis=0).astype(np.uint8)
    found: list[tuple[int, str, str, bytes]] = []
    for row, each in enumerate(consoles):
        for name, share in zip(each.sources, each.shares or (each.held,) * len(each.sources), strict=True):
            its = holds[row] & (_array(share, width) > 0)
            if its.any():
                found.append((-int(best[its].max()), name, each.input, its.tobytes()))
    found.sort(key=lambda source: source[:2])
    return Console(
        found[0][2],
        tuple(name for _, name, _, _ in found),
        int(best.max()),
        slots.tobytes(),
        best.tobytes(),
        any(each.limited for each in consoles),
        tuple(share for _, _, _, share in found),
        tuple(where for _, _, where, _ in found),
    )


def with_kept(live: Console | None, kept: Sequence[Kept]) -> Console | None:
    """The same with what lost ones left behind, at the lowest priority there is: it yields to whoever is there."""
    if not kept:
        return live
    slots, held = np.zeros(SLOTS, np.uint8), np.zeros(SLOTS, np.uint8)
    if live is not None:
        slots, held = _array(live.slots).copy(), _array(live.held).copy()
    for each in kept:
        mask = (_array(each.mask) > 0) & (held == 0)
        slots[mask], held[mask] = _array(each.slots)[mask], 1
    if live is None:
        return Console(kept[0].input, (), 0, slots.tobytes(), held.tobytes(), kept=tuple(kept))
    shares = live.shares or (live.held,) * len(live.sources)
    return live._replace(slots=slots.tobytes(), held=held.tobytes(), shares=shares, kept=tuple(kept))


def _array(row: bytes, width: int = SLOTS) -> Slots:
    return np.frombuffer(row.ljust(width, b"\0"), np.uint8)


class Consoles:
    """What all inputs have heard. ``follow(universe, console)`` is told who holds a universe, each time it changes.

    An input that is lost or begins anew has heard nothing yet. What it heard before stands in doubt for as long as a
    console may be silent: lights do not go back, and come again, for a console that was there all the time.

    A slot is kept of one lost console at most, so that however many come and go there is not more of it than slots.
    """

    def __init__(self, follow: Callable[[int, Console | None], None]) -> None:
        self._follow = follow
        self._by_input: dict[str, dict[int, Console]] = {}
        self._doubted: dict[str, dict[int, float]] = {}
        """By input and universe: until when it stands though it has not been heard again."""
        self._kept: dict[int, tuple[Kept, ...]] = {}
        self._keeping: set[str] = set()
        """Inputs whose lost consoles leave something behind."""
        self.holding: dict[int, Console] = {}

    def hear(self, name: str, standing: Standing, heard: Heard, now: float = 0.0) -> None:
        """An input has news of a universe."""
        self.stand(name, standing)
        found = console(name, standing, heard)
        mine = self._by_input.setdefault(name, {})
        before = mine.pop(heard.universe, None)
        if found is not None:
            mine[heard.universe] = found
        if before is not None and (found is None or (found.sources, found.held) != (before.sources, before.held)):
            # A source that is there still and holds less than before has given it back.
            self._lost(name, heard.universe, before, heard.sources or ((name,) if heard.slots else ()), now)
        self._doubted.get(name, {}).pop(heard.universe, None)
        self._settle(heard.universe)

    def stand(self, name: str, standing: Standing) -> None:
        """How this input stands from now on. What was left behind there is let go of when nothing is to be."""
        if standing.keeps:
            self._keeping.add(name)
        elif name in self._keeping:
            self._keeping.discard(name)
            self._drop_kept(name)

    def believe(self, name: str, before: Mapping[int, Console]) -> None:
        """What this input heard in another process. Whoever calls doubts it then."""
        for universe, each in before.items():
            if (live := each.live) is not None:
                self._by_input.setdefault(name, {})[universe] = live
            if name in self._keeping and each.kept:
                self._kept[universe] = (*self._kept.get(universe, ()), *each.kept)
            self._settle(universe)

    def doubt(self, name: str, until: float) -> None:
        """An input begins anew, or is lost: what it has heard stands until then, or until it is heard again."""
        self._doubted[name] = dict.fromkeys(self._by_input.get(name, ()), until)

    def turn(self, name: str, now: float) -> None:
        """Let go of what has stood in doubt for too long."""
        doubted = self._doubted.get(name, {})
        for universe in [universe for universe, until in doubted.items() if until <= now]:
            del doubted[universe]
            self._lost(name, universe, self._by_input[name].pop(universe), (), now)
            self._settle(universe)

    def forget(self, name: str) -> None:
        """An input is gone, and what was left behind there."""
        self._doubted.pop(name, None)
        self._keeping.discard(name)
        gone = self._by_input.pop(name, {})
        self._drop_kept(name)
        for universe in gone:
            self._settle(universe)

    def free(self, slots: Mapping[int, bytes]) -> None:
        """A person moves lights: what was left behind on these slots (not 0, by universe) is kept no more."""
        for universe, mask in slots.items():
            self._let_go(universe, _array(mask) > 0)
            self._settle(universe)

    def _lost(self, name: str, universe: int, before: Console, there: Iterable[str], now: float) -> None:
        """Of those who held slots by an input only these are there still."""
        if name not in self._keeping:
            return
        gone = np.zeros(SLOTS, np.bool_)
        others = np.zeros(SLOTS, np.bool_)
        names, left = set(there), []
        for source, share in zip(before.sources, before.shares or (before.held,) * len(before.sources), strict=True):
            if source in names:
                others |= _array(share) > 0
            else:
                gone |= _array(share) > 0
                left.append(source)
        gone &= (_array(before.held) > 0) & ~others
        if left and gone.any():
            self._let_go(universe, gone)
            kept = Kept(name, tuple(left), now, before.slots.ljust(SLOTS, b"\0"), gone.tobytes())
            self._kept[universe] = (*self._kept.get(universe, ()), kept)

    def _let_go(self, universe: int, slots: Bools) -> None:
        rest = tuple(left for each in self._kept.get(universe, ()) if (left := each.without(slots)) is not None)
        if rest:
            self._kept[universe] = rest
        else:
            self._kept.pop(universe, None)

    def _drop_kept(self, name: str) -> None:
        for universe, kept in tuple(self._kept.items()):
            rest = tuple(each for each in kept if each.input != name)
            if rest != kept:
                self._kept[universe] = rest
                self._settle(universe)

    def _settle(self, universe: int) -> None:
        live = together([mine[universe] for mine in self._by_input.values() if universe in mine])
        if universe in self._kept and live is not None:
            self._let_go(universe, _array(live.held) > 0)  # it is back, or another one is there
        holds = with_kept(live, self._kept.get(universe, ()))
        if holds != self.holding.get(universe):
            if holds is None:
                del self.holding[universe]
            else:
                self.holding[universe] = holds
            self._follow(universe, holds)
