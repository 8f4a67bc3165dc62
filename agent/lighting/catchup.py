"""Catching up: an output that missed a piece of the scene, got another patch, or is a console's, is led, not thrown."""

import numpy as np

from agent.lighting.console import Console
from agent.lighting.part import Part
from agent.lighting.sheet import Numbers
from config.units import SLOTS

UNOWNED = 0.1
"""Share of full per second at which a slot goes out that no light has any more: below every usual slew limit."""


LONGEST = 0.05
"""Seconds that count between two frames at most: lights that stood still for a while have not saved up a jump."""


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
        self._console: Console | None = None
        self._theirs: Numbers = self._levels
        self._held = np.zeros(len(self._levels), np.bool_)

    def aim(self, part: Part, console: Console | None) -> None:
        """From now on follow a console where it holds slots; ``None``: back to the scene."""
        self._console = console
        if console is None:
            self._held[:] = False
            return
        held = np.frombuffer(console.held.ljust(SLOTS, bytes(1)), np.uint8) != 0
        self._held = part.sheet.channels_of(self._row, held)
        self._theirs = part.sheet.decoded(self._row, console.slots.ljust(SLOTS, bytes(1)))

    def frame(self, part: Part, now: float) -> tuple[bytes, bool]:
        """The frame to send at ``now``, and whether everything has arrived where the scene, or the console, has it.
        ``part`` is of the sheet this began with."""
        passed, self._at = min(max(0.0, now - self._at), LONGEST), max(now, self._at)
        goal = np.where(self._held, self._theirs, part.levels(now, self._which))
        most = part.rates[self._which] * passed
        if self._console is not None and not self._console.limited:
            most = np.where(self._held, np.inf, most)
        self._levels = np.minimum(np.maximum(goal, self._levels - most), self._levels + most)
        frame = part.sheet.one_row(self._row, self._levels)
        self._unowned -= 255 * UNOWNED * passed
        self._unowned[self._unowned < 1.0] = 0.0
        frame += self._unowned.astype(np.uint8)
        return frame.tobytes(), bool((self._levels == goal).all() and not self._unowned.any())
