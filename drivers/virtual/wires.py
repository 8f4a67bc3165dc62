"""Wires of the virtual studio, and what can happen to them: a serial socket, a place on the network, a listener.

A :class:`Wire` counts the bytes that pass in both directions and spoils the answers as its fault says. It is the
fault half of every :class:`drivers.virtual.twin.Twin`; a twin only adds the device.
"""

import heapq
import math
import random
import threading
from collections.abc import Iterable
from ipaddress import IPv4Address
from typing import Protocol

from drivers.errors import DeviceMissing, LinkLost
from drivers.host import Datagram, Endpoint, SerialPort
from drivers.virtual.clock import Clock
from drivers.virtual.twin import Fault, LineDevice, NodeDevice, SerialDevice, TalkingDevice


def broadcast(address: str) -> bool:
    """To everybody on a network; the group 239.255.0.255 is not."""
    return address.endswith(".255") and not IPv4Address(address).is_multicast


class Lan(Protocol):
    """The network between the studio machine and its nodes."""

    def journey(self) -> float | None:
        """Seconds one datagram takes one way; ``None``: lost."""


class Cable:
    """A perfect network: no delay, no loss."""

    def journey(self) -> float | None:
        return 0.0


class Wire:
    """The state of one wire. Safe from several threads."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - noise on a fake wire
        self._lock = threading.RLock()
        self._fault: Fault | None = None
        self._budget: int | None = None
        self.plugged = True

    def fault(self, fault: Fault, at: int = 0) -> None:
        """From now on misbehave; UNPLUG with ``at`` > 0 only after that many more bytes."""
        with self._lock:
            if fault is not Fault.UNPLUG:
                self._fault = fault
            elif at > 0:
                self._budget = at
            else:
                self.unplug()

    def heal(self) -> None:
        """Behave again; plug in again if unplugged."""
        with self._lock:
            self._fault = None
            self._budget = None
            if not self.plugged:
                self.plug()

    def unplug(self) -> None:
        with self._lock:
            self.plugged = False
            self._budget = None

    def plug(self) -> None:
        with self._lock:
            self.plugged = True

    @property
    def silent(self) -> bool:
        return self._fault is Fault.SILENCE

    def let_through(self, size: int) -> int:
        """How many of ``size`` bytes pass before the plug is out. Pulls the plug when the last of them has passed."""
        with self._lock:
            if not self.plugged:
                return 0
            if self._budget is None:
                return size
            passed = min(size, self._budget)
            self._budget -= passed
            if self._budget == 0:
                self.unplug()
            return passed

    def spoil(self, answer: bytes) -> bytes:
        """The answer as it arrives under the present fault."""
        with self._lock:
            if not answer or self._fault is Fault.SILENCE:
                return b""
            if self._fault is Fault.NOISE:
                return self._random.randbytes(len(answer))
            if self._fault is Fault.CUT:
                return answer[: len(answer) // 2]
            if self._fault is Fault.DOUBLE:
                return answer * 2
            return answer


class Socket(Wire):
    """A serial socket of the studio machine with a device in it."""

    def __init__(self, port: SerialPort, device: SerialDevice, clock: Clock, seed: int) -> None:
        super().__init__(seed)
        self.port = port
        self.device = device
        self._clock = clock
        self._link: SerialLink | None = None
        self._unclosed: list[SerialLink] = []

    def open(self) -> "SerialLink":
        """Exclusively, as the real host does."""
        with self._lock:
            if not self.plugged:
                raise DeviceMissing(f"{self.port.port}: no such port", "plug the device in")
            if self._link is not None:
                raise DeviceMissing(f"{self.port.port} is in use by another program", "stop the other program")
            self._link = SerialLink(self, self._clock)
            self._unclosed.append(self._link)
            return self._link

    @property
    def in_use(self) -> bool:
        """The host has not closed it, be the device still there or not."""
        return bool(self._unclosed)

    def unplug(self) -> None:
        with self._lock:
            super().unplug()
            if self._link is not None:
                self._link.lose()
            self._link = None  # plugged in again it is a new port, whoever still holds the old one

    def plug(self) -> None:
        with self._lock:
            if not self.plugged:
                self.device.restart()
            super().plug()

    def emit(self, data: bytes) -> None:
        """The device speaks without being asked."""
        with self._lock:
            if self._link is not None:
                self._link.arrive(self.spoil(data))

    def tick(self, link: "SerialLink") -> float:
        """Let the device speak that is due to; when the next one is."""
        with self._lock:
            if link is not self._link or self.silent or not isinstance(self.device, TalkingDevice):
                return math.inf
            if self.device.due <= self._clock.now():
                link.arrive(self.spoil(self.device.speak()))
            return self.device.due

    def released(self, link: "SerialLink") -> None:
        """The host let go of the port."""
        with self._lock:
            self._unclosed = [each for each in self._unclosed if each is not link]
            if self._link is link:
                self._link = None

    def exchange(self, data: bytes, link: "SerialLink") -> int:
        """Bytes from the host into the device, its answer back onto the link; how many bytes got through."""
        with self._lock:
            passed = self.let_through(len(data))
            if passed and not self.silent:
                link.arrive(self.spoil(self.device.receive(data[:passed])))
            return passed

    def line(self, broken: bool) -> None:
        """The host began or ended a break; only a device that looks at the line itself cares."""
        with self._lock:
            if self.plugged and not self.silent and isinstance(self.device, LineDevice):
                self.device.line(broken)


class SerialLink:
    """The host's end of a serial socket (:class:`drivers.host.Uart`)."""

    def __init__(self, socket: Socket, clock: Clock) -> None:
        self._socket = socket
        self._clock = clock
        self._ready = threading.Condition()
        self._arrived = bytearray()
        self._gone = ""

    def arrive(self, data: bytes) -> None:
        with self._ready:
            if not self._gone:
                self._arrived += data
                self._ready.notify_all()

    def lose(self) -> None:
        self._end("was unplugged")

    def write(self, data: bytes) -> None:
        self._check()
        if self._socket.exchange(data, self) < len(data):
            self._check()

    def read(self, size: int, timeout: float) -> bytes:
        until = self._clock.now() + timeout
        while True:
            due = self._socket.tick(self)  # not under our lock: whoever speaks to us takes the socket's first
            with self._ready:
                if self._arrived or self._gone or self._clock.now() >= until:
                    break
                self._clock.wait(self._ready, min(until, due))
        with self._ready:
            self._check()
            wanted = min(size, len(self._arrived))
        if not wanted:
            return b""
        passed = self._socket.let_through(wanted)
        with self._ready:
            if not passed:
                self._check()
            taken = bytes(self._arrived[:passed])
            del self._arrived[:passed]
            return taken

    def drain(self) -> None:
        self._check()

    def set_break(self, on: bool) -> None:
        self._check()
        self._socket.line(on)

    def set_rts(self, on: bool) -> None:
        self._check()

    def pause(self, seconds: float) -> None:
        until = self._clock.now() + seconds
        with self._ready:
            while not self._gone and self._clock.now() < until:
                self._clock.wait(self._ready, until)
            self._check()

    def close(self) -> None:
        self._end("was closed")
        self._socket.released(self)

    def _end(self, why: str) -> None:
        with self._ready:
            self._gone = self._gone or why
            self._ready.notify_all()

    def _check(self) -> None:
        if self._gone:
            raise LinkLost(f"{self._socket.port.port} {self._gone}", "check plug and cable")


