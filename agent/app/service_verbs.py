"""What the verbs about the agent itself do: reload, self-test."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import structlog

from agent import __version__
from agent.app.arrival import free
from agent.app.house import House
from agent.app.upkeep import past
from agent.messaging.commands import Reload, TelemetrySet
from agent.messaging.header import iso
from agent.messaging.hints import hint
from agent.messaging.lifecycle import ReasonCode, Refusal
from agent.messaging.numbers import NUMBERS
from agent.messaging.payloads import Maintenance
from agent.messaging.service_args import SelftestCancel, SelftestStart
from agent.messaging.verbs import Job, Verb
from agent.selftest import engine
from agent.selftest.notes import Note, Notes
from agent.selftest.report import Depth, Report
from agent.selftest.store import ReportStore
from agent.selftest.surroundings import Broker, Surroundings
from config.problems import ConfigError
from config.units import Text
from drivers.errors import DriverError

log = structlog.get_logger(__name__)

LONGEST = 300.0
"""Seconds a self-test may take in all; a full one of three lights takes about a minute."""


def noted(report: Report, state: Path) -> Report:
    """The report with the latest notes. Blocking."""
    return report.model_copy(update={"notes": Notes(state).latest()})


class SelfTests:
    """Runs self-tests of this agent, one at a time, and keeps their reports."""

    def __init__(self, agent: House, virtual: bool = False) -> None:
        self._agent = agent
        self._virtual = virtual
        self.running = False
        self.barred: Text | None = None
        self.under: tuple[Job, asyncio.Task[Any] | None] | None = None
        """The command whose test runs, and its task."""
        self.cut_off = False
        """Lights are being moved for a test, or were when it was broken off."""
        self.health = ""
        """Empty when all is well; else why the latest report is not on the disk, for people."""

    async def run(
        self,
        depth: Depth,
        only: Sequence[str],
        *,
        trigger: str,
        progress: Callable[[float, Text], None] | None = None,
        accept: bool = False,
        forget: bool = False,
        bus: Broker | None = None,
        off_air: bool = False,
    ) -> Report:
        """One self-test and its report as stored; as it is (number 0) when the disk refuses, see :attr:`health`.

        ``bus``: another connection than the agent's own (a test without the service); ``off_air``: a person in the
        studio says so, which counts as long as nobody says *on air*; ``accept``, ``forget``: see ``engine.run``.
        """
        agent = self._agent
        state = agent.config.agent.state_dir
        around = self._around(bus, off_air)
        self.running, self.cut_off = True, True
        try:
            report = await engine.run(
                around, depth, only, trigger=trigger, progress=progress, accept=accept, forget=forget
            )
        finally:
            self.running = False
        self.cut_off = False
        store = ReportStore(state, agent.config.selftest.keep_reports)
        try:
            stored: Report = await agent.on_disk(lambda: store.append(noted(report, state)))
        except (OSError, DriverError) as error:
            # what was measured is worth telling all the same
            why = getattr(error, "strerror", None) or error
            self.health = f"the self-test's report cannot be stored in {store.folder} ({why})"
            log.error("report.not-stored", folder=str(store.folder), reason=str(error), next="free space")
            return report
        self.health = ""
        return stored

    async def note(self, by: str, text: str, about: str = "") -> Note:
        """Write a note of the upkeep. Raises Refusal when the disk declines."""
        agent = self._agent
        note = Note(at=iso(agent.host.wall()), by=by or "remote", about=about, text=text)
        notes = Notes(agent.config.agent.state_dir)
        try:
            written: Note = await agent.on_disk(lambda: notes.append(note))
        except OSError as error:
            said = Text(f"the disk: {error.strerror}", f"磁盘：{error.strerror}")
            raise Refusal(ReasonCode.DEVICE_REFUSED, said) from None
        return written

    async def recall(self, report: Report | None = None) -> None:
        """Tell the latest report (``None``: look for it on the disk) and when the studio was last looked after."""
        agent = self._agent
        latest: Report | None = None
        upkeep: Maintenance | None = None
        try:
            latest, upkeep = await agent.on_disk(lambda: past(agent.config))
        except DriverError as error:  # a disk that does not answer
            log.warning("report.not-read", why=str(error))
        if (newest := report or latest) is not None:
            agent.bus.board.put(agent.topics.report, newest.summary())
        if upkeep is not None:
            agent.bus.board.put(agent.topics.of("maintenance"), upkeep)

    def ready(self) -> None:
        """Raises Refusal while none may begin."""
        if self.running or self.under is not None:
            raise Refusal(ReasonCode.BUSY, Text("a self-test is running already", "自检已在进行"))
        if self.barred is not None:
            raise Refusal(ReasonCode.BUSY, self.barred)

    async def commanded(
        self, job: Job, depth: Depth, only: Sequence[str], accept: bool = False, forget: bool = False
    ) -> Report:
        """One self-test for a command, which ``cancel`` ends."""
        self.ready()
        self.under = job, asyncio.current_task()
        try:
            report = await self.run(depth, only, trigger="command", progress=job.progress, accept=accept, forget=forget)
        finally:
            self.under = None
        await self.recall(report)
        return report

    def unmatched(self, depth: Depth, only: Sequence[str]) -> Text | None:
        """See ``engine.unmatched``."""
        return engine.unmatched(self._around(), depth, only)

    async def unmatched_there(self, depth: Depth, only: Sequence[str]) -> Text | None:
        """The same, after the devices were asked what they can."""
        around = self._around()
        await engine.listed(around)
        return engine.unmatched(around, depth, only, asked=True)

    def _around(self, bus: Broker | None = None, off_air: bool = False) -> Surroundings:
        agent = self._agent
        return Surroundings(
            host=agent.host,
            config=agent.config,
            rig=agent.rig,
            devices=agent.devices,
            on_air=self._told_on_air if off_air else agent.on_air,
            state_dir=agent.config.agent.state_dir,
            version=__version__,
            bus=bus or agent.bus,
            stated=off_air,
            virtual=self._virtual,
        )

    def _told_on_air(self) -> bool:
        """Whether somebody says *on air*; that nobody says anything does not count."""
        now = self._agent.now()
        return self._agent.interlock.known(now) and self._agent.interlock.on_air(now)

    def cancel(self) -> str:
        """End the test that a command started. The command's id; "" when there is none."""
        job, task = self.under or (None, None)
        if job is None or task is None:
            return ""
        job.cancelled = True
        task.cancel()
        return job.id

    async def home(self) -> None:
        """After a test was cut off: returns when the look is back on the wire, before anybody lets the outputs go."""
        agent = self._agent
        until = agent.now() + engine.HOME_WITHIN
        while self.cut_off and not self._back() and agent.now() < until:
            await asyncio.sleep(0.02)

    def _back(self) -> bool:
        """Whether the lights have arrived and every output that is there has sent them so: a busy machine may be slow
        to send."""
        agent, now = self._agent, self._agent.now()
        units = agent.devices.lighting()
        return agent.rig.unmoved(now) and all(unit.has_shown(agent.rig.scene, now) for unit in units)


