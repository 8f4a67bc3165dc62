"""The daemon's side of the output engine: finds it or starts it, seats players in it, brings it back when it falls."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import structlog

from agent.engine.child import Child
from agent.engine.far import FarEar, FarPlayer, Holding, lost
from agent.engine.heirs import Heirs
from agent.engine.meeting import Met, ended, knock, reached
from agent.engine.messages import (
    Answer,
    Beats,
    Bug,
    Drop,
    DropInput,
    Free,
    Heir,
    Heirless,
    Held,
    Hello,
    Leave,
    Listening,
    Logged,
    Playing,
    Sent,
    Table,
    Told,
    ToldInput,
    fingerprint,
    packed,
)
from agent.engine.vigil import Vigil
from agent.lighting.console import Console
from agent.lighting.input import InputUnit
from agent.lighting.output import OutputUnit
from agent.runtime.lane import Health
from drivers.registry import Kind

log = structlog.get_logger(__name__)

STARTS_WITHIN = 10.0
"""Seconds in which a new engine must be there."""

HEIR_WITHIN = 0.5
"""Seconds in which a fallen engine's heir must have opened."""

PAUSES = (0.0, 0.0, 0.5, 1.0, 2.0, 5.0)
"""Seconds before an engine is started again, by how many fell lately."""

CALM = 60.0
"""Seconds an engine must have lived for its fall to count as the first one."""


