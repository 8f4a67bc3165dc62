"""The virtual studio: a machine with sockets, a network and cameras in which production drivers find twins.

It is a :class:`drivers.host.Host`. Nothing here knows a protocol: twins do. See ``drivers/virtual/README.md``.
"""

import ipaddress
import itertools
import struct
import threading
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from drivers.errors import DeviceMissing, LinkLost, NotSupported, Refused, ReplyTimeout
from drivers.host import (
    Datagram,
    Datagrams,
    Endpoint,
    Interface,
    Link,
    SerialPort,
    Uart,
)
from drivers.virtual.clock import Clock, RealClock
from drivers.virtual.datagrams import HOME, HOME6, OURS, VirtualDatagrams
from drivers.virtual.eyes import Eyes
from drivers.virtual.twin import Fault, Fitted, NodeDevice, SerialDevice, Twin
from drivers.virtual.wires import Cable, Lan, Listener, Place, Socket, broadcast

if TYPE_CHECKING:
    from drivers.virtual.world import World

ELSEWHERE = "203.0.113."
"""Where names without an address are put (TEST-NET-3, RFC 5737)."""

ICMP_PORT = 0
"""A datagram to this port is an ICMP message (type, code, checksum, identifier, sequence, payload); a node answers
to its source endpoint, whose port stands for the identifier."""

UNREACHABLE = "check the network cable and the interface's address"

FrameListener = Callable[[int, bytes], None]
LampListener = Callable[[str, bytes], None]
"""Told the name of a lamp and its slots as a fixture's: coarse and fine bytes."""


