"""What the room's light does, told by its own pattern over the zones, whatever the lights show, however late. Pure."""

import math

import numpy as np

from agent.exposure.transport.matrix import Transport, Zones

OWN = 0.1
"""Part of the room's pattern that no mix of the lights' makes: with less nothing tells it from a lamp."""
FEWEST = 12
"""Zones that must be known."""


def daylight(transport: Transport, zones: Zones) -> float | None:
    """Stops by which the reference zones would be brighter than at commissioning for the room's light of this picture
    alone; ``None``: it cannot be told."""
    usual = transport.predict(transport.levels({}))
    with np.errstate(invalid="ignore"):
        known = transport.known & transport.reference & np.isfinite(zones) & (usual > 0)
    if known.sum() < FEWEST:
        return None
    room = transport.ambient[known] / usual[known]
    lights = transport.matrix[known] * transport.levels({}) / usual[known][:, None]
    own = room - lights @ np.linalg.lstsq(lights, room, rcond=None)[0]
    power = float(own @ own)
    if power <= OWN**2 * float(room @ room):
        return None
    share, times = float(room.mean()), float(own @ (zones[known] / usual[known])) / power
    return math.log2(1 - share + share * max(times, 0.0))
