"""Art-Net 4 output: any number of universes, each unicast to the nodes that list its Port-Address.

Who lists it is found by polling (``artnet_watch``, ``artnet_nodes``), in :meth:`Artnet.flush` when due or, if need be,
in :meth:`Artnet.send`; without a subscriber nothing is sent (Art-Net 4, section ArtDmx, "Unicast Subscription").
"""

import math
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from config.units import HostName4, IPv4
from drivers.base import Check, Identity, Reading, Refresh
from drivers.dmx import artnet_checks
from drivers.dmx import artnet_codec as codec
from drivers.dmx.artnet_answer import Cards, cards
from drivers.dmx.artnet_checks import LATE, REPLY_S
from drivers.dmx.artnet_codec import Dmx, Node, Poll, Sync
from drivers.dmx.artnet_nodes import Message, Nodes
from drivers.dmx.artnet_rdm import ArtnetRdm
from drivers.dmx.artnet_watch import Watch, at, poll
from drivers.dmx.artnet_wire import head
from drivers.dmx.rdm_checks import rdm_checks
from drivers.dmx.rdm_known import Known
from drivers.errors import DeviceMissing, DriverError, LinkLost, NotSupported
from drivers.host import Endpoint, Host
from drivers.registry import DriverSpec, Kind, Options

__all__ = ["LATE", "REPLY_S", "SPEC", "Artnet", "ArtnetOptions", "poll"]

DIAGNOSE = {"low": codec.LOW, "medium": codec.MEDIUM, "high": codec.HIGH, "critical": codec.CRITICAL}
UNTOLD = 0.2
"""Seconds after which frames make the looks themselves, because nobody tells the end of a beat (:meth:`Artnet.flush`):
a look before a frame makes that frame late."""
SEQUENCES = tuple(bytes((number,)) for number in range(256))


class ArtnetOptions(Options):
    """What the configuration may say about an Art-Net output."""

    host: HostName4 | None = Field(
        None, description="Name or address of the one node to send to; none: all nodes that ask for a universe."
    )
    broadcast: IPv4 | None = Field(
        None, description="Send everything to this broadcast address (2.255.255.255): only for nodes of Art-Net I."
    )
    network: IPv4 | None = Field(
        None, description="Broadcast address for polls and sync; none: that of every network card that is up."
    )
    broadcast_above: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        None,
        description="A universe that more nodes ask for is broadcast, which Art-Net 4 forbids; none: never.",
    )
    port_address_offset: Annotated[int, Field(ge=-63999, le=32767)] = Field(
        0, description="Port-Address = universe + this; -1 where the node counts its universes from 0."
    )
    sync: bool = Field(False, description="Send ArtSync after each beat, so that all nodes change at the same time.")
    diagnostics: Literal["off", "low", "medium", "high", "critical"] = Field(
        "medium", description="Ask nodes for their diagnostics from this priority on."
    )
    timeout: float = Field(0.5, ge=0.05, le=5, description="Seconds that opening waits for nodes to say who they are.")

    @model_validator(mode="after")
    def _one_way(self) -> "ArtnetOptions":
        if self.broadcast is not None:
            if self.host is not None:
                raise ValueError("give either host (unicast) or broadcast, not both")
            if self.network is not None:
                raise ValueError("broadcast says already where polls and sync go: leave network out")
        return self

    @property
    def target(self) -> str:
        """Where the frames go, for people."""
        return self.host or self.broadcast or "all nodes"

    def refuses(self, universe: int) -> str:
        port_address = universe + self.port_address_offset
        if 0 <= port_address <= codec.TOP_ADDRESS:
            return ""
        return (
            f"universe {universe} would be Port-Address {port_address}; there are 0…{codec.TOP_ADDRESS}: "
            "correct port_address_offset or the universe"
        )

    def exclusive(self, universes: Sequence[int]) -> Iterable[tuple[str, str]]:
        offset = self.port_address_offset
        return [("universes", f"Art-Net Port-Address {number + offset} at {self.target}") for number in universes]


class _Line:
    """One universe on the wire: everything of its packet but the sequence and the slots is made once."""

    __slots__ = ("before", "behind", "frame", "pad", "port_address", "sequence", "targets")

    def __init__(self, port_address: int) -> None:
        self.port_address = port_address
        self.sequence = 0
        self.frame = b""
        self.targets: tuple[Endpoint, ...] = ()
        self.before = head(codec.DMX)
        self.behind = self.pad = b""

    def packet(self, frame: bytes) -> bytes:
        """The next ArtDmx."""
        if len(frame) != len(self.frame) or not self.behind:
            if not 1 <= len(frame) <= 512:
                raise NotSupported(f"a frame of {len(frame)} slots: DMX512 has 1…512", "correct the patch")
            self.behind = Dmx(self.port_address, bytes(len(frame))).encode()[13:18]
            self.pad = bytes(len(frame) % 2)
        self.frame = frame
        self.sequence = sequence = self.sequence % 255 + 1
        return self.before + SEQUENCES[sequence] + self.behind + frame + self.pad


