"""The virtual studio's clock: real, or one that a test owns."""

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Where the studio's time comes from."""

    def now(self) -> float:
        """Monotonic seconds."""

    def wall(self) -> float:
        """Seconds since 1970 UTC."""

    def wait(self, condition: threading.Condition, until: float) -> None:
        """Called with ``condition`` held: return when it was notified or when ``now() >= until``. May return early."""


class RealClock:
    """The machine's own monotonic clock."""

    def now(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()

    def wait(self, condition: threading.Condition, until: float) -> None:
        remaining = until - time.monotonic()
        if remaining > 0:
            condition.wait(remaining)


class ManualClock:
    """A clock that stands still until somebody waits, and then is at once where the waiter wanted it.

    So a time-out of 0.5 s costs nothing and still takes 0.5 s of the studio's time. With several threads the fastest
    waiter drives it: fit for one thread and for steps, not for races.
    """

    def __init__(self, start: float = 1000.0, wall: float = 1_800_000_000.0) -> None:
        self._lock = threading.Lock()
        self._now = start
        self._offset = wall - start

    def now(self) -> float:
        return self._now

    def wall(self) -> float:
        return self._now + self._offset

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        with self._lock:
            self._now += seconds

    def wait(self, condition: threading.Condition, until: float) -> None:
        condition.wait(0)  # lets a notifier of another thread in
        with self._lock:
            self._now = max(self._now, until)
