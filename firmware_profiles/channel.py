"""One channel of a fixture: where its bytes sit and what light they mean. Only numbers."""

import math
from dataclasses import dataclass

from config.units import Attribute
from firmware_profiles.curves import Curve, Dimming


@dataclass(frozen=True, slots=True)
class Channel:
    """One attribute's, or one emitter's, place in a personality.

    ``coarse`` and ``fine`` are offsets from the start address (0-based); ``fine`` is ``None`` for 8 bit. The slot value
    runs from ``first`` to ``last`` (inclusive) while the level runs from ``start`` to ``end`` in the attribute's unit;
    ``start`` may be the larger one. ``mired``: the slot is proportional to 10⁶/kelvin instead of kelvin. ``attribute``
    is ``None`` for an emitter that is mixed.
    """

    attribute: Attribute | None
    coarse: int
    fine: int | None
    first: int
    last: int
    start: float
    end: float
    default: float
    curve: Dimming = Curve.LINEAR
    mired: bool = False

    @property
    def lowest(self) -> float:
        """The smallest level there is."""
        return min(self.start, self.end)

    @property
    def highest(self) -> float:
        """The largest level there is."""
        return max(self.start, self.end)

    def raw(self, level: float) -> int:
        """Level → slot value. Total: a level outside the range gives the nearer end, NaN gives the default.

        Rounded once, over all bits: coarse and fine are two halves of one number, so the end of a 16-bit fade never
        goes back and forth. :func:`firmware_profiles.render.check_levels` is where a level that cannot be is *told*;
        here, in the middle of a live frame, nothing may go wrong any more.
        """
        if math.isnan(level):
            level = self.default
        if self.mired:
            level = min(max(level, self.lowest), self.highest)
            share = (1 / level - 1 / self.start) / (1 / self.end - 1 / self.start)
        else:
            share = (level - self.start) / (self.end - self.start)
        if not 0.0 <= share <= 1.0:  # rare, and this runs for every channel of every frame
            share = min(max(share, 0.0), 1.0)
        if self.curve is not Curve.LINEAR:
            share = self.curve.slot(share)
        return self.first + math.floor(share * (self.last - self.first) + 0.5)

    def level(self, raw: int) -> float:
        """Slot value → level. A value outside ``first``…``last`` counts as the nearer end."""
        share = (min(max(raw, self.first), self.last) - self.first) / (self.last - self.first)
        share = self.curve.light(share)
        if self.mired:
            level = 1 / (1 / self.start + share * (1 / self.end - 1 / self.start))
        else:
            level = self.start + share * (self.end - self.start)
        return min(max(level, self.lowest), self.highest)

    def put(self, level: float, frame: bytearray) -> None:
        """Write the level's slot value into its place."""
        raw = self.raw(level)
        if self.fine is None:
            frame[self.coarse] = raw
        else:
            frame[self.coarse], frame[self.fine] = raw >> 8, raw & 0xFF

    def read(self, slots: bytes) -> float:
        """The level that stands in its place."""
        coarse = slots[self.coarse]
        return self.level(coarse if self.fine is None else coarse << 8 | slots[self.fine])
