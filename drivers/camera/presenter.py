"""Where the presenter is: the face cascade that comes with OpenCV 4, once or twice a second, and a box kept still.

    picture --every n-th pixel, grey, 640 wide--> Detector.faces() --boxes--> follow() --Presenter--> box, zones_of()
                                                       ^                                     |
                                                       '----------- near its box ------------'

Haar cascade after Viola and Jones (CVPR 2001). It finds upright faces that look at the camera, from -4 to +1.5 stops of
the right exposure; it misses one in twenty and now and then takes something else for a face. So a face must be found
twice at about one place before it counts, the box follows slowly, and it is held for ``HOLD`` seconds after the face
was last found. OpenCV 5 has neither the class nor the file: :func:`detector` then is None, and ``MISSING`` says it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from config.units import Text
from drivers.base import Picture
from drivers.camera.curves import Floats
from drivers.camera.points import COLUMNS, ROWS, Box, Mask, three

PERIOD = 0.6
"""Seconds between two looks while there is a face: near it, which costs a few milliseconds."""
SEARCH_PERIOD = 5.0
"""Seconds between two looks over the whole picture, 40...240 ms each, while there is none: 1...5 % of a core."""
HOLD = 5.0
"""Seconds without a face until the presenter is gone."""
CONFIRM_WITHIN = 2.5
"""Seconds within which a new face must be found again at its place."""
FOLLOW = 0.35
"""Share of the way to the newly found box that the box goes."""
STILL = 0.06
"""A box that moved by less than this share of its width stays where it is: the cascade itself jitters by so much."""
SAME_PLACE = 0.25
"""Overlap (intersection over union) from which two boxes are of one face."""

WIDTH = 640
SMALLEST = 1 / 10
"""Of the picture's height: a smaller face is nobody who presents."""
GROWTH = 1.1
"""From one size of faces to the next."""
NEIGHBOURS = 4
"""How many times a face must be found at nearly the same place and size in one picture."""
FILE = "haarcascade_frontalface_alt2.xml"

MISSING = Text(
    "No presenter detection: this OpenCV has no face cascade (OpenCV 4 has). Reference zones and whole picture only.",
    "无法检测主持人：此 OpenCV 版本不含人脸级联（OpenCV 4 含有）。仅使用参考区域和整个画面。",
)


