"""Every decision on a command, on its way to the disk and from there to the outbox.

Taking note costs nothing: records are written by groups within 20 ms, so a command does not wait for them. What a crash
in that time costs is the record, not the command: that is in the journal before its effect.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import structlog

from agent.messaging.payloads import Audit
from agent.messaging.trust.file import Sealed, Seen, TrustFile
from agent.runtime.store import Disk
from drivers.errors import DriverError

log = structlog.get_logger(__name__)

WITHIN = 0.02
"""Seconds a record may wait for others to be written with it."""
GROUP = 500
AGAIN = 1.0
"""Seconds until a disk that did not answer is asked again."""
WAITING = 20_000
"""Records in memory while the disk does not answer; the oldest go first."""


class Auditor:
    """See the module. ``ship(record, written)`` puts one into the outbox, which calls back once it is on the disk."""

    def __init__(
        self,
        file: TrustFile,
        disk: Disk,
        wall: Callable[[], float],
        ship: Callable[[Audit, Callable[[], None]], None],
    ) -> None:
        self.file = file
        self.lost = 0
        """Records given up because the disk did not answer for long."""
        self._disk = disk
        self._wall = wall
        self._ship = ship
        self._records: deque[Mapping[str, Any]] = deque()
        self._seen: deque[Seen] = deque()
        self._shipped = 0
        self._news = asyncio.Event()

    def note(self, record: Mapping[str, Any]) -> None:
        """Take a record."""
        if len(self._records) >= WAITING:
            self._records.popleft()
            self.lost += 1
        self._records.append(record)
        self._news.set()

    def seen(self, seen: Seen) -> None:
        """A signed command was decided."""
        self._seen.append(seen)
        self._news.set()

    def open(self) -> list[Seen]:
        """Blocking; before the first command."""
        found = self.file.open()
        self._shipped = self.file.shipped
        return found

    def close(self) -> None:
        """Blocking; writes what there is. What is not shipped by now is at the next start."""
        while self._records or self._seen or self._shipped > self.file.shipped:
            self._write(*self._taken())
        self.file.close()

    async def run(self) -> None:
        """Until cancelled."""
        for sealed in await self._asked(self.file.unshipped):
            self._shipping(sealed)
        while True:
            await self._news.wait()
            self._news.clear()
            await asyncio.sleep(WITHIN)
            while self._records or self._seen:
                records, seen = self._taken()
                for sealed in await self._asked(partial(self._write, records, seen)):
                    self._shipping(sealed)

    def _taken(self) -> tuple[list[Mapping[str, Any]], list[Seen]]:
        records = [self._records.popleft() for _ in range(min(GROUP, len(self._records)))]
        seen, self._seen = list(self._seen), deque()
        return records, seen

    def _write(self, records: list[Mapping[str, Any]], seen: list[Seen]) -> list[Sealed]:
        return self.file.write(records, seen, self._wall(), self._shipped)

    def _shipping(self, sealed: Sealed) -> None:
        def written() -> None:
            self._shipped = max(self._shipped, sealed.n)

        self._ship(Audit.model_validate({**sealed.record, "hash": sealed.hash}), written)

    async def _asked(self, work: Callable[[], Any]) -> Any:
        """What the disk says, however long it takes: a group is written twice rather than not at all."""
        asked = asyncio.ensure_future(self._persistent(work))
        try:
            return await asyncio.shield(asked)
        except asyncio.CancelledError:
            # the end must not fall between taking records in hand and having them on the disk
            if not (await asyncio.wait({asked}, timeout=AGAIN))[0]:
                asked.cancel()
            raise

    async def _persistent(self, work: Callable[[], Any]) -> Any:
        while True:
            try:
                return await self._disk(work)
            except DriverError as error:
                log.error("audit.disk-slow", why=error.reason, next="it is tried again")
                await asyncio.sleep(AGAIN)
