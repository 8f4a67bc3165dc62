"""Art-Net 4 output: any number of universes, unicast to one node or broadcast."""

from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import Annotated

from pydantic import Field, model_validator

from config.units import SILENT, HostName4, IPv4, Text
from drivers.base import Check, Identity, Limits, Refresh, Result, Verdict
from drivers.dmx import artnet_codec as codec
from drivers.dmx.artnet_codec import Dmx, Node, Poll
from drivers.dmx.artnet_rdm import ArtnetRdm
from drivers.dmx.rdm_checks import rdm_checks
from drivers.dmx.rdm_known import Known
from drivers.errors import DeviceMissing, DriverError, LinkLost, NotSupported
from drivers.host import Datagrams, Host
from drivers.registry import DriverSpec, Kind, Options

REPLY_S = 3.0
"""A node that has not answered a poll after this long is gone (ArtPollReply)."""

LATE = Limits(warn=1.2, fail=REPLY_S)
"""Current editions answer after a random 0…1 s."""


class ArtnetOptions(Options):
    """What the configuration may say about an Art-Net output."""

    host: HostName4 | None = Field(None, description="Name or address of the node: unicast, the better way.")
    broadcast: IPv4 | None = Field(
        None, description="Broadcast address (2.255.255.255), for nodes that cannot be named."
    )
    port_address_offset: Annotated[int, Field(ge=-63999, le=32767)] = Field(
        0, description="Port-Address = universe + this; -1 where the node counts its universes from 0."
    )
    timeout: float = Field(0.5, ge=0.05, le=5, description="Seconds that opening waits for the node to say who it is.")

    @model_validator(mode="after")
    def _one_way(self) -> "ArtnetOptions":
        if (self.host is None) == (self.broadcast is None):
            raise ValueError("give either host (unicast) or broadcast, not both and not neither")
        return self

    @property
    def target(self) -> str:
        """Where the frames go."""
        return self.host or self.broadcast or ""

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


