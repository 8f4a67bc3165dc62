"""Art-Net 4 input: hears a lighting console, as a node that consoles find and send to.

It owns UDP 6454, answers polls with an ArtPollReply for each four universes of a sub-net (so that consoles unicast to
us), and passes the replies of other nodes on to outputs on this machine, which poll from a port of their own. Where
the port is shared, unicast reaches the program that opened it last: one Art-Net input for a machine, and no console
software beside it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field, model_validator

from config.section import OnceEach
from config.units import IPv4, UniverseNumber
from drivers.base import Check, Heard, Identity, Reading
from drivers.dmx import artnet_codec as codec
from drivers.dmx import artnet_reply, artnet_wire
from drivers.dmx.artnet_answer import COMMANDS, PASSED_ON, REFUSED, Callers, Cards, cards, command, ourselves, programs
from drivers.dmx.artnet_codec import Address, Node, Poll, decode
from drivers.dmx.artnet_receiver import LOST_AFTER, Receiver, Universe
from drivers.errors import DriverError, LinkLost
from drivers.host import Datagram, Datagrams, Endpoint, Host
from drivers.registry import DriverSpec, Kind, Options

MOST_AT_ONCE = 512
"""Datagrams taken together once there is one, so that nobody who floods us keeps a change from being told."""
GRACE = 0.001
"""Seconds by which a wait is longer than needed, so that what is due is due after it."""


class ArtnetInOptions(Options):
    """What the configuration may say about an Art-Net input."""

    universes: Annotated[tuple[UniverseNumber, ...], OnceEach, Field(min_length=1)] = Field(
        description="Universes to listen to."
    )
    port_address_offset: Annotated[int, Field(ge=-63999, le=32767)] = Field(
        0, description="Port-Address = universe + this; -1 where the console counts its universes from 0."
    )
    interface: IPv4 | None = Field(
        None, description="Hear only what is sent to this local address: no broadcasts, so no polls; none: everything."
    )
    sources: Annotated[tuple[IPv4, ...], OnceEach] = Field((), description="Hear only these addresses; none: all.")
    hear_local: bool = Field(
        False, description="Hear programs on this machine that do not send from UDP 6454, too: our own outputs do not."
    )
    priority: int = Field(
        101,
        ge=0,
        le=200,
        description="Priority of what is heard (Art-Net has none); more than ours takes over.",
    )
    merge: Literal["htp", "ltp"] = Field("htp", description="How two sources are merged: highest, or latest.")
    lost_after: float = Field(LOST_AFTER, ge=2.5, le=60, description="Seconds after which a silent source is given up.")
    obey_artaddress: bool = Field(
        False, description="Let the network cancel a merge and choose HTP or LTP (ArtAddress); nothing else, ever."
    )

    @model_validator(mode="after")
    def _port_addresses(self) -> "ArtnetInOptions":
        for universe in self.universes:
            refused = self.refuses(universe)
            if refused:
                raise ValueError(refused)
        replies = len(artnet_reply.parts([universe + self.port_address_offset for universe in self.universes]))
        if replies > artnet_reply.MOST_PARTS:
            raise ValueError(
                f"{len(self.universes)} universes take {replies} poll replies; a node has {artnet_reply.MOST_PARTS}, "
                f"each of {artnet_reply.PORTS} universes of one sub-net of 16: name fewer, or neighbouring ones"
            )
        return self

    def refuses(self, universe: int) -> str:
        port_address = universe + self.port_address_offset
        if 0 <= port_address <= codec.TOP_ADDRESS:
            return ""
        return (
            f"universe {universe} would be Port-Address {port_address}; there are 0…{codec.TOP_ADDRESS}: "
            "correct port_address_offset or the universe"
        )

    def exclusive(self, universes: Sequence[int]) -> Iterable[tuple[str, str]]:
        return [("options.interface", f"UDP 6454 as an Art-Net input at {self.interface or 'every address'}")]


class ArtnetIn:
    """Input of the universes its options name."""

    def __init__(self, options: ArtnetInOptions, host: Host) -> None:
        self.options = options
        self.host = host
        self._socket: Datagrams | None = None
        self._cards = Cards(())
        self._receiver = self._fresh()
        self._parts = artnet_reply.parts(list(self._receiver.universes))
        """The Port-Addresses of each reply; its bind index is its place here, from 1 on."""
        self._callers = Callers(self._cards, self._describe)
        self._merges = 0

    def open(self) -> Identity:
        """Take UDP 6454. Nobody needs to send: a console may come any time."""
        self.close()
        wanted = self.options
        self._cards = cards(self.host, needed=wanted.interface is None)
        self._receiver = self._fresh()
        self._callers = Callers(self._cards, self._describe)
        self._merges = 0
        self._socket = self.host.udp((wanted.interface or "", codec.PORT), broadcast=True, stamps=False)
        address = wanted.interface or str(self._cards.own[0].address.ip)
        return Identity(
            "Art-Net input", details={"address": address, "universes": ", ".join(map(str, wanted.universes))}
        )

    @property
    def lost_after(self) -> float:
        """See :class:`drivers.base.Input`."""
        return self.options.lost_after

    def listen(self, timeout: float) -> Sequence[Heard]:
        """The universes of which something changed, as :class:`drivers.base.Input` says."""
        socket = self._socket
        if socket is None:
            raise LinkLost("the Art-Net input is not open")
        until = self.host.now() + timeout
        wait = 0.0  # what has come in meanwhile is looked at before anybody is called lost
        while True:
            changed: dict[int, Heard] = {}
            for pause in (wait, *(0.0,) * MOST_AT_ONCE):
                datagram = socket.receive(pause)
                if datagram is None:
                    break
                changed |= {heard.universe: heard for heard in self._take(socket, datagram)}
            now = self.host.now()
            self._cards.keep_up(self.host, now)
            changed |= {heard.universe: heard for heard in self._receiver.tick(now)}
            self._tell_changes(now)
            self._answer(socket, now)
            if changed or now >= until:
                return list(changed.values())
            due = min(until, self._receiver.due + GRACE, (self._callers.due or until) + GRACE)
            wait = max(0.0, due - now)

    def close(self) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            socket.close()

    def checks(self) -> Sequence[Check]:
        """None: whether a console sends is its own affair."""
        return ()

    def readings(self) -> list[Reading]:
        """What comes in: sources heard; universes merged; packets ignored (a third source, or not the one left after
        a cancelled merge), late, with other start codes; commands refused (ArtAddress, ArtInput, ArtIpProg)."""
        now, receiver = self.host.now(), self._receiver
        universes = receiver.universes.values()
        found: tuple[tuple[str, float, str], ...] = (
            ("sources", sum(len(each.sources) for each in universes), "sources"),
            ("universes_merging", sum(each.merging for each in universes), "universes"),
            ("ignored", receiver.ignored, "packets"),
            ("late", receiver.late, "packets"),
            ("other_start_codes", receiver.other_codes, "packets"),
            ("refused_commands", receiver.refused, "packets"),
        )
        return [Reading(name, float(value), unit, now) for name, value, unit in found]

    @property
    def messages(self) -> tuple[str, ...]:
        """What somebody should know: sources that came, were lost or are ignored, commands refused. The newest last."""
        return tuple(self._receiver.notes)

    def _fresh(self) -> Receiver:
        wanted = self.options
        return Receiver(
            {universe + wanted.port_address_offset: universe for universe in wanted.universes},
            merge=wanted.merge,
            lost_after=wanted.lost_after,
            priority=wanted.priority,
            obeys=wanted.obey_artaddress,
            only=wanted.sources,
        )

    def _take(self, socket: Datagrams, datagram: Datagram) -> Sequence[Heard]:
        data, source, now = datagram.data, datagram.source, datagram.received
        opcode = artnet_wire.opcode_of(data)
        if opcode in (codec.DMX, codec.SYNC, codec.NZS):
            if not self._cards.local(source[0]) or source[1] == codec.PORT or self.options.hear_local:
                return self._receiver.hear(data, source, now)
        elif opcode in PASSED_ON:
            self._pass_on(socket, data, self._callers.others_here(source, now))
        elif opcode in (codec.POLL, *COMMANDS):
            packet = decode(data)
            if isinstance(packet, Poll):
                self._callers.polled(packet, source, now)
            elif isinstance(packet, Address):
                self._obey(packet, source, now)
            elif command(data):
                self._receiver.refused += 1
                self._callers.answer(source, now, REFUSED)
        elif programs(data):
            self._receiver.refused += 1
        return []

    def _obey(self, packet: Address, source: Endpoint, now: float) -> None:
        """ArtAddress: obeyed or not, it is answered (section ArtAddress)."""
        parts = self._parts[packet.bind_index - 1 : packet.bind_index]
        obeyed = self._receiver.obey(packet, parts[0] if parts else ())
        self._callers.answer(source, now, "obeyed" if obeyed else REFUSED)

    def _answer(self, socket: Datagrams, now: float) -> None:
        for packet, to in self._callers.replies(now):
            self._pass_on(socket, packet, (to,))

    def _pass_on(self, socket: Datagrams, packet: bytes, to: Iterable[Endpoint]) -> None:
        for each in to:
            try:
                socket.send(packet, each)
            except DriverError:
                if self._socket is not socket:
                    raise

    def _tell_changes(self, now: float) -> None:
        """Who asked to be told gets a reply when merging begins or ends (section ArtDmx, "Data Merging")."""
        if self._receiver.merges != self._merges:
            self._merges = self._receiver.merges
            self._callers.changed(now)

    def _describe(self, address: str, mac: str) -> list[Node]:
        """One reply for each part."""
        node = ourselves(self.options.interface or address, mac, "Art-Net input", artnet_reply.ST_NODE)
        universes = self._receiver.universes
        without_rdm = artnet_reply.RDM_OFF | artnet_reply.DISCOVERY_IDLE | artnet_reply.DISCOVERY_OFF
        return [
            replace(
                node,
                outputs=ports,
                bind_index=index,
                good_outputs=tuple(_good(universes[port]) for port in ports),
                good_outputs_b=(without_rdm,) * len(ports),
            )
            for index, ports in enumerate(self._parts, start=1)
        ]


def _good(universe: Universe) -> int:
    """GoodOutputA."""
    return (
        artnet_reply.TRANSMITS * bool(universe.sources)
        | artnet_reply.MERGING * universe.merging
        | artnet_reply.LTP * (universe.merge == "ltp")
    )


SPEC = DriverSpec(
    name="artnet-in",
    kind=Kind.INPUT,
    options=ArtnetInOptions,
    make=ArtnetIn,
    twin="drivers.virtual.twins.artnet_in:artnet_in_twin",
    example={"universes": (1, 2)},
)
