"""Where the checks of one run work: the surroundings, a lane for blocking checks, and what was found so far."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from agent.runtime.lane import Idle, Lane, NoDevice
from agent.selftest.catalogue import CATALOGUE
from agent.selftest.step import Group, Step
from agent.selftest.surroundings import Surroundings
from drivers.base import Impact, Result, Verdict

log = structlog.get_logger(__name__)
T = TypeVar("T")


def _silent(*_: object) -> None:
    """The lane's device is always there: nothing to tell."""


def _bug(name: str, error: BaseException) -> None:
    log.error("selftest.lane_bug", lane=name, error=repr(error))


@dataclass
class Desk:
    """One per run. ``found`` grows while the run goes on: verdicts by (id, group)."""

    around: Surroundings
    lane: Lane = field(init=False)
    found: dict[tuple[str, Group], Verdict] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lane = Lane("selftest", NoDevice("self-test"), Idle(), now=self.around.host.now, tell=_silent, bug=_bug)

    def blocking(
        self,
        id: str,  # noqa: A002
        group: Group,
        check: Callable[[], Result],
        *,
        subject: str = "",
        deadline: float = 8.0,
    ) -> Step:
        """A check of the catalogue that blocks: on the run's own lane."""

        async def run() -> Result:
            return await self.lane.call(check, timeout=deadline)

        return Step(id, subject or group.name, CATALOGUE[id].title, group, run, Impact.PASSIVE, deadline)

    def worst(self, group: Group, ids: tuple[str, ...]) -> str | None:
        """The first of these checks that did not pass as it must for others to make sense."""
        bad = (Verdict.FAIL, Verdict.ERROR)
        return next((id for id in ids if self.found.get((id, group)) in bad), None)  # noqa: A001
