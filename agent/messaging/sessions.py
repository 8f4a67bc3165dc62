"""The agent's living connections: mostly one, for a moment two while it goes over from one broker to a better one."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Literal
from uuid import uuid4

from agent.messaging.dial import PROBE, Version
from agent.messaging.header import Stamp
from agent.messaging.message import Last
from agent.messaging.payloads import Status
from agent.messaging.topics import Topics
from agent.messaging.wire import Wire
from config.broker import MqttSection

SESSION = 3600
"""Seconds the broker keeps commands for an agent that is away; older ones are stale anyway."""
GOODBYE = 1.0
"""Seconds to be had for the last words, and for leaving."""


class Sessions:
    """``offline(reason, session)`` makes the status of the last will and of the goodbye; ``wire(broker, version,
    will)`` a connection that is not open yet; ``filters()`` is what it subscribes to, in groups."""

    def __init__(
        self,
        topics: Topics,
        stamp: Stamp,
        offline: Callable[[Literal["lost", "stopped", "moved"], str], Status],
        wire: Callable[[MqttSection, Version, Last], Wire],
        filters: Callable[[], Sequence[Sequence[str]]],
    ) -> None:
        self._topics = topics
        self._stamp = stamp
        self._offline = offline
        self._wire = wire
        self._filters = filters
        self._living: dict[Wire, tuple[str, dict[str, str]]] = {}

    async def open(self, broker: MqttSection, version: Version) -> Wire:
        """A connection, subscribed. Raises NoConnection."""
        session = uuid4().hex
        will = Last(self._topics.status, self._stamp.on(self._offline("lost", session)).encode())
        wire = self._wire(broker, version, will)
        try:
            await wire.open(answer=PROBE if version == "5" and broker.protocol == "auto" else 5.0)
            denied = await wire.subscribe(*self._filters())
        except BaseException:
            await wire.close(0.2)
            raise
        self._living[wire] = (session, denied)
        return wire

    def id(self, wire: Wire) -> str:
        """What its last will calls it."""
        return self._living[wire][0]

    def denied(self, wire: Wire) -> dict[str, str]:
        """The filters it was not let subscribe to, with the broker's reason."""
        return self._living[wire][1]

    async def leave(self, wire: Wire, reason: Literal["stopped", "moved"]) -> None:
        """Say goodbye and close."""
        if wire.alive:
            said = asyncio.Event()
            body = self._stamp.on(self._offline(reason, self.id(wire))).encode()
            if wire.publish(self._topics.status, body, qos=1, retain=True, acked=lambda *_: said.set()):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(GOODBYE):
                        await said.wait()
            await wire.close(GOODBYE)
        self._living.pop(wire, None)

    async def leave_all(self) -> None:
        """The agent stops."""
        for wire in tuple(self._living):
            await self.leave(wire, "stopped")

    def tidy(self) -> None:
        """Forget those that have ended."""
        self._living = {wire: known for wire, known in self._living.items() if wire.alive}
