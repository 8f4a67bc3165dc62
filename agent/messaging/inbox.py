"""What comes in from the broker: kept in order, bounded, acknowledged once it is taken care of."""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import structlog
from pydantic import ValidationError

from agent.messaging.commands import read_json, reply_topic
from agent.messaging.lifecycle import Refusal
from agent.messaging.message import Message
from agent.messaging.payloads import AirMessage, Answer
from agent.messaging.topics import Parsed, parse
from agent.messaging.verbs import Reply, Request
from config.check import told

log = structlog.get_logger(__name__)

SIZE = 256
REMEMBERED = 4096
"""Commands that were turned down unread."""

Handler = Callable[[Parsed, Message, float], Awaitable[None]]
"""Takes care of a message that arrived at that time (seconds since 1970)."""


class Commands(Protocol):
    """Who takes the commands: the dispatcher."""

    async def receive(self, request: Request) -> None: ...

    def answer(self, request: Request) -> bool: ...

    def overflow(self, request: Request) -> bool: ...


class Inbox:
    """See the module. ``online``: an answer needs a connection, so messages wait for it; ``reply(topic, answer,
    correlation)`` sends one; ``prefix``: whose topics are ours (a broker may err). Set :attr:`commands` and
    :attr:`on_air` before :meth:`run`."""

    def __init__(
        self,
        wall: Callable[[], float],
        online: asyncio.Event,
        counters: Counter[str],
        reply: Callable[[str, Answer, bytes | None], None],
        prefix: str = "",
    ) -> None:
        self.commands: Commands | None = None
        self.on_air: Callable[[AirMessage], None] = lambda _: None
        self.more: dict[str, Handler] = {}
        """Handlers of further rows of the topic table, by the row's name."""
        self._wall = wall
        self._online = online
        self._counters = counters
        self._reply = reply
        self._prefix = prefix
        self._waiting: deque[tuple[Message, float]] = deque()
        self._arrived = asyncio.Event()
        self._busy = False
        self._open: set[str] = set()
        """Ids of commands that were taken and have not had their last answer."""
        self._turned_down: dict[str, None] = {}
        """Told "no" once is "no": a broker that heard no acknowledgement brings them again when there is room."""
        self._own: Mapping[str, Handler] = {"command": self._command, "air": self._air}

    def take(self, message: Message) -> None:
        """On the loop, from the connection. Nothing is done here that could take time: a question is answered, if its
        turn has come, the rest waits for :meth:`run`."""
        if not self._waiting and not self._busy and self._online.is_set() and self._answered(message):
            message.ack()
            return
        if len(self._waiting) < SIZE:
            self._waiting.append((message, self._wall()))
            self._arrived.set()
            return
        self._counters["inbox-full"] += 1
        parsed = parse(message.topic)
        if parsed and parsed.row.name == "command" and self.commands is not None:
            if self.commands.overflow(self._request(parsed, message, self._wall())):
                self._turned_down[parsed.parts["id"]] = None
            if len(self._turned_down) > REMEMBERED:
                del self._turned_down[next(iter(self._turned_down))]
        message.ack()

    @property
    def idle(self) -> bool:
        """Nothing waits, and no command is without its last answer."""
        return not self._waiting and not self._open

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._arrived.wait()
            await self._online.wait()
            self._arrived.clear()
            while self._waiting and self._online.is_set():
                message, arrived = self._waiting.popleft()
                self._busy = True
                try:
                    await self._handle(message, arrived)
                except Exception:
                    self._counters["faults"] += 1
                    log.exception("mqtt.inbox-fault", topic=message.topic)
                finally:
                    self._busy = False
                message.ack()
            if self._waiting:
                self._arrived.set()

    def _answered(self, message: Message) -> bool:
        parsed = parse(message.topic)
        if parsed is None or parsed.row.name != "command" or not message.topic.startswith(self._prefix):
            return False
        if parsed.parts["id"] in self._turned_down:
            return False
        return self.commands is not None and self.commands.answer(self._request(parsed, message, self._wall()))

    async def _handle(self, message: Message, arrived: float) -> None:
        parsed = parse(message.topic)
        handler = (self._own.get(parsed.row.name) or self.more.get(parsed.row.name)) if parsed else None
        if parsed is None or handler is None or not message.topic.startswith(self._prefix):
            self._counters["stray"] += 1
            log.warning("mqtt.stray", topic=message.topic[:200])
            return
        await handler(parsed, message, arrived)

    async def _command(self, parsed: Parsed, message: Message, arrived: float) -> None:
        assert self.commands is not None
        if parsed.parts["id"] in self._turned_down:
            self.commands.overflow(self._request(parsed, message, arrived))
            return
        self._open.add(parsed.parts["id"])
        await self.commands.receive(self._request(parsed, message, arrived))

    async def _air(self, parsed: Parsed, message: Message, arrived: float) -> None:
        try:
            read_json(message.payload)  # the same bounds as for commands
            self.on_air(AirMessage.model_validate_json(message.payload, strict=True))
        except (Refusal, ValidationError) as error:
            self._counters["malformed-air"] += 1
            why = str(error)
            if isinstance(error, ValidationError):
                wrong = (fault for _, fault in told(AirMessage, error.errors(include_url=False)))
                why = "; ".join(f"{fault.where}: {fault.why}" for fault in wrong)
            log.warning("air.malformed", why=why[:300], next='send {"on_air": …, "source": …, "issued_at": …}')

    def _request(self, parsed: Parsed, message: Message, arrived: float) -> Request:
        expires = None if message.expiry is None else arrived + message.expiry
        topic, correlation = message.response_topic, message.correlation
        reply = self.reply_on(topic, correlation)
        verb, known = parsed.parts["verb"], parsed.parts["id"]
        return Request(verb, known, message.payload, message.retain, expires, reply, topic, correlation)

    def reply_on(self, asked: str | None, correlation: bytes | None) -> Reply:
        """Answers to a request with this response topic, if any, and correlation data."""

        def reply(answer: Answer, reply_to: str | None) -> None:
            if answer.final:
                self._open.discard(answer.id)
            topic = asked or reply_to
            if topic is None:
                return
            try:
                reply_topic(topic)
            except ValueError as error:
                self._counters["bad-reply-topic"] += 1
                log.warning("command.bad-reply-topic", id=answer.id, topic=topic[:200], why=str(error))
                return
            self._reply(topic, answer, correlation)

        return reply
