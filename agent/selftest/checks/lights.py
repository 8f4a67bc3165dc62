"""LGT-…: what the bench saw, judged. One light at a time, all others off."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from agent.selftest.catalogue import CATALOGUE
from agent.selftest.checks import bands
from agent.selftest.checks.bench import Bench, lightable
from agent.selftest.checks.optics import LightSeen, Match, Zones, match, reversal
from agent.selftest.step import Group, Step, offline
from config.units import SILENT, Text
from drivers.base import Impact, Limits, Result, Verdict
from drivers.camera.faults import PictureFault

GAIN = Limits(fail=0.10, below=True)
DIM = Limits(warn=0.95, fail=0.90, below=True)
CROSS = Limits(warn=0.2, fail=0.5)
LEAK = Limits(warn=0.05, fail=0.3)
REVERSAL = Limits(warn=2.0, fail=5.0)
SHAPE = Limits(warn=5.0, fail=10.0)
FLICKER = Limits(warn=1.0, fail=2.0)
LATENCY = Limits(warn=300.0, fail=1000.0)

TOO_BRIGHT = 0.5
"""Share of clipped zones above which the light cannot be judged."""
NO_BASELINE = Text(
    "No baseline for this light yet: when the room is in order, run selftest --depth full --accept.",
    "此灯尚无基准：请在一切正常时运行 selftest --depth full --accept。",
)
DEADLINE = 40.0
"""Seconds for one light: a colour panel takes 2 x 3.4 s for its two full steps alone, a camera that lags adds to it."""
SIGHT = ("CAM-01", "CAM-03", "CAM-04", "CAM-12")

FLICKERS = frozenset({PictureFault.FLICKER})

Judge = Callable[[Bench, str, LightSeen], Result]


def steps(bench: Bench) -> list[Step]:
    """All lights that make light, in the rig's order. Without a camera they are planned, and skipped with the reason:
    a light nobody can see is not proven."""
    judges: dict[str, Judge] = {
        "LGT-01": not_dead,
        "LGT-02": not_dim,
        "LGT-03": not_swapped,
        "LGT-04": not_stuck,
        "LGT-05": rising,
        "LGT-07": steady,
        "LGT-09": prompt,
    }
    lights = [name for name, fixture in bench.around.rig.fixtures.items() if lightable(fixture.personality)]
    judged = [_step(bench, name, id, judge) for name in lights for id, judge in judges.items()]  # noqa: A001
    dark = [_banded_room(bench, lights[0])] if lights else []
    return [*judged, *dark, *(_banded(bench, name) for name in lights)]


def _banded(bench: Bench, name: str) -> Step:
    """LGT-08, after all the others: it leaves each light at full for seconds."""

    async def run() -> Result:
        return bands.judged(await bench.bands(name))

    def blocked() -> Text | None:
        return _blocked(bench, name, FLICKERS)

    group = Group("light", name)
    return Step("LGT-08", name, CATALOGUE["LGT-08"].title, group, run, Impact.VISIBLE, DEADLINE, blocked)


def _banded_room(bench: Bench, name: str) -> Step:
    """LGT-08 of the room, all lights dark: bands that no light of ours draws. ``name``: any light."""

    async def run() -> Result:
        return bands.judged_room(await bench.room_bands())

    def blocked() -> Text | None:
        return _blocked(bench, name, FLICKERS)

    subject = "room" if bench.camera is None else bench.camera.name
    group = Group("camera", subject)
    return Step("LGT-08", subject, CATALOGUE["LGT-08"].title, group, run, Impact.VISIBLE, DEADLINE, blocked)


def _step(bench: Bench, name: str, id: str, judge: Judge) -> Step:  # noqa: A002
    def run() -> Awaitable[Result]:
        return _judged(bench, name, judge)

    def blocked() -> Text | None:
        return _blocked(bench, name)

    group = Group("light", name)
    return Step(id, name, CATALOGUE[id].title, group, run, Impact.VISIBLE, DEADLINE, blocked)


async def _judged(bench: Bench, name: str, judge: Judge) -> Result:
    seen = await bench.of(name)
    if seen.clipped > TOO_BRIGHT:
        return Result(
            Verdict.ERROR,
            Text(
                f"Not measured: at full the light clips {seen.clipped:.0%} of the picture.",
                f"未能测量：全亮时画面 {seen.clipped:.0%} 过曝。",
            ),
            Text("Close the iris or lower the camera's gain for the test.", "测试时请收小光圈或降低增益。"),
        )
    return judge(bench, name, seen)


def _blocked(bench: Bench, name: str, but: frozenset[PictureFault] = frozenset()) -> Text | None:
    """``but``: faults of the picture that are no reason: it is looked at because of them."""
    camera = bench.camera
    if camera is None:
        return Text("no camera is configured to see the light with", "未配置可观察灯光的摄像机")
    if (reason := offline(camera.lane)) is not None:
        return reason
    bad = bench.desk.worst(Group("camera", camera.name), SIGHT)
    why = bad or ("" if camera.watch.latest is None else camera.watch.latest.untrusted_but(but))
    if why:
        return Text(f"the picture of {camera.name} cannot be trusted ({why})", f"{camera.name} 的画面不可信（{why}）")
    light = bench.around.rig.fixtures[name]
    devices = bench.around.devices
    if console := devices.console(light):
        return Text(f"the console {console} holds it", f"控台 {console} 占用此灯")
    reasons = [offline(o.lane) for o in devices.outputs.values() if light.universe in o.section.universes]
    reasons += [offline(bus.lane) for bus in devices.buses.values() if bus.name == light.bus]
    if reasons and all(reasons):
        return reasons[0]
    if name in bench.broken:
        return Text(f"the light could not be measured: {bench.broken[name]}", f"未能测量此灯：{bench.broken[name]}")
    return None


# --- judging -----------------------------------------------------------------------------------------------------


def _match(bench: Bench, name: str, seen: LightSeen) -> Match | None:
    return match(seen, name, bench.reference) if bench.reference is not None else None


def _remedy(id: str, verdict: Verdict) -> Text:  # noqa: A002
    return SILENT if verdict is Verdict.PASS else CATALOGUE[id].remedy


def _not_here(said: Text, evidence: Mapping[str, Any] | None = None) -> Result:
    """Nothing this check could say of this light."""
    return Result(Verdict.SKIPPED, said, evidence=evidence or {})


def _silent(found: Match | None) -> bool:
    return found is not None and (found.stranger[1] >= (CROSS.fail or 1) or found.leak >= (LEAK.fail or 1))


def not_dead(bench: Bench, name: str, seen: LightSeen) -> Result:
    """LGT-01: does the picture answer? A light that is swapped or stuck is left to the checks that say so."""
    found = _match(bench, name, seen)
    evidence = _evidence(bench, name, seen)
    if _silent(found):
        return _not_here(
            Text("It is not dead: see LGT-03 and LGT-04.", "并非无响应，参见 LGT-03 与 LGT-04。"), evidence
        )
    if not seen.reacts:
        dark = float(seen.dark.mean())
        said = Text(
            f"The picture does not react to it: it is dead, not in the picture, or on another address "
            f"(with all lights off the picture keeps {dark:.1%} of white).",
            f"画面对该灯无反应：灯坏、不在画面内或地址错误（全部关灯后画面仍有 {dark:.1%} 亮度）。",
        )
        return Result(Verdict.FAIL, said, CATALOGUE["LGT-01"].remedy, 0.0, "of baseline", GAIN, evidence)
    if found is None:
        said = Text(
            f"The picture answers: {seen.strength:.1%} of white on average.", f"画面有响应：平均 {seen.strength:.1%}。"
        )
        return Result(Verdict.PASS, said, SILENT, seen.strength, "of white", evidence=evidence)
    gain = found.own + sum(found.others.values())
    verdict = GAIN.judge(gain)
    said = Text(f"It gives {gain:.0%} of its baseline.", f"亮度为基准的 {gain:.0%}。")
    return Result(verdict, said, _remedy("LGT-01", verdict), gain, "of baseline", GAIN, evidence)


def not_dim(bench: Bench, name: str, seen: LightSeen) -> Result:
    """LGT-02: its own signature, against the baseline's."""
    found = _match(bench, name, seen)
    if found is None:
        return _not_here(NO_BASELINE)
    if not seen.reacts or _silent(found):
        return _not_here(Text("It does not react as itself: nothing to compare.", "该灯未按自身特征响应，无法比较。"))
    if not found.fits:
        return _moved()
    verdict = DIM.judge(found.own)
    said = Text(f"{found.own:.1%} of its baseline.", f"亮度为基准的 {found.own:.1%}。")
    runs = bench.reference.runs[name] if bench.reference else 0
    return Result(verdict, said, _remedy("LGT-02", verdict), found.own, "of baseline", DIM, {"baseline_runs": runs})


