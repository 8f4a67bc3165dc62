"""Which nodes there are, which Port-Addresses they want, and what they say. Pure: ``now`` is an argument.

A node that has not answered 3 s after a poll is *gone* (Art-Net 4, section ArtPoll), and said to be. It is fed for some
seconds more all the same: one lost reply must not freeze a light. Subscribed is who lists a Port-Address among its
outputs or its inputs (section ArtDmx, "Unicast Subscription"). Everything kept is bounded.
"""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from drivers.dmx.artnet_codec import DiagData, Node

POLL_EVERY = 2.5
"""Controllers poll every 2.5…3 s."""
GONE_AFTER = 3.0
"""Seconds after a poll within which a node must answer."""
FED_FOR = 10.0
"""Seconds since its last reply for which a silent node is still sent to."""
MOST_PARTS = 4096
MOST_TARGETS = 64
"""Addresses that one Port-Address is sent to: replies are easily invented, and each costs a packet a frame."""
MOST_MESSAGES = 100


class Message(NamedTuple):
    """A line to keep: from a node (its priority, Table 5), or of ours about it (priority 0). ``time``: host's clock."""

    time: float
    address: str
    said: str
    priority: int = 0


@dataclass(slots=True)
class Part:
    """One reply's worth of a node: the node itself or one bound part."""

    node: Node
    seen: float
    online: bool = True
    asked: float = -math.inf
    """The poll its last reply answers, and the seconds that took."""
    took: float = 0.0
    reply: int = 0
    """Its last one among all replies heard, counted."""


class Nodes:
    """The table of nodes. Each part is known by the address it is reached at and its bind index."""

    def __init__(self) -> None:
        self.parts: dict[tuple[str, int], Part] = {}
        self.subscribers: dict[int, tuple[str, ...]] = {}
        """Addresses by Port-Address, as of the last :meth:`settle`."""
        self.messages: deque[Message] = deque(maxlen=MOST_MESSAGES)
        self.replies = 0
        self.came = self.went = self.diagnostics = self.refused = 0
        self.crowded: dict[int, int] = {}
        """Addresses that get nothing, because older ones have the places of that Port-Address."""
        self._deaf_at = -math.inf
        self._polls: deque[float] = deque(maxlen=8)
        self._dirty = False

    def polled(self, now: float) -> None:
        """We asked who is there."""
        self._polls.append(now)

    @property
    def poll_due(self) -> float:
        """When to ask again."""
        return self._polls[-1] + POLL_EVERY if self._polls else -math.inf

    def watched(self, now: float) -> bool:
        """Whether polls have been going out long enough, and up to now, to know who is there."""
        return bool(self._polls) and self._polls[0] <= now - GONE_AFTER and self._polls[-1] > now - GONE_AFTER

    def since(self, reply: int) -> list[Part]:
        """Those that have replied after that many replies (:attr:`replies`)."""
        return [part for part in self.parts.values() if part.reply > reply]

    def heard(self, node: Node, address: str, now: float) -> None:
        """A reply came in; ``address``: where the node is reached."""
        key = (address, node.bind_index)
        part = self.parts.get(key)
        if part is None:
            if len(self.parts) >= MOST_PARTS:
                self.refused += 1
                return
            part = self.parts[key] = Part(node, now, online=False)
            self._dirty = True
        elif (part.node.outputs, part.node.inputs) != (node.outputs, node.inputs):
            self._dirty = True
        if not part.online:
            part.online = True
            self.came += 1
            self._tell(now, address, f"{_named(node)} is there")
        self._compare(part.node, node, address, now)
        self.replies += 1
        part.node, part.seen, part.reply = node, now, self.replies
        if self._polls and part.asked < self._polls[-1] <= now:
            part.asked, part.took = self._polls[-1], now - self._polls[-1]

    def unheard(self, now: float) -> None:
        """More came in than was read: that a node is silent says nothing about it until it has been asked again."""
        self._deaf_at = now

    def told(self, message: DiagData, address: str, now: float) -> None:
        """A diagnostics line came in."""
        self.diagnostics += 1
        self.messages.append(Message(now, address, message.said, message.priority))

    def settle(self, now: float) -> bool:
        """Who has fallen silent? True when somebody subscribes to something else than before."""
        asked = max((poll for poll in self._polls if self._deaf_at < poll <= now - GONE_AFTER), default=-math.inf)
        for key, part in list(self.parts.items()):
            if part.online and part.seen < asked:
                part.online = False
                self.went += 1
                self._tell(now, key[0], f"{_named(part.node)} does not answer any more")
            if not part.online and max(part.seen, self._deaf_at) < now - FED_FOR:
                del self.parts[key]
                self._dirty = True
        if not self._dirty:
            return False
        self._dirty = False
        found: dict[int, dict[str, None]] = {}
        for (address, _), part in self.parts.items():
            for port in (*part.node.outputs, *part.node.inputs):
                found.setdefault(port, {})[address] = None
        before = self.subscribers
        self.subscribers = {port: tuple(each)[:MOST_TARGETS] for port, each in found.items()}
        crowded = {port: len(each) - MOST_TARGETS for port, each in found.items() if len(each) > MOST_TARGETS}
        for port in sorted(crowded.keys() - self.crowded.keys()):
            self._tell(now, "", f"more than {MOST_TARGETS} nodes ask for Port-Address {port}: the oldest are sent to")
        self.crowded = crowded
        return before != self.subscribers

    def online(self) -> list[Part]:
        """Those that answer."""
        return [part for part in self.parts.values() if part.online]

    def merging(self, ports: Iterable[int]) -> set[int]:
        """Those of ``ports`` that a node hears from more than one source."""
        return {port for part in self.online() for port in part.node.merging} & set(ports)

    def _compare(self, before: Node, after: Node, address: str, now: float) -> None:
        for port in sorted({*after.merging} - {*before.merging}):
            self._tell(now, address, f"{_named(after)} hears more than one source on Port-Address {port}")
        for port in sorted({*after.on_acn} - {*before.on_acn}):
            self._tell(now, address, f"{_named(after)} follows sACN on Port-Address {port}, not Art-Net")
        if before.fail_safe != after.fail_safe:
            self._tell(now, address, f"{_named(after)} was set to {after.fail_safe or 'nothing'} when it hears nobody")

    def _tell(self, now: float, address: str, said: str) -> None:
        self.messages.append(Message(now, address, said))


def _named(node: Node) -> str:
    return f"{node.short_name or 'node'} [{node.bind_index}]"
