"""Days for ``World.daylight``: functions of the studio's time in seconds that give the light from the window."""

import math
from collections.abc import Callable

import numpy as np

Day = Callable[[float], float]
SHARES = (1.0, 0.5, 0.25)
"""Of large clouds and their ever quicker edges."""


def ramp(before: float, after: float, start: float, seconds: float) -> Day:
    """From one light to another within so many seconds, evenly in stops (evenly in light from or to darkness)."""

    def at(now: float) -> float:
        share = min(1.0, max(0.0, (now - start) / seconds)) if seconds > 0 else float(now >= start)
        if before > 0 and after > 0:
            return float(before * (after / before) ** share)
        return before + (after - before) * share

    return at


def clouds(light: float, seed: int = 0, depth: float = 0.5, seconds: float = 20.0) -> Day:
    """Clouds before a sun that gives ``light``: down to ``1 - depth`` of it, each some ``seconds`` long. The same seed
    is the same sky."""
    lattice: list[float] = np.random.default_rng([seed, 4711]).random(1024).tolist()

    def noise(place: float) -> float:
        whole = math.floor(place)
        part = place - whole
        soft = part * part * (3 - 2 * part)
        one, other = lattice[whole % 1024], lattice[(whole + 1) % 1024]
        return one + (other - one) * soft

    def at(now: float) -> float:
        cover = sum(share * noise(now / seconds / share + 100 * n) for n, share in enumerate(SHARES)) / sum(SHARES)
        return light * (1 - depth * min(1.0, max(0.0, 1.5 * cover - 0.25)))

    return at
