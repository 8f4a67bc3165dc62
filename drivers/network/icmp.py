"""ICMP echo probe (RFC 792): the far end's kernel answers, so it is a good floor. Routers may limit the rate of
their answers (RFC 1812 4.3.2.8): loss seen here only is not proof of loss."""

import secrets
import struct

from pydantic import Field

from config.units import HostName4
from drivers.base import Identity
from drivers.host import Datagram, Datagrams, Host
from drivers.network.echo import Answer, Echo, Echoes
from drivers.network.probe import EchoProbe, Timeout
from drivers.registry import DriverSpec, Kind, Options

REQUEST, REPLY = 8, 0
HEADER = struct.Struct("!BBHHH")
"""Type, code, checksum, identifier, sequence."""

TOKEN = 8
SIZE = 56
"""Payload bytes, as ping(8) sends them."""


class IcmpOptions(Options):
    """Options of the ``icmp`` driver."""

    host: HostName4 = Field(description="Name or IPv4 address to ping: the gateway, the ingest.")
    timeout: Timeout = Field(0.5, description="Seconds after which a probe counts as lost.")


class IcmpProbe(EchoProbe):
    """Pings one address. Replies are told from other programs' by identifier (where the kernel keeps it), by
    sequence and by a random token in the payload."""

    def __init__(self, options: IcmpOptions, host: Host) -> None:
        super().__init__(options.host, options.timeout, host)
        self._token = b""
        self._identifier = 0

    def _open(self, address: str) -> tuple[Datagrams, Echoes]:
        self._token = secrets.token_bytes(TOKEN)
        self._identifier = secrets.randbelow(0xFFFF) + 1
        datagrams = self._host.ping_socket()
        return datagrams, Echoes(self._host, datagrams, (address, 0), self._request, self._read, 1 << 16)

    def _identity(self, address: str, echo: Echo) -> Identity:
        return Identity(model="ICMP echo", details={"address": address})

    def _request(self, sequence: int, _wall: float) -> bytes:
        return echo_message(REQUEST, self._identifier, sequence, self._token + bytes(SIZE - TOKEN))

    def _read(self, datagram: Datagram) -> Answer | None:
        message = datagram.data
        if len(message) != HEADER.size + SIZE or message[HEADER.size : HEADER.size + TOKEN] != self._token:
            return None
        kind, code, _checksum, _identifier, sequence = HEADER.unpack_from(message)
        return Answer(sequence) if (kind, code) == (REPLY, 0) else None


def echo_message(kind: int, identifier: int, sequence: int, payload: bytes) -> bytes:
    """An echo request (8) or reply (0) with its checksum."""
    blank = HEADER.pack(kind, 0, 0, identifier, sequence) + payload
    return HEADER.pack(kind, 0, checksum(blank), identifier, sequence) + payload


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071): of a message whose own checksum is right it is 0."""
    padded = data + bytes(len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


SPEC = DriverSpec(
    name="icmp",
    kind=Kind.PROBE,
    options=IcmpOptions,
    make=IcmpProbe,
    twin="drivers.virtual.far_end:icmp_twin",
    example={"host": "gateway.example"},
)
