"""The presenter's face trims the target, slowly: who sits less in the light is given more of it. No clock, no camera.

What counts is the face *against the reference zones*: that does not change with what the loop does, so nothing is fed
back. How it was when the loop took hold is how it should stay: a person set that, and whatever skin it is.
"""

import math
from collections import deque

WINDOW, ENOUGH = 10.0, 8.0
"""Seconds whose middle counts, and of which at least so many must be known without a break: the box of a face jitters
by 0.04 stop, a head turns, a hand passes."""
DOUBTFUL = 0.2
"""Stops between the quartiles of the window above which it says nothing."""
SPEED = 0.01
"""Stops a second: tens of seconds for what anybody notices."""
START, STOP = 0.10, 0.03
"""Stops, as the loop's own."""
SOMEBODY_ELSE = 30.0
"""Seconds without a face after which it may be another's: it is then taken as it is."""


class Face:
    """``most``: stops it may move the target either way; 0: not at all. ``trim``: by how many it does."""

    def __init__(self, most: float) -> None:
        self._most = most
        self.trim = 0.0
        self._seen: deque[tuple[float, float]] = deque()
        self._usual: float | None = None
        self._acting = False
        self._at = -math.inf

    def begin(self, trim: float | None = None) -> None:
        """Other lights, another look: the face is taken as it is from now on. ``trim``: and this is the target's."""
        self.trim = self.trim if trim is None else trim
        self._usual, self._acting = None, False
        self._seen.clear()

    def feed(self, now: float, light: float | None) -> None:
        """``light``: stops the face is brighter than the reference zones are off; ``None``: no face, or nothing to go
        by."""
        elapsed = min(now - self._at, 1.0)
        if light is None:
            self._seen.clear()
            if now - self._at > SOMEBODY_ELSE:
                self._usual = None
            return
        self._at = now
        self._seen.append((now, light))
        while self._seen[0][0] < now - WINDOW:
            self._seen.popleft()
        values = sorted(value for _, value in self._seen)
        count = len(values)
        if now - self._seen[0][0] < ENOUGH or values[3 * count // 4] - values[count // 4] > DOUBTFUL:
            return
        middle = values[count // 2]
        if self._usual is None:
            self._usual = middle + self.trim
        far = min(max(self._usual - middle, -self._most), self._most) - self.trim
        self._acting = abs(far) > (STOP if self._acting else START)
        if self._acting:
            self.trim += min(max(far, -SPEED * elapsed), SPEED * elapsed)

    @property
    def said(self) -> str:
        """Why the target is not quite what a person set; "" while it is."""
        return "" if abs(self.trim) < 0.005 else f"target {self.trim:+.2f} stop for the presenter's face"
