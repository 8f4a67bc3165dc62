"""What a sACN source sends, as packets that are made once: per frame only sequence and slots are written into them.

A source of 256 universes sends 11 000 packets a second. Building each anew costs several times what sending it does.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

import numpy as np
import numpy.typing as npt

from config.units import SLOTS
from drivers.dmx import sacn_codec as codec
from drivers.dmx.sacn_codec import Data, Sync
from drivers.errors import DriverError
from drivers.host import Datagrams, Endpoint, Sendable

Way = tuple[Datagrams, Endpoint]
"""How a packet gets somewhere: a socket, and where to."""

JUMP = 64
"""Well past the 20 numbers a receiver takes for late packets, and well within the half circle it takes for new."""
REPEATS = 3
"""How often new priorities are said before they are only kept alive."""
PRIORITIES_AGAIN = 0.7
"""Seconds, plus up to 0.175 so that not all universes have theirs in the same beat. Together less than the 0.9 s after
which a look that stands still is said again: they leave with levels only, and would else miss every second time."""
PAUSE = 0.002
"""Seconds from a beat's last data to its synchronisation packet, so that receivers have dealt with the data by then.
E1.31 (11.2.2, appendix B) wants a slight pause and leaves its length open; of the clause itself we had what others
quote. Ours: a receiver behind a line of 100 Mbit/s is handed 16 universes in 0.9 ms (56 µs each), and a small one needs
some tenths for the last. It is the delay that synchronisation costs each change, an eleventh of a beat."""
LONGEST_PAUSE = 0.01
"""Seconds after which data is shown though more of it keeps coming between two beats."""
_SLOTS = re.compile(r"(?:(\d{1,5})/)?(\d{1,3})(?:-(\d{1,3}))?")

Priorities = int | Mapping[str, int]
"""Of every slot we send, or of those named (``"1-24"``, in one universe only: ``"2/1-24"``): others keep the rest."""


def named(slots: str) -> tuple[int, int, int]:
    """``(universe, first, last)`` of a key of the table of priorities; universe 0 means all. Raises ValueError."""
    found = _SLOTS.fullmatch(slots)
    universe, first, last = (int(each or 0) for each in found.groups()) if found else (0, 0, 0)
    last = last or first
    if not 1 <= first <= last <= 512 or universe > 63999:
        raise ValueError(f"{slots[:40]!r} names no slots: '7', '1-24' or, in universe 2 only, '2/1-24'")
    return universe, first, last


def priorities(said: Priorities, universe: int, size: int) -> bytes:
    """One byte a slot; 0: the level is not to be used."""
    if isinstance(said, int):
        return bytes([said]) * size
    slots = bytearray(512)
    for key, value in said.items():
        only, first, last = named(key)
        if only in (0, universe):
            slots[first - 1 : last] = bytes([value]) * (last - first + 1)
    return bytes(slots[:size])


class Stream:
    """One universe: the packets of its levels and, if wanted, of its priorities; they share a sequence (6.2.5). The
    number used last stands in the packet of the levels."""

    __slots__ = ("again", "fresh", "packet", "priorities", "repeats", "size", "step", "to", "way", "ways")

    def __init__(self) -> None:
        self.step = 1
        """By how much the next number is another one."""
        self.fresh = True
        self.size = -1
        self.packet: bytearray | memoryview = bytearray()
        self.priorities: bytearray | None = None
        self.repeats = 0
        self.again = math.inf
        """When the priorities are due."""
        self.ways: tuple[Way, ...] = ()
        self.way: Callable[[Sendable, Endpoint], float] | None = None
        """The only way, where there is just one."""
        self.to: Endpoint = ("", 0)

    def make(self, data: Data, said: Priorities | None, ways: tuple[Way, ...]) -> None:
        """The packets for frames as long as that of ``data``, and where they go."""
        last = self.packet[codec.SEQUENCE_AT] if self.packet else 0xFF
        self.size = len(data.slots)
        self.packet = bytearray(data.encode())
        self.packet[codec.SEQUENCE_AT] = last
        self.priorities = None
        self.again = math.inf
        if said is not None:
            each = priorities(said, data.universe, self.size)
            self.priorities = bytearray(
                Data(
                    data.cid,
                    data.source_name,
                    data.universe,
                    each,
                    0,
                    data.priority,
                    codec.PRIORITIES,
                    data.options,
                    data.sync_universe,
                ).encode()
            )
            self.repeats = REPEATS
        self.ways = ways
        self.way, self.to = (ways[0][0].send, ways[0][1]) if len(ways) == 1 else (None, ("", 0))

    def say_priorities(self, now: float) -> None:
        """Send them, and note when they are due again: at once until they were said three times."""
        if self.priorities is None:
            return
        self.repeats -= 1
        universe = int.from_bytes(self.packet[113:115], "big")
        self.again = now if self.repeats > 0 else now + PRIORITIES_AGAIN + universe % 8 * 0.025
        self.number(self.priorities)
        spread(self.priorities, self.ways)

    def terminate(self) -> None:
        """One packet that says the stream ends (6.2.6)."""
        options = self.packet[codec.OPTIONS_AT]
        self.packet[codec.OPTIONS_AT] = options | codec.TERMINATED
        self.number(self.packet)
        try:
            spread(self.packet, self.ways)
        finally:
            self.packet[codec.OPTIONS_AT] = options

    def number(self, packet: bytearray | memoryview) -> None:
        """Write the next sequence number into it. After a restart a receiver may still be waiting for the old stream's
        numbers and drop up to 20 of ours (6.7.2), so the second packet jumps: at most one of the two can be dropped."""
        step = self.step
        packet[codec.SEQUENCE_AT] = self.packet[codec.SEQUENCE_AT] = (self.packet[codec.SEQUENCE_AT] + step) & 0xFF
        self.step = JUMP if self.fresh else 1
        self.fresh = False


class SyncPackets:
    """The synchronisation packets, with a sequence of their own (6.3.2): one after each beat's data, a pause later."""

    def __init__(self, cid: UUID, address: int, sequence: int, ways: tuple[Way, ...]) -> None:
        self.sequence = sequence
        self.ways = ways
        self._packet = bytearray(Sync(cid, address, 0).encode())
        self._since = 0.0
        self._due = math.inf

    def after_data(self, now: float) -> float:
        """Data has just been sent. When it is to be shown."""
        if self._due == math.inf:
            self._since = now
        self._due = min(now + PAUSE, self._since + LONGEST_PAUSE)
        return self._due

    def send(self) -> None:
        """Once for all data since the last time; nothing without any."""
        if self._due == math.inf:
            return
        self._due = math.inf
        self._packet[codec.SYNC_SEQUENCE_AT] = self.sequence
        self.sequence = (self.sequence + 1) & 0xFF
        spread(self._packet, self.ways)


