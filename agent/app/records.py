"""What the agent must not forget: commands, decisions on them, messages on their way. On the disk, and back to it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from agent.app.gatehouse import Gatehouse
from agent.health.book import Book
from agent.messaging.outbox import Outbox
from agent.runtime.journal import Journal
from drivers.errors import DriverError

AGAIN = 10.0
"""Seconds between two attempts to get what is in memory back onto the disk."""


class Records:
    """Opens, closes and looks after them."""

    def __init__(
        self,
        journal: Journal,
        trust: Gatehouse,
        book: Book,
        outbox: Outbox,
        on_disk: Callable[[Callable[[], Any]], Awaitable[Any]],
    ) -> None:
        self._journal = journal
        self._trust = trust
        self._book = book
        self._outbox = outbox
        self._on_disk = on_disk

    @property
    def unstored(self) -> tuple[str, ...]:
        """What the disk does not take at present, for people; empty where it takes all."""
        return self._journal.unstored, self._trust.file.unstored, self._outbox.file.unstored

    async def open(self) -> None:
        """Before the first command. The outbox opens itself."""
        await self._on_disk(self._journal.open)
        await self._on_disk(self._trust.gate.open)
        await self._on_disk(self._book.load)

    async def close(self) -> None:
        await self._on_disk(self._book.save())
        await self._on_disk(self._trust.auditor.close)
        await self._on_disk(self._journal.close)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(AGAIN)
            with contextlib.suppress(DriverError):  # a disk that does not answer is not back
                await self._on_disk(self._book.save())
                await self._on_disk(self._journal.recover)
                await self._on_disk(self._trust.file.recover)
                await self._outbox.recover()
