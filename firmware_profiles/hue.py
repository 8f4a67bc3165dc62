"""Hue and saturation ↔ red, green and blue: the hexcone (A. R. Smith, Color Gamut Transform Pairs, 1978). Pure.

What the makers of lights call HSI is this: at full saturation one or two of the three emitters are on and the stronger
of them is at full, so intensity dims the mixture and is no luminance. Which colours the three have, only a measurement
tells.
"""

from collections.abc import Sequence

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


def _lit(sixth: float) -> float:
    """How much of an emitter is on, so many sixths of the circle after its own hue."""
    return min(1.0, max(0.0, abs(sixth - 3.0) - 1.0))
