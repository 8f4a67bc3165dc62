"""Sockets of this machine: UDP with kernel receive stamps, ICMP echo, names.

The kernel stamps arriving and leaving datagrams with the wall clock (SO_TIMESTAMPING, Linux
Documentation/networking/timestamping.rst); a stamp is moved to the monotonic scale with the offset of the two clocks
at the moment of reading. A Python-side stamp would book the wait for a busy processor as network time: 4 ms instead
of 0.06 ms at p99 on a loaded two-core machine. The stamp of a leaving datagram comes back on the socket's error queue,
nearly always before ``sendto`` returns; when not, the time of the call has to do.
"""

import errno
import select
import socket
import struct
import sys
import time
from collections.abc import Callable, Sequence
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from threading import Lock

import numpy as np
import numpy.typing as npt

from drivers.errors import DeviceMissing, DriverError, LinkLost, NotSupported, ReplyTimeout, Why
from drivers.host import Datagram, Endpoint, Sendable
from drivers.real import multicast
from drivers.real.gate import Gate
from drivers.real.sheaf import SocketSheaf

SO_TIMESTAMPING = 37
STAMPING = 2 | 8 | 16 | 128 | 2048
"""TX_SOFTWARE, RX_SOFTWARE, SOFTWARE (report them), OPT_ID (number what leaves), OPT_TSONLY (no copy of the data)."""
ARRIVING = 8 | 16

ERRORS = {(socket.IPPROTO_IP, 11), (socket.IPPROTO_IPV6, 25)}
"""IP_RECVERR and IPV6_RECVERR."""
MSG_ERRQUEUE = 0x2000
IP_RECVTTL = 12
TO_LIVE = {(socket.IPPROTO_IP, socket.IP_TTL), (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT)}
TIMESPEC = struct.Struct("@ll")
NUMBERED = struct.Struct("@12xI")
"""``ee_data`` in ``struct sock_extended_err``: the number of the datagram a leaving stamp belongs to."""

COUNTER = 1 << 32
ANCILLARY = socket.CMSG_SPACE(3 * TIMESPEC.size) + socket.CMSG_SPACE(4) + socket.CMSG_SPACE(32)
LARGEST = 65535
ROOM = 1 << 22
"""Bytes of receive buffer to ask for where a whole rig may speak at once; the kernel gives what rmem_max allows."""
SEND_TIMEOUT = 0.5
"""Seconds a full send buffer may hold a datagram."""

TIGHT = 2000
"""Nanoseconds within which two clocks count as read at the same time."""

UNREACHABLE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENODEV, errno.EADDRNOTAVAIL, errno.ENOTCONN}