class Artnet:
    """Output of many universes. Each Port-Address has its own sequence 1…255, which goes on after a reopen."""

    refresh = Refresh(max_hz=44.0, keepalive=0.9, min_gap=0.0013)

    def __init__(self, options: ArtnetOptions, host: Host) -> None:
        self.options = options
        self.host = host
        self.nodes = Nodes()
        self._watch: Watch | None = None
        self._lines: dict[int, _Line] = {}
        self._fixed: tuple[str, ...] = ()
        self._cards = Cards(())
        self._dirty = False
        self._before = 0
        self._known: dict[int, Known] = {}

    def open(self) -> Identity:
        """Resolve the name once, and poll. A node that does not answer is still fed: old ones never do. Without a host
        the nodes are waited for no longer than ``timeout``; those that answer later are fed from then on."""
        self.close()
        wanted = self.options
        node = self.host.resolve(wanted.host) if wanted.host else wanted.broadcast
        self._fixed = (node,) if node else ()
        chosen = wanted.broadcast or wanted.network
        self._cards = cards(self.host, needed=not chosen and not node)
        flags = codec.CHANGES | (0 if wanted.diagnostics == "off" else codec.DIAGNOSTICS | codec.DIAG_UNICAST)
        question = Poll(flags, DIAGNOSE.get(wanted.diagnostics, codec.LOW))
        watch = self._watch = Watch(self.host, self.nodes, self._cards, self._asked, question)
        for line in self._lines.values():
            line.targets = self._targets(line.port_address)
        begun, self._before = self.host.now(), self.nodes.replies
        try:
            watch.ask(begun, must=True)
            watch.wait(begun, wanted.timeout, first=bool(wanted.host))
        except LinkLost as error:
            closed = watch.closed
            self.close()
            if closed:
                raise
            raise DeviceMissing(error.reason, error.remedy) from error
        except BaseException:
            self.close()
            raise
        self._settle(watch, self.host.now())
        return self._identity()

    def send(self, universe: int, frame: bytes) -> None:
        """Put 1…512 slots of one universe on the wire. Whom it reaches depends on who asked for it, maybe nobody; one
        node that cannot be reached does not keep it from the others."""
        watch = self._watch
        if watch is None:
            raise LinkLost(f"Art-Net to {self.options.target} is not open")
        line = self._lines.get(universe) or self._begin(universe)
        packet, trouble = line.packet(frame), 0
        for target in line.targets:
            try:
                watch.socket.send(packet, target)
            except DriverError:
                trouble += 1
                watch.errors += 1
                if watch.closed or trouble == len(line.targets):
                    raise
        self._dirty = True
        now = self.host.now()
        if now >= watch.look_at + UNTOLD:
            self._look(watch, now)

    def flush(self) -> float:
        """After a beat: ArtSync, where it is wanted, to all nodes, and at once: the standard names no pause. None while
        a node hears a second source on one of our universes, for then it would ignore it (section ArtSync)."""
        watch = self._watch
        if watch is None:
            return math.inf
        if self.options.sync and self._dirty and not self.nodes.merging(self._ports()):
            watch.spread(Sync().encode(), at(self._everywhere()))
        self._dirty = False
        self._look(watch, self.host.now())
        return math.inf

    def show(self) -> None:
        """Nothing is left to be told."""

    def close(self) -> None:
        """Stop. Nodes hold the last look."""
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.close()

    def rdm(self, universe: int) -> ArtnetRdm | None:
        """RDM on the line of a universe, while open to a named gateway that can. On the device's own lane only."""
        can = any(part.node.rdm for part in self.nodes.since(self._before))
        if self._watch is None or not self.options.host or not can or self.options.refuses(universe):
            return None
        return ArtnetRdm(self.host, self._fixed[0], universe + self.options.port_address_offset, self._watch)

    def rdm_known(self, universe: int) -> Known:
        """What the checks remember of that line."""
        if universe not in self._known:
            subject = f"{self.options.target} universe {universe}"
            self._known[universe] = Known(subject, lambda: self.rdm(universe))
        return self._known[universe]

    def checks(self) -> Sequence[Check]:
        """NOD-01 of the catalogue; RDM-01…08 of every universe that frames were sent to, where the node can RDM."""
        subject = self.options.host or self.options.broadcast or "Art-Net"
        poll = artnet_checks.checks(subject, self._who, self._without_node)
        lines = [rdm_checks(self.rdm_known(universe)) for universe in sorted(self._lines) if self.rdm(universe)]
        return (*poll, *(check for line in lines for check in line))

    def readings(self) -> list[Reading]:
        """How the nodes fare: those that answer, came, went, have no place; our universes nobody asked for; those that
        more than one source sends to; diagnostics heard; commands refused; datagrams that could not be sent."""
        now = self.host.now()
        nodes = {key[0] for key, part in self.nodes.parts.items() if part.online and part.node.outputs}
        found: tuple[tuple[str, float, str], ...] = (
            ("nodes", len(nodes), "nodes"),
            ("nodes_came", self.nodes.came, "times"),
            ("nodes_went", self.nodes.went, "times"),
            ("nodes_left_out", sum(self.nodes.crowded.values()), "nodes"),
            ("universes_without_node", len(self._without_node()), "universes"),
            ("universes_merging", len(self.nodes.merging(self._ports())), "universes"),
            ("diagnostics", self.nodes.diagnostics, "messages"),
            ("refused_commands", self._watch.refused if self._watch else 0, "packets"),
            ("send_errors", self._watch.errors if self._watch else 0, "datagrams"),
        )
        return [Reading(name, float(value), unit, now) for name, value, unit in found]

    @property
    def watch(self) -> Watch:
        """Where a node can be asked something else between frames. LinkLost while closed."""
        if self._watch is None:
            raise LinkLost(f"Art-Net to {self.options.target} is not open")
        return self._watch

    @property
    def messages(self) -> tuple[Message, ...]:
        """The last lines to keep: diagnostics of the nodes, and what has become another about them."""
        return tuple(self.nodes.messages)

    def _begin(self, universe: int) -> _Line:
        refused = self.options.refuses(universe)
        if refused:
            raise NotSupported(*refused.split(": ", 1))
        line = self._lines[universe] = _Line(universe + self.options.port_address_offset)
        line.targets = self._targets(line.port_address)
        return line

    def _targets(self, port_address: int) -> tuple[Endpoint, ...]:
        names = self._fixed or self.nodes.subscribers.get(port_address, ())
        most = self.options.broadcast_above
        if most is not None and len(names) > most:
            names = self._everywhere()
        return at(names)

    def _everywhere(self) -> tuple[str, ...]:
        chosen = self.options.broadcast or self.options.network
        return (chosen,) if chosen else self._cards.broadcasts()

    def _asked(self) -> tuple[str, ...]:
        return self._fixed or self._everywhere()

    def _ports(self) -> set[int]:
        return {line.port_address for line in self._lines.values()}

    def _without_node(self) -> list[int]:
        """The Port-Addresses sent to nobody."""
        if self._fixed:
            return []
        return sorted(self._ports() - {port for part in self.nodes.online() for port in part.node.outputs})

    def _look(self, watch: Watch, now: float) -> None:
        if watch.look(now):
            self._settle(watch, now)

    def _settle(self, watch: Watch, now: float) -> None:
        """Who is new to a universe gets its present frame at once."""
        if not self.nodes.settle(now) or self._fixed:
            return
        for line in self._lines.values():
            before, line.targets = set(line.targets), self._targets(line.port_address)
            fresh = [target for target in line.targets if target not in before]
            if fresh and line.frame:
                watch.spread(line.packet(line.frame), fresh)

    def _who(self) -> tuple[float | None, list[Node]]:
        return self.watch.who(one=self.options.host is not None)

    def _identity(self) -> Identity:
        """Of the one node that answered, or of all that did."""
        nodes = [part.node for part in self.nodes.since(self._before)]
        devices = sorted({(node.address, node.short_name, node.firmware) for node in nodes})
        if not nodes:
            details = {"address": self._fixed[0]} if self._fixed else {}
            return Identity("Art-Net node", details={**details, "poll": "no answer"})
        if len(devices) > 1 and not self.options.host:
            names = ", ".join(f"{name} {firmware} at {address}" for address, name, firmware in devices[:8])
            return Identity(f"{len(devices)} Art-Net nodes", details={"nodes": names, "poll": "answered"})
        first = nodes[0]
        details = {"address": first.address, "name": first.long_name, "poll": "answered"}
        return Identity(first.short_name or "Art-Net node", first.firmware, first.mac, details)


SPEC = DriverSpec(
    name="artnet",
    kind=Kind.OUTPUT,
    options=ArtnetOptions,
    make=Artnet,
    twin="drivers.virtual.twins.artnet:artnet_twin",
    example={"host": "10.77.0.21"},
)
