"""Hue and saturation ↔ red, green and blue: the hexcone (A. R. Smith, Color Gamut Transform Pairs, 1978). Pure.

What the makers of lights call HSI is this: at full saturation one or two of the three emitters are on and the stronger
of them is at full, so intensity dims the mixture and is no luminance. Which colours the three have, only a measurement
tells.
"""

from collections.abc import Sequence
from itertools import pairwise

Shares = tuple[float, float, float]


def rgb(hue: float, saturation: float) -> Shares:
    """Degrees and 0…1 → shares of red, green and blue, of which the strongest is 1."""
    sixth = hue % 360.0 / 60.0
    red, green, blue = (1 - saturation * (1 - _lit((sixth + turn) % 6.0)) for turn in (0.0, 4.0, 2.0))
    return red, green, blue


def hue(shares: Sequence[float]) -> tuple[float, float, float]:
    """Shares of red, green and blue, 0 and above → hue in degrees, below 360; saturation; the strongest share.

    Of what has no colour, the hue is 0.
    """
    red, green, blue = shares
    most, least = max(shares), min(shares)
    if most <= 0 or most == least:
        return 0.0, 0.0, max(most, 0.0)
    width = most - least
    if most == red:
        sixth = (green - blue) / width % 6.0
    elif most == green:
        sixth = (blue - red) / width + 2.0
    else:
        sixth = (red - green) / width + 4.0
    return 60.0 * sixth % 360.0, width / most, most


def steepest(begin: tuple[float, float], end: tuple[float, float]) -> float:
    """How fast any of the three changes at the steepest place of the way from one (hue, saturation) straight to
    another: share of its full per whole way. A hue goes through all between its two numbers.

    An emitter is 1 − s·(1 − l), l being straight in the hue between its corners, every 60°. So its change is straight,
    too, from one corner to the next: largest at one of them.
    """
    (hue_0, saturation_0), (hue_1, saturation_1) = begin, end
    turn, more = (hue_1 - hue_0) / 60.0, saturation_1 - saturation_0
    corners = {0.0, 1.0}
    if turn:
        corners |= {(sixth - hue_0 / 60.0) / turn for sixth in range(7)}
    steepest = 0.0
    for one, other in pairwise(sorted(each for each in corners if 0 <= each <= 1)):
        way = other - one
        lit = [rgb(hue_0 + 60.0 * turn * at, 1.0) for at in (one, other)]
        for first, last in zip(*lit, strict=True):
            for at, now in ((one, first), (other, last)):
                slope = (last - first) / way if way > 0 else 0.0
                steepest = max(steepest, abs((saturation_0 + more * at) * slope - more * (1 - now)))
    return steepest


def _lit(sixth: float) -> float:
    """How much of an emitter is on, so many sixths of the circle after its own hue."""
    return min(1.0, max(0.0, abs(sixth - 3.0) - 1.0))
