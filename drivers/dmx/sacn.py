"""Streaming ACN (ANSI E1.31-2018) output: any number of universes, multicast or unicast."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Annotated, Literal
from uuid import UUID, uuid5

from pydantic import Field, field_validator

from config.hosts import ipv4
from config.section import OnceEach
from config.units import HostName4, Text
from drivers.base import Check, Identity, Refresh, Result, Verdict
from drivers.dmx import sacn_codec as codec
from drivers.dmx.sacn_codec import Data
from drivers.errors import DeviceMissing, DriverError, LinkLost, NotSupported
from drivers.host import Datagrams, Host
from drivers.registry import DriverSpec, Kind, Options

OURS = UUID("6f2f7f0a-53a7-4a1e-9d53-8a0c6f0e9b11")
"""Name space of the component identifiers we make."""

JUMP = 64
"""Well past the 20 numbers a receiver takes for late packets, and well within the half circle it takes for new."""
TERMINATIONS = 3
"""How often "stream terminated" is said (6.2.6)."""


class SacnOptions(Options):
    """What the configuration may say about a sACN output."""

    hosts: Annotated[tuple[HostName4, ...], OnceEach] = Field(
        (), description="Unicast to these names or addresses; none: multicast."
    )
    interface: str = Field("", description="Local address of the network card to send from; empty: by routing table.")
    source_name: str = Field("Studio Edge Agent", min_length=1, max_length=63, description="Shown by receivers.")
    cid: UUID | None = Field(None, description="Component identifier; none: made from this machine and the name.")
    priority: int = Field(100, ge=0, le=200, description="Receivers follow the source with the highest.")
    ttl: int = Field(20, ge=1, le=255, description="Routers a multicast packet may pass.")
    on_close: Literal["hold", "terminate"] = Field(
        "hold", description="hold: just stop, receivers keep the last look; terminate: tell them to let go at once."
    )

    @field_validator("interface")
    @classmethod
    def _address(cls, card: str) -> str:
        try:
            return ipv4(card) if card else card
        except ValueError:
            raise ValueError(
                f"{card[:40]!r} is not an IPv4 address: that of one of this machine's cards; `devices` lists them"
            ) from None

    def exclusive(self, universes: Sequence[int]) -> Iterable[tuple[str, str]]:
        ways = self.hosts or (f"multicast by {self.interface}" if self.interface else "multicast",)
        return [("universes", f"sACN universe {number} to {way}") for number in universes for way in ways]


class Sacn:
    """Output of many universes. Each has its own sequence; the source announces them every 10 s (clause 8)."""

    refresh = Refresh(max_hz=44.0, keepalive=0.9, repeats=3)

    def __init__(self, options: SacnOptions, host: Host) -> None:
        self.options = options
        self.host = host
        self._socket: Datagrams | None = None
        self._cid = options.cid or UUID(int=0)
        self._addresses: tuple[str, ...] = ()
        self._last: dict[int, Data] = {}
        self._fresh: set[int] = set()
        self._announce_at = 0.0

    def open(self) -> Identity:
        """Resolve the unicast names once, and see that there is a way out. Nobody answers: sACN is one-way."""
        self.close()
        self._cid = self.options.cid or self._component()
        self._addresses = tuple(self.host.resolve(each) for each in self.options.hosts)
        self._socket = self.host.udp(interface=self.options.interface, ttl=self.options.ttl)
        try:
            self._announce(self._socket, self.host.now())
            if self._addresses and not self._outward():
                raise LinkLost("no network interface is up", "check the network cable")
        except LinkLost as error:
            self.close()
            raise DeviceMissing(error.reason, error.remedy) from error
        except BaseException:
            self.close()
            raise
        return Identity(
            "sACN E1.31 source",
            serial=str(self._cid),
            details={"name": self.options.source_name, "to": ", ".join(self._addresses) or "multicast"},
        )

    def send(self, universe: int, frame: bytes) -> None:
        """Put 1…512 slots of one universe on the wire. One unreachable host does not keep it from the others."""
        socket = self._socket
        if socket is None:
            raise LinkLost("sACN is not open")
        if not 1 <= universe <= 63999:
            raise NotSupported(f"universe {universe}: sACN has 1…63999", "correct the universe")
        last = self._last.get(universe)
        sequence = self._following(universe, last)
        packet = Data(self._cid, self.options.source_name, universe, frame, sequence, self.options.priority)
        self._last[universe] = packet
        self._spread(socket, packet)
        now = self.host.now()
        if now >= self._announce_at:
            self._announce(socket, now)

    def _following(self, universe: int, last: Data | None) -> int:
        """The next sequence number. After a restart a receiver may still be waiting for the old stream's numbers and
        drop up to 20 of ours (E1.31 6.7.2), so the second packet jumps: at most one of the two can be dropped."""
        if last is None:
            self._fresh.add(universe)
            return 0
        jump = JUMP if universe in self._fresh else 1
        self._fresh.discard(universe)
        return (last.sequence + jump) % 256

    def close(self) -> None:
        """Stop; with ``on_close = "terminate"`` say so three times for each universe first."""
        socket, self._socket = self._socket, None
        if socket is None:
            return
        try:
            if self.options.on_close == "terminate":
                self._terminate(socket)
        except DriverError:
            pass  # no way to say goodbye: receivers notice after 2.5 s
        finally:
            socket.close()

    def checks(self) -> Sequence[Check]:
        """NOD-02 of the catalogue."""
        title = Text("The way to the sACN receivers is up", "通往sACN接收器的网络可用")
        return (Check("NOD-02", self.options.source_name, title, self._way_out),)

    # --- inside ------------------------------------------------------------------------------------------------------

    def _spread(self, socket: Datagrams, packet: Data) -> None:
        data = packet.encode()
        addresses = self._addresses or (codec.group(packet.universe),)
        lost: LinkLost | None = None
        reached = False
        for address in addresses:
            try:
                socket.send(data, (address, codec.PORT))
                reached = True
            except LinkLost as error:
                lost = error
        if lost is not None and not reached:
            raise lost

    def _announce(self, socket: Datagrams, now: float) -> None:
        """Universe discovery; only multicast sources have it (clause 8)."""
        self._announce_at = now + codec.DISCOVERY_INTERVAL
        if self._addresses:
            return
        for page in codec.pages(self._cid, self.options.source_name, list(self._last)):
            socket.send(page.encode(), (codec.group(codec.DISCOVERY_UNIVERSE), codec.PORT))

    def _terminate(self, socket: Datagrams) -> None:
        for _ in range(TERMINATIONS):
            for universe, last in tuple(self._last.items()):
                packet = replace(last, sequence=(last.sequence + 1) % 256, options=codec.TERMINATED)
                self._last[universe] = packet
                self._spread(socket, packet)

    def _component(self) -> UUID:
        """The same after every restart, another on every machine and for every way out."""
        macs = sorted(each.mac for each in self.host.interfaces() if each.mac)
        way = (*macs[:1], self.options.interface, *self.options.hosts, self.options.source_name)
        return uuid5(OURS, "\n".join(way))

    def _outward(self) -> list[str]:
        """Names of the interfaces that could carry the stream."""
        chosen = self.options.interface
        local = bool(self._addresses) and all(each.startswith("127.") for each in self._addresses)
        return [
            each.name
            for each in self.host.interfaces()
            if each.up
            and each.addresses
            and (not chosen or any(address.split("/")[0] == chosen for address in each.addresses))
            and (local or chosen or each.name != "lo")
        ]

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
            if self._socket is not None:
                self._announce(self._socket, self.host.now())
        except LinkLost as error:
            said = Text(error.reason, f"网络不可达：{error.reason}")
            return Result(Verdict.FAIL, said, Text(error.remedy, "检查路由与网线。"), evidence=evidence)
        said = Text(f"Sending by {', '.join(names)}.", f"经由 {', '.join(names)} 发送。")
        return Result(Verdict.PASS, said, evidence=evidence)


SPEC = DriverSpec(
    name="sacn",
    kind=Kind.OUTPUT,
    options=SacnOptions,
    make=Sacn,
    twin="drivers.virtual.twins.sacn:sacn_twin",
    example={},
)
