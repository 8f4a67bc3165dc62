"""The colours that several emitters make together, and how much of each emitter a colour takes. Pure numbers.

Light adds up in CIE XYZ. Three emitters make every colour of the triangle between them, in one way only. Of more, each
colour is made by the three whose triangle it lies in, and the triangles are those of the Delaunay triangulation in the
CIE 1976 (u′, v′) diagram: neighbours are mixed, so a white emitter carries what is nearly white and the coloured ones
only shift it. That gives the fuller spectrum, and every emitter's share is a continuous function of the colour.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from firmware_profiles.locus import Point, uv

THINNEST = 0.005
"""A triangle less high than this in (u′, v′) is no part of the gamut: within a few steps of a slot one would go from
one end of it to the other."""
INSIDE = -1e-9

Xyz = tuple[float, float, float]
Row = tuple[float, float, float]


@dataclass(frozen=True)
class Emitter:
    """One colour of LED: ``xy`` its chromaticity (CIE 1931), ``light`` its luminous output at full, in any unit that is
    the same for all emitters of one light."""

    name: str
    xy: Point
    light: float

    @property
    def xyz(self) -> Xyz:
        """Its tristimulus values at full."""
        x, y = self.xy
        return self.light * x / y, self.light, self.light * (1 - x - y) / y


def uv_prime(chromaticity: Point) -> Point:
    """CIE 1931 (x, y) → CIE 1976 (u′, v′)."""
    u, v = uv(chromaticity)
    return u, 1.5 * v


@dataclass(frozen=True)
class Triangle:
    """Three emitters of a light, by their places among all; ``rows`` the inverse of the matrix of their XYZ."""

    places: tuple[int, int, int]
    corners: tuple[Point, Point, Point]
    rows: tuple[Row, Row, Row]

    def takes(self, chromaticity: Point) -> tuple[float, float, float]:
        """How much of each of the three makes this colour: shares of their full light for X + Y + Z = 1."""
        x, y = chromaticity
        z = 1 - x - y
        (a, b, c), (d, e, f), (g, h, i) = self.rows
        return a * x + b * y + c * z, d * x + e * y + f * z, g * x + h * y + i * z

    def nearest(self, point: Point) -> tuple[float, Point]:
        """The point of its edges nearest to an (x, y) outside, and how far it is."""
        ends = zip(self.corners, (*self.corners[1:], self.corners[0]), strict=True)
        return min(_on_line(point, one, other) for one, other in ends)


class Gamut:
    """The colours of three or more emitters. Raises ValueError when they lie on one line."""

    def __init__(self, emitters: Sequence[Emitter]) -> None:
        self.emitters = tuple(emitters)
        self.triangles = tuple(_triangles(self.emitters))
        if not self.triangles:
            raise ValueError(
                "the emitters lie on one line of the colour diagram: together they make no area of colours"
            )

    def place(self, chromaticity: Point) -> tuple[Point, Triangle]:
        """The colour, or the nearest one in (x, y) that can be made, and the triangle it lies in."""
        for triangle in self.triangles:
            if min(triangle.takes(chromaticity)) >= INSIDE:
                return chromaticity, triangle
        (_, nearest), at = min((triangle.nearest(chromaticity), at) for at, triangle in enumerate(self.triangles))
        return nearest, self.triangles[at]

    def outside(self, chromaticity: Point) -> float:
        """How far a colour is from the nearest that can be made, in (u′, v′); 0: it can be made."""
        placed, _ = self.place(chromaticity)
        return math.dist(uv_prime(placed), uv_prime(chromaticity)) if placed != chromaticity else 0.0

    def shares(self, chromaticity: Point) -> tuple[list[float], float]:
        """Each emitter's share for one unit of luminance of this colour (or the nearest), and the most luminance it can
        have: there the strongest of the three is at full."""
        (x, y), triangle = self.place(chromaticity)
        taken = [max(0.0, share) / y for share in triangle.takes((x, y))]
        shares = [0.0] * len(self.emitters)
        for place, share in zip(triangle.places, taken, strict=True):
            shares[place] = share
        return shares, 1 / max(taken)

    def steepest(self, full: float) -> float:
        """A bound of what the luminance changes by per unit of way in (x, y) where it is ``full`` at most: the light's
        own unit. Outside the gamut the nearest point moves no faster than the colour asked for.

        Within a triangle the most luminance is L = y/ℓ, ℓ being the linear function of (x, y) that the emitter at full
        takes. So ∂L/∂x = −ℓx·L·W and ∂L/∂y = W·(1 − ℓy·L) with W = L/y = X + Y + Z: largest at the largest L and W.
        """
        steepest = 0.0
        for triangle in self.triangles:
            three = [self.emitters[place] for place in triangle.places]
            for (a, b, c), strongest in zip(triangle.rows, three, strict=True):
                if strongest.light >= full:
                    continue
                light, whole = strongest.light, sum(strongest.xyz)
                for other in sorted(three, key=lambda each: each.xy[1]):  # the most X + Z for its light first
                    if other is not strongest:
                        share = min(1.0, (full - light) / other.light)
                        light, whole = light + share * other.light, whole + share * sum(other.xyz)
                along_y = max(abs(1 - (b - c) * each) for each in (strongest.light, light))
                steepest = max(steepest, whole * math.hypot((a - c) * light, along_y))
        return steepest


def mixed(emitters: Sequence[Emitter], shares: Sequence[float]) -> Xyz:
    """The sum of the emitters' light, each at a share of its full."""
    x = y = z = 0.0
    for emitter, share in zip(emitters, shares, strict=True):
        to_x, to_y, to_z = emitter.xyz
        x, y, z = x + share * to_x, y + share * to_y, z + share * to_z
    return x, y, z