class SocketDatagrams:
    """An open datagram socket as :class:`drivers.host.Datagrams`. ``headed``: raw, each datagram has its IP header."""

    def __init__(
        self,
        opened: socket.socket,
        name: str,
        *,
        memberships: multicast.Memberships | None = None,
        headed: bool = False,
        stamps: bool = True,
    ) -> None:
        opened.setblocking(False)
        self._socket = opened
        self._sendto = opened.sendto
        self._name = name
        self._memberships = memberships or multicast.Memberships(opened, "")
        self._headed = headed
        self._stamped = _ask_for_stamps(opened, leaving=stamps)
        self._leaving = 0
        self._local: Endpoint = opened.getsockname()[:2]
        self._closed = False
        self._busy = Lock()
        self._gate = Gate(opened.fileno(), self._release, name)

    @property
    def local(self) -> Endpoint:
        return self._local

    def sheaf(self, packets: npt.NDArray[np.uint8], to: Sequence[Endpoint]) -> SocketSheaf:
        """All of ``packets`` for one call; those of a socket with stamps are sent, and counted, one by one."""
        opened, together = self._socket, not self._stamped
        return SocketSheaf(opened.fileno(), opened.family, packets, to, self.send, self._while_open, together=together)

    def send(self, data: Sendable, to: Endpoint) -> float:
        """Send, and say when it left. LinkLost when there is no way to that network."""
        left = time.monotonic()
        try:
            with self._busy:  # a lock is cheaper than the gate, and releasing the socket waits for it, too
                if self._closed:
                    raise LinkLost(f"{self._name} is closed")
                self._sendto(data, to)
                return self._left_now(left) if self._stamped else left
        except OSError as error:
            left = self._insist(data, to, error)
        with self._busy:
            return self._left_now(left)

    def _while_open(self, call: Callable[[], int]) -> int:
        with self._busy:
            if self._closed:
                raise LinkLost(f"{self._name} is closed")
            return call()

    def _insist(self, data: Sendable, to: Endpoint, error: OSError) -> float:
        """The datagram did not go at the first try."""
        with self._gate:
            deadline = time.monotonic() + SEND_TIMEOUT
            while True:
                if isinstance(error, BlockingIOError):
                    if not self._gate.wait(select.POLLOUT, deadline - time.monotonic()):
                        raise ReplyTimeout(f"{self._name}: the send buffer stayed full") from None
                elif not isinstance(error, ConnectionRefusedError):
                    # (an old ICMP "port unreachable" is reported now, and cleared by being reported)
                    raise _cannot_send(self._name, to, len(data), error) from error
                left = time.monotonic()
                try:
                    self._sendto(data, to)
                except OSError as again:
                    error = again
                else:
                    return left

    def join(self, group: str) -> None:
        """Hear one more multicast group."""
        with self._gate:
            try:
                self._memberships.join(group)
            except OSError as error:
                raise _cannot_open(self._name, self._local, "", [group], error) from error

    def receive(self, timeout: float) -> Datagram | None:
        """The next datagram with its kernel stamp, or ``None`` after ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        with self._gate:
            while True:
                try:
                    data, ancillary, _flags, source = self._socket.recvmsg(LARGEST, ANCILLARY)
                except BlockingIOError:
                    events = self._gate.wait(select.POLLIN, deadline - time.monotonic())
                    if not events:
                        return None
                    if events & select.POLLERR:
                        self._left(COUNTER, 0.0)  # a stamp that came late: take it off, or poll reports it for ever
                    continue
                except ConnectionRefusedError:
                    continue
                except OSError as error:
                    raise LinkLost(f"{self._name}: {error.strerror}", "check the network interface") from error
                received, ttl = _stamps(ancillary)
                if self._headed:
                    data = data[(data[0] & 0x0F) * 4 :] if data else data
                return Datagram(data, (source[0].removeprefix("::ffff:"), source[1]), received, ttl)

    def close(self) -> None:
        self._closed = True
        self._gate.shut()

    def _release(self) -> None:
        with self._busy:
            self._memberships.close()
            self._socket.close()

    def _left_now(self, called: float) -> float:
        """The kernel's stamp of the datagram sent last; ``called``, the time of the call, has to do without one."""
        number, self._leaving = self._leaving, (self._leaving + 1) % COUNTER
        return self._left(number, called)

    def _left(self, number: int, otherwise: float) -> float:
        """The kernel's stamp of leaving datagram ``number``; empties the error queue."""
        while self._stamped:
            try:
                _data, ancillary, _flags, _source = self._socket.recvmsg(0, ANCILLARY, MSG_ERRQUEUE)
            except OSError:
                break  # empty
            for level, kind, content in ancillary:
                if (level, kind) in ERRORS:
                    (stamped,) = NUMBERED.unpack_from(content)
                    if 0 <= stamped - number < COUNTER // 2:  # ahead: the kernel counted a datagram it refused, too
                        self._leaving = (stamped + 1) % COUNTER
                        otherwise = max(otherwise, _stamps(ancillary)[0])
        return otherwise


def open_udp(
    bind: Endpoint, *, groups: Sequence[str], interface: str, broadcast: bool, ttl: int, stamps: bool
) -> SocketDatagrams:
    """A UDP socket (see :meth:`drivers.host.Host.udp`). DeviceMissing when it cannot be bound or joined."""
    six = any(":" in each for each in (bind[0], *groups))
    if six:
        bind = (bind[0] or "::", bind[1])
    name = f"UDP {bind[0] or '*'}:{bind[1]}"
    opened = _new(name, socket.AF_INET6 if six else socket.AF_INET)
    memberships = multicast.Memberships(opened, interface)
    try:
        if six:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        if groups or broadcast:  # several programs may listen to the same group or broadcast port
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
        if broadcast:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        multicast.prepare(opened, interface, ttl)
        opened.bind(bind)
        for group in groups:
            memberships.join(group)
        return SocketDatagrams(opened, name, memberships=memberships, stamps=stamps)
    except BaseException as error:
        memberships.close()
        opened.close()
        if isinstance(error, OSError):
            raise _cannot_open(name, bind, interface, groups, error) from error
        raise


def _new(name: str, family: socket.AddressFamily) -> socket.socket:
    try:
        return socket.socket(family, socket.SOCK_DGRAM)
    except OSError as error:
        raise DeviceMissing(f"{name} cannot be opened: {error.strerror}", "is IPv6 switched off here?") from error


