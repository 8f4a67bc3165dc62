"""From packets to pictures: 8-bit blue-green-red, whatever the camera sends. BadReply says what is wrong with one.

*Reduced* JPEG decoding scales within the inverse DCT, before there are pixels: from 1080p on half the size, from 4K on
a quarter, from 8K on an eighth, never fewer than 960 across. It averages gamma-coded values over 2 x 2 pixels or more:
on photographs the exposure is 0.02 stop off at worst, on fine textures 0.06 (a quarter: 0.18); drivers/camera/
reduction.py finds that out and takes it back. Noise and sharpness are those of another camera: compare them only with
values taken in the same way.

``cv2`` is imported at the first picture.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from drivers.base import Picture
from drivers.errors import BadReply, Why
from drivers.real.jpeg import layout

WIDEST, MOST = 8192, 8192 * 4608
"""Pixels across, and in all (8K is 7680 x 4320). A header that says more would cost gigabytes to believe."""
GREY = 128
LEAST = 960
"""Pixels across a reduced picture keeps."""
_CHECK = "check the cable or network to the camera"

RTSP = "rtsp_transport;tcp+udp|rtsp_flags;prefer_tcp|allowed_media_types;video"
"""What FFmpeg is told about RTSP: over TCP, and over UDP where the camera refuses that (461); and no sound: it would
wait for the first of it until the time for opening is over."""

Plane = npt.NDArray[np.uint8]


def opencv() -> Any:
    """OpenCV, quiet and single-threaded. The environment must be set before the library first looks at it."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", RTSP)
    import cv2

    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    cv2.setNumThreads(1)
    return cv2


def jpeg(data: bytes | memoryview, *, detail: bool = True) -> tuple[Picture, tuple[int, int]]:
    """A JPEG picture (grey and progressive ones, too) and the width and height its header says."""
    cv2 = opencv()
    found = layout(data)
    if found is None or not found.width or not found.height:
        raise BadReply("a picture that is no JPEG", "is this a camera's stream address?", why=Why.SPOILT)
    size = (found.width, found.height)
    if max(size) > WIDEST or size[0] * size[1] > MOST:
        said = f"a picture of {size[0]}x{size[1]} is more than 8K"
        raise BadReply(said, "set a smaller size at the camera", why=Why.TOO_LARGE)
    if found.bits != 8:
        said = f"JPEG pictures with {found.bits} bits per sample are not read"
        raise BadReply(said, "set 8 bit at the camera", why=Why.NO_FORMAT)
    flags = cv2.IMREAD_COLOR if detail else _reduced(cv2, found.width)
    try:
        pixels: Picture | None = cv2.imdecode(np.frombuffer(data, np.uint8), flags | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        pixels = None
    if pixels is None:
        raise BadReply("a JPEG picture that cannot be decoded", _CHECK, why=Why.SPOILT)
    if _cut_short(pixels):
        raise BadReply("a JPEG picture that is cut short", _CHECK, why=Why.SPOILT)
    return pixels, size


def _cut_short(pixels: Picture) -> bool:
    """Whether the coded data ended early. The library only warns, on the process's error output, and leaves all blocks
    that are missing at exactly middle grey, which no camera's last rows are; a picture of nothing else is somebody's
    test card. (Half a picture in grey is near every exposure target: nobody would notice.)"""
    return bool((pixels[-1] == GREY).all() and (pixels[-2:] == GREY).all() and not (pixels[0] == GREY).all())


def _reduced(cv2: Any, width: int) -> int:
    for parts, flag in (
        (8, cv2.IMREAD_REDUCED_COLOR_8),
        (4, cv2.IMREAD_REDUCED_COLOR_4),
        (2, cv2.IMREAD_REDUCED_COLOR_2),
    ):
        if width >= parts * LEAST:
            return int(flag)
    return int(cv2.IMREAD_COLOR)


def eight_bits(pixels: npt.NDArray[Any]) -> Picture:
    """What OpenCV made of a picture, as height x width x 3 of 8 bit: grey and 16-bit ones, too."""
    if pixels.dtype == np.uint16:
        pixels = pixels >> 8
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        pixels = np.repeat(pixels.reshape(*pixels.shape[:2], 1), 3, axis=2)
    return np.asarray(pixels[..., :3], np.uint8)


# --- uncompressed (V4L2) ---------------------------------------------------------------------------------------------


def _turned(code: str) -> Callable[[Plane], Picture]:
    def turn(plane: Plane) -> Picture:
        cv2 = opencv()
        picture: Picture = cv2.cvtColor(plane, getattr(cv2, code))
        return picture

    return turn


def _deep(bits: int) -> Callable[[Plane], Picture]:
    """Grey of more than 8 bits, little-endian: its upper 8."""

    def turn(plane: Plane) -> Picture:
        grey = (plane.view("<u2")[..., 0] >> (bits - 8)).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)

    return turn


