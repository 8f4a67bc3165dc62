"""Streaming ACN (ANSI E1.31-2018) input: hears what a lighting console sends; the rules are the receiver's."""

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from config.section import OnceEach
from config.units import Card, UniverseNumber
from drivers.base import Check, Heard, Identity, Reading
from drivers.dmx import sacn_codec as codec
from drivers.dmx.sacn import outward
from drivers.dmx.sacn_discovery import Announced
from drivers.dmx.sacn_receiver import Receiver
from drivers.errors import DeviceMissing, DriverError, LinkLost
from drivers.host import Datagrams, Host
from drivers.registry import DriverSpec, Kind, Options

BURST = 2048
"""Datagrams taken before anything is told: a flood must not keep the news back for ever."""
MOST_JOINED = 8
"""Synchronisation groups joined on request of sources; what wants more is shown as it comes."""


class SacnInOptions(Options):
    """What the configuration may say about a sACN input."""

    universes: Annotated[tuple[UniverseNumber, ...], OnceEach, Field(min_length=1)] = Field(
        description="Universes to listen to."
    )
    interface: Card = Field("", description="Network card to listen on, by name or address; empty: by routing table.")
    multicast: Literal["ipv4", "ipv6", "both"] = Field(
        "ipv4", description="Whose groups to join; unicast is heard besides. IPv6 hears IPv4, too."
    )
    ignore: tuple[UUID, ...] = Field(
        (), description="Component identifiers that are no console: those of our own outputs (`cid`)."
    )
    timeout: float = Field(2.5, ge=1, le=60, description="Seconds without levels after which a source is lost.")
    sampling: float = Field(
        1.5, ge=0, le=10, description="Seconds after opening in which to find out who sends before anything is told."
    )
    patience: float = Field(
        0.02,
        ge=0,
        le=2,
        description="Seconds a new source has to say its priorities by slot before its levels count (ETC's rule: 1.5).",
    )
    most_sources: int = Field(8, ge=1, le=64, description="Sources followed in one universe, the strongest.")
    most_streams: int = Field(
        512, ge=1, le=4096, description="Sources followed in all, counted once for each universe they send."
    )


class SacnIn:
    """Input of any number of universes by one socket."""

    def __init__(self, options: SacnInOptions, host: Host) -> None:
        self.options = options
        self.host = host
        self._socket: Datagrams | None = None
        self._receiver: Receiver | None = None
        self._joined: set[int] = set()

    def open(self) -> Identity:
        """Join the groups. Nobody answers: who sends is heard, or not."""
        self.close()
        options = self.options
        if not outward(self.host, options.interface):
            raise DeviceMissing(
                f"no network interface is up{f' that fits {options.interface}' if options.interface else ''}",
                "check the network cable and the option interface",
            )
        self._joined = {*options.universes, codec.DISCOVERY_UNIVERSE}
        self._socket = self.host.udp(
            ("" if options.multicast == "ipv4" else "::", codec.PORT),
            groups=[group for universe in sorted(self._joined) for group in self._groups(universe)],
            interface=options.interface,
        )
        self._receiver = Receiver(
            options.universes,
            self.host.now(),
            ignore=options.ignore,
            sampling=options.sampling,
            patience=options.patience,
            lost=options.timeout,
            most_sources=options.most_sources,
            most_streams=options.most_streams,
            listen_for=self._join,
        )
        return Identity("sACN E1.31 receiver", details={"universes": ", ".join(map(str, options.universes))})

    @property
    def lost_after(self) -> float:
        """See :class:`drivers.base.Input`. A source that stands still is heard once a second (E1.31 6.6.2)."""
        return max(self.options.timeout, self.options.sampling + 1.0)

    def listen(self, timeout: float) -> Sequence[Heard]:
        """See :class:`drivers.base.Input`."""
        socket, receiver = self._socket, self._receiver
        if socket is None or receiver is None:
            raise LinkLost("the sACN input is not open")
        until = self.host.now() + timeout
        wait = 0.0  # what has come in meanwhile is looked at before anybody is called lost
        while True:
            now = self._take(socket, receiver, wait)
            if news := receiver.changes(now):
                return news
            now = self.host.now()
            if now >= until:
                return ()
            wait = max(0.0, min(until, receiver.due()) - now)

    def close(self) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            socket.close()

    def announced(self) -> Sequence[Announced]:
        """The sources that announce themselves here, and the universes they say they send."""
        return () if self._receiver is None else self._receiver.directory.announced(self.host.now())

    def readings(self) -> Sequence[Reading]:
        """How many sources are followed and announced, and how many packets since opening were of no use: malformed,
        late, or (``sacn_crowded``) of sources beyond the limits, which is a fault of the studio's."""
        receiver = self._receiver
        if receiver is None:
            return ()
        counters = receiver.counters
        values = {
            "sacn_sources": receiver.streams,
            "sacn_announced": len(self.announced()),
            "sacn_malformed": counters.malformed,
            "sacn_late": counters.late,
            "sacn_crowded": counters.crowded,
        }
        now = self.host.now()
        return [Reading(name, float(value), "1", now) for name, value in values.items()]

    def checks(self) -> Sequence[Check]:
        """None of its own: what is amiss is in the readings."""
        return ()

    # --- inside ------------------------------------------------------------------------------------------------------

    def _take(self, socket: Datagrams, receiver: Receiver, wait: float) -> float:
        """Everything that is there, and up to when that is: when more is left, no further than the last one."""
        last = 0.0
        for _ in range(BURST):
            datagram = socket.receive(wait)
            if datagram is None:
                return self.host.now()
            last = datagram.received
            receiver.take(datagram.data, last)
            wait = 0.0
        return last

    def _groups(self, universe: int) -> list[str]:
        return {
            "ipv4": [codec.group(universe)],
            "ipv6": [codec.group6(universe)],
            "both": [codec.group(universe), codec.group6(universe)],
        }[self.options.multicast]

    def _join(self, address: int) -> bool:
        """A source wants to be synchronised on this one."""
        if address in self._joined:
            return True
        if self._socket is None or len(self._joined) >= len(self.options.universes) + 1 + MOST_JOINED:
            return False
        try:
            for group in self._groups(address):
                self._socket.join(group)
        except DriverError:
            return False
        self._joined.add(address)
        return True


SPEC = DriverSpec(
    name="sacn-in",
    kind=Kind.INPUT,
    options=SacnInOptions,
    make=SacnIn,
    twin="drivers.virtual.twins.sacn_console:sacn_console",
    example={"universes": [1, 2]},
)
