"""What a camera's picture is made of, before any lamp is on: surfaces that reflect and a form that catches light.

    picture = albedo x sum over lamps(colour of the lamp x its field)        linear light, so lamps simply add up

A field is one lamp's light at full on every pixel: from where the lamp stands, falling off with the square of the
distance, wrapping around edges as far as its diffuser does.
Coordinates: x right, y *down*, z to the camera, in half picture heights around the picture's middle.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Rgb = tuple[float, float, float]
Point = tuple[float, float, float]

STRENGTH = {"key": 1.0, "fill": 0.5, "back": 0.9, "practical": 0.28}
"""Light on a surface that faces the lamp at the presenter's place, per role, at full level."""
WRAP = {"key": 0.35, "fill": 0.6, "back": 0.1, "practical": 0.5}
"""How far a lamp's light reaches around an edge: the size of its diffuser."""
WALL = -1.2
"""Depth of what is behind everything."""
FLAGGED = -0.5
"""What lies deeper is background: back lights are flagged off it."""


class Relief:
    """Surfaces of a picture size, dark and flat until a subclass shapes them. ``albedo``: what each pixel reflects,
    (height * width) x 3, blue first as in pictures. ``figure``: height x width, 1 where the presenter is."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        self._x = (x - (width - 1) / 2) / (height / 2)
        self._y = (y - (height - 1) / 2) / (height / 2)
        self._z = np.zeros((height, width), np.float32)
        self._normal = np.zeros((3, height, width), np.float32)
        self._glow = np.zeros((height, width), np.float32)
        """Light of its own, in shares of the nearest practical lamp's."""
        self.albedo: Floats = np.zeros((height * width, 3), np.float32)
        self.figure: Floats = np.zeros((height, width), np.float32)

    def field(self, role: str, place: Point) -> Floats:
        """The light of one lamp at full on every pixel; 1 = on a presenter who looks straight into a key light."""
        dx, dy, dz = place[0] - self._x, place[1] - self._y, place[2] - self._z
        square = dx * dx + dy * dy + dz * dz
        nx, ny, nz = self._normal
        wrap = WRAP[role]
        facing = (nx * dx + ny * dy + nz * dz) / np.sqrt(square)
        light = np.maximum(0, facing + wrap) / (1 + wrap)
        # From afar the square law; close by a lamp has a size and does not burn a hole into the wall.
        reach = place[0] ** 2 + place[1] ** 2 + (place[2] - 0.2) ** 2 if role != "practical" else 0.5
        light *= STRENGTH[role] * reach / (square + 0.15)
        if role == "back":
            light *= np.where(self._z > FLAGGED, 1.0, 0.08)  # it is flagged off the wall behind it
        elif role == "practical":
            near = np.exp(-square)
            light += STRENGTH[role] * self._glow * near
        light += 0.03 * STRENGTH[role]  # what the room sends back
        return np.ascontiguousarray(light.ravel(), dtype=np.float32)

    def daylight(self) -> Floats:
        """The same for the window, a large soft light from the left."""
        nx, ny, nz = self._normal
        light = 0.35 + 0.65 * np.maximum(0, 0.3 + 0.7 * (-0.75 * nx - 0.25 * ny + 0.6 * nz))
        light *= 1.0 - 0.18 * self._x
        return np.ascontiguousarray(light.ravel(), dtype=np.float32)


SceneMaker = Callable[[int, int], Relief]
"""Width and height in pixels to a scene of that size."""
