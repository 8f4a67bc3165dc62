"""Self-test steps of lamps on a bus: does it answer, does it show what it was told."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from config.units import Attribute, Levels, Text
from drivers.base import Check, Result, Verdict
from drivers.errors import DriverError, ReplyTimeout
from firmware_profiles.model import Personality

if TYPE_CHECKING:
    from drivers.lamps.bus import BusLamp


def lamp_checks(lamp: "BusLamp") -> Sequence[Check]:
    """Both are PASSIVE: they only ask."""
    deadline = 2 * lamp.bus.options.timeout * max(1, len(lamp.personality.channels)) + 1
    titles: tuple[tuple[str, Text, Callable[[], Result]], ...] = (
        ("LMP-01", Text("The lamp answers", "灯具有应答"), lambda: _answers(lamp)),
        ("LMP-02", Text("The lamp has what it was told", "灯具数值与设定一致"), lambda: _agrees(lamp)),
    )
    return [Check(name, lamp.name, title, run, deadline=deadline) for name, title, run in titles]


CHECK_IT = Text("Check its power and cable, its address and baud rate.", "检查电源、线缆、地址和波特率。")
MUTE = Text("This lamp's protocol has no answers.", "该灯具的协议没有应答。")


def _answers(lamp: "BusLamp") -> Result:
    if not lamp.reads:
        return Result(Verdict.SKIPPED, MUTE)
    begun = lamp.bus.host.now()
    try:
        lamp.read()
    except ReplyTimeout as error:
        return Result(Verdict.FAIL, Text(f"No answer: {error.reason}.", f"无应答：{error.reason}。"), CHECK_IT)
    took = (lamp.bus.host.now() - begun) * 1e3
    return Result(Verdict.PASS, Text(f"Answers in {took:.1f} ms.", f"{took:.1f} ms 内应答。"), value=took, unit="ms")


def _agrees(lamp: "BusLamp") -> Result:
    if not lamp.reads:
        return Result(Verdict.SKIPPED, MUTE)
    told = lamp.applied
    if told is None:
        return Result(Verdict.SKIPPED, Text("It has not been told anything yet.", "尚未发送过数值。"))
    try:
        read = lamp.read() or {}
    except DriverError as error:
        return Result(Verdict.ERROR, Text(f"Not measured: {error.reason}.", f"未能测量：{error.reason}。"), CHECK_IT)
    wrong = _nearly(lamp.personality, told, read)
    evidence = {"told": dict(told), "read": dict(read)}
    if wrong is None:
        return Result(Verdict.PASS, Text("It has what it was told.", "数值与设定一致。"), evidence=evidence)
    return Result(
        Verdict.FAIL,
        Text(
            f"{wrong} was set to {told[wrong]:g}, and the lamp says {read[wrong]:g}.",
            f"{wrong} 设定为 {told[wrong]:g}，灯具报告 {read[wrong]:g}。",
        ),
        Text(
            "Look for another controller on the same line, or a knob turned.", "检查同一线路上的其他控制器或面板旋钮。"
        ),
        evidence=evidence,
    )


def _nearly(personality: Personality, told: Levels, read: Levels) -> Attribute | None:
    """The first attribute of which ``read`` is not what was ``told``, within one step of the slot."""
    for attribute, level in read.items():
        channel = personality.channels[attribute]
        if attribute in told and not math.isclose(channel.raw(level), channel.raw(told[attribute]), abs_tol=1):
            return attribute
    return None
