"""Flashes in a course of light, as a photosensitive viewer sees them. Pure.

A general flash is a pair of opposing changes of at least 10 % of full luminance, the darker end below 0.8; a red flash
is a pair of opposing transitions to or from a saturated red (WCAG 2.2, 2.3.1 "general flash and red flash thresholds";
ITU-R BT.1702, Ofcom's guidance note on flashing images: 20 cd/m² of 200, the darker image below 160). Both are safe up
to three within any second. Area is taken to be all of the picture.
"""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

FLASH, DARKER = 0.1, 0.8
SATURATED = 0.8
"""Share of red in the sum of the linear R, G and B from which a colour is a saturated red."""
REDDER, FARTHER = 20 / 320, 0.2
"""How much R − G − B, of 1, must change for a red transition (WCAG 2.0, 2.1), and how much the CIE 1976 u′v′ colour
(WCAG 2.2). Both: the first alone takes a hundredth of white in a full red for a flash, the second alone weighs the
darkest colours, that nobody sees, as the brightest."""
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
"""From linear sRGB (IEC 61966-2-1)."""
EXACT = 1e-9


def reversals(times: Numbers, level: Numbers) -> list[float]:
    """When a change of at least FLASH, opposed to the one before it, had its darker end below DARKER."""
    course = level.tolist()
    return _turns(times, course, FLASH, lambda low, high: course[low] < DARKER - EXACT)


def red_reversals(times: Numbers, red: Numbers, green: Numbers, blue: Numbers) -> list[float]:
    """When a transition to or from a saturated red, opposed to the one before it, was complete. Linear, of 1."""
    total = red + green + blue
    saturated = ((total > 0) & (red >= SATURATED * total - EXACT)).tolist()
    redness = np.maximum(0.0, red - green - blue).tolist()
    x, y, z = TO_XYZ @ np.stack([red, green, blue])
    sum_ = np.maximum(x + 15 * y + 3 * z, EXACT)
    u, v = (4 * x / sum_).tolist(), (9 * y / sum_).tolist()

    def counts(low: int, high: int) -> bool:
        return (saturated[low] or saturated[high]) and math.hypot(u[high] - u[low], v[high] - v[low]) > FARTHER

    return _turns(times, redness, REDDER, counts)


def _turns(times: Numbers, course: list[float], least: float, counts: Callable[[int, int], bool]) -> list[float]:
    """The swings of at least so much, by the time at which both their size and their ends were such as count."""
    found: list[float] = []
    low = high = direction = 0
    counted = True
    for at, value in enumerate(course):
        if direction >= 0 and course[high] - value >= least - EXACT:
            direction, low, counted = -1, at, False
        elif direction <= 0 and value - course[low] >= least - EXACT:
            direction, high, counted = 1, at, False
        if direction <= 0 and value < course[low]:
            low = at
        if direction >= 0 and value > course[high]:
            high = at
        if not counted and counts(low, high):
            found.append(float(times[at]))
            counted = True
    return found


def densest(turns: list[float]) -> int:
    """The most of them within any second."""
    most = first = 0
    for last, when in enumerate(turns):
        while turns[first] < when - 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most
