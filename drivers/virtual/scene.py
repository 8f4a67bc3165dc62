"""The room the virtual cameras look at: drawn once, then lit by every lamp on its own.

    shapes, back to front --> albedo, normals, depth --> relief.py

A drawing, not a photograph: a presenter behind a desk with a product, a wall with shelves, a lamp on a sideboard.
Coordinates: x right, y *down*, z to the camera, in half picture heights around the picture's middle.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from drivers.virtual.relief import WALL, Floats, Relief, Rgb

Drawn = npt.NDArray[np.floating]
"""float32 as well, but numpy's type stubs (2.5) lose that in arithmetic with a plain float."""
Surface = Callable[[Floats, Floats], tuple[Drawn, Drawn, Drawn, Drawn]]
"""(x, y) of some pixels -> how far inside the shape they are (in heights), and the surface normal's x, y, z."""


def ellipsoid(x0: float, y0: float, a: float, b: float, power: float = 2.0) -> Surface:
    """A round body; ``power`` > 2 makes it boxier."""

    def at(x: Floats, y: Floats) -> tuple[Drawn, Drawn, Drawn, Drawn]:
        u, v = (x - x0) / a, (y - y0) / b
        radius = (np.abs(u) ** power + np.abs(v) ** power) ** (1 / power)
        nz = np.sqrt(np.clip(1 - radius**2, 0.0, 1.0))
        return (1 - radius) * min(a, b), u / a * min(a, b), v / b * min(a, b), nz

    return at


def block(x0: float, y0: float, a: float, b: float, corner: float = 0.01, tilt: float = 0.0) -> Surface:
    """A flat rectangle with rounded corners facing the camera; ``tilt`` > 0 turns it up towards the ceiling."""

    def at(x: Floats, y: Floats) -> tuple[Drawn, Drawn, Drawn, Drawn]:
        dx, dy = np.abs(x - x0) - (a - corner), np.abs(y - y0) - (b - corner)
        outside = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0)) + np.minimum(np.maximum(dx, dy), 0)
        flat = np.zeros_like(x)
        return corner - outside, flat, flat - tilt, flat + math.sqrt(max(0.0, 1 - tilt * tilt))

    return at


def column(x0: float, y0: float, a: float, b: float, taper: float = 0.0) -> Surface:
    """An upright cylinder, or with ``taper`` a cone that is narrower at the top."""

    def at(x: Floats, y: Floats) -> tuple[Drawn, Drawn, Drawn, Drawn]:
        width = a * (1 + taper * (y - y0) / b)
        u = (x - x0) / width
        nz = np.sqrt(np.clip(1 - u**2, 0.0, 1.0))
        return np.minimum(width - np.abs(x - x0), b - np.abs(y - y0)), u, np.zeros_like(x), nz

    return at


@dataclass(frozen=True, slots=True)
class Shape:
    """One thing of the room: its surface, colour, depth, and its box on the picture (left, top, right, bottom)."""

    surface: Surface
    colour: Rgb
    depth: float
    box: tuple[float, float, float, float]
    soft: float = 0.0
    """Width of its edge beyond one pixel (hair, shadows)."""
    glow: float = 0.0
    """Light of its own, in shares of the nearest practical lamp's."""
    cover: float = 1.0
    """Opacity."""
    figure: float = 0.0
    """1: it moves with the presenter."""


def _round(
    x: float, y: float, a: float, b: float, colour: Rgb, z: float, power: float = 2.0, soft: float = 0.0
) -> Shape:
    return Shape(ellipsoid(x, y, a, b, power), colour, z, _box(x, y, a, b), soft)


def _block(
    x: float, y: float, a: float, b: float, colour: Rgb, z: float, corner: float = 0.01, tilt: float = 0.0
) -> Shape:
    return Shape(block(x, y, a, b, corner, tilt), colour, z, _box(x, y, a, b))


def _box(x: float, y: float, a: float, b: float) -> tuple[float, float, float, float]:
    return x - a - 0.03, y - b - 0.03, x + a + 0.03, y + b + 0.03