class VirtualStudio(Eyes):
    """Places to put twins, and the Host that drivers see. Safe from several threads.

    A studio without any node or listener has no network: sending raises LinkLost, as on a machine without a cable.
    ``network_up`` may be set to pull and push that cable.
    """

    def __init__(self, clock: Clock | None = None, seed: int = 0, lan: Lan | None = None) -> None:
        super().__init__()
        self.clock: Clock = clock or RealClock()
        self.lan: Lan = lan or Cable()
        self.seed = seed
        self.twins: dict[str, Twin] = {}
        self.universes: dict[str, tuple[int, ...]] = {}
        """Which universes an output (by name) carries; set before its twin is made."""
        self.lamps: dict[str, tuple[Fitted, ...]] = {}
        """Which lamps are on a bus (by name); set before its twin is made."""
        self.lamp_listeners: list[LampListener] = []
        self.frame_listeners: list[FrameListener] = []
        self.network_up = False
        self.world: World | None = None
        """The room's light, where there is one (``furnish``)."""
        self._lock = threading.RLock()
        self._seeds = itertools.count(seed * 1000 + 1)
        self._ports = itertools.count(49152)
        self._sockets: dict[str, Socket] = {}
        self._streams: dict[str, Socket] = {}
        self._places: list[Place] = []
        self._listeners: dict[Endpoint, Listener] = {}
        self._names: dict[str, str] = {"localhost": "127.0.0.1"}
        self._open: list[VirtualDatagrams] = []
        self._sniffers: list[list[Datagram]] = []
        self._packets = 0
        self._arrival = threading.local()

    # --- what is in the studio -----------------------------------------------------------------------------------

    def place_serial(self, port: SerialPort, device: SerialDevice) -> Socket:
        """Plug a serial device in. The socket is its twin's fault half."""
        socket = Socket(port, device, self.clock, next(self._seeds))
        with self._lock:
            self._sockets[port.port] = socket
        return socket

    def place_stream(self, address: str, port: int, device: SerialDevice) -> Socket:
        """A device that speaks over TCP, to one at a time. The socket is its twin's fault half."""
        place = f"{address}:{port}"
        socket = Socket(SerialPort(place, place), device, self.clock, next(self._seeds))
        with self._lock:
            self._streams[place] = socket
            self.network_up = True
        return socket

    def place_node(self, address: str, device: NodeDevice, groups: Sequence[str] = ()) -> Place:
        """Put a device on the network. Unicast, broadcast and its multicast ``groups`` reach it, and ICMP (to port
        0). Several devices may share an address. The place is its twin's fault half."""
        place = Place(address, device, groups, next(self._seeds))
        with self._lock:
            self._places.append(place)
            self.network_up = True
        return place

    def place_listener(self, address: str, port: int) -> Listener:
        """A TCP port that accepts connections."""
        listener = Listener(next(self._seeds))
        with self._lock:
            self._listeners[(address, port)] = listener
            self.network_up = True
        return listener

    def place_name(self, name: str, address: str) -> None:
        """A host name and its IPv4 address."""
        with self._lock:
            self._names[name] = address

    def place_host(self, name: str) -> str:
        """The address of ``name``; a name that nobody knows yet gets one, the same in every run."""
        try:
            return self.resolve(name, ipv6=True)
        except DeviceMissing:
            address = f"{ELSEWHERE}{zlib.crc32(name.encode()) % 253 + 1}"
            self.place_name(name, address)
            return address

    def add(self, name: str, twin: Twin) -> None:
        """Give a twin the name people break it by."""
        with self._lock:
            self.twins[name] = twin

    def fault(self, name: str, fault: Fault | str, at: int = 0) -> None:
        """Break the twin of that name."""
        self._twin(name).fault(Fault(fault), at)

    def heal(self, name: str) -> None:
        """Mend it."""
        self._twin(name).heal()

    def took(self, universe: int, frame: bytes) -> None:
        """An output twin holds a frame now (called by twins): tell the listeners."""
        for listener in tuple(self.frame_listeners):
            listener(universe, frame)

    def lit(self, lamp: str, slots: bytes) -> None:
        """A lamp on a bus shows this now (called by twins)."""
        for listener in tuple(self.lamp_listeners):
            listener(lamp, slots)

    def arrival(self) -> float:
        """While a node receives: the time its datagram arrives, on the studio's monotonic clock. Otherwise now."""
        return float(getattr(self._arrival, "time", self.now()))

    def _twin(self, name: str) -> Twin:
        if name not in self.twins:
            raise DeviceMissing(f"no twin is called {name!r}", f"one of: {', '.join(sorted(self.twins))}")
        return self.twins[name]

    # --- Host ------------------------------------------------------------------------------------------------------

    def now(self) -> float:
        return self.clock.now()

    def wall(self) -> float:
        return self.clock.wall()

    def serial(self, port: str, baud: int, framing: str = "8N2") -> Uart:
        with self._lock:
            for socket in self._sockets.values():
                names = {socket.port.port, socket.port.stable, f"usb:{socket.port.usb_serial}"}
                if port in names and socket.plugged:
                    return socket.open()
        raise DeviceMissing(f"{port}: no such serial port", "plug the device in, or correct the port's name")

    def stream(self, host: str, port: int, timeout: float) -> Link:
        place = f"{self.resolve(host)}:{port}"
        with self._lock:
            socket = self._streams.get(place)
            if socket is not None and socket.plugged:
                return socket.open()
        raise DeviceMissing(f"{host}:{port}: nobody answers", "check address, power and network cable")

    def serial_ports(self) -> Sequence[SerialPort]:
        with self._lock:
            return [socket.port for socket in self._sockets.values() if socket.plugged]

    def udp(
        self,
        bind: Endpoint = ("", 0),
        *,
        groups: Sequence[str] = (),
        interface: str = "",
        broadcast: bool = False,
        ttl: int = 20,
        stamps: bool = True,
    ) -> Datagrams:
        home = HOME6 if any(":" in each for each in (bind[0], *groups)) else HOME
        local = (bind[0].removeprefix("::") or home, bind[1] or next(self._ports))
        return self._opened(VirtualDatagrams(self, local, groups, broadcast, ttl))

    def ping_socket(self) -> Datagrams:
        # The identifier takes the port's part, so that two ping sockets do not hear each other, as in the kernel.
        return self._opened(VirtualDatagrams(self, (HOME, next(self._ports)), (), False, 64))

    def connect(self, host: str, port: int, timeout: float) -> float:
        """Answers, refuses, or lets the caller wait its whole ``timeout``, as the far end's state says."""
        if not self.network_up:
            raise LinkLost(f"{host}: the network is unreachable", UNREACHABLE)
        address = self.resolve(host)
        with self._lock:
            listener = self._listeners.get((address, port))
            known = any(place.address == address for place in self._places)
            there, back = self.lan.journey(), self.lan.journey()
        lost = there is None or back is None or (listener is None and not known)
        if lost or (listener is not None and (not listener.plugged or listener.silent)):
            self._pause(timeout)
            raise ReplyTimeout(f"{host}:{port}: no answer to the connection request in {timeout} s")
        assert there is not None
        assert back is not None
        self._pause(there + back)
        if listener is None or listener.refuses:
            raise Refused(f"{host}:{port}: connection refused", "start the service, or correct the port")
        return there + back

    def resolve(self, name: str, *, ipv6: bool = False) -> str:
        with suppress(ValueError):
            return str(ipaddress.ip_address(name) if ipv6 else ipaddress.IPv4Address(name))
        if name not in self._names:
            raise DeviceMissing(f"{name}: no such host name", "correct the name, or check the name server")
        return self._names[name]

    def interfaces(self) -> Sequence[Interface]:
        ours, mac = (f"{HOME}/24", f"{HOME6}/64"), "02:00:00:77:00:02"
        return [
            Interface("lo", True, ("127.0.0.1/8", "::1/128")),
            Interface("studio0", self.network_up, ours, mac, 1000, 0, self._packets),
        ]

    def sniff(self, interface: str, seconds: float) -> Sequence[Datagram]:
        if interface not in {each.name for each in self.interfaces()}:
            raise DeviceMissing(f"{interface}: no such interface")
        seen: list[Datagram] = []
        with self._lock:
            self._sniffers.append(seen)
        try:
            self._pause(seconds)
        finally:
            with self._lock:  # by identity: two sniffers may have seen the same
                self._sniffers[:] = [each for each in self._sniffers if each is not seen]
        return seen

    def in_use(self) -> list[str]:
        """What drivers have open and not yet closed: serial ports and datagram sockets."""
        with self._lock:
            sockets = [*self._sockets.values(), *self._streams.values()]
            ports = [socket.port.port for socket in sockets if socket.in_use]
            return ports + [f"udp {each.local[0]}:{each.local[1]}" for each in self._open]

    # --- the network -----------------------------------------------------------------------------------------------

    def carry(self, data: bytes, sender: VirtualDatagrams, to: Endpoint) -> float:
        """Take a datagram from one of the machine's sockets to whoever it reaches; their answers come back."""
        left = self.now()
        own = to[0] in OURS or to[0] == sender.local[0]
        if not self.network_up and not own:
            raise LinkLost(f"{to[0]}: the network is unreachable", UNREACHABLE)
        everybody = broadcast(to[0])
        if everybody and not sender.broadcast:
            raise NotSupported(f"{to[0]}: this socket was not opened for broadcast")
        with self._lock:
            self._see(data, sender.local, to, left)
            places = [p for p in self._places if everybody or p.address == to[0] or to[0] in p.groups]
            mine = [o for o in self._open if o.accepts(to, everybody)]
        for other in mine:
            other.inbox.put(Datagram(data, sender.local, left, sender.ttl))
        for place in places:
            self._deliver(place, data, sender, to, left)
        return left

    def _deliver(self, place: Place, data: bytes, sender: VirtualDatagrams, to: Endpoint, left: float) -> None:
        there = self._journey()
        if there is None:
            return
        self._arrival.time = left + there
        try:
            answers = place.receive(data, sender.local, to)
        finally:
            del self._arrival.time
        for answer, target in answers:
            back = self._journey()
            source = (place.address, to[1])
            if back is not None and self.network_up:
                self.inject(answer, source, target, left + there + back)

    def inject(self, data: bytes, source: Endpoint, to: Endpoint, at: float | None = None) -> None:
        """A datagram from the network reaches the machine's sockets (also for traffic nobody asked for)."""
        arrives = self.now() if at is None else at
        with self._lock:
            self._see(data, source, to, arrives)
            reached = [each for each in self._open if each.accepts(to, broadcast(to[0]))]
        for each in reached:
            each.inbox.put(Datagram(data, source, arrives, 64))

    def _journey(self) -> float | None:
        with self._lock:
            return self.lan.journey()

    def _see(self, data: bytes, source: Endpoint, to: Endpoint, at: float) -> None:
        self._packets += 1
        header = struct.pack(">HHHH", source[1], to[1], min(len(data) + 8, 0xFFFF), 0)
        for seen in self._sniffers:
            seen.append(Datagram(header + data, source, at))

    def _pause(self, seconds: float) -> None:
        until = self.now() + seconds
        with (nobody := threading.Condition()):
            while self.now() < until:
                self.clock.wait(nobody, until)

    def _opened(self, datagrams: VirtualDatagrams) -> VirtualDatagrams:
        with self._lock:
            self._open.append(datagrams)
        return datagrams

    def forget(self, datagrams: VirtualDatagrams) -> None:
        """A socket was closed."""
        with self._lock:
            self._open[:] = [each for each in self._open if each is not datagrams]
