"""Colour bars as generators make them, and pictures that are none."""

import cv2
import numpy as np
import pytest
from skimage import data

from drivers.base import Picture
from drivers.camera.bars import bars
from drivers.camera.metrics import sample

EBU = ((1, 1, 1), (1, 1, 0), (0, 1, 1), (0, 1, 0), (1, 0, 1), (1, 0, 0), (0, 0, 1), (0, 0, 0))
"""Red, green, blue."""
PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket", "coins", "camera", "brick", "grass", "gravel", "retina")
PHOTOGRAPHS += ("hubble_deep_field", "immunohistochemistry", "moon", "page", "text", "clock", "colorwheel", "logo")


def drawn(high: int = 191, low: int = 0, size: tuple[int, int] = (640, 360), split: bool = False) -> Picture:
    """EBU bars over the whole picture, or (``split``) the SMPTE way: seven above, blue and black things below."""
    width, height = size
    colours = EBU[:7] if split else EBU
    pixels = np.zeros((height, width, 3), np.uint8)
    for number, (r, g, b) in enumerate(colours):
        part = slice(number * width // len(colours), (number + 1) * width // len(colours))
        pixels[:, part] = [high if on else low for on in (b, g, r)]
    if split:
        pixels[2 * height // 3 :] = 19
        pixels[2 * height // 3 :, : width // 6] = 235
    return pixels


def compressed(pixels: Picture, quality: int = 60) -> Picture:
    return cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("high,low", [(191, 0), (255, 0), (255, 64), (180, 16)])
@pytest.mark.parametrize("size", [(160, 90), (640, 480), (1920, 1080)])
def test_bars_are_bars_whatever_their_level_and_size(split: bool, high: int, low: int, size: tuple[int, int]) -> None:
    pixels = compressed(drawn(high, low, size, split))
    found = bars(sample(pixels))
    assert found["colours"] >= 5 and found["share"] > 0.9
    assert bars(sample(pixels[:, ::-1]))


@pytest.mark.parametrize("line", range(0, 340, 20))
def test_a_line_of_text_that_moves_over_them_changes_nothing(line: int) -> None:
    pixels = drawn()
    cv2.rectangle(pixels, (0, line), (640, line + 40), (16, 16, 16), -1)
    cv2.putText(pixels, "STUDIO 2 - 12:34:56:07", (20 + line, line + 30), 0, 1.2, (235, 235, 235), 3)
    assert bars(sample(compressed(pixels)))


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_no_photograph_is_bars(name: str) -> None:
    picture = getattr(data, name)()
    picture = np.stack([picture] * 3, axis=-1) if picture.ndim == 2 else picture[..., 2::-1]
    for turned in (picture, np.rot90(picture)):
        for colourful in (turned, np.clip(turned * 2.0 - 128, 0, 255).astype(np.uint8)):
            assert not bars(sample(np.ascontiguousarray(colourful, np.uint8)))


def test_bars_that_lie_and_a_rainbow_are_no_bars() -> None:
    assert not bars(sample(np.ascontiguousarray(drawn(size=(360, 640)).transpose(1, 0, 2))))
    hue = np.zeros((360, 640, 3), np.uint8)
    hue[..., 0] = np.linspace(0, 179, 640)
    hue[..., 1:] = 255
    assert not bars(sample(cv2.cvtColor(hue, cv2.COLOR_HSV2BGR)[:, ::-1].copy()))
    assert not bars(sample(np.zeros((9, 16, 3), np.uint8)))
