"""Multicast options of a UDP socket: which network interface, which groups (ip(7), ipv6(7))."""

import errno
import socket
import struct
from contextlib import suppress
from functools import cached_property
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from drivers.errors import DeviceMissing
from drivers.real.inventory import interfaces

IP_MULTICAST_ALL = 49
IPV6_MULTICAST_ALL = 29
MREQN = struct.Struct("@4s4si")
"""``struct ip_mreqn``: group, address of the interface, its index."""
INDEX = struct.Struct("@i")


def prepare(opened: socket.socket, interface: str, ttl: int) -> None:
    """Where multicast leaves, how far it and everything else goes, and that groups others joined stay out."""
    if opened.family == socket.AF_INET6:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, ttl)
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, ttl)
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 1)
        if interface:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, INDEX.pack(index(interface)))
        with suppress(OSError):  # Linux before 4.20
            opened.setsockopt(socket.IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0)
    elif interface:
        opened.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, MREQN.pack(bytes(4), *_card(interface)))
    opened.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
    opened.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, ttl)
    opened.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
    opened.setsockopt(socket.IPPROTO_IP, IP_MULTICAST_ALL, 0)


class Memberships:
    """The groups one socket hears.

    The kernel lets a socket join 20 IPv4 groups (igmp_max_memberships). For more, further sockets hold the memberships,
    and the first hears every group of its port that this machine has joined, those of other programs among them.
    """

    def __init__(self, opened: socket.socket, interface: str) -> None:
        self._opened = opened
        self._interface = interface
        self._holders: list[socket.socket] = []

    def join(self, group: str) -> None:
        """Once is enough. Raises OSError or DeviceMissing."""
        six = ":" in group
        membership = _packed6(group) + INDEX.pack(self._index) if six else MREQN.pack(_packed(group), *self._card)
        holder = self._holders[-1] if self._holders and not six else self._opened
        try:
            _join(holder, six, membership)
        except OSError as error:
            if six or error.errno != errno.ENOBUFS:
                raise
            self._holders.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            _join(self._holders[-1], six, membership)
            self._opened.setsockopt(socket.IPPROTO_IP, IP_MULTICAST_ALL, 1)

    @cached_property  # there may be hundreds of groups
    def _index(self) -> int:
        return index(self._interface)

    @cached_property
    def _card(self) -> tuple[bytes, int]:
        return _card(self._interface)

    def close(self) -> None:
        """Let go of all but the socket itself."""
        for holder in self._holders:
            holder.close()


def _join(opened: socket.socket, six: bool, membership: bytes) -> None:
    option, level = (
        (socket.IPV6_JOIN_GROUP, socket.IPPROTO_IPV6) if six else (socket.IP_ADD_MEMBERSHIP, socket.IPPROTO_IP)
    )
    try:
        opened.setsockopt(level, option, membership)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:  # joined already
            raise


def index(interface: str) -> int:
    """The kernel's number of the interface with that name or address; 0 for "". DeviceMissing: there is none."""
    if not interface:
        return 0
    plain = interface.partition("%")[0]
    for each in interfaces():
        if plain == each.name or any(plain == address.split("/")[0] for address in each.addresses):
            return socket.if_nametoindex(each.name)
    raise DeviceMissing(
        f"no interface of this machine fits {interface!r}",
        "give the name or an address of one of this machine's interfaces; `studio-agent devices` lists them",
    )


def _card(interface: str) -> tuple[bytes, int]:
    """Address and index for ``struct ip_mreqn``: either is enough for the kernel."""
    try:
        return IPv4Address(interface).packed, 0
    except AddressValueError:
        return bytes(4), index(interface)


def _packed(group: str) -> bytes:
    try:
        return IPv4Address(group).packed
    except AddressValueError as error:
        raise DeviceMissing(f"{group!r} is not an IPv4 address", "give it as a.b.c.d") from error


def _packed6(group: str) -> bytes:
    try:
        return IPv6Address(group).packed
    except AddressValueError as error:
        raise DeviceMissing(f"{group!r} is not an IPv6 address", "give it as ff18::1") from error
