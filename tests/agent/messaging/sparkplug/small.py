"""A small edge node: the service with a few lights, told what to say by the test.

As a program it is there to be killed: ``python -m tests.agent.messaging.sparkplug.small PORT FOLDER``.
"""

import asyncio
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from agent.messaging.dispatch import Dispatcher
from agent.messaging.header import Stamp
from agent.messaging.payloads import DeviceEntry, DeviceState, FixtureEntry, FixtureState, Inventory
from agent.messaging.reconnect import BackOff
from agent.messaging.sparkplug.service import Sparkplug
from agent.messaging.topics import Topics
from agent.runtime.journal import Journal
from config.broker import MqttSection
from config.model import SparkplugSection
from config.units import Attribute
from tests.agent.messaging.conftest import Lights
from tests.waiting import until

TOPICS = Topics("hall", "one")


class SmallNode:
    """See the module. ``more`` goes into ``[sparkplug]``."""

    def __init__(
        self, port: int, folder: Path, protocol: str = "5", username: str | None = None, brokers: Any = (), **more: Any
    ) -> None:
        mqtt = MqttSection.model_validate(
            {
                "host": "127.0.0.1",
                "port": port,
                "protocol": protocol,
                "keepalive": 60,
                "username": username,
                "brokers": brokers,
            }
        )
        self.lights = Lights()
        self.air = False
        folder.mkdir(exist_ok=True)
        self.journal = Journal(folder / "journal.db")
        self.dispatcher = Dispatcher(
            self.lights.verbs(), self.journal, lambda: self.air, lambda answer: None, time.time
        )
        self.service = Sparkplug(
            SparkplugSection.model_validate({"enabled": True, **more}),
            mqtt,
            ("hall", "one"),
            Stamp(time.time, time.monotonic),
            self.dispatcher.receive,
            version="1",
            state=folder,
            back_off=BackOff(0.05, 0.2),
        )
        self._task: asyncio.Task[None] | None = None

    def furnish(self, *lights: str) -> None:
        """These lights, and a probe."""
        self.service.hear(
            TOPICS.inventory,
            Inventory(
                fixtures=tuple(FixtureEntry(name=name, attributes=("intensity", "cct")) for name in lights),
                devices=(DeviceEntry(kind="probe", name="isp", driver="tcp"),),
                looks=("warm",),
            ),
        )
        for name in lights:
            self.level(name, 0.0)
        self.service.hear(TOPICS.state("probe", "isp"), DeviceState(health="ok", model="echo"))

    def level(self, name: str, level: float, health: str = "ok") -> None:
        """The light shows that now."""
        state = FixtureState(
            levels={Attribute.INTENSITY: level, Attribute.CCT: 4300.0},
            health=health,  # type: ignore[arg-type]
            reason="" if health == "ok" else "unplugged",
        )
        self.service.hear(TOPICS.state("fixture", name), state)

    async def start(self, online: bool = True) -> "SmallNode":
        self._task = asyncio.create_task(self.service.run())
        if online:
            await until(self.service.online.is_set)
        return self

    async def stop(self) -> None:
        if self._task is not None:
            await self.dispatcher.stop()
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        self.journal.close()


async def main(port: int, folder: Path) -> None:
    node = SmallNode(port, folder)
    node.furnish("key")
    await node.start()
    sys.stdout.write("online\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
