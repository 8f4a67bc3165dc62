"""Messages per second, for the terminal view and the telemetry."""

from collections import deque
from collections.abc import Callable


class Meter:
    """Counts, and the rate over the last full seconds. ``now`` in monotonic seconds."""

    def __init__(self, now: Callable[[], float], window: int = 5) -> None:
        self.total = 0
        self._now = now
        self._window = window
        self._seconds: deque[tuple[int, int]] = deque(maxlen=window + 1)

    def count(self) -> None:
        self.total += 1
        second = int(self._now())
        if self._seconds and self._seconds[-1][0] == second:
            self._seconds[-1] = (second, self._seconds[-1][1] + 1)
        else:
            self._seconds.append((second, 1))

    @property
    def rate(self) -> float:
        """Per second, over the last ``window`` seconds that are complete."""
        second = int(self._now())
        return sum(n for at, n in self._seconds if second - self._window <= at < second) / self._window
