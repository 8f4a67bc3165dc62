"""Which pixels of a picture are looked at, and the zones they belong to. Pure.

Points are *sampled*, never averaged: averaging mixes gamma-coded values, which is wrong by up to 0.22 stop, and costs
eight times as much. 240 points across and 90 down (every 8th of every 12th row of 1080p) find the exposure within 0.01
stop and the clipping within 0.1 points on real photographs. 90: each of the 9 zones then has ten rows of its own.
Pictures less than 1200 across are looked at more closely, in rows as near as the points in them: what is small in them
is of few pixels.

A picture is blue, green, red; or grey (2-D, or with one channel); or blue, green, red and a fourth channel, which is
not looked at. Always 8 bits: where the white of a 10- or 16-bit array lies is not in the array. From 16 x 9 pixels
upwards. Everything else is refused with a ValueError that says why.
"""

import sys
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from drivers.base import Picture
from drivers.camera.curves import Floats

COLUMNS, ROWS = 16, 9
"""Metering zones."""
POINTS_ACROSS, POINTS_DOWN = 240, 90
WIDELY = 5
"""Pixels between points across, from which on rows are farther apart than that: reading a row is what costs, not the
points in it. Smaller pictures are cheap, and have no points to spare: every 6th row of 960 x 540 leaves the crushed
area 0.35 points off, every 4th 0.11."""

Mask = npt.NDArray[np.bool_]
"""ROWS x COLUMNS; true: this zone is metered."""
Box = tuple[int, int, int, int]
"""Left, top, width, height in pixels."""


def three(pixels: Picture) -> Picture:
    """The picture as rows x columns x blue, green, red, without copying. Raises ValueError for what is none."""
    if pixels.dtype != np.uint8:
        raise ValueError(f"a picture has 8 bits a channel, not {pixels.dtype}: have the source give 8-bit pictures")
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3, 4) or pixels.shape[0] < ROWS or pixels.shape[1] < COLUMNS:
        raise ValueError(f"a picture is at least {ROWS} x {COLUMNS} pixels of 1, 3 or 4 channels, not {pixels.shape}")
    if pixels.shape[2] == 1:
        return np.broadcast_to(pixels, (*pixels.shape[:2], 3))
    return pixels[:, :, :3]


def is_coloured(pixels: Picture) -> bool:
    """Whether it has more than one channel."""
    return pixels.ndim == 3 and pixels.shape[2] >= 3


def sample(pixels: Picture) -> Picture:
    """Points of the picture on a regular grid in the middle of their cells, as 3 planes x rows x columns.

    Raises ValueError for what is no picture (see the top of this file).
    """
    whole = three(pixels)
    down, across = _grid(*whole.shape[:2])
    grid = whole[down // 2 :: down, across // 2 :: across]
    points = np.empty((3, *grid.shape[:2]), np.uint8)
    for channel in range(3):  # one by one: of all at once, numpy's innermost loop would be three bytes long
        points[channel] = grid[:, :, channel]
    return points


def zone_means(points: Picture, tables: Sequence[Floats], height: int, width: int) -> Floats:
    """3 x ROWS x COLUMNS linear means of the points of a picture so large. ``tables``: of blue, green and red."""
    _, down, right = points.shape
    layout = _layout(down, right, height, width)
    opencv = _opencv()
    bands = np.empty((3, ROWS, right), np.float32)
    linear = np.empty((down, right), np.float32)  # of one channel at a time: what is small stays in the cache
    for channel in range(3):
        if opencv is not None:
            opencv.LUT(points[channel], tables[channel], linear)
        else:  # "wrap" spares a copy and a check; a byte cannot leave the table anyway
            tables[channel].take(points[channel], out=linear, mode="wrap")
        _sum_bands(linear, layout.rows, bands[channel])
    means: Floats = np.add.reduceat(bands, layout.columns, axis=2)
    means /= layout.sizes
    return means


def histogram(codes: Picture) -> npt.NDArray[np.int64]:
    """How many of the points have each of the 256 codes."""
    opencv = _opencv()
    if opencv is None:
        return np.bincount(codes.ravel(), minlength=256)
    counts: npt.NDArray[np.int64] = opencv.calcHist([codes], [0], None, [256], [0, 256]).ravel().astype(np.int64)
    return counts


# --- inside ----------------------------------------------------------------------------------------------------------


class _Layout(NamedTuple):
    rows: tuple[int, ...]
    """First row of points of each zone, and the end; () when all are of one height."""
    columns: npt.NDArray[np.intp]
    """First column of points of each zone."""
    sizes: Floats
    """ROWS x COLUMNS: points of each zone."""


@cache
def _layout(down: int, right: int, height: int, width: int) -> _Layout:
    below, beside = _grid(height, width)
    rows, columns = _edges(down, ROWS, height, below), _edges(right, COLUMNS, width, beside)
    high, wide = np.diff(rows), np.diff(columns)
    regular = bool((high == high[0]).all())
    sizes = (high[:, None] * wide).astype(np.float32)
    return _Layout(() if regular else tuple(rows.tolist()), columns[:-1], sizes)


def _grid(height: int, width: int) -> tuple[int, int]:
    """Distance of the points, down and across, the first in the middle of it; every zone has at least one."""
    across = max(1, min(width // POINTS_ACROSS, width // COLUMNS, height // ROWS))
    return (across if across < WIDELY else min(round(height / POINTS_DOWN), height // ROWS)), across


def _edges(points: int, zones: int, pixels: int, step: int) -> npt.NDArray[np.intp]:
    """The first point of each zone of an axis of so many pixels, and the end."""
    owner = (step // 2 + step * np.arange(points)) * zones // pixels
    return np.searchsorted(owner, np.arange(zones + 1))


def _sum_bands(linear: Floats, rows: tuple[int, ...], out: Floats) -> None:
    """Whole rows of points first: there is the work, and it runs along memory.

    No matrix product, though it is a little faster on an idle machine: BLAS spreads it over all cores and then waits
    for the busiest of them (12 ms instead of 0.5 beside other programs). einsum uses none and is faster than sum.
    """
    if not rows:
        np.einsum("bij->bj", linear.reshape(ROWS, -1, linear.shape[1]), out=out)
        return
    for band in range(ROWS):
        np.add.reduce(linear[rows[band] : rows[band + 1]], axis=0, out=out[band])


def _opencv() -> Any:
    """OpenCV, where a real camera has loaded it already (0.2 s, 42 MB: too much for a demo that has none); else None.

    Its table look-up and its histogram are three times as fast as numpy's, with the same results.
    """
    found = sys.modules.get("cv2")
    # Another camera's lane may be loading it just now: then it is there, and empty.
    return found if hasattr(found, "LUT") and hasattr(found, "calcHist") else None
