"""STAMP probe: round trip and one-way variation to a reflector (RFC 8762), the most exact of the probes."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, field_validator

from config.units import HostName4
from drivers.base import Identity, Quality, Reading
from drivers.host import Datagram, Datagrams, Host
from drivers.network import stamp_codec as codec
from drivers.network.echo import Answer, Echo, Echoes
from drivers.network.flight import REMEMBERED
from drivers.network.probe import EchoProbe, Timeout
from drivers.registry import DriverSpec, Kind, Options


class StampOptions(Options):
    """Options of the ``stamp`` driver."""

    host: HostName4 = Field(description="Name or IPv4 address of the reflector.")
    port: Annotated[int, Field(ge=1, le=65535)] = Field(codec.PORT, description="UDP port of the reflector.")
    timeout: Timeout = Field(0.5, description="Seconds after which a probe counts as lost.")
    padding: Annotated[int, Field(ge=0, le=1400)] = Field(
        0, description="Extra bytes per probe (0, or 4 and more): 1156 make packets as long as the stream's."
    )

    @field_validator("padding")
    @classmethod
    def _none_or_a_whole_tlv(cls, size: int) -> int:
        if 0 < size < codec.SHORTEST_PADDING:
            raise ValueError("an Extra Padding TLV takes 4 bytes at least: give 0 or 4…1400")
        return size


class StampProbe(EchoProbe):
    """One session with one reflector."""

    def __init__(self, options: StampOptions, host: Host) -> None:
        super().__init__(options.host, options.timeout, host)
        self._port = options.port
        self._padding = codec.padding(options.padding)
        self._sent: dict[int, int] = {}
        self._before: Echo | None = None
        self._short = False

    def _open(self, address: str) -> tuple[Datagrams, Echoes]:
        self._sent = {}
        self._before = None
        datagrams = self._host.udp(ttl=codec.TTL)
        return datagrams, Echoes(self._host, datagrams, (address, self._port), self._request, self._read, 1 << 32)

    def _identity(self, address: str, echo: Echo) -> Identity:
        told = echo.processing is not None
        return Identity(
            model="STAMP reflector",
            details={
                "address": f"{address}:{self._port}",
                "reply": "38 bytes, no TTL" if self._short else "RFC 8762",
                "processing_time": "told" if told else "not told (T2 = T3): counted as network time",
            },
        )

    def _request(self, sequence: int, wall: float) -> bytes:
        sent = codec.to_stamp(wall)
        self._sent[sequence] = sent
        self._sent.pop(sequence - REMEMBERED, None)
        return codec.Request(sequence, sent, tlvs=self._padding).encode()

    def _read(self, datagram: Datagram) -> Answer | None:
        """A reply is ours when it carries the sequence *and* the T1 we sent with it."""
        reply = codec.decode_reply(datagram.data)
        if reply is None or self._sent.get(reply.sender_sequence) != reply.sender_sent:
            return None
        self._short = reply.sender_ttl is None
        return Answer(reply.sender_sequence, reply.processing, reply.arrived)

    def _details(self, echo: Echo) -> Iterator[Reading]:
        """``processing`` (ms inside the reflector) and, from the second answer in a row on, ``ipdv-up`` and
        ``ipdv-down``: by how many ms this probe travelled longer each way than the one before (RFC 3393). No clocks
        need to agree for that. UNCERTAIN when the reflector does not tell its own time."""
        before, self._before = self._before, echo
        if echo.processing is not None:
            yield Reading("processing", echo.processing * 1000, "ms", echo.received)
        if before is None or before.sequence + 1 != echo.sequence:
            return
        up = codec.apart(before.arrived, echo.arrived) - (echo.left - before.left)
        down = echo.round_trip - before.round_trip - up
        told = echo.processing is not None and before.processing is not None
        quality = Quality.GOOD if told else Quality.UNCERTAIN
        yield Reading("ipdv-up", up * 1000, "ms", echo.received, quality)
        yield Reading("ipdv-down", down * 1000, "ms", echo.received, quality)


SPEC = DriverSpec(
    name="stamp",
    kind=Kind.PROBE,
    options=StampOptions,
    make=StampProbe,
    twin="drivers.virtual.far_end:stamp_twin",
    example={"host": "reflector.example", "port": codec.PORT},
)
