"""Claims: who wants what on which attribute of which light, how strongly and until when. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from config.units import Attribute


class Priority(IntEnum):
    """The strongest wins; among equals the latest."""

    DEFAULT = 0
    SCHEDULE = 10
    LOOP = 20
    PLAYBOOK = 30
    MANUAL = 40
    TEST = 50
    STOP = 60


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim always has an owner, a priority and an end (``until``, monotonic; ``None``: until released).

    ``order`` counts up with every claim made; ``fade`` is how long its coming into force may take, in seconds.
    """

    owner: str
    priority: Priority
    fixture: str
    attribute: Attribute
    level: float
    order: int
    fade: float = 0.0
    until: float | None = None

    def lapsed(self, now: float) -> bool:
        return self.until is not None and now >= self.until


def winner(claims: Iterable[Claim]) -> Claim | None:
    """The claim that holds, or ``None`` when nobody claims."""
    return max(claims, key=lambda claim: (claim.priority, claim.order), default=None)
