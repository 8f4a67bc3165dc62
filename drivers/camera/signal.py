"""What ffmpeg's ``signalstats`` tells of a picture, from every sample of its planes. Pure.

The same numbers to the last printed digit (ffmpeg 5.1, libavfilter/vf_signalstats.c), in less than half of its time:

    luma    256 counts  --> YMIN, YLOW, YAVG, YHIGH, YMAX, YBITDEPTH
    chroma  256 x 256 counts of (U, V) pairs --> the same of U and of V, SATMIN ... SATMAX, HUEMED, HUEAVG
    planes less those before --> YDIF, UDIF, VDIF

LOW and HIGH are the 10th and the 90th percentile. Saturation is the distance of (U, V) from (128, 128) cut to a whole
number; hue is its angle in whole degrees, 0...359.

For waveform-minded people and for comparing with other tools: exposure is told by metrics.py, in linear light.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from drivers.base import Picture

Counts = npt.NDArray[np.int64]

_MATRICES = {"709": (0.2126, 0.0722), "601": (0.299, 0.114)}
"""Weights of red and blue in luma (ITU-R BT.709-6 and BT.601-7)."""

_PIECE = 1 << 16


class Planes(NamedTuple):
    """Y'CbCr 4:2:0, 8 bits: luma rows x columns, and two planes of half as many rows and columns (rounded up)."""

    y: Picture
    u: Picture
    v: Picture


@dataclass(frozen=True, slots=True)
class Plane:
    """Codes of one plane: least, 10th percentile, mean, 90th percentile, most; how many of the 8 bits are ever set;
    mean change since the picture before (0 without one, and always 0 for saturation)."""

    min: int
    low: int
    avg: float
    high: int
    max: int
    bits: int
    dif: float = 0.0


@dataclass(frozen=True, slots=True)
class Signal:
    """All of it. ``hue_med`` and ``hue_avg`` in degrees."""

    y: Plane
    u: Plane
    v: Plane
    sat: Plane
    hue_med: int
    hue_avg: float

    def named(self) -> Iterator[tuple[str, float]]:
        """Names and numbers as ffmpeg has them (``YMIN`` ... ``VBITDEPTH``)."""
        for name, plane in (("Y", self.y), ("U", self.u), ("V", self.v), ("SAT", self.sat)):
            for what in ("min", "low", "avg", "high", "max"):
                yield name + what.upper(), getattr(plane, what)
        yield "HUEMED", self.hue_med
        yield "HUEAVG", self.hue_avg
        for name, plane in (("Y", self.y), ("U", self.u), ("V", self.v)):
            yield name + "DIF", plane.dif
            yield name + "BITDEPTH", plane.bits


