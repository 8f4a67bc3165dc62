"""What a run found, as data. Everything else (table, JSON, JUnit, page) is a view of it."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, computed_field

from agent.messaging import payloads
from agent.messaging.header import Say
from agent.selftest.notes import Note
from agent.selftest.step import Group, Step, Subject
from drivers.base import Impact, Limits, Result, Verdict

Depth = Literal["quick", "full"]

WORSE = (
    Verdict.PASS,
    Verdict.SKIPPED,
    Verdict.OVERDUE,
    Verdict.MARGINAL,
    Verdict.ERROR,
    Verdict.FAIL,
)
"""From best to worst."""

NEAREST: Sequence[Subject] = ("output", "light", "camera", "probe", "network", "broker", "machine", "agent")
"""From the show outwards."""

EXIT: Mapping[Verdict, int] = {
    Verdict.PASS: 0,
    Verdict.SKIPPED: 1,
    Verdict.OVERDUE: 1,
    Verdict.MARGINAL: 1,
    Verdict.FAIL: 2,
    Verdict.ERROR: 3,
}
"""As monitoring plug-ins have it: 0 ok, 1 warning, 2 critical, 3 unknown."""


class Frozen(BaseModel):
    """Unknown keys are ignored, so that a newer agent's reports can be read."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="null")


class Bounds(Frozen):
    """Warn and fail limits; ``below``: smaller is worse."""

    warn: float | None = None
    fail: float | None = None
    below: bool = False


class Outcome(Frozen):
    """One check of a run.

    ``asked``: SKIPPED although it was wanted (on air, device offline), so the run did not prove what it should; a
    check that says of itself that it does not apply here is SKIPPED with ``asked`` false and takes nothing away.
    """

    id: str
    kind: Subject
    name: str
    subject: str
    title: Say
    impact: Impact
    verdict: Verdict
    asked: bool = True
    value: float | None = None
    unit: str = ""
    limits: Bounds = Bounds()
    said: Say
    remedy: Say = Say(en="", zh="")
    evidence: dict[str, Any] = Field(default_factory=dict)
    seconds: float = 0.0

    @property
    def group(self) -> Group:
        return Group(self.kind, self.name)

    @property
    def counted(self) -> Verdict:
        """What it adds to the roll-up."""
        return Verdict.PASS if self.verdict is Verdict.SKIPPED and not self.asked else self.verdict


def outcome(step: Step, result: Result, seconds: float, asked: bool) -> Outcome:
    """A step's result as it stands in the report. A value that is no number is ``None``, never 0."""
    value = result.value if result.value is None or math.isfinite(result.value) else None
    limits: Limits = result.limits
    return Outcome(
        id=step.id,
        kind=step.group.kind,
        name=step.group.name,
        subject=step.subject,
        title=Say.of(step.title),
        impact=step.impact,
        verdict=result.verdict,
        asked=asked,
        value=value,
        unit=result.unit,
        limits=Bounds(warn=limits.warn, fail=limits.fail, below=limits.below),
        said=Say.of(result.said),
        remedy=Say.of(result.remedy),
        evidence={key: plain(part) for key, part in result.evidence.items()},
        seconds=round(seconds, 3),
    )


class Report(Frozen):
    """One run. ``previous`` and ``number`` are its place in the chain of reports, given by the store."""

    v: Literal[1] = 1
    id: str
    number: int = 0
    previous: str = ""
    trigger: str
    site: str
    agent: str
    version: str
    config_sha256: str
    depth: Depth
    only: tuple[str, ...] = ()
    started: str
    seconds: float
    on_air: bool
    stated: bool = Field(False, description="Off air on the word of a person at the shell (--off-air).")
    stopped: Say | None = Field(None, description="Why the visible part was broken off.")
    accepted: tuple[str, ...] | None = Field(None, description="Lights taken into the baseline, where that was asked.")
    checks: tuple[Outcome, ...]
    notes: tuple[Note, ...] = Field((), description="What people wrote down, the latest first.")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def verdict(self) -> Verdict:
        return roll_up(self.checks)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def exit_code(self) -> int:
        return EXIT[self.verdict]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def counts(self) -> dict[Verdict, int]:
        """How many of each verdict, worst first; only those there are."""
        counted = Counter(check.verdict for check in self.checks)
        return {verdict: counted[verdict] for verdict in reversed(WORSE) if counted[verdict]}

    @property
    def whole(self) -> bool:
        """A full self-test that did all it should: what AGT-05 looks for."""
        left_out = any(c.verdict is Verdict.SKIPPED and c.asked and c.impact is Impact.VISIBLE for c in self.checks)
        return self.depth == "full" and not self.only and self.stopped is None and not left_out

    @property
    def first_things(self) -> list[Outcome]:
        """What to do first: the checks that did not pass, worst first; then what carries the light before what
        stands beside it."""
        wanted = [c for c in self.checks if c.counted not in (Verdict.PASS, Verdict.SKIPPED)]
        return sorted(wanted, key=lambda check: (-WORSE.index(check.verdict), NEAREST.index(check.kind)))

    def groups(self) -> dict[Group, list[Outcome]]:
        """The checks by what they are about, in the plan's order."""
        found: dict[Group, list[Outcome]] = {}
        for check in self.checks:
            found.setdefault(check.group, []).append(check)
        return found

    def to_json(self) -> str:
        """The whole report, with verdict, exit code and counts."""
        return self.model_dump_json(indent=1)

    def summary(self) -> payloads.Report:
        """The retained message about it."""
        return payloads.Report(
            id=self.id,
            depth=self.depth,
            verdict=self.verdict,
            counts={str(verdict): count for verdict, count in self.counts.items()},
            started=self.started,
            seconds=self.seconds,
            worst=tuple(f"{check.id}:{check.name}" for check in self.first_things),
        )


def roll_up(checks: Iterable[Outcome]) -> Verdict:
    """The worst of them. SKIPPED and ERROR never count as PASS, and a run in which nothing passed is no PASS."""
    checks = list(checks)
    worst = max((check.counted for check in checks), key=WORSE.index, default=Verdict.SKIPPED)
    if worst is Verdict.PASS and not any(check.verdict is Verdict.PASS for check in checks):
        return Verdict.SKIPPED
    return worst


def plain(thing: Any) -> Any:
    """JSON-able: numpy numbers become numbers, what is not finite ``None``, what is unknown its text."""
    if isinstance(thing, Mapping):
        return {str(key): plain(value) for key, value in thing.items()}
    if isinstance(thing, (str, bool, int)) or thing is None:
        return thing
    if isinstance(thing, float):
        return float(thing) if math.isfinite(thing) else None
    if hasattr(thing, "tolist"):
        return plain(thing.tolist())
    if isinstance(thing, Iterable):
        return [plain(part) for part in thing]
    return str(thing)
