"""What a picture says about the light in front of the camera. Pure: arrays in, numbers out.

    picture --every n-th point--> points --table of the camera's curve--> linear light --16 x 9 zones--> exposure, white
       |     (points.py)            |       (curves.py)                                                 (colour.py)
       |                            |---codes--> histogram --> percentiles, clipped, crushed
       |                            '---less the picture before--> noise (texture.py)
       '--256 x 256 pixels of a box--> sharpness (texture.py)

All light is linear, 1.0 = the camera's white. Clipping limits follow EBU R 103 in spirit: code 250 of 255 and up is
lost. What counts as a picture is said in points.py.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from drivers.base import Picture
from drivers.camera.colour import correlated_temperature, white_balance
from drivers.camera.curves import (
    REC709,
    SRGB,
    Curve,
    Floats,
    curve_table,
    linear_to_srgb,
    luminance,
    srgb_to_linear,
    tables,
)
from drivers.camera.points import COLUMNS, ROWS, Box, Mask, histogram, is_coloured, sample, zone_means
from drivers.camera.texture import difference, middle, noise, sharpness

__all__ = [
    "CLIPPED",
    "COLUMNS",
    "CRUSHED",
    "DARK",
    "REC709",
    "ROWS",
    "SRGB",
    "Box",
    "Curve",
    "Floats",
    "Mask",
    "Metrics",
    "correlated_temperature",
    "curve_table",
    "difference",
    "linear_to_srgb",
    "measure",
    "noise",
    "sample",
    "sharpness",
    "srgb_to_linear",
]

CLIPPED = 250
"""A point is clipped when its largest channel has this code or more."""
CRUSHED = 8
"""A point is crushed when its luma has this code or less."""
DARK = 25
"""Codes below 10 % of full scale count as dark (as ffmpeg's blackdetect does)."""

_PERCENTILES = np.array([0.01, 0.5, 0.99])
_LUMA = np.array([18, 183, 55], np.uint16)
"""Rec.709 weights of blue, green, red x 256."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """One picture's numbers.

    ``ev``: stops from the target, *negative = too dark*: log2(measured / target), measured = mean of the metered
    zones. ``mean``: linear light over the whole picture; ``log_mean`` (geometric) and ``median``: that of the luma.
    ``p1``, ``p50``, ``p99``: luma codes 0...255. ``clipped``, ``crushed``, ``dark``: per cent of the area. ``rgb``:
    mean linear light of the metered zones; ``mired``, ``duv``: its white balance (:mod:`colour`), NaN when black or
    grey. ``zones``: ROWS x COLUMNS linear means; ``channels``: 3 x ROWS x COLUMNS, of blue, green, red. ``noise``: of
    one picture, in codes, NaN without a picture before. ``sharpness``: of the box. ``histogram``: how many points of
    each of 256 luma codes. ``points``: the pixels that were looked at (3 planes), farther apart down than across.
    ``aspect``: width / height of the picture.
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
    mired: float
    duv: float
    zones: Floats
    channels: Floats
    noise: float
    sharpness: float
    histogram: npt.NDArray[np.int64]
    points: Picture
    aspect: float


def measure(
    pixels: Picture,
    target: float,
    zones: Mask | Floats | None = None,
    curve: Curve = SRGB,
    *,
    before: Metrics | None = None,
    box: Box | None = None,
) -> Metrics:
    """Meter a picture. ``target``: wanted linear light of the metered ``zones``: a mask, or how much each counts; none
    given: all of them alike.

    ``before``: the metrics of the picture before, for the noise. ``box``: the presenter, for the sharpness; none given,
    or one outside of the picture: the middle. Raises ValueError for what is no picture (see points.py), a
    mask that is empty or of another shape, and a curve of another shape.
    """
    share = None if zones is None else _shares(zones)
    of_channels = tables(curve)
    points = sample(pixels)
    channels = zone_means(points, of_channels, *pixels.shape[:2])
    light = luminance(channels)
    luma = np.einsum("c,cij->ij", _LUMA, points)
    luma >>= 8
    codes = histogram(luma.astype(np.uint8))
    reached = codes.cumsum()
    percent = 100.0 / luma.size
    p1, p50, p99 = reached.searchsorted(_PERCENTILES * luma.size).tolist()
    if share is None:
        b, g, r = (np.add.reduce(channels.reshape(3, -1), axis=1) / light.size).tolist()
    else:
        b, g, r = np.einsum("cij,ij->c", channels, share).tolist()
    measured = 0.0722 * b + 0.7152 * g + 0.2126 * r
    mired, duv = white_balance((r, g, b)) if is_coloured(pixels) else (math.nan, math.nan)
    neutral = of_channels[1] if curve.ndim == 1 else luminance(np.stack(of_channels))
    return Metrics(
        ev=math.log2(max(measured, 1e-6) / target),
        mean=float(np.add.reduce(light, axis=None)) / light.size,
        log_mean=_log_mean(codes, _logs(neutral.tobytes())),
        median=float(neutral[p50]),
        p1=p1,
        p50=p50,
        p99=p99,
        clipped=percent * int(np.count_nonzero(np.maximum.reduce(points) >= CLIPPED)),
        crushed=percent * int(reached[CRUSHED]),
        dark=percent * int(reached[DARK]),
        rgb=(r, g, b),
        mired=mired,
        duv=duv,
        zones=light,
        channels=channels,
        noise=math.nan if before is None else noise(before.points, points),
        sharpness=sharpness(pixels, middle(box, pixels)),
        histogram=codes,
        points=points,
        aspect=pixels.shape[1] / pixels.shape[0],
    )


def _shares(zones: Mask | Floats) -> Floats:
    """How much each zone counts; the sum is 1."""
    if zones.shape == (ROWS, COLUMNS):
        weights = zones.astype(np.float32)
        total = float(np.add.reduce(weights, axis=None))
        if total > 0 and weights.min() >= 0 and math.isfinite(total):
            return weights / np.float32(total)
    raise ValueError(f"zones are {ROWS} x {COLUMNS} with at least one true or above 0, and none below")


def _log_mean(histogram: npt.NDArray[np.int64], logs: Floats) -> float:
    """From the histogram, instead of a logarithm for every point."""
    return float(2 ** (np.vdot(histogram, logs) / np.add.reduce(histogram)))


@lru_cache(maxsize=16)
def _logs(curve: bytes) -> Floats:
    """log2 of a curve's values (float32). Black counts as half a code."""
    light = np.frombuffer(curve, np.float32)
    floor = max(float(light[1]) / 2, 1e-6)
    return np.log2(np.maximum(light, floor))
