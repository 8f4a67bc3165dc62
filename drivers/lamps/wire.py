"""The wire a bus is on: a serial port, a TCP connection to a serial server, or UDP; and who asked what on it when."""

from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Interface
from typing import TypeVar

from pydantic import Field, model_validator

from config.units import HostName4
from drivers.errors import BadReply, LinkLost, ReplyTimeout
from drivers.host import Datagrams, Endpoint, Host, Link
from drivers.registry import Options
from firmware_profiles.entry import Framing, WireEntry

T = TypeVar("T")
LONGEST = 512
"""Bytes of unread input that are kept; no frame of these protocols is longer."""

BABBLE = 32
"""Reads after which a wire that is never quiet is used all the same."""


class WireOptions(Options):
    """Where the lamps are."""

    port: str | None = Field(
        None, min_length=1, description="Path of the serial port, or usb:SERIAL, which survives replugging."
    )
    baud: int | None = Field(None, ge=300, le=1_000_000, description="Bits per second; none: as the profile says.")
    framing: Framing | None = Field(None, description="8N1, 8N2, 8E1, 8O1; none: as the profile says.")
    host: HostName4 | None = Field(None, description="Or name or IPv4 address of a lamp or serial server.")
    tcp: int | None = Field(None, ge=1, le=65535, description="TCP port there.")
    timeout: float = Field(0.5, ge=0.05, le=5, description="Seconds for one question and its answer, with retries.")
    retries: int = Field(1, ge=0, le=3, description="How often what may be done twice is said again without an answer.")

    @model_validator(mode="after")
    def _is_one_place(self) -> "WireOptions":
        if (self.port is None) == (self.host is None):
            raise ValueError("a bus is either at a serial port or at a host: give port or host")
        if self.port is not None and self.tcp is not None:
            raise ValueError("tcp goes with host; port is the serial port")
        if self.host is not None and (self.baud or self.framing):
            raise ValueError("baud and framing are for a serial port; a serial server has its own settings")
        return self

    def exclusive(self, universes: Sequence[int]) -> Iterable[tuple[str, str]]:
        if self.port is not None:
            return [("options.port", self.port)]
        return [("options.host", f"{self.host}:{self.tcp or 'udp'}")]

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return self.port or (f"{self.host}:{self.tcp}" if self.tcp else str(self.host))


class DatagramLink:
    """A UDP socket used as a byte pipe to one endpoint; others' datagrams are let go."""

    def __init__(self, datagrams: Datagrams, to: Endpoint) -> None:
        self._datagrams = datagrams
        self._to = to
        self._rest = b""

    def write(self, data: bytes) -> None:
        self._datagrams.send(data, self._to)

    def read(self, size: int, timeout: float) -> bytes:
        if not self._rest:
            datagram = self._datagrams.receive(timeout)
            if datagram is None or datagram.source[0] != self._to[0]:
                return b""
            self._rest = datagram.data
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    def drain(self) -> None:
        """A datagram has left when it is sent."""

    def close(self) -> None:
        self._datagrams.close()


