"""Catching up: an output that missed a piece of the scene, got another patch, or is a console's, is led, not thrown.

A slot that a profile fixes (strobe, effects, mode) cannot be led: between two of its values lie others that flash. On
air it stays as it was sent, whatever the patch makes of it now and however that came about; off air it goes on.
"""

import numpy as np

from agent.lighting.console import Console
from agent.lighting.part import Part
from agent.lighting.sheet import Bools, Numbers, Slots
from config.units import SLOTS

UNOWNED = 0.04
"""Share of full per second at which a slot goes out that no light has any more: below every usual slew limit, also
where it was a hue, of which a sixth of the way takes an emitter from dark to full."""


LONGEST = 0.05
"""Seconds that count between two frames at most: lights that stood still for a while have not saved up a jump."""


class CatchUp:
    """Levels of one universe's lights as they were last sent, led towards the scene beat by beat; slots of lights that
    are no more go out by and by.

    The only stateful limiter there is: a scene is continuous in time, but an output can miss a piece of it. ``part``:
    whose sheet says what ``frame`` meant; ``held``: slots that were fixed until now.
    """

    def __init__(self, part: Part, row: int, frame: bytes, now: float, held: Bools | None = None) -> None:
        self._row = row
        self._at = now
        self._which = part.sheet.of_row(row)
        self._levels = part.sheet.decoded(row, frame)
        slots = np.frombuffer(frame, np.uint8)
        owner, fixed = part.sheet.owner[row], part.sheet.held[row]
        left = (owner == 0) & (slots > 0)
        # A light whose slots have all been 0 was nobody's until now, and is dark: its fixed slots are set with it.
        kept = fixed & (np.bincount(owner, slots)[owner] > 0) & (slots != part.sheet.constants[row])
        if held is not None:
            kept |= held & ~fixed & ((owner > 0) | left)
        self.kept: Bools = kept
        """Slots that are as they were although they would be otherwise, until it is off air."""
        self._unowned = np.where(left & ~kept, slots, 0.0)
        self._freed = False
        self.keeps = bool(kept.any())
        """Whether there are slots that wait for it to be off air."""
        self._console: Console | None = None
        self._theirs: Numbers = self._levels
        self._held = np.zeros(len(self._levels), np.bool_)
        self._whole = False
        """Whether a console holds all of them."""

    def aim(self, part: Part, console: Console | None) -> None:
        """From now on follow a console where it holds slots; ``None``: back to the scene."""
        before, self._console = self._console, console
        if console is None:
            self._held[:] = self._whole = False
            return
        if before is None or before.held != console.held:  # mostly only levels change
            held = np.frombuffer(console.held.ljust(SLOTS, bytes(1)), np.uint8) != 0
            self._held = part.sheet.channels_of(self._row, held)
            self._whole = bool(self._held.all())
        self._theirs = part.sheet.decoded(self._row, console.slots.ljust(SLOTS, bytes(1)))

    def frame(self, part: Part, now: float, wire: Slots) -> tuple[bytes, bool]:
        """The frame to send at ``now``, and whether everything has arrived where the scene, or the console, has it.
        ``part`` is of the sheet this began with; ``wire``: what was sent last, for not every frame is."""
        if self.keeps and not part.on_air and not self._freed:
            # lights whose slots were kept go on from there
            self._levels = part.sheet.decoded(self._row, wire.tobytes())
            self._freed = True
        passed, self._at = min(max(0.0, now - self._at), LONGEST), max(now, self._at)
        if part.stopped:
            passed = 0.0  # it is where it stays
        goal = self._theirs
        if not self._whole:
            goal = np.where(self._held, goal, part.levels(now, self._which))
        most = part.rates[self._which] * passed
        if self._console is not None and not self._console.limited:
            most = np.where(self._held, 0.0 if part.stopped else np.inf, most)
        self._levels = np.minimum(np.maximum(goal, self._levels - most), self._levels + most)
        frame = part.sheet.one_row(self._row, self._levels)
        there = bool((self._levels == goal).all())
        if self._unowned.any():
            self._unowned -= 255 * UNOWNED * passed
            self._unowned[self._unowned < 1.0] = 0.0
            there &= not self._unowned.any()
            frame += self._unowned.astype(np.uint8)
        if self.keeps:
            if part.on_air:
                frame[self.kept] = wire[self.kept]
                self._freed = False
            else:
                self.kept &= frame != wire
                self.keeps = bool(self.kept.any())
        return frame.tobytes(), there or part.stopped
