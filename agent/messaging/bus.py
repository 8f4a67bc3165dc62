"""The agent at its broker: connect, come back, be born, tell everything again, listen.

Nothing is given to paho while there is no connection: retained state waits on the board, telemetry, events and results
wait in the outbox. Commands are acknowledged to the broker only after they are in the journal, so the broker keeps what
a crash would lose.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Literal

import structlog

from agent.messaging.board import Board
from agent.messaging.dial import NoConnection, Version, where
from agent.messaging.dispatch import Dispatcher
from agent.messaging.echo import Echo, RoundTrip
from agent.messaging.failover import Failover, Order
from agent.messaging.header import Payload, Stamp, iso
from agent.messaging.inbox import Inbox
from agent.messaging.message import Last, Message
from agent.messaging.meter import Meter
from agent.messaging.outbox import Outbox
from agent.messaging.outbox_file import OutboxFile, budgets
from agent.messaging.payloads import Answer, Status
from agent.messaging.reconnect import BackOff
from agent.messaging.sessions import SESSION, Sessions
from agent.messaging.shown import Shown
from agent.messaging.standing import Standing, brief
from agent.messaging.topics import Keep, Topics, parse
from agent.messaging.way import Acked
from agent.messaging.wire import Wire
from agent.runtime.store import Disk, at_once
from config.broker import MqttSection

log = structlog.get_logger(__name__)

IDLE_WITHIN = 30.0
"""Seconds a command under way may keep the agent from going back to a preferred broker."""
_parse = lru_cache(maxsize=4096)(parse)


@dataclass(frozen=True, slots=True)
class BusHealth:
    """``reason`` names what is wrong: a refused password, a denied topic. ``since``: monotonic seconds."""

    state: Literal["starting", "online", "refused", "offline", "stopped"] = "starting"
    reason: str = ""
    since: float = 0.0
    protocol: str = ""


class Bus:
    """See the module. Call :meth:`serve` and set ``inbox.on_air`` before :meth:`run`."""

    def __init__(
        self,
        config: MqttSection,
        topics: Topics,
        stamp: Stamp,
        *,
        version: str = "",
        mode: Literal["real", "virtual"] = "real",
        state: Path | None = None,
        disk: Disk = at_once,
        back_off: BackOff | None = None,
    ) -> None:
        """``state``: folder of what outlives the program, whose ``version`` it is; ``disk`` runs what blocks."""
        self.config = config
        self.topics = topics
        self.stamp = stamp
        self.board = Board(self._publish_retained, stamp, state and state / "retained.json", self._heard)
        self.listeners: list[Callable[[str, Payload | None], None]] = []
        """Hear every state that changes (``None``: it is no more), telemetry and event, with its topic, whether or not
        there is a connection: other dialects are made from it."""
        file = OutboxFile(state and state / "outbox.sqlite", budgets(config.outbox))
        self.outbox = Outbox(file, disk, stamp.wall, stamp.mono, config.outbox.backlog_rate)
        self.also: dict[str, Callable[[Message], None]] = {}
        """Further topics to hear, outside of our own scheme. Set before :meth:`run`."""
        self.told: Callable[[str], None] = lambda _: None
        self.commands = Shown(self._publish_state, stamp.mono, config.command_kept)
        self.outbox.retains = self.commands.shows
        self.health = BusHealth(since=stamp.mono())
        self.counters: Counter[str] = Counter()
        """connected, unsent (lost; retained state waits on the board instead), denied, stray, malformed-air,
        inbox-full, faults."""
        self.received = Meter(stamp.mono)
        self.sent = Meter(stamp.mono)
        self.online = asyncio.Event()
        self.inbox = Inbox(stamp.wall, self.online, self.counters, self._reply, f"{topics.prefix}/")
        self._version = version
        self._mode: Literal["real", "virtual"] = mode
        self._ready = False
        self._trust: Literal["", "open", "listed"] = ""
        self._since = iso(stamp.wall())
        self.standing = Standing()
        """What is not as it should be at the broker; the status says it."""
        self._wire: Wire | None = None
        self.order = Order(config.in_order(), back_off or BackOff(config.spread))
        self._numbers: Counter[str] = Counter()
        self._echo = Echo(topics.echo, stamp)
        self._answers = topics.answers.removesuffix("+/+")
        offline = partial(self._status, "offline")
        self._sessions = Sessions(topics, stamp, offline, self._new, self._filters)

    def serve(self, dispatcher: Dispatcher) -> None:
        """Bring it the commands that come, and tell what becomes of them."""
        journal = dispatcher.journal
        self.inbox.commands, dispatcher.reply_on = dispatcher, self.inbox.reply_on
        dispatcher.publish_answer, dispatcher.restore = self.answer, self.restore
        self.told, self.commands.hidden = journal.told, journal.hidden

    def publish(
        self, topic: str, payload: Payload | bytes, *, qos: int | None = None, retain: bool | None = None
    ) -> bool:
        """Publish one of the agent's messages; QoS and retain are the topic table's unless given. What the table says
        is kept goes into the outbox. ``False``: it was not sent (offline, or the broker does not keep up). Retained
        state goes through :attr:`board`."""
        row = _parse(topic)
        if isinstance(payload, Payload):
            self._heard(topic, payload)
        if row and row.row.keep:
            if isinstance(payload, Payload):
                self._numbers[topic] += 1
                payload = self.stamp.on(payload, self._numbers[topic])
                self.outbox.put(row.row.keep, topic, payload.encode())
            else:
                self.outbox.put(row.row.keep, topic, payload)
            return True
        if qos is None:
            qos = row.row.qos if row else 0
        if retain is None:
            retain = row.row.retained if row else False
        return self._put(topic, payload, qos, retain)

    def answer(self, answer: Answer) -> None:
        """Publish a step in the life of a command on its state topic, retained while it is its state. Only the end of
        it is kept for later; :attr:`told` hears when it is on the disk."""
        topic, body = self.topics.answer(answer.verb, answer.id), self._encoded(answer)
        shown = self.commands.put(topic, answer, body)
        if answer.final:
            self.outbox.put(Keep.RESULT, topic, body, lambda: self.told(answer.id))
        elif self.online.is_set():
            self._put(topic, body, 1, shown)

    def restore(self, answer: Answer, ago: float | None) -> None:
        """The state of a command of an earlier start; ``ago``: seconds since its end."""
        self.commands.restore(self.topics.answer(answer.verb, answer.id), answer, self._encoded(answer), ago)

    @property
    def waiting(self) -> int:
        """QoS 1 messages the broker has not acknowledged yet."""
        return self._wire.waiting if self._wire is not None else 0

    def set_ready(self, ready: bool) -> None:
        """Lights are (or are no longer) under control: part of the status."""
        if ready != self._ready:
            self._ready = ready
            if self.online.is_set():
                self._born()

    def set_trust(self, mode: Literal["open", "listed"]) -> None:
        """Whose commands are taken: part of the status."""
        if mode != self._trust:
            self._trust = mode
            if self.online.is_set():
                self._born()

    async def round_trip(self, timeout: float = 2.0) -> RoundTrip:  # noqa: ASYNC109 - the check's own bound
        """A message to ourselves (self-test MQT-02). Raises NoConnection with the reason it did not work."""
        if not self.online.is_set() or self._wire is None:
            raise NoConnection("unreachable", self.health.reason or f"not connected ({self.health.state})")
        return await self._echo.trip(self._wire, timeout)

    async def run(self) -> None:
        """Until cancelled; then says *stopped* and leaves, within 2 s."""
        failover = Failover(self.order, self._sessions.open, self._adopted, self._left, self._idle, self._down)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.outbox.run(), name="mqtt-outbox")
                group.create_task(self.inbox.run(), name="mqtt-inbox")
                group.create_task(self._retry(), name="mqtt-board")
                group.create_task(failover.run(), name="mqtt-connection")
        finally:
            await self._farewell()

    def _new(self, broker: MqttSection, version: Version, will: Last) -> Wire:
        return Wire(
            broker,
            client_id=self.topics.client_id,
            version=version,
            message=self._take,
            will=will,
            session=SESSION,
            denied=self._deny,
            sent=self.sent.count,
        )

    def _adopted(self, wire: Wire) -> None:
        """This connection is the one in use from now on: birth, then everything again, then the outbox."""
        self._wire = wire
        self.config = wire.config
        denied = self._sessions.denied(wire)
        self.standing.begin(denied)
        self.counters["denied"] += len(denied)
        self.standing.look(wire, self.outbox, self.order.complaint)
        self._born()
        self.board.republish()
        self.commands.republish()
        self.counters["connected"] += 1
        self._be("online", self.standing.complaints, wire.version)
        self.online.set()
        self.outbox.attach(wire)

    def _down(self, why: NoConnection | str) -> None:
        """There is no connection, or no longer."""
        self.online.clear()
        self.outbox.detach()
        self._wire = None
        self._sessions.tidy()
        if isinstance(why, str):
            self._be("offline", why)
        else:
            self._be("refused" if why.kind in ("refused", "version") else "offline", why.reason)

    async def _left(self, wire: Wire) -> None:
        """Goodbye to a broker that is less preferred than the one the agent has gone over to."""
        await self._sessions.leave(wire, "moved")

    def _filters(self) -> tuple[tuple[str, ...], ...]:
        return (self.topics.down, self.topics.echo, *self.also), (self.topics.answers,)

    async def _idle(self) -> None:
        """Returns when no command is under way, at the latest after IDLE_WITHIN: its answers go to whoever asked."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(IDLE_WITHIN):
                while not self.inbox.idle:
                    await asyncio.sleep(0.05)

    async def _retry(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            self.commands.tick()
            if self.online.is_set():
                self.board.retry()
                self._judge()

    def _judge(self) -> None:
        """Is all as it should be? The status and the health say what is not."""
        wire = self._wire
        if wire is not None and self.online.is_set() and self.standing.look(wire, self.outbox, self.order.complaint):
            self._born()
            self._be("online", self.standing.complaints, wire.version)

    async def _farewell(self) -> None:
        self.online.clear()
        self.outbox.detach()
        await self._sessions.leave_all()
        self._wire = None
        self._be("stopped", "")

    def _heard(self, topic: str, payload: Payload | None) -> None:
        for listen in self.listeners:
            try:
                listen(topic, payload)
            except Exception:
                self.counters["faults"] += 1
                log.exception("mqtt.listener-fault", topic=topic)

    def _take(self, message: Message) -> None:
        self.received.count()
        if message.topic == self.topics.echo:
            self._echo.returned(message.payload)
            message.ack()
        elif message.topic.startswith(self._answers):
            self.commands.hear(message.topic, message.payload, message.retain)
            message.ack()
        elif hear := self.also.get(message.topic):
            hear(message)
            message.ack()
        else:
            self.inbox.take(message)

    def _reply(self, topic: str, answer: Answer, correlation: bytes | None) -> None:
        if self.online.is_set() and self._wire is not None:
            self._wire.publish(topic, self._encoded(answer), qos=1, correlation=correlation)

    def _status(
        self, state: Literal["online", "offline"], reason: Literal["", "lost", "stopped", "moved"], session: str
    ) -> Status:
        here = self._wire if state == "online" else None
        return Status(
            state=state,
            reason=reason,
            session=session,
            version=self._version,
            mode=self._mode,
            ready=self._ready and state == "online",
            since=self._since,
            broker=where(here.config) if here else "",
            protocol=here.version if here else "",
            degraded=self.standing.now if here else (),
            trust=self._trust,
        )

    def _born(self) -> None:
        """Tell the status, as it is now."""
        if self._wire is not None:
            status = self.stamp.on(self._status("online", "", self._sessions.id(self._wire)))
            if not self._wire.takes(self.topics.status, status.encode()):  # of all messages this one must fit
                status = status.model_copy(update={"degraded": brief(status.degraded)})
            self._put(self.topics.status, status.encode(), 1, True)

    def _publish_retained(self, topic: str, body: bytes) -> bool:
        if self._wire is not None:
            self.standing.measure(topic, body, self._wire)
        return self._handed(topic, body, 1, True)  # what is not taken now waits on the board: nothing is lost

    def _publish_state(self, topic: str, body: bytes, acked: Acked | None) -> bool:
        return self._wire is not None and self._wire.publish(topic, body, qos=1, retain=True, acked=acked)

    def _put(self, topic: str, payload: Payload | bytes, qos: int, retain: bool) -> bool:
        taken = self._handed(topic, payload, qos, retain)
        if not taken:
            self.counters["unsent"] += 1
        return taken

    def _handed(self, topic: str, payload: Payload | bytes, qos: int, retain: bool) -> bool:
        return self._wire is not None and self._wire.publish(topic, self._encoded(payload), qos=qos, retain=retain)

    def _encoded(self, payload: Payload | bytes) -> bytes:
        return payload if isinstance(payload, bytes) else self.stamp.on(payload).encode()

    def _deny(self, topic: str, why: str) -> None:
        self.counters["denied"] += 1
        self.standing.deny(topic, why)
        self._judge()

    def _be(self, state: Literal["online", "refused", "offline", "stopped"], reason: str, protocol: str = "") -> None:
        if (state, reason) == (self.health.state, self.health.reason):
            return
        self.health = BusHealth(state, reason, self.stamp.mono(), protocol)
        say = log.info if state in ("online", "stopped") else log.warning
        say("mqtt." + state, broker=where(self.config), reason=reason, protocol=protocol)
