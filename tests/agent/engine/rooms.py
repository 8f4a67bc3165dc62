"""An output engine of one's own for tests, whoever listens to it on loopback, and the daemon's side of it."""

import asyncio
import contextlib
import os
import select
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from agent.engine.client import EngineClient
from agent.engine.messages import Playing
from agent.lighting.console import Console
from agent.lighting.input import InputUnit
from agent.lighting.output import OutputUnit
from agent.lighting.rig import Rig
from agent.runtime.lane import Health
from config.model import AgentSection, FixtureSection, InputSection, OutputSection, StudioConfig
from config.units import Attribute, Levels
from drivers.real.host import RealHost
from firmware_profiles.patch import Patch, patch
from tests.processes import engines
from tests.waiting import until

LIGHT = Attribute.INTENSITY
HOST = RealHost()


class Packet(NamedTuple):
    when: float
    universe: int
    sequence: int
    slots: bytes


class Listener:
    """Hears the sACN of one loopback address."""

    def __init__(self, address: str) -> None:
        self._packets: list[Packet] = []
        self._taking = threading.Lock()
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # beside an input on every address
        self._socket.bind((address, 5568))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def packets(self) -> list[Packet]:
        """All that has come to this machine, the latest included."""
        while True:
            with self._taking:
                if self._socket.fileno() < 0 or not select.select([self._socket], [], [], 0.0)[0]:
                    return self._packets
            time.sleep(0.0)  # for its own thread

    def _run(self) -> None:
        data = b"."
        while data:
            select.select([self._socket], [], [])
            with self._taking:
                data = self._socket.recv(2048)
                if len(data) > 126 and data[21] == 4:
                    universe = int.from_bytes(data[113:115])
                    self._packets.append(Packet(time.monotonic(), universe, data[111], data[126:]))

    def last(self, universe: int = 1) -> bytes:
        return next((each.slots for each in reversed(self.packets) if each.universe == universe), b"")

    def close(self) -> None:
        poke = socket.socket(type=socket.SOCK_DGRAM)
        poke.sendto(b"", self._socket.getsockname())
        poke.close()
        self._thread.join(5)
        self._socket.close()


@contextlib.contextmanager
def listener(address: str) -> Iterator[Listener]:
    made = Listener(address)
    try:
        yield made
    finally:
        made.close()


def dimmers(count: int, universes: int = 1) -> Patch:
    """``count`` dimmers in each of the universes, ``d1`` being the first one's first."""
    config = StudioConfig(
        agent=AgentSection(site="test", name="room"),
        outputs={"net": OutputSection(driver="sacn", universes=tuple(range(1, universes + 1)))},
        fixtures={
            f"d{universe * count + address}": FixtureSection(
                profile="generic/dimmer", personality="8bit", universe=universe + 1, address=address
            )
            for universe in range(universes)
            for address in range(1, count + 1)
        },
    )
    return patch(config)


class Side:
    """The daemon's side: client, rig and output units, without the rest of the agent."""

    def __init__(
        self,
        folder: Path,
        sections: Mapping[str, OutputSection],
        fixtures: Patch,
        present: Mapping[str, Levels],
        inputs: Mapping[str, InputSection] | None = None,
    ) -> None:
        self.inputs = inputs or {}
        self.told: list[tuple[str, Health]] = []
        self.holding: Mapping[int, Console] = {}
        self.client = EngineClient(
            folder, lambda kind, name, health: self.told.append((name, health)), self._held, time.monotonic
        )
        self.client.patch = "as it is"
        self.rig = Rig(fixtures, rate=0.6, present=present, show=self._show)
        self.sections = sections
        self.units: dict[str, OutputUnit] = {}
        self.found: Mapping[str, Playing] = {}

    def _show(self, scene: Any) -> None:
        for unit in self.units.values():
            unit.show(scene)

    def _held(self, holding: Mapping[int, Console]) -> None:
        self.holding = holding

    async def open(self) -> None:
        self.found = await self.client.open()
        for name, section in self.sections.items():
            self.units[name] = OutputUnit(name, section, HOST, self.rig.scene, self.client.seat)
            self.units[name].lane.start()
        for name, section in self.inputs.items():
            InputUnit(name, section, HOST, self.client.ear).lane.start()
        self.client.settled()

    async def ready(self) -> None:
        await until(lambda: all(unit.under_control for unit in self.units.values()))

    async def shown(self) -> None:
        """Returns when every output has sent what the rig has now, arrived."""
        now = time.monotonic
        await until(
            lambda: self.rig.unmoved(now()) and all(u.has_shown(self.rig.scene, now()) for u in self.units.values())
        )

    async def vanish(self) -> None:
        """As a killed process does: the socket closes, and nothing was said."""
        assert self.client._task is not None and self.client._writer is not None
        self.client._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.client._task
        self.client._writer.transport.abort()


@contextlib.asynccontextmanager
async def side(
    folder: Path,
    sections: Mapping[str, OutputSection],
    fixtures: Patch,
    present: Mapping[str, Levels] | None = None,
    inputs: Mapping[str, InputSection] | None = None,
) -> AsyncIterator[Side]:
    made = Side(folder, sections, fixtures, present or {}, inputs)
    await made.open()
    try:
        yield made
    finally:
        await made.client.close(0.0)
        await until(lambda: not engines(folder))


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def sacn(address: str, universes: int = 1) -> OutputSection:
    return OutputSection(driver="sacn", universes=tuple(range(1, universes + 1)), options={"hosts": [address]})