class Detector:
    """Faces of single pictures. Not for two threads at once."""

    def __init__(self, cascade: Any, opencv: Any) -> None:
        self._cascade = cascade
        self._opencv = opencv

    def faces(self, pixels: Picture, near: Box | None = None) -> list[Box]:
        """Boxes in the picture's own pixels. ``near``: look there first, and elsewhere only when nothing is there.

        Raises ValueError for what is no picture (see points.py).
        """
        whole = three(pixels)
        step = max(1, round(whole.shape[1] / WIDTH))
        # Points, not means: faster, and as good. No equalised contrast: that lost every third face.
        small = np.ascontiguousarray(whole[step // 2 :: step, step // 2 :: step])
        grey = self._opencv.cvtColor(small, self._opencv.COLOR_BGR2GRAY)
        found: list[Box] = []
        if near is not None:
            left, top, wide, high = (side // step for side in near)
            x, y = max(0, left - wide // 2), max(0, top - high // 2)
            part = grey[y : max(0, top + high + high // 2), x : max(0, left + wide + wide // 2)]
            found = [(x + a, y + b, w, h) for a, b, w, h in self._search(part, wide * 0.7, wide * 1.5)]
        if not found:
            found = self._search(grey, max(24, grey.shape[0] * SMALLEST), grey.shape[0])
        return [(x * step, y * step, w * step, h * step) for x, y, w, h in found]

    def _search(self, grey: Any, least: float, most: float) -> list[Box]:
        if min(grey.shape) < least:
            return []
        small, large = round(least), round(most)
        found = self._cascade.detectMultiScale(
            grey, scaleFactor=GROWTH, minNeighbors=NEIGHBOURS, minSize=(small, small), maxSize=(large, large)
        )
        return [(int(x), int(y), int(w), int(h)) for x, y, w, h in found]


def detector() -> Detector | None:
    """Loads OpenCV, if nobody did yet. None when it has no cascade, or not its file (``MISSING`` says so)."""
    try:
        import cv2
    except ImportError:
        return None
    make, data = getattr(cv2, "CascadeClassifier", None), getattr(cv2, "data", None)
    if make is None or data is None:
        return None
    path = Path(data.haarcascades) / FILE
    cascade = make(str(path)) if path.is_file() else None
    return None if cascade is None or cascade.empty() else Detector(cascade, cv2)


@dataclass(frozen=True, slots=True)
class Presenter:
    """What is known after the last look. Times are the caller's monotonic seconds.

    ``box``: left, top, width, height in pixels, None without a presenter; ``found``: when the face was last found;
    ``looked``: when somebody looked. ``candidate``: a face found once, and when.
    """

    box: Box | None = None
    found: float = -math.inf
    looked: float = -math.inf
    candidate: Box | None = None
    candidate_found: float = -math.inf

    def due(self, now: float) -> bool:
        """Whether it is time to look again."""
        return now - self.looked >= (SEARCH_PERIOD if self.box is None and self.candidate is None else PERIOD)

    def age(self, now: float) -> float:
        """Seconds since the face was last found."""
        return now - self.found


def follow(state: Presenter, faces: Sequence[Box], now: float, width: int, height: int) -> Presenter:
    """One look. ``faces`` as the detector found them in a picture so large."""
    state = replace(state, looked=now)
    box = state.box
    if box is not None:
        share, near = max(((overlap(face, box), face) for face in faces), default=(0.0, box))
        if share >= SAME_PLACE:
            return replace(state, box=_damped(box, near), found=now, candidate=None)
        # The presenter may have sat down elsewhere: that face must be found twice, too.
        if now - state.found > HOLD:
            state = replace(state, box=None)
    if now - state.candidate_found > CONFIRM_WITHIN:
        state = replace(state, candidate=None)
    best = max(faces, key=lambda face: _rank(face, width, height), default=None)
    if best is None:
        return state
    if state.candidate is not None and overlap(best, state.candidate) >= SAME_PLACE:
        return replace(state, box=best, found=now, candidate=None)
    return replace(state, candidate=best, candidate_found=now)


def weights_of(box: Box, width: int, height: int) -> Floats:
    """How much each zone counts when the box is metered: its share in the box. Unlike a mask it changes as smoothly as
    the box does: a mask that wins or loses a zone moves the exposure by 0.1...0.2 stop."""
    share = _share(box, width, height)
    return share.astype(np.float32) if share.any() else zones_of(box, width, height).astype(np.float32)


def zones_of(box: Box, width: int, height: int) -> Mask:
    """The zones that lie in the box by half or more; where there is none, the one that has most of it."""
    share = _share(box, width, height)
    mask: Mask = share >= 0.5
    if not mask.any():
        mask = np.zeros((ROWS, COLUMNS), np.bool_)
        mask.flat[int(share.argmax())] = True
    return mask


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, 0...1."""
    wide = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    high = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    if wide <= 0 or high <= 0:
        return 0.0
    shared = wide * high
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)


# --- inside ----------------------------------------------------------------------------------------------------------


def _rank(face: Box, width: int, height: int) -> float:
    """Area, worth less towards the edges: the presenter is the largest face, of two alike the more central."""
    off = math.hypot((face[0] + face[2] / 2) / width - 0.5, (face[1] + face[3] / 2) / height - 0.5)
    return face[2] * face[3] * max(0.1, 1 - off)


def _damped(box: Box, found: Box) -> Box:
    """Part of the way towards what was found, or none of it when that is within the cascade's own jitter."""
    moved = max(abs(a - b) for a, b in zip(_edges(box), _edges(found), strict=True))
    if moved < STILL * box[2]:
        return box
    left, top, right, bottom = (round(a + FOLLOW * (b - a)) for a, b in zip(_edges(box), _edges(found), strict=True))
    return left, top, right - left, bottom - top


def _edges(box: Box) -> tuple[int, int, int, int]:
    return box[0], box[1], box[0] + box[2], box[1] + box[3]


def _share(box: Box, width: int, height: int) -> npt.NDArray[np.float64]:
    """ROWS x COLUMNS: what share of each zone lies in the box."""
    left, top, wide, high = box
    across = _covered(left, left + wide, width, COLUMNS)
    share: npt.NDArray[np.float64] = _covered(top, top + high, height, ROWS)[:, None] * across
    return share


def _covered(begin: float, end: float, size: int, zones: int) -> npt.NDArray[np.float64]:
    """What share of each zone of an axis lies between two pixels."""
    edges = np.arange(zones + 1) * (size / zones)
    inside: npt.NDArray[np.float64] = np.minimum(edges[1:], end) - np.maximum(edges[:-1], begin)
    return inside.clip(min=0) / (size / zones)
