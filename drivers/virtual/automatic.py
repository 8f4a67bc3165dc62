"""A virtual camera's own auto exposure and auto white balance: what fights whoever regulates the light.

Exposure after libcamera's AGC (agc_channel.cpp of its Raspberry Pi IPA): the gain that brings the centre-weighted mean
of linear light to the target, looked for again where whites clip; then 0.2 of the way there in each picture, quicker
close to it, nothing at all within 2 %, at once in the first ten pictures. Exposure time first, up to the picture
interval and in whole periods of the mains, then gain. White balance: the mean is taken for grey, a tenth of the way.

It is simulated picture by picture on a thousand points of the scene, whether or not somebody looks at the pictures: so
a picture does not depend on which others were read. A step costs 0.2 ms; after a long time unseen only the last
``CATCH_UP`` steps are taken, which is more than it takes to settle. It does not see noise, blur, ripple and movement.
"""

from collections import deque
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from drivers.virtual.relief import Floats
from drivers.virtual.world import BALANCE, filters

CATCH_UP = 250
SPEED, WHITE_SPEED = 0.2, 0.1
DEAD_ZONE = 0.02
START_UP = 10
LAG = 2
"""Pictures until a decision is seen in one (the sensor's registers, and the picture under way)."""
SHORTEST = 1e-4
MOST_GAIN = 24.0
SLOWEST = 4
"""Picture intervals an exposure may last when the camera may slow down in the dark."""
WARMEST, COLDEST = 2500, 10000
LUMA = np.array([0.0722, 0.7152, 0.2126], np.float32)
"""Blue, green, red (ITU-R BT.709-6)."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a picture is taken with: seconds, decibels, kelvin."""

    shutter: float
    gain: float
    kelvin: float = BALANCE

    @property
    def total(self) -> float:
        """Exposure as seconds at 0 dB."""
        return self.shutter * float(10 ** (self.gain / 20))


class Automatic:
    """Switches and state. ``target``: linear light wanted, 1 = white. ``mains``: hertz, 0: none."""

    def __init__(self) -> None:
        self.exposure = self.white = False
        self.dynamic = False
        self.mains = 50
        self.target = 0.18
        self._count = 0
        self._now: deque[tuple[float, float]] = deque(maxlen=LAG + 1)
        """Total exposure and mired: of this picture, and of the next ones. Empty: both switches were off."""

    def begin(self) -> None:
        """Pictures begin: it is quick once more."""
        self._count = 0
        self._now.clear()

    def rest(self) -> None:
        """Both switches are off."""
        self._now.clear()

    def setting(self, manual: Setting, interval: float) -> Setting:
        """What the present picture is taken with."""
        if not self._now:
            return manual
        total, mired = self._now[0]
        shutter, gain = self._divided(total, interval) if self.exposure else (manual.shutter, manual.gain)
        return Setting(shutter, gain, 1e6 / mired if self.white else manual.kelvin)

    def step(self, scene: Floats, manual: Setting, interval: float) -> None:
        """On to the next picture. ``scene``: rows x columns x blue, green, red: the light of this picture for an
        exposure of one second at 0 dB, balanced for ``BALANCE``."""
        if not self._now:
            self._now.extend([(manual.total, 1e6 / manual.kelvin)] * (LAG + 1))
        used = self.setting(manual, interval)
        self._count += 1
        total, mired = self._now[-1]
        seen = scene * np.array(filters(used.kelvin)[::-1], np.float32) * np.float32(used.total)
        if self.exposure:
            total = self._filtered(total, self._limited(used.total * self._wanted(seen), interval))
        else:
            total = manual.total
        if self.white:
            speed = 1.0 if self._count <= START_UP else WHITE_SPEED
            mired += speed * (_grey(seen, used.kelvin, mired) - mired)
        else:
            mired = 1e6 / manual.kelvin
        self._now.append((total, mired))

    def _wanted(self, seen: Floats) -> float:
        """How many times more light there should be. Parts that clip answer less: hence in several goes."""
        weights = _weights(*seen.shape[:2])
        gain = 1.0
        for _ in range(8):
            mean = float(np.minimum(seen * np.float32(gain), 1.0).reshape(-1, 3).T @ weights @ LUMA)
            more = min(10.0, self.target / (mean + 1e-3))
            gain *= more
            if more < 1.01:
                break
        return gain

    def _filtered(self, old: float, wanted: float) -> float:
        if self._count <= START_UP:
            return wanted
        if abs(wanted / old - 1) < DEAD_ZONE:
            return old
        speed = SPEED**0.5 if 0.8 < old / wanted < 1.2 else SPEED
        return speed * wanted + (1 - speed) * old

    def _limited(self, total: float, interval: float) -> float:
        longest = interval * (SLOWEST if self.dynamic else 1)
        return min(longest * 10 ** (MOST_GAIN / 20), max(SHORTEST, total))

    def _divided(self, total: float, interval: float) -> tuple[float, float]:
        """Seconds and decibels. A time shorter than a period of the mains is left as it is, bands and all."""
        shutter = min(total, interval * (SLOWEST if self.dynamic else 1))
        period = 1 / (2 * self.mains) if self.mains else 0.0
        if period and shutter >= period:
            shutter = int(shutter / period + 1e-9) * period
        return shutter, float(20 * np.log10(total / shutter))


@cache
def _weights(down: int, across: int) -> Floats:
    """The middle counts four times as much as the corners; the sum is 1."""
    y, x = np.mgrid[0:down, 0:across]
    far = ((x + 0.5) / across - 0.5) ** 2 + ((y + 0.5) / down - 0.5) ** 2
    weights = (1 + 3 * np.exp(-far / 0.08)).ravel()
    return np.asarray(weights / weights.sum(), np.float32)


@cache
def _locus() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Red to blue of a grey seen with the usual balance, and its mired; rising."""
    mired = np.linspace(1e6 / COLDEST, 1e6 / WARMEST, 121)
    ratio = np.array([filters(1e6 / each)[2] / filters(1e6 / each)[0] for each in mired])
    return ratio, mired


def _grey(seen: Floats, kelvin: float, mired: float) -> float:
    """The temperature in mired at which the mean of the picture would be grey; the present one when it is dark."""
    seen = seen.reshape(-1, 3)
    fit = (seen.max(axis=1) < 0.98) & (seen[:, 1] > 0.01)
    if np.count_nonzero(fit) < len(seen) // 20:
        return mired
    blue, _, red = seen[fit].mean(axis=0).tolist()
    r, _, b = filters(kelvin)
    ratio, scale = _locus()
    return float(np.interp((red / r) / max(blue / b, 1e-6), ratio, scale))
