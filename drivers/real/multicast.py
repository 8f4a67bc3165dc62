"""Multicast options of a UDP socket: which network interface, which groups (ip(7), ipv6(7))."""

import errno
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
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


def join(opened: socket.socket, groups: Sequence[str], interface: str) -> None:
    """Hear these groups on that interface, too. Raises OSError or DeviceMissing."""
    for group in groups:
        if ":" in group:
            option, level = socket.IPV6_JOIN_GROUP, socket.IPPROTO_IPV6
            membership = _packed6(group) + INDEX.pack(index(interface))
        else:
            option, level = socket.IP_ADD_MEMBERSHIP, socket.IPPROTO_IP
            membership = MREQN.pack(_packed(group), *_card(interface))
        try:
            opened.setsockopt(level, option, membership)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                continue  # joined already
            if error.errno == errno.ENOBUFS:
                raise DeviceMissing(
                    f"this machine lets one socket join no more groups than it has: {group} is one too many",
                    "sudo sysctl -w net.ipv4.igmp_max_memberships=1024",
                ) from error
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
