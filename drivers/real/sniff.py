"""A short look at the UDP traffic of one interface, by scapy's packet socket (no libpcap).

scapy opens the socket; the packets are cut open with ``struct``. Having scapy dissect every packet loses half of them
at 5,000 packets/s on a busy machine, this loses 2 %.
"""

import select
import struct
import time
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address

from drivers.errors import DeviceMissing, LinkLost, NotSupported
from drivers.host import Datagram

MOST = 20_000
"""Datagrams kept of one look: it ends early rather than fill the memory."""

BUFFER = 4 << 20
"""Receive buffer in bytes; scapy's own 64 KiB overflow within milliseconds of a busy processor."""

ETHERNET = struct.Struct("!12xH")
VLAN_TAGS = (0x8100, 0x88A8)
IPV4 = 0x0800
UDP = 17


def sniff(interface: str, seconds: float) -> Sequence[Datagram]:
    """UDP datagrams seen on ``interface`` within ``seconds``, in both directions. ``data`` starts at the UDP header.

    NotSupported without CAP_NET_RAW, DeviceMissing when there is no such interface."""
    return list(_captured(interface, time.monotonic() + seconds))


def _captured(interface: str, deadline: float) -> Iterator[Datagram]:
    import socket

    import scapy.layers.l2  # noqa: F401 - else scapy warns that it does not know Ethernet
    from scapy.arch.linux import L2ListenSocket, L2Socket

    try:
        socket.if_nametoindex(interface)
        # The loopback interface shows every packet twice, going and coming; L2Socket leaves out the going one.
        opened = (L2Socket if interface == "lo" else L2ListenSocket)(iface=interface, nofilter=1)
    except PermissionError as error:
        raise NotSupported(
            f"this process may not capture packets on {interface}",
            "give the service CAP_NET_RAW (AmbientCapabilities=CAP_NET_RAW)",
        ) from error
    except OSError as error:
        raise DeviceMissing(
            f"no capture on {interface!r}: {error.strerror or error}", "`studio-agent devices` lists the interfaces"
        ) from error
    try:
        opened.ins.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        poll = select.poll()
        poll.register(opened.ins.fileno(), select.POLLIN)
        offset = 14 if opened.lvl == 2 else 0
        left = MOST
        while left and (rest := deadline - time.monotonic()) > 0:
            if not poll.poll(rest * 1000):
                break
            _layer, packet, stamp = opened.recv_raw()
            if packet is None:
                continue
            age = 0.0 if stamp is None else max(0.0, time.time() - float(stamp))
            found = udp_in(packet, offset, time.monotonic() - age)
            if found is not None:
                left -= 1
                yield found
    except OSError as error:
        raise LinkLost(f"the capture on {interface} ended: {error.strerror}", "check the interface") from error
    finally:
        opened.close()


def udp_in(packet: bytes, offset: int, received: float) -> Datagram | None:
    """The UDP datagram in a captured packet, or None. ``offset``: length of the link header (14 Ethernet, 0 none).

    Fragments after the first have no UDP header and are left out. Never raises."""
    if offset:
        if len(packet) < offset:
            return None
        (kind,) = ETHERNET.unpack_from(packet)
        while kind in VLAN_TAGS and len(packet) >= offset + 4:
            (kind,) = struct.unpack_from("!H", packet, offset + 2)
            offset += 4
        if kind != IPV4:
            return None
    if len(packet) < offset + 20 or packet[offset] >> 4 != 4:
        return None
    length, fragment, ttl, protocol = struct.unpack_from("!2xH2xHBB", packet, offset)
    header = (packet[offset] & 0x0F) * 4
    start, end = offset + header, min(len(packet), offset + length)  # Ethernet pads short packets
    if protocol != UDP or fragment & 0x1FFF or header < 20 or end - start < 8:
        return None
    source = str(IPv4Address(packet[offset + 12 : offset + 16]))
    (port,) = struct.unpack_from("!H", packet, start)
    return Datagram(bytes(packet[start:end]), (source, port), received, ttl)
