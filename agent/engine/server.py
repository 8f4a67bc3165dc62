"""The engine's own side: players by name, one daemon at a time, and a look that outlives it."""

import contextlib
import os
import selectors
import signal
import socket
import time
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from agent.engine.door import Door
from agent.engine.heir import Watched
from agent.engine.messages import (
    Answer,
    Ask,
    Beats,
    Bug,
    Drop,
    DropInput,
    Failure,
    Free,
    Heir,
    Heirless,
    Held,
    Hello,
    Leave,
    Listening,
    Logged,
    Play,
    Playing,
    Table,
    Take,
    TakeInput,
    Told,
    ToldInput,
    Unpacker,
    packed,
)
from agent.engine.outgoing import NEWS, NEWS_LED, Outgoing
from agent.lighting.hearing import Hearing
from agent.lighting.part import Part
from agent.lighting.player import Player, asked
from agent.runtime.lane import Health
from drivers.errors import DriverError
from drivers.host import Host

ALONE = 30.0
"""Seconds after which an engine without outputs that nobody talks to ends."""

SOFTWARE = 70
"""sysexits: a bug ended the engine. The daemon starts the next one."""


class _Seat:
    """A player and what its daemon knows of it."""

    def __init__(self, player: Player, table: Table, patch: str) -> None:
        self.player = player
        self.table = table
        self.patch = patch
        self.told = 0.0
        self.arrived = False
        self.has_sent = False


class _Posted:
    """A call from the daemon on its way to a lane."""

    def __init__(self, ask: Ask, player: Player, outgoing: Outgoing) -> None:
        self.fn = lambda: asked(player.driver, ask.method, ask.args)
        self._ask = ask
        self._outgoing = outgoing

    @property
    def given_up(self) -> bool:
        return time.monotonic() > self._ask.until

    def tell(self, result: Any, error: BaseException | None) -> None:
        said = None
        if error is None:
            try:
                packed(result)
            except Exception as unsendable:  # else the thread that tells would fall over it
                result, error = None, unsendable
        if isinstance(error, DriverError):
            said = Failure(type(error).__name__, error.reason, error.remedy, error.why)
        elif error is not None:
            said = Failure("", repr(error))
        self._outgoing.put(Answer(self._ask.number, result, said))


