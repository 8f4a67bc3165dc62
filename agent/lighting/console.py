"""Hand-over: while a lighting console sends one of our universes with more priority than ours, its lights are its.

An output then sends what the console sends, light by light. Receivers that hear the console themselves see no
difference; those behind a widget get it from us; and when the console ends, all of them are where it left them, and the
lights go back to the scene in a fade. That is also why we never just stop sending: a receiver that falls back to us
would jump.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from agent.runtime.lane import BackOff, Health, Lane, Log
from drivers.base import Check, Heard, Identity, Input

LISTEN = 0.2
"""Seconds an input listens at a time: as long may its lane be busy when somebody wants something else of it."""

AGAIN = BackOff(first=0.5, most=1.0)


class Console(NamedTuple):
    """Consoles that hold a universe, as one input hears them merged. ``sources``: their names, the strongest first.
    ``held``: the priority of each slot, 0 where it is not theirs. ``limited``: led within the slew limit, not thrown.
    ``shares``: which of several has what, a byte a slot, not 0 where it is its; empty: all of it is all theirs."""

    input: str
    sources: tuple[str, ...]
    priority: int
    slots: bytes
    held: bytes
    limited: bool = True
    shares: tuple[bytes, ...] = ()

    def who(self, first: int, last: int) -> tuple[str, ...]:
        """Who holds some of these slots (from 1 on, inclusive), the strongest first."""
        span = slice(first - 1, last)
        shares = self.shares or (self.held,) * len(self.sources)
        return tuple(
            name
            for name, share in zip(self.sources, shares, strict=True)
            if any(held and its for held, its in zip(self.held[span], share[span], strict=False))
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """What an input's table says: consoles with a priority above ``over`` take lights; ``limited``: see Console."""

    over: int = 100
    limited: bool = True


def console(name: str, standing: Standing, heard: Heard) -> Console | None:
    """Who holds the universe by what one input has heard; ``None``: nobody."""
    slots = heard.slots
    priorities = heard.priorities[: len(slots)] or bytes((heard.priority,)) * len(slots)
    held = bytes(each if each > standing.over else 0 for each in priorities)
    if not any(held):
        return None
    return Console(name, heard.sources or (name,), max(held), slots, held, standing.limited, heard.shares)


class Consoles:
    """What all inputs have heard. ``follow(universe, console)`` is told who holds a universe, each time it changes.

    An input that is lost or begins anew has heard nothing yet. What it heard before stands in doubt for as long as a
    console may be silent: lights do not go back, and come again, for a console that was there all the time.
    """

    def __init__(self, follow: Callable[[int, Console | None], None]) -> None:
        self._follow = follow
        self._by_input: dict[str, dict[int, Console]] = {}
        self._doubted: dict[str, dict[int, float]] = {}
        """By input and universe: until when it stands though it has not been heard again."""
        self.holding: dict[int, Console] = {}

    def hear(self, name: str, standing: Standing, heard: Heard) -> None:
        """An input has news of a universe."""
        found = console(name, standing, heard)
        mine = self._by_input.setdefault(name, {})
        if found is None:
            mine.pop(heard.universe, None)
        else:
            mine[heard.universe] = found
        self._doubted.get(name, {}).pop(heard.universe, None)
        self._settle(heard.universe)

    def believe(self, name: str, before: Mapping[int, Console]) -> None:
        """What this input heard in another process. Whoever calls doubts it then."""
        self._by_input.setdefault(name, {}).update(before)
        for universe in before:
            self._settle(universe)

    def doubt(self, name: str, until: float) -> None:
        """An input begins anew, or is lost: what it has heard stands until then, or until it is heard again."""
        self._doubted[name] = dict.fromkeys(self._by_input.get(name, ()), until)

    def turn(self, name: str, now: float) -> None:
        """Let go of what has stood in doubt for too long."""
        doubted = self._doubted.get(name, {})
        for universe in [universe for universe, until in doubted.items() if until <= now]:
            del doubted[universe], self._by_input[name][universe]
            self._settle(universe)

    def forget(self, name: str) -> None:
        """An input is gone."""
        self._doubted.pop(name, None)
        for universe in self._by_input.pop(name, {}):
            self._settle(universe)

    def _settle(self, universe: int) -> None:
        there = [mine[universe] for mine in self._by_input.values() if universe in mine]
        strongest = max(there, key=lambda each: each.priority, default=None)
        if strongest != self.holding.get(universe):
            if strongest is None:
                del self.holding[universe]
            else:
                self.holding[universe] = strongest
            self._follow(universe, strongest)


class Hearer(Protocol):
    """Who is told what inputs hear, on their lanes' threads."""

    def hear(self, name: str, news: Sequence[Heard]) -> None:
        """These universes are others now."""

    def doubt(self, name: str, until: float) -> None:
        """What was heard there is not certain any more: see :class:`Consoles`."""

    def turn(self, name: str, now: float) -> None:
        """Time has passed."""


class Ear:
    """An input at work: its driver on its lane."""

    def __init__(
        self,
        name: str,
        driver: Input,
        now: Callable[[], float],
        hearer: Hearer,
        tell: Callable[[str, Health], None],
        bug: Callable[[str, BaseException], None],
        log: Log | None = None,
    ) -> None:
        self.name = name
        self.driver = driver
        self._now = now
        self._hearer = hearer
        self._tell = tell
        self.lane = Lane(name, self, self, now=now, tell=self._told, bug=bug, back_off=AGAIN, log=log)

    # --- the lane's device: the driver, but it is noticed when it cannot be opened for long -------------------------

    def open(self) -> Identity:
        self._hearer.turn(self.name, self._now())
        return self.driver.open()

    def close(self) -> None:
        self.driver.close()

    def checks(self) -> Sequence[Check]:
        return self.driver.checks()

    # --- the lane's work ---------------------------------------------------------------------------------------------

    def opened(self, identity: Identity, now: float) -> None:
        self._hearer.doubt(self.name, now + self.driver.lost_after)

    def turn(self, now: float) -> float:
        news = self.driver.listen(LISTEN)
        if news:
            self._hearer.hear(self.name, news)
        self._hearer.turn(self.name, now)
        return now

    def _told(self, name: str, health: Health) -> None:
        if health.state != "ok":
            self._hearer.doubt(name, self._now() + self.driver.lost_after)
        self._tell(name, health)
