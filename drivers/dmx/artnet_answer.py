"""How this machine answers polls, and who on it gets the answers of others.

A poll is answered by unicast after a random 0…1 s (Art-Net 4, section ArtPollReply), to UDP 6454 of whoever asked and,
where he asked from another port, to that one too. Unicast to 6454 reaches one socket of a machine only: the one bound
last. So whoever holds it **passes on** the replies and diagnostics that come in there to the programs of this machine
that poll from a port of their own: an output beside an input, or two outputs, all know the nodes.
"""

import ipaddress
import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from drivers.dmx.artnet_codec import CHANGES, TARGETED, Node, Poll
from drivers.dmx.artnet_reply import FIFTEEN_BITS, LOCAL_ADDRESSES
from drivers.dmx.artnet_wire import (
    ADDRESS,
    DIAG_DATA,
    ESTA_PROTOTYPE,
    INPUT,
    IP_PROG,
    OEM_UNKNOWN,
    POLL_REPLY,
    PORT,
    RDM,
    RDM_SUB,
    TOD_DATA,
    opcode_of,
)
from drivers.errors import DeviceMissing
from drivers.host import Endpoint, Host

READY = "ready"
"""The status text of our replies, when there is nothing to tell."""
NAME = "Studio Edge Agent"
REPLY_WITHIN = 1.0
FORGET_AFTER = 10.0
"""Seconds without a poll after which a caller is gone (controllers poll every 2.5…3 s)."""
MOST_CALLERS = 16
LOOK_AGAIN = 30.0
"""Seconds between two looks at the network cards; one takes about a millisecond."""

PASSED_ON = frozenset((POLL_REPLY, DIAG_DATA, TOD_DATA, RDM, RDM_SUB))
"""What nodes send to whoever asked, and programs of this machine may be waiting for."""

COMMANDS = {ADDRESS: 107, INPUT: 20}
"""What sets a node up, and how long it is. Both are answered with an ArtPollReply, also where nothing is changed
(sections ArtAddress, ArtInput)."""
REFUSED = "refused: set up in a file"

Describe = Callable[[str, str], Sequence[Node]]
"""Own address and MAC → what we say of ourselves there."""


@dataclass(frozen=True, slots=True)
class Card:
    """An IPv4 address of this machine."""

    address: ipaddress.IPv4Interface
    mac: str = ""

    @property
    def broadcast(self) -> str:
        return str(self.address.network.broadcast_address)


class Cards:
    """This machine's addresses. ``own``: those of network cards that are up; loopback counts as own, too."""

    def __init__(self, own: Iterable[Card]) -> None:
        self._looked = -math.inf
        self._set(own)

    def _set(self, own: Iterable[Card]) -> None:
        self.own = tuple(own)
        self._addresses = {str(card.address.ip) for card in self.own}

    def keep_up(self, host: Host, now: float) -> None:
        """Look again from time to time: a card may be plugged in, or be given another address."""
        if now >= self._looked + LOOK_AGAIN:
            self._looked = now
            self._set(_found(host))

    def local(self, address: str) -> bool:
        """Whether that is this machine."""
        return address.startswith("127.") or address in self._addresses

    def towards(self, address: str) -> Card:
        """The card that faces ``address``, or the first; loopback faces loopback."""
        far = ipaddress.IPv4Address(address)
        if far.is_loopback:
            return Card(ipaddress.IPv4Interface("127.0.0.1/8"))
        return next((card for card in self.own if far in card.address.network), self.own[0] if self.own else NOWHERE)

    def broadcasts(self) -> tuple[str, ...]:
        """The directed broadcast of every network; limited broadcast is not recommended (section ArtPoll)."""
        return tuple(dict.fromkeys(card.broadcast for card in self.own if card.address.network.prefixlen < 31))


NOWHERE = Card(ipaddress.IPv4Interface("0.0.0.0/0"))


def cards(host: Host, *, needed: bool = True) -> Cards:
    """The IPv4 addresses of the cards that are up. DeviceMissing when there are none and some are ``needed``."""
    found = Cards(_found(host))
    if needed and not found.own:
        raise DeviceMissing("no network card with an IPv4 address is up", "check the network cable and its address")
    return found


def _found(host: Host) -> list[Card]:
    return [
        Card(ipaddress.IPv4Interface(address), each.mac)
        for each in host.interfaces()
        if each.up
        for address in each.addresses
        if ":" not in address and not address.startswith("127.")
    ]


