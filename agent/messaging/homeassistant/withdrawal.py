"""Taking back what Home Assistant was told, in an order in which it has nothing to complain about."""

import asyncio
from pathlib import Path

import structlog

from agent.messaging.bus import Bus

log = structlog.get_logger(__name__)

SETTLE = 5.0
"""Seconds Home Assistant gets to drop an entity before the entity's state is emptied: until then it takes an empty
state for a broken one, and logs an error."""


def own(bus: Bus) -> str:
    """Where every topic begins that is for Home Assistant only."""
    return f"{bus.topics.prefix}/up/ha/"


class Withdrawal:
    """It was switched on at an earlier start and is no more: the device is taken back, then its states.
    ``announced``: the topic of the message that made the device; ``memory``: the file about it, removed at the end."""

    def __init__(self, bus: Bus, announced: str, memory: Path, settle: float = SETTLE) -> None:
        self._bus = bus
        self._announced = announced
        self._memory = memory
        self._settle = settle
        bus.board.spared = own(bus)

    async def run(self) -> None:
        """Returns when it is done."""
        await self._bus.online.wait()
        self._bus.board.clear(self._announced)
        await asyncio.sleep(self._settle)
        self._bus.board.sweep(own(self._bus))
        try:
            self._memory.unlink(missing_ok=True)
        except OSError as error:
            log.warning("homeassistant.memory-unwritable", file=str(self._memory), why=str(error))
