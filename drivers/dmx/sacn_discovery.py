"""Who announces which sACN universes (E1.31 clauses 8 and 12): pure, and of bounded size."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from drivers.dmx.sacn_codec import DISCOVERY_INTERVAL, Discovery

FORGOTTEN = 2.5 * DISCOVERY_INTERVAL
"""Seconds: a source tells of a change within two intervals (12.2)."""
MOST_SOURCES = 64
MOST_PAGES = 8
"""Of one source, 4096 universes."""


@dataclass(frozen=True, slots=True)
class Announced:
    """A source, and the universes it says it sends."""

    cid: UUID
    name: str
    universes: tuple[int, ...]


@dataclass(slots=True)
class _Entry:
    name: str
    seen: float
    pages: dict[int, "array[int]"] = field(default_factory=dict)


class Directory:
    """All sources that announce themselves; those beyond the limits are counted in ``left_out``."""

    def __init__(self) -> None:
        self.left_out = 0
        self._entries: dict[UUID, _Entry] = {}

    def take(self, packet: Discovery, name: str, now: float) -> None:
        """One page."""
        if packet.page > packet.last_page:
            return
        self._forget(now)
        entry = self._entries.get(packet.cid)
        if entry is None:
            if len(self._entries) >= MOST_SOURCES:
                self.left_out += 1
                return
            entry = self._entries[packet.cid] = _Entry(name, now)
        entry.name, entry.seen = name, now
        for page in [each for each in entry.pages if each > packet.last_page]:
            del entry.pages[page]
        if packet.page < MOST_PAGES:
            entry.pages[packet.page] = array("H", packet.universes)
        else:
            self.left_out += 1

    def announced(self, now: float) -> Sequence[Announced]:
        """Sorted by name."""
        self._forget(now)
        found = [
            Announced(cid, entry.name, tuple(sorted(each for page in entry.pages.values() for each in page)))
            for cid, entry in self._entries.items()
        ]
        return sorted(found, key=lambda each: (each.name, each.cid.bytes))

    def _forget(self, now: float) -> None:
        for cid in [cid for cid, entry in self._entries.items() if now - entry.seen > FORGOTTEN]:
            del self._entries[cid]
