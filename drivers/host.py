"""The machine's hardware access. A driver is given a Host and knows no other way out.

``drivers.real.RealHost`` is this machine; ``drivers.virtual.VirtualStudio`` is the virtual studio. Both raise only
:class:`~drivers.errors.DriverError`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import numpy.typing as npt

from drivers.base import Picture, Stamp

if TYPE_CHECKING:
    from firmware_profiles.entry import Framing

Sendable = bytes | bytearray | memoryview
Endpoint = tuple[str, int]
"""IP address and port."""


STREAMS = ("http", "https", "rtsp", "rtsps", "rtmp", "rtmps", "srt", "udp", "rtp", "tcp")
"""Schemes of addresses a host opens as video."""

LONGEST_OPENING = 8.0
"""Seconds a network source may take until its first picture: an RTSP camera that sends a key frame every 4 s and whose
first one came too early."""

LOGINS = ("http", "https", "rtsp", "rtsps")
"""Those that have a way of their own to say who asks."""


@dataclass(frozen=True, slots=True)
class Login:
    """Who asks a network camera for pictures. The password stays in its file until the address is opened."""

    username: str = ""
    password_file: Path | None = None


NOBODY = Login()


def shown_url(source: str) -> str:
    """A camera's address as people and topics may see it: without name and password, and without the query, in which
    some cameras want them."""
    scheme, found, rest = source.partition("://")
    if not found:
        return source
    plain = rest.rpartition("@")[2]  # the last one: a password may hold any character
    return f"{scheme}://{plain.partition('?')[0].partition('#')[0]}"


def is_network(source: str) -> bool:
    """Whether its pictures come over a network, where a breath of a second is normal."""
    return source.partition("://")[0].lower() in STREAMS if "://" in source else False


class Link(Protocol):
    """A byte pipe."""

    def write(self, data: bytes) -> None:
        """All of it, or LinkLost / Stalled, which says how much was taken."""

    def read(self, size: int, timeout: float) -> bytes:
        """1…``size`` bytes as soon as any are there; ``b""`` after ``timeout`` seconds of silence; or LinkLost."""

    def drain(self) -> None:
        """Wait until everything written has left the machine."""

    def close(self) -> None:
        """Idempotent, from any thread; a pending read or write ends with LinkLost."""


class Uart(Link, Protocol):
    """The link of a serial port: its line, too, besides its bytes."""

    def set_break(self, on: bool) -> None:
        """Hold the line at break (space), or let it go back to idle (mark). In force when this returns. What is still
        in the UART is cut short: drain first."""

    def set_rts(self, on: bool) -> None:
        """Assert the RTS line, or let it go. A port without one ignores it."""

    def pause(self, seconds: float) -> None:
        """Wait at least so long, to some ten microseconds; LinkLost as soon as the link is closed."""


@dataclass(frozen=True, slots=True)
class Datagram:
    """``received``: kernel receive time where the platform has it, on the host's monotonic scale, seconds."""

    data: bytes
    source: Endpoint
    received: float
    ttl: int | None = None


class Datagrams(Protocol):
    """A datagram socket (UDP, or ICMP echo through :meth:`Host.ping_socket`)."""

    @property
    def local(self) -> Endpoint: ...

    def send(self, data: Sendable, to: Endpoint) -> float:
        """Send, and say when it left (host's monotonic time). An unreachable network is LinkLost. The buffer may be
        written to again as soon as this returns."""

    def sheaf(self, packets: npt.NDArray[np.uint8], to: Sequence[Endpoint]) -> "Sheaf":
        """Datagrams (their number x their size) that are sent again and again, each to its place: less work than one by
        one. ``packets`` may be written to between two sends. DeviceMissing: one of ``to`` cannot be."""

    def join(self, group: str) -> None:
        """Hear one more multicast group, on the interface the socket was opened for. DeviceMissing: it cannot be."""

    def receive(self, timeout: float) -> Datagram | None:
        """The next datagram, or ``None`` after ``timeout`` seconds. LinkLost once closed."""

    def close(self) -> None: ...


class Sheaf(Protocol):
    """Many datagrams of an open socket."""

    def send(self, rows: npt.NDArray[np.intp]) -> float:
        """Send these, in this order, and say when the first left. Raises what :meth:`Datagrams.send` raises."""


class FrameSource(Protocol):
    """An opened video source."""

    def read(self, timeout: float, detail: bool = True) -> tuple[Picture, float]:
        """The newest picture and when it came in. ``detail=False``: half its size or less will do where that is
        cheaper (JPEG). ReplyTimeout after ``timeout``, LinkLost when the source ended, BadReply when what came is no
        picture."""

    def watch(self, until: float) -> None:
        """Wait for that time of the host's clock and take in, undecoded, what comes meanwhile. May come back sooner,
        and as late as a read may. LinkLost when the source ended."""

    def stamps(self) -> Sequence[Stamp]:
        """Every packet since the last call, oldest first, at most ``STAMPS``. By ``watch`` each has its own time; those
        that came while nobody watched may have that of the next call."""

    def describe(self) -> dict[str, str]:
        """What is known of it: backend, size, nominal rate, device name."""

    def close(self) -> None: ...


