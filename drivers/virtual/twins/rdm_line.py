"""An RDM line: several responders on one pair of wires, where they can speak at once."""

import random
from collections.abc import Callable, Iterable
from enum import StrEnum
from functools import reduce
from itertools import zip_longest

from drivers.dmx.rdm_codec import Packet, RdmError, Uid, decode
from drivers.virtual.twins.rdm import FakeResponder
from drivers.virtual.twins.rdm_parts import Defect


class Collision(StrEnum):
    """What is left of several answers at once."""

    ONES_WIN = "a 1 of any of them wins"
    ZEROS_WIN = "a 0 of any of them wins"
    NOISE = "noise"
    STRONGEST = "the first one covers the others"


class Line:
    """Responders and what is heard of them. ``noise``: the line is never silent after a discovery request."""

    def __init__(
        self,
        responders: Iterable[FakeResponder] = (),
        collision: Collision = Collision.ONES_WIN,
        now: Callable[[], float] = lambda: 0.0,
        seed: int = 0,
    ) -> None:
        self.responders = list(responders)
        self.collision = collision
        self.noise = False
        self.requests: list[Packet] = []
        """All that were heard whole, in order."""
        self._random = random.Random(seed)  # noqa: S311 - noise on a fake wire
        for each in self.responders:
            each.now = now

    def exchange(self, wire: bytes) -> bytes:
        """A packet from the controller (from its start code on) → the bytes on the line until its time limit."""
        try:
            packet = decode(wire)
        except RdmError:
            for each in self.responders:
                each.comms[2] += 1
            return b""
        self.requests.append(packet)
        answers = [(each, each.hear(packet)) for each in self.responders]
        heard = [answer for each, answer in answers if answer and Defect.SLOW not in each.defects]
        if self.noise and packet.to.is_broadcast:
            heard.append(self._random.randbytes(24))
        return self._collide(heard)

    def __getitem__(self, uid: Uid) -> FakeResponder:
        return next(each for each in self.responders if each.uid == uid)

    def _collide(self, answers: list[bytes]) -> bytes:
        if len(answers) < 2 or self.collision is Collision.STRONGEST:
            return answers[0] if answers else b""
        if self.collision is Collision.NOISE:
            return self._random.randbytes(max(map(len, answers)))
        ones = self.collision is Collision.ONES_WIN
        columns = zip_longest(*answers, fillvalue=0x00 if ones else 0xFF)
        return bytes(reduce(lambda a, b: a | b if ones else a & b, column) for column in columns)
