"""Claims: who wants what on which attribute of which light, how strongly and until when. Pure."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import NamedTuple

from agent.lighting.fade import Key
from config.units import Attribute


class Priority(IntEnum):
    """The strongest wins; among equals the latest. A cue list plays at SCHEDULE."""

    DEFAULT = 0
    SCHEDULE = 10
    LOOP = 20
    PLAYBOOK = 30
    MANUAL = 40
    TEST = 50
    STOP = 60


RESTORES = frozenset({Priority.TEST, Priority.STOP})
"""When these end the light goes back to what it showed before; after all others it holds what it shows."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim always has an owner, a priority and an end (``until``, monotonic; ``None``: until released).

    ``order`` counts up with every claim made.
    """

    owner: str
    priority: Priority
    fixture: str
    attribute: Attribute
    level: float
    order: int
    until: float | None = None

    @property
    def key(self) -> Key:
        return self.fixture, self.attribute

    def lapsed(self, now: float) -> bool:
        return self.until is not None and now >= self.until


class Holder(NamedTuple):
    """Who holds a light; ``until`` is the end of the lease (monotonic), if it has one."""

    owner: str
    priority: Priority
    until: float | None = None


class Dropped(NamedTuple):
    """An attribute of a light that lost claims, and its strongest lasting claim before and after."""

    key: Key
    before: Claim | None
    after: Claim | None


class Claims:
    """All claims there are. An owner has one claim of each priority on an attribute: the same again renews it."""

    def __init__(self) -> None:
        self._order = 0
        self._of: dict[str, dict[Attribute, dict[tuple[Priority, str], Claim]]] = {}

    def __iter__(self) -> Iterator[Claim]:
        return (claim for attributes in self._of.values() for on in attributes.values() for claim in on.values())

    def put(self, owner: str, priority: Priority, key: Key, level: float, until: float | None = None) -> None:
        """Make, or renew, a claim."""
        self._order += 1
        claim = Claim(owner, priority, *key, level, self._order, until)
        self._of.setdefault(key[0], {}).setdefault(key[1], {})[priority, owner] = claim

    def relevel(self, claim: Claim, level: float) -> None:
        """The same claim at another level."""
        self._of[claim.fixture][claim.attribute][claim.priority, claim.owner] = replace(claim, level=level)

    def on(self, key: Key) -> Collection[Claim]:
        """Claims on an attribute of a light."""
        return self._of.get(key[0], {}).get(key[1], {}).values()

    def winner(self, key: Key) -> Claim | None:
        """The claim that holds it."""
        return winner(self.on(key))

    def lasting(self, key: Key) -> Claim | None:
        """The strongest besides those that give back what they took."""
        return winner(claim for claim in self.on(key) if claim.priority not in RESTORES)

    def holder(self, fixture: str) -> Holder | None:
        """Who holds this light (its strongest claim over all attributes)."""
        best = winner(claim for on in self._of.get(fixture, {}).values() for claim in on.values())
        return Holder(best.owner, best.priority, best.until) if best else None

    def of(self, priority: Priority) -> list[Claim]:
        """All claims of one priority, oldest first."""
        return sorted((claim for claim in self if claim.priority == priority), key=lambda claim: claim.order)

    def drop(
        self, match: Callable[[Claim], bool], among: Iterable[str] | None = None
    ) -> tuple[list[Claim], list[Dropped]]:
        """Take out those that match, ``among`` the claims on these lights (``None``: on all)."""
        gone: list[Claim] = []
        touched: list[Dropped] = []
        for fixture in self._of if among is None else among:
            for attribute, on in self._of.get(fixture, {}).items():
                if ended := [claim for claim in on.values() if match(claim)]:
                    key = (fixture, attribute)
                    before = self.lasting(key)
                    for claim in ended:
                        del on[claim.priority, claim.owner]
                    gone += ended
                    touched.append(Dropped(key, before, self.lasting(key)))
        return gone, touched


def winner(claims: Iterable[Claim]) -> Claim | None:
    """The claim that holds, or ``None`` when nobody claims."""
    return max(claims, key=lambda claim: (claim.priority, claim.order), default=None)
