"""A lighting console that sends Art-Net."""

from drivers.dmx import artnet_codec as codec
from drivers.dmx.artnet_codec import Dmx, Node
from drivers.dmx.artnet_in import ArtnetInOptions
from drivers.host import Endpoint
from drivers.virtual.datagrams import HOME
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twin import Fault
from drivers.virtual.wires import Place

CONSOLE = "10.77.0.41"


class ArtnetConsole:
    """Sends what it is told to, by unicast from UDP 6454, with a sequence for each Port-Address; ``replies`` are the
    nodes that told it who they are."""

    def __init__(self, studio: VirtualStudio, address: str, offset: int) -> None:
        self.replies: list[Node] = []
        self._studio = studio
        self._address = address
        self._offset = offset
        self._sequences: dict[int, int] = {}
        self.place: Place = studio.place_node(address, self)

    @property
    def firmware(self) -> str:
        """Nobody asks a console for it."""
        return ""

    def say(self, universe: int, slots: bytes) -> None:
        """Send one frame; whoever wants keep-alives says it again."""
        sequence = self._sequences[universe] = codec.following(self._sequences.get(universe, 0))
        self.send(Dmx((universe + self._offset) & codec.TOP_ADDRESS, slots, sequence).encode())

    def leave(self) -> None:
        """Just stop: Art-Net has no goodbye."""
        self._sequences.clear()

    def send(self, packet: bytes) -> None:
        """Any datagram, as the wire's state lets it through."""
        wire = self.place.spoil(packet)
        if wire and self.place.let_through(len(wire)) == len(wire) and self._studio.network_up:
            self._studio.inject(wire, (self._address, codec.PORT), (HOME, codec.PORT))

    def receive(self, data: bytes, source: Endpoint, to: Endpoint) -> list[tuple[bytes, Endpoint]]:
        """Replies of nodes."""
        packet = codec.decode(data) if to[1] == codec.PORT else None
        if isinstance(packet, Node):
            self.replies.append(packet)
        return []

    def fault(self, fault: Fault, at: int = 0) -> None:
        self.place.fault(fault, at)

    def heal(self) -> None:
        if not self.place.plugged:
            self._sequences.clear()
        self.place.heal()


def artnet_in_twin(studio: VirtualStudio, options: ArtnetInOptions, name: str) -> ArtnetConsole:
    """A console for the universes that ``options`` hear."""
    twin = ArtnetConsole(studio, next(iter(options.sources), CONSOLE), options.port_address_offset)
    studio.add(name, twin)
    return twin