class EngineClient:
    """``tell(kind, name, health)``: how an output or input is; ``held(holding)``: consoles hold these universes now.
    Lives on the loop; :meth:`open` first.

    ``patch`` is a word for the present patch: whose frames mean the same lights. ``realtime`` is "" or why the engine
    has no real-time scheduling; ``pid`` 0 while there is none.
    """

    def __init__(
        self,
        folder: Path,
        tell: Callable[[Kind, str, Health], None],
        held: Callable[[Mapping[int, Console]], None],
        now: Callable[[], float],
    ) -> None:
        self.patch = ""
        self.pid = 0
        self.realtime = "the engine has not started yet"
        self.falls = 0
        """Engines that ended unasked since the start."""
        self._before = 0
        """The process of the engine that was lost."""
        self._folder = folder
        self._tell = tell
        self._holding = Holding(held)
        self._now = now
        self.mark = fingerprint()
        self._players: dict[str, FarPlayer] = {}
        self._ears: dict[str, FarEar] = {}
        self._found: dict[str, Playing] = {}
        self._found_inputs: dict[str, Listening] = {}
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._numbers = count(1)
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self._child = Child(folder)
        self._heirs = Heirs(folder, lambda pid: self.send(Heir(pid)), now)
        self._vigil = Vigil(now)

    # --- what the agent does with it ---------------------------------------------------------------------------------

    async def open(self) -> Mapping[str, Playing]:
        """Take over the engine that is there, and say what it drives; start one otherwise, and do not wait for it."""
        met = await knock(self._folder)
        if met is not None:
            hello = met.hello
            if hello is not None and hello.fingerprint == self.mark:
                reader = self._greeted(met, hello)
                self._met(hello)
                log.info("engine.adopted", pid=hello.pid, outputs=sorted(hello.outputs))
                self._task = asyncio.create_task(self._stay(reader))
                return hello.outputs
            found: Mapping[str, Playing] = {}
            if hello is not None:
                log.info("engine.exchanged", pid=hello.pid, why="it runs another version of this program")
                found = hello.outputs
                self._holding.told(hello.holding)
            met.writer.write(packed(Leave(0.0)))
            await ended(met.reader)
            met.writer.close()
            self._task = asyncio.create_task(self._stay(None))
            return found
        self._task = asyncio.create_task(self._stay(None))
        return {}

    def seat(self, output: OutputUnit, before: Mapping[int, bytes]) -> FarPlayer:
        """A player for this output. What it is told goes to the engine as soon as there is one."""
        section = output.section
        table = Table(section.driver, tuple(section.universes), dict(section.options), section.folder)
        player = self._players[output.name] = FarPlayer(output.name, table, output.part, before, self)
        return player

    def started(self, player: FarPlayer) -> None:
        """Have the engine drive it; an output that it drives already, as it is, runs on."""
        found = self._found.pop(player.name, None)
        if found is not None and found.table == player.table:
            player.take_over(found)
            self._tell(Kind.OUTPUT, player.name, player.health)
        else:
            self.send(player.taking())

    def ear(self, unit: InputUnit) -> FarEar:
        """Who listens for this input."""
        section = unit.section
        return FarEar(unit.name, Table(section.driver, (), dict(section.options), section.folder), unit.standing, self)

    def listen(self, ear: FarEar) -> None:
        """Have the engine listen there; an input that it listens to already, as it is, is listened to on."""
        self._ears[ear.name] = ear
        found = self._found_inputs.pop(ear.name, None)
        if found is not None and (found.table, found.standing) == (ear.table, ear.standing):
            ear.health = found.health
            self._tell(Kind.INPUT, ear.name, ear.health)
        else:
            self.send(ear.taking(self._holding.by(ear.name, self._players.values())))

    def unlisten(self, ear: FarEar) -> None:
        """Have the engine stop listening there."""
        if self._ears.get(ear.name) is ear:
            del self._ears[ear.name]
            self.send(DropInput(ear.name))
            self._holding.only(self._ears)

    def free(self, slots: Mapping[int, bytes]) -> None:
        """Have nothing kept there that lost consoles left behind."""
        self._holding.free(slots)
        self.send(Free(slots))

    def dropped(self, player: FarPlayer) -> None:
        """Have the engine let go of it."""
        if self._players.get(player.name) is player:
            del self._players[player.name]
            self.send(Drop(player.name))

    def settled(self) -> None:
        """Every output and input has its place: what the engine still has besides is nobody's."""
        for name in self._found:
            self.send(Drop(name))
        for name in self._found_inputs:
            self.send(DropInput(name))
        self._holding.only(self._ears)
        self._found.clear()
        self._found_inputs.clear()

    def send(self, message: Any) -> None:
        """To the engine, at once; while there is none it is not needed: the next one is told everything."""
        if self._writer is not None:
            self._writer.write(packed(message))

    async def ask(self, make: Callable[[int], Any], timeout: float) -> Any:  # noqa: ASYNC109 - of the far lane
        """Send ``make(number)`` and wait for its answer. TimeoutError; ConnectionError without an engine."""
        if self._writer is None:
            raise ConnectionError("there is no output engine at present")
        number = next(self._numbers)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        try:
            self.send(make(number))
            async with asyncio.timeout(timeout):
                return await answer
        finally:
            del self._asked[number]

    async def close(self, linger: float) -> None:
        """Leave. The engine holds the look for ``linger`` seconds and ends unless another daemon comes."""
        self._heirs.stop()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._writer is None and self._task is not None:  # one that is just coming is to hear it, too
            met = await self._reached(HEIR_WITHIN, lambda: self._heirs.waits or self._child.code is None)
            self._writer = None if met is None else met.writer
        writer = self._writer
        if writer is not None:
            self.send(Leave(linger))
            self._writer = None
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(1.0):
                    await writer.drain()
                    writer.close()
                    await writer.wait_closed()
        if linger == 0:
            await asyncio.gather(*(asyncio.to_thread(each.wait, 3.0) for each in (self._child, self._heirs)))

    # --- staying with it ---------------------------------------------------------------------------------------------

    async def _stay(self, reader: asyncio.StreamReader | None) -> None:
        fallen = 0
        while True:
            began = self._now()
            if reader is None:
                await asyncio.sleep(PAUSES[min(fallen, len(PAUSES) - 1)])
                reader = await self._begun()
            if reader is not None:
                vigil = asyncio.create_task(self._vigil.keep(self.pid))
                try:
                    await self._listen(reader)
                except ConnectionError:
                    pass  # it was killed with something of ours unread
                except ValueError as error:
                    log.error("engine.unreadable", why=str(error))
                finally:
                    vigil.cancel()
                self._lost()
            reader = None
            fallen = 1 if self._now() - began > CALM else fallen + 1

    async def _begun(self) -> asyncio.StreamReader | None:
        """Greet the fallen engine's heir, or start an engine, and seat everybody in it."""
        met = await self._reached(HEIR_WITHIN, lambda: self._heirs.waits) if self._before else None
        if met is None:
            try:
                self._child.start()
            except OSError as error:  # no memory, no process, no descriptor left: there may be some in a while
                log.error("engine.not_started", why=str(error))
                return None
            met = await self._reached(STARTS_WITHIN, lambda: self._child.code is None)
        if met is None or met.hello is None:
            log.error("engine.not_started", exit=self._child.code, said=self._child.last_words())
            return None
        hello = met.hello
        reader = self._greeted(met, hello)
        if hello.fingerprint != self.mark:
            why = "the program's files have changed while it runs"
            log.error("engine.other_version", pid=hello.pid, why=why, next="restart the agent")
        self._met(hello)
        for ear in tuple(self._ears.values()):
            self.listen(ear)
        for player in tuple(self._players.values()):  # after who holds their universes
            self.started(player)
        self.settled()
        return reader

    def _met(self, hello: Hello) -> None:
        """What this engine does already: all of it, where it was only the connection that was lost."""
        self.falls += self._before not in (0, hello.pid)
        self._found, self._found_inputs = dict(hello.outputs), dict(hello.inputs)
        if hello.inputs:  # one that has just begun has not heard anybody yet
            self._holding.told(hello.holding)
        self._heirs.known(hello.heir)
        if not hello.heir:
            self._heirs.missing()

    async def _reached(self, within: float, coming: Callable[[], bool]) -> Met | None:
        return await reached(self._folder, within, coming, self._now)

    def _greeted(self, met: Met, hello: Hello) -> asyncio.StreamReader:
        self._writer, self._unpacker = met.writer, met.unpacker
        self.pid, self.realtime = hello.pid, hello.realtime
        if hello.realtime:
            log.warning("engine.not_realtime", why=hello.realtime)
        return met.reader

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(1 << 16):
            self._vigil.heard()
            for message in self._unpacker.feed(data):
                self._heard(message)

    def _heard(self, message: Any) -> None:
        match message:
            case Sent(name, wires, has_sent, led):
                if (player := self._players.get(name)) is not None:
                    player.told_sent(wires, has_sent, led)
            case Beats(name, figures):
                if (player := self._players.get(name)) is not None:
                    player.beats = figures
            case Told(name, health):
                if (player := self._players.get(name)) is not None:
                    player.told_health(health)
                    self._tell(Kind.OUTPUT, name, health)
            case ToldInput(name, health):
                if (ear := self._ears.get(name)) is not None:
                    ear.health = health
                    self._tell(Kind.INPUT, name, health)
            case Held(holding):
                self._holding.told(holding)
            case Answer(number, result, error):
                if (answer := self._asked.get(number)) is not None and not answer.done():
                    answer.set_result((result, error))
            case Heirless():
                self._heirs.missing()
            case Logged(level, event, fields):
                getattr(log, level, log.info)(event, **fields)
            case Bug(lane, text):
                log.error("engine.bug", lane=lane, error=text)

    def _lost(self) -> None:
        """The engine is gone: the lights hold or go dark as their receivers do, until the next one is there."""
        if self._writer is not None:
            self._writer.close()
        self._writer = None
        self._heirs.stop()
        self._before, self.pid = self.pid, 0
        log.error("engine.lost", exit=self._child.code, said=self._child.last_words(), next="a new one is started")
        now = self._now()
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(ConnectionError("the output engine has ended"))
        for player in self._players.values():
            player.lost(now, self._vigil.said)
            self._tell(Kind.OUTPUT, player.name, player.health)
        for ear in self._ears.values():
            ear.health = lost(ear.health, now)
            self._tell(Kind.INPUT, ear.name, ear.health)
