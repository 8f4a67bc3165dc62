"""How long to wait before a device is opened again. No clock of its own: callers say how long things lasted."""

import random
from dataclasses import dataclass

LASTED = 10.0
"""Seconds a device must have been there for its loss to be news of its own, and not one more of the same."""
AT_ONCE = 3
"""Quick losses in a row that are reopened at once: a plug that is pushed in slowly."""


@dataclass(frozen=True, slots=True)
class BackOff:
    """Doubling waits with jitter, so that a room full of devices does not come back in lock step."""

    first: float = 1.0
    most: float = 60.0

    def wait(self, failures: int) -> float:
        full = min(self.most, self.first * 2.0 ** min(failures, 16))
        return full * random.uniform(0.75, 1.0)  # noqa: S311 - spreads load, guards nothing


class Reopening:
    """One device's failures. A device that was there for a while is reopened at once; one that opens and is lost again
    and again (a server that gives one picture and hangs up) is left alone for longer and longer, as is one that does
    not open."""

    def __init__(self, back_off: BackOff) -> None:
        self._back_off = back_off
        self._failures = 0
        self._quick = 0

    def failed(self) -> float:
        """It did not open. Seconds to wait."""
        wait = self._back_off.wait(self._failures)
        self._failures += 1
        return wait

    def opened(self) -> None:
        self._failures = 0

    def lost(self, lasted: float) -> float:
        """It was there for ``lasted`` seconds. Seconds to wait."""
        self._quick = self._quick + 1 if lasted < LASTED else 0
        return self._back_off.wait(self._quick - AT_ONCE - 1) if self._quick > AT_ONCE else 0.0
