"""The white balance of a light: reciprocal colour temperature and the distance from white light. Pure numbers.

The nearest point of the Planckian locus in the CIE 1960 (u, v) diagram (CIE 15; Robertson 1968; Ohno 2014), found in
the table of :mod:`firmware_profiles.locus`, which has a point for each mired: the nearest point, then along the
tangent there. From 2000 to 10 000 K within 0.2 mired of Krystek's closed form (1985) on the locus, within 0.9 mired at
|Duv| 0.02, and within 0.0002 of its Duv.
"""

import math
from bisect import bisect_left
from functools import cache

import numpy as np
import numpy.typing as npt

from firmware_profiles.locus import bearing, uv

WARMEST, COLDEST = 1000, 40
"""Ends of the locus in mired (10^6 / K): 1000 and 25 000 K. What lies beyond is told as the nearer end."""

XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
"""Linear Rec.709 red, green, blue to CIE 1931 X, Y, Z (IEC 61966-2-1)."""

NEAR = 0.03
"""Distance in (u, v) within which no two tangents of the locus contradict each other."""
NAN = float("nan")


def white_balance(rgb: tuple[float, float, float]) -> tuple[float, float]:
    """Mired and Duv of linear Rec.709 light. Duv: distance in (u, v) from the locus, *above it (greenish) positive*.

    Black has neither: NaN. Beyond |Duv| 0.05 (a coloured light) the mired mean little (CIE 15).
    """
    x, y, z = (a * rgb[0] + b * rgb[1] + c * rgb[2] for a, b, c in XYZ)
    total = x + y + z
    if not total > 1e-6:
        return NAN, NAN
    u, v = uv((x / total, y / total))
    at = _nearest(u, v)
    point_u, point_v, along_u, along_v, pace = _points()[at]
    right = (u - point_u) * along_u + (v - point_v) * along_v
    mired = min(float(WARMEST), max(float(COLDEST), COLDEST + at + right / pace))
    return mired, (v - point_v) * along_u - (u - point_u) * along_v


def correlated_temperature(rgb: tuple[float, float, float]) -> float:
    """Colour temperature in kelvin of linear Rec.709 light, 1000...25 000; NaN for black."""
    return 1e6 / white_balance(rgb)[0]


def _nearest(u: float, v: float) -> int:
    """Which point of the locus is the nearest. Near the locus the tangents tell on which side of a point it lies: ten
    points are asked instead of all. Far off, where tangents may contradict each other, all are."""
    points = _points()

    def passed(at: int) -> bool:
        point_u, point_v, along_u, along_v, _ = points[at]
        return (u - point_u) * along_u + (v - point_v) * along_v <= 0

    def far(at: int) -> float:
        return math.hypot(u - points[at][0], v - points[at][1])

    after = bisect_left(range(len(points)), True, key=passed)
    at = min((max(0, after - 1), min(after, len(points) - 1)), key=far)
    if far(at) < NEAR:
        return at
    us, vs = _table()[:2]
    return int(((u - us) ** 2 + (v - vs) ** 2).argmin())


@cache
def _points() -> list[tuple[float, ...]]:
    return [tuple(point) for point in _table().T.tolist()]


@cache
def _table() -> npt.NDArray[np.float64]:
    """u, v, direction in u and in v, length per mired: of each whole mired from COLDEST to WARMEST."""
    points = np.array([bearing(float(mired)) for mired in range(COLDEST, WARMEST + 1)]).T
    pace = np.hypot(np.gradient(points[0]), np.gradient(points[1]))
    return np.vstack([points, pace])