def spread(packet: Sendable, ways: tuple[Way, ...]) -> float:
    """Send by all ways; one that is closed or full does not keep it from the others. Raises when it went by none."""
    lost: DriverError | None = None
    left = -1.0
    for datagrams, to in ways:
        try:
            left = datagrams.send(packet, to)
        except DriverError as error:
            lost = error
    if lost is not None and left < 0:
        raise lost
    return left


class Bundle:
    """The streams of all universes in one block of memory, so that a beat is one call for each way."""

    def __init__(self, universes: Sequence[int], streams: Sequence[Stream]) -> None:
        """``streams``: of frames of 512 slots, by the same ways, and past the jump of their numbers."""
        self.universes = tuple(universes)
        self._streams = tuple(streams)
        self._packets = np.array([np.frombuffer(each.packet, np.uint8) for each in streams])
        for row, stream in zip(self._packets, streams, strict=True):
            stream.packet = memoryview(row)
        ways = zip(*(each.ways for each in streams), strict=True)
        self._sheaves = [way[0][0].sheaf(self._packets, [to for _, to in way]) for way in ways]
        self._again = 0.0

    def send(self, frames: npt.NDArray[np.uint8], rows: npt.NDArray[np.intp]) -> float:
        """Send these rows' frames. As :func:`spread`."""
        if rows.size == len(self._packets):
            self._packets[:, codec.SLOTS_AT :] = frames
            self._packets[:, codec.SEQUENCE_AT] += 1
        else:
            self._packets[rows, codec.SLOTS_AT :] = frames[rows]
            self._packets[rows, codec.SEQUENCE_AT] += 1
        lost: DriverError | None = None
        left = -1.0
        for sheaf in self._sheaves:
            try:
                left = sheaf.send(rows)
            except DriverError as error:
                lost = error
        if lost is not None and left < 0:
            raise lost
        if left >= self._again:
            for stream in self._streams:
                if left >= stream.again:
                    stream.say_priorities(left)
            self._again = min(stream.again for stream in self._streams)
        return left


def bundle(universes: Sequence[int], live: Mapping[int, Stream]) -> Bundle | None:
    """``None``: not all of them run yet."""
    streams = [live[each] for each in universes if each in live]
    if len(streams) < len(universes) or any(each.size != SLOTS or each.step != 1 for each in streams):
        return None
    return Bundle(universes, streams)
