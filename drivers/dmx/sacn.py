"""Streaming ACN (ANSI E1.31-2018) output: any number of universes, multicast or unicast, IPv4 and IPv6."""

import ipaddress
import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Annotated, Literal
from uuid import UUID, uuid5

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, Field

from config.section import OnceEach
from config.units import Card, HostName, Text
from drivers.base import Check, Identity, Refresh, Result, Verdict
from drivers.dmx import sacn_codec as codec
from drivers.dmx.sacn_codec import SEQUENCE_AT, SLOTS_AT, Data
from drivers.dmx.sacn_stream import Bundle, Stream, SyncPackets, Way, bundle, named, spread
from drivers.errors import DeviceMissing, DriverError, LinkLost, NotSupported
from drivers.host import Datagrams, Host
from drivers.registry import DriverSpec, Kind, Options

OURS = UUID("6f2f7f0a-53a7-4a1e-9d53-8a0c6f0e9b11")
"""Name space of the component identifiers we make."""

TERMINATIONS = 3
"""How often "stream terminated" is said (6.2.6)."""
FAREWELL = 0.5
"""Seconds after which closing does not go on with it where it cannot be sent."""

Priority = Annotated[int, Field(ge=0, le=200)]


def _named(table: dict[str, int]) -> dict[str, int]:
    for slots in table:
        named(slots)
    return table


class SacnOptions(Options):
    """What the configuration may say about a sACN output."""

    hosts: Annotated[tuple[HostName, ...], OnceEach] = Field(
        (), description="Unicast to these names or addresses (IPv4 or IPv6); none: multicast."
    )
    multicast: Literal["ipv4", "ipv6", "both"] = Field("ipv4", description="By which protocol, where it is multicast.")
    interface: Card = Field(
        "", description="Network card to send multicast from, by name or address; empty: by routing table."
    )
    source_name: str = Field("Studio Edge Agent", min_length=1, max_length=63, description="Shown by receivers.")
    cid: UUID | None = Field(None, description="Component identifier; none: made from this machine and the name.")
    priority: int = Field(100, ge=0, le=200, description="Receivers follow the source with the highest.")
    address_priority: Priority | Annotated[dict[str, Priority], AfterValidator(_named)] | None = Field(
        None,
        description="Priority by slot (start code DD): a number for every slot we send, or a table such as "
        '`{ "1-24" = 150, "2/7" = 90 }` (slots, or universe/slots); slots not in the table are left to others.',
    )
    preview: bool = Field(False, description="For visualisers only: receivers must not show it on stage.")
    synchronization: int = Field(
        0, ge=0, le=63999, description="Universe of the synchronisation packets; 0: each universe is shown as it comes."
    )
    force_synchronization: bool = Field(
        True, description="Receivers go on without synchronisation when it is lost; else they keep what they show."
    )
    ttl: int = Field(20, ge=1, le=255, description="Routers a multicast packet may pass.")
    on_close: Literal["hold", "terminate"] = Field(
        "hold", description="hold: just stop, receivers keep the last look; terminate: tell them to let go at once."
    )

    def exclusive(self, universes: Sequence[int]) -> Iterable[tuple[str, str]]:
        by = f" by {self.interface}" if self.interface else ""
        way = {"ipv4": ("multicast",), "ipv6": ("IPv6 multicast",), "both": ("multicast", "IPv6 multicast")}
        ways = self.hosts or tuple(each + by for each in way[self.multicast])
        return [("universes", f"sACN universe {number} to {way}") for number in universes for way in ways]


def component(options: SacnOptions, host: Host) -> UUID:
    """The component identifier of an output with these options on this machine: what an input has to ignore so as not
    to take us for a console. The same after every restart, another on every machine and for every way out."""
    # A maker's address stays (IEEE 802, bit 1 of the first octet); those of bridges and containers are made up anew.
    found = (each.mac for each in host.interfaces() if each.mac)
    macs = sorted(found, key=lambda mac: (bool(int(mac[:2], 16) & 2), mac))
    way = (*macs[:1], options.interface, *options.hosts, options.source_name)
    return options.cid or uuid5(OURS, "\n".join(way))


