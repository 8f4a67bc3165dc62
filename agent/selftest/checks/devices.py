"""What drivers check on themselves, and the beat of every output."""

import asyncio
from collections.abc import Iterable

from agent.lighting.output import OutputUnit
from agent.runtime.lane import Lane
from agent.selftest.catalogue import CATALOGUE
from agent.selftest.desk import Desk
from agent.selftest.step import ON_THE_LANE, Group, Step, of_device, offline, on_lane
from config.units import SILENT, Text
from drivers.base import Check, Device, Limits, Result, Verdict
from drivers.dmx.rdm_checks import TITLES

LATE = Limits(warn=50.0, fail=250.0)
LOSS = 1.0
"""Seconds without a frame after which a receiver may call the signal lost (ANSI E1.11, 9.2.1)."""


async def listed(outputs: Iterable[OutputUnit]) -> None:
    """Have every output that is there say what it can check on itself."""
    await asyncio.gather(*(output.list_checks() for output in outputs))


def perhaps(outputs: Iterable[OutputUnit]) -> Iterable[str]:
    """Ids of checks that an output may turn out to have when it is asked: it depends on its hardware."""
    return TITLES if any(hasattr(output.driver, "rdm") for output in outputs) else ()


def steps(desk: Desk) -> list[Step]:
    """Outputs, cameras and probes. The driver's first check is the one that says whether the device is there."""
    found: list[Step] = []
    devices = desk.around.devices
    for output in devices.outputs.values():
        own = _own_of_output(output)
        # the beat before the driver's own checks keep its lane busy
        found += [*own[:1], *_beat(desk, output), *own[1:]]
    for bus in devices.buses.values():
        for check in bus.driver.checks():
            found.append(on_lane(check, bus.lane, Group("light", check.subject), found=check.id == "LMP-01"))
    for camera in devices.cameras.values():
        found += _own(camera.driver, camera.lane, Group("camera", camera.name))
    for probe in devices.probes.values():
        found += _own(probe.driver, probe.lane, Group("probe", probe.name))
    return found


def _own(device: Device, lane: Lane, group: Group) -> list[Step]:
    return [on_lane(check, lane, group, found=number == 0) for number, check in enumerate(device.checks())]


def _own_of_output(output: OutputUnit) -> list[Step]:
    group = Group("output", output.name)

    def step(number: int, check: Check) -> Step:
        within = check.deadline + ON_THE_LANE
        return of_device(check, output.lane, group, number == 0, lambda: output.run(check, number, within))

    return [step(number, check) for number, check in enumerate(output.checks)]


def _beat(desk: Desk, output: OutputUnit) -> list[Step]:
    group = Group("output", output.name)

    async def going() -> Result:
        return frames(output, desk.around.now())

    async def punctual() -> Result:
        return lateness(output, desk.around.now())

    def blocked() -> Text | None:
        return offline(output.lane)

    return [
        Step("DMX-01", output.name, CATALOGUE["DMX-01"].title, group, going, blocked=blocked),
        Step("DMX-02", output.name, CATALOGUE["DMX-02"].title, group, punctual, blocked=blocked),
    ]


def frames(output: OutputUnit, now: float) -> Result:
    """DMX-01: the widest gap of the last 5 s. A look that stands still is only repeated every ``keepalive`` seconds
    (widgets and nodes refresh the wire themselves), so the rate alone says nothing."""
    seen = output.lane.figures(now)
    due = output.driver.refresh.keepalive
    limits = Limits(warn=max(LOSS, 1.25 * due), fail=max(LOSS, 1.25 * due) * 2)
    evidence = {"frames": seen.frames, "rate_hz": round(seen.rate, 2), "keepalive_s": due}
    if not seen.frames:
        said = Text("No frame has been sent since the start.", "启动以来未发送任何帧。")
        return Result(Verdict.FAIL, said, CATALOGUE["DMX-01"].remedy, limits=limits, evidence=evidence)
    verdict = limits.judge(seen.widest_gap)
    said = Text(
        f"{seen.rate:.1f} frames/s, widest gap {seen.widest_gap:.2f} s.",
        f"每秒 {seen.rate:.1f} 帧，最大间隔 {seen.widest_gap:.2f} 秒。",
    )
    remedy = SILENT if verdict is Verdict.PASS else CATALOGUE["DMX-01"].remedy
    return Result(verdict, said, remedy, seen.widest_gap, "s", limits, evidence)


def lateness(output: OutputUnit, now: float) -> Result:
    """DMX-02: how late due frames were sent, of the last 2000."""
    seen = output.lane.figures(now)
    verdict = LATE.judge(seen.late_p99_ms)
    said = Text(
        f"99 % of the frames were at most {seen.late_p99_ms:.1f} ms late.",
        f"99% 的帧迟到不超过 {seen.late_p99_ms:.1f} 毫秒。",
    )
    remedy = SILENT if verdict is Verdict.PASS else CATALOGUE["DMX-02"].remedy
    return Result(verdict, said, remedy, seen.late_p99_ms, "ms", LATE, {"late_p50_ms": seen.late_p50_ms})
