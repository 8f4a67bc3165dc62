"""A picture in the numbers it is compared by, and the show's reference picture: the medians of some. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from drivers.base import Picture
from drivers.camera.light import Floats, channels, logs
from drivers.camera.metrics import COLUMNS, ROWS, noise, sharpness
from drivers.camera.shift import CELLS, HEIGHT, WIDTH, Grey, thumbnail
from drivers.camera.texture import edges, grains

VERSION = 1
BOX = 256
"""Pixels across and down, in the middle, whose sharpness counts."""
UNKNOWN = -99.0
"""Stops: a zone that was too dark or clipped in the reference."""


@dataclass(frozen=True, slots=True)
class Portrait:
    """One picture's numbers. ``grey``: HEIGHT x WIDTH codes; ``zones``: 3 x ROWS x COLUMNS (blue, green, red) of log2
    linear light, NaN where too dark or clipped; ``sharpness``: Laplacian variance (codes squared) of the presenter or
    the middle, ``noise``: codes; NaN where not known. ``level``: mean code of the picture, ``size``: width, height.
    ``grains``: ROWS x COLUMNS, noise zone by zone, NaN where not known; ``edges``: sharpness of CELLS of the picture
    (:mod:`drivers.camera.texture`)."""

    grey: Grey
    zones: Floats
    level: float
    sharpness: float
    noise: float
    size: tuple[int, int]
    grains: Floats | None = None
    edges: Floats | None = None


@dataclass(frozen=True, slots=True)
class Baseline:
    """The reference, as plain numbers. ``at``: when it was taken (ISO 8601)."""

    at: str
    size: tuple[int, int]
    grey: tuple[int, ...]
    zones: tuple[float, ...]
    level: float
    sharpness: float
    noise: float
    grains: tuple[float, ...] = ()
    """ROWS x COLUMNS codes, 0 where not known; (): of none (a file of before this was looked at)."""
    edges: tuple[float, ...] = ()
    """Sharpness of CELLS; (): likewise."""
    version: int = VERSION

    @property
    def picture(self) -> Grey:
        """HEIGHT x WIDTH."""
        return np.array(self.grey, np.uint8).reshape(HEIGHT, WIDTH)

    @property
    def portrait(self) -> Portrait:
        """The same as one picture's numbers."""
        light = np.where(self.light > UNKNOWN / 2, self.light, np.float32(np.nan))
        grains = np.array(self.grains, np.float32).reshape(ROWS, COLUMNS) if self.grains else None
        edges = np.array(self.edges, np.float32).reshape(CELLS) if self.edges else None
        if grains is not None:
            grains[grains <= 0] = np.nan
        return Portrait(self.picture, light, self.level, self.sharpness, self.noise, self.size, grains, edges)

    @property
    def light(self) -> Floats:
        """3 x ROWS x COLUMNS, log2; UNKNOWN where nothing could be said."""
        return np.array(self.zones, np.float32).reshape(3, ROWS, COLUMNS)


def portrait(
    points: Picture,
    size: tuple[int, int],
    sharpness: float = math.nan,
    noise: float = math.nan,
    zones: Floats | None = None,
    grains: Floats | None = None,
    edges: Floats | None = None,
) -> Portrait:
    """The numbers of a picture of that width and height, of its ``metrics.points``. ``zones``: its linear light (3 x
    ROWS x COLUMNS) where it is known already. ValueError: too small to be compared."""
    light = logs(channels(points) if zones is None else zones)
    return Portrait(thumbnail(points), light, float(points[1].mean()), sharpness, noise, size, grains, edges)


def seen(pixels: Picture, points: Picture, before: Picture | None = None) -> Portrait:
    """The numbers of a picture, its ``metrics.points`` and those of the picture before (for the noise)."""
    height, width = pixels.shape[:2]
    wide, tall = min(BOX, width), min(BOX, height)
    middle = ((width - wide) // 2, (height - tall) // 2, wide, tall)
    sharp, lines = sharpness(pixels, middle), edges(pixels)
    if before is None or before.shape != points.shape:
        return portrait(points, (width, height), sharp, edges=lines)
    return portrait(points, (width, height), sharp, noise(before, points), grains=grains(before, points), edges=lines)


def take(pictures: Sequence[Portrait], at: str) -> Baseline:
    """The reference of some pictures in a row: medians, so that one of somebody's hand does not count."""
    if not pictures or len({each.size for each in pictures}) > 1:
        raise ValueError("a reference is taken of pictures of one size, at least one")

    def middle(name: str) -> float:
        known = [value for each in pictures if not math.isnan(value := float(getattr(each, name)))]
        return median(known) if known else math.nan

    grey = np.median([each.grey for each in pictures], axis=0).astype(np.uint8)
    zones = np.nan_to_num(np.median([each.zones for each in pictures], axis=0), nan=UNKNOWN)
    grain = _medians([each.grains for each in pictures if each.grains is not None])
    lines = _medians([each.edges for each in pictures if each.edges is not None])
    return Baseline(
        at=at,
        size=pictures[0].size,
        grey=tuple(grey.ravel().tolist()),
        zones=tuple(round(value, 4) for value in zones.ravel().tolist()),
        level=middle("level"),
        sharpness=middle("sharpness"),
        noise=middle("noise"),
        grains=tuple(round(value, 3) for value in grain.ravel().tolist()),
        edges=tuple(round(value, 2) for value in lines.ravel().tolist()),
    )


def _medians(each: Sequence[Floats]) -> Floats:
    """Of each zone, 0 where it is never known; empty of none."""
    if not each:
        return np.empty(0, np.float32)
    known = np.array(each, np.float32)
    usable = ~np.isnan(known).all(axis=0)
    found = np.zeros(known.shape[1:], np.float32)
    found[usable] = np.nanmedian(known[:, usable], axis=0)
    return found
