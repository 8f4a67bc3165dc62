"""Sampled metering against the truth: every pixel of the picture, in linear light."""

import math
import sys
from types import ModuleType

import cv2  # noqa: F401  (a real camera has loaded it; one test below takes it away)
import numpy as np
import pytest

from drivers.base import Picture
from drivers.camera.metrics import (
    COLUMNS,
    REC709,
    ROWS,
    SRGB,
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


@pytest.mark.parametrize(
    ("shape", "code", "why"),
    [
        ((1, 1, 3), np.uint8, "at least 9 x 16 pixels"),
        ((8, 16, 3), np.uint8, "at least 9 x 16 pixels"),
        ((9, 15, 3), np.uint8, "at least 9 x 16 pixels"),
        ((360, 640, 2), np.uint8, "1, 3 or 4 channels"),
        ((1, 360, 640, 3), np.uint8, "1, 3 or 4 channels"),
        ((0, 0, 3), np.uint8, "at least 9 x 16 pixels"),
        ((360,), np.uint8, "1, 3 or 4 channels"),
        ((360, 640, 3), np.uint16, "8 bits a channel, not uint16"),
        ((360, 640, 3), np.float32, "8 bits a channel, not float32"),
    ],
)
def test_what_is_no_picture_is_refused(shape: tuple[int, ...], code: type, why: str) -> None:
    for act in (sample, lambda pixels: measure(pixels, 0.18), lambda pixels: sharpness(pixels, (0, 0, 9, 9))):
        with pytest.raises(ValueError, match=why):
            act(np.zeros(shape, code))


def test_grey_is_measured_as_grey_and_a_fourth_channel_is_not_looked_at() -> None:
    coloured = picture(640, 360, seed=3)
    grey = np.ascontiguousarray(coloured[:, :, 1])
    usual = measure(np.repeat(grey[:, :, None], 3, 2), 0.18)
    for same in (grey, grey[:, :, None]):
        seen = measure(same, 0.18)
        assert (seen.ev, seen.p50, seen.clipped, seen.sharpness) == (
            usual.ev,
            usual.p50,
            usual.clipped,
            usual.sharpness,
        )
        assert math.isnan(seen.mired)
        assert math.isnan(seen.duv)
    four = np.dstack([coloured, np.random.default_rng(4).integers(0, 256, grey.shape, dtype=np.uint8)])
    assert measure(four, 0.18).ev == measure(coloured, 0.18).ev
    assert measure(four, 0.18).mired == measure(coloured, 0.18).mired


def test_8k_is_measured() -> None:
    assert measure(np.full((4320, 7680, 3), 118, np.uint8), 0.18).ev == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("shape", [(255,), (256, 3), (4, 256)])
def test_a_curve_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="256 or 3 x 256"):
        measure(np.zeros((90, 160, 3), np.uint8), 0.18, curve=np.ones(shape, np.float32))


def test_each_channel_may_have_a_curve_of_its_own() -> None:
    grey = np.full((90, 160, 3), 128, np.uint8)
    seen = measure(grey, 1.0, curve=np.stack([SRGB * 0.5, SRGB, SRGB]))
    blue, green, red = seen.channels[:, 4, 8].tolist()
    assert (blue / green, red) == (pytest.approx(0.5), pytest.approx(green))
    assert seen.rgb == pytest.approx((red, green, blue))
    assert seen.ev == pytest.approx(math.log2(SRGB[128] * (1 - 0.0722 / 2)), abs=1e-4)
    assert seen.median == pytest.approx(SRGB[128] * (1 - 0.0722 / 2), rel=1e-5)
    assert seen.mired > measure(grey, 1.0).mired


def test_with_and_without_opencv_the_numbers_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = [picture(*size, seed=5) for size in ((1280, 720), (641, 359))]
    with_it = [measure(pixels, 0.18) for pixels in shown]
    for loaded in (None, ModuleType("cv2")):  # not there, and just being loaded by another thread
        monkeypatch.setitem(sys.modules, "cv2", loaded)  # type: ignore[arg-type]
        for seen, pixels in zip(with_it, shown, strict=True):
            without = measure(pixels, 0.18)
            assert np.array_equal(seen.histogram, without.histogram)
            assert np.array_equal(seen.channels, without.channels)
            assert seen.ev == without.ev


def test_a_curve_may_be_of_any_kind_of_number() -> None:
    pixels = picture(640, 360, seed=8)
    for curve in (SRGB.astype(np.float64), np.asfortranarray(np.stack([SRGB] * 3)), np.repeat(SRGB, 2)[::2]):
        assert measure(pixels, 0.18, curve=curve).ev == measure(pixels, 0.18).ev


def test_any_size_and_layout_in_memory_is_measured() -> None:
    random = np.random.default_rng(9)
    before = None
    for _ in range(60):
        height, width = random.integers(9, 90), random.integers(16, 160)
        pixels = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
        seen = measure(pixels, 0.18, before=before)
        for same in (np.asfortranarray(pixels), np.repeat(pixels, 2, 0)[::2], np.flip(pixels.copy()[::-1], 0)):
            again = measure(same, 0.18, before=before)
            assert again.ev == seen.ev
            assert again.sharpness == seen.sharpness
        assert math.isfinite(seen.ev)
        assert seen.histogram.sum() == seen.points[0].size
        before = seen


