"""Catching up: an output that missed a piece of the scene, or got another patch, is led there, not thrown."""

import numpy as np

from agent.lighting.part import Part

UNOWNED = 0.1
"""Share of full per second at which a slot goes out that no light has any more: below every usual slew limit."""


class CatchUp:
    """Levels of one universe's lights as they were last sent, led towards the scene beat by beat; slots of lights that
    are no more go out by and by.

    The only stateful limiter there is: a scene is continuous in time, but an output can miss a piece of it. ``part``:
    whose sheet says what ``frame`` meant.
    """

    def __init__(self, part: Part, row: int, frame: bytes, now: float) -> None:
        self._row = row
        self._at = now
        self._which = part.sheet.of_row(row)
        self._levels = part.sheet.decoded(row, frame)
        slots = np.frombuffer(frame, np.uint8)
        self._unowned = np.where(part.sheet.owned[row], 0.0, slots)

    def frame(self, part: Part, now: float) -> tuple[bytes, bool]:
        """The frame to send at ``now``, and whether everything has arrived where the scene has it. ``part`` is of the
        sheet this began with."""
        passed, self._at = max(0.0, now - self._at), max(now, self._at)
        goal = part.levels(now, self._which)
        most = part.rates[self._which] * passed
        self._levels = np.minimum(np.maximum(goal, self._levels - most), self._levels + most)
        frame = part.sheet.one_row(self._row, self._levels)
        self._unowned -= 255 * UNOWNED * passed
        self._unowned[self._unowned < 1.0] = 0.0
        frame += self._unowned.astype(np.uint8)
        return frame.tobytes(), bool((self._levels == goal).all() and not self._unowned.any())
