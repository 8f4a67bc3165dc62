"""What the verbs about the studio's upkeep do: say that what a self-test saw is normal, measure anew, write a note."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import takewhile
from typing import Any

from agent.app.arrival import free
from agent.app.house import House
from agent.app.service_verbs import LONGEST, SelfTests
from agent.app.verbs import targets
from agent.messaging.header import iso
from agent.messaging.hints import hint, lacks
from agent.messaging.lifecycle import ReasonCode, Refusal
from agent.messaging.service_args import MaintenanceAccept, MaintenanceNote, MaintenanceRebaseline
from agent.messaging.verbs import Job, Verb
from agent.selftest import baseline
from agent.selftest.baseline import Measured
from agent.selftest.checks.agent import digest
from agent.selftest.checks.lights import SIGHT
from agent.selftest.report import Report
from agent.selftest.store import ReportStore
from config.units import Text
from drivers.base import Impact

HOURS = 24.0
"""Age up to which a self-test says how the lights are at present, as AGT-05 has it."""
LOOKS = "LGT-0[1-7]"
"""The checks of how a light looks; how late it comes (LGT-09) is in no baseline."""
UNTESTED, ALREADY = "not-tested", "accepted-before"
"""Why a light was left out, besides the check that kept it out."""


class MaintenanceVerbs:
    """maintenance.accept, maintenance.rebaseline, maintenance.note."""

    def __init__(self, house: House, tests: SelfTests) -> None:
        self._house = house
        self._tests = tests

    def all(self) -> dict[str, Verb[Any]]:
        verbs: list[Verb[Any]] = [
            Verb("maintenance.accept", MaintenanceAccept, self._accept, check=self._can_accept, missing=self._blind),
            Verb(
                "maintenance.rebaseline",
                MaintenanceRebaseline,
                self._rebaseline,
                check=self._can_rebaseline,
                impact=Impact.VISIBLE,
                deadline=LONGEST,
                missing=self._blind,
            ),
            Verb("maintenance.note", MaintenanceNote, self._note, check=self._can_note),
        ]
        return {verb.name: verb for verb in verbs}

    def _blind(self) -> Text | None:
        return None if self._house.config.cameras else lacks("cameras")

    def _can_accept(self, args: MaintenanceAccept) -> None:
        self._tests.ready()
        targets(self._house.rig, args.targets)

    def _can_rebaseline(self, args: MaintenanceRebaseline) -> None:
        self._tests.ready()
        free(self._house)
        targets(self._house.rig, args.targets)

    def _can_note(self, args: MaintenanceNote) -> None:
        config = self._house.config
        known = [*config.fixtures, *config.outputs, *config.cameras, *config.probes]
        if args.about is not None and args.about not in known:
            meant = hint(args.about, known)
            raise Refusal(ReasonCode.UNKNOWN_TARGET, Text(f"{args.about}; {meant.en}", f"{args.about}；{meant.zh}"))

    # --- effects ---------------------------------------------------------------------------------------------

    async def _accept(self, args: MaintenanceAccept, job: Job) -> Mapping[str, Any]:
        """On the disk's lane in one go; a test that runs meanwhile writes the baseline, too."""
        self._can_accept(args)
        house, names = self._house, targets(self._house.rig, args.targets)
        try:
            report, seen, good = await house.on_disk(lambda: self._add(names))
        except OSError as error:
            raise _no_disk(error.strerror or str(error)) from None
        await self._tests.recall()
        return await self._done(job, args.reason, report, seen, names, good)

    def _add(self, names: Sequence[str]) -> tuple[Report, Measured, tuple[str, ...]]:
        """Blocking. Raises Refusal and OSError."""
        house = self._house
        state, config = house.config.agent.state_dir, digest(house.config)
        now = house.host.wall()

        def fresh(report: Report) -> bool:
            return now - datetime.fromisoformat(report.started).timestamp() < HOURS * 3600

        lately = takewhile(fresh, ReportStore(state).newest_first())
        report = next((r for r in lately if any(c.kind == "light" and c.name in names for c in r.checks)), None)
        if report is None or report.config_sha256 != config:
            raise Refusal(
                ReasonCode.UNKNOWN_TARGET,
                Text(
                    f"no self-test of these lights in the last {HOURS:g} h with this configuration; "
                    "selftest.start depth=full makes one",
                    f"{HOURS:g} 小时内没有按当前配置对这些灯做过自检；请先 selftest.start depth=full",
                ),
            )
        seen = baseline.measured(report.checks)
        runs = baseline.read(state, seen.camera).runs
        known = {name for run in runs if run.report == report.id for name in run.lights}
        good = tuple(name for name in names if name in seen.lights and name not in known)
        if good:
            baseline.accept(state, iso(now), report.id, seen, good)
        return report, seen, good

    async def _rebaseline(self, args: MaintenanceRebaseline, job: Job) -> Mapping[str, Any]:
        self._can_rebaseline(args)
        names = targets(self._house.rig, args.targets)
        only = [*SIGHT, *(f"{LOOKS}:{name}" for name in names)]
        report = await self._tests.commanded(job, "full", only, accept=True, forget=True)
        seen, good = baseline.measured(report.checks), report.accepted or ()
        if not good and report.stopped is not None:
            raise Refusal(ReasonCode.ON_AIR, Text(report.stopped.en, report.stopped.zh))
        if not good and seen.lights:
            raise _no_disk("baseline.json")
        return await self._done(job, args.reason, report, seen, names, good)

    async def _done(
        self, job: Job, reason: str, report: Report, seen: Measured, names: Sequence[str], good: Sequence[str]
    ) -> Mapping[str, Any]:
        """Noted and told. Raises Refusal when no light was good."""
        out = {
            name: seen.wrong.get(name, ALREADY if name in seen.lights else UNTESTED)
            for name in names
            if name not in good
        }
        if not good:
            en = ", ".join(f"{name} ({why})" for name, why in out.items())
            zh = "、".join(f"{name}（{why}）" for name, why in out.items())
            raise Refusal(
                ReasonCode.OUT_OF_RANGE,
                Text(
                    f"no light is as it should be for a baseline: {en}; see report {report.id}",
                    f"没有灯具可纳入基准：{zh}；参见报告 {report.id}",
                ),
            )
        await self._tests.note(job.issuer, f"{job.verb} {' '.join(good)}: {reason}", good[0] if len(good) == 1 else "")
        return {"report": report.id, "accepted": list(good), "left_out": out}

    async def _note(self, args: MaintenanceNote, job: Job) -> Mapping[str, Any]:
        note = await self._tests.note(job.issuer, args.text, args.about or "")
        return note.model_dump(exclude={"previous"})


def _no_disk(why: str) -> Refusal:
    return Refusal(ReasonCode.DEVICE_REFUSED, Text(f"the disk: {why}", f"磁盘：{why}"))
