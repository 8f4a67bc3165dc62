"""An Art-Net receiver: datagrams in, what is heard of each universe out. Pure: ``now`` is an argument.

    ArtDmx ─▶ source (address, physical) ─▶ merge of at most two, HTP or LTP ─▶ Heard
                    └─ held while its address sends ArtSync

Rules of Art-Net 4. Section ArtDmx, "Data Merging": sources differ by IP address or physical port; two are merged, a
third is ignored; one that stops is held for 10 s; after AcCancelMerge the next ArtDmx ends the merge, and only its
sender is heard. Section ArtSync: after an ArtSync data is held until the next one, for 4 s after the last; it counts
for data of its own sender, and not for universes that are being merged. Section ArtNzs: other start codes are no
levels.

What the standard leaves open: LTP is decided slot by slot, a source that begins counts as having just set all of its
slots; a sequence number is late within 20 of the last and within 1 s of it; when nobody sends any more, this is said.
"""

import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from drivers.base import Heard
from drivers.dmx.artnet_codec import Address, Command, Dmx, Nzs, Sync, decode, later
from drivers.host import Endpoint

LOST_AFTER = 10.0
SYNC_FOR = 4.0
"""Seconds after the last ArtSync for which data is held."""
LATE_WITHIN = 1.0
"""Seconds after a packet for which a lower sequence number is a late one and not a new beginning."""
MOST_SOURCES = 2
MOST_NOTES = 50

Merge = Literal["htp", "ltp"]


class Key(NamedTuple):
    """A source, as Art-Net tells them apart."""

    address: str
    physical: int

    def __str__(self) -> str:
        return f"{self.address} port {self.physical}" if self.physical else self.address


@dataclass(slots=True)
class Source:
    """One stream. ``held``: slots that wait for an ArtSync."""

    slots: bytes
    sequence: int
    seen: float
    held: bytes | None = None


@dataclass(slots=True)
class Universe:
    """What comes in on one Port-Address."""

    number: int
    merge: Merge
    sources: dict[Key, Source] = field(default_factory=dict)
    latest: bytearray = field(default_factory=bytearray)
    """LTP: the slots as last set by whoever."""
    cancelling: bool = False
    """AcCancelMerge came: the next ArtDmx ends the merge."""
    only: str = ""
    """The address alone heard after that."""
    told: Heard | None = None

    @property
    def merging(self) -> bool:
        return len(self.sources) > 1

    def begin(self, key: Key, slots: bytes, now: float) -> Source:
        """One more source. What waits for a sync is shown: while universes are merged there is none."""
        for each in self.sources.values():
            self.show(each, each.slots if each.held is None else each.held)
        self.latest = bytearray(self.slots().ljust(len(slots), b"\0"))
        self.latest[: len(slots)] = slots
        source = self.sources[key] = Source(slots, 0, now)
        return source

    def show(self, source: Source, slots: bytes) -> None:
        """These are the source's slots from now on."""
        before, source.slots, source.held = source.slots, slots, None
        if self.merging and self.merge == "ltp" and slots != before:
            size = len(slots)
            self.latest.extend(bytes(max(0, size - len(self.latest))))
            new, old = _levels(slots), _levels(before.ljust(size, b"\0")[:size])
            np.copyto(np.frombuffer(self.latest, np.uint8)[:size], new, where=new != old)

    def mode(self, merge: Merge) -> None:
        """From now on merge like this; LTP starts from what is there."""
        if merge != self.merge:
            self.latest = bytearray(self.slots())
            self.merge = merge

    def slots(self) -> bytes:
        """As merged."""
        every = [source.slots for source in self.sources.values()]
        if len(every) < 2:
            return every[0] if every else b""
        size = max(map(len, every))
        if self.merge == "ltp":
            return bytes(self.latest[:size])
        first, second = (each.ljust(size, b"\0") for each in every)
        return np.maximum(_levels(first), _levels(second)).tobytes()


def _levels(slots: bytes) -> npt.NDArray[np.uint8]:
    return np.frombuffer(slots, np.uint8)