def command(data: bytes) -> bool:
    """Whether it is one of :data:`COMMANDS`, and whole."""
    size = COMMANDS.get(opcode_of(data) or 0)
    return size is not None and len(data) >= size


def programs(data: bytes) -> bool:
    """Whether it would have us take another IP address (ArtIpProg: 34 bytes, bit 7 of Command enables programming). The
    address is the machine's own affair: nothing is done, and nothing answered, for nodes that do not support remote
    programming do not reply to ArtIpProg, nor to one that only asks (section ArtIpProgReply)."""
    return opcode_of(data) == IP_PROG and len(data) >= 34 and bool(data[14] & 0x80)


def ourselves(address: str, mac: str, what: str, style: int) -> Node:
    """What every reply of ours says: an unregistered product of no manufacturer, set up in a file."""
    return Node(
        address=address,
        short_name=NAME,
        long_name=f"{NAME}, {what}",
        oem=OEM_UNKNOWN,
        esta=ESTA_PROTOTYPE,
        mac=mac,
        style=style,
        status1=LOCAL_ADDRESSES,
        status2=FIFTEEN_BITS,
    )


def is_ours(node: Node) -> bool:
    """Whether a reply is one of :func:`ourselves`."""
    return (node.oem, node.esta) == (OEM_UNKNOWN, ESTA_PROTOTYPE) and node.long_name.startswith(f"{NAME},")


@dataclass(frozen=True, slots=True)
class _Caller:
    source: Endpoint
    changes: bool
    seen: float


class Callers:
    """Who polled us lately, and what we owe them. At most :data:`MOST_CALLERS`; the longest silent gives way."""

    def __init__(self, where: Cards, describe: Describe, delay: Callable[[], float] = random.random) -> None:
        self._cards = where
        self._describe = describe
        self._delay = delay
        self._callers: dict[Endpoint, _Caller] = {}
        self._owed: dict[Endpoint, float] = {}
        self._count = 0
        self._report = READY

    def polled(self, poll: Poll, source: Endpoint, now: float) -> None:
        """An ArtPoll came in."""
        self._callers.pop(source, None)
        if len(self._callers) >= MOST_CALLERS:
            oldest = next(iter(self._callers))
            del self._callers[oldest]
            self._owed.pop(oldest, None)
        self._callers[source] = _Caller(source, bool(poll.flags & CHANGES), now)
        if not poll.flags & TARGETED or any(poll.bottom <= port <= poll.top for port in self._ports_of_ours()):
            self._owed.setdefault(source, now + self._delay() * REPLY_WITHIN)

    def changed(self, now: float) -> None:
        """Something of us is another: those who asked to be told of changes get a reply."""
        for caller in self._callers.values():
            if caller.changes:
                self._owed[caller.source] = now

    def answer(self, source: Endpoint, now: float, report: str) -> None:
        """Reply at once (ArtAddress); ``report``: what the status text then says."""
        if source in self._owed or len(self._owed) < MOST_CALLERS:
            self._owed[source] = now
            self._report = report

    @property
    def due(self) -> float | None:
        """When the next reply is due."""
        return min(self._owed.values(), default=None)

    def replies(self, now: float) -> list[tuple[bytes, Endpoint]]:
        """The replies that are due, each counted in the status text."""
        if not self._owed:
            return []
        sent: list[tuple[bytes, Endpoint]] = []
        for source in [source for source, when in self._owed.items() if when <= now]:
            del self._owed[source]
            card = self._cards.towards(source[0])
            self._count = (self._count + 1) % 10000
            report = f"#0001 [{self._count:04d}] {self._report}"
            for node in self._describe(str(card.address.ip), card.mac):
                packet = replace(node, report=report).encode()
                sent += [(packet, (source[0], port)) for port in self._ports(source)]
        if sent:
            self._report = READY
        return sent

    def others_here(self, source: Endpoint, now: float) -> list[Endpoint]:
        """The programs of this machine that a reply from ``source`` is passed on to. Nothing is passed on twice."""
        self._callers = {key: each for key, each in self._callers.items() if each.seen > now - FORGET_AFTER}
        local = [key for key in self._callers if self._cards.local(key[0]) and key[1] != PORT]
        return [] if source in local else local

    def _ports_of_ours(self) -> list[int]:
        return [port for node in self._describe("127.0.0.1", "") for port in (*node.outputs, *node.inputs)]

    def _ports(self, source: Endpoint) -> Sequence[int]:
        if source[1] == PORT or self._cards.local(source[0]):
            return source[1:]
        return PORT, source[1]
