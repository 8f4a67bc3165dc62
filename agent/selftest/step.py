"""A step of the plan: a check, where it runs, and what has to hold before it may."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from agent.runtime.lane import Health, Lane
from config.units import SILENT, Text
from drivers.base import Check, Impact, Result, Verdict
from drivers.errors import DeviceMissing, LinkLost

Subject = Literal["output", "camera", "light", "probe", "network", "broker", "machine", "agent"]

INTERLOCKED = frozenset({Impact.LOADS_UPLINK, Impact.VISIBLE, Impact.DISRUPTIVE})
"""Never on air, and one at a time."""

ON_THE_LANE = 3.0
"""Seconds a step may wait for its lane on top of its own deadline: the lane has its own work to do as well."""


class Group(NamedTuple):
    """What a step is about. Steps of one group run one after another, passive groups side by side."""

    kind: Subject
    name: str


def _free() -> Text | None:
    return None


@dataclass(frozen=True, slots=True)
class Step:
    """``blocked`` is asked just before: a reason means SKIPPED. ``run`` may raise: that is ERROR, never FAIL."""

    id: str
    subject: str
    title: Text
    group: Group
    run: Callable[[], Awaitable[Result]]
    impact: Impact = Impact.PASSIVE
    deadline: float = 5.0
    blocked: Callable[[], Text | None] = _free

    @property
    def name(self) -> str:
        """``LGT-01:key``: what ``only`` patterns and people call it."""
        return f"{self.id}:{self.group.name}"


class Standing(Protocol):
    """A device that says how it is."""

    @property
    def name(self) -> str: ...

    @property
    def health(self) -> Health: ...


def on_lane(check: Check, lane: Lane, group: Group, found: bool) -> Step:
    """:func:`of_device`, for a device whose lane is here."""
    return of_device(check, lane, group, found, lambda: lane.call(check.run, timeout=check.deadline + ON_THE_LANE))


def of_device(
    check: Check, lane: Standing, group: Group, found: bool, measured: Callable[[], Awaitable[Result]]
) -> Step:
    """A driver's own check, on its device's lane: ``measured`` does it there. ``found``: the one that says whether the
    device is there, so a device that is offline fails it; all others are skipped then."""

    async def run() -> Result:
        if not found:
            return await measured()
        if lane.health.state != "ok":
            todo = Text(lane.health.remedy, lane.health.remedy_zh)
            return gone(lane.health.says(Text("still being opened", "仍在打开")), todo)
        try:
            return await measured()
        except (DeviceMissing, LinkLost) as error:
            return gone(error.says, error.todo)

    def blocked() -> Text | None:
        return None if found else offline(lane)

    return Step(check.id, check.subject, check.title, group, run, check.impact, check.deadline + ON_THE_LANE, blocked)


def gone(why: Text, todo: Text) -> Result:
    """The device is not there. ``todo`` may be in English alone."""
    said = Text(f"It is offline: {why.en}.", f"设备离线：{why.zh}。")
    remedy = Text(todo.en, todo.zh or f"请检查设备连接（{todo.en}）") if todo.en else SILENT
    return Result(Verdict.FAIL, said, remedy)


def offline(lane: Standing) -> Text | None:
    """Why nothing can be asked of this device; ``None`` when it can."""
    if lane.health.state == "ok":
        return None
    why = lane.health.says()
    return Text(f"{lane.name} is offline: {why.en}", f"{lane.name} 离线：{why.zh}")
