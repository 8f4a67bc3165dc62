"""Hand-over: while a lighting console sends one of our universes with more priority than ours, its lights are its.

An output then sends what the console sends, light by light. Receivers that hear the console themselves see no
difference; those behind a widget get it from us; and when the console ends, all of them are where it left them, and the
lights go back to the scene in a fade. That is also why we never just stop sending: a receiver that falls back to us
would jump.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from agent.runtime.lane import BackOff, Health, Lane, Log
from drivers.base import Heard, Identity, Input

LISTEN = 0.2
"""Seconds an input listens at a time: as long may its lane be busy when somebody wants something else of it."""

AGAIN = BackOff(first=0.5, most=5.0)


class Console(NamedTuple):
    """A console that holds a universe. ``held``: a byte a slot, not 0 where it is the console's. ``limited``: led
    within the slew limit, not thrown."""

    input: str
    source: str
    priority: int
    slots: bytes
    held: bytes
    limited: bool = True


@dataclass(frozen=True, slots=True)
class Standing:
    """What an input's table says: consoles with a priority above ``over`` take lights; ``limited``: see Console."""

    over: int = 100
    limited: bool = True


def console(name: str, standing: Standing, heard: Heard) -> Console | None:
    """Who holds the universe by what one input has heard; ``None``: nobody."""
    slots = heard.slots
    if heard.priorities:
        held = bytes(priority > standing.over for priority in heard.priorities[: len(slots)])
    else:
        held = bytes(len(slots)) if heard.priority <= standing.over else b"\1" * len(slots)
    if not any(held):
        return None
    strongest = max(heard.priorities, default=heard.priority) if heard.priorities else heard.priority
    source = heard.sources[0] if heard.sources else name
    return Console(name, source, strongest, slots, held, standing.limited)


class Consoles:
    """What all inputs have heard. ``follow(universe, console)`` is told who holds a universe, each time it changes."""

    def __init__(self, follow: Callable[[int, Console | None], None]) -> None:
        self._follow = follow
        self._by_input: dict[str, dict[int, Console]] = {}
        self.holding: dict[int, Console] = {}

    def hear(self, name: str, standing: Standing, heard: Heard) -> None:
        """An input has news of a universe."""
        found = console(name, standing, heard)
        mine = self._by_input.setdefault(name, {})
        if found is None:
            mine.pop(heard.universe, None)
        else:
            mine[heard.universe] = found
        self._settle(heard.universe)

    def forget(self, name: str) -> None:
        """An input is gone, or starts anew."""
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


class Ear:
    """An input at work: its driver on its lane. ``heard`` and ``gone`` are called on the lane's thread."""

    def __init__(
        self,
        name: str,
        driver: Input,
        now: Callable[[], float],
        heard: Callable[[str, Sequence[Heard]], None],
        gone: Callable[[str], None],
        tell: Callable[[str, Health], None],
        bug: Callable[[str, BaseException], None],
        log: Log | None = None,
    ) -> None:
        self.name = name
        self.driver = driver
        self._heard = heard
        self._gone = gone
        self._tell = tell
        self.lane = Lane(name, driver, self, now=now, tell=self._told, bug=bug, back_off=AGAIN, log=log)

    def opened(self, identity: Identity, now: float) -> None:
        self._gone(self.name)  # the driver begins anew: what it does not hear again is not so

    def turn(self, now: float) -> float:
        news = self.driver.listen(LISTEN)
        if news:
            self._heard(self.name, news)
        return now

    def _told(self, name: str, health: Health) -> None:
        if health.state != "ok":
            self._gone(name)
        self._tell(name, health)
