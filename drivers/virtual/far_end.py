"""Far ends of the network probes in the virtual studio: a STAMP reflector, a machine that answers pings, an ingest.

The reflector is the production one (:class:`drivers.network.reflector.Reflector`): only the wire is fake.
"""

from collections.abc import Iterable

from drivers.host import Endpoint
from drivers.network.icmp import HEADER, REPLY, REQUEST, IcmpOptions, checksum, echo_message
from drivers.network.reflector import Reflector
from drivers.network.stamp import StampOptions
from drivers.network.stamp_codec import TTL
from drivers.network.tcp import TcpOptions
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twin import Fault
from drivers.virtual.wires import Listener, Place


class StampNode:
    """Firmware of a STAMP reflector. The virtual network carries answers at once, so it claims to have held a packet
    next to no time; none at all would mean that it does not tell."""

    def __init__(self, studio: VirtualStudio, port: int, holding: float = 1e-6) -> None:
        self._studio = studio
        self._port = port
        self._holding = holding
        self._reflector = Reflector(port)

    def receive(self, data: bytes, source: Endpoint, to: Endpoint) -> Iterable[tuple[bytes, Endpoint]]:
        """Answers requests to its port."""
        if to[1] != self._port:
            return []
        arrived = self._studio.wall() + (self._studio.arrival() - self._studio.now())
        reply = self._reflector.answer(data, source, arrived, TTL, lambda: arrived + self._holding)
        return [] if reply is None else [(reply, source)]


class IcmpNode:
    """A kernel that answers echo requests."""

    def receive(self, data: bytes, source: Endpoint, to: Endpoint) -> Iterable[tuple[bytes, Endpoint]]:
        """Answers well-formed requests (RFC 792), nothing else."""
        if to[1] != 0 or len(data) < HEADER.size or checksum(data) != 0:
            return []
        kind, code, _checksum, identifier, sequence = HEADER.unpack_from(data)
        if (kind, code) != (REQUEST, 0):
            return []
        return [(echo_message(REPLY, identifier, sequence, data[HEADER.size :]), source)]


class FarEnd:
    """Twin of a node or a listener: its place on the network is its fault half. Such far ends tell no firmware."""

    def __init__(self, place: Place | Listener) -> None:
        self._place = place

    @property
    def firmware(self) -> str:
        return ""

    def fault(self, fault: Fault, at: int = 0) -> None:
        self._place.fault(fault, at)

    def heal(self) -> None:
        self._place.heal()


def stamp_twin(studio: VirtualStudio, options: StampOptions, name: str) -> FarEnd:
    """A reflector where ``options`` look for one."""
    return _added(studio, name, studio.place_node(studio.place_host(options.host), StampNode(studio, options.port)))


def icmp_twin(studio: VirtualStudio, options: IcmpOptions, name: str) -> FarEnd:
    """A machine that answers pings."""
    return _added(studio, name, studio.place_node(studio.place_host(options.host), IcmpNode()))


def tcp_twin(studio: VirtualStudio, options: TcpOptions, name: str) -> FarEnd:
    """An ingest server's port."""
    return _added(studio, name, studio.place_listener(studio.place_host(options.host), options.port))


def _added(studio: VirtualStudio, name: str, place: Place | Listener) -> FarEnd:
    twin = FarEnd(place)
    studio.add(name, twin)
    return twin