def test_an_empty_mask_is_refused() -> None:
    below = np.ones((ROWS, COLUMNS), np.float32)
    below[0, 0] = -1
    nan = np.full((ROWS, COLUMNS), np.nan, np.float32)
    for zones in (np.zeros((ROWS, COLUMNS), np.bool_), np.ones((COLUMNS, ROWS), np.bool_), below, nan, 0 * nan):
        with pytest.raises(ValueError, match="at least one true"):
            measure(np.zeros((360, 640, 3), np.uint8), 0.18, zones)


def test_zones_may_count_more_or_less() -> None:
    pixels = np.zeros((900, 1600, 3), np.uint8)
    pixels[:100, :100] = 255
    weights = np.zeros((ROWS, COLUMNS), np.float32)
    weights[0, :2] = (3, 1)
    assert measure(pixels, 1.0, weights).ev == pytest.approx(math.log2(0.75))
    mask = picture(640, 360, seed=3)[::40, ::40, 1] > 100
    assert mask.shape == (ROWS, COLUMNS)
    coloured = picture(640, 360, seed=4)
    assert measure(coloured, 1.0, 0.2 * mask).ev == pytest.approx(measure(coloured, 1.0, mask).ev, abs=1e-5)


@pytest.mark.parametrize("sigma", [1.0, 3.0])
@pytest.mark.parametrize("moved", [0.0, 0.5])
def test_noise_is_that_of_the_sensor_whatever_moves_in_front_of_it(sigma: float, moved: float) -> None:
    random = np.random.default_rng(1)
    still = np.clip(picture(1280, 720, seed=6).astype(np.float32), 20, 235)
    after = still.copy()
    width = round(1280 * moved)
    after[:, :width] = still[:, ::-1][:, :width]  # another picture altogether
    after += 4  # and the light was turned up a little
    one, two = (
        np.round(pixels + sigma * random.standard_normal(pixels.shape, np.float32)).astype(np.uint8)
        for pixels in (still, after)
    )
    before = measure(one, 0.18)
    seen = measure(two, 0.18, before=before)
    assert seen.noise == pytest.approx(math.hypot(sigma, 1 / math.sqrt(12)), rel=0.08)
    assert seen.noise == noise(sample(one), sample(two))
    assert math.isnan(before.noise)
    assert noise(sample(one), sample(one)) == 0
    assert difference(sample(one), sample(one)) == 0
    assert difference(sample(one), sample(two)) > 1


def test_noise_is_not_known_of_what_is_cut_off_or_of_another_size() -> None:
    black, small = np.zeros((360, 640, 3), np.uint8), np.full((90, 160, 3), 99, np.uint8)
    assert math.isnan(noise(sample(black), sample(black)))
    assert math.isnan(measure(small, 0.18, before=measure(black, 0.18)).noise)


def test_blur_lowers_sharpness() -> None:
    random = np.random.default_rng(2)
    sharp = random.integers(0, 256, (200, 200, 3), dtype=np.uint8)
    blurred = ((sharp.astype(np.uint16) + np.roll(sharp, 1, 1) + np.roll(sharp, 1, 0)) // 3).astype(np.uint8)
    box = (20, 20, 128, 128)
    assert sharpness(blurred, box) < 0.5 * sharpness(sharp, box)
    assert sharpness(np.full((200, 200, 3), 80, np.uint8), box) == 0
    with pytest.raises(ValueError, match="leaves no 3 x 3"):
        sharpness(sharp, (199, 199, 50, 50))


def test_sharpness_is_of_the_box_or_of_the_middle() -> None:
    random = np.random.default_rng(7)
    pixels = np.full((720, 1280, 3), 90, np.uint8)
    pixels[100:200, 200:300] = random.integers(0, 256, (100, 100, 3), dtype=np.uint8)
    assert measure(pixels, 0.18).sharpness == 0
    assert measure(pixels, 0.18, box=(200, 100, 100, 100)).sharpness > 1000
    assert measure(pixels, 0.18, box=(190, -300, 120, 1000)).sharpness == sharpness(pixels, (190, 222, 120, 256))
    for nowhere in ((2000, 100, 50, 50), (200, 100, 0, 0), (-60, 0, 50, 50)):
        assert measure(pixels, 0.18, box=nowhere).sharpness == 0


def test_the_histogram_is_of_the_luma_of_all_points() -> None:
    pixels = np.full((360, 640, 3), 64, np.uint8)
    pixels[:, 320:] = 192
    seen = measure(pixels, 0.18)
    assert seen.histogram.nonzero()[0].tolist() == [64, 192]
    assert seen.histogram.sum() == seen.points[0].size
    assert seen.histogram[64] == pytest.approx(seen.histogram[192], rel=0.02)


def test_black_has_no_colour_and_white_is_d65() -> None:
    seen = measure(np.full((90, 160, 3), 128, np.uint8), 0.18)
    assert (seen.mired, seen.duv) == (pytest.approx(153.8, abs=0.5), pytest.approx(0.0032, abs=0.0003))
    black = measure(np.zeros((90, 160, 3), np.uint8), 0.18)
    assert math.isnan(black.mired)
    assert math.isnan(black.duv)
