"""What network interfaces this machine has.

From ``getifaddrs(3)``: one call gives names, flags, all IPv4 and IPv6 addresses with their masks, the MAC and the
counters, and works where /proc and /sys are hidden (systemd's ProcSubset=, containers). /sys adds the link speed and
64-bit counters where it can be read.
"""

import ctypes
import socket
import struct
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

from drivers.host import Interface

IFF_UP = 0x1
IFF_RUNNING = 0x40
COUNTERS = struct.Struct("@6I")
"""The head of ``struct rtnl_link_stats`` (linux/if_link.h): packets in and out, bytes in and out, errors in and out."""


class _Entry(ctypes.Structure):
    """``struct ifaddrs`` (getifaddrs(3))."""


_Entry._fields_ = [
    ("next", ctypes.POINTER(_Entry)),
    ("name", ctypes.c_char_p),
    ("flags", ctypes.c_uint),
    ("address", ctypes.c_void_p),
    ("mask", ctypes.c_void_p),
    ("peer", ctypes.c_void_p),
    ("content", ctypes.c_void_p),
]


def interfaces() -> Sequence[Interface]:
    """All interfaces in the kernel's order; an empty sequence where the system cannot tell."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "getifaddrs"):
        return []
    first = ctypes.POINTER(_Entry)()
    if libc.getifaddrs(ctypes.byref(first)) != 0:
        return []
    found: dict[str, dict[str, Any]] = {}
    try:
        for entry in _each(first):
            name = entry.name.decode(errors="replace").partition(":")[0]  # eth0:1 is an alias of eth0
            known = found.setdefault(name, {"flags": entry.flags, "addresses": [], "mac": "", "counted": None})
            _add(known, entry)
    finally:
        libc.freeifaddrs(first)
    return [_interface(name, known) for name, known in found.items()]


def _each(first: Any) -> Iterator[Any]:
    entry = first
    while entry:
        yield entry.contents
        entry = entry.contents.next


def _add(known: dict[str, Any], entry: Any) -> None:
    if not entry.address:
        return
    (family,) = struct.unpack("@H", ctypes.string_at(entry.address, 2))
    if family == socket.AF_INET:
        address = IPv4Address(ctypes.string_at(entry.address + 4, 4))
        known["addresses"].append(f"{address}/{_length(entry.mask, 4, 4)}")
    elif family == socket.AF_INET6:
        address6 = IPv6Address(ctypes.string_at(entry.address + 8, 16))
        known["addresses"].append(f"{address6}/{_length(entry.mask, 8, 16)}")
    elif family == socket.AF_PACKET:  # struct sockaddr_ll (packet(7)): length at 11, address at 12
        size = ctypes.string_at(entry.address + 11, 1)[0]
        mac = ctypes.string_at(entry.address + 12, min(size, 8))
        known["mac"] = mac.hex(":") if any(mac) else ""
        if entry.content:
            known["counted"] = COUNTERS.unpack(ctypes.string_at(entry.content, COUNTERS.size))


def _length(mask: int | None, offset: int, size: int) -> int:
    """Length of a network prefix from its mask."""
    if not mask:
        return size * 8
    return int.from_bytes(ctypes.string_at(mask + offset, size), "big").bit_count()


def _interface(name: str, known: dict[str, Any]) -> Interface:
    in_packets, out_packets, _, _, in_errors, out_errors = known["counted"] or (0,) * 6
    speed = _number(name, "speed")
    return Interface(
        name=name,
        up=known["flags"] & (IFF_UP | IFF_RUNNING) == IFF_UP | IFF_RUNNING,
        addresses=tuple(known["addresses"]),
        mac=known["mac"],
        speed=speed if speed is not None and speed > 0 else None,  # virtual ones say -1 or nothing
        errors=_sum(name, "errors", in_errors + out_errors),
        packets=_sum(name, "packets", in_packets + out_packets),
    )


def _sum(name: str, counter: str, otherwise: int) -> int:
    """Received and sent together, from the 64-bit counters of /sys, else ``otherwise`` (32 bit, they wrap)."""
    received = _number(name, f"statistics/rx_{counter}")
    sent = _number(name, f"statistics/tx_{counter}")
    return otherwise if received is None or sent is None else received + sent


def _number(name: str, file: str) -> int | None:
    try:
        return int((Path("/sys/class/net") / name / file).read_text())
    except (OSError, ValueError):
        return None