class EngineLog:
    """The daemon logs for us: we may outlive whoever reads our standard error."""

    def __init__(self, outgoing: Outgoing) -> None:
        self._out = outgoing

    def info(self, event: str, **fields: Any) -> None:
        self._put("info", event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        self._put("warning", event, fields)

    def exception(self, event: str, **fields: Any) -> None:
        self._put("error", event, {**fields, "exception": traceback.format_exc()})

    def _put(self, level: str, event: str, fields: Mapping[str, Any]) -> None:
        plain = {key: value if isinstance(value, (int, float, str)) else repr(value) for key, value in fields.items()}
        self._out.put(Logged(level, event, plain))


class Engine:
    """``realtime``: "" or why there is no real-time scheduling. :meth:`serve` runs until it is to end."""

    def __init__(
        self, folder: Path, host: Host, fingerprint: str, realtime: str, outgoing: Outgoing, heir: int
    ) -> None:
        self._folder = folder
        self._host = host
        self._fingerprint = fingerprint
        self._realtime = realtime
        self._out = outgoing
        self._log = EngineLog(outgoing)
        self._seats: dict[str, _Seat] = {}
        self._inputs: dict[str, Listening] = {}
        self._hearing = Hearing(
            host,
            lambda: [seat.player for seat in tuple(self._seats.values())],
            lambda holding: outgoing.put(Held(holding)),
            lambda name, health: outgoing.put(ToldInput(name, health)),
            self._bug,
            self._log,
        )
        self._ends_at: float | None = time.monotonic() + ALONE
        self._exit: int | None = None
        self._wake, self._woken = socket.socketpair()
        self._waiting = selectors.DefaultSelector()
        self._heir = Watched(heir, self._waiting)

    def beats(self) -> Iterator[Beats]:
        """How every output kept its beat."""
        now = self._host.now()
        for name, seat in tuple(self._seats.items()):
            yield Beats(name, seat.player.figures(now))

    def serve(self) -> int:
        """Until told to end, or until nobody comes in time after a daemon left. The exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._signalled)
        waiting = self._waiting
        with Door(self._folder, waiting, self._log) as door:
            waiting.register(self._woken, selectors.EVENT_READ)
            daemon: socket.socket | None = None
            unpacker = Unpacker()
            while self._exit is None:
                due = min((each for each in (self._ends_at, door.due) if each is not None), default=None)
                for key, _ in waiting.select(None if due is None else max(0.0, due - time.monotonic())):
                    if key.fileobj is door.socket:
                        door.knocked()
                    elif key.fileobj == self._heir.handle:
                        self._heir.gone()
                        self._out.put(Heirless())
                    elif daemon is not None and key.fileobj is daemon:
                        if not self._hear(daemon, unpacker):
                            self._part_from(daemon)
                            daemon = None
                    elif isinstance(key.fileobj, socket.socket) and door.heard(key.fileobj):
                        self._let_in(key.fileobj, daemon)
                        daemon, unpacker = key.fileobj, Unpacker()
                door.hurry()
                if self._ends_at is not None and self._ends_at <= time.monotonic():
                    break
        self._close()
        self._out.drain()
        if not self._exit:
            self._heir.end()
        return self._exit or 0

    # --- daemons -----------------------------------------------------------------------------------------------------

    def _part_from(self, daemon: socket.socket) -> None:
        """It is gone, or another one has come."""
        self._waiting.unregister(daemon)
        self._out.disconnect()
        with contextlib.suppress(OSError):
            daemon.shutdown(socket.SHUT_RDWR)  # closing alone does not wake who is writing to one that reads not
        daemon.close()
        if not self._seats and self._ends_at is None:
            self._ends_at = time.monotonic() + ALONE

    def _let_in(self, daemon: socket.socket, before: socket.socket | None) -> None:
        """A daemon has come: it takes the place of the one before."""
        if before is not None:
            self._part_from(before)
        self._ends_at = None
        outputs = {
            name: Playing(
                seat.table,
                seat.patch,
                seat.player.health,
                {universe: seat.player.wire(universe) for universe in seat.table.universes},
                seat.player.has_sent,
            )
            for name, seat in self._seats.items()
        }
        for seat in self._seats.values():
            seat.told = 0.0
        ears = self._hearing.ears
        inputs = {n: each._replace(health=ears[n].lane.health) for n, each in self._inputs.items()}
        holding = self._hearing.holding
        heir = self._heir.pid if self._heir.alive else 0
        hello = Hello(self._fingerprint, os.getpid(), self._realtime, outputs, inputs, holding, heir)
        self._out.connect(daemon, hello)

    def _hear(self, daemon: socket.socket, unpacker: Unpacker) -> bool:
        """Read what is there and do it. ``False``: the daemon is gone."""
        try:
            data = daemon.recv(1 << 16)
        except OSError:
            return False
        if not data:
            return False
        try:
            messages = list(unpacker.feed(data))
        except ValueError as error:  # whoever that is, it is no daemon of ours: the lights stay as they are
            self._log.warning("engine.unreadable", why=str(error))
            return False
        for message in messages:
            self._obey(message)
        return True

    def _obey(self, message: Any) -> None:
        match message:
            case Play(name, news, patch):
                if (seat := self._seats.get(name)) is not None:
                    seat.patch = patch or seat.patch
                    seat.player.play(news, self._host.now())
            case Ask():
                self._asked(message)
            case Take(name, table, part, before, patch):
                self._drop(name)
                self._take(name, table, part, before, patch)
            case Drop(name):
                self._drop(name)
            case TakeInput(name, table, standing, before):
                self._inputs[name] = Listening(table, standing, Health())
                self._hearing.make(name, table, standing, before).lane.start()
            case Free(slots):
                self._hearing.free(slots)
            case DropInput(name):
                self._inputs.pop(name, None)
                self._hearing.drop(name)
            case Heir(pid):
                if not self._heir.alive:
                    self._heir = Watched(pid, self._waiting)
                    if not self._heir.alive:
                        self._out.put(Heirless())
            case Leave(linger):
                self._ends_at = time.monotonic() + linger

    def _take(self, name: str, table: Table, part: Part, before: Any, patch: str) -> None:
        player = Player(name, table, self._host, part, self._told, self._bug, before, self._sent, self._log)
        self._seats[name] = _Seat(player, table, patch)
        self._hearing.seated(player)
        player.start()

    def _drop(self, name: str) -> None:
        seat = self._seats.pop(name, None)
        if seat is not None:
            seat.player.request_stop()
            seat.player.join()

    def _asked(self, ask: Ask) -> None:
        seat = self._seats.get(ask.name)
        if seat is None:
            self._out.put(Answer(ask.number, None, Failure("DeviceMissing", f"there is no output {ask.name}")))
            return
        posted = _Posted(ask, seat.player, self._out)
        try:
            seat.player.lane.post(posted)
        except DriverError as error:
            posted.tell(None, error)

    # --- on lanes' threads -------------------------------------------------------------------------------------------

    def _told(self, name: str, health: Health) -> None:
        seat = self._seats.get(name)
        if seat is not None:
            seat.has_sent = False
        self._out.put(Told(name, health))

    def _sent(self, player: Player, now: float) -> None:
        """After every turn: tell arrivals at once, frames on the way now and then."""
        seat = self._seats.get(player.name)
        if seat is None:
            return
        pump = player.pump
        news = pump.arrived != seat.arrived or pump.has_sent != seat.has_sent
        if news or now >= seat.told + (NEWS_LED if pump.led else NEWS):
            fresh = pump.fresh()
            if fresh or news:
                seat.told, seat.arrived, seat.has_sent = now, pump.arrived, pump.has_sent
                self._out.sent(player.name, fresh, pump.has_sent, pump.led)

    def _bug(self, lane: str, error: BaseException) -> None:
        """The lights stay as they are; the process ends, and the daemon starts the next one."""
        self._out.put(Bug(lane, repr(error)))
        self._end(SOFTWARE)

    # --- the end -----------------------------------------------------------------------------------------------------

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        self._end(0)

    def _end(self, code: int) -> None:
        self._exit = code
        with contextlib.suppress(OSError):
            self._wake.send(b".")

    def _close(self) -> None:
        for name in tuple(self._inputs):
            self._hearing.ears[name].lane.request_stop()
        seats = list(self._seats.values())
        for seat in seats:
            seat.player.request_stop()
        for seat in seats:
            seat.player.join()
