"""An agent in this process, on the virtual studio, with a real Mosquitto."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from agent.app.agent import Agent
from agent.messaging.client import Client
from agent.messaging.local import NAME, ask
from config.load import load
from drivers.virtual.furnish import furnish
from drivers.virtual.studio import VirtualStudio
from tests.brokers import Mosquitto
from tests.waiting import free_port, until

DEMO = Path(__file__).resolve().parents[3] / "config/examples/demo.toml"
FRESH = 55.0
"""Seconds a word about the air state counts: a test says it once, and however slow the machine, the loop must not fall
back to its pace on air in the middle."""


class House:
    """One agent and its studio. ``change`` edits the configuration file before the start or a reload."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.file = folder / "studio.toml"
        self.environ = {"STUDIO_AGENT__MQTT__PORT": str(port), "STUDIO_AGENT__AGENT__STATE_DIR": str(folder / "state")}
        self.file.write_text(DEMO.read_text(encoding="utf-8"), encoding="utf-8")
        self.change('source = "mqtt"', f'source = "mqtt"\nfresh = {FRESH}')
        self.agent: Agent = None  # type: ignore[assignment]
        self.studio: VirtualStudio = None  # type: ignore[assignment]

    def change(self, old: str, new: str) -> None:
        text = self.file.read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in the configuration"
        self.file.write_text(text.replace(old, new), encoding="utf-8")

    @asynccontextmanager
    async def running(self, ready: bool = True) -> AsyncIterator[Agent]:
        """Start, wait until ready, and end it cleanly; the studio stays as it is from run to run."""
        config = load(self.file, self.environ)
        if self.studio is None:
            self.studio = furnish(config)
        self.agent = Agent(config, self.studio, config_file=self.file, mode="virtual", environ=self.environ)
        task = asyncio.create_task(self.agent.run())
        try:
            await asyncio.wait((task, asyncio.create_task(self.agent.ready.wait())), return_when="FIRST_COMPLETED")
            assert not task.done() or task.result() is None
            yield self.agent
        finally:
            self.agent.stop()
            self.exit = await asyncio.wait_for(task, 30)

    async def send(self, verb: str, args: dict[str, Any], issuer: str = "hand") -> Any:
        """Send a command over MQTT; its final answer."""
        await until(self.agent.bus.online.is_set)
        async with Client(self.agent.config.mqtt, issuer=issuer) as client:
            answers = [answer async for answer in client.send("demo", "studio", verb, args, id=uuid4().hex)]
        return answers[-1]

    async def local(self, verb: str, args: dict[str, Any], issuer: str = "hand") -> Any:
        """The same over the control socket."""
        socket = self.agent.config.agent.state_dir / NAME
        await until(socket.exists)
        return [answer async for answer in ask(socket, verb, args, issuer=issuer)][-1]

    def air(self, on_air: bool, age: float = 0.0) -> None:
        """Say on or off air, as if ``age`` seconds ago."""
        from agent.messaging.payloads import AirMessage

        issued = datetime.now(UTC) - timedelta(seconds=age)
        self.agent.bus.inbox.on_air(AirMessage(on_air=on_air, source="test", issued_at=issued))

    def state(self, kind: str, name: str) -> dict[str, Any]:
        """What is on the board for this state."""
        found: dict[str, Any] = json.loads(self.agent.bus.board[self.agent.topics.state(kind, name)])  # type: ignore[arg-type]
        return found


@pytest.fixture
def house(tmp_path: Path, mosquitto: Mosquitto) -> House:
    return House(tmp_path, mosquitto.port)


@pytest.fixture
def brokerless(tmp_path: Path) -> House:
    """A house whose broker is not there."""
    return House(tmp_path, free_port())
