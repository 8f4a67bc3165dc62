"""Real photographs that scikit-image carries, cut to 16:9 and brought to a camera's size."""

from functools import cache
from pathlib import Path

import cv2
import numpy as np
import skimage

from drivers.base import Picture

NAMES = (
    "astronaut.png",
    "brick.png",
    "camera.png",
    "chelsea.png",
    "coffee.png",
    "coins.png",
    "grass.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "motorcycle_left.png",
    "retina.jpg",
    "rocket.jpg",
)


@cache
def original(name: str) -> Picture:
    found = cv2.imread(str(Path(skimage.__file__).parent / "data" / name))
    assert found is not None, name
    return np.asarray(found, np.uint8)


def photograph(name: str, width: int = 1920, height: int = 1080) -> Picture:
    """Blue, green, red; the middle of it."""
    whole = original(name)
    down, right = whole.shape[:2]
    high, wide = min(down, right * height // width), min(right, down * width // height)
    top, left = (down - high) // 2, (right - wide) // 2
    part = whole[top : top + high, left : left + wide]
    return np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def mosaic(name: str, width: int, height: int) -> Picture:
    """Pieces of it at its own size, from anywhere in it: contrast from pixel to pixel, which nothing enlarged has."""
    random = np.random.default_rng(8)
    whole = original(name)
    high, wide = min(173, whole.shape[0]), min(251, whole.shape[1])
    found = np.empty((height + high, width + wide, 3), np.uint8)
    for top in range(0, height, high):
        for left in range(0, width, wide):
            y = int(random.integers(whole.shape[0] - high + 1))
            x = int(random.integers(whole.shape[1] - wide + 1))
            found[top : top + high, left : left + wide] = whole[y : y + high, x : x + wide]
    return np.ascontiguousarray(found[:height, :width])
