"""Is the camera's own exposure fighting the lights? One small step of a known lamp tells. Pure.

    before --lamp +0.1 stop for 1.5 s--> during --back--> after

What the lamp brings to every zone is known (commissioning). What *all* zones do besides that, alike, the camera did: an
auto exposure takes back some of the light everywhere, in zones that the lamp does not light as well. Modelled: -0.033
stop against 0.0005 of noise. A camera has a dead zone: a step of which too little reaches the picture's mean proves
nothing, and that is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from drivers.camera.light import Floats

SIGMAS = 5.0
"""Times its own uncertainty that the common change must have."""
LEAST = 0.004
"""Stops below which nothing is concluded from it."""
DEAD_ZONE = 0.025
"""Stops of the picture's mean that an auto exposure may let pass (2 % is usual, libcamera)."""
DARK = 0.2
"""Share of the most lit zone's change up to which the lamp does not light a zone."""
FEWEST = 6
"""Zones that are needed."""


@dataclass(frozen=True, slots=True)
class Probe:
    """``active``: ``None`` = cannot be said, ``why`` says why. ``common``: stops that all zones did besides the lamp's
    light, ``sigma``: its uncertainty, ``zones``: how many of them tell it; ``asked``: stops the lamp should have
    brought to the picture's mean; ``answered``: share of that which came, in the zones it lights most."""

    active: bool | None
    common: float
    sigma: float
    zones: int
    asked: float
    answered: float
    why: str = ""


def judge(before: Sequence[Floats], during: Sequence[Floats], expected: Floats, after: Sequence[Floats] = ()) -> Probe:
    """``before``, ``during``, ``after``: log2 of the zones' luminance (ROWS x COLUMNS) of settled pictures, at least
    three each (``after``: none, or the slow change of daylight is taken for the camera's). ``expected``: stops the lamp
    brings to each zone while nothing else changes: log2(1 + column x step / zone)."""
    if len(before) < 3 or len(during) < 3:
        return Probe(None, 0.0, 0.0, 0, 0.0, 0.0, "too few pictures")
    rest = np.array(before, np.float64)
    lit = np.array(during, np.float64).mean(axis=0)
    start = rest.mean(axis=0)
    if after:
        start = (start + np.array(after, np.float64).mean(axis=0)) / 2
    known = np.isfinite(start) & np.isfinite(lit) & np.isfinite(expected)
    unlit = known & (expected <= DARK * np.nanmax(np.where(known, expected, np.nan))) if known.any() else known
    told = unlit if unlit.sum() >= FEWEST else known
    zones = int(told.sum())
    if zones < FEWEST:
        return Probe(None, 0.0, 0.0, zones, 0.0, 0.0, "too few zones are neither dark nor clipped")
    besides = lit - start - expected
    common = float(np.median(besides[told]))
    spread = rest.std(axis=0, ddof=1)[told] * (1 / len(before) + 1 / len(during)) ** 0.5
    sigma = 1.2533 * float(np.sqrt((spread**2).mean())) / zones**0.5
    light = np.exp2(start[known])
    asked = float(np.log2((light * np.exp2(expected[known])).sum() / light.sum()))
    most = known & (expected >= 0.7 * np.nanmax(np.where(known, expected, np.nan)))
    answered = float(np.median((lit - start)[most] / expected[most])) if np.nanmax(expected) > 0 else 0.0
    limit = max(SIGMAS * sigma, LEAST)
    if common <= -limit:
        return Probe(True, common, sigma, zones, asked, answered)
    if common >= limit:
        return Probe(None, common, sigma, zones, asked, answered, "the light changed by itself meanwhile")
    if asked < max(DEAD_ZONE, 2 * limit):
        return Probe(None, common, sigma, zones, asked, answered, "the lamp brings too little light to the picture")
    return Probe(False, common, sigma, zones, asked, answered)
