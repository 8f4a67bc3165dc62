"""Other tongues the agent speaks at its broker, beside its own topics, where the configuration asks for them."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Literal, Protocol

from agent import __version__
from agent.messaging.bus import Bus
from agent.messaging.dispatch import Dispatcher
from agent.messaging.sparkplug.service import Sparkplug
from agent.runtime.journal import Journal
from agent.runtime.store import Disk
from config.model import StudioConfig
from drivers.errors import DriverError

DISK_AGAIN = 10.0
"""Seconds between two attempts to get what is only in memory back onto the disk."""


class Dialects:
    """Each hears what the bus says, and brings its commands to the same dispatcher."""

    def __init__(
        self, config: StudioConfig, bus: Bus, dispatcher: Dispatcher, mode: Literal["real", "virtual"], disk: Disk
    ) -> None:
        self.sparkplug: Sparkplug | None = None
        if config.sparkplug.enabled:
            self.sparkplug = Sparkplug(
                config.sparkplug,
                config.mqtt,
                (config.agent.site, config.agent.name),
                bus.stamp,
                dispatcher.receive,
                version=__version__,
                mode=mode,
                state=config.agent.state_dir,
                disk=disk,
            )
            bus.listeners.append(self.sparkplug.hear)

    @property
    def unstored(self) -> str:
        """What the disk does not take at present, for people."""
        return self.sparkplug.history.file.unstored if self.sparkplug is not None else ""

    async def run(self) -> None:
        """Until cancelled."""
        if self.sparkplug is not None:
            await self.sparkplug.run()

    async def recover(self) -> None:
        """Back to the disk with what is kept, if it takes it now."""
        if self.sparkplug is not None:
            await self.sparkplug.recover()


class Kept(Protocol):
    """What the agent keeps on its disk."""

    journal: Journal
    bus: Bus
    dialects: Dialects

    async def on_disk(self, work: Callable[[], Any]) -> Any: ...


async def back_to_disk(agent: Kept) -> None:
    """Until cancelled: journal, outbox and what else fell back on memory return to a disk that takes them again."""
    while True:
        await asyncio.sleep(DISK_AGAIN)
        with contextlib.suppress(DriverError):  # a disk that does not answer is not back
            await agent.on_disk(agent.journal.recover)
            await agent.bus.outbox.recover()
            await agent.dialects.recover()
