"""The way to the broker, as those know it who have something to send."""

from collections.abc import Callable
from typing import Protocol

Acked = Callable[[int, str], None]
"""Hears the broker's reason code and its name."""


class Way(Protocol):
    """The connection, as far as the outbox knows it. ``eased`` is called whenever there may be room again."""

    eased: Callable[[], None]

    @property
    def room(self) -> int: ...

    def takes(self, topic: str, body: bytes) -> bool: ...

    def publish(self, topic: str, body: bytes, *, qos: int, retain: bool, acked: Acked) -> bool: ...
