"""Where the lights should go, from what a picture says. Without commissioning all lights alike by what the whole
picture is off. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

from agent.exposure.loop import Room


class Aim(NamedTuple):
    """``error``: stops the picture is too dark (+); ``wishes``: stops each light should still go; ``missing``: stops
    of the error that no light can make good, and ``where``; ``predicted``: stops by which the picture is brighter for
    what the lights show, against the look (``None``: nobody has measured it)."""

    error: float
    wishes: Mapping[str, float]
    missing: float = 0.0
    where: str = ""
    predicted: float | None = None


def alike(error: float, rooms: Mapping[str, Room]) -> Aim:
    """All lights keep their ratio; what is missing counts from the light that can go furthest."""
    room = max((each.up if error > 0 else each.down for each in rooms.values()), default=0.0)
    missing = max(0.0, abs(error) - max(0.0, room))
    return Aim(error, dict.fromkeys(rooms, error), abs(error) if room <= 1e-3 else missing)
