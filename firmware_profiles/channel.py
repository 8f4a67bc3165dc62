"""One channel of a fixture: where its bytes sit and what light they mean. Only numbers."""

import math
from dataclasses import dataclass
from enum import StrEnum

from config.units import Attribute


class Curve(StrEnum):
    """What the *fixture* makes of a slot: share of the slot's range → share of its light.

    ``linear`` y = x · ``square`` y = x² (the usual dimming law of LED panels: fine steps when dark) ·
    ``square-root`` y = √x · ``s-curve`` y = 3x² − 2x³ (soft at both ends).
    """

    LINEAR = "linear"
    SQUARE = "square"
    SQUARE_ROOT = "square-root"
    S_CURVE = "s-curve"

    def light(self, share: float) -> float:
        """Slot share 0…1 → light share 0…1."""
        match self:
            case Curve.LINEAR:
                return share
            case Curve.SQUARE:
                return share * share
            case Curve.SQUARE_ROOT:
                return math.sqrt(share)
            case Curve.S_CURVE:
                return share * share * (3 - 2 * share)

    def slot(self, light: float) -> float:
        """Light share 0…1 → slot share 0…1: the inverse of :meth:`light`."""
        match self:
            case Curve.LINEAR:
                return light
            case Curve.SQUARE:
                return math.sqrt(light)
            case Curve.SQUARE_ROOT:
                return light * light
            case Curve.S_CURVE:
                return 0.5 - math.sin(math.asin(1 - 2 * light) / 3)


@dataclass(frozen=True, slots=True)
class Channel:
    """One attribute's place in a personality.

    ``coarse`` and ``fine`` are offsets from the start address (0-based); ``fine`` is ``None`` for 8 bit. The slot value
    runs from ``first`` to ``last`` (inclusive) while the level runs from ``start`` to ``end`` in the attribute's unit;
    ``start`` may be the larger one. ``mired``: the slot is proportional to 10⁶/kelvin instead of kelvin.
    """

    attribute: Attribute
    coarse: int
    fine: int | None
    first: int
    last: int
    start: float
    end: float
    default: float
    curve: Curve = Curve.LINEAR
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

        :func:`firmware_profiles.render.check_levels` is where a level that cannot be is *told*; here, in the middle
        of a live frame, nothing may go wrong any more.
        """
        if math.isnan(level):
            level = self.default
        level = min(max(level, self.lowest), self.highest)
        if self.mired:
            share = (1 / level - 1 / self.start) / (1 / self.end - 1 / self.start)
        else:
            share = (level - self.start) / (self.end - self.start)
        share = self.curve.slot(min(max(share, 0.0), 1.0))
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
