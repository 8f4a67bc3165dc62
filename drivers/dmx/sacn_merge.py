"""Several sources of one sACN universe become one: pure.

The highest priority wins (E1.31 6.2.3), among equals the highest level of each slot (HTP, 6.2.3.2). A source may say a
priority for each slot instead (start code DD): 0 leaves the slot to others, and so do slots it does not name.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from drivers.base import Heard
from drivers.dmx.sacn_codec import Data

HIGHEST = 200
LOWEST = 1
"""Of a slot that is sent at all: 0 would mean that it is not."""


@dataclass(slots=True)
class Source:
    """What is known of one source of one universe. Times are on the receiver's clock, in seconds."""

    said_name: str
    """As the packets have it."""
    name: str
    """As people may see it."""
    priority: int
    since: float
    """Its first packet."""
    last: float
    """Its last levels; until there were any, its first packet."""
    seen: float
    """Its last packet of whatever kind."""
    sequence: int
    counts_at: float
    """From then on its levels count, whether it has said priorities by slot or not."""
    slots: bytes | None = None
    priorities: bytes | None = None
    prioritised: float = 0.0
    """When it said them last."""
    address: int = 0
    """The synchronisation address it wants (0: none), and the one it is being synchronised on."""
    synchronised: int = 0
    held: dict[int, Data] = field(default_factory=dict)
    """By start code, what waits for the synchronisation packet."""


def merged(universe: int, sources: Sequence[Source]) -> Heard:
    """What ``sources``, all with levels, send together."""
    if any(source.priorities is not None for source in sources):
        return _by_slot(universe, sources)
    highest = max(source.priority for source in sources)
    chosen = [source for source in sources if source.priority == highest]
    slots = _levels(chosen[0])
    for source in chosen[1:]:
        slots = _highest(slots, _levels(source))
    return Heard(universe, slots, highest, sources=tuple(sorted(source.name for source in chosen)))


def _by_slot(universe: int, sources: Sequence[Source]) -> Heard:
    width = max(len(_levels(source)) for source in sources)
    levels = np.zeros((len(sources), width), np.uint8)
    ranks = np.zeros((len(sources), width), np.uint8)
    for row, source in enumerate(sources):
        own = _levels(source)
        levels[row, : len(own)] = np.frombuffer(own, np.uint8)
        if source.priorities is None:
            ranks[row, : len(own)] = max(source.priority, LOWEST)
        else:
            said = np.frombuffer(source.priorities[: len(own)], np.uint8)
            ranks[row, : len(said)] = np.minimum(said, HIGHEST)
    best = ranks.max(axis=0)
    holds = (ranks == best) & (best > 0)
    order = sorted(
        (row for row in range(len(sources)) if holds[row].any()),
        key=lambda row: (-int(ranks[row][holds[row]].max()), sources[row].name),
    )
    return Heard(
        universe,
        np.where(holds, levels, 0).max(axis=0).astype(np.uint8).tobytes(),
        max((sources[row].priority for row in order), default=0),
        best.tobytes(),
        tuple(sources[row].name for row in order),
        shares=tuple(holds[row].tobytes() for row in order) if len(order) > 1 else (),
    )


def _levels(source: Source) -> bytes:
    return source.slots or b""


def _highest(one: bytes, other: bytes) -> bytes:
    if len(one) < len(other):
        one, other = other, one
    if not other:
        return one
    size = len(other)
    return np.maximum(np.frombuffer(one, np.uint8, size), np.frombuffer(other, np.uint8)).tobytes() + one[size:]