def statistics(planes: Planes, before: Planes | None = None) -> Signal:
    """Raises ValueError for planes that are no 4:2:0 picture of 8 bits, or of another size than those before."""
    _check(planes)
    if before is not None and [plane.shape for plane in before] != [plane.shape for plane in planes]:
        raise ValueError(f"two pictures of two sizes: {before.y.shape} and {planes.y.shape}")
    luma = _pairs(planes.y)
    pairs = _count(planes.u.ravel() * np.uint16(256) + planes.v.ravel())
    angle, distance = _polar()
    hue = np.bincount(angle, weights=pairs.ravel(), minlength=360).astype(np.int64)
    saturation = np.bincount(distance, weights=pairs.ravel(), minlength=256).astype(np.int64)
    dif = (0.0, 0.0, 0.0) if before is None else tuple(map(_change, before, planes))
    total = planes.u.size
    return Signal(
        y=_plane(luma, dif[0]),
        u=_plane(pairs.sum(axis=1), dif[1]),
        v=_plane(pairs.sum(axis=0), dif[2]),
        sat=_plane(saturation),
        hue_med=int(np.searchsorted(np.cumsum(hue), total // 2, side="right")),
        hue_avg=float(hue @ np.arange(360)) / total,
    )


def from_bgr(pixels: Picture, matrix: Literal["709", "601"] = "709") -> Planes:
    """Limited-range (16...235 and 16...240) planes of a picture of full-range blue, green, red.

    Exact arithmetic, rounded once; chroma is the mean of the pixels it stands for. Raises ValueError for what is none.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or pixels.size == 0:
        raise ValueError(f"a picture is rows x columns x 3 of 8 bits, not {pixels.shape} of {pixels.dtype}")
    kr, kb = _MATRICES[matrix]
    blue, green, red = (plane.astype(np.float32) for plane in np.moveaxis(pixels, 2, 0))
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    u = _halved(blue - luma) * np.float32(112 / 255 / (1 - kb)) + np.float32(128.5)
    v = _halved(red - luma) * np.float32(112 / 255 / (1 - kr)) + np.float32(128.5)
    y = luma * np.float32(219 / 255) + np.float32(16.5)
    return Planes(y.astype(np.uint8), u.astype(np.uint8), v.astype(np.uint8))


# --- inside ----------------------------------------------------------------------------------------------------------


def _check(planes: Planes) -> None:
    shape = planes.y.shape
    half = tuple(-(-side // 2) for side in shape)
    if (
        len(shape) != 2
        or 0 in shape
        or any(plane.dtype != np.uint8 for plane in planes)
        or planes.u.shape != half
        or planes.v.shape != half
    ):
        said = ", ".join(f"{plane.shape} of {plane.dtype}" for plane in planes)
        raise ValueError(f"planes are rows x columns and twice half of it (4:2:0), of 8 bits, not {said}")


def _pairs(plane: Picture) -> Counts:
    """How often each code is there. Two neighbours are counted at once, as one of 65 536: half the work."""
    flat = np.ascontiguousarray(plane).ravel()
    even = flat[: flat.size // 2 * 2].view(np.uint16)
    both = _count(even)
    counts: Counts = both.sum(axis=0) + both.sum(axis=1)
    if flat.size % 2:
        counts[flat[-1]] += 1
    return counts


def _count(pairs: npt.NDArray[np.uint16]) -> Counts:
    """256 x 256 counts of pairs. Piece by piece: numpy makes eight bytes of each, which is to stay in the cache."""
    counts = np.zeros(65536, np.int64)
    for begin in range(0, pairs.size, _PIECE):
        counts += np.bincount(pairs[begin : begin + _PIECE], minlength=65536)
    return counts.reshape(256, 256)


def _plane(counts: Counts, dif: float = 0.0) -> Plane:
    total = int(counts.sum())
    reached = np.cumsum(counts)
    present = counts.nonzero()[0]
    # ffmpeg: the first code at which so many samples are reached; of very few samples that is none, and so code 0.
    low, high = (int(np.searchsorted(reached, round(total * share / 100))) for share in (10, 90))
    mean = float(counts @ np.arange(len(counts))) / total
    bits = int(np.bitwise_or.reduce(present)).bit_count()
    return Plane(int(present[0]), low, mean, high, int(present[-1]), bits, dif)


def _change(before: Picture, after: Picture) -> float:
    """Mean of the absolute difference, without leaving 8 bits; 64 rows at a time, likewise."""
    total = 0
    for top in range(0, len(after), 64):
        one, other = before[top : top + 64], after[top : top + 64]
        total += int((np.maximum(one, other) - np.minimum(one, other)).sum(dtype=np.uint32))
    return total / after.size


@cache
def _polar() -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Hue in degrees and saturation of each of the 65 536 pairs (U, V)."""
    u, v = (axis.ravel() for axis in np.meshgrid(np.arange(-128, 128), np.arange(-128, 128), indexing="ij"))
    degrees = np.floor(180 / np.pi * np.arctan2(u, v) + 180) % 360
    return degrees.astype(np.intp), np.hypot(u, v).astype(np.intp)


def _halved(plane: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Means of 2 x 2; an odd last row or column stands for itself."""
    down, right = plane.shape
    whole = np.pad(plane, ((0, down % 2), (0, right % 2)), mode="edge")
    half: npt.NDArray[np.float32] = (
        whole[::2, ::2] + whole[1::2, ::2] + whole[::2, 1::2] + whole[1::2, 1::2]
    ) / np.float32(4)
    return half