def open_ping() -> SocketDatagrams:
    """An ICMP echo socket: the unprivileged kind (icmp(7)), else a raw one, else NotSupported."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            opened = socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP)
        except OSError:
            continue
        try:
            return SocketDatagrams(opened, "ICMP echo", headed=kind == socket.SOCK_RAW)
        except BaseException:
            opened.close()
            raise
    raise NotSupported(
        "this process may not send ICMP echo requests",
        "sudo sysctl -w net.ipv4.ping_group_range='0 2147483647', or give the service CAP_NET_RAW",
    )


def resolve(name: str, *, ipv6: bool = False) -> str:
    """IPv4 address of ``name``, with ``ipv6`` its IPv6 address where it has no other; addresses pass unchanged.
    Bounded by the system resolver's own limits."""
    for kind in (IPv4Address, IPv6Address) if ipv6 else (IPv4Address,):
        try:
            return str(kind(name))
        except AddressValueError:
            pass
    try:
        found = socket.getaddrinfo(name, None, 0 if ipv6 else socket.AF_INET, socket.SOCK_DGRAM)
        found.sort(key=lambda each: each[0] != socket.AF_INET)
        return str(found[0][4][0])
    except (OSError, UnicodeError, IndexError) as error:
        why = getattr(error, "strerror", None) or "not a valid name"
        version = "" if ipv6 else "IPv4 "
        raise DeviceMissing(
            f"the name {name!r} has no {version}address: {why}", "check the spelling and the resolver", why=Why.NO_NAME
        ) from error


def _ask_for_stamps(opened: socket.socket, *, leaving: bool) -> bool:
    """Ask for times to live and stamps. False: leaving ones are not wanted, or not to be had on this platform; the
    times of the calls have to do."""
    try:
        opened.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
        if opened.family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
        opened.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, STAMPING if leaving else ARRIVING)
    except OSError:
        return False
    return leaving


def _stamps(ancillary: Sequence[tuple[int, int, bytes]]) -> tuple[float, int | None]:
    """(receive time on the monotonic scale, time to live) from what came beside a datagram."""
    received, ttl = time.monotonic_ns(), None
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPING and len(content) >= TIMESPEC.size:
            seconds, nanoseconds = TIMESPEC.unpack_from(content)
            stamp = seconds * 1_000_000_000 + nanoseconds - _offset()
            received = min(received, stamp)  # a clock set back meanwhile must not put it into the future
        elif (level, kind) in TO_LIVE:
            ttl = int.from_bytes(content[:4], sys.byteorder)
    return received / 1e9, ttl


def _offset() -> int:
    """Nanoseconds from the monotonic to the wall clock: of up to three looks the one least interrupted."""
    best, offset = TIGHT * 1000, 0
    for _ in range(3):
        before = time.monotonic_ns()
        wall = time.time_ns()
        took = time.monotonic_ns() - before
        if took < best:
            best, offset = took, wall - before - took // 2
        if took < TIGHT:
            break
    return offset or time.time_ns() - time.monotonic_ns()


def _cannot_open(name: str, bind: Endpoint, interface: str, groups: Sequence[str], error: OSError) -> DriverError:
    if error.errno == errno.EADDRINUSE:
        return DeviceMissing(f"{name} is in use by another program", "stop the other program", why=Why.IN_USE)
    if error.errno == errno.EACCES:
        return DeviceMissing(
            f"{name} may not be opened: ports below 1024 need CAP_NET_BIND_SERVICE", why=Why.NOT_ALLOWED
        )
    if error.errno in UNREACHABLE or isinstance(error, socket.gaierror):
        where = interface or bind[0] or "multicast"
        return DeviceMissing(
            f"{name}: no interface of this machine fits {where!r}{' for ' + ', '.join(groups) if groups else ''}",
            "give the name or an address of one of this machine's interfaces; `studio-agent devices` lists them",
        )
    return DeviceMissing(f"{name} cannot be opened: {error.strerror}")


def _cannot_send(name: str, to: Endpoint, size: int, error: OSError) -> DriverError:
    if error.errno == errno.EMSGSIZE:
        return NotSupported(f"{name}: {size} bytes are too long for one datagram")
    if error.errno == errno.EACCES:
        return NotSupported(f"{name}: {to[0]} is a broadcast address and this socket was not opened for that")
    if error.errno == errno.EPERM:
        return LinkLost(f"{name}: the firewall of this machine forbids sending to {to[0]}", "open it for this port")
    return LinkLost(f"{name}: {to[0]} cannot be reached: {error.strerror}", "check cable, route and gateway")
