"""A merging sACN receiver (ANSI E1.31-2018): datagrams and the time in, :class:`~drivers.base.Heard` out. Pure.

    datagram ─▶ decode ─▶ ours? known universe? in order? ─▶ hold for synchronisation ─▶ source ─▶ merge ─▶ Heard
                                     6.7.2                      6.2.4.1, clause 11        6.7.1   6.2.3

* A source is a component identifier in a universe. It is gone when it says so (6.2.6), or after 2.5 s without levels
  (6.7.1). Several that fall silent at once are lost at once: a source counts as lost only when those that are left were
  heard after it should have been, so that a pulled cable does not hand the stage to the weaker one for an instant.
* Packets 0 to 19 numbers behind the last are late and dropped (6.7.2), also of a source that has said that it ends:
  what the network delivers after its goodbye does not bring it back. One that restarts at once counts on, or anew: it
  gets in with its first number outside that window, at the latest once its goodbye is as old as a loss.
* Preview data (6.2.6) and start codes other than 00 and DD change nothing.
* Start code DD gives the priority of each slot; 2.5 s after the last of them the packet's priority holds again. A new
  source has ``patience`` to say them before its levels count, else what it leaves to others would jump for a frame.
* Data with a synchronisation address waits for the synchronisation packet once one has come (11.1.1). 2.5 s after the
  last of them synchronisation is over (11.1.2): with Force_Synchronization data counts as it comes, without it nothing
  of that source changes until synchronisation is back. Data with address 0 counts at once (6.2.4.1).
* For ``sampling`` seconds after the start nothing is told, so that the first word is about all who send. Sources that
  come later, and the end of sources, are not delayed.
* At most ``most_sources`` in a universe and ``most_streams`` in all; one of higher priority takes the place of the
  weakest in its universe, or, where that has room, in all of them; else the newcomer is left out and counted (6.2.3.3
  wants the same outcome whoever was first: priorities decide, and only among equals the first stay). Universes nobody
  asked for are ignored.
"""

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from drivers.base import Heard
from drivers.dmx import sacn_codec as codec
from drivers.dmx.sacn_codec import Data, Discovery, Sync
from drivers.dmx.sacn_discovery import Directory
from drivers.dmx.sacn_merge import Source, merged

KEEPALIVE = 1.5
"""Seconds within which a source that lives is heard (6.6.2 has it speak every 0.8…1.0 s)."""
MOST_ADDRESSES = 8
"""Synchronisation addresses followed at a time."""

_Ended = Literal["", "terminated", "lost"]


@dataclass(slots=True)
class Counters:
    """Packets that changed nothing, and why."""

    malformed: int = 0
    late: int = 0
    strange: int = 0
    """Of a universe nobody asked for."""
    crowded: int = 0
    """Of a source for which there was no place, or that had to give its place away."""


@dataclass(slots=True)
class _Universe:
    number: int
    told: Heard
    sources: dict[UUID, Source] = field(default_factory=dict)
    ended: _Ended = ""
    settling: bool = False
    parted: dict[UUID, tuple[int, float]] = field(default_factory=dict)
    """Sources that said that they end: their last number, and until when it counts. The oldest first, never more than
    there may be sources."""


@dataclass(slots=True)
class _Pulse:
    """Synchronisation packets of one address: whose, the last number, and when."""

    cid: UUID
    sequence: int
    last: float


