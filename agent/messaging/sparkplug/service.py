"""The edge node at its broker: a connection of its own, because its last will is the node's death.

Listens to what the agent says (:meth:`Sparkplug.hear`), tells what changed, and keeps on the disk what could not be
told. Writes of hosts go to the dispatcher like any other command.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

import structlog

from agent.messaging.dial import PROBE, NoConnection, where
from agent.messaging.failover import Order
from agent.messaging.header import Payload, Stamp
from agent.messaging.message import Last, Message
from agent.messaging.outbox_file import Budget
from agent.messaging.reconnect import BackOff
from agent.messaging.sparkplug.ear import Ear
from agent.messaging.sparkplug.history import History, Sessions
from agent.messaging.sparkplug.model import Model
from agent.messaging.sparkplug.node import Host, Node
from agent.messaging.sparkplug.teller import Teller
from agent.messaging.topics import parse
from agent.messaging.verbs import Request
from agent.messaging.wire import Wire
from agent.runtime.store import Disk, at_once
from config.broker import MqttSection
from config.model import SparkplugSection
from drivers.errors import DriverError

log = structlog.get_logger(__name__)

AGAIN = 10.0
"""Seconds between two attempts to get what is only in memory back onto the disk."""
HOST_WITHIN = 10.0
"""Seconds to wait for the primary host at one of several brokers, before the next is tried."""


class Sparkplug:
    """See the module. ``receive`` is the dispatcher's; ``state`` the folder of what outlives the program."""

    def __init__(
        self,
        section: SparkplugSection,
        mqtt: MqttSection,
        names: tuple[str, str],
        stamp: Stamp,
        receive: Callable[[Request], Awaitable[None]],
        *,
        version: str = "",
        mode: Literal["real", "virtual"] = "real",
        state: Path | None = None,
        disk: Disk = at_once,
        back_off: BackOff | None = None,
    ) -> None:
        """``names``: site and agent; group and node are called after them."""
        site, agent = names
        self.node = Node(section.group or site, agent, section.aliases)
        self.host = Host(section.primary_host) if section.primary_host else None
        fixed = {"Properties/Software": "studio-edge-agent", "Properties/Version": version, "Properties/Mode": mode}
        self.model = Model(fixed, max(0, int(stamp.wall() * 1000)))
        self.history = History(
            state and state / "sparkplug.sqlite", Budget(section.kept.days * 86400.0, int(section.kept.mib * 2**20))
        )
        self.counters: Counter[str] = Counter()
        """connected, births, data, past, writes, rejected, malformed, overflow, orphaned (past of what is no more)."""
        self.online = asyncio.Event()
        """Born: what changes is told at once."""
        self.reason = "starting"
        """Why it is not online, for people; else empty."""
        self._client_id = f"studio-sparkplug:{site}:{agent}"
        self._sessions = Sessions(state and state / "sparkplug-bdseq")
        self._disk = disk
        self._order = Order(mqtt.in_order(), back_off or BackOff(mqtt.spread))
        self._stamp = stamp
        self._teller = Teller(self.node, self.model, self.history, stamp, disk, section.backlog_rate, self.counters)
        self._ear = Ear(self._teller, receive, self.counters)
        self._complete = asyncio.Event()
        self._host_spoke = asyncio.Event()

    # --- what the agent says ---------------------------------------------------------------------------------

    def hear(self, topic: str, payload: Payload | None) -> None:
        """For ``Bus.listeners``."""
        parsed = parse(topic)
        if parsed is not None and self.model.hear(parsed, payload, self._teller.now()):
            self._teller.stir()
        if self.model.complete:
            self._complete.set()

    async def _recover(self) -> None:
        """Back to the disk with what is kept, as soon as it takes it."""
        while True:
            await asyncio.sleep(AGAIN)
            with contextlib.suppress(DriverError):  # a disk that does not answer is not back
                await self._disk(self.history.recover)

    # --- the service -----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until cancelled; then says NDEATH and leaves, within 2 s."""
        await self._disk(self.history.open)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._teller.run(), name="sparkplug-tell")
                group.create_task(self._ear.run(), name="sparkplug-writes")
                group.create_task(self._stay(), name="sparkplug-connection")
                group.create_task(self._recover(), name="sparkplug-disk")
        finally:
            self._offline("stopped")
            await self._disk(self._finish)

    def _finish(self) -> None:
        self.history.write(self.history.batch(), self._stamp.wall(), self._stamp.mono())
        self.history.file.settle()
        self.history.close()

    async def _stay(self) -> None:
        loop = asyncio.get_running_loop()
        order = self._order
        await self._complete.wait()  # a birth without its devices would have to be taken back at once
        while True:
            begun = loop.time()
            try:
                reason, pause = order.ended(await self._connection(), loop.time() - begun)
            except NoConnection as error:
                reason, pause = error.reason, order.failed(error)
            if reason != self.reason:
                log.warning("sparkplug.offline", reason=reason)
            self._offline(reason)
            await asyncio.sleep(pause)

    async def _connection(self) -> str:
        """One connection, which is one session, from its bdSeq to its death; why it ended. Raises NoConnection when
        the next broker is to be tried."""
        broker, version = self._order.broker, self._order.version(self._order.at)
        topic, body = self.node.connect(await self._disk(self._sessions.next))
        wire = Wire(
            broker,
            client_id=self._client_id,
            version=version,
            message=self._take,
            will=Last(topic, body, retain=False),
            session=0,  # tck-id-principles-persistence-clean-session-50 and -311
        )
        if self.host is not None:
            self.host.connect(where(broker))
        try:
            await wire.open(answer=PROBE if version == "5" and broker.protocol == "auto" else 5.0)
            filters = (*self.node.filters, *([self.host.topic] if self.host is not None else []))
            for denied, why in (await wire.subscribe(filters)).items():
                log.error(
                    "sparkplug.denied", topic=denied, why=why, next="allow to read it in the broker's access list"
                )
            self.counters["connected"] += 1
            self._order.have(self._order.at)
            return await self._session(wire)
        finally:
            if wire.alive:
                await self._leave(wire)

    async def _session(self, wire: Wire) -> str:
        """Wait for the primary host, be born, and stay until the connection or the host is gone."""
        ended = asyncio.create_task(wire.ended())
        helpers: list[asyncio.Task[None]] = []
        try:
            while self.host is not None and not self.host.online:
                if not self.reason.startswith("waiting"):
                    log.info("sparkplug.waiting", host=self.host.topic)
                self._offline(f"waiting for the primary host ({self.host.topic})")
                walk = HOST_WITHIN if len(self._order.brokers) > 1 else None
                if await self._spoken_or(ended, walk):
                    return ended.result()
            self._teller.begin(wire)
            self.reason = ""
            self.online.set()
            log.info("sparkplug.online", broker=where(wire.config), node=self.node.topic("NBIRTH"))
            helpers = [asyncio.create_task(self._teller.prove(wire)), asyncio.create_task(self._teller.catch_up(wire))]
            while self.host is None or self.host.online:
                if await self._spoken_or(ended):
                    return ended.result()
            return self._without_host()  # and leave: …-birth-publish-phid-offline
        finally:
            for task in (ended, *helpers):
                task.cancel()
            self.online.clear()
            self._teller.end()

    def _without_host(self) -> str:
        """Why it is left: with several brokers for the next one, where the host may be
        (``tck-id-operational-behavior-edge-node-termination-host-offline-reconnect``)."""
        if len(self._order.brokers) > 1:
            raise NoConnection("unreachable", "the primary host is not online there")
        return "the primary host is offline"

    async def _spoken_or(self, ended: "asyncio.Task[str]", within: float | None = None) -> bool:
        """Wait for a word of the primary host, or the connection's end: whether it is that. Raises NoConnection when
        the host has said nothing in so many seconds."""
        spoken = asyncio.create_task(self._host_spoke.wait())
        try:
            done, _ = await asyncio.wait((ended, spoken), timeout=within, return_when=asyncio.FIRST_COMPLETED)
        finally:
            spoken.cancel()
        if not done:
            self._without_host()
        self._host_spoke.clear()
        return ended.done()

    async def _leave(self, wire: Wire) -> None:
        """NDEATH, then DISCONNECT: ``tck-id-operational-behavior-edge-node-intentional-disconnect-ndeath``; with MQTT 5
        one that has the will published, too (``tck-id-payloads-ndeath-will-message-publisher-disconnect-mqtt50``)."""
        said = asyncio.Event()
        topic, body = self.node.death(self._teller.now())
        if wire.publish(topic, body, qos=1, acked=lambda *_: said.set()):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await said.wait()
        await wire.close(1.0, will=True)

    def _offline(self, reason: str) -> None:
        self.online.clear()
        self.reason = reason

    # --- what hosts say --------------------------------------------------------------------------------------

    def _take(self, message: Message) -> None:
        """From the connection, on the loop."""
        if self.host is None or message.topic != self.host.topic:
            self._ear.take(message)
            return
        if self.host.hear(message.payload):
            self._host_spoke.set()
        else:
            log.info("sparkplug.state-ignored", topic=message.topic, why="older than the last one, or no STATE of 3.0")
        message.ack()
