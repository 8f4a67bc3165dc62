"""Telemetry, events and results on their way to the broker: on the disk first, off it once the broker has them.

::

    put() ─▶ fresh ──group, ≤ 20 ms──▶ OutboxFile ─▶ live ────────────▶ window ─▶ wire ─▶ PUBACK ─▶ off the disk
                                        └──────────▶ backlog, capped ──▶                    └─▶ refused: set aside

What came in while there was no connection is *backlog*: it follows behind what is said now, at a capped rate, oldest
first, so that an agent that was away for a day neither floods the broker nor speaks of yesterday only. Within each of
the two the order is kept; receivers order by ``(boot, seq)``, and by it see what came twice (a message whose
acknowledgement was lost is sent again).
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import structlog

from agent.messaging.outbox_file import SETTLE, Group, OutboxFile, Refusal, Row
from agent.messaging.topics import Keep
from agent.messaging.way import Way, cut_short
from agent.runtime.store import Disk
from drivers.errors import DriverError

log = structlog.get_logger(__name__)

WITHIN = 0.02
"""Seconds a message may wait for others to be written with it."""
GROUP = 200
"""Messages written at once, at most."""
IN_HAND = 2000
"""Messages held in memory, at most: what is not written yet, and what waits for its turn. More is read again later."""
BAD = 0x80
"""MQTT 5 reason codes from here on are failures."""
TOO_LARGE = 0x95
AGAIN = 1.0
"""Seconds until a disk that did not answer is asked again."""


class _Fresh(NamedTuple):
    keep: Keep
    topic: str
    body: bytes
    at: float
    written: Callable[[], None] | None


class Outbox:
    """See the module. ``disk`` runs blocking work off the loop; ``backlog_rate`` is in messages per second."""

    def __init__(
        self,
        file: OutboxFile,
        disk: Disk,
        wall: Callable[[], float],
        mono: Callable[[], float],
        backlog_rate: float = 200.0,
    ) -> None:
        self.file = file
        self.retains: Callable[[str, bytes], bool] = lambda topic, body: False
        """Whether a message is to be retained; asked when it is sent, perhaps long after it was put."""
        self.overrun = 0
        """Messages that were given up because the disk did not keep up, unwritten."""
        self._disk = disk
        self._wall = wall
        self._mono = mono
        self._rate = backlog_rate
        self._open = False
        self._ending = False
        self._fresh: deque[_Fresh] = deque()
        self._news = asyncio.Event()
        self._hurry = asyncio.Event()
        self._done: list[int] = []
        self._refused: list[Refusal] = []
        self._settled: set[int] = set()
        """Ids the broker has settled, until the disk knows it too."""
        self._unsynced: float | None = None
        self._way: Way | None = None
        self._live: deque[Row] = deque()
        self._backlog: deque[Row] = deque()
        self._written_to = 0
        """The last message on the disk, as far as this side knows."""
        self._boundary = 0
        """Backlog goes up to here; what comes behind it is live."""
        self._backlog_read = 0
        self._live_read = 0
        """How far each of them has been taken into memory."""
        self._reading: asyncio.Task[None] | None = None
        self._burst = max(1.0, backlog_rate / 10)
        self._allowance = self._burst
        self._allowed_at = mono()
        self._later: asyncio.TimerHandle | None = None

    # --- in --------------------------------------------------------------------------------------------------

    def put(self, keep: Keep, topic: str, body: bytes, written: Callable[[], None] | None = None) -> None:
        """Take a message. It is on the disk within some 20 ms, and ``written`` is called; of telemetry see
        :mod:`agent.messaging.outbox_file`."""
        if len(self._fresh) >= IN_HAND:
            del self._fresh[next((i for i, item in enumerate(self._fresh) if item.keep is Keep.TELEMETRY), 0)]
            self.overrun += 1
        self._fresh.append(_Fresh(keep, topic, body, self._wall(), written))
        self._news.set()
        if keep is not Keep.TELEMETRY or len(self._fresh) >= GROUP:
            self._hurry.set()

    @property
    def waiting(self) -> int:
        """Messages the broker does not have yet."""
        return len(self._fresh) + sum(self.file.rows.values())

    @property
    def dropped(self) -> int:
        """Messages given up since the start."""
        return self.overrun + sum(self.file.dropped.values())

    # --- the connection --------------------------------------------------------------------------------------

    def attach(self, way: Way) -> None:
        """There is a connection: what is kept goes out, from the first message that was not acknowledged on."""
        self._way = way
        way.eased = self._pump
        self._rewind()
        self._pump()

    def detach(self) -> None:
        """It has ended. What was under way is sent again on the next one."""
        self._way = None
        self._live.clear()
        self._backlog.clear()
        if self._later is not None:
            self._later.cancel()
            self._later = None

    # --- the service -----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until cancelled; then what has been put is written before it ends."""
        # In a task of its own: the end must not fall between taking a message in hand and having it on the disk.
        writing = asyncio.get_running_loop().create_task(self._keep_writing(), name="outbox-writing")
        try:
            await asyncio.shield(writing)
        finally:
            self._ending = True
            self._news.set()
            self._hurry.set()
            await writing

    async def _keep_writing(self) -> None:
        await self._asked(self.file.open)
        self._open = True
        self._written_to = self.file.last
        self._rewind()
        self._pump()
        written = True
        while not self._ending or (written and (self._fresh or self._done or self._refused)):
            await self._due()
            written = await self._write()
        if self._reading is not None:
            self._reading.cancel()
        await self._asked(self.file.close)

    async def recover(self) -> None:
        """Try to come back to the disk."""
        if not self.file.on_disk and await self._asked(self.file.recover):
            self._rewind()
            self._pump()

    async def _due(self) -> None:
        """Returns when there is something to write, or to settle, or it is to end."""
        if self._ending:
            return
        wait = None if self._unsynced is None else max(0.0, self._unsynced + SETTLE - self._mono())
        try:
            async with asyncio.timeout(wait):
                await self._news.wait()
        except TimeoutError:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WITHIN):
                await self._hurry.wait()

    async def _write(self) -> bool:
        """One group. ``False``: the disk did not answer; nothing is lost, it is tried again."""
        self._news.clear()
        self._hurry.clear()
        fresh = [self._fresh.popleft() for _ in range(min(GROUP, len(self._fresh)))]
        rows = [Row(number, *item[:4]) for number, item in enumerate(fresh, self.file.last + 1)]
        done, self._done = self._done, []
        refused, self._refused = self._refused, []
        group = Group(rows, done, refused)
        settle = self._unsynced is not None and self._mono() >= self._unsynced + SETTLE
        now, mono = self._wall(), self._mono()

        def work() -> None:
            self.file.commit(group, now, mono)
            if settle and not group.full:
                self.file.settle()

        try:
            await self._disk(work)
        except DriverError as error:
            log.error("outbox.disk-slow", why=error.reason, waiting=len(rows), next="it is tried again")
            self._fresh.extendleft(reversed(fresh))
            self._done, self._refused = done + self._done, refused + self._refused
            self._news.set()
            await asyncio.sleep(AGAIN)
            return False
        if group.full or settle:
            self._unsynced = None
        elif rows and self._unsynced is None:
            self._unsynced = mono
        self._settled.difference_update(done, (refusal.id for refusal in refused))
        self._written(rows)
        for item in fresh:
            if item.written is not None:
                item.written()
        if self._fresh or self._done or self._refused:
            self._news.set()
        return True

    def _written(self, rows: list[Row]) -> None:
        """On the disk: their turn to be sent has come."""
        if not rows:
            return
        nothing_between = self._live_read == self._written_to
        self._written_to = rows[-1].id
        if self._way is None:
            return
        if nothing_between and len(self._live) + len(rows) <= IN_HAND:
            self._live.extend(rows)
            self._live_read = self._written_to
        # else the broker does not keep up: they are read again when it does
        self._pump()

    async def _asked(self, work: Callable[[], Any]) -> Any:
        """What the disk says, however long it takes."""
        while True:
            try:
                return await self._disk(work)
            except DriverError as error:
                log.error("outbox.disk-slow", why=error.reason, next="it is asked again")
                if self._ending:
                    return None
                await asyncio.sleep(AGAIN)

    # --- out -------------------------------------------------------------------------------------------------

    def _rewind(self) -> None:
        """Everything on the disk is backlog, from the first row on."""
        self._live.clear()
        self._backlog.clear()
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
        self._backlog_read, self._boundary, self._live_read = 0, self._written_to, self._written_to

    def _pump(self) -> None:
        """Send what the window has room for: live first."""
        while self._way is not None and self._way.room > 0:
            if self._live:
                row = self._live.popleft()
            elif self._backlog and self._may():
                row = self._backlog.popleft()
            else:
                break
            if row.id not in self._settled and not self._send(self._way, row):
                self._rewind()
                break
        if self._way is not None and self._open and self._reading is None:
            self._read_on()

    def _send(self, way: Way, row: Row) -> bool:
        """``False``: the connection does not take it after all; what is on the disk begins anew."""
        if not way.takes(row.topic, row.body) and not way.takes(row.topic, cut_short(row.body)):
            self._settle(Refusal(row.id, TOO_LARGE, "larger than this broker's Maximum Packet Size"), row.topic)
            return True

        def acked(code: int, said: str) -> None:
            if self._way is not way:
                return
            if code < BAD:
                self._settled.add(row.id)
                self._done.append(row.id)
                self._news.set()
            else:
                self._settle(Refusal(row.id, code, said), row.topic)

        return way.publish(row.topic, row.body, qos=1, retain=self.retains(row.topic, row.body), acked=acked)

    def _settle(self, refusal: Refusal, topic: str) -> None:
        self._settled.add(refusal.id)
        self._refused.append(refusal)
        self._news.set()
        log.error("outbox.refused", topic=topic, code=refusal.code, why=refusal.why, effect="set aside, not sent again")

    def _may(self) -> bool:
        """The backlog's rate, in bursts of a tenth of a second at most."""
        now = self._mono()
        self._allowance = min(self._burst, self._allowance + (now - self._allowed_at) * self._rate)
        self._allowed_at = now
        if self._allowance >= 1.0:
            self._allowance -= 1.0
            return True
        if self._later is None:
            self._later = asyncio.get_running_loop().call_later((1.0 - self._allowance) / self._rate, self._resume)
        return False

    def _resume(self) -> None:
        self._later = None
        self._pump()

    def _read_on(self) -> None:
        """Take more of the disk into memory, where either queue runs low."""
        if self._live_read < self._written_to and len(self._live) < GROUP // 2:
            reading = self._read(self._live, self._live_read, self._written_to)
        elif self._backlog_read < self._boundary and len(self._backlog) < GROUP // 2:
            reading = self._read(self._backlog, self._backlog_read, self._boundary)
        else:
            return
        self._reading = asyncio.get_running_loop().create_task(reading, name="outbox-read")

    async def _read(self, queue: deque[Row], after: int, until: int) -> None:
        try:
            rows: list[Row] = await self._disk(lambda: self.file.read(after, until, GROUP))
        except DriverError as error:
            log.warning("outbox.disk-slow", why=error.reason, next="it is read later")
            await asyncio.sleep(AGAIN)
        else:
            read = rows[-1].id if len(rows) == GROUP else until
            if queue is self._live:
                self._live_read = read
            else:
                self._backlog_read = read
            queue.extend(rows)
        self._reading = None
        self._pump()