class Receiver:
    """The universes listened to: Port-Address → our number. ``lost_after``: seconds a silent source is kept.
    ``obeys``: whether ArtAddress may cancel a merge or change its mode. ``only``: the addresses heard; none: all."""

    def __init__(
        self,
        universes: Mapping[int, int],
        *,
        merge: Merge = "htp",
        lost_after: float = LOST_AFTER,
        priority: int = 100,
        obeys: bool = False,
        only: Iterable[str] = (),
    ) -> None:
        self.universes = {port: Universe(number, merge) for port, number in universes.items()}
        self.notes: deque[str] = deque(maxlen=MOST_NOTES)
        """What somebody should know, the newest last."""
        self.ignored = self.late = self.other_codes = self.refused = 0
        self.due = math.inf
        """When :meth:`tick` may have something to do next, at the earliest; infinity: never."""
        self.merges = 0
        """How often merging began or ended."""
        self._lost_after = lost_after
        self._priority = priority
        self._obeys = obeys
        self._only = frozenset(only)
        self._synced: dict[str, float] = {}
        """Until when data of an address is held. Only addresses of sources: no more than those."""

    def hear(self, data: bytes, source: Endpoint, now: float) -> list[Heard]:
        """One datagram → the universes it changes."""
        packet = decode(data)
        if isinstance(packet, Dmx):
            return self._levels(packet, source[0], now)
        if isinstance(packet, Sync):
            return self._sync(source[0], now)
        if isinstance(packet, Nzs) and packet.port_address in self.universes:
            self.other_codes += 1
        return []

    def tick(self, now: float) -> list[Heard]:
        """What time alone changes: lost sources, syncs that stopped."""
        if now < self.due:
            return []
        touched: list[Universe] = []
        ended = {address for address, until in self._synced.items() if until <= now}
        for address in ended:
            del self._synced[address]
        for universe in self.universes.values():
            lost = [key for key, source in universe.sources.items() if source.seen + self._lost_after <= now]
            for key in lost:
                del universe.sources[key]
                self._note(f"universe {universe.number}: {key} is lost")
                if universe.only == key.address and universe.only not in {each.address for each in universe.sources}:
                    universe.only = ""
            released = [
                source for key, source in universe.sources.items() if key.address in ended and source.held is not None
            ]
            for source in released:
                universe.show(source, source.held or b"")
            if lost or released:
                touched.append(universe)
        if touched:
            sending = {key.address for each in self.universes.values() for key in each.sources}
            self._synced = {address: until for address, until in self._synced.items() if address in sending}
        losses = (
            source.seen + self._lost_after for each in self.universes.values() for source in each.sources.values()
        )
        self.due = min(min(losses, default=math.inf), min(self._synced.values(), default=math.inf))
        return list(self._changes(touched))

    def obey(self, packet: Address, ports: Sequence[int]) -> bool:
        """An ArtAddress to the bound part with these Port-Addresses. Whether it was obeyed: only commands on merging
        are, and only where that is allowed; the network does not set this receiver up otherwise. A merge is cancelled
        on all ports of the part, its mode chosen on the one the command names (section ArtAddress)."""
        wanted = (Command.CANCEL_MERGE, Command.MERGE_HTP, Command.MERGE_LTP)
        if packet.command is Command.NONE:
            return False
        if not self._obeys or packet.command not in wanted or packet.port >= len(ports):
            self.refused += 1
            self._note(f"refused ArtAddress {packet.command.name}")
            return False
        if packet.command is Command.CANCEL_MERGE:
            for port in ports:
                self.universes[port].cancelling = self.universes[port].merging
        else:
            self.universes[ports[packet.port]].mode("ltp" if packet.command is Command.MERGE_LTP else "htp")
        self._note(f"obeyed ArtAddress {packet.command.name}")
        return True

    def _levels(self, packet: Dmx, address: str, now: float) -> list[Heard]:
        universe = self.universes.get(packet.port_address)
        if universe is None or (self._only and address not in self._only):
            return []
        key = Key(address, packet.physical)
        if universe.cancelling:
            universe.cancelling, universe.only = False, address
            for other in [other for other in universe.sources if other.address != address]:
                del universe.sources[other]
            self._note(f"universe {universe.number}: merge cancelled, only {address} is heard")
        if universe.only and address != universe.only:
            self.ignored += 1
            return []
        source = universe.sources.get(key)
        if source is not None and now - source.seen < LATE_WITHIN and not later(packet.sequence, source.sequence):
            self.late += 1
            return []
        if source is None:
            if len(universe.sources) >= MOST_SOURCES:
                self._too_many(universe, key)
                return []
            source = universe.begin(key, packet.slots, now)
            self.due = min(self.due, now + self._lost_after)
            self._note(f"universe {universe.number}: {key} sends" + (", merged" if universe.merging else ""))
        elif not universe.merging and self._synced.get(address, now) > now:
            source.held = packet.slots
        else:
            universe.show(source, packet.slots)
        source.sequence, source.seen = packet.sequence, now
        return list(self._changes([universe]))

    def _sync(self, address: str, now: float) -> list[Heard]:
        """Data of this address is put out now, and held from here on."""
        known = [each for each in self.universes.values() if any(key.address == address for key in each.sources)]
        if not known:
            return []
        self._synced[address] = now + SYNC_FOR
        self.due = min(self.due, now + SYNC_FOR)
        for universe in known:
            for key, source in universe.sources.items():
                if key.address == address and source.held is not None and not universe.merging:
                    universe.show(source, source.held)
        return list(self._changes(known))

    def _changes(self, universes: Iterable[Universe]) -> Iterator[Heard]:
        for universe in universes:
            slots = universe.slots()
            heard = Heard(
                universe.number,
                slots,
                self._priority,
                sources=tuple(map(str, universe.sources)),
                ended="" if universe.sources else "lost",
            )
            if heard != universe.told:
                before = len(universe.told.sources) if universe.told else 0
                self.merges += (before > 1) != universe.merging
                universe.told = heard
                yield heard

    def _too_many(self, universe: Universe, key: Key) -> None:
        self.ignored += 1
        note = f"universe {universe.number}: {key} is ignored, two sources are merged already"
        if note not in self.notes:
            self._note(note)

    def _note(self, said: str) -> None:
        self.notes.append(said)
