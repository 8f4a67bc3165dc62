"""The light of the metering zones in all three colours, and its white. Pure: arrays in, numbers out."""

import math

import numpy as np
import numpy.typing as npt

from drivers.base import Picture
from drivers.camera.metrics import COLUMNS, ROWS, SRGB, correlated_temperature

Floats = npt.NDArray[np.float32]

DARKEST = 1e-4
"""Linear light below which a zone has no colour to speak of."""
BRIGHTEST = 0.85
"""Linear light above which parts of a zone are clipped, so that its colour is wrong."""


def channels(points: Picture, curve: Floats = SRGB) -> Floats:
    """3 x ROWS x COLUMNS linear means (blue, green, red) of ``metrics.points``."""
    _, rows, columns = points.shape
    down, right = np.arange(ROWS + 1) * rows // ROWS, np.arange(COLUMNS + 1) * columns // COLUMNS
    linear = curve.take(points)
    sums = np.add.reduceat(np.add.reduceat(linear, down[:-1], axis=1), right[:-1], axis=2)
    means: Floats = sums / (np.diff(down)[:, None] * np.diff(right)).astype(np.float32)
    return means


def logs(light: Floats) -> Floats:
    """log2 of linear light; NaN where it is too dark or clipped to be compared."""
    usable = (light > DARKEST) & (light < BRIGHTEST)
    found: Floats = np.log2(np.where(usable, light, np.nan), dtype=np.float32)
    return found


def white(rgb: tuple[float, float, float]) -> tuple[float, float]:
    """Mired and Duv (above the locus, greenish: positive) of linear Rec.709 light; NaN for black.

    Duv by Ohno, "Practical use and calculation of CCT and Duv" (Leukos 10, 2014), eq. 4...7: within 0.0002.
    """
    r, g, b = rgb
    big_x = 0.4124 * r + 0.3576 * g + 0.1805 * b
    big_y = 0.2126 * r + 0.7152 * g + 0.0722 * b
    big_z = 0.0193 * r + 0.1192 * g + 0.9505 * b
    low = big_x + 15 * big_y + 3 * big_z
    if low <= 1e-6:
        return math.nan, math.nan
    u, v = 4 * big_x / low - 0.292, 6 * big_y / low - 0.24
    a = math.atan2(v, u)
    locus = 0.0
    for factor in (-0.00616793, 0.0893944, -0.5179722, 1.5317403, -2.4243787, 1.925865, -0.471106):
        locus = locus * a + factor
    return 1e6 / correlated_temperature(rgb), math.hypot(u, v) - locus
