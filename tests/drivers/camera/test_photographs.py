"""Sampled metering of real photographs against all their pixels, in linear light."""

import math

import pytest

from drivers.camera.metrics import measure
from drivers.camera.thumbnail import small
from tests.drivers.camera.photographs import NAMES, photograph
from tests.drivers.camera.test_metrics import truth


@pytest.mark.parametrize("size", [(640, 360), (960, 540), (1920, 1080), (3840, 2160)])
def test_exposure_and_clipping_of_real_photographs(size: tuple[int, int]) -> None:
    clipped_at_all = 0
    for name in NAMES:
        pixels = photograph(name, *size)
        light, clipped, crushed = truth(pixels)
        seen = measure(pixels, 0.18)
        assert seen.ev == pytest.approx(math.log2(light / 0.18), abs=0.01), name
        assert seen.clipped == pytest.approx(clipped, abs=0.1), name
        assert seen.crushed == pytest.approx(crushed, abs=0.15), name
        clipped_at_all += clipped > 0.05
    assert len(NAMES) >= 10
    assert clipped_at_all >= 5


@pytest.mark.parametrize("size", [(1920, 1080), (1024, 768), (640, 360)])
def test_a_thumbnail_has_the_shape_of_the_picture(size: tuple[int, int]) -> None:
    """Its points are farther apart down than across."""
    seen = measure(photograph("coffee.png", *size), 0.18)
    picture, _ = small(seen.points, 160, seen.aspect)
    assert picture.shape[1] == 160
    assert picture.shape[1] / picture.shape[0] == pytest.approx(size[0] / size[1], rel=0.01)
