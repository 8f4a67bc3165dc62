"""The colours that several emitters make together, and how much of each emitter a colour takes. Pure numbers.

Light adds up in CIE XYZ. Three emitters make every colour of the triangle between them, in one way only. Of more, each
colour is made by the three whose triangle it lies in, and the triangles are those of the Delaunay triangulation in the
CIE 1976 (u′, v′) diagram: neighbours are mixed, so a white emitter carries what is nearly white and the coloured ones
only shift it. That gives the fuller spectrum, and every emitter's share is a continuous function of the colour.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from firmware_profiles.locus import Point, uv

THINNEST = 0.005
"""A triangle less high than this in (u′, v′) is no part of the gamut: within a few steps of a slot one would go from
one end of it to the other."""
INSIDE = -1e-9
SHORTEST = 1e-9
"""Pieces of a way shorter than this share of it are roundings of one cut."""

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
        return min(_on_line(point, one, other) for one, other in self.edges())

    def edges(self) -> Iterator[tuple[Point, Point]]:
        """Its three edges, by their ends."""
        return zip(self.corners, (*self.corners[1:], self.corners[0]), strict=True)

    def steepest(self, one: Point, other: Point, full: float) -> tuple[float, float]:
        """:meth:`Gamut.steepest_between` of a way that stays in this triangle."""
        taken = list(zip(self.takes(one), self.takes(other), strict=True))
        low, high = one[1], other[1]
        cuts = [_zero(a - c, b - d) for (a, b), (c, d) in combinations(taken, 2)]
        cuts += [_zero(low - full * a, high - full * b) for a, b in taken]
        light = emitter = 0.0
        for begin, end in _pieces(cuts):
            shares = [(a + begin * (b - a), a + end * (b - a)) for a, b in taken]
            most = max(shares, key=sum)
            y = low + begin * (high - low), low + end * (high - low)
            if sum(y) < full * sum(most):
                light = max(light, _steepest(y, most) / full / (end - begin))
                whole = most
            else:
                whole = y[0] / full, y[1] / full
            emitter = max(emitter, max(_steepest(each, whole) for each in shares) / (end - begin))
        return light, emitter


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

    def steepest_between(self, one: Point, other: Point, full: float) -> tuple[float, float]:
        """The steepest place of the way from ``one`` colour straight to ``other``: how fast the luminance changes, as a
        share of ``full``, which it is at most, and any emitter, as a share of its own full; both per whole way.

        Outside the gamut the nearest colours make a way along its edge. Cut where it comes to another triangle or
        another edge, where another emitter becomes the strongest and where ``full`` is reached, the way is pieces on
        which luminance and shares are quotients of linear functions: each is steepest at an end of its piece.
        """
        cuts = []
        for triangle in self.triangles:
            cuts += [_zero(a, b) for a, b in zip(triangle.takes(one), triangle.takes(other), strict=True)]
            for foot, head in triangle.edges():  # between its ends the nearest point moves along, beyond them it stands
                begin, end = _along(one, foot, head), _along(other, foot, head)
                cuts += [_zero(begin, end), _zero(begin - 1, end - 1)]
        light = emitter = 0.0
        for begin, end in _pieces(cuts):
            middle = _between(one, other, (begin + end) / 2)
            placed, triangle = self.place(middle)
            ends = _between(one, other, begin), _between(one, other, end)
            if placed != middle:
                ends = self.place(ends[0])[0], self.place(ends[1])[0]
            steep = triangle.steepest(*ends, full)
            light, emitter = max(light, steep[0] / (end - begin)), max(emitter, steep[1] / (end - begin))
        return light, emitter


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
    foot = _between(one, other, min(max(_along(point, one, other), 0.0), 1.0))
    return math.dist(point, foot), foot


def _along(point: Point, one: Point, other: Point) -> float:
    """Where on a line the point's foot is: 0 at ``one``, 1 at ``other``."""
    along = other[0] - one[0], other[1] - one[1]
    share = (point[0] - one[0]) * along[0] + (point[1] - one[1]) * along[1]
    return share / (along[0] ** 2 + along[1] ** 2)


def _between(one: Point, other: Point, share: float) -> Point:
    return one[0] + share * (other[0] - one[0]), one[1] + share * (other[1] - one[1])


def _zero(begin: float, end: float) -> float:
    """Where what goes straight from one value to another is 0, in shares of the way; it may be off the way."""
    return math.inf if begin == end else begin / (begin - end)


def _pieces(cuts: Iterable[float]) -> Iterator[tuple[float, float]]:
    """The pieces that a way of 1 is cut into."""
    inner = sorted({0.0, 1.0, *(cut for cut in cuts if 0 < cut < 1)})
    return ((begin, end) for begin, end in pairwise(inner) if end - begin > SHORTEST)


def _steepest(part: tuple[float, float], whole: tuple[float, float]) -> float:
    """The largest slope of the quotient of two linear functions, given by their values at 0 and 1."""
    return abs(part[1] * whole[0] - part[0] * whole[1]) / min(whole) ** 2