SKIN: Rgb = (0.56, 0.36, 0.27)
HAIR: Rgb = (0.05, 0.035, 0.03)
JACKET: Rgb = (0.06, 0.13, 0.20)
SHIRT: Rgb = (0.62, 0.62, 0.60)
OAK: Rgb = (0.36, 0.22, 0.12)
BOOKS: tuple[Rgb, ...] = (
    (0.42, 0.10, 0.08),
    (0.10, 0.22, 0.32),
    (0.55, 0.46, 0.28),
    (0.12, 0.25, 0.16),
    (0.50, 0.50, 0.48),
    (0.30, 0.14, 0.24),
)


def _shelf(x: float, y: float, width: float) -> list[Shape]:
    """A board with books and a pot on it."""
    shapes = [_block(x, y, width, 0.018, OAK, WALL + 0.15, 0.004)]
    left = x - width + 0.05
    for index in range(9):
        tall, thick = 0.11 + 0.022 * (index * 5 % 4), 0.018 + 0.005 * (index * 3 % 3)
        shapes.append(_block(left + thick, y - 0.018 - tall, thick, tall, BOOKS[index * 5 % 6], WALL + 0.18, 0.004))
        left += 2 * thick + 0.004
    shapes.append(
        Shape(
            column(x + width - 0.13, y - 0.075, 0.06, 0.06, -0.15),
            (0.55, 0.50, 0.45),
            WALL + 0.2,
            _box(x + width - 0.13, y - 0.07, 0.08, 0.08),
        )
    )
    shapes += [
        _round(x + width - 0.13 + dx, y - 0.2 + dy, 0.03, 0.085, (0.07, 0.20, 0.07), WALL + 0.2)
        for dx, dy in ((-0.05, 0.01), (0.0, -0.03), (0.05, 0.0), (-0.02, 0.03), (0.025, 0.025))
    ]
    return shapes


def _presenter() -> list[Shape]:
    eyes = [
        shape
        for side in (-1, 1)
        for shape in (
            _round(0.115 * side, -0.26, 0.045, 0.02, (0.62, 0.60, 0.58), 0.3),
            _round(0.115 * side, -0.26, 0.02, 0.02, (0.05, 0.03, 0.02), 0.3),
            Shape(
                ellipsoid(0.115 * side, -0.325, 0.06, 0.011),
                HAIR,
                0.3,
                _box(0.115 * side, -0.325, 0.06, 0.02),
                0.008,
                cover=0.8,
            ),
            _round(0.285 * side, -0.22, 0.035, 0.075, (0.50, 0.30, 0.23), 0.05),
        )
    ]
    ears, face = eyes[3::4], [shape for index, shape in enumerate(eyes) if index % 4 != 3]
    return [
        _round(0.0, -0.40, 0.285, 0.30, HAIR, 0.0, 2.2),
        _round(0.0, 1.05, 0.74, 0.86, JACKET, -0.05, 2.7),
        _round(0.0, 0.20, 0.135, 0.26, (0.48, 0.30, 0.22), 0.0),
        _block(0.0, 0.50, 0.13, 0.22, SHIRT, 0.06, 0.09),
        _round(-0.21, 0.66, 0.15, 0.46, JACKET, 0.1, 2.2),
        _round(0.21, 0.66, 0.15, 0.46, JACKET, 0.1, 2.2),
        _block(0.0, 0.62, 0.022, 0.30, (0.30, 0.05, 0.05), 0.12, 0.015),
        *ears,
        _round(0.0, -0.21, 0.275, 0.355, SKIN, 0.2, 2.1),
        Shape(ellipsoid(0.0, -0.53, 0.295, 0.17, 2.2), HAIR, 0.2, _box(0.0, -0.55, 0.31, 0.16), 0.008),
        *face,
        _round(0.0, -0.16, 0.038, 0.075, (0.58, 0.37, 0.28), 0.35, 2.0, 0.03),
        Shape(
            ellipsoid(0.0, -0.10, 0.05, 0.016), (0.42, 0.22, 0.17), 0.35, _box(0.0, -0.10, 0.06, 0.02), 0.012, cover=0.7
        ),
        _round(0.0, -0.005, 0.10, 0.032, (0.46, 0.15, 0.13), 0.3, 2.0, 0.006),
        Shape(ellipsoid(0.0, -0.03, 0.12, 0.03), SKIN, 0.3, _box(0.0, -0.03, 0.13, 0.04), 0.008, cover=0.98),  # a smile
    ]


