"""Which broker the agent is at: the preferred one, or else the next in order; and back again when it can be had.

A loss is followed by a pause that chance chooses (:class:`~agent.messaging.reconnect.BackOff`), then the brokers are
tried in their order, one right after the other. While the agent is at another than the first, it looks from time to
time whether a better one lets it in, and then goes over *before* it leaves: there is no moment without a broker. A
better one that does not last is left alone for longer each time, so the agent does not go to and fro.
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Sequence

import structlog

from agent.messaging.dial import NoConnection, Version, where
from agent.messaging.reconnect import SETTLED, BackOff, Reconnect
from agent.messaging.wire import Wire
from config.broker import MqttSection

log = structlog.get_logger(__name__)

PATIENT = 5
"""So many times the pause between two looks doubles when better brokers do not last."""


class Order:
    """What was tried and how it ended. No clock, no broker. :attr:`at` is the broker to try, or the one in use."""

    def __init__(self, brokers: Sequence[MqttSection], back_off: BackOff) -> None:
        self.brokers = brokers
        self.at = 0
        self.why = [""] * len(brokers)
        """Why each could not be had, the last time it was tried; empty when it could."""
        self.due = 0.0
        """When the latest attempt was to begin (the loop's clock)."""
        self._each = [Reconnect(broker.protocol) for broker in brokers]
        self._back_off = back_off
        self._rounds = 0
        self._rebuffs = 0

    @property
    def broker(self) -> MqttSection:
        return self.brokers[self.at]

    @property
    def complaint(self) -> str:
        """Why the preferred broker is not the one in use; empty when it is."""
        return next(filter(None, self.why[: self.at]), "not tried yet" if self.at else "")

    def version(self, at: int) -> Version:
        """The protocol to try there next."""
        return self._each[at].version

    def failed(self, error: NoConnection) -> float:
        """The broker could not be had. Seconds to wait before the next attempt: 0 while there is another way to try."""
        self.why[self.at] = error.reason
        return 0.0 if self._each[self.at].failed(error) else self._next()

    def looked(self, at: int, error: NoConnection) -> None:
        """A better broker is not there yet."""
        self.why[at] = error.reason
        self._each[at].failed(error)

    def have(self, at: int) -> None:
        """The agent is at this broker now."""
        self.at = at
        self.why[at] = ""

    def ended(self, reason: str, lasted: float) -> tuple[str, float]:
        """A connection was lost after ``lasted`` seconds: the reason, with what it may mean, and seconds to wait. One
        that lasted begins anew with the preferred broker; after a short one it is the next one's turn."""
        said = self._each[self.at].ended(reason, lasted)
        self.why[self.at] = f"{where(self.broker)}: {said}"
        if lasted >= SETTLED:
            self._rounds = 0
            if self.at == 0:
                self._rebuffs = 0
            self.at = 0
        else:
            self._rebuffs = min(PATIENT, self._rebuffs + 1)
            self._next()
        return said, self._back_off.wait(self._rounds)

    def look_after(self) -> float:
        """Seconds until the next look at better brokers."""
        return self.brokers[0].go_back * 2.0**self._rebuffs * random.uniform(0.75, 1.25)  # noqa: S311 - spreads load

    def _next(self) -> float:
        self.at = (self.at + 1) % len(self.brokers)
        if self.at:
            return 0.0
        self._rounds += 1
        return self._back_off.wait(self._rounds)


class Failover:
    """See the module. ``opened(broker, version)`` makes a connection that is subscribed (or raises NoConnection);
    ``adopted(wire)`` makes it the one in use, ``left(wire)`` says goodbye on one that still lives; ``idle()`` returns
    when nothing is in flight that belongs to the present one; ``down(error or reason)`` tells why there is none."""

    def __init__(
        self,
        order: Order,
        opened: Callable[[MqttSection, Version], Awaitable[Wire]],
        adopted: Callable[[Wire], None],
        left: Callable[[Wire], Awaitable[None]],
        idle: Callable[[], Awaitable[None]],
        down: Callable[[NoConnection | str], None],
    ) -> None:
        self.order = order
        self._opened = opened
        self._adopted = adopted
        self._left = left
        self._idle = idle
        self._down = down

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        order = self.order
        while True:
            try:
                wire = await self._opened(order.broker, order.version(order.at))
            except NoConnection as error:
                at, pause = order.at, order.failed(error)
                self._down(error)
                if order.at == at and not pause:
                    log.info("mqtt.older-protocol", broker=where(order.broker), why=error.reason)
                order.due = loop.time() + pause
                await asyncio.sleep(pause)
                continue
            order.have(order.at)
            begun = loop.time()
            self._adopted(wire)
            while better := await self._better(wire):
                order.have(better[0])
                self._adopted(better[1])
                log.info("mqtt.back", broker=where(order.broker))
                await self._left(wire)
                wire, begun = better[1], loop.time()
            reason, pause = order.ended(await wire.ended(), loop.time() - begun)
            self._down(reason)
            order.due = loop.time() + pause
            await asyncio.sleep(pause)

    async def _better(self, wire: Wire) -> tuple[int, Wire] | None:
        """A connection to a better broker than that of ``wire``, once there is one; ``None``: ``wire`` has ended."""
        if self.order.at == 0:
            await wire.ended()
            return None
        end = asyncio.ensure_future(wire.ended())
        look = asyncio.ensure_future(self._look())
        try:
            await asyncio.wait((end, look), return_when=asyncio.FIRST_COMPLETED)
            return look.result() if look.done() else None
        finally:
            end.cancel()
            if not look.done():
                look.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await look

    async def _look(self) -> tuple[int, Wire]:
        order = self.order
        while True:
            await asyncio.sleep(order.look_after())
            for at in range(order.at):
                try:
                    wire = await self._opened(order.brokers[at], order.version(at))
                except NoConnection as error:
                    order.looked(at, error)
                    continue
                try:
                    await self._idle()
                except asyncio.CancelledError:
                    await wire.close(0.2)
                    raise
                if wire.alive:
                    return at, wire
                order.looked(at, NoConnection("silent", f"{where(order.brokers[at])} let the agent in and hung up"))
