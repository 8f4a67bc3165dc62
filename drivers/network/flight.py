"""Which reply belongs to which probe: loss, late replies, duplicates and reordering, counted exactly.

A probe without a reply within its time limit is lost, whatever comes later (RFC 7680 2.8.2): a late reply is counted
as late and does not un-lose it. Counting received packets instead of matching them lets duplicates hide losses.
"""

from collections import OrderedDict
from enum import Enum, auto

REMEMBERED = 1024
"""How many probes back a late or doubled reply is still recognised."""


class Fate(Enum):
    FRESH = auto()
    LATE = auto()
    DUPLICATE = auto()
    FOREIGN = auto()


class _State(Enum):
    FLYING = auto()
    LOST = auto()
    ANSWERED = auto()


class Flight:
    """Probes on their way. ``modulus``: how many sequence numbers the protocol has."""

    def __init__(self, modulus: int) -> None:
        self._modulus = modulus
        self._probes: OrderedDict[int, tuple[int, _State]] = OrderedDict()
        self._next = 0
        self._highest = -1
        self.sent = 0
        self.lost = 0
        self.late = 0
        self.duplicates = 0
        self.reordered = 0
        self.foreign = 0

    def launch(self) -> int:
        """The sequence number of the next probe."""
        sequence = self._next % self._modulus
        self._probes.pop(sequence, None)
        self._probes[sequence] = (self._next, _State.FLYING)
        while len(self._probes) > min(REMEMBERED, self._modulus // 2):
            self._probes.popitem(last=False)
        self._next += 1
        self.sent += 1
        return sequence

    def land(self, sequence: int) -> Fate:
        """A reply to ``sequence`` came."""
        number, state = self._probes.get(sequence, (0, None))
        if state is None:
            return self.stray()
        if state is _State.ANSWERED:
            self.duplicates += 1
            return Fate.DUPLICATE
        self._probes[sequence] = (number, _State.ANSWERED)
        if state is _State.LOST:
            self.late += 1
            return Fate.LATE
        if number < self._highest:
            self.reordered += 1
        self._highest = max(self._highest, number)
        return Fate.FRESH

    def stray(self) -> Fate:
        """Something came that is no reply to us."""
        self.foreign += 1
        return Fate.FOREIGN

    def give_up(self, sequence: int) -> None:
        """The time limit of ``sequence`` is over."""
        number, state = self._probes.get(sequence, (0, None))
        if state is _State.FLYING:
            self._probes[sequence] = (number, _State.LOST)
            self.lost += 1

    def counts(self) -> dict[str, int]:
        """All counters, for evidence."""
        return {
            "sent": self.sent,
            "lost": self.lost,
            "late": self.late,
            "duplicates": self.duplicates,
            "reordered": self.reordered,
            "foreign": self.foreign,
        }
