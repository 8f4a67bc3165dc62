"""What goes over a connection to a broker, as the rest of the room knows it."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """One message from the broker. ``expiry``: what is left of it, seconds. ``ack`` when it is taken care of."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    response_topic: str | None = None
    correlation: bytes | None = None
    expiry: int | None = None
    ack: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Last:
    """The last will, QoS 1."""

    topic: str
    payload: bytes
    retain: bool = True
