"""Flashes in a course of luminance, as a photosensitive viewer sees them. Pure."""

import numpy as np
import numpy.typing as npt

FLASH = 0.1
"""Share of full luminance: opposing changes of so much make a flash (ITU-R BT.1702; WCAG 2.2, 2.3.1)."""


def reversals(times: npt.NDArray[np.float64], level: npt.NDArray[np.float64]) -> list[float]:
    """When a change of at least FLASH, opposed to the one before it, was complete, the darker end below 0.8."""
    found: list[float] = []
    low = high = float(level[0])
    direction = 0
    for when, value in zip(times.tolist(), level.tolist(), strict=True):
        low, high = min(low, value), max(high, value)
        if direction >= 0 and high - value >= FLASH:
            if value < 0.8:
                found.append(when)
            direction, low, high = -1, value, value
        elif direction <= 0 and value - low >= FLASH:
            if low < 0.8:
                found.append(when)
            direction, low, high = 1, value, value
        elif direction == 1:
            low = high = max(high, value) if value >= high else high
            low = min(low, value)
        elif direction == -1:
            high = low = min(low, value) if value <= low else low
            high = max(high, value)
    return found


def densest(turns: list[float]) -> int:
    """The most of them within any second."""
    most = first = 0
    for last, when in enumerate(turns):
        while turns[first] < when - 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most
