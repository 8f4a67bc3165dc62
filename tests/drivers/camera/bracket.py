"""A camera with a known curve, held still before a photograph whose light is known: noise, 8 bits, JPEG."""

from collections.abc import Callable

import cv2
import numpy as np

from drivers.base import Picture
from drivers.camera.metrics import linear_to_srgb, srgb_to_linear
from tests.drivers.camera.photographs import photograph

Encode = Callable[[np.ndarray], np.ndarray]


def bt709(light: np.ndarray) -> np.ndarray:
    return np.where(light < 0.018, 4.5 * light, 1.099 * np.maximum(light, 1e-9) ** 0.45 - 0.099)


def hlg(light: np.ndarray) -> np.ndarray:
    """ITU-R BT.2100."""
    upper = 0.17883277 * np.log(np.maximum(12 * light - 0.28466892, 1e-9)) + 0.55991073
    return np.where(light <= 1 / 12, np.sqrt(3 * light), upper)


def slog3(light: np.ndarray) -> np.ndarray:
    """Sony S-Log3, white at the end of its range."""
    scene_light = 38.42 * light
    upper = (420 + np.log10((scene_light + 0.01) / 0.19) * 261.5) / 1023
    return np.where(scene_light >= 0.01125, upper, (scene_light * 76.2102946929 / 0.01125 + 95) / 1023)


def logarithmic(light: np.ndarray) -> np.ndarray:
    """Rounded off below and above, as camera makers' log curves are: 6 stops between."""
    toe = np.log2(light * 60 + 1) / np.log2(61)
    return toe + 0.03 * np.sin(np.pi * toe)


CURVES: dict[str, Encode] = {
    "srgb": linear_to_srgb,
    "bt709": bt709,
    "gamma 1.8": lambda light: light ** (1 / 1.8),
    "gamma 2.6": lambda light: light ** (1 / 2.6),
    "hlg": hlg,
    "log": logarithmic,
}


def scene(name: str = "coffee.png", width: int = 960, height: int = 540) -> np.ndarray:
    """Linear light of a photograph, lit from the left so that every exposure shows something well."""
    light = srgb_to_linear(photograph(name, width, height).astype(np.float64) / 255)
    return (light + 0.004) * np.geomspace(3, 0.4, width)[:, None]


def shoot(
    light: np.ndarray, stops: float, encode: Encode, seed: int, quality: int = 90, full_well: float = 8000.0
) -> Picture:
    """``full_well``: electrons at white. Read noise is 4 of them."""
    random = np.random.default_rng(seed)
    exposed = light * 2.0**stops
    exposed = exposed + random.standard_normal(light.shape) * np.sqrt(exposed / full_well + (4 / full_well) ** 2)
    code = encode(np.clip(exposed, 0, 1))
    pixels = np.clip(np.round(255 * code), 0, 255).astype(np.uint8)
    if not quality:
        return pixels
    packed = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