def not_swapped(bench: Bench, name: str, seen: LightSeen) -> Result:
    """LGT-03: the largest part of another light's signature in its answer."""
    found = _match(bench, name, seen)
    if found is None:
        return _not_here(NO_BASELINE)
    if not seen.reacts:
        return _not_here(Text("Nothing answers: nothing to compare.", "无任何响应，无法比较。"))
    if not found.fits:
        return _moved()
    other, share = found.stranger
    verdict = CROSS.judge(share)
    said = (
        Text(f"Commanding it, {other} lights up ({share:.0%}).", f"控制此灯时 {other} 亮起（{share:.0%}）。")
        if verdict is not Verdict.PASS
        else Text("It answers itself.", "响应的正是此灯。")
    )
    evidence = {"own": found.own, "others": found.others}
    return Result(verdict, said, _remedy("LGT-03", verdict), share, "of baseline", CROSS, evidence)


def not_stuck(bench: Bench, name: str, seen: LightSeen) -> Result:
    """LGT-04: its signature in the picture while everything is commanded off."""
    found = _match(bench, name, seen)
    if found is None:
        return _not_here(NO_BASELINE)
    verdict = LEAK.judge(found.leak)
    said = (
        Text(f"With the command at zero it still gives {found.leak:.0%}.", f"指令为零时仍有 {found.leak:.0%} 亮度。")
        if verdict is not Verdict.PASS
        else Text("Off is off.", "可完全关断。")
    )
    return Result(verdict, said, _remedy("LGT-04", verdict), found.leak, "of full", LEAK)


