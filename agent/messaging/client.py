"""The other side: what control software does, and what ``studio-agent send`` and ``watch`` are made of."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Self, TypeVar
from uuid import uuid4

from agent.messaging.dial import PROBE, NoConnection, Version
from agent.messaging.header import decode
from agent.messaging.message import Message
from agent.messaging.moments import Times
from agent.messaging.payloads import Answer
from agent.messaging.topics import Topics
from agent.messaging.trust.keys import Signer, signed
from agent.messaging.wire import Wire
from config.broker import MqttSection

T = TypeVar("T")
SIGNED_FOR = 30
"""Seconds a signed command lives from its time on, where nothing else is said."""


async def reach(config: MqttSection, client_id: str, message: Callable[[Message], None]) -> Wire:
    """A connection by whoever is here for a short while: no last will, no session. The preferred broker first; where
    both protocols may be tried, the newer one first. Raises NoConnection, with the preferred broker's reason."""
    why: NoConnection | None = None
    for broker in config.in_order():
        try:
            return await _reach(broker, client_id, message)
        except NoConnection as error:
            why = why or error
    assert why is not None
    raise why


async def _reach(config: MqttSection, client_id: str, message: Callable[[Message], None]) -> Wire:
    if config.protocol == "auto":
        wire = Wire(config, client_id=client_id, version="5", message=message)
        try:
            await wire.open(answer=PROBE)
        except NoConnection as error:
            if error.kind not in ("version", "silent"):
                raise
        else:
            return wire
    version: Version = "3.1.1" if config.protocol == "auto" else config.protocol
    wire = Wire(config, client_id=client_id, version=version, message=message)
    await wire.open()
    return wire


class Client:
    """One connection to the broker, as a context manager. Raises NoConnection when it cannot be had or is lost.

    ``reply_to`` is where its answers go; it must be readable by this client and writable by the agents.
    """

    def __init__(
        self, config: MqttSection, issuer: str = "studio-agent", reply_to: str = "", key: Signer | None = None
    ) -> None:
        self.config = config
        self.key = key
        """Signs every command; ``None``: they are not signed."""
        self.issuer = issuer
        self.name = f"{issuer}-{uuid4().hex[:12]}"
        self.reply_to = reply_to or f"studio/reply/{self.name}"
        self.protocol = ""
        self._wire: Wire | None = None
        self._answers: dict[str, asyncio.Queue[Answer]] = {}
        self._watchers: list[asyncio.Queue[Message]] = []

    async def __aenter__(self) -> Self:
        self._wire = await reach(self.config, self.name, self._take)
        self.protocol = self._wire.version
        await self._subscribe(self.reply_to)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._wire is not None:
            await self._wire.close()

    async def send(
        self,
        site: str,
        agent: str,
        verb: str,
        args: Mapping[str, Any] | None = None,
        *,
        id: str = "",  # noqa: A002 - the field's name on the wire
        timeout: float = 60.0,  # noqa: ASYNC109 - until the final answer, over many waits
        expiry: int | None = 30,
        times: Times | None = None,
    ) -> AsyncIterator[Answer]:
        """Send a command and yield its answers to the final one. ``expiry``: whole seconds after which the broker (MQTT
        5) throws it away; ``times``: of the envelope. Raises TimeoutError when the agent is silent, NoConnection when
        the broker is gone, ValueError for times that contradict each other."""
        wire = self._live()
        known = id or uuid4().hex
        answers: asyncio.Queue[Answer] = asyncio.Queue()
        self._answers[known] = answers
        envelope: dict[str, Any] = {"args": dict(args or {}), "issuer": self.issuer}
        if self.protocol != "5":
            envelope["reply_to"] = self.reply_to
        times, now = times or Times(), time.time()
        try:
            envelope |= times.fields(now)
            if self.key is not None:
                life = times.expires_in or times.ahead(now) + (expiry or SIGNED_FOR)
                whose = {"site": site, "agent": agent, "verb": verb, "id": known}
                envelope = signed(envelope, self.key, now=now, life=life, **whose)
            wire.publish(
                Topics(site, agent).command(verb, known),
                json.dumps(envelope).encode(),
                qos=1,
                response_topic=self.reply_to,
                correlation=known.encode(),
                expiry=expiry,
            )
            until = asyncio.get_running_loop().time() + timeout
            final = False
            while not final:
                answer = await self._next(answers, until - asyncio.get_running_loop().time())
                final = answer.final
                yield answer
        finally:
            self._answers.pop(known, None)

    async def watch(self, *filters: str) -> AsyncIterator[Message]:
        """Messages on these topics, as they come; retained ones first. Raises NoConnection at the end."""
        messages: asyncio.Queue[Message] = asyncio.Queue()
        self._watchers.append(messages)
        try:
            for name in filters:
                await self._subscribe(name)
            while True:
                yield await self._next(messages)
        finally:
            self._watchers.remove(messages)

    def publish(self, topic: str, body: bytes, *, retain: bool = False) -> bool:
        """Any message, QoS 1 (the air state, for instance)."""
        return self._live().publish(topic, body, qos=1, retain=retain)

    def _live(self) -> Wire:
        if self._wire is None:
            raise NoConnection("unreachable", "not connected: use it as `async with Client(…)`")
        if not self._wire.alive:
            raise NoConnection("unreachable", "the connection to the broker ended")
        return self._wire

    async def _subscribe(self, name: str) -> None:
        for topic, why in (await self._live().subscribe((name,))).items():
            raise NoConnection("refused", f"the broker denies reading {topic}: {why}")

    async def _next(self, queue: asyncio.Queue[T], within: float | None = None) -> T:
        """The next item, or the end of the connection or of the time, whichever comes first."""
        if not queue.empty():
            return queue.get_nowait()
        item = asyncio.ensure_future(queue.get())
        end = asyncio.ensure_future(self._live().ended())
        try:
            limit = None if within is None else max(0.0, within)
            await asyncio.wait((item, end), timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            if item.done():
                return item.result()
            if not end.done():
                raise TimeoutError("no answer in time: is the agent running, and may it read its command topics?")
            raise NoConnection("unreachable", f"the connection to the broker ended: {end.result()}")
        finally:
            item.cancel()
            end.cancel()

    def _take(self, message: Message) -> None:
        message.ack()
        if message.topic == self.reply_to:
            try:
                answer = decode(Answer, message.payload)
            except ValueError:
                return
            if answer.id in self._answers:
                self._answers[answer.id].put_nowait(answer)
            return
        for watcher in self._watchers:
            watcher.put_nowait(message)
