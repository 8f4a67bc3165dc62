"""A message to ourselves and back: does the command path carry (self-test MQT-02)?"""

import asyncio
import contextlib
from dataclasses import dataclass
from uuid import uuid4

from agent.messaging import payloads
from agent.messaging.dial import NoConnection
from agent.messaging.header import Stamp, decode
from agent.messaging.window import BAD
from agent.messaging.wire import Wire


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """Seconds until the broker acknowledged, and until its copy came back (``None``: its access list keeps the agent
    from reading ``up/echo``)."""

    acknowledged: float
    delivered: float | None


class Echo:
    """Messages to ``topic`` that are under way."""

    def __init__(self, topic: str, stamp: Stamp) -> None:
        self.topic = topic
        self._stamp = stamp
        self._out: dict[str, asyncio.Future[float]] = {}

    async def trip(self, wire: Wire, timeout: float) -> RoundTrip:  # noqa: ASYNC109 - one bound for two waits
        """Out and back, QoS 1. Raises NoConnection with the reason it did not work."""
        loop = asyncio.get_running_loop()
        nonce = uuid4().hex
        acked: asyncio.Future[tuple[float, int, str]] = loop.create_future()
        back: asyncio.Future[float] = loop.create_future()
        self._out[nonce] = back
        begun = loop.time()

        def heard(code: int, said: str) -> None:
            if not acked.done():
                acked.set_result((loop.time(), code, said))

        try:
            body = self._stamp.on(payloads.Echo(nonce=nonce)).encode()
            if not wire.publish(self.topic, body, qos=1, acked=heard):
                raise NoConnection("unreachable", "the broker does not keep up: messages are waiting for it")
            await asyncio.wait((acked,), timeout=timeout)
            if not acked.done():
                raise NoConnection("unreachable", f"the broker did not acknowledge within {timeout:g} s")
            when, code, said = acked.result()
            if code >= BAD:
                raise NoConnection("refused", f"the broker denies publishing to {self.topic}: {said}")
            await asyncio.wait((back,), timeout=max(0.0, timeout - (loop.time() - begun)))
            return RoundTrip(when - begun, back.result() - begun if back.done() else None)
        finally:
            self._out.pop(nonce, None)

    def returned(self, body: bytes) -> None:
        """One came back."""
        with contextlib.suppress(ValueError):
            back = self._out.get(decode(payloads.Echo, body).nonce)
            if back is not None and not back.done():
                back.set_result(asyncio.get_running_loop().time())
