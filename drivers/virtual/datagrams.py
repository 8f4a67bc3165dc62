"""A datagram socket of the virtual studio's machine."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from drivers.errors import LinkLost
from drivers.host import Datagram, Endpoint
from drivers.virtual.wires import Inbox

if TYPE_CHECKING:
    from drivers.virtual.studio import VirtualStudio

HOME = "10.77.0.2"
"""The studio machine's own address; its network is 10.77.0.0/24, but nodes may be placed anywhere."""
HOME6 = "fd00:77::2"
OURS = frozenset({HOME, HOME6, "127.0.0.1", "::1"})


class VirtualDatagrams:
    """A datagram socket of the studio machine (:class:`drivers.host.Datagrams`)."""

    def __init__(
        self, studio: "VirtualStudio", local: Endpoint, groups: Iterable[str], broadcast: bool, ttl: int
    ) -> None:
        self._studio = studio
        self.local: Endpoint = local
        self.groups = set(groups)
        self.broadcast = broadcast
        self.ttl = ttl
        self.inbox = Inbox(studio.clock, f"udp {local[0]}:{local[1]}")
        self._closed = False

    def accepts(self, to: Endpoint, everybody: bool) -> bool:
        mine = to[0] in OURS or to[0] == self.local[0] or to[0] in self.groups
        return to[1] == self.local[1] and (everybody or mine)

    def send(self, data: bytes | bytearray, to: Endpoint) -> float:
        if self._closed:
            raise LinkLost(f"udp {self.local[0]}:{self.local[1]} was closed")
        return self._studio.carry(bytes(data), self, (self._studio.resolve(to[0], ipv6=True), to[1]))

    def join(self, group: str) -> None:
        self.groups.add(group)

    def receive(self, timeout: float) -> Datagram | None:
        return self.inbox.get(timeout)

    def close(self) -> None:
        self._closed = True
        self.inbox.close()
        self._studio.forget(self)
