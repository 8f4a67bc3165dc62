"""Sampled metering against the truth: every pixel of the picture, in linear light."""

import math

import numpy as np
import pytest

from drivers.base import Picture
from drivers.camera.metrics import (
    COLUMNS,
    REC709,
    ROWS,
    correlated_temperature,
    difference,
    linear_to_srgb,
    measure,
    noise,
    sample,
    sharpness,
    srgb_to_linear,
)

SIZES = [(640, 360), (1280, 720), (1920, 1080), (3840, 2160), (1000, 563)]


def picture(width: int, height: int, seed: int) -> Picture:
    """Smooth light of a wide range, with a burnt-out window, dark corners, fine texture and noise."""
    random = np.random.default_rng(seed)
    x, y = np.linspace(0, 1, width, dtype=np.float32), np.linspace(0, 1, height, dtype=np.float32)[:, None]
    light = 0.05 + 0.5 * np.exp(-(((x - 0.4) / 0.3) ** 2)) * np.exp(-(((y - 0.5) / 0.4) ** 2))
    light += 1.5 * np.exp(-(((x - 0.8) / 0.06) ** 4)) * np.exp(-(((y - 0.3) / 0.1) ** 4))
    light *= np.where((x < 0.1) & (y > 0.8), np.float32(0.002), np.float32(1))
    light *= 1 + np.float32(0.2) * np.sin(x * 700) * np.sin(y * 500)
    light *= 1 + np.float32(0.03) * random.standard_normal(light.shape, np.float32)
    codes = np.round(255 * linear_to_srgb(np.arange(4097) / 4096)).astype(np.uint8)
    tinted = [codes.take((light * np.float32(4096 * tint)).astype(np.int32), mode="clip") for tint in (0.8, 1, 1.15)]
    return np.stack(tinted, axis=2)


def truth(pixels: Picture) -> tuple[float, float, float]:
    """Mean linear light, clipped and crushed per cent of all pixels."""
    curve = srgb_to_linear(np.arange(256) / 255)
    blue, green, red = (np.ascontiguousarray(plane) for plane in np.moveaxis(pixels, 2, 0))
    means = [np.bincount(plane.ravel(), minlength=256) @ curve / plane.size for plane in (blue, green, red)]
    luma = np.float32(0.0722) * blue + np.float32(0.7152) * green + np.float32(0.2126) * red
    clipped = np.maximum(np.maximum(blue, green), red) >= 250
    return float(np.dot(means, REC709)), 100 * float(clipped.mean()), 100 * float((luma < 9).mean())


@pytest.mark.parametrize("size", SIZES)
def test_sampling_finds_the_exposure_and_the_clipping_of_the_whole_picture(size: tuple[int, int]) -> None:
    pixels = picture(*size, seed=size[0])
    light, clipped, crushed = truth(pixels)
    seen = measure(pixels, target=0.18)
    assert seen.ev == pytest.approx(math.log2(light / 0.18), abs=0.02)
    assert seen.clipped == pytest.approx(clipped, abs=0.15)
    assert seen.crushed == pytest.approx(crushed, abs=0.15)
    assert clipped > 1
    assert crushed > 1


def test_too_dark_is_negative_and_a_stop_is_a_stop() -> None:
    grey = np.full((360, 640, 3), round(255 * float(linear_to_srgb(np.array(0.18)))), np.uint8)
    assert measure(grey, 0.18).ev == pytest.approx(0, abs=0.01)
    assert measure(grey, 0.36).ev == pytest.approx(-1, abs=0.01)
    assert measure(grey, 0.09).ev == pytest.approx(1, abs=0.01)
    assert measure(np.zeros((360, 640, 3), np.uint8), 0.18).ev < -10


def test_only_the_metered_zones_count() -> None:
    pixels = np.zeros((900, 1600, 3), np.uint8)
    pixels[:100, :100] = 255  # zone 0, 0 and no other
    zones = np.zeros((ROWS, COLUMNS), np.bool_)
    zones[0, 0] = True
    seen = measure(pixels, 1.0, zones)
    assert seen.ev == pytest.approx(0, abs=1e-6)
    assert seen.zones[0, 0] == pytest.approx(1)
    assert seen.zones.sum() == pytest.approx(1)
    assert seen.mean == pytest.approx(1 / (ROWS * COLUMNS))
    zones[:] = ~zones
    assert measure(pixels, 1.0, zones).ev < -10


def test_percentiles_and_means_of_two_halves() -> None:
    pixels = np.full((360, 640, 3), 64, np.uint8)
    pixels[:, 320:] = 192
    seen = measure(pixels, 0.18)
    dark, bright = srgb_to_linear(np.array([64, 192]) / 255)
    assert (seen.p1, seen.p50, seen.p99) == (64, 64, 192)
    assert seen.mean == pytest.approx((dark + bright) / 2, rel=0.01)
    assert seen.log_mean == pytest.approx(math.sqrt(dark * bright), rel=0.02)
    assert seen.median == pytest.approx(dark, rel=0.01)


@pytest.mark.parametrize("size", [(16, 9), (17, 10), (640, 360), (641, 359), (50, 2000), (4000, 9)])
def test_any_size_is_metered_and_every_point_belongs_to_one_zone(size: tuple[int, int]) -> None:
    width, height = size
    seen = measure(np.full((height, width, 3), 128, np.uint8), 0.18)
    assert seen.zones == pytest.approx(np.full((ROWS, COLUMNS), srgb_to_linear(np.array(128 / 255))), rel=1e-4)


@pytest.mark.parametrize("shape", [(8, 16, 3), (9, 15, 3), (360, 640), (360, 640, 4)])
def test_what_is_no_picture_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="a picture is at least"):
        measure(np.zeros(shape, np.uint8), 0.18)


def test_an_empty_mask_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one true"):
        measure(np.zeros((360, 640, 3), np.uint8), 0.18, np.zeros((ROWS, COLUMNS), np.bool_))


def test_noise_is_that_of_one_picture_not_of_the_pair() -> None:
    random = np.random.default_rng(1)
    one, two = (np.round(100 + 3 * random.standard_normal((720, 1280, 3))).astype(np.uint8) for _ in range(2))
    assert noise(sample(one), sample(two)) == pytest.approx(3.0, rel=0.05)
    assert difference(sample(one), sample(one)) == 0
    assert difference(sample(one), sample(two)) > 1


def test_blur_lowers_sharpness() -> None:
    random = np.random.default_rng(2)
    sharp = random.integers(0, 256, (200, 200, 3), dtype=np.uint8)
    blurred = ((sharp.astype(np.uint16) + np.roll(sharp, 1, 1) + np.roll(sharp, 1, 0)) // 3).astype(np.uint8)
    box = (20, 20, 128, 128)
    assert sharpness(blurred, box) < 0.5 * sharpness(sharp, box)
    assert sharpness(np.full((200, 200, 3), 80, np.uint8), box) == 0
    with pytest.raises(ValueError, match="leaves no 3 x 3"):
        sharpness(sharp, (199, 199, 50, 50))


def test_colour_temperature() -> None:
    assert correlated_temperature((1, 1, 1)) == pytest.approx(6504, abs=15)  # D65, the white of sRGB
    assert correlated_temperature((1.0, 0.68, 0.30)) == pytest.approx(3500, abs=400)
    assert math.isnan(correlated_temperature((0, 0, 0)))
    assert measure(np.full((90, 160, 3), 128, np.uint8), 0.18).mired == pytest.approx(153.7, abs=0.5)
