"""Fake firmware of an Art-Net 4 node."""

from collections.abc import Mapping

from drivers.dmx import artnet_codec as codec
from drivers.dmx.artnet import ArtnetOptions
from drivers.dmx.artnet_codec import Dmx, Node, Poll
from drivers.dmx.artnet_rdm import MOST, Rdm, RdmPacket, TodData, decode_rdm
from drivers.dmx.artnet_reply import FAIL_OVER
from drivers.host import Endpoint
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twin import Fault
from drivers.virtual.twins.held import Held
from drivers.virtual.twins.rdm_line import Line
from drivers.virtual.wires import Place

ANYWHERE = "10.77.0.21"
"""Address of a node that no option names."""


class ArtnetNode:
    """A gateway: answers polls with one reply for each output, holds a frame for each Port-Address.

    One :class:`Place` on the network is its fault half; it is device and twin in one.
    """

    def __init__(self, studio: VirtualStudio, address: str, universes: tuple[int, ...], offset: int) -> None:
        self.polls = 0
        self.lines: dict[int, Line] = {}
        """RDM responders by universe; a gateway with any can do RDM."""
        self._held = Held(studio.took)
        self._address = address
        self._universes = universes
        self._offset = offset
        self._sequences: dict[int, int] = {}
        self.place: Place = studio.place_node(address, self)

    def receive(self, data: bytes, source: Endpoint, to: Endpoint) -> list[tuple[bytes, Endpoint]]:
        """A datagram to its address, or a broadcast."""
        packet = codec.decode(data) if to[1] == codec.PORT else None
        if isinstance(packet, Poll):
            self.polls += 1
            return [(reply.encode(), source) for reply in self._replies()]
        if isinstance(packet, Dmx) and codec.later(packet.sequence, self._sequences.get(packet.port_address)):
            self._sequences[packet.port_address] = packet.sequence
            self._held.take(packet.port_address - self._offset, packet.slots)
        asked = decode_rdm(data) if to[1] == codec.PORT else None
        line = self.lines.get(asked.port_address - self._offset) if asked else None
        return [(answer.encode(), source) for answer in _gateway(asked, line)] if asked and line else []

    @property
    def firmware(self) -> str:
        return "2.7"

    @property
    def frames(self) -> Mapping[int, bytes]:
        """By universe, the configured offset undone."""
        return self._held.frames

    def fault(self, fault: Fault, at: int = 0) -> None:
        self._held.fault(fault)
        self.place.fault(fault, at)

    def heal(self) -> None:
        self._held.heal()
        if not self.place.plugged:
            self._held.clear()
            self._sequences.clear()
        self.place.heal()

    def _replies(self) -> list[Node]:
        return [
            Node(
                address=self._address,
                short_name="Virtual node",
                long_name="Virtual studio Art-Net gateway",
                firmware=self.firmware,
                outputs=((universe + self._offset) & codec.TOP_ADDRESS,),
                bind_index=index,
                mac="02:00:00:77:00:15",
                report="#0001 [0001] OK",
                status3=FAIL_OVER,  # and holds when it hears nobody
                rdm=bool(self.lines),
            )
            for index, universe in enumerate(self._universes, start=1)
        ]


def _gateway(asked: RdmPacket, line: Line) -> list[TodData | Rdm]:
    """A gateway's answers about one of its lines. It finds everybody, in no time."""
    if isinstance(asked, Rdm):
        heard = line.exchange(asked.packet)
        return [Rdm(asked.port_address, heard)] if heard else []
    uids = tuple(each.uid for each in line.responders)
    blocks = range(0, max(len(uids), 1), MOST)
    return [TodData(asked.port_address, uids[at : at + MOST], len(uids), at // MOST) for at in blocks]


def artnet_twin(studio: VirtualStudio, options: ArtnetOptions, name: str) -> ArtnetNode:
    """A node where ``options`` look for one."""
    address = ANYWHERE if options.host is None else studio.place_host(options.host)
    twin = ArtnetNode(studio, address, studio.universes.get(name, (1,)), options.port_address_offset)
    studio.add(name, twin)
    return twin
