"""A fake lighting console that sends sACN."""

from dataclasses import replace
from uuid import UUID

from drivers.dmx import sacn_codec as codec
from drivers.dmx.sacn_codec import Data
from drivers.dmx.sacn_in import SacnInOptions
from drivers.host import Endpoint
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twin import Fault
from drivers.virtual.wires import Place

WHERE = "10.77.0.41"
CID = UUID("c0450e00-0000-4000-8000-000000000001")


class SacnConsole:
    """Sends what it is told by multicast, once; whoever wants keep-alives says it again."""

    def __init__(self, studio: VirtualStudio, options: SacnInOptions) -> None:
        self.place: Place = studio.place_node(WHERE, self)
        self._studio = studio
        self._group = codec.group6 if options.multicast == "ipv6" else codec.group
        self._last: dict[int, Data] = {}

    def say(self, universe: int, slots: bytes, priority: int = 100) -> None:
        last = self._last.get(universe)
        sequence = 0 if last is None else (last.sequence + 1) % 256
        self._send(Data(CID, "Console", universe, slots, sequence, priority))

    def leave(self) -> None:
        """Three packets that say so, in each universe (E1.31 6.2.6)."""
        for last in tuple(self._last.values()):
            for step in (1, 2, 3):
                self._send(replace(last, sequence=(last.sequence + step) % 256, options=codec.TERMINATED))
        self._last.clear()

    def receive(self, data: bytes, source: Endpoint, to: Endpoint) -> list[tuple[bytes, Endpoint]]:
        return []

    @property
    def firmware(self) -> str:
        """E1.31 has no way to say."""
        return ""

    def fault(self, fault: Fault, at: int = 0) -> None:
        self.place.fault(fault, at)

    def heal(self) -> None:
        self.place.heal()

    def _send(self, packet: Data) -> None:
        self._last[packet.universe] = packet
        wire = self.place.spoil(packet.encode())
        if wire and self.place.let_through(len(wire)) == len(wire) and self._studio.network_up:
            self._studio.inject(wire, (WHERE, codec.PORT), (self._group(packet.universe), codec.PORT))


def sacn_console(studio: VirtualStudio, options: SacnInOptions, name: str) -> SacnConsole:
    """A console on the studio's network."""
    twin = SacnConsole(studio, options)
    studio.add(name, twin)
    return twin
