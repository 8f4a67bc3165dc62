"""QoS 1 messages on their way out: some under way, the others wait for an acknowledgement to make room."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from paho.mqtt.client import MQTT_ERR_SUCCESS, Client
from paho.mqtt.properties import Properties

WINDOW = 64
"""QoS 1 messages under way, at most; fewer if the broker's Receive Maximum says so."""
SPARE = 8
"""Places of the window that the outbox leaves to states and answers, where there are so many."""
WAITING = 2000
"""Messages waiting for a place in the window, at most."""
BAD = 0x80
"""MQTT 5 reason codes from here on are failures."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message. ``acked`` hears the broker's reason code and its name."""

    topic: str
    body: bytes
    retain: bool
    properties: Properties | None = None
    acked: Callable[[int, str], None] | None = None
    at: float = 0.0
    """When it was given to :meth:`Window.put`, monotonic seconds."""


class Window:
    """See the module. ``denied`` hears of messages the broker acknowledged with a refusal (topic, reason)."""

    def __init__(self, client: Client, denied: Callable[[str, str], None]) -> None:
        self.size = WINDOW
        self._client = client
        self._denied = denied
        self._under_way: dict[int, Outgoing] = {}
        self._waiting: deque[Outgoing] = deque()

    def __len__(self) -> int:
        """Messages the broker has not acknowledged yet."""
        return len(self._waiting) + len(self._under_way)

    @property
    def room(self) -> int:
        """How many messages the outbox may send now."""
        return max(1, self.size - SPARE) - len(self)

    def oldest(self, now: float) -> float:
        """Seconds the broker has owed an acknowledgement for the message that has waited longest; 0 without one."""
        return now - next(iter(self._under_way.values())).at if self._under_way else 0.0

    def put(self, item: Outgoing) -> bool:
        """Send it, now or in its turn. ``False``: too many are waiting, or the connection is gone."""
        if len(self._under_way) < self.size and not self._waiting:
            return self._send(item)
        if len(self._waiting) >= WAITING:
            return False
        self._waiting.append(item)
        return True

    def acknowledged(self, mid: int, code: int, said: str) -> None:
        """The broker's word on the message with this packet identifier (others are ignored)."""
        item = self._under_way.pop(mid, None)
        if item is None:
            return
        if code >= BAD:
            self._denied(item.topic, said)
        if item.acked is not None:
            item.acked(code, said)
        while self._waiting and len(self._under_way) < self.size:
            self._send(self._waiting.popleft())

    def clear(self) -> None:
        """Forget them all: the connection has ended."""
        self._waiting.clear()
        self._under_way.clear()

    def _send(self, item: Outgoing) -> bool:
        info = self._client.publish(item.topic, item.body, 1, item.retain, item.properties)
        if info.rc != MQTT_ERR_SUCCESS:
            return False
        self._under_way[info.mid] = item
        return True