def _triangles(emitters: Sequence[Emitter]) -> Iterator[Triangle]:
    """Delaunay: no other point in the circle through the corners, by lifting the points to a paraboloid.

    The lift differs by less than can be seen from one emitter to the next, so that four on one circle are no tie.
    """
    points = [uv_prime(emitter.xy) for emitter in emitters]
    lifted = [(u, v, u * u + v * v + 1e-9 * at * at) for at, (u, v) in enumerate(points)]
    for places in combinations(range(len(points)), 3):
        one, two, three = (lifted[place] for place in places)
        normal = _cross(_minus(two, one), _minus(three, one))
        longest = max(math.dist(points[a], points[b]) for a, b in combinations(places, 2))
        if abs(normal[2]) < THINNEST * longest:
            continue
        up = normal if normal[2] > 0 else (-normal[0], -normal[1], -normal[2])
        others = (lifted[at] for at in range(len(points)) if at not in places)
        if all(_dot(up, _minus(other, one)) > 0 for other in others):
            a, b, c = (emitters[place] for place in places)
            yield Triangle(places, (a.xy, b.xy, c.xy), _inverse(a.xyz, b.xyz, c.xyz))


def _inverse(one: Xyz, two: Xyz, three: Xyz) -> tuple[Row, Row, Row]:
    whole = _dot(one, _cross(two, three))
    a, b, c = (_cross(two, three), _cross(three, one), _cross(one, two))
    return _scaled(a, whole), _scaled(b, whole), _scaled(c, whole)


def _scaled(row: Xyz, by: float) -> Row:
    return row[0] / by, row[1] / by, row[2] / by


def _minus(one: Xyz, other: Xyz) -> Xyz:
    return one[0] - other[0], one[1] - other[1], one[2] - other[2]


def _cross(one: Xyz, other: Xyz) -> Xyz:
    a, b, c = one
    d, e, f = other
    return b * f - c * e, c * d - a * f, a * e - b * d


def _dot(one: Xyz, other: Xyz) -> float:
    return one[0] * other[0] + one[1] * other[1] + one[2] * other[2]


def _on_line(point: Point, one: Point, other: Point) -> tuple[float, Point]:
    along = other[0] - one[0], other[1] - one[1]
    share = (point[0] - one[0]) * along[0] + (point[1] - one[1]) * along[1]
    share = min(max(share / (along[0] ** 2 + along[1] ** 2), 0.0), 1.0)
    foot = one[0] + share * along[0], one[1] + share * along[1]
    return math.dist(point, foot), foot
