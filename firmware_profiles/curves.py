"""Dimming curves: what a fixture makes of a slot, and the inverse. Pure."""

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise

_STEPS = 254
"""Arc power levels of DALI: 1…254; 0 is off."""
_DECADES = 3
"""From step 1 (0.1 %) to step 254 (100 %)."""


class Curve(StrEnum):
    """What the *fixture* makes of a slot: share of the slot's range → share of its light.

    ``linear`` y = x · ``square`` y = x² (the usual dimming law of LED panels: fine steps when dark) ·
    ``square-root`` y = √x · ``s-curve`` y = 3x² − 2x³ (soft at both ends) · ``dali-log`` the standard curve of DALI.

    DALI's (IEC 62386-102, dimming curve) is X(n) = 10^((n − 1)/(253/3) − 1) per cent for the steps n = 1…254, so step 1
    is 0.1 %, and 0 is off. A slot's range is these 254 steps; what is below the first (a 16-bit slot has such values)
    goes straight to dark. Where a gateway passes slot values on as they are, the range is ``raw = [0, 254]``.
    """

    LINEAR = "linear"
    SQUARE = "square"
    SQUARE_ROOT = "square-root"
    S_CURVE = "s-curve"
    DALI_LOG = "dali-log"

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
            case Curve.DALI_LOG:
                step = share * _STEPS
                if step < 1:
                    return float(step * 10.0**-_DECADES)
                return float(10 ** ((step - _STEPS) * _DECADES / (_STEPS - 1)))

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
            case Curve.DALI_LOG:
                first = 10.0**-_DECADES
                if light < first:
                    return light / first / _STEPS
                return (_STEPS + math.log10(light) * (_STEPS - 1) / _DECADES) / _STEPS


@dataclass(frozen=True)
class Measured:
    """A measured curve: straight lines through ``points``, pairs of slot share and light share.

    They begin at (0, 0), end at (1, 1) and never fall. Where the light stays the same over several slot values (a dead
    travel at the bottom), the lowest of them is used; but full is always the last.
    """

    points: tuple[tuple[float, float], ...]
    _slots: tuple[float, ...] = field(init=False, repr=False, compare=False)
    _lights: tuple[float, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_slots", tuple(slot for slot, _ in self.points))
        object.__setattr__(self, "_lights", tuple(light for _, light in self.points))

    def light(self, share: float) -> float:
        """Slot share 0…1 → light share 0…1."""
        return _between(self._slots, self._lights, min(bisect_right(self._slots, share), len(self._slots) - 1), share)

    def slot(self, light: float) -> float:
        """Light share 0…1 → the lowest slot share 0…1 that gives it; 1 → 1."""
        if light >= 1:
            return 1.0
        at = bisect_left(self._lights, light)
        return _between(self._lights, self._slots, at, light) if at else 0.0


Dimming = Curve | Measured
"""What stands between a slot and its light; both have ``light`` and ``slot``."""


def faults(points: Sequence[tuple[float, float]]) -> list[str]:
    """Why these points are no measured curve; none: they are one."""
    if len(points) < 2:
        return ["points needs at least two pairs of slot share and light share: [[0, 0], …, [1, 1]]"]
    found = []
    if tuple(points[0]) != (0, 0) or tuple(points[-1]) != (1, 1):
        found.append(
            "points must begin with [0, 0] and end with [1, 1]; a light that is never dark has its span for it"
        )
    for (slot, light), (next_slot, next_light) in pairwise(points):
        if not slot < next_slot:
            found.append(f"points must go up from slot share to slot share: {next_slot:g} comes after {slot:g}")
        elif not light <= next_light:
            found.append(
                f"points must not get darker: at slot share {next_slot:g} {next_light:g} comes after {light:g}"
            )
    return found


@lru_cache(maxsize=32)
def thresholds(curve: Dimming, steps: int) -> "array[float]":
    """Light shares at which a channel of ``steps`` + 1 values goes from each value to the next: ``steps`` of them.

    For whoever renders many channels at once: ``first`` + the number of thresholds that are not above the light share
    (a ``searchsorted`` from the right) is the slot value that :meth:`firmware_profiles.channel.Channel.raw` gives.
    """
    return array("d", (curve.light((step + 0.5) / steps) for step in range(steps)))


def _between(along: Sequence[float], values: Sequence[float], at: int, where: float) -> float:
    """The value at ``where`` on the straight line that ends at point ``at``."""
    before, after = along[at - 1], along[at]
    share = (where - before) / (after - before)
    # In this form the ends are met exactly and rounding never passes them.
    return values[at] if share >= 1 else values[at - 1] + (values[at] - values[at - 1]) * share
