"""A player: one output's driver, its lane and its pump. It lives in the process that owns the wire."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from agent.lighting.console import Console
from agent.lighting.part import Change, Few, Part
from agent.lighting.pump import BeatFigures, Pump
from agent.runtime.back_off import BackOff
from agent.runtime.lane import Health, Lane, Log
from drivers import registry
from drivers.base import Check, Identity, Output, Result
from drivers.dmx import rdm_jobs
from drivers.errors import NotSupported
from drivers.host import Host

RDM: Mapping[str, Callable[..., Any]] = {"rdm_begin": rdm_jobs.begin, "rdm_step": rdm_jobs.step}

SOON = BackOff(first=0.25, most=0.5)
"""A light that cannot be driven is looked for again quickly: a replugged widget is back within 2 s."""


class Table(Protocol):
    """An output's table of the configuration."""

    @property
    def driver(self) -> str: ...
    @property
    def universes(self) -> Sequence[int]: ...
    @property
    def options(self) -> Mapping[str, Any]: ...
    @property
    def folder(self) -> Path | None: ...


class Playing(Protocol):
    """What the rest of the agent sees of a player, wherever that lives."""

    @property
    def name(self) -> str: ...

    @property
    def health(self) -> Health: ...

    @property
    def alive(self) -> bool:
        """Whether its thread runs, here."""

    def start(self) -> None: ...

    def play(self, news: Part | Change | Few, now: float) -> None:
        """Do this from now on."""

    def wire(self, universe: int) -> bytes:
        """The frame last sent on a universe; ``b""`` before the first."""

    @property
    def has_sent(self) -> bool:
        """Whether every universe has been sent once since the device was opened."""

    @property
    def led(self) -> bool:
        """Whether lights of it are on their way to where the scene is, or a console's."""

    def figures(self, now: float) -> BeatFigures: ...

    async def ask(self, method: str, *args: Any, timeout: float) -> Any:  # noqa: ASYNC109 - also bounds the queue
        """Call a method of the driver on its own thread. Raises what that raises; DeviceMissing, ReplyTimeout."""

    def request_stop(self) -> None: ...

    def join(self) -> bool:
        """Wait for the thread's end. Whether it has ended."""


class Player:
    """``tell``, ``bug`` and ``sent`` are called on its lane's thread; ``sent`` after every turn."""

    def __init__(
        self,
        name: str,
        table: Table,
        host: Host,
        part: Part,
        tell: Callable[[str, Health], None],
        bug: Callable[[str, BaseException], None],
        before: Mapping[int, bytes] = MappingProxyType({}),
        sent: Callable[["Player", float], None] | None = None,
        log: Log | None = None,
    ) -> None:
        """``before``: frames its universes were last sent by whoever carried them. NotSupported or pydantic's
        ValidationError when the table is wrong."""
        spec = registry.find(table.driver)
        self.name = name
        self.universes = tuple(table.universes)
        self.driver: Output = spec.make(spec.read(table.options, table.folder), host)
        self.pump = Pump(self.driver, part, before)
        self.lane = Lane(name, self.driver, self, now=host.now, tell=tell, bug=bug, back_off=SOON, log=log)
        self._part = part
        self._sent = sent

    # --- Work of the lane --------------------------------------------------------------------------------------------

    def opened(self, identity: Identity, now: float) -> None:
        self.pump.opened(identity, now)

    def turn(self, now: float) -> float:
        due = self.pump.turn(now)
        if self._sent is not None:
            self._sent(self, now)
        return due

    # --- Playing -----------------------------------------------------------------------------------------------------

    @property
    def health(self) -> Health:
        return self.lane.health

    @property
    def alive(self) -> bool:
        return self.lane.alive

    def start(self) -> None:
        self.lane.start()

    def play(self, news: Part | Change | Few, now: float) -> None:
        self._part = news if isinstance(news, Part) else self._part.changed(news, now)
        self.pump.play(self._part)
        self.lane.wake()

    def follow(self, universe: int, console: Console | None) -> None:
        """A console holds this universe from now on; ``None``: nobody does."""
        self.pump.follow(universe, console)
        self.lane.wake()

    def wire(self, universe: int) -> bytes:
        return self.pump.wire(universe)

    @property
    def has_sent(self) -> bool:
        return self.pump.has_sent

    @property
    def led(self) -> bool:
        return self.pump.led

    def figures(self, now: float) -> BeatFigures:
        return self.pump.figures(now)

    async def ask(self, method: str, *args: Any, timeout: float) -> Any:  # noqa: ASYNC109 - also bounds the queue
        return await self.lane.call(lambda: asked(self.driver, method, args), timeout)

    def request_stop(self) -> None:
        self.lane.request_stop()

    def join(self) -> bool:
        return self.lane.join()


def asked(driver: Output, method: str, args: Sequence[Any]) -> Any:
    """Do what is asked of a driver: one of its methods by name, ``check`` with the number of one of its checks, or
    ``checks_of`` for their list, or a piece of RDM work (:mod:`drivers.dmx.rdm_jobs`)."""
    if method == "check":
        return check(driver, *args)
    if method == "checks_of":
        return checks_of(driver)
    if method in RDM:
        return RDM[method](driver, *args)
    return getattr(driver, method)(*args)


def checks_of(driver: Output) -> tuple[Check, ...]:
    """What the driver can check now, numbered as for :func:`check`. It may go to another process, so ``run`` stays
    behind."""
    return tuple(replace(each, run=stays_behind) for each in driver.checks())


def stays_behind() -> Result:
    """``run`` of a check that was only listed. Raises NotSupported."""
    raise NotSupported("a listed check is run by its number, where its device is open")


def check(driver: Output, number: int, identifier: str) -> Result:
    """Run one of the driver's checks. NotSupported when it has others now than when it was asked for them."""
    found = driver.checks()
    if number >= len(found) or found[number].id != identifier:
        raise NotSupported(f"{identifier}: the driver has no such check any more", "run the self-test again")
    return found[number].run()
