"""What is finer than the light: noise, sharpness, and whether anything changes at all. Pure."""

import math

import numpy as np

from drivers.base import Picture
from drivers.camera.curves import Floats
from drivers.camera.points import COLUMNS, ROWS, Box, three
from drivers.camera.shift import CELLS

FOCUS_SIZE = 256
"""Sharpness looks at so many pixels of a box each way, in its middle and as they are: more says nothing new."""
PATCH = 64
"""Pixels each way, in the middle of a cell, whose edges are looked at."""
LOWEST, HIGHEST = 12, 245
"""Codes between which noise is looked for: beyond, the sensor's is cut off."""

STILL = 0.4
"""Codes by which the mean of a zone may change from one picture to the next and stand still: noise changes it by a
tenth of that, a fade of a stop in 10 s by as much."""


def difference(before: Picture, after: Picture) -> float:
    """Mean change between two samples, in codes (green only). A live picture: 0.09 and more; a frozen one: < 0.02."""
    if before.shape != after.shape:
        return 255.0
    return float(np.abs(before[1].astype(np.int16) - after[1]).mean())


def noise(before: Picture, after: Picture) -> float:
    """Temporal noise of one picture in codes, of two samples: standard deviation of the change by root 2 (green only).

    Of the quieter quarter of the zones, so that a presenter who moves in front of half of them does not count (7 %
    more); each zone less its own mean change, so that light that changes does not, either. Zones that are clipped or
    crushed have no noise to see and are left out. NaN when none is left, or the samples are of two sizes.
    Real clips of presenters: 4...7 % from one pair of pictures to the next, where the plain deviation varies by 50 %.
    """
    if before.shape != after.shape:
        return math.nan
    rows = before.shape[1]
    step = rows // (3 * ROWS) if rows >= 8 * ROWS else 1  # three rows of each zone are enough
    one, other = before[1, ::step], after[1, ::step]
    down, right = one.shape[0] // ROWS, one.shape[1] // COLUMNS
    each = down * right
    if each < 2:
        return math.nan
    cut = np.s_[: down * ROWS, : right * COLUMNS]
    planes = np.empty((3, down * ROWS, right * COLUMNS), np.float32)
    planes[0], planes[1] = one[cut], other[cut]
    planes[1] -= planes[0]
    np.multiply(planes[1], planes[1], out=planes[2])
    bands = np.einsum("paik->pak", planes.reshape(3, ROWS, down, right * COLUMNS))  # sums, without BLAS
    level, mean, square = np.einsum("pazk->paz", bands.reshape(3, ROWS, COLUMNS, right)) / np.float32(each)
    usable = (level > LOWEST) & (level < HIGHEST)
    if not usable.any():
        return math.nan
    variance = (square - mean * mean)[usable] * each / (each - 1)
    variance.sort()
    # The lower quartile of what so many points estimate lies a little below what they estimate.
    low = max(0.1, 1 - 0.6745 * math.sqrt(2 / (each - 1)))
    return math.sqrt(max(float(variance[len(variance) // 4]), 0.0) / 2 / low)


def grains(before: Picture, after: Picture) -> Floats:
    """Temporal noise of one picture in codes, of two samples, zone by zone (ROWS x COLUMNS; green only), to be compared
    with the same zone's at another time. NaN where the picture does not stand still (mean change of the zone above
    STILL), is clipped or crushed.

    Of all points. Taken off are the mean change of each row of a zone, so that bands that roll through the picture do
    not count, and what goes with the level and with its slopes, so that neither does light that changes nor a picture
    that creeps. One pair: within 6 % for a zone, 1 % for their median. ValueError: samples of two sizes, or too small.
    """
    if before.shape != after.shape or before.shape[1] < 2 * ROWS or before.shape[2] < 4 * COLUMNS:
        raise ValueError(f"two samples of one size, 4 x 2 points a zone, not {before.shape} and {after.shape}")
    down, right = before.shape[1] // ROWS, before.shape[2] // COLUMNS
    one, other = (each[1, : down * ROWS, : right * COLUMNS].astype(np.float32) for each in (before, after))
    planes = np.empty((4, *one.shape), np.float32)
    change, level, across, along = planes
    np.subtract(other, one, out=change)
    np.add(one, other, out=level)
    across[:], along[:] = 0, 0
    np.subtract(level[:, 2:], level[:, :-2], out=across[:, 1:-1])
    np.subtract(level[2:], level[:-2], out=along[1:-1])
    zones = planes.reshape(4, ROWS, down, COLUMNS, right)
    common, light = np.einsum("padbr->pab", zones[:2]) / np.float32(down * right)
    zones -= np.einsum("padbr->padb", zones)[..., None] / np.float32(right)
    both = np.einsum("padbr,qadbr->abpq", zones, zones, optimize=False)
    ridge = np.eye(3, dtype=np.float32)  # codes squared: where there is no slope there is nothing to take off
    fitted = np.linalg.solve(both[..., 1:, 1:] + ridge, both[..., 1:, :1])[..., 0]
    left = both[..., 0, 0] - np.einsum("abp,abp->ab", fitted, both[..., 1:, 0])
    variance = left / np.float32(2 * max(1, down * (right - 1) - 3))
    usable = (light > 2 * LOWEST) & (light < 2 * HIGHEST) & (np.abs(common) < STILL)
    found: Floats = np.where(usable, np.sqrt(np.maximum(variance, 0)), np.float32(np.nan))
    return found


def sharpness(pixels: Picture, box: Box) -> float:
    """Variance of the Laplacian of green in the middle 256 x 256 pixels of the box, at full resolution, in every eighth
    row (within 2.4 % of what all of them say, median; of every 16th it would be 4.3, and presenters who move change it
    by a tenth from picture to picture). Compare only with its own baseline. Raises ValueError when the box leaves no 3
    x 3 pixels."""
    left, top, width, height = box
    left, top = left + max(0, width - FOCUS_SIZE) // 2, top + max(0, height - FOCUS_SIZE) // 2
    right, bottom = left + min(width, FOCUS_SIZE), top + min(height, FOCUS_SIZE)
    patch = three(pixels)[max(0, top) : max(0, bottom), max(0, left) : max(0, right), 1]
    if patch.shape[0] < 3 or patch.shape[1] < 3:
        raise ValueError(f"the box {box} leaves no 3 x 3 pixels of a picture of {pixels.shape[1]} x {pixels.shape[0]}")
    # Copied first: widening every third byte takes twice as long.
    above, middle, below = (
        np.ascontiguousarray(patch[row : len(patch) - 2 + row : 8]).astype(np.int16) for row in range(3)
    )
    bend = above + below
    along, centre = bend.ravel(), middle.ravel()  # one long row each: what is wrong then is the edge, and left out
    along[1:] += centre[:-1]
    along[:-1] += centre[1:]
    centre *= 4
    along -= centre
    exact = bend[:, 1:-1].astype(np.float32)
    mean, square = np.einsum("ij->", exact) / exact.size, np.einsum("ij,ij->", exact, exact) / exact.size
    return float(square - mean * mean)


def edges(pixels: Picture) -> Floats:
    """Variance of the Laplacian of green at full resolution, of CELLS of the picture: of every eighth row of the middle
    64 x 64 pixels of each (smaller cells: of all of it). For pictures whose middle shows something else now. Raises
    ValueError for those too small."""
    whole = three(pixels)
    down, right = whole.shape[0] // CELLS[0], whole.shape[1] // CELLS[1]
    tall, wide = min(PATCH, down - 2), min(PATCH, right - 2)
    if min(tall, wide) < 1:
        raise ValueError(f"cells of a picture of {whole.shape[1]} x {whole.shape[0]} leave no 3 x 3 pixels")
    found = np.empty(CELLS, np.float32)
    for row in range(CELLS[0]):
        top = row * down + (down - tall) // 2
        above, centre, below = (
            np.ascontiguousarray(whole[top + at : top + at + tall : 8, :, 1]).astype(np.int16) for at in (-1, 0, 1)
        )
        bend = 4 * centre - above - below
        bend[:, 1:-1] -= centre[:, :-2] + centre[:, 2:]
        cells = bend[:, : right * CELLS[1]].reshape(-1, CELLS[1], right)
        middles = cells[:, :, (right - wide) // 2 :][:, :, :wide].astype(np.float32)
        size = middles.shape[0] * wide
        mean, square = np.einsum("rck->c", middles) / size, np.einsum("rck,rck->c", middles, middles) / size
        found[row] = square - mean * mean
    return found


def middle(box: Box | None, pixels: Picture) -> Box:
    """The part of the box that lies in the picture; the whole picture when there is none."""
    height, width = pixels.shape[:2]
    if box is not None:
        left, top = max(0, box[0]), max(0, box[1])
        right, bottom = min(width, box[0] + box[2]), min(height, box[1] + box[3])
        if right - left >= 3 and bottom - top >= 3:
            return left, top, right - left, bottom - top
    return 0, 0, width, height
