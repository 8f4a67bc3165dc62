"""Plan and run. The one promise above all others: the look comes back, whatever happens.

plan ──▶ passive steps, groups side by side ──▶ interlocked steps, one by one, watched ──▶ release ──▶ Report
                                                    on air? deadline? cancelled? ─────────────┘
"""

import asyncio
import fnmatch
from collections.abc import Awaitable, Callable, Iterable, Sequence
from difflib import get_close_matches
from functools import partial
from uuid import uuid4

import structlog

from agent.messaging.header import Say, iso
from agent.selftest.checks import agent as of_agent
from agent.selftest.checks import broker, devices, exposure, lights, machine, strangers
from agent.selftest.checks.bench import OWNER, Bench
from agent.selftest.desk import Desk
from agent.selftest.report import Depth, Outcome, Report, outcome
from agent.selftest.step import INTERLOCKED, Group, Step
from agent.selftest.surroundings import Surroundings
from config.units import SILENT, Text
from drivers.base import Impact, Result, Verdict
from drivers.errors import DriverError

log = structlog.get_logger(__name__)

LOOK_ROUND = 0.1
"""Seconds between looks at the air state while a visible step runs: aborted well within the second that is promised."""
HOME_WITHIN = 8.0
"""Seconds the lights may take back to the look (a full step of a colour panel on air takes 5.7)."""

GOODBYE = 0.2
"""Seconds to wait for the run's own lane: one that is stuck in a check may end by itself."""

ON_AIR = Text("on air, or the air state is unknown", "正在直播，或直播状态未知")
WENT_ON_AIR = Text("the studio went on air: stopped, and the look restored", "演播室开始直播：测试已中止，灯光已恢复")

Progress = Callable[[float, Text], None]
"""Share done 0…1, and what is being done."""
Seen = Callable[[Outcome], None]


class _Air(Exception):
    """The studio went on air during a visible step."""


def plan(around: Surroundings, depth: Depth = "quick", only: Iterable[str] = ()) -> list[Step]:
    """The steps of a run, in their order. Touches nothing. See :func:`run` for ``only``."""
    return _plan(Desk(around), depth, tuple(only), False)[0]


async def listed(around: Surroundings) -> None:
    """Have the devices say what they can check on themselves now: it depends on the hardware that is there."""
    await devices.listed(around.devices.outputs.values())


def unmatched(around: Surroundings, depth: Depth, only: Iterable[str], asked: bool = False) -> Text | None:
    """Which pattern of ``only`` picks no check of this studio, and what was probably meant; None when each does.

    Before the devices were ``asked`` (:func:`listed`), a check that one of them may have counts as one.
    """
    steps = plan(around, depth)
    perhaps = () if asked else devices.perhaps(around.devices.outputs.values())
    for pattern in only:
        if any(_wanted(step, (pattern,)) for step in steps):
            continue
        if any(fnmatch.fnmatchcase(each, pattern.partition(":")[0]) for each in perhaps):
            continue
        if depth != "full" and any(_wanted(step, (pattern,)) for step in plan(around, "full")):
            return Text(f"{pattern}: only with depth full", f"{pattern}：仅完整自检包含此项")
        names = dict.fromkeys(name for step in steps for name in (step.id, step.name))
        meant = _nearest(pattern, list(names))
        return Text(f"{pattern}: no check here is called that – {meant.en}", f"{pattern}：没有此项检查。{meant.zh}")
    return None


def _nearest(pattern: str, names: Sequence[str]) -> Text:
    close = get_close_matches(pattern, names, n=1, cutoff=0.5)
    if close:
        return Text(f"did you mean {close[0]!r}?", f"是否指 {close[0]}？")
    kinds = sorted({name.partition("-")[0] for name in names})
    return Text(
        f"patterns are on the id (WID-01, 'LGT-*') or id:name ('*:key'); kinds here: {', '.join(kinds)}",
        f"可按编号（WID-01、'LGT-*'）或 编号:名称（'*:key'）匹配；此处有：{'、'.join(kinds)}",
    )


async def run(
    around: Surroundings,
    depth: Depth = "quick",
    only: Iterable[str] = (),
    *,
    trigger: str = "command",
    progress: Progress | None = None,
    seen: Seen | None = None,
    accept: bool = False,
    forget: bool = False,
) -> Report:
    """Run a self-test. *quick*: what is passive or invisible, at most 15 s; *full*: what is visible, too.

    ``only``: patterns (``LGT-*``, ``CAM-0?:front``, ``*:key``) matched against id and ``id:name``; none means all.
    ``accept``: what the lights showed becomes part of the baseline, where no check of theirs failed or was left out;
    *full* only. ``forget``: judge without the baseline, and let what is accepted replace what was known of the lights
    of this run. Cancelling restores the look and leaves the baseline alone.
    """
    await listed(around)
    return await _Run(around, depth, tuple(only), progress, seen, accept, forget).go(trigger)


def _plan(desk: Desk, depth: Depth, only: Sequence[str], forget: bool) -> tuple[list[Step], Bench]:
    bench = Bench(desk, forget)
    steps = [
        *devices.steps(desk),
        *exposure.steps(desk),
        *machine.steps(desk),
        *strangers.steps(desk),
        *broker.steps(desk),
        *of_agent.steps(desk, depth),
        *lights.steps(bench),
    ]
    allowed = {Impact.PASSIVE, Impact.INVISIBLE}
    if depth == "full":
        allowed |= {Impact.LOADS_UPLINK, Impact.VISIBLE}
    return [step for step in steps if step.impact in allowed and _wanted(step, only)], bench


def _wanted(step: Step, only: Sequence[str]) -> bool:
    return not only or any(fnmatch.fnmatchcase(name, pattern) for pattern in only for name in (step.id, step.name))