Raw = tuple[tuple[int, int], int, Callable[[Plane], Picture]]
"""Rows of bytes per row of pixels as a fraction, bytes per pixel in a row (1: planar), and how it is turned."""

RAW: Mapping[str, Raw] = {
    "NV12": ((3, 2), 1, _turned("COLOR_YUV2BGR_NV12")),
    "NV21": ((3, 2), 1, _turned("COLOR_YUV2BGR_NV21")),
    "YU12": ((3, 2), 1, _turned("COLOR_YUV2BGR_I420")),
    "YV12": ((3, 2), 1, _turned("COLOR_YUV2BGR_YV12")),
    "YUYV": ((1, 1), 2, _turned("COLOR_YUV2BGR_YUYV")),
    "UYVY": ((1, 1), 2, _turned("COLOR_YUV2BGR_UYVY")),
    "YVYU": ((1, 1), 2, _turned("COLOR_YUV2BGR_YVYU")),
    "BGR3": ((1, 1), 3, np.copy),
    "RGB3": ((1, 1), 3, _turned("COLOR_RGB2BGR")),
    "GREY": ((1, 1), 1, _turned("COLOR_GRAY2BGR")),
    "Y10 ": ((1, 1), 2, _deep(10)),
    "Y12 ": ((1, 1), 2, _deep(12)),
    "Y16 ": ((1, 1), 2, _deep(16)),
}
"""By V4L2 four-character code. YUV is taken as BT.601 with its narrow range, as V4L2 has it by default."""
JPEGS = ("MJPG", "JPEG")


def raw(data: memoryview, code: str, width: int, height: int, stride: int) -> Picture:
    """An uncompressed picture; ``stride``: bytes per row. BadReply when there is less of it than its size asks for."""
    (up, down), deep, turn = RAW[code]
    rows = height * up // down
    stride = stride or width * deep
    if stride < width * deep or len(data) < rows * stride - (stride - width * deep):
        raise BadReply(
            f"a picture came with {len(data)} of {rows * stride} bytes",
            "a cable or USB port too slow for it: use another one, or MJPEG",
            why=Why.SPOILT,
        )
    if len(data) < rows * stride:  # the last row without its padding
        data = memoryview(bytes(data) + bytes(rows * stride - len(data)))
    if down == 2 and stride != width:
        plane = _planes(np.frombuffer(data, np.uint8, rows * stride), code, width, height, stride)
    else:
        plane = np.frombuffer(data, np.uint8, rows * stride).reshape(rows, stride)[:, : width * deep]
    if deep > 1:
        plane = np.ascontiguousarray(plane).reshape(rows, width, deep)
    return turn(np.ascontiguousarray(plane))


def _planes(data: Plane, code: str, width: int, height: int, stride: int) -> Plane:
    """Planes of padded rows without their padding. Three planes: the small ones have rows of half the stride."""
    luma = data[: height * stride].reshape(height, stride)[:, :width]
    rest = data[height * stride :]
    if code.startswith("NV"):
        return np.vstack((luma, rest.reshape(-1, stride)[:, :width]))
    small = rest.reshape(-1, stride // 2)[:, : width // 2]
    return np.vstack((luma, np.ascontiguousarray(small).reshape(-1, width)))