class Artnet:
    """Output of many universes. Each Port-Address has its own sequence 1…255."""

    refresh = Refresh(max_hz=44.0, keepalive=0.9)

    def __init__(self, options: ArtnetOptions, host: Host) -> None:
        self.options = options
        self.host = host
        self._socket: Datagrams | None = None
        self._polling: Datagrams | None = None
        self._address = ""
        self._sequences: dict[int, int] = {}
        self._can_rdm = False
        self._known: dict[int, Known] = {}

    def open(self) -> Identity:
        """Resolve the name once, and poll. A node that does not answer is still fed: old ones never do."""
        self.close()
        self._address = self.host.resolve(self.options.target)
        socket = self.host.udp(broadcast=self.options.broadcast is not None)
        self._socket = socket
        try:
            nodes = self._poll(self.options.timeout)
        except LinkLost as error:
            closed = self._socket is not socket
            self.close()
            if closed:
                raise
            raise DeviceMissing(error.reason, error.remedy) from error
        except BaseException:
            self.close()
            raise
        self._can_rdm = any(node.rdm for node in nodes) and self.options.host is not None
        if not nodes:
            return Identity("Art-Net node", details={"address": self._address, "poll": "no answer"})
        first = nodes[0]
        return Identity(
            first.short_name or "Art-Net node",
            first.firmware,
            first.mac,
            {"address": first.address, "name": first.long_name, "poll": "answered"},
        )

    def send(self, universe: int, frame: bytes) -> None:
        """Put 1…512 slots of one universe on the wire."""
        socket = self._socket
        if socket is None:
            raise LinkLost(f"Art-Net to {self.options.target} is not open")
        port_address = universe + self.options.port_address_offset
        refused = self.options.refuses(universe)
        if refused:
            raise NotSupported(*refused.split(": ", 1))
        sequence = codec.following(self._sequences.get(port_address, 0))
        self._sequences[port_address] = sequence
        socket.send(Dmx(port_address, frame, sequence).encode(), (self._address, codec.PORT))

    def close(self) -> None:
        """Stop. Nodes hold the last look."""
        for socket in (self._socket, self._polling):
            if socket is not None:
                socket.close()
        self._socket = self._polling = None

    def rdm(self, universe: int) -> ArtnetRdm | None:
        """RDM on the line of a universe, while open to a named gateway that can. On the device's own lane only."""
        if self._socket is None or not self._can_rdm or self.options.refuses(universe):
            return None
        return ArtnetRdm(self.host, self._address, universe + self.options.port_address_offset, poll_socket)

    def rdm_known(self, universe: int) -> Known:
        """What the checks remember of that line."""
        if universe not in self._known:
            subject = f"{self.options.target} universe {universe}"
            self._known[universe] = Known(subject, lambda: self.rdm(universe))
        return self._known[universe]

    def checks(self) -> Sequence[Check]:
        """NOD-01 of the catalogue; RDM-01…08 of every universe that frames were sent to, where the node can RDM."""
        title = Text("The Art-Net node answers a poll", "Art-Net节点应答轮询")
        poll = Check("NOD-01", self.options.target, title, self._node_answers, deadline=REPLY_S + 1)
        sent = sorted(port_address - self.options.port_address_offset for port_address in self._sequences)
        lines = [rdm_checks(self.rdm_known(universe)) for universe in sent if self.rdm(universe)]
        return (poll, *(check for line in lines for check in line))

    def _poll(self, seconds: float) -> list[Node]:
        """Ask our node; ``close()`` from another thread ends the waiting."""
        self._address = self._address or self.host.resolve(self.options.target)
        with closing(poll_socket(self.host)) as socket:
            self._polling = socket
            try:
                return answers(self.host, socket, seconds, self._address, enough=1)
            finally:
                self._polling = None

    def _node_answers(self) -> Result:
        begun = self.host.now()
        try:
            nodes = self._poll(REPLY_S)
        except DriverError as error:
            return Result(
                Verdict.FAIL, Text(error.reason, f"网络错误：{error.reason}"), Text(error.remedy, "检查网线。")
            )
        took = self.host.now() - begun
        if not nodes:
            return Result(
                Verdict.FAIL,
                Text(f"No Art-Net node at {self.options.target} answered.", f"{self.options.target} 无Art-Net应答。"),
                Text("Check power, cable and the node's address.", "检查节点的电源、网线与地址。"),
                unit="s",
                limits=LATE,
            )
        verdict = LATE.judge(took)
        return Result(
            verdict,
            Text(f"{nodes[0].short_name} answered in {took:.2f} s.", f"{nodes[0].short_name} 在 {took:.2f} 秒内应答。"),
            SILENT if verdict is Verdict.PASS else Text("Check the node's network load.", "检查节点的网络负载。"),
            took,
            "s",
            LATE,
            {"nodes": [f"{each.address} {each.short_name} {each.firmware} {each.outputs}" for each in nodes]},
        )


def poll(host: Host, seconds: float, address: str = "255.255.255.255") -> list[Node]:
    """The Art-Net nodes that answer within ``seconds``, one for each bind index. Raises LinkLost without a network."""
    with closing(poll_socket(host)) as socket:
        return answers(host, socket, seconds, address)


def poll_socket(host: Host) -> Datagrams:
    """Nodes answer to UDP 6454 of the asking machine. Where another program has that port, one of our own: then only
    nodes that answer to the asking port are heard."""
    try:
        return host.udp(("", codec.PORT), broadcast=True)
    except DriverError:
        return host.udp(broadcast=True)


def answers(host: Host, socket: Datagrams, seconds: float, address: str, enough: int | None = None) -> list[Node]:
    """Poll ``address`` and collect for ``seconds``, or until ``enough`` have answered. A doubled reply counts once."""
    nodes: dict[tuple[str, int], Node] = {}
    socket.send(Poll().encode(), (address, codec.PORT))
    until = host.now() + seconds
    while (remaining := until - host.now()) > 0:
        datagram = socket.receive(remaining)
        found = codec.decode(datagram.data) if datagram else None
        if isinstance(found, Node):
            nodes.setdefault((found.address, found.bind_index), found)
            if enough is not None and len(nodes) >= enough:
                break
    return list(nodes.values())


SPEC = DriverSpec(
    name="artnet",
    kind=Kind.OUTPUT,
    options=ArtnetOptions,
    make=Artnet,
    twin="drivers.virtual.twins.artnet:artnet_twin",
    example={"host": "10.77.0.21"},
)
