"""What a picture says about the light in front of the camera. Pure: arrays in, numbers out.

    picture --every n-th point--> points --table of the camera's curve--> linear light --16 x 9 zones--> exposure
                                      '--codes--> histogram --> percentiles, clipped, crushed

Points are *sampled*, never averaged: averaging mixes gamma-coded values, which is wrong by up to 0.22 stop, and costs
eight times as much. 240 points across (every 8th of 1080p) find the exposure within 0.01 stop. All light is linear,
1.0 = the camera's white. Clipping limits follow EBU R 103 in spirit: code 250 of 255 and up is lost.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from drivers.base import Picture

COLUMNS, ROWS = 16, 9
"""Metering zones."""
POINTS_ACROSS = 240
CLIPPED = 250
"""A point is clipped when its largest channel has this code or more."""
CRUSHED = 8
"""A point is crushed when its luma has this code or less."""
DARK = 25
"""Codes below 10 % of full scale count as dark (as ffmpeg's blackdetect does)."""

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
"""ROWS x COLUMNS; true: this zone is metered."""
Box = tuple[int, int, int, int]
"""Left, top, width, height in pixels."""

REC709 = np.array([0.0722, 0.7152, 0.2126], np.float32)
"""Luminance of linear blue, green, red (ITU-R BT.709-6, 3.2)."""

_PERCENTILES = np.array([0.01, 0.5, 0.99])


def srgb_to_linear(code: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The sRGB curve (IEC 61966-2-1), 0...1 to 0...1."""
    light: npt.NDArray[np.float64] = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    return light


def linear_to_srgb(light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Its inverse."""
    code: npt.NDArray[np.float64] = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return code


def curve_table(curve: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]) -> Floats:
    """The 256 linear values of a camera's codes."""
    return np.asarray(curve(np.arange(256) / 255), np.float32)


SRGB = curve_table(srgb_to_linear)
"""The curve of a camera nobody calibrated: 0.05...0.2 stop per stop off a real one's."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """One picture's numbers.

    ``ev``: stops from the target, *negative = too dark*: log2(measured / target), measured = mean of the metered
    zones. ``mean``, ``log_mean`` (geometric), ``median``: linear light over the whole picture. ``p1``, ``p50``,
    ``p99``: luma codes 0...255. ``clipped``, ``crushed``, ``dark``: per cent of the area. ``rgb``: mean linear light
    of the metered zones. ``zones``: ROWS x COLUMNS linear means. ``points``: the pixels that were looked at.
    """

    ev: float
    mean: float
    log_mean: float
    median: float
    p1: int
    p50: int
    p99: int
    clipped: float
    crushed: float
    dark: float
    rgb: tuple[float, float, float]
    zones: Floats
    points: Picture

    @property
    def mired(self) -> float:
        """Colour temperature of the metered zones in mired (10^6 / K)."""
        return 1e6 / correlated_temperature(self.rgb)


def sample(pixels: Picture) -> Picture:
    """Points of the picture on a regular grid in the middle of their cells, as 3 planes x rows x columns."""
    step, phase = _grid(pixels.shape)
    return np.ascontiguousarray(pixels[phase::step, phase::step].transpose(2, 0, 1))


def measure(pixels: Picture, target: float, zones: Mask | None = None, curve: Floats = SRGB) -> Metrics:
    """Meter a picture. ``target``: wanted linear light of the metered ``zones`` (none given: all of them).

    Raises ValueError for a picture smaller than the zones, or a mask that is empty or of another shape.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.shape[0] < ROWS or pixels.shape[1] < COLUMNS:
        raise ValueError(f"a picture is at least {ROWS} x {COLUMNS} x 3, not {pixels.shape}")
    if zones is not None and (zones.shape != (ROWS, COLUMNS) or not zones.any()):
        raise ValueError(f"zones are a {ROWS} x {COLUMNS} mask with at least one true, not {zones.shape}")
    points = sample(pixels)
    blue, green, red = points
    zonal = _zone_means(points, curve, *pixels.shape[:2])
    light = (REC709 @ zonal.reshape(3, -1)).reshape(ROWS, COLUMNS)
    luma = (blue * np.uint16(18) + green * np.uint16(183) + red * np.uint16(55)) >> 8  # Rec.709 weights x 256
    histogram = np.bincount(luma.astype(np.uint8).ravel(), minlength=256)
    reached = np.cumsum(histogram)
    percent = 100.0 / luma.size
    p1, p50, p99 = np.searchsorted(reached, _PERCENTILES * luma.size).tolist()
    metered = zonal.reshape(3, -1) if zones is None else zonal[:, zones]
    b, g, r = metered.mean(axis=1).tolist()
    measured = float(REC709 @ (b, g, r))
    return Metrics(
        ev=math.log2(max(measured, 1e-6) / target),
        mean=float(light.mean()),
        log_mean=_log_mean(histogram, curve),
        median=float(curve[p50]),
        p1=p1,
        p50=p50,
        p99=p99,
        clipped=percent * int(np.count_nonzero(points.max(axis=0) >= CLIPPED)),
        crushed=percent * int(reached[CRUSHED]),
        dark=percent * int(reached[DARK]),
        rgb=(r, g, b),
        zones=light,
        points=points,
    )


def difference(before: Picture, after: Picture) -> float:
    """Mean change between two samples, in codes (green only). A live picture: 0.09 and more; a frozen one: < 0.02."""
    if before.shape != after.shape:
        return 255.0
    return float(np.abs(before[1].astype(np.int16) - after[1]).mean())


def noise(before: Picture, after: Picture) -> float:
    """Temporal noise in codes: standard deviation of the change of a still picture, by root 2 (green only)."""
    change = after[1].astype(np.float32) - before[1]
    return float(change.std() / np.sqrt(2))


def sharpness(pixels: Picture, box: Box) -> float:
    """Variance of the Laplacian of green inside the box, at full resolution. Compare only with its own baseline."""
    left, top, width, height = box
    patch = pixels[top : top + height, left : left + width, 1].astype(np.float32)
    if patch.shape[0] < 3 or patch.shape[1] < 3:
        raise ValueError(f"the box {box} leaves no 3 x 3 pixels of a picture of {pixels.shape[1]} x {pixels.shape[0]}")
    inner = patch[1:-1, 1:-1]
    return float((patch[:-2, 1:-1] + patch[2:, 1:-1] + patch[1:-1, :-2] + patch[1:-1, 2:] - 4 * inner).var())


def correlated_temperature(rgb: tuple[float, float, float]) -> float:
    """Colour temperature in kelvin of linear Rec.709 light (McCamy 1992; within 22 K from 2700 to 7500 K).

    Black has none: NaN. Far from the locus the number means little; it is held to 1000...25000.
    """
    r, g, b = rgb
    big_x = 0.4124 * r + 0.3576 * g + 0.1805 * b
    big_y = 0.2126 * r + 0.7152 * g + 0.0722 * b
    big_z = 0.0193 * r + 0.1192 * g + 0.9505 * b
    total = big_x + big_y + big_z
    if total <= 1e-6:
        return float("nan")
    x, y = big_x / total, big_y / total
    if abs(0.1858 - y) < 1e-6:
        return 25000.0
    n = (x - 0.3320) / (0.1858 - y)
    return min(25000.0, max(1000.0, 449 * n**3 + 3525 * n**2 + 6823.3 * n + 5520.33))


# --- inside ----------------------------------------------------------------------------------------------------------


def _grid(shape: tuple[int, ...]) -> tuple[int, int]:
    """Distance of the points and where the first one is; close enough for every zone to have at least one."""
    height, width = shape[:2]
    step = max(1, min(round(width / POINTS_ACROSS), width // COLUMNS, height // ROWS))
    return step, step // 2


@cache
def _edges(points: int, zones: int, pixels: int, step: int, phase: int) -> npt.NDArray[np.intp]:
    """The first point of each zone of an axis of so many pixels, and the end."""
    owner = (phase + step * np.arange(points)) * zones // pixels
    return np.searchsorted(owner, np.arange(zones + 1))


def _zone_means(points: Picture, curve: Floats, height: int, width: int) -> Floats:
    """3 x ROWS x COLUMNS linear means. Whole rows of points first: that is where the work is, and it runs along memory.

    No matrix product, though it is a little faster on an idle machine: BLAS spreads it over all cores and then waits
    for the busiest of them (12 ms instead of 0.5 beside other programs).
    """
    _, down, right = points.shape
    linear = np.empty(points.shape, np.float32)
    curve.take(points, out=linear, mode="clip")  # "clip" spares a copy; a byte cannot leave the table anyway
    grid = _grid((height, width))
    rows, columns = _edges(down, ROWS, height, *grid), _edges(right, COLUMNS, width, *grid)
    bands = np.empty((3, ROWS, right), np.float32)
    for row, (top, bottom) in enumerate(pairwise(rows.tolist())):
        np.add.reduce(linear[:, top:bottom], axis=1, out=bands[:, row])
    means: Floats = np.add.reduceat(bands, columns[:-1], axis=2)
    means /= np.diff(rows)[:, None] * np.diff(columns)
    return means


def _log_mean(histogram: npt.NDArray[np.int64], curve: Floats) -> float:
    """From the histogram: 256 logarithms instead of one for every point. Black counts as half a code."""
    floor = float(curve[1]) / 2
    return float(2 ** (histogram @ np.log2(np.maximum(curve, floor)) / histogram.sum()))
