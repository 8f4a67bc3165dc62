"""White light: the Planckian locus, and the correlated colour temperature (CCT) of a chromaticity. Pure numbers.

CIE 1931 2° observer. CCT is that of the nearest point of the Planckian locus in the CIE 1960 (u, v) diagram (CIE 15):
every line at a right angle to the locus is of one CCT (Robertson, J. Opt. Soc. Am. 58, 1968); ``Duv`` is the distance,
above the locus (greenish) positive (ANSI C78.377). The locus is Planck's law with c₂ = 0.014388 m·K, here as a table
with a point for each mired (after Ohno, Leukos 10, 2014, who has it finer and looks for the nearest in it). Summed in
steps of 10 nm: against the published values of illuminants A, D50 and D65 within 0.2 mired and 0.0001 in Duv.
"""

import math
from functools import cache
from typing import NamedTuple

_OBSERVER = (
    (0.001368, 0.000039, 0.006450),
    (0.004243, 0.000120, 0.020050),
    (0.014310, 0.000396, 0.067850),
    (0.043510, 0.001210, 0.207400),
    (0.134380, 0.004000, 0.645600),
    (0.283900, 0.011600, 1.385600),
    (0.348280, 0.023000, 1.747060),
    (0.336200, 0.038000, 1.772110),
    (0.290800, 0.060000, 1.669200),
    (0.195360, 0.090980, 1.287640),
    (0.095640, 0.139020, 0.812950),
    (0.032010, 0.208020, 0.465180),
    (0.004900, 0.323000, 0.272000),
    (0.009300, 0.503000, 0.158200),
    (0.063270, 0.710000, 0.078250),
    (0.165500, 0.862000, 0.042160),
    (0.290400, 0.954000, 0.020300),
    (0.433450, 0.994950, 0.008750),
    (0.594500, 0.995000, 0.003900),
    (0.762100, 0.952000, 0.002100),
    (0.916300, 0.870000, 0.001650),
    (1.026300, 0.757000, 0.001100),
    (1.062200, 0.631000, 0.000800),
    (1.002600, 0.503000, 0.000340),
    (0.854450, 0.381000, 0.000190),
    (0.642400, 0.265000, 0.000050),
    (0.447900, 0.175000, 0.000020),
    (0.283500, 0.107000, 0.0),
    (0.164900, 0.061000, 0.0),
    (0.087400, 0.032000, 0.0),
    (0.046770, 0.017000, 0.0),
    (0.022700, 0.008210, 0.0),
    (0.011359, 0.004102, 0.0),
    (0.005790, 0.002091, 0.0),
    (0.002899, 0.001047, 0.0),
    (0.001440, 0.000520, 0.0),
    (0.000690, 0.000249, 0.0),
    (0.000332, 0.000120, 0.0),
    (0.000166, 0.000060, 0.0),
    (0.000083, 0.000030, 0.0),
    (0.000042, 0.000015, 0.0),
)
"""Colour-matching functions at 380, 390 … 780 nm (ISO/CIE 11664-1, abridged)."""
_C2 = 1.4388e7
"""Second radiation constant in nm·K, as CIE 15 takes it."""
_FIRST, _LAST = 40, 1000
"""The table's ends in mired (10⁶/K)."""

Point = tuple[float, float]
"""A chromaticity, in whichever diagram is said: (x, y), (u, v) or (u′, v′)."""


class Bearing(NamedTuple):
    """A point of the locus in (u, v), and the direction in which it goes on (towards warm), of length 1."""

    u: float
    v: float
    along_u: float
    along_v: float


def uv(xy: Point) -> Point:
    """CIE 1931 (x, y) → CIE 1960 (u, v)."""
    x, y = xy
    whole = -2 * x + 12 * y + 3
    return 4 * x / whole, 6 * y / whole


def xy(point: Point) -> Point:
    """CIE 1960 (u, v) → CIE 1931 (x, y)."""
    u, v = point
    whole = 2 * u - 8 * v + 4
    return 3 * u / whole, 2 * v / whole


def rec709(xy: Point) -> tuple[float, float, float]:
    """CIE 1931 (x, y) → linear red, green and blue of luminance 1 (ITU-R BT.709); negative: out of a screen's reach."""
    x, y = xy[0], max(xy[1], 1e-3)
    big_x, big_z = x / y, (1 - x - y) / y
    return (
        3.2406 * big_x - 1.5372 - 0.4986 * big_z,
        -0.9689 * big_x + 1.8758 + 0.0415 * big_z,
        0.0557 * big_x - 0.2040 + 1.0570 * big_z,
    )


def white(kelvin: float, duv: float = 0.0) -> Point:
    """The (x, y) of a colour temperature within 1000…25000 K, off the locus by ``duv``."""
    point = bearing(1e6 / kelvin)
    # Towards warm u grows; a quarter turn to the left of that is above the locus: green.
    return xy((point.u - duv * point.along_v, point.v + duv * point.along_u))


def temperature(chromaticity: Point) -> tuple[float, float]:
    """The CCT in kelvin and the Duv of an (x, y). Beyond 1000…25000 K it is the nearer end."""
    u, v = uv(chromaticity)
    table = _locus()
    # Coarse first: far off the locus a line can be of two temperatures, and only the nearest counts.
    near = min(range(0, len(table), 8), key=lambda at: math.hypot(table[at].u - u, table[at].v - v)) + _FIRST
    low, high = max(near - 8.0, _FIRST), min(near + 8.0, _LAST)
    for _ in range(30):
        middle = (low + high) / 2
        point = bearing(middle)
        if (u - point.u) * point.along_u + (v - point.v) * point.along_v > 0:
            low = middle
        else:
            high = middle
    point = bearing((low + high) / 2)
    duv = (v - point.v) * point.along_u - (u - point.u) * point.along_v
    return 2e6 / (low + high), duv


def bearing(mired: float) -> Bearing:
    """The point of the locus at a reciprocal temperature."""
    table = _locus()
    place = min(max(mired - _FIRST, 0.0), _LAST - _FIRST - 1e-9)
    at = int(place)
    share = place - at
    one, other = table[at], table[at + 1]
    return Bearing(
        one.u + share * (other.u - one.u),
        one.v + share * (other.v - one.v),
        one.along_u + share * (other.along_u - one.along_u),
        one.along_v + share * (other.along_v - one.along_v),
    )


@cache
def _locus() -> tuple[Bearing, ...]:
    points = [_planck(1e6 / mired) for mired in range(_FIRST - 1, _LAST + 2)]
    table = []
    for before, (u, v), after in zip(points, points[1:], points[2:], strict=False):
        du, dv = after[0] - before[0], after[1] - before[1]
        length = math.hypot(du, dv)
        table.append(Bearing(u, v, du / length, dv / length))
    return tuple(table)


def _planck(kelvin: float) -> Point:
    sum_u = sum_v = whole = 0.0
    for over_kelvin, to_u, to_v, to_whole in _weights():
        power = 1 / math.expm1(over_kelvin / kelvin)
        sum_u, sum_v, whole = sum_u + power * to_u, sum_v + power * to_v, whole + power * to_whole
    return sum_u / whole, sum_v / whole


@cache
def _weights() -> tuple[tuple[float, float, float, float], ...]:
    """Per wavelength: what stands over the temperature in Planck's law, its parts of u and v, and their denominator."""
    rows = []
    for step, (x, y, z) in enumerate(_OBSERVER):
        wavelength = 380 + 10 * step
        power = (wavelength / 560) ** -5
        rows.append((_C2 / wavelength, power * 4 * x, power * 6 * y, power * (x + 15 * y + 3 * z)))
    return tuple(rows)