class Wire:
    """An opened link, its silences, and who owes an answer. Used by one thread; :meth:`close` by any."""

    def __init__(self, link: Link, host: Host, options: WireOptions, settings: WireEntry, silence: float) -> None:
        self._link = link
        self._host = host
        self._options = options
        self._silence = silence
        baud = options.baud or settings.baud
        self._per_byte = 11 / baud if options.port is not None else 0.0
        self._busy_until = host.now()
        self._owed: dict[str, float] = {}
        """Who was asked, and said nothing → until when that answer may still come."""
        self._mute: set[str] = set()
        """Who said nothing at all to the last question."""

    def close(self) -> None:
        self._link.close()

    def say(self, request: bytes, gap: float) -> None:
        """Send something that nobody answers."""
        self._rest(gap)
        self._send(request)
        self._link.drain()

    def ask(
        self,
        request: bytes,
        answer: Callable[[bytes], T | None],
        who: str,
        gap: float,
        *,
        size: int = 0,
        again: bool = True,
        named: bool = False,
    ) -> T:
        """Send ``request`` until ``answer`` finds its answer in what came back: once more for each retry if it may be
        done ``again``, all within the time limit; one who said nothing the last time is asked once. The limit is the
        lamp's: what the wire needs for the request and an answer of ``size`` bytes comes on top. ``named``: an answer
        says who gives it, so nobody else's late one can pass for it. ReplyTimeout in silence, BadReply when something
        else came."""
        attempts = 1 + (self._options.retries if again else 0)
        patience = self._options.timeout / attempts
        if who in self._mute:
            attempts = 1
        self._wait_for_late(who if named else None)
        heard = bytearray()
        for _ in range(attempts):
            self._rest(gap)
            self._send(request)
            heard = bytearray()
            until = self._busy_until + patience + size * self._per_byte
            late = self._busy_until + min(2 * patience, self._options.timeout)
            while (rest := until - self._host.now()) > 0:
                heard += self._link.read(LONGEST, rest)
                del heard[:-LONGEST]
                found = answer(bytes(heard))
                if found is not None:
                    if self._owed.get(who, 0.0) > self._host.now():  # this may be the answer to the first time
                        self._owed[who] = late
                    self._busy_until = self._host.now()
                    self._mute.discard(who)
                    return found
            if not heard:
                self._owed[who] = late
        if heard:
            self._mute.discard(who)
            raise BadReply(
                f"{self._options.place}: what came back from {who} is not its answer ({heard[:16].hex(' ')})",
                "check baud rate and framing, termination and polarity of the line, and that no two have one address",
            )
        self._mute.add(who)
        raise ReplyTimeout(
            f"{self._options.place}: no answer from {who} in {attempts * patience:g} s",
            "check its power and cable, its address and baud rate",
        )

    def _send(self, request: bytes) -> None:
        self._link.write(request)
        self._busy_until = self._host.now() + len(request) * self._per_byte

    def _wait_for_late(self, who: str | None) -> None:
        """Let answers that are still owed (by anybody, or by one) come in or be overdue, so that none of them is taken
        for the answer to the next question."""
        owed = max((self._owed.get(each, 0.0) for each in ([who] if who else self._owed)), default=0.0)
        self._busy_until = max(self._busy_until, owed)

    def _rest(self, gap: float) -> None:
        """Until the wire has been quiet long enough. What comes in meanwhile is nobody's answer."""
        until = self._busy_until + max(gap, self._silence)
        for _ in range(BABBLE):
            rest = max(0.0, until - self._host.now())
            if self._link.read(4096, rest):
                until = max(until, self._host.now() + self._silence)
            elif rest == 0.0 or self._host.now() >= until:
                return


def connect(host: Host, options: WireOptions, settings: WireEntry, udp: int | None) -> tuple[Link, str]:
    """The link to where ``options`` say, and this machine's address there ("" where there is none)."""
    if options.port is not None:
        return host.serial(options.port, options.baud or settings.baud, options.framing or settings.framing), ""
    assert options.host is not None
    if options.tcp is not None:
        return host.stream(options.host, options.tcp, options.timeout), ""
    assert udp is not None
    address = host.resolve(options.host)
    return DatagramLink(host.udp(), (address, udp)), own_address(host, address)


def own_address(host: Host, there: str) -> str:
    """This machine's address in the network of ``there``; else the first that is not the loopback's."""
    texts = (text for interface in host.interfaces() if interface.up for text in interface.addresses)
    found = [IPv4Interface(text) for text in texts if ":" not in text]
    for mine in found:
        if IPv4Address(there) in mine.network:
            return str(mine.ip)
    return next((str(mine.ip) for mine in found if not mine.is_loopback), "0.0.0.0")  # noqa: S104 - says: not known


def lost(place: str) -> LinkLost:
    """The error of a bus that is not open."""
    return LinkLost(f"{place} is not open")
