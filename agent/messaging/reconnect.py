"""Coming back to a broker: which protocol to try next, how long to wait before it, and what a loss may mean."""

import random
from dataclasses import dataclass
from typing import Literal

from agent.messaging.dial import NoConnection, Version

SETTLED = 10.0
"""A connection that lasted so many seconds counts as good: the back-off begins anew."""
ASK_AGAIN = 3600.0
"""Seconds with an older protocol after which a reconnect asks for MQTT 5 again: the broker may be another by now."""
RIVAL = 3
"""So many short connections in a row look like two agents of one name throwing each other out."""


@dataclass(frozen=True, slots=True)
class BackOff:
    """Full jitter: anything between 0 and the doubling bound, so that a site does not come back in lock step.

    ``first`` is ``mqtt.spread``. With 5 s and 20 s at most, of 5 000 agents that lose their broker for 0.5 to 120 s no
    tenth of a second sees more than 3.5 % come back, and all are back 20 s after it is (simulated in the tests).
    """

    first: float = 5.0
    most: float = 20.0

    def wait(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row; 0: an established connection was lost."""
        bound = max(self.first, min(self.most, self.first * 2.0 ** min(failures, 16)))
        return random.uniform(min(0.02, bound), bound)  # noqa: S311 - spreads load, guards nothing


class Reconnect:
    """What was tried at one broker and how it ended. No clock, no broker: :attr:`version` is for the next attempt."""

    def __init__(self, protocol: Literal["auto", "5", "3.1.1"]) -> None:
        self.version: Version = "3.1.1" if protocol == "3.1.1" else "5"
        self._auto = protocol == "auto"
        self._older_for = 0.0
        self._failures = 0

    def ended(self, reason: str, lasted: float) -> str:
        """A connection that had been made was lost after ``lasted`` seconds. The reason, with what it may mean."""
        self._failures = 0 if lasted >= SETTLED else self._failures + 1
        self._stay_or_ask(lasted)
        if self._failures >= RIVAL:
            # mosquitto 2.0.11 does not say "session taken over" when the session is kept
            reason += f", {self._failures} times in a row: does another agent use this site and name?"
        return reason

    def failed(self, error: NoConnection) -> bool:
        """No connection came about. ``True``: try the older protocol at once."""
        if self._auto and error.kind in ("version", "silent"):
            older = self.version == "5"
            self.version = "3.1.1" if older else "5"
            self._older_for = 0.0
            if older:
                return True
        self._failures += 1
        return False

    def _stay_or_ask(self, lasted: float) -> None:
        """An older protocol that once worked comes first from then on, or silence would be waited for at each loss."""
        if self._auto and self.version == "3.1.1":
            self._older_for += lasted
            if self._older_for >= ASK_AGAIN:
                self.version = "5"
