"""How fine a light can be moved at all: its steps on the wire, in stops. Pure.

One 8-bit count of a linear dimmer is under 0.02 stop only above 72 of 255, of a square law above 144. Below, a loop
with a smaller dead band would hunt between two steps, and no slew makes a fade of it smooth. Fine (16-bit) channels
have none of that.
"""

import math
from collections.abc import Callable

from config.units import Text

SMOOTH = 0.02
"""Stops of one DMX step that nobody sees."""


def local_step(resolution: float, level: float) -> float:
    """Stops that one step of the wire is at this level. ``resolution``: that step in level, as
    ``firmware_profiles.render.resolution`` says it of the fixture's own curve and channels."""
    return math.log2(1 + resolution / level) if level > 0 else math.inf


def dead_band(step: float, least: float) -> float:
    """The loop's dead band where one step of the wire is ``step`` stops: smaller would hunt between two steps."""
    return max(step, least)


def smooth_above(resolution: Callable[[float], float], most: float = SMOOTH) -> float:
    """The level above which one step is at most so many stops; 1 when it never is. ``resolution``: by level."""
    coarse, fine = 0.0, 1.0
    if local_step(resolution(fine), fine) > most:
        return 1.0
    for _ in range(30):
        middle = (coarse + fine) / 2
        if local_step(resolution(middle), middle) > most:
            coarse = middle
        else:
            fine = middle
    return fine


def coarse(name: str, step: float, above: float) -> Text | None:
    """What to say of a light whose step of the wire is so many stops now; ``above``: where it is smooth. ``None``:
    nothing."""
    if step <= SMOOTH:
        return None
    if above >= 1.0:
        return Text(
            f"{name} has steps of {step:.2f} stop here and is nowhere smooth.",
            f"{name} 在此亮度每级 {step:.2f} 档，全程无法平滑调节。",
        )
    return Text(
        f"{name} has steps of {step:.2f} stop here: smooth only above {above * 100:.0f} %.",
        f"{name} 在此亮度每级 {step:.2f} 档，{above * 100:.0f} % 以上才能平滑调节。",
    )
