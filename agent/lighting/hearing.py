"""Hearing: all inputs of one process, and the players whose universes consoles hold. Where the wires are."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

from agent.lighting.console import Console, Consoles, Ear, Standing
from agent.lighting.player import Player, Table
from agent.runtime.lane import Health, Log
from drivers import registry
from drivers.base import Heard, Input
from drivers.host import Host


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

    def make(self, name: str, table: Table, standing: Standing) -> Ear:
        """An input, not yet started. Raises as making a driver does."""
        spec = registry.find(table.driver)
        driver: Input = spec.make(spec.read(table.options, table.folder), self._host)
        self._standing[name] = standing
        ear = Ear(name, driver, self._host.now, self._hear, self._forget, self._tell, self._bug, self._log)
        self.ears[name] = ear
        return ear

    def drop(self, name: str) -> None:
        """Stop listening there; what it heard holds nothing any more."""
        ear = self.ears.pop(name, None)
        if ear is not None:
            ear.lane.request_stop()
            ear.lane.join()
            self._forget(name)

    def seated(self, player: Player) -> None:
        """A player has come: it follows who holds its universes."""
        with self._lock:
            for universe, console in self._consoles.holding.items():
                player.follow(universe, console)

    # --- on inputs' threads ------------------------------------------------------------------------------------------

    def _hear(self, name: str, news: Sequence[Heard]) -> None:
        with self._lock:
            before = _said(self._consoles.holding)
            for heard in news:
                self._consoles.hear(name, self._standing[name], heard)
            self._tell_others(before)

    def _forget(self, name: str) -> None:
        with self._lock:
            before = _said(self._consoles.holding)
            self._consoles.forget(name)
            self._tell_others(before)

    def _tell_others(self, before: Mapping[int, object]) -> None:
        """Levels change with every frame: what is worth telling is who holds what."""
        if _said(self._consoles.holding) != before:
            self._told(dict(self._consoles.holding))

    def _follow(self, universe: int, console: Console | None) -> None:
        for player in self._players():
            if universe in player.universes:
                player.follow(universe, console)


def _said(holding: Mapping[int, Console]) -> dict[int, object]:
    return {universe: (each.input, each.source, each.priority, each.held) for universe, each in holding.items()}
