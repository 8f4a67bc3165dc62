"""Hearing: all inputs of one process, and the players whose universes consoles hold. Where the wires are."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType

from agent.lighting.console import Console, Consoles, Standing
from agent.lighting.ear import Ear
from agent.lighting.player import Player, Table
from agent.runtime.lane import Health, Log
from drivers import registry
from drivers.base import Heard, Input
from drivers.host import Host

HELD = bytes(1) + b"\1" * 255
"""Of the priority of a slot it is told whether it is held."""


class Hearing:
    """``players`` gives those there are; ``told`` is called with who holds which universe when that changes. ``tell``,
    ``bug`` and ``told`` are called on the inputs' threads."""

    def __init__(
        self,
        host: Host,
        players: Callable[[], Iterable[Player]],
        told: Callable[[Mapping[int, Console]], None],
        tell: Callable[[str, Health], None],
        bug: Callable[[str, BaseException], None],
        log: Log | None = None,
    ) -> None:
        self.ears: dict[str, Ear] = {}
        self._host = host
        self._players = players
        self._told = told
        self._tell = tell
        self._bug = bug
        self._log = log
        self._lock = threading.Lock()
        self._standing: dict[str, Standing] = {}
        self._consoles = Consoles(self._follow)

    @property
    def holding(self) -> Mapping[int, Console]:
        """Who holds which universe."""
        with self._lock:
            return dict(self._consoles.holding)

    def make(
        self, name: str, table: Table, standing: Standing, before: Mapping[int, Console] = MappingProxyType({})
    ) -> Ear:
        """An input, not yet started, in the place of one of that name; what that one heard, or this one ``before`` in
        another process, stands until it is heard again. Raises as making a driver does."""
        spec = registry.find(table.driver)
        driver: Input = spec.make(spec.read(table.options, table.folder), self._host)
        self._end(name)
        self._standing[name] = standing
        with self._told_if_changed():
            self._consoles.stand(name, standing)
            self._consoles.believe(name, before)
            self._consoles.doubt(name, self._host.now() + driver.lost_after)
        ear = Ear(name, driver, self._host.now, self, self._tell, self._bug, self._log)
        self.ears[name] = ear
        return ear

    def drop(self, name: str) -> None:
        """Stop listening there; what it heard holds nothing any more."""
        if self._end(name):
            with self._told_if_changed():
                self._consoles.forget(name)

    def _end(self, name: str) -> bool:
        """Whether there was one."""
        ear = self.ears.pop(name, None)
        if ear is not None:
            ear.lane.request_stop()
            ear.lane.join()
        return ear is not None

    def free(self, slots: Mapping[int, bytes]) -> None:
        """A person moves lights: see :class:`Consoles`."""
        with self._told_if_changed():
            self._consoles.free(slots)

    def seated(self, player: Player) -> None:
        """A player has come: it follows who holds its universes."""
        with self._lock:
            for universe, console in self._consoles.holding.items():
                player.follow(universe, console)

    # --- on inputs' threads ------------------------------------------------------------------------------------------

    def hear(self, name: str, news: Sequence[Heard]) -> None:
        with self._told_if_changed():
            for heard in news:
                self._consoles.hear(name, self._standing[name], heard, self._host.now())

    def doubt(self, name: str, until: float) -> None:
        with self._lock:
            self._consoles.doubt(name, until)

    def turn(self, name: str, now: float) -> None:
        with self._told_if_changed():
            self._consoles.turn(name, now)

    @contextmanager
    def _told_if_changed(self) -> Iterator[None]:
        """Levels change with every frame: what is worth telling is who holds what."""
        with self._lock:
            before = _said(self._consoles.holding)
            yield
            if _said(self._consoles.holding) != before:
                self._told(dict(self._consoles.holding))

    def _follow(self, universe: int, console: Console | None) -> None:
        for player in self._players():
            if universe in player.universes:
                player.follow(universe, console)


def _said(holding: Mapping[int, Console]) -> dict[int, Console]:
    return {
        universe: each._replace(slots=b"", held=each.held.translate(HELD), limited=True)
        for universe, each in holding.items()
    }
