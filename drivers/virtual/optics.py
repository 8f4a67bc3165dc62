"""What stands between the scene and the sensor: focus, and what moves. Light in, light out; a function of time.

Everything is off at first and then costs nothing. Lengths are shares of the picture's height.
"""

import math
import os
from typing import Any

import numpy as np

from drivers.virtual.relief import Floats

SWAY_HERTZ = (0.23, 0.61)
"""How often a presenter leans and nods."""
SHAKE_HERTZ = (3.1, 7.3, 11.9)
"""A tripod on a floor people walk on."""
AROUND = 0.06
"""How far around the presenter the picture gives way."""


def cv2() -> Any:
    """OpenCV on one thread, imported when it is first needed."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    import cv2 as library

    library.setNumThreads(1)
    return library


def smoothed(values: Floats, wide: float) -> Floats:
    """With a Gaussian of that standard deviation, in picture heights."""
    lib, (height, width) = cv2(), values.shape[:2]
    sigma = max(wide * height, 0.1)
    step = max(1, int(sigma // 4))  # a smooth picture needs no more pixels
    size = (max(1, width // step), max(1, height // step))
    small = values if step == 1 else lib.resize(values, size, interpolation=lib.INTER_AREA)
    soft: Floats = lib.GaussianBlur(small, (0, 0), sigma / step)
    if step > 1:
        soft = lib.resize(soft, (width, height))
    return soft


class Optics:
    """One camera's lens and tripod. ``blur``: standard deviation of a point. ``shift``: how far right and down the
    picture has moved for good. ``shake`` and ``sway``: standard deviation of the camera's and the presenter's
    movement."""

    def __init__(self, seed: int = 0) -> None:
        self.blur = 0.0
        self.shift = (0.0, 0.0)
        self.shake = 0.0
        self.sway = 0.0
        self._phases = np.random.default_rng([seed, 77]).random(2 * len(SHAKE_HERTZ)).tolist()
        self._figure: tuple[Floats, Floats] | None = None
        """The scene's figure, and the same with soft edges."""

    def offset(self, now: float) -> tuple[float, float]:
        """How far right and down the picture lies from where it was meant to."""
        right, down = self.shift
        if self.shake:
            right += self.shake * _wave(now, SHAKE_HERTZ, self._phases[: len(SHAKE_HERTZ)])
            down += self.shake * _wave(now, SHAKE_HERTZ, self._phases[len(SHAKE_HERTZ) :])
        return right, down

    @property
    def still(self) -> bool:
        """Nothing has moved or moves."""
        return self.shift == (0.0, 0.0) and not self.shake and not self.sway

    def focused(self, light: Floats, blur: float) -> Floats:
        """Out of focus by ``blur`` more (height x width x 3)."""
        wide = math.hypot(self.blur, blur)
        return smoothed(light, wide) if wide * light.shape[0] > 0.3 else light

    def moved(self, light: Floats, figure: Floats, now: float) -> Floats:
        """Where everything is at that time. The presenter moves as a whole, what is around gives way like rubber."""
        if self.still:
            return light
        height, width = light.shape[:2]
        right, down = (share * height for share in self.offset(now))
        lib = cv2()
        if not self.sway:
            matrix = np.array([[1, 0, right], [0, 1, down]], np.float64)
            whole: Floats = lib.warpAffine(
                light, matrix, (width, height), flags=lib.INTER_LINEAR, borderMode=lib.BORDER_REPLICATE
            )
            return whole
        if self._figure is None or self._figure[0] is not figure:
            wide = round(2 * AROUND * height) | 1
            grown = lib.dilate(figure, lib.getStructuringElement(lib.MORPH_ELLIPSE, (wide, wide)))
            self._figure = (figure, smoothed(grown, AROUND / 2))
        soft = self._figure[1]
        side = self.sway * height * _wave(now, SWAY_HERTZ, self._phases)
        nod = 0.4 * self.sway * height * _wave(now, SWAY_HERTZ, self._phases[2:])
        x = np.arange(width, dtype=np.float32) - np.float32(right) - soft * np.float32(side)
        y = np.arange(height, dtype=np.float32)[:, None] - np.float32(down) - soft * np.float32(nod)
        parts: Floats = lib.remap(light, x, y, lib.INTER_LINEAR, borderMode=lib.BORDER_REPLICATE)
        return parts


def _wave(now: float, hertz: tuple[float, ...], phases: list[float]) -> float:
    """A movement of standard deviation 1."""
    turns = (math.sin(2 * math.pi * (each * now + phase)) for each, phase in zip(hertz, phases, strict=False))
    return sum(turns) * math.sqrt(2 / len(hertz))
