"""How a camera's codes stand for light. Pure numbers. All light is linear, 1.0 = the camera's white."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Curve = Floats
"""Linear light of a camera's codes, 1.0 at white: 256 for all channels, or 3 x 256 for blue, green and red."""

REC709 = np.array([0.0722, 0.7152, 0.2126], np.float32)
"""Luminance of linear blue, green, red (ITU-R BT.709-6, 3.2)."""

_BLUE, _GREEN, _RED = REC709


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
"""The curve of a camera nobody calibrated: 0.05...0.2 stop per stop off a real one's (response.py finds that)."""


def tables(curve: Curve) -> tuple[Floats, Floats, Floats]:
    """Those of blue, green and red. Raises ValueError for another shape."""
    curve = np.ascontiguousarray(curve, np.float32)  # OpenCV writes into our array only from a table of its kind
    if curve.shape == (256,):
        return curve, curve, curve
    if curve.shape == (3, 256):
        return curve[0], curve[1], curve[2]
    raise ValueError(f"a curve has 256 or 3 x 256 values, not {curve.shape}")


def luminance(planes: Floats) -> Floats:
    """Of 3 planes of linear blue, green, red. Written out: a matrix product would call BLAS (see points.py)."""
    light: Floats = planes[0] * _BLUE
    light += planes[1] * _GREEN
    light += planes[2] * _RED
    return light
