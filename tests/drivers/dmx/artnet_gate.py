"""A node to feed, and the ways the tests feed it."""

from drivers.base import Reading
from drivers.dmx import artnet_codec as codec
from drivers.dmx.artnet import Artnet, ArtnetOptions
from drivers.dmx.artnet_codec import Dmx, Node, Poll
from drivers.host import Endpoint
from drivers.virtual.clock import ManualClock
from drivers.virtual.studio import VirtualStudio

CONSOLE = "10.77.0.99"


class Gate:
    """A node that answers polls with what it is told to, and keeps what it hears."""

    def __init__(self, studio: VirtualStudio, address: str, *replies: Node) -> None:
        self.address = address
        self.replies = list(replies)
        self.heard: list[tuple[codec.Packet | None, Endpoint]] = []
        studio.place_node(address, self)

    def receive(self, data: bytes, source: Endpoint, to: Endpoint) -> list[tuple[bytes, Endpoint]]:
        packet = codec.decode(data)
        self.heard.append((packet, source))
        answers = self.replies if isinstance(packet, Poll) else []
        return [(reply.encode(), source) for reply in answers]

    def kinds(self, kind: type) -> list[codec.Packet]:
        return [packet for packet, _ in self.heard if isinstance(packet, kind)]

    def levels(self) -> list[tuple[int, bytes]]:
        return [(packet.port_address, packet.slots) for packet, _ in self.heard if isinstance(packet, Dmx)]


def node(address: str, *outputs: int, **changes: object) -> Node:
    return Node(address, f"gate {address}", outputs=outputs, **changes)  # type: ignore[arg-type]


def reading(output: Artnet, name: str) -> float:
    (found,) = [each for each in output.readings() if each.name == name]
    assert isinstance(found, Reading) and found.unit
    return found.value


def opened(studio: VirtualStudio, **options: object) -> Artnet:
    output = Artnet(ArtnetOptions.model_validate(options), studio)
    output.open()
    return output


def keep_sending(output: Artnet, clock: ManualClock, seconds: float, *universes: int, frame: bytes = b"\1\2") -> None:
    for _ in range(round(seconds / 0.1)):
        for universe in universes or (1,):
            output.send(universe, frame)
        output.flush()
        clock.advance(0.1)
