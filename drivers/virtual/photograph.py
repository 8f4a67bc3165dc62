"""A real photograph as the scene in front of a virtual camera, relit by every lamp of the studio.

    photograph --sRGB undone--> linear light --slow shading evened out--> albedo
    disparity (or a presenter's form before a wall) --> depth --> normals           relief.py does the rest

What was photographed was lit once already: shading that is slow across the picture is taken out by half (in stops),
sharp shadows and highlights stay where they are. There are no cast shadows and no mirrors.
"""

from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from drivers.base import Picture
from drivers.errors import DeviceMissing
from drivers.virtual.optics import cv2, smoothed
from drivers.virtual.relief import FLAGGED, WALL, Floats, Point, Relief, SceneMaker
from drivers.virtual.response import RESPONSES

EVENED = 0.5
"""Share of the slow shading, in stops, that is taken out."""
LIMIT = 2.0
"""At most so many times brighter or darker."""
SLOW = 0.17
"""What is wider than this, in picture heights, is shading and not a thing."""
FRONT = 0.6
"""Depth of what is nearest."""
STEEPEST = 2.5
"""Slope at the edge of a thing before another. They are steeper, but a normal of the edge would be no surface's."""
GREY = 0.1323
"""Mean light of the drawn room under ``USUAL``: a photograph is printed as bright, whatever it shows."""
USUAL: tuple[tuple[str, Point, float], ...] = (
    ("key", (-1.5, -0.9, 1.9), 0.7),
    ("fill", (1.8, -0.5, 2.2), 0.4),
    ("back", (0.7, -1.1, -0.8), 0.5),
)
DAY = 0.1
LUMA = np.array([0.0722, 0.7152, 0.2126], np.float32)
"""Blue, green, red (ITU-R BT.709-6)."""

HEAD, TRUNK = (0.0, -0.2, 0.28, 0.36, 0.45), (0.0, 1.0, 0.75, 0.85, 0.5)
"""Middle x and y, half width and height, and how far it stands out, of the presenter's form."""


class PhotoScene(Relief):
    """See the module. ``photograph``: height x width x 3, 8 bit, sRGB, blue first; its middle is cut to the wanted
    shape. ``disparity``: of the same height and width, larger is *nearer* (1 / distance, in any unit); not finite or
    not above 0 where it is unknown. Without one a presenter's form is put before a wall.

    Raises ValueError for arrays of another shape, and for a disparity that is unknown everywhere.
    """

    def __init__(
        self, photograph: Picture, disparity: npt.NDArray[np.floating] | None, width: int, height: int
    ) -> None:
        super().__init__(width, height)
        if photograph.ndim != 3 or photograph.shape[2] != 3 or photograph.dtype != np.uint8:
            raise ValueError(f"a photograph is height x width x 3 of 8 bit, not {photograph.shape} {photograph.dtype}")
        linear = np.asarray(RESPONSES["srgb"].decode(np.arange(256) / 255), np.float32)[self._cut(photograph)]
        self._z = self._form() if disparity is None else self._depth(disparity, photograph.shape[:2])
        along = [np.asarray(np.gradient(self._z, axis=axis)) for axis in (1, 0)]
        slopes = [np.clip(each * (-height / 2), -STEEPEST, STEEPEST) for each in along]
        self._normal = np.stack([*slopes, np.ones_like(self._z)]).astype(np.float32)
        self._normal /= np.sqrt((self._normal**2).sum(axis=0))
        self.figure = np.asarray(self._z > FLAGGED, np.float32)
        self.albedo = self._reflected(linear)

    def _cut(self, picture: npt.NDArray[np.generic], *, smooth: bool = True) -> npt.NDArray[np.generic]:
        """The largest part of the picture's middle that has our shape, at our size."""
        height, width = picture.shape[:2]
        part = min(height / self.height, width / self.width)
        tall, wide = round(self.height * part), round(self.width * part)
        top, left = (height - tall) // 2, (width - wide) // 2
        cut = picture[top : top + tall, left : left + wide]
        lib = cv2()
        way = lib.INTER_NEAREST if not smooth else lib.INTER_AREA if part > 1 else lib.INTER_LINEAR
        resized: npt.NDArray[np.generic] = lib.resize(cut, (self.width, self.height), interpolation=way)
        return resized

    def _depth(self, disparity: npt.NDArray[np.floating], shape: tuple[int, ...]) -> Floats:
        """Depth from the wall to the front, gaps filled from around them."""
        if disparity.shape != shape:
            raise ValueError(f"the disparity has the photograph's height and width {shape}, not {disparity.shape}")
        near = np.asarray(self._cut(disparity, smooth=False), np.float32)
        known = np.isfinite(near) & (near > 0)
        if not known.any():
            raise ValueError("the disparity is unknown everywhere")
        far = 1.0 / np.where(known, near, 1.0)
        nearest, farthest = np.percentile(far[known], (2, 98))
        share = np.clip((far - nearest) / max(farthest - nearest, 1e-9), 0, 1)
        filled = np.where(known, FRONT + share * (WALL - FRONT), 0.0).astype(np.float32)
        weight = known.astype(np.float32)
        wide = 0.01
        while not known.all():  # a gap takes the mean of what is known around it, from ever farther away
            around = smoothed(weight, wide)
            reached = ~known & (around > 0.05)
            filled = np.where(reached, smoothed(filled * weight, wide) / np.maximum(around, 1e-6), filled)
            known, wide = known | reached, 2 * wide
            weight = known.astype(np.float32)
        return smoothed(filled, 0.008)

    def _form(self) -> Floats:
        """A presenter before a wall: two ellipsoids, as soft as clothes."""
        z = np.full((self.height, self.width), WALL, np.float32)
        for x, y, a, b, out in (HEAD, TRUNK):
            inside = 1 - ((self._x - x) / a) ** 2 - ((self._y - y) / b) ** 2
            z = np.where(inside > 0, np.maximum(z, out * np.sqrt(np.maximum(inside, 0)) - 0.2), z).astype(np.float32)
        return smoothed(z, 0.008)

    def _reflected(self, linear: Floats) -> Floats:
        """What the photograph's surfaces reflect, as bright as the drawn room on the whole."""
        luma = linear @ LUMA
        slow = smoothed(luma, SLOW) + 1e-3
        evened = np.clip((float(np.exp(np.log(slow).mean())) / slow) ** EVENED, 1 / LIMIT, LIMIT)
        albedo = (linear * evened[..., None]).reshape(-1, 3)
        light = DAY * self.daylight() + sum(level * self.field(role, place) for role, place, level in USUAL)
        for _ in range(4):  # nothing reflects more than comes, so the brightest parts stay behind
            mean = float(((albedo @ LUMA) * light).mean())
            albedo = np.minimum(albedo * (GREY / max(mean, 1e-6)), 0.95)
        return np.ascontiguousarray(albedo, np.float32)


def photo(photograph: Picture, disparity: npt.NDArray[np.floating] | None = None) -> SceneMaker:
    """For a camera that shall look at this photograph: its scene at any size."""
    return partial(PhotoScene, photograph, disparity)


def load(file: Path) -> SceneMaker:
    """The same from an image file. DeviceMissing when it is not there or no image."""
    lib = cv2()
    picture = lib.imdecode(np.fromfile(file, np.uint8), lib.IMREAD_COLOR) if file.is_file() else None
    if picture is None:
        raise DeviceMissing(f"{file} is no photograph that can be read", "give a JPEG or PNG file")
    return photo(picture)