class ServiceVerbs:
    """reload, telemetry.set, selftest.start, selftest.cancel."""

    def __init__(self, agent: House, tests: SelfTests) -> None:
        self._agent = agent
        self._tests = tests

    def all(self) -> dict[str, Verb[Any]]:
        verbs: list[Verb[Any]] = [
            Verb("reload", Reload, self._reload, check=self._can_reload),
            Verb("telemetry.set", TelemetrySet, self._rates, check=self._can_rate),
            Verb("selftest.start", SelftestStart, self._start, check=self._can_start, deadline=LONGEST),
            Verb("selftest.cancel", SelftestCancel, self._cancel, check=self._can_cancel, always=True),
        ]
        return {verb.name: verb for verb in verbs}

    # --- checks ----------------------------------------------------------------------------------------------

    def _can_reload(self, args: Reload) -> None:
        if self._tests.running:
            raise Refusal(
                ReasonCode.BUSY,
                Text("a self-test is running; selftest.cancel ends it", "自检进行中；可用 selftest.cancel 结束"),
            )

    def _can_rate(self, args: TelemetrySet) -> None:
        for group, asked in args.groups.items():
            for name in asked.dead_bands.keys() - NUMBERS[group].keys():
                meant = hint(name, list(NUMBERS[group]))
                why = Text(f"{group} has no number {name!r}: {meant.en}", f"{group} 没有数值 {name!r}：{meant.zh}")
                raise Refusal(ReasonCode.UNKNOWN_TARGET, why)

    def _can_start(self, args: SelftestStart) -> None:
        self._tests.ready()
        if args.depth == "full":
            free(self._agent)
        if wrong := self._tests.unmatched(args.depth, args.only):
            raise Refusal(ReasonCode.UNKNOWN_TARGET, wrong)

    def _can_cancel(self, args: SelftestCancel) -> None:
        if self._tests.under is None:
            raise Refusal(ReasonCode.UNKNOWN_TARGET, Text("no self-test is running", "没有进行中的自检"))

    # --- effects ---------------------------------------------------------------------------------------------

    async def _reload(self, args: Reload, job: Job) -> Mapping[str, Any]:
        try:
            await self._agent.reload()
        except ConfigError as error:
            where = "、".join(problem.where for problem in error.problems)
            raise Refusal(
                ReasonCode.INVALID, Text(str(error), f"配置文件有误（{where}），继续使用原配置；详情见英文")
            ) from None
        return {"fixtures": sorted(self._agent.rig.fixtures)}

    async def _rates(self, args: TelemetrySet, job: Job) -> Mapping[str, Any]:
        return self._agent.herald.rates(args)

    async def _start(self, args: SelftestStart, job: Job) -> Mapping[str, Any]:
        """The verdict is data: the command has succeeded when the test ran. A report that is not on the disk is in the
        result, or nobody would ever see it."""
        if wrong := await self._tests.unmatched_there(args.depth, args.only):
            raise Refusal(ReasonCode.UNKNOWN_TARGET, wrong)
        self._can_start(args)
        report = await self._tests.commanded(job, args.depth, args.only)
        result: dict[str, Any] = {
            "id": report.id,
            "number": report.number,
            "verdict": str(report.verdict),
            "counts": {str(verdict): count for verdict, count in report.counts.items()},
            "seconds": round(report.seconds, 1),
            "stored": not self._tests.health,
            "worst": list(report.summary().worst),
        }
        if self._tests.health:
            result["report"] = report.model_dump(mode="json")
        return result

    async def _cancel(self, args: SelftestCancel, job: Job) -> Mapping[str, Any]:
        self._can_cancel(args)
        return {"cancelled": self._tests.cancel()}
