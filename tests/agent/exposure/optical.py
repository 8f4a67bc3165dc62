"""A small closed studio made of numbers: lamps as spots of light, a camera with noise and delay."""

import numpy as np

from agent.exposure.transport.matrix import ZONES, Delay, Reach, Series, Transport
from drivers.camera.metrics import COLUMNS, ROWS

Y, X = np.mgrid[0:ROWS, 0:COLUMNS]


def spot(x, y, size, strength):
    """One lamp's light at full, zone by zone."""
    return (strength * np.exp(-((X - x) ** 2 + (Y - y) ** 2) / size**2)).ravel()


KEY, FILL, BACK = spot(5, 4, 5, 0.4), spot(11, 4, 6, 0.25), spot(8, 1, 3, 0.2)
COLUMNS_OF_LIGHT = {"key": KEY, "fill": FILL, "back": BACK}
AMBIENT = spot(15, 4, 9, 0.03) + 0.01
NOISE = 3e-4


def transport(columns=None, ambient=AMBIENT, level=0.5, noise=NOISE, reference=None):
    columns = columns or COLUMNS_OF_LIGHT
    matrix = np.stack(list(columns.values()), axis=1)
    return Transport(
        camera="front",
        at="2026-11-26T12:00:00Z",
        fixtures=tuple(columns),
        matrix=matrix,
        ambient=ambient.copy(),
        noise=np.full(ZONES, noise),
        reference=KEY > 0.2 if reference is None else reference,
        delay=Delay(3, 0.32, 0.01),
        reach=tuple(Reach(level, 0.0, 1.0, -0.8, 0.6, 0.4) for _ in columns),
        controls={"exposure": 156.0},
    )


def pictures(random, zones, at=0.0, count=16, noise=NOISE):
    times = at + 0.1 * np.arange(count)
    return Series(times, zones + random.normal(0, noise, (count, ZONES)))