def room() -> list[Shape]:
    """Everything there is, back to front."""
    panels = [
        _block(-1.7 + 0.34 * index, -0.3, 0.155, 1.2, (0.21, 0.235, 0.26), WALL + 0.02, 0.01) for index in range(11)
    ]
    lamp_x = 1.34
    return [
        _block(0.0, 0.0, 3.0, 2.0, (0.15, 0.17, 0.19), WALL),
        *panels,
        *_shelf(-1.25, -0.28, 0.42),
        *_shelf(-1.25, 0.26, 0.42),
        Shape(
            ellipsoid(0.42, -0.10, 0.36, 0.50), (0.02, 0.02, 0.02), WALL + 0.03, (0.0, -0.7, 0.9, 0.6), 0.2, cover=0.4
        ),
        _block(lamp_x, 0.55, 0.36, 0.24, OAK, WALL + 0.3, 0.01),
        Shape(column(lamp_x, 0.18, 0.018, 0.16), (0.45, 0.36, 0.2), WALL + 0.35, _box(lamp_x, 0.18, 0.02, 0.16)),
        Shape(
            column(lamp_x, -0.12, 0.13, 0.15, 0.3),
            (0.75, 0.62, 0.45),
            WALL + 0.35,
            _box(lamp_x, -0.12, 0.18, 0.15),
            glow=6.0,
        ),
        *(replace(shape, figure=1.0) for shape in _presenter()),
        _block(0.0, 0.88, 3.0, 0.12, (0.40, 0.26, 0.15), 0.6, 0.0, 0.75),
        _block(0.0, 1.01, 3.0, 0.06, (0.16, 0.10, 0.06), 0.7, 0.0),
        Shape(ellipsoid(0.74, 0.87, 0.20, 0.035), (0.03, 0.02, 0.015), 0.65, (0.5, 0.8, 1.0, 0.95), 0.03, cover=0.6),
        Shape(column(0.66, 0.68, 0.10, 0.19), (0.62, 0.30, 0.12), 0.7, _box(0.66, 0.68, 0.1, 0.19)),
        Shape(column(0.66, 0.69, 0.101, 0.08), (0.66, 0.64, 0.58), 0.7, _box(0.66, 0.69, 0.1, 0.08)),
        Shape(column(0.66, 0.455, 0.045, 0.05), (0.05, 0.05, 0.055), 0.7, _box(0.66, 0.455, 0.05, 0.05)),
        _block(-0.72, 0.80, 0.17, 0.012, (0.55, 0.55, 0.56), 0.7, 0.005),
        _block(-0.72, 0.64, 0.21, 0.145, (0.05, 0.05, 0.055), 0.65, 0.012, 0.12),
    ]


class Scene(Relief):
    """The room at a picture size."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__(width, height)
        albedo = np.zeros((3, height, width), np.float32)
        for shape in room():
            self._draw(shape, albedo)
        self._normal /= np.maximum(np.sqrt((self._normal**2).sum(axis=0)), 1e-3)
        self.albedo: Floats = np.ascontiguousarray(albedo[::-1].reshape(3, -1).T)

    def _draw(self, shape: Shape, albedo: Floats) -> None:
        half = self.height / 2
        left, top, right, bottom = shape.box
        rows = slice(max(0, int((top + 1) * half)), max(0, math.ceil((bottom + 1) * half)))
        middle = self.width / 2
        columns = slice(max(0, int(left * half + middle)), max(0, math.ceil(right * half + middle)))
        x, y = self._x[rows, columns], self._y[rows, columns]
        inside, nx, ny, nz = shape.surface(x, y)
        edge = shape.soft + 1.0 / half
        cover = np.clip(inside / edge + 0.5, 0, 1) * shape.cover
        for plane, value in zip(albedo, shape.colour, strict=True):
            plane[rows, columns] += cover * (value - plane[rows, columns])
        self.figure[rows, columns] += cover * (shape.figure - self.figure[rows, columns])
        self._glow[rows, columns] += cover * (shape.glow - self._glow[rows, columns])
        if shape.cover < 1:
            return  # a stain or a shadow takes the form of what it lies on
        for plane, part in zip(self._normal, (nx, ny, nz), strict=True):
            plane[rows, columns] += cover * (part - plane[rows, columns])
        self._z[rows, columns] += cover * (shape.depth - self._z[rows, columns])
