"""An ear: where a lighting console is heard."""

from collections.abc import Callable, Sequence
from typing import Protocol

from agent.runtime.back_off import BackOff
from agent.runtime.lane import Health, Lane, Log
from drivers.base import Check, Heard, Identity, Input

LISTEN = 0.2
"""Seconds an input listens at a time: as long may its lane be busy when somebody wants something else of it."""

AGAIN = BackOff(first=0.5, most=1.0)


class Hearer(Protocol):
    """Who is told what inputs hear, on their lanes' threads."""

    def hear(self, name: str, news: Sequence[Heard]) -> None:
        """These universes are others now."""

    def doubt(self, name: str, until: float) -> None:
        """What was heard there is not certain any more: see :class:`~agent.lighting.console.Consoles`."""

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