def rising(bench: Bench, name: str, seen: LightSeen) -> Result:
    """LGT-05: no level may be darker than one below it; against the baseline the curve must keep its shape (nobody
    knows the camera's own curve well enough to judge the shape without one)."""
    if not seen.reacts or len(seen.shares) < 2:
        return _not_here(Text("It does not react: there is no curve.", "无响应，无调光曲线。"))
    fall = reversal(seen.shares)
    verdict = REVERSAL.judge(fall)
    said = Text(f"Deepest fall while rising: {fall:.1f} % of full.", f"上升过程中最大回落 {fall:.1f} %。")
    evidence: dict[str, Any] = {"levels": seen.levels, "shares": seen.shares}
    known = bench.reference.curves.get(name, {}) if bench.reference is not None else {}
    errors = [
        abs(share - known[level]) * 100 for level, share in zip(seen.levels, seen.shares, strict=True) if level in known
    ]
    if errors and not _silent(_match(bench, name, seen)):
        evidence |= {"baseline": [known.get(level) for level in seen.levels], "shape_error": max(errors)}
        shape = SHAPE.judge(max(errors))
        if verdict is Verdict.PASS and shape is not Verdict.PASS:
            said = Text(
                f"The curve is {max(errors):.1f} % off its baseline.", f"调光曲线偏离基准 {max(errors):.1f} %。"
            )
            return Result(shape, said, CATALOGUE["LGT-05"].remedy, max(errors), "% of full", SHAPE, evidence)
    return Result(verdict, said, _remedy("LGT-05", verdict), fall, "% of full", REVERSAL, evidence)


def steady(bench: Bench, name: str, seen: LightSeen) -> Result:
    """LGT-07: frame to frame at full, beyond the camera's noise."""
    if seen.flicker is None:
        return _not_here(Text("It does not react: nothing to compare.", "无响应，无法比较。"))
    verdict = FLICKER.judge(seen.flicker)
    said = Text(f"{seen.flicker:.2f} % from picture to picture.", f"帧间波动 {seen.flicker:.2f} %。")
    return Result(verdict, said, _remedy("LGT-07", verdict), seen.flicker, "%", FLICKER)


def prompt(bench: Bench, name: str, seen: LightSeen) -> Result:
    """LGT-09: from the command to the picture, at the middle of the first rise."""
    if seen.latency is None:
        return _not_here(Text("It does not react: no latency.", "无响应，无法测量延迟。"))
    late = seen.latency * 1000
    verdict = LATENCY.judge(late)
    said = Text(f"{late:.0f} ms from command to picture.", f"从指令到画面 {late:.0f} 毫秒。")
    return Result(verdict, said, _remedy("LGT-09", verdict), late, "ms", LATENCY)


def _moved() -> Result:
    return Result(
        Verdict.ERROR,
        Text(
            "Not measured: the picture fits no sum of the known lights; camera or scene has changed.",
            "未能测量：画面与任何已知灯光组合都不符，摄像机或场景已改变。",
        ),
        Text(
            "Put the camera back, or begin a new baseline: selftest --depth full --accept --forget.",
            "将摄像机复位，或重新建立基准：selftest --depth full --accept --forget。",
        ),
    )


def _evidence(bench: Bench, name: str, seen: LightSeen) -> dict[str, Any]:
    curve = bench.reference.curves.get(name, {}) if bench.reference is not None else {}
    return {
        "camera": bench.camera.name if bench.camera else "",
        "levels": seen.levels,
        "shares": [round(share, 6) for share in seen.shares],
        "baseline": [curve.get(level) for level in seen.levels] if curve else None,
        "zones": _rows(seen.response),
        "dark": _rows(seen.dark),
        "noise": seen.noise,
        "clipped_zones": seen.clipped,
    }


def _rows(zones: Zones) -> list[list[float | None]]:
    """As exact as the baseline keeps them: a run can be accepted from its report."""
    return [[None if value != value else round(value, 6) for value in row] for row in zones.tolist()]