class Sacn:
    """Output of many universes. Each has its own sequence; the source announces them every 10 s (clauses 8 and 12)."""

    refresh = Refresh(max_hz=44.0, keepalive=0.9, repeats=3, min_gap=0.0013)

    def __init__(self, options: SacnOptions, host: Host) -> None:
        self.options = options
        self.host = host
        self._sockets: tuple[Datagrams, ...] = ()
        self._cid = options.cid or UUID(int=0)
        self._addresses: tuple[str, ...] = ()
        self._known: dict[int, Stream] = {}
        """All universes ever sent: their sequences go on when the output is opened again."""
        self._live: dict[int, Stream] = {}
        """Those sent since it was opened."""
        self._bundle: Bundle | None = None
        self._sync: SyncPackets | None = None
        self._announce_at = 0.0

    def open(self) -> Identity:
        """Resolve the unicast names once, and see that there is a way out. Nobody answers: sACN is one-way."""
        self.close()
        options = self.options
        self._cid = component(options, self.host)
        self._addresses = tuple(self.host.resolve(each, ipv6=True) for each in options.hosts)
        try:
            for six in self._versions():
                bind = ("::" if six else "", 0)
                opened = self.host.udp(bind, interface=options.interface, ttl=options.ttl, stamps=False)
                self._sockets += (opened,)
            if options.synchronization:
                number = self._sync.sequence if self._sync else 0
                self._sync = SyncPackets(
                    self._cid, options.synchronization, number, self._ways(options.synchronization)
                )
            self._announce(self.host.now())
            if self._addresses and not self._outward():
                raise LinkLost("no network interface is up", "check the network cable")
        except LinkLost as error:
            self.close()
            raise DeviceMissing(error.reason, error.remedy) from error
        except BaseException:
            self.close()
            raise
        to = {"ipv4": "multicast", "ipv6": "IPv6 multicast", "both": "multicast, IPv6 multicast"}[options.multicast]
        return Identity(
            "sACN E1.31 source",
            serial=str(self._cid),
            details={"name": options.source_name, "to": ", ".join(self._addresses) or to},
        )

    def send(self, universe: int, frame: bytes) -> None:
        """Put 1…512 slots of one universe on the wire. One unreachable host does not keep it from the others."""
        stream = self._live.get(universe)
        if stream is None or stream.size != len(frame):
            stream = self._begin(universe, frame)
            packet = stream.packet
            stream.number(packet)
        else:  # 256 times a beat: nothing here that is not needed
            packet = stream.packet
            packet[SEQUENCE_AT] = (packet[SEQUENCE_AT] + stream.step) & 0xFF
            packet[SLOTS_AT:] = frame
            stream.step = 1
        left = stream.way(packet, stream.to) if stream.way is not None else spread(packet, stream.ways)
        if left >= stream.again:
            stream.say_priorities(left)
        if left >= self._announce_at:
            self._announce(left)

    def send_rows(self, universes: Sequence[int], frames: npt.NDArray[np.uint8], rows: npt.NDArray[np.intp]) -> None:
        """Whole universes, many at once."""
        if self._bundle is None or self._bundle.universes != universes:
            self._bundle = bundle(universes, self._live)
        if self._bundle is None:
            for row in rows.tolist():
                self.send(universes[row], frames[row].tobytes())
            return
        left = self._bundle.send(frames, rows)
        if left >= self._announce_at:
            self._announce(left)

    def flush(self) -> float:
        """The frames of this beat are out; with synchronisation they are to be shown a pause later."""
        if self._sync is None or not self._sockets:
            return math.inf
        return self._sync.after_data(self.host.now())

    def show(self) -> None:
        """Let receivers show together what they were sent (clause 11)."""
        if self._sync is not None and self._sockets:
            self._sync.send()

    def close(self) -> None:
        """Stop; with ``on_close = "terminate"`` say so three times for each universe first. What was sent is shown."""
        sockets, self._sockets = self._sockets, ()
        live, self._live, self._bundle = self._live, {}, None
        try:
            if self._sync is not None and sockets:
                with suppress(DriverError):
                    self._sync.send()
            if self.options.on_close == "terminate" and sockets:
                self._terminate([*live.values()] * TERMINATIONS)
        finally:
            for socket in sockets:
                socket.close()

    def checks(self) -> Sequence[Check]:
        """NOD-02 of the catalogue."""
        title = Text("The way to the sACN receivers is up", "通往sACN接收器的网络可用")
        return (Check("NOD-02", self.options.source_name, title, self._way_out),)

    def _terminate(self, streams: Iterable[Stream]) -> None:
        """As far as there is a way to say goodbye: else receivers notice after 2.5 s."""
        until = self.host.now() + FAREWELL
        for stream in streams:
            try:
                stream.terminate()
            except DriverError:
                if self.host.now() >= until:
                    return

    # --- inside ------------------------------------------------------------------------------------------------------

    def _begin(self, universe: int, frame: bytes) -> Stream:
        """The first frame of a universe, or of another length: make its packets."""
        if not self._sockets:
            raise LinkLost("sACN is not open")
        if not 1 <= universe <= 63999:
            raise NotSupported(f"universe {universe}: sACN has 1…63999", "correct the universe")
        if not 1 <= len(frame) <= 512:
            raise NotSupported(f"a frame of {len(frame)} slots: a universe has 1…512", "correct the frame")
        options = self.options
        bits = codec.PREVIEW * options.preview
        if options.synchronization:
            bits |= codec.FORCE * options.force_synchronization
        stream = self._known.setdefault(universe, Stream())
        sync = options.synchronization
        data = Data(self._cid, options.source_name, universe, frame, 0, options.priority, codec.LEVELS, bits, sync)
        stream.make(data, options.address_priority, self._ways(universe))
        self._live[universe] = stream
        self._bundle = None
        stream.say_priorities(self.host.now())  # before the levels: a receiver shall not show what is not ours
        return stream

    def _versions(self) -> tuple[bool, ...]:
        """Which sockets are needed: of IPv4 (False), of IPv6 (True)."""
        if self._addresses:
            return tuple(sorted({":" in each for each in self._addresses}))
        return {"ipv4": (False,), "ipv6": (True,), "both": (False, True)}[self.options.multicast]

    def _ways(self, universe: int) -> tuple[Way, ...]:
        by = dict(zip(self._versions(), self._sockets, strict=True))
        if self._addresses:
            return tuple((by[":" in each], (each, codec.PORT)) for each in self._addresses)
        return self._groups(universe)

    def _groups(self, universe: int) -> tuple[Way, ...]:
        pairs = zip(self._versions(), self._sockets, strict=True)
        return tuple((each, ((codec.group6 if six else codec.group)(universe), codec.PORT)) for six, each in pairs)

    def _announce(self, now: float) -> None:
        """Universe discovery, always by multicast. A source of unicast alone has it besides: where that is impossible
        the light goes on, and one that feeds nobody but this machine says nothing to the network."""
        self._announce_at = now + codec.DISCOVERY_INTERVAL
        if self._local():
            return
        universes = [*self._known, *([self.options.synchronization] if self._sync and self._known else [])]
        ways = self._groups(codec.DISCOVERY_UNIVERSE)
        try:
            for page in codec.pages(self._cid, self.options.source_name, universes):
                spread(bytearray(page.encode()), ways)
        except DriverError:
            if not self._addresses:
                raise

    def _outward(self) -> list[str]:
        """Names of the interfaces that could carry the stream."""
        return outward(self.host, self.options.interface, self._local())

    def _local(self) -> bool:
        """It feeds nobody but this machine."""
        return bool(self._addresses) and all(ipaddress.ip_address(each).is_loopback for each in self._addresses)

    def _way_out(self) -> Result:
        names = self._outward()
        evidence = {"interfaces": names, "to": list(self._addresses) or "multicast"}
        if not names:
            wanted = self.options.interface or "any"
            return Result(
                Verdict.FAIL,
                Text(f"No network interface ({wanted}) is up.", f"没有可用的网络接口（{wanted}）。"),
                Text("Plug the network cable in; check the option interface.", "插好网线；检查interface选项。"),
                evidence=evidence,
            )
        try:
            if self._sockets:
                self._announce(self.host.now())
        except LinkLost as error:
            said = Text(error.reason, f"网络不可达：{error.reason}")
            return Result(Verdict.FAIL, said, Text(error.remedy, "检查路由与网线。"), evidence=evidence)
        said = Text(f"Sending by {', '.join(names)}.", f"经由 {', '.join(names)} 发送。")
        return Result(Verdict.PASS, said, evidence=evidence)


def outward(host: Host, card: str, local: bool = False) -> list[str]:
    """Names of the interfaces that are up and fit the option ``interface``; ``local``: loopback counts, too."""
    card = card.partition("%")[0]
    return [
        each.name
        for each in host.interfaces()
        if each.up
        and each.addresses
        and (not card or card == each.name or any(address.split("/")[0] == card for address in each.addresses))
        and (local or card or each.name != "lo")
    ]


SPEC = DriverSpec(
    name="sacn",
    kind=Kind.OUTPUT,
    options=SacnOptions,
    make=Sacn,
    twin="drivers.virtual.twins.sacn:sacn_twin",
    example={},
)
