"""Response curves of virtual cameras: linear light to code, both 0...1, and exactly back.

Standards: IEC 61966-2-1 (sRGB), ITU-R BT.709-6, item 1.2 (camera transfer function). ``film`` is none: a curve with a
toe and a shoulder, as cameras have that keep two more stops of highlights.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]

STEPS = 2048
"""Entries of the tone table per unit of *root* light. The root, because there all these curves are nearly straight:
even the darkest codes get entries of their own."""


@dataclass(frozen=True, slots=True)
class Response:
    """``encode``: light to code, ``decode``: its inverse. ``reach``: the light that gets the code 1."""

    encode: Callable[[Values], Values]
    decode: Callable[[Values], Values]
    reach: float = 1.0

    def table(self) -> Bytes:
        """8-bit codes by root light, ``STEPS`` entries to the unit."""
        root = (np.arange(round(STEPS * self.reach**0.5) + 1) + 0.5) / STEPS
        code = self.encode(np.minimum(root**2, self.reach))
        return np.asarray(np.round(code * 255), np.uint8)


def gamma(exponent: float) -> Response:
    """A plain power: code = light ^ (1 / exponent)."""
    return Response(lambda light: light ** (1 / exponent), lambda code: code**exponent)


def _srgb(light: Values) -> Values:
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def _srgb_back(code: Values) -> Values:
    return np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)


def _bt709(light: Values) -> Values:
    return np.where(light < 0.018, 4.5 * light, 1.099 * light**0.45 - 0.099)


def _bt709_back(code: Values) -> Values:
    return np.where(code < 0.081, code / 4.5, ((code + 0.099) / 1.099) ** (1 / 0.45))


REACH = 4.0
TOE = 1.15
"""Contrast of the darkest parts, beside 1 of a straight line."""
BEND = 0.7522
"""Puts 18 % grey where sRGB has it."""
_TOP = 1 + BEND / REACH**TOE


def _film(light: Values) -> Values:
    lifted = light**TOE
    return _srgb(_TOP * lifted / (lifted + BEND))


def _film_back(code: Values) -> Values:
    share = _srgb_back(code)
    return np.asarray((BEND * share / (_TOP - share)) ** (1 / TOE))


RESPONSES: Mapping[str, Response] = {
    "srgb": Response(_srgb, _srgb_back),
    "bt709": Response(_bt709, _bt709_back),
    "gamma": gamma(2.2),
    "film": Response(_film, _film_back, REACH),
}
"""What a camera can be set to."""
