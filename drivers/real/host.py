"""This machine as a :class:`drivers.host.Host`.

Nothing heavy is imported before the call that needs it: a studio without cameras never loads OpenCV, and
``import drivers.real.host`` costs a few milliseconds (a test holds that).
"""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from drivers.host import (
    NOBODY,
    Controls,
    Datagram,
    Datagrams,
    Endpoint,
    FrameSource,
    Interface,
    Link,
    Login,
    SerialPort,
    Uart,
    VideoDevice,
)
from drivers.real.adapters import MACHINE, Tree

if TYPE_CHECKING:
    from firmware_profiles.entry import Framing


class RealHost:
    """Linux, by way of pyserial, sockets, OpenCV and scapy. ``tree``: where the kernel shows its serial ports."""

    def __init__(self, tree: Tree = MACHINE) -> None:
        self._tree = tree

    def now(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()

    def serial(self, port: str, baud: int, framing: "Framing" = "8N2") -> Uart:
        from drivers.real.serial import open_port

        return open_port(port, baud, framing, self._tree)

    def stream(self, host: str, port: int, timeout: float) -> Link:
        from drivers.real.stream import open_stream

        return open_stream(host, port, timeout)

    def serial_ports(self) -> Sequence[SerialPort]:
        from drivers.real.serial import ports

        return ports()

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
        from drivers.real.net import open_udp

        return open_udp(bind, groups=groups, interface=interface, broadcast=broadcast, ttl=ttl, stamps=stamps)

    def ping_socket(self) -> Datagrams:
        from drivers.real.net import open_ping

        return open_ping()

    def connect(self, host: str, port: int, timeout: float) -> float:
        from drivers.real.handshake import connect

        return connect(host, port, timeout)

    def resolve(self, name: str, *, ipv6: bool = False) -> str:
        from drivers.real.net import resolve

        return resolve(name, ipv6=ipv6)

    def camera(self, source: str, login: Login = NOBODY) -> FrameSource:
        from drivers.real.opening import Opening

        return Opening(source, login)

    def video_devices(self) -> Sequence[VideoDevice]:
        from drivers.real.video import video_devices

        return video_devices()

    def controls(self, source: str) -> Controls:
        from drivers.real.video import open_controls

        return open_controls(source)

    def interfaces(self) -> Sequence[Interface]:
        from drivers.real.inventory import interfaces

        return interfaces()

    def sniff(self, interface: str, seconds: float) -> Sequence[Datagram]:
        from drivers.real.sniff import sniff

        return sniff(interface, seconds)