class Place(Wire):
    """A device's place on the network: its address, the groups it joined."""

    def __init__(self, address: str, device: NodeDevice, groups: Iterable[str], seed: int) -> None:
        super().__init__(seed)
        self.address = address
        self.device = device
        self.groups = set(groups)

    def receive(self, data: bytes, source: Endpoint, to: Endpoint) -> list[tuple[bytes, Endpoint]]:
        """A datagram reaches the place; what the device sends comes out as the fault lets it."""
        with self._lock:
            if self.let_through(len(data)) < len(data) or self.silent:
                return []
            sent = []
            for answer, target in self.device.receive(data, source, to):
                spoiled = self.spoil(answer)
                if spoiled and self.let_through(len(spoiled)) == len(spoiled):
                    sent.append((spoiled, target))
            return sent


class Listener(Wire):
    """A TCP port that accepts. ``refuses = True``: the host is there, the service is not."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.refuses = False

    @property
    def firmware(self) -> str:
        return ""


class Inbox:
    """Datagrams on their way to one socket, in the order they become due."""

    def __init__(self, clock: Clock, name: str) -> None:
        self._clock = clock
        self._name = name
        self._ready = threading.Condition()
        self._due: list[tuple[float, int, Datagram]] = []
        self._count = 0
        self._closed = False

    def put(self, datagram: Datagram) -> None:
        """``datagram.received`` says when it is due."""
        with self._ready:
            if not self._closed:
                self._count += 1
                heapq.heappush(self._due, (datagram.received, self._count, datagram))
                self._ready.notify_all()

    def get(self, timeout: float) -> Datagram | None:
        until = self._clock.now() + timeout
        with self._ready:
            while True:
                if self._closed:
                    raise LinkLost(f"{self._name} was closed")
                now = self._clock.now()
                if self._due and self._due[0][0] <= now:
                    return heapq.heappop(self._due)[2]
                if now >= until:
                    return None
                self._clock.wait(self._ready, min([until, *(due[0] for due in self._due[:1])]))

    def close(self) -> None:
        with self._ready:
            self._closed = True
            self._due.clear()
            self._ready.notify_all()
