"""Is the broker still there? A half-open connection is found within 1.5 keep-alives of its last word. Pure."""

from typing import Literal

ASK = 0.5
"""After so many keep-alives without a word, in or out, it is asked (PINGREQ)."""
GONE = 1.25
"""After so many without a word from it, it is taken for gone. With the longest pause between two looks this stays below
1.5; and it had three quarters of a keep-alive for its answer."""


class Pulse:
    """Counts silence by looks, not by the clock alone: a machine that was asleep (or a loop that was held up) has not
    listened, so that time does not count against the broker."""

    def __init__(self, keepalive: float, now: float) -> None:
        self.keepalive = keepalive
        self.silent = 0.0
        """Seconds without a word from the broker."""
        self._quiet = 0.0
        self._asked = False
        self._looked = now

    @property
    def every(self) -> float:
        """Seconds between two looks."""
        return min(0.5, self.keepalive / 16)

    def heard(self) -> None:
        """Bytes came in."""
        self.silent = 0.0
        self._asked = False

    def said(self) -> None:
        """Bytes went out: the broker knows that we live."""
        self._quiet = 0.0

    def look(self, now: float) -> Literal["", "ask", "gone"]:
        """What is to be done at ``now``, monotonic seconds."""
        passed = min(now - self._looked, 2 * self.every)
        self._looked = now
        self.silent += passed
        self._quiet += passed
        if self.silent >= GONE * self.keepalive:
            return "gone"
        if self._quiet >= ASK * self.keepalive or (self.silent >= ASK * self.keepalive and not self._asked):
            self._asked = True
            self._quiet = 0.0
            return "ask"
        return ""
