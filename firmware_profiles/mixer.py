"""Levels that several emitters make together: white by colour temperature, colour by CIE xy; and back. Pure.

``intensity`` 1 is the same light at every colour temperature, the most that all of them can have. Of a light told its
colour by xy it is the most its white (5600 K) can have; a saturated colour that has less gives what it can.
"""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Protocol

from config.units import CIE_SPAN, DAYLIGHT, Attribute, Levels, Text
from firmware_profiles.gamut import Emitter, Gamut, mixed
from firmware_profiles.locus import Point, bearing, temperature, uv, white

MOST = 8
"""Emitters of one light."""
UNSEEN = 0.001
"""Distance in (u′, v′) that nobody sees: about a just noticeable difference (CIE TN 001)."""
_WHITE = 0.05
"""Duv up to which a colour has a colour temperature (CIE 15)."""
_SAMPLES = 64

Span = tuple[float, float]


class Mixer(Protocol):
    """What stands between levels and emitters."""

    @property
    def ranges(self) -> Mapping[Attribute, Span]:
        """What it can be told, and the lowest and highest level of each."""

    @property
    def defaults(self) -> Mapping[Attribute, float]:
        """The level of what it is not told."""

    @property
    def slopes(self) -> Mapping[Attribute, float]:
        """By how much of its full light one unit of an attribute changes the light at most."""

    def shares(self, levels: Levels, intensity: float) -> Sequence[float]:
        """Each emitter's share of its full light, 0…1. Total: a level out of range gives the nearer end."""

    def levels(self, shares: Sequence[float]) -> dict[Attribute, float]:
        """What these shares show: the inverse of :meth:`shares`. Where there is no light, the default colour."""

    def clipped(self, levels: Levels) -> Text | None:
        """What of these levels cannot be shown, and what is shown instead."""


class Pair:
    """Two whites on one line. The mixture of a colour temperature is where that line meets the temperature's own line
    across the locus. Raises ValueError for two that are no warm and cold white."""

    def __init__(self, one: Emitter, other: Emitter) -> None:
        self.emitters = (one, other)
        self._one, self._other = uv(one.xy), uv(other.xy)
        found = [temperature(each.xy) for each in self.emitters]
        for emitter, (_, duv) in zip(self.emitters, found, strict=True):
            if abs(duv) > _WHITE:
                raise ValueError(
                    f"{emitter.name} is no white: {abs(duv):.3f} off the Planckian locus (at most {_WHITE})"
                )
        low, high = sorted(kelvin for kelvin, _ in found)
        if 1e6 / low - 1e6 / high < 20:
            raise ValueError(f"two whites of {low:.0f} K and {high:.0f} K are too alike to mix temperatures")
        self.cct = (float(math.ceil(low - 0.5)), float(math.floor(high + 0.5)))
        """The kelvin it reaches."""
        ways = [self._way(kelvin) for kelvin in grid(self.cct)]
        if ways != sorted(ways, reverse=ways[0] > ways[-1]):
            raise ValueError(
                "mixtures of these two go back and forth in colour temperature: they lie too far off white"
            )

    def _way(self, kelvin: float) -> float:
        """How far from the one to the other, 0…1 in (u, v)."""
        u, v, along_u, along_v = bearing(1e6 / kelvin)
        (u1, v1), (u2, v2) = self._one, self._other
        whole = (u2 - u1) * along_u + (v2 - v1) * along_v
        # Nought only for pairs that are refused: their line runs across the locus.
        return min(max(((u - u1) * along_u + (v - v1) * along_v) / whole, 0.0), 1.0) if whole else 0.0

    def shares(self, kelvin: float, duv: float = 0.0) -> tuple[list[float], float]:
        """Each emitter's share for one unit of luminance, and the most luminance there is. ``duv`` is what it is."""
        way = self._way(kelvin)
        # Ways in (u, v) are by X + 15 Y + 3 Z = 6 Y / v: to luminance by v.
        one, other = (1 - way) * self._one[1], way * self._other[1]
        taken = [one / (one + other) / self.emitters[0].light, other / (one + other) / self.emitters[1].light]
        return taken, 1 / max(taken)


class Area:
    """Three or more emitters. Raises ValueError when they cannot make all whites of the range."""

    def __init__(self, emitters: Sequence[Emitter], cct: Span, duv: float) -> None:
        self._gamut = Gamut(emitters)
        self.emitters = self._gamut.emitters
        self.cct = cct
        for kelvin in grid(cct):
            for off in (-duv, 0.0, duv):
                if self._gamut.outside(white(kelvin, off)) > UNSEEN:
                    at = f" with tint {math.copysign(1, off):+g}" if off else ""
                    right = "a smaller duv" if off else "a narrower cct"
                    raise ValueError(f"these emitters cannot make {kelvin:.0f} K{at}: {right}")

    def shares(self, kelvin: float, duv: float = 0.0) -> tuple[list[float], float]:
        """Each emitter's share for one unit of luminance, and the most luminance there is."""
        return self._gamut.shares(white(kelvin, duv))


