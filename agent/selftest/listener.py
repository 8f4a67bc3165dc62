"""The connection of a self-test while no service runs: hears the air state and sends itself messages, nothing else."""

import contextlib
from collections.abc import Callable
from typing import Self
from uuid import uuid4

from pydantic import ValidationError

from agent.messaging.bus import BusHealth
from agent.messaging.client import reach
from agent.messaging.commands import read_json
from agent.messaging.dial import NoConnection
from agent.messaging.echo import Echo, RoundTrip
from agent.messaging.header import Stamp
from agent.messaging.lifecycle import Refusal
from agent.messaging.message import Message
from agent.messaging.payloads import AirMessage
from agent.messaging.topics import Topics
from agent.messaging.wire import Wire
from config.broker import MqttSection


class Listener:
    """A :class:`~agent.selftest.surroundings.Broker`, as a context manager that never fails: what went wrong is its
    health. No birth, no last will, no commands, and an id of its own: nobody is told that the agent runs."""

    def __init__(self, config: MqttSection, topics: Topics, stamp: Stamp, on_air: Callable[[AirMessage], None]) -> None:
        self.config = config
        self._topics = topics
        self._on_air = on_air
        self._echo = Echo(topics.echo, stamp)
        self._wire: Wire | None = None
        self._why = "not connected yet"

    @property
    def health(self) -> BusHealth:
        """*online* or *offline* and why."""
        if self._wire is not None and self._wire.alive:
            return BusHealth("online", self._why, protocol=self._wire.version)
        return BusHealth("offline", self._why)

    async def round_trip(self, timeout: float = 2.0) -> RoundTrip:  # noqa: ASYNC109 - the check's own bound
        """A message to ourselves. Raises NoConnection with the reason it did not work."""
        if self._wire is None or not self._wire.alive:
            raise NoConnection("unreachable", self._why)
        return await self._echo.trip(self._wire, timeout)

    async def __aenter__(self) -> Self:
        try:
            name = f"{self._topics.client_id}:selftest-{uuid4().hex[:8]}"
            self._wire = await reach(self.config, name, self._take)
            self.config = self._wire.config
            denied = await self._wire.subscribe((self._topics.air, self._topics.echo))
            self._why = "; ".join(f"the broker denies {topic}: {why}" for topic, why in denied.items())
        except NoConnection as error:
            self._why = error.reason
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._wire is not None:
            await self._wire.close()

    def _take(self, message: Message) -> None:
        message.ack()
        if message.topic == self._topics.echo:
            self._echo.returned(message.payload)
        elif message.topic == self._topics.air:
            with contextlib.suppress(Refusal, ValidationError):  # what is malformed says nothing: it counts as on air
                read_json(message.payload)
                self._on_air(AirMessage.model_validate_json(message.payload, strict=True))
