"""What hosts write, in order and bounded: to the dispatcher as commands, and back as data."""

import asyncio
import json
from collections import Counter, deque
from collections.abc import Awaitable, Callable

import structlog

from agent.messaging.lifecycle import ReasonCode
from agent.messaging.message import Message
from agent.messaging.payloads import Answer
from agent.messaging.sparkplug import writes
from agent.messaging.sparkplug.metrics import NODE
from agent.messaging.sparkplug.node import Write, wants_device_rebirth, wants_rebirth
from agent.messaging.sparkplug.protobuf import WireError
from agent.messaging.sparkplug.teller import Teller
from agent.messaging.verbs import Request

log = structlog.get_logger(__name__)

INBOX = 256
"""Writes that wait, at most."""


class Ear:
    """See the module. ``receive`` is the dispatcher's."""

    def __init__(self, teller: Teller, receive: Callable[[Request], Awaitable[None]], counters: Counter[str]) -> None:
        self._teller = teller
        self._receive = receive
        self._counters = counters
        self._waiting: deque[Message] = deque()
        self._arrived = asyncio.Event()

    def take(self, message: Message) -> None:
        """On the loop, from the connection."""
        if len(self._waiting) < INBOX:
            self._waiting.append(message)
            self._arrived.set()
        else:
            self._counters["overflow"] += 1
            message.ack()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                message = self._waiting.popleft()
                try:
                    await self._written(message)
                except Exception:
                    log.exception("sparkplug.write-fault", topic=message.topic[:200])
                message.ack()

    async def _written(self, message: Message) -> None:
        try:
            write = self._teller.node.read(message.topic, message.payload, self._teller.model.things)
        except WireError as error:
            self._counters["malformed"] += 1
            log.warning("sparkplug.malformed", topic=message.topic[:200], why=str(error)[:200])
            return
        self._counters["writes"] += 1
        if not message.retain:  # a retained request would be made at every subscribing
            self._asked_for_births(write)
        try:
            orders = writes.orders(write)
        except ValueError as error:
            self._refused(write, str(error))
            return
        for number, order in enumerate(orders):
            name = writes.command_id(message.topic, message.payload, number, write.sent)
            body = json.dumps(writes.envelope(order, write.sent)).encode()

            def told(answer: Answer, reply_to: str | None, /, names: tuple[str, ...] = order.names) -> None:
                if answer.final and not answer.repeated:
                    said = answer.message.en if answer.message else ""
                    self._answered(write.device, names, answer.id, answer.state, answer.code or "", said)

            await self._receive(Request(order.verb, name, body, message.retain, None, told, origin=writes.ISSUER))

    def _asked_for_births(self, write: Write) -> None:
        if wants_rebirth(write):
            log.info("sparkplug.rebirth-asked")
            self._teller.rebirth()
        elif wants_device_rebirth(write) and write.device in self._teller.node.born:
            self._teller.rebirth(write.device)

    def _refused(self, write: Write, why: str) -> None:
        self._counters["rejected"] += 1
        log.warning("sparkplug.rejected", device=write.device or "the node", why=why)
        self._answered(write.device, tuple(write.values), "", "rejected", ReasonCode.INVALID, why)

    def _answered(self, device: str, names: tuple[str, ...], name: str, state: str, code: str, why: str) -> None:
        """There is no acknowledgement but data: how it ended, and what was written as it is now, even if unchanged."""
        now = self._teller.now()
        for owner in dict.fromkeys((device, NODE)):
            thing = self._teller.model.things.get(owner)
            if thing is None:
                continue
            where_to = "" if owner or not device else f"{device} "
            words = (name, where_to + ", ".join(names), state, str(code), why)
            for key, value in zip(("Id", "Metric", "Result", "Code", "Message"), words, strict=True):
                thing.put(f"Last Command/{key}", value, now, force=key == "Result")
            if owner == device:
                thing.tell_again((each for each in names if each in thing.definitions), now)
        self._teller.stir()