class WhiteMixer:
    """Told intensity, cct and, with ``duv``, tint: ±1 is that distance from the locus."""

    def __init__(self, emitters: Sequence[Emitter], cct: Span | None, duv: float | None) -> None:
        if len(emitters) == 2 and duv is not None:
            raise ValueError("two emitters lie on one line: they have no tint; leave duv out")
        if len(emitters) > 2 and cct is None:
            raise ValueError("mix = 'cct' of more than two emitters needs its range: cct = [2700, 6500]")
        self._duv = duv or 0.0
        self._of: Pair | Area
        if len(emitters) == 2:
            self._of = Pair(emitters[0], emitters[1])
            low, high = self._of.cct
            if cct is not None and not (low <= cct[0] and cct[1] <= high):
                raise ValueError(f"cct {cct[0]:g}…{cct[1]:g} is more than these two make: {low:g}…{high:g}")
        else:
            self._of = Area(emitters, cct or (0.0, 0.0), self._duv)
        self._cct = cct or self._of.cct
        self._full = min(self._of.shares(kelvin, off)[1] for kelvin, off in self._corners())
        self.ranges = {Attribute.INTENSITY: (0.0, 1.0), Attribute.CCT: self._cct}
        self.defaults = {Attribute.INTENSITY: 0.0, Attribute.CCT: _clamp(DAYLIGHT, self._cct)}
        self.slopes = {Attribute.INTENSITY: 1.0, Attribute.CCT: 0.0}
        if duv:
            self.ranges[Attribute.TINT] = (-1.0, 1.0)
            self.defaults[Attribute.TINT] = 0.0
            self.slopes[Attribute.TINT] = 0.0

    def _corners(self) -> list[tuple[float, float]]:
        """Whites close enough together to find the one that has the least light."""
        if not self._duv:
            return [(kelvin, 0.0) for kelvin in grid(self._cct)]
        # Closer at the ends of the range, where a mixture of only two emitters can fall between two whites.
        fine = [(kelvin, self._duv * step / 20) for kelvin in self._cct for step in range(-20, 21)]
        return [*fine, *((kelvin, self._duv * step / 4) for kelvin in grid(self._cct) for step in range(-4, 5))]

    def shares(self, levels: Levels, intensity: float) -> Sequence[float]:
        kelvin = _level(self, levels, Attribute.CCT)
        off = self._duv * _level(self, levels, Attribute.TINT) if self._duv else 0.0
        light = intensity * self._full
        return [min(1.0, light * share) for share in self._of.shares(kelvin, off)[0]]

    def levels(self, shares: Sequence[float]) -> dict[Attribute, float]:
        x, y, z = mixed(self._of.emitters, shares)
        if y <= 0:
            return dict(self.defaults)
        whole = x + y + z
        kelvin, off = temperature((x / whole, y / whole))
        found = {Attribute.INTENSITY: min(1.0, y / self._full), Attribute.CCT: _clamp(kelvin, self._cct)}
        if self._duv:
            found[Attribute.TINT] = _clamp(off / self._duv, (-1.0, 1.0))
        return found

    def clipped(self, levels: Levels) -> Text | None:
        return None


class ColourMixer:
    """Told intensity, cie_x and cie_y. Raises ValueError for emitters that lie on one line."""

    def __init__(self, emitters: Sequence[Emitter]) -> None:
        self._gamut = Gamut(emitters)
        neutral, _ = self._gamut.place(white(DAYLIGHT))
        self._full = self._gamut.shares(neutral)[1]
        steep = self._gamut.steepest(self._full) / self._full
        self.ranges = {Attribute.INTENSITY: (0.0, 1.0), **CIE_SPAN}
        self.defaults = {Attribute.INTENSITY: 0.0, Attribute.CIE_X: neutral[0], Attribute.CIE_Y: neutral[1]}
        self.slopes = {Attribute.INTENSITY: 1.0, Attribute.CIE_X: steep, Attribute.CIE_Y: steep}

    def shares(self, levels: Levels, intensity: float) -> Sequence[float]:
        taken, most = self._gamut.shares(self._asked(levels))
        light = intensity * min(most, self._full)
        return [min(1.0, light * share) for share in taken]

    def levels(self, shares: Sequence[float]) -> dict[Attribute, float]:
        x, y, z = mixed(self._gamut.emitters, shares)
        if y <= 0:
            return dict(self.defaults)
        whole = x + y + z
        colour, _ = self._gamut.place((x / whole, y / whole))
        most = self._gamut.shares(colour)[1]
        intensity = min(1.0, y / min(most, self._full))
        return {Attribute.INTENSITY: intensity, Attribute.CIE_X: colour[0], Attribute.CIE_Y: colour[1]}

    @lru_cache(64)  # noqa: B019 - a mixer lives as long as its profile
    def steepest(self, begin: Point, end: Point) -> tuple[float, float]:
        """How fast the light, and how fast any emitter, changes at the steepest place of the way from one (cie_x,
        cie_y) straight to another, with the intensity at full: shares of their full per whole way."""
        return self._gamut.steepest_between(begin, end, self._full)

    def clipped(self, levels: Levels) -> Text | None:
        asked = self._asked(levels)
        if self._gamut.outside(asked) <= UNSEEN:
            return None
        (x, y), _ = self._gamut.place(asked)
        told = f"({asked[0]:.4f}, {asked[1]:.4f})"
        return Text(
            f"colour {told} is outside what its emitters can mix; the nearest is shown: ({x:.4f}, {y:.4f})",
            f"颜色 {told} 超出该灯可混合的色域；以最接近的颜色显示：({x:.4f}, {y:.4f})",
        )

    def _asked(self, levels: Levels) -> Point:
        return _level(self, levels, Attribute.CIE_X), _level(self, levels, Attribute.CIE_Y)


def grid(cct: Span) -> list[float]:
    """Kelvin from one end to the other, in equal steps of mired."""
    cold, warm = 1e6 / cct[1], 1e6 / cct[0]
    inner = [1e6 / (cold + (warm - cold) * step / _SAMPLES) for step in range(1, _SAMPLES)]
    return [cct[1], *inner, cct[0]]


def _level(mixer: Mixer, levels: Levels, attribute: Attribute) -> float:
    level = levels.get(attribute, math.nan)
    return mixer.defaults[attribute] if math.isnan(level) else _clamp(level, mixer.ranges[attribute])


def _clamp(level: float, span: Span) -> float:
    return min(max(level, span[0]), span[1])
