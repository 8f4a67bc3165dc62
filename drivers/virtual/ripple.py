"""How a lamp's light ripples within a picture: mains hum, and dimming by switching (PWM)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ripple:
    """A periodic light whose mean is 1. ``depth`` 0...1: (highest - lowest) / (highest + lowest) of the sine; how much
    of the light is switched of the square wave. ``duty``: on for that share of each period; ``None``: a sine."""

    hertz: float
    depth: float = 1.0
    duty: float | None = None

    def mean(self, begin: Values, exposure: float) -> Values:
        """The light, on average, over exposures of so many seconds that begin at these times: the exact integral,
        divided by its length. A light of whole periods is 1."""
        turns = self.hertz * np.asarray(begin, np.float64)
        turns -= np.floor(turns[..., :1])  # the studio's clock is large, a cosine likes small numbers
        length = self.hertz * exposure
        return 1 + self.depth * ((self._until(turns + length) - self._until(turns)) / length - 1)

    def _until(self, turns: Values) -> Values:
        """Integral from 0 of the fully rippling light, in periods."""
        if self.duty is None:
            return turns - np.cos(2 * np.pi * turns) / (2 * np.pi)
        whole = np.floor(turns)
        return whole + np.minimum((turns - whole) / self.duty, 1.0)