class _Run:
    def __init__(
        self,
        around: Surroundings,
        depth: Depth,
        only: tuple[str, ...],
        progress: Progress | None,
        seen: Seen | None,
        accept: bool,
        forget: bool,
    ) -> None:
        self.around, self.depth, self.only = around, depth, only
        self.progress, self.seen, self.accept = progress, seen, accept and depth == "full"
        self.desk = Desk(around)
        self.steps, self.bench = _plan(self.desk, depth, only, forget)
        self.done: dict[int, Outcome] = {}
        self.stopped: Text | None = None

    async def go(self, trigger: str) -> Report:
        around, began, name = self.around, self.around.now(), uuid4().hex[:12]
        wall, was_on_air = around.host.wall(), self._on_air()
        self.desk.lane.start()
        try:
            await self._passive()
            await self._interlocked()
            accepted = await self.bench.accept(name, self.done.values()) if self.accept else None
        finally:
            around.rig.release(around.now(), owner=OWNER)
            self.desk.lane.request_stop()
        await self._home()
        self.desk.lane.join(GOODBYE)
        return Report(
            id=name,
            trigger=trigger,
            site=around.config.agent.site,
            agent=around.config.agent.name,
            version=around.version,
            config_sha256=of_agent.digest(around.config),
            depth=self.depth,
            only=self.only,
            started=iso(wall),
            seconds=round(around.now() - began, 2),
            on_air=was_on_air,
            stated=around.stated,
            stopped=Say.of(self.stopped) if self.stopped else None,
            accepted=accepted,
            checks=tuple(self.done[id(step)] for step in self.steps),
        )

    async def _passive(self) -> None:
        groups: dict[Group, list[Step]] = {}
        for step in self.steps:
            if step.impact not in INTERLOCKED:
                groups.setdefault(step.group, []).append(step)
        async with asyncio.TaskGroup() as side_by_side:
            for steps in groups.values():
                side_by_side.create_task(self._one_by_one(steps))

    async def _one_by_one(self, steps: Sequence[Step]) -> None:
        for step in steps:
            await self._take(step, step.run)

    async def _interlocked(self) -> None:
        for step in self.steps:
            if step.impact in INTERLOCKED:
                await self._take(step, partial(self._watched, step))

    async def _take(self, step: Step, run: Callable[[], Awaitable[Result]]) -> None:
        """One step to its outcome; only a cancellation leaves this."""
        began = self.around.now()
        self._say(step)
        asked = True
        try:
            if step.impact in INTERLOCKED and (self.stopped or self._on_air()):
                result = skipped(self.stopped or ON_AIR)
            elif (reason := step.blocked()) is not None:
                result = skipped(reason)
            else:
                async with asyncio.timeout(step.deadline):
                    result = await run()
                asked = result.verdict is not Verdict.SKIPPED
        except _Air:
            self.stopped = WENT_ON_AIR
            result = skipped(WENT_ON_AIR)
        except TimeoutError:
            result = broken(
                f"not done within {step.deadline:g} s", f"{step.deadline:g} 秒内未完成", "Run it again.", "请重试。"
            )
        except DriverError as error:
            result = broken(error.reason, f"设备错误：{error.reason}", error.remedy, error.remedy)
        except Exception as error:
            log.exception("selftest.check_broken", check=step.name)
            what = f"{type(error).__name__}: {error}"
            result = broken(
                f"the check itself broke: {what}", f"检查本身出错：{what}",
                "Report it with the log.", "请附日志上报。",
            )  # fmt: skip
        self.desk.found[step.id, step.group] = result.verdict
        found = outcome(step, result, self.around.now() - began, asked)
        self.done[id(step)] = found
        log.info("selftest.checked", check=step.name, verdict=str(found.verdict), said=found.said.en)
        if self.seen is not None:
            self.seen(found)

    async def _watched(self, step: Step) -> Result:
        """A visible step, with an eye on the air state. Going on air restores the look at once."""
        task = asyncio.ensure_future(step.run())
        try:
            while not task.done():
                await asyncio.wait((task,), timeout=LOOK_ROUND)
                if self._on_air():
                    raise _Air
            return task.result()
        finally:
            if not task.done():
                task.cancel()
            if task.cancelled() or not task.done() or self._on_air():
                self.around.rig.release(self.around.now(), owner=OWNER)
            await asyncio.gather(task, return_exceptions=True)

    async def _home(self) -> None:
        """Wait until the look is back: a test that has ended leaves nothing moving."""
        around = self.around
        until = around.now() + HOME_WITHIN
        moved = self.bench.seen or self.bench.broken
        while moved and (rest := around.rig.scene.settled - around.now()) > 0 and around.now() < until:
            await asyncio.sleep(min(rest, LOOK_ROUND))

    def _on_air(self) -> bool:
        try:
            return self.around.on_air()
        except Exception:
            log.exception("selftest.air_unknown")
            return True

    def _say(self, step: Step) -> None:
        if self.progress is not None:
            title = Text(f"{step.name} {step.title.en}", f"{step.name} {step.title.zh}")
            self.progress(len(self.done) / max(1, len(self.steps)), title)


def skipped(reason: Text) -> Result:
    """Not done, and why."""
    return Result(Verdict.SKIPPED, Text(f"Not done: {reason.en}.", f"未执行：{reason.zh}。"))


def broken(en: str, zh: str, remedy_en: str, remedy_zh: str) -> Result:
    """Could not be measured: ERROR, which says nothing about the device."""
    remedy = Text(remedy_en, remedy_zh) if remedy_en else SILENT
    return Result(Verdict.ERROR, Text(f"Not measured: {en}.", f"未能测量：{zh}。"), remedy)