class Receiver:
    """See above. One thread at a time; ``now`` never runs backwards."""

    def __init__(
        self,
        universes: Iterable[int],
        now: float,
        *,
        ignore: Collection[UUID] = (),
        sampling: float = 1.5,
        patience: float = 0.02,
        lost: float = codec.SOURCE_LOST,
        most_sources: int = 8,
        most_streams: int = 512,
        listen_for: Callable[[int], bool] = lambda _: True,
    ) -> None:
        """``listen_for`` is asked to join a synchronisation address, and says whether that can be."""
        self.counters = Counters()
        self.directory = Directory()
        self.streams = 0
        """Sources, counted once for each universe they send."""
        self._universes = {number: _Universe(number, Heard(number, b"")) for number in universes}
        self._ignore = frozenset(ignore)
        self._sampled = now + sampling
        self._patience = patience
        self._lost = lost
        self._most_sources = most_sources
        self._most_streams = most_streams
        self._listen_for = listen_for
        self._pulses: dict[int, _Pulse | None] = {}
        self._changed: set[int] = set()
        self._look = math.inf

    def take(self, data: bytes, now: float) -> None:
        """A datagram that came at ``now``, from wherever."""
        packet = codec.decode(data)
        if packet is None:
            self.counters.malformed += 1
        elif packet.cid in self._ignore:
            return
        elif isinstance(packet, Data):
            self._data(packet, now)
        elif isinstance(packet, Sync):
            self._sync(packet, now)
        elif isinstance(packet, Discovery):
            self.directory.take(packet, _shown(packet.source_name), now)

    def due(self) -> float:
        """When :meth:`changes` has something to say even if nothing comes in; infinity: never."""
        return min(self._look, self._sampled if self._changed else math.inf)

    def changes(self, now: float) -> Sequence[Heard]:
        """What is new since the last time, each universe once, in order of their numbers."""
        if now >= self._look:
            self._look = min((self._age(universe, now) for universe in self._universes.values()), default=math.inf)
        if now < self._sampled or not self._changed:
            return []
        news = []
        for number in sorted(self._changed):
            universe = self._universes[number]
            heard = self._together(universe, now)
            if heard != universe.told:
                universe.told = heard
                news.append(heard)
        self._changed.clear()
        return news

    # --- packets -------------------------------------------------------------------------------------------------

    def _data(self, packet: Data, now: float) -> None:
        universe = self._universes.get(packet.universe)
        if universe is None:
            self.counters.strange += 1
            return
        source = universe.sources.get(packet.cid)
        if source is None:
            if self._after_the_end(universe, packet, now):
                self.counters.late += 1
                return
            if packet.terminated or packet.preview or packet.start_code not in (codec.LEVELS, codec.PRIORITIES):
                return
            source = self._admit(universe, packet, now)
            if source is None:
                self.counters.crowded += 1
                return
        elif now - source.seen < self._lost and not codec.later(packet.sequence, source.sequence):
            self.counters.late += 1
            return
        source.sequence = packet.sequence
        source.seen = now
        if packet.terminated:
            self._drop(universe, packet.cid, "terminated")
            self._part(universe, packet, now)
        elif not packet.preview and packet.start_code in (codec.LEVELS, codec.PRIORITIES):
            self._live(universe, source, packet, now)

    def _part(self, universe: _Universe, packet: Data, now: float) -> None:
        """This was the last number of a source that ends."""
        universe.parted.pop(packet.cid, None)
        if len(universe.parted) >= self._most_sources:
            del universe.parted[next(iter(universe.parted))]
        universe.parted[packet.cid] = (packet.sequence, now + self._lost)

    def _after_the_end(self, universe: _Universe, packet: Data, now: float) -> bool:
        """Whether a packet of a source we do not follow was sent before it ended. It ends three times (6.2.6): the last
        of its numbers counts."""
        last, until = universe.parted.get(packet.cid, (0, -math.inf))
        if now >= until:
            universe.parted.pop(packet.cid, None)
            return False
        if not codec.later(packet.sequence, last):
            return True
        if packet.terminated:
            self._part(universe, packet, now)
        return False

    def _live(self, universe: _Universe, source: Source, packet: Data, now: float) -> None:
        if packet.start_code == codec.LEVELS:
            source.last = now
        else:
            source.prioritised = now
        if universe.settling:
            self._look = now
        source.address = packet.sync_universe
        if packet.sync_universe and self._waits(source, packet, now):
            source.held[packet.start_code] = packet
            return
        source.held.clear()
        self._act(universe, source, packet)

    def _act(self, universe: _Universe, source: Source, packet: Data) -> None:
        """The packet counts from now on."""
        before = (source.slots, source.priorities, source.priority, source.name)
        if packet.start_code == codec.LEVELS:
            source.slots = packet.slots
        else:
            source.priorities = packet.slots
            self._look = min(self._look, source.prioritised + self._lost)
        source.priority = packet.priority
        if packet.source_name != source.said_name:
            source.said_name, source.name = packet.source_name, _shown(packet.source_name)
        if before != (source.slots, source.priorities, source.priority, source.name):
            self._changed.add(universe.number)

    def _admit(self, universe: _Universe, packet: Data, now: float) -> Source | None:
        """A place for a new source, if need be that of a weaker one."""
        where: Iterable[_Universe] = ()
        if len(universe.sources) >= self._most_sources:
            where = (universe,)
        elif self.streams >= self._most_streams:
            where = self._universes.values()
        if where:
            there = ((each, cid, source) for each in where for cid, source in reversed(each.sources.items()))
            weakest = min(there, key=lambda each: (each[2].priority, -each[2].since), default=None)
            if weakest is None or weakest[2].priority >= packet.priority:
                return None
            self.counters.crowded += 1
            self._drop(weakest[0], weakest[1], "lost")
        counts = now + self._patience
        name = packet.source_name
        source = Source(name, _shown(name), packet.priority, now, now, now, packet.sequence, counts)
        universe.sources[packet.cid] = source
        self.streams += 1
        self._look = min(self._look, counts, now + self._lost)
        return source

    def _drop(self, universe: _Universe, cid: UUID, why: _Ended) -> None:
        del universe.sources[cid]
        self.streams -= 1
        universe.ended = why
        self._changed.add(universe.number)

    # --- synchronisation -----------------------------------------------------------------------------------------

    def _waits(self, source: Source, packet: Data, now: float) -> bool:
        """Whether a packet with a synchronisation address has to wait."""
        address = packet.sync_universe
        if address not in self._pulses:
            if address > 63999 or not self._room() or not self._listen_for(address):
                return False
            self._pulses[address] = None
        pulse = self._pulses[address]
        if pulse is None:
            return False
        if now - pulse.last < codec.SYNC_LOST:
            source.synchronised = address
        elif packet.options & codec.FORCE:
            source.synchronised = 0
        return source.synchronised == address

    def _room(self) -> bool:
        """One that no source wants any more makes room."""
        if len(self._pulses) >= MOST_ADDRESSES:
            wanted = {source.address for universe in self._universes.values() for source in universe.sources.values()}
            self._pulses = {address: pulse for address, pulse in self._pulses.items() if address in wanted}
        return len(self._pulses) < MOST_ADDRESSES

    def _sync(self, packet: Sync, now: float) -> None:
        if packet.address not in self._pulses:
            return  # nobody we hear wants to be synchronised on it
        pulse = self._pulses[packet.address]
        if pulse is not None and now - pulse.last < codec.SYNC_LOST:
            if packet.cid != pulse.cid:
                return  # several who synchronise one address: beyond the standard (11.2.1); the first one does
            if not codec.later(packet.sequence, pulse.sequence):
                self.counters.late += 1
                return
        self._pulses[packet.address] = _Pulse(packet.cid, packet.sequence, now)
        for universe in self._universes.values():
            for source in universe.sources.values():
                for held in [each for each in source.held.values() if each.sync_universe == packet.address]:
                    del source.held[held.start_code]
                    self._act(universe, source, held)

    # --- time ----------------------------------------------------------------------------------------------------

    def _age(self, universe: _Universe, now: float) -> float:
        """Let go of what is lost; when to look again."""
        look = math.inf
        silent: list[tuple[UUID, Source]] = []
        alive: list[Source] = []
        for cid, source in universe.sources.items():
            if now - source.last >= self._lost:
                silent.append((cid, source))
                continue
            alive.append(source)
            look = min(look, source.last + self._lost)
            if source.since < source.counts_at <= now:
                source.counts_at = source.since
                self._changed.add(universe.number)
            elif source.counts_at > now:
                look = min(look, source.counts_at)
            if source.priorities is not None:
                if now - source.prioritised >= self._lost:
                    source.priorities = None
                    source.held.pop(codec.PRIORITIES, None)
                    self._changed.add(universe.number)
                else:
                    look = min(look, source.prioritised + self._lost)
        universe.settling = False
        for cid, source in silent:
            if all(other.last > source.last + KEEPALIVE for other in alive):
                self._drop(universe, cid, "lost")
            else:
                universe.settling = True
        return look

    def _together(self, universe: _Universe, now: float) -> Heard:
        counting = [
            source
            for source in universe.sources.values()
            if source.slots is not None and (source.priorities is not None or source.counts_at <= now)
        ]
        if counting:
            universe.ended = ""
            return merged(universe.number, counting)
        if not universe.told.sources or not universe.ended:
            return universe.told
        return Heard(universe.number, b"", ended=universe.ended)


def _shown(name: str) -> str:
    """A name from the network as people may see it."""
    return "".join(each if each.isprintable() else "�" for each in name)