STAMPS = 1024
"""Packets a source remembers for whoever asks for stamps: 8 s of the fastest camera there is."""


@dataclass(frozen=True, slots=True)
class Control:
    """A knob of a camera, by the name v4l2-ctl prints. ``menu``: what each value means; ``inactive``: it may be read,
    but something automatic has it now."""

    name: str
    kind: Literal["int", "bool", "menu"]
    minimum: int
    maximum: int
    step: int = 1
    default: int = 0
    menu: Mapping[int, str] = field(default_factory=dict)
    inactive: bool = False


class Controls(Protocol):
    """A camera's knobs, beside its pictures. Any thread; each call stands alone. LinkLost: the camera is gone."""

    def list(self) -> tuple[Control, ...]:
        """All of them, as they are now."""

    def read(self, name: str) -> int:
        """What the camera *says* the value is: while something automatic has it, that may be an old one. NotSupported:
        it has none of that name."""

    def write(self, name: str, value: int) -> None:
        """Refused, with the reason: out of range, something automatic has it, another program does. BadReply: the
        camera did not take it."""


@dataclass(frozen=True, slots=True)
class SerialPort:
    """``port`` is what to open; ``stable`` the name that survives replugging (``usb:SERIAL`` or a by-path link)."""

    port: str
    stable: str
    description: str = ""
    usb_serial: str = ""
    vendor_id: int | None = None
    product_id: int | None = None


@dataclass(frozen=True, slots=True)
class VideoDevice:
    device: str
    stable: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface: its IPv4/IPv6 addresses as ``a.b.c.d/len`` and, where known, its link speed in Mbit/s."""

    name: str
    up: bool
    addresses: tuple[str, ...] = ()
    mac: str = ""
    speed: int | None = None
    errors: int = 0
    packets: int = 0


class Host(Protocol):
    """Everything a driver may reach."""

    def now(self) -> float:
        """Monotonic seconds, the only clock a driver sees."""

    def wall(self) -> float:
        """Seconds since 1970 UTC, for protocols that put the date on the wire (STAMP)."""

    def serial(self, port: str, baud: int, framing: "Framing" = "8N2") -> Uart:
        """Open a serial port exclusively. ``port``: a path, or ``usb:SERIAL`` looked up at every call."""

    def stream(self, host: str, port: int, timeout: float) -> Link:
        """Open a TCP connection (a serial server). DeviceMissing, within ``timeout`` seconds, when nobody answers or
        accepts there."""

    def serial_ports(self) -> Sequence[SerialPort]: ...

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
        """A UDP socket: of IPv4, or, when bound to an IPv6 address or joining an IPv6 group, of IPv6; bound to ``::``
        that hears IPv4, too. ``groups``: multicast groups to join; ``interface``: name or local address of the network
        card to send multicast from and join on ("" lets the routing table decide). ``stamps=False``: ``send`` may give
        the time of the call instead of the kernel's, which costs more than the sending does."""

    def ping_socket(self) -> Datagrams:
        """ICMP echo: ``send`` takes a whole echo request (from its type byte on, port 0), ``receive`` gives whole
        ICMP messages. The kernel may put its own identifier and checksum into requests, and other programs' messages
        may come in: match replies by payload. NotSupported when neither a ping socket nor a raw one may be opened;
        the remedy says which setting opens it."""

    def connect(self, host: str, port: int, timeout: float) -> float:
        """Open and close a TCP connection; the handshake's round trip in seconds."""

    def resolve(self, name: str, *, ipv6: bool = False) -> str:
        """IPv4 address of ``name``; with ``ipv6`` its IPv6 address where it has no other. DeviceMissing when it has
        none."""

    def camera(self, source: str, login: Login = NOBODY) -> FrameSource:
        """Open a device (``/dev/video0``), a file or an URL (HTTP MJPEG, RTSP). DeviceMissing, too, when the file with
        the password cannot be read."""

    def video_devices(self) -> Sequence[VideoDevice]: ...

    def controls(self, source: str) -> Controls:
        """The knobs of the camera behind a source. NotSupported for one that has none to be reached from here (a file,
        an address), DeviceMissing for one that is not there."""

    def interfaces(self) -> Sequence[Interface]: ...

    def sniff(self, interface: str, seconds: float) -> Sequence[Datagram]:
        """UDP payloads seen on an interface for a bounded time, whoever they are for (needs CAP_NET_RAW: NotSupported
        otherwise). ``source`` is the sender; ``data`` starts at the UDP header."""
