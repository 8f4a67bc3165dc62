"""A receiver on the table, and whoever sends to it, with the time in our hands."""

from uuid import UUID

from drivers.base import Heard
from drivers.dmx import sacn_codec as codec
from drivers.dmx.sacn_codec import Data
from drivers.dmx.sacn_receiver import Receiver

A, B, C = (UUID(int=number) for number in (1, 2, 3))
NAMES = {A: "A", B: "B", C: "C"}


class Desk:
    """A receiver of universes 1 and 2 that was started long ago, and whoever sends to it."""

    def __init__(self, **settings) -> None:
        self.now = 100.0
        settings = {"sampling": 0.0, "patience": 0.0, **settings}
        self.receiver = Receiver((1, 2), self.now, **settings)
        self._numbers: dict[tuple[UUID, int], int] = {}

    def say(self, cid: UUID, slots: bytes, universe: int = 1, **fields) -> list[Heard]:
        """One packet, numbered by itself unless ``sequence`` is given."""
        number = fields.pop("sequence", None)
        if number is None:
            number = (self._numbers.get((cid, universe), -1) + 1) % 256
        self._numbers[(cid, universe)] = number
        return self.take(Data(cid, NAMES.get(cid, "other"), universe, slots, number, **fields))

    def take(self, packet: codec.Packet) -> list[Heard]:
        self.receiver.take(packet.encode(), self.now)
        return self.news()

    def after(self, seconds: float) -> list[Heard]:
        self.now += seconds
        return self.news()

    def news(self) -> list[Heard]:
        return list(self.receiver.changes(self.now))

    def alive(self, seconds: float, *cids: UUID, slots: bytes = b"\1") -> list[Heard]:
        """Keep-alives of some while time passes."""
        found = []
        for _ in range(round(seconds * 10)):
            self.now += 0.1
            for cid in cids:
                found += self.say(cid, slots)
            found += self.news()
        return found


def levels(*heard: Heard) -> list[bytes]:
    return [each.slots for each in heard]
