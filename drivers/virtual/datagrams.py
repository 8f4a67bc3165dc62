"""A datagram socket of the virtual studio's machine."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from drivers.errors import LinkLost
from drivers.host import Datagram, Endpoint, Sendable
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

    def sheaf(self, packets: npt.NDArray[np.uint8], to: Sequence[Endpoint]) -> "VirtualSheaf":
        return VirtualSheaf(self, packets, to)

    def send(self, data: Sendable, to: Endpoint) -> float:
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


class VirtualSheaf:
    """:class:`drivers.host.Sheaf`: one after the other."""

    def __init__(self, datagrams: VirtualDatagrams, packets: npt.NDArray[np.uint8], to: Sequence[Endpoint]) -> None:
        self._datagrams = datagrams
        self._packets = packets
        self._to = tuple(to)

    def send(self, rows: npt.NDArray[np.intp]) -> float:
        left = [self._datagrams.send(self._packets[row].tobytes(), self._to[row]) for row in rows.tolist()]
        return left[0]
