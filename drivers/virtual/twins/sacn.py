"""A fake sACN receiver."""

from collections.abc import Mapping
from uuid import UUID

from drivers.dmx import sacn_codec as codec
from drivers.dmx.sacn import SacnOptions
from drivers.dmx.sacn_codec import Data, Discovery
from drivers.host import Endpoint
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twin import Fault
from drivers.virtual.twins.held import Held
from drivers.virtual.wires import Place

ANYWHERE = "10.77.0.31"
"""Address of a receiver that is only reached by multicast."""


class SacnReceiver:
    """Holds levels (start code 0) by universe. Overtaken packets, previews and terminated streams change nothing.

    Priorities are not looked at: there is one source in the studio. Several addresses are several receivers that
    hold the same; the first one's plug is the twin's.
    """

    def __init__(self, studio: VirtualStudio, addresses: tuple[str, ...], groups: tuple[str, ...]) -> None:
        self.terminated: set[int] = set()
        self.announced: tuple[int, ...] | None = None
        self._clock = studio.clock
        self._held = Held(studio.took)
        self._last: dict[tuple[UUID, int], tuple[int, float]] = {}
        self.places: list[Place] = [studio.place_node(each, self, groups) for each in addresses]

    def receive(self, data: bytes, source: Endpoint, to: Endpoint) -> list[tuple[bytes, Endpoint]]:
        """A datagram to its address or one of its groups."""
        packet = codec.decode(data) if to[1] == codec.PORT else None
        if isinstance(packet, Discovery):
            self.announced = packet.universes
        if isinstance(packet, Data) and self._in_order(packet):
            if packet.terminated:
                self.terminated.add(packet.universe)
                self._last.pop((packet.cid, packet.universe), None)
            elif packet.start_code == 0 and not packet.preview:
                self.terminated.discard(packet.universe)
                self._held.take(packet.universe, packet.slots)
        return []

    @property
    def firmware(self) -> str:
        """E1.31 has no way to say."""
        return ""

    @property
    def frames(self) -> Mapping[int, bytes]:
        return self._held.frames

    def fault(self, fault: Fault, at: int = 0) -> None:
        self._held.fault(fault)
        for place in self.places:
            place.fault(fault, at)

    def heal(self) -> None:
        self._held.heal()
        if not self.places[0].plugged:
            self._held.clear()
            self._last.clear()
        for place in self.places:
            place.heal()

    def _in_order(self, packet: Data) -> bool:
        """6.7.2; a source that was silent for 2.5 s is a new one (6.7.1)."""
        key, now = (packet.cid, packet.universe), self._clock.now()
        last, seen = self._last.get(key, (None, now))
        if now - seen < codec.SOURCE_LOST and not codec.later(packet.sequence, last):
            return False
        self._last[key] = (packet.sequence, now)
        return True


def sacn_twin(studio: VirtualStudio, options: SacnOptions, name: str) -> SacnReceiver:
    """A receiver of the output's universes where ``options`` send to."""
    addresses = tuple(studio.place_host(each) for each in options.hosts)
    universes = (*studio.universes.get(name, (1,)), codec.DISCOVERY_UNIVERSE)
    groups = [codec.group(each) for each in universes if options.multicast != "ipv6"]
    groups += [codec.group6(each) for each in universes if options.multicast != "ipv4"]
    twin = SacnReceiver(studio, addresses or (ANYWHERE,), () if addresses else tuple(groups))
    studio.add(name, twin)
    return twin
