"""The standing alert rules: what the devices and numbers say, as conditions. Pure but for asking."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agent.app.devices import Devices
from agent.exposure.loop.aim import CLIPPED
from agent.exposure.loop.service import ExposureNow
from agent.exposure.loop.words import REMEDY, TRIPPED, USUAL_REMEDY
from agent.health.alerts import AlertLevel, Condition
from agent.lighting.showfile import Damage, Found, Shelf
from agent.runtime.lane import Health
from config.model import AlertSection
from config.units import SILENT, Text
from drivers.registry import Kind

WORDS: Mapping[str, Text] = {"look": Text("look", "场景"), "cues": Text("cue list", "Cue 列表")}
VERBS: Mapping[str, str] = {"look": "look", "cues": "cue"}
"""What people call the things that are saved, and whose verbs they are."""
DAMAGED = "{}.{}.damaged"
"""The alert: kind and name."""

CLEAR = 0.8
"""Share of its limit below which a metric counts as good again: the gap that stops chattering."""

_OFFLINE = {
    Kind.OUTPUT: (
        AlertLevel.CRITICAL,
        0.0,
        Text("lights on {name} cannot be controlled: {reason}", "{name} 上的灯光失去控制：{reason}"),
    ),
    Kind.BUS: (
        AlertLevel.CRITICAL,
        0.0,
        Text("lights on bus {name} cannot be controlled: {reason}", "总线 {name} 上的灯光失去控制：{reason}"),
    ),
    Kind.INPUT: (
        AlertLevel.WARNING,
        2.0,
        Text("a console cannot be heard on input {name}: {reason}", "输入 {name} 听不到控台：{reason}"),
    ),
    Kind.CAMERA: (
        AlertLevel.WARNING,
        0.3,
        Text("camera {name} gives no picture: {reason}", "摄像机 {name} 无画面：{reason}"),
    ),
    Kind.PROBE: (
        AlertLevel.WARNING,
        2.0,
        Text("network probe {name} cannot measure: {reason}", "网络探测 {name} 无法测量：{reason}"),
    ),
}
_REMEDY = {
    Kind.OUTPUT: Text("reseat the USB plug or check the network cable of {name}", "重新插拔 {name} 的 USB 或检查网线"),
    Kind.BUS: Text("check plug, line and power of the lamps on {name}", "检查 {name} 的接头、线路和灯具电源"),
    Kind.INPUT: Text("check the network card or the widget of {name}", "检查 {name} 的网卡或接口盒"),
    Kind.CAMERA: Text("check cable, power and address of {name}", "检查 {name} 的线缆、电源和地址"),
    Kind.PROBE: Text("check cable and router, then the far end's address", "检查网线和路由器，再核对对端地址"),
}


def devices(found: Devices) -> Iterator[Condition]:
    """Everything that should be there: is it?"""
    for kind, unit in found.all():
        health: Health = unit.lane.health
        level, confirm, said = _OFFLINE[kind]
        yield Condition(
            f"{kind}.{unit.name}.offline",
            {"ok": False, "offline": True}.get(health.state),
            level,
            _fill(said, name=unit.name, reason=health.says(SILENT)),
            _remedy(kind, unit.name, health),
            confirm=confirm,
        )


def lamps(found: Devices) -> Iterator[Condition]:
    """Lights on a bus that is there: does each answer, and have what it was told?"""
    for bus in found.buses.values():
        for name, line in bus.pump.lines.items():
            there = bus.lane.health.state == "ok"
            yield Condition(
                f"light.{name}.offline",
                bool(line.fault) if there else None,
                AlertLevel.CRITICAL,
                Text(f"the light {name} cannot be controlled: {line.fault}", f"灯具 {name} 失去控制：{line.fault}"),
                Text("check its power, cable and address on the bus", "检查其电源、线缆和总线地址"),
            )
            yield Condition(
                f"light.{name}.differs",
                bool(line.differs) if there else None,
                AlertLevel.WARNING,
                Text(
                    f"the light {name} is not as it was told: {line.differs}", f"灯具 {name} 与设定不符：{line.differs}"
                ),
                Text(
                    "is another controller on its line, or a hand on its knob?", "检查同一线路上的其他控制器或面板旋钮"
                ),
                hold=0.0,
            )


def on_line(name: str, gone: str, otherwise: Text, next_step: Text) -> Iterator[Condition]:
    """A light that RDM has seen: who of its address is ``gone`` from the line, and how it is other than set up."""
    yield Condition(
        f"light.{name}.gone",
        bool(gone),
        AlertLevel.WARNING,
        Text(f"{name} is no longer found on its line: {gone}", f"在线路上找不到 {name}：{gone}"),
        Text(
            "check its power, its cable and the terminator, then search again: rdm.survey",
            "检查其电源、线缆与终端电阻，然后重新搜索：rdm.survey",
        ),
        hold=0.0,
    )
    yield Condition(
        f"light.{name}.profile",
        bool(otherwise.en),
        AlertLevel.WARNING,
        Text(otherwise.en.rstrip("."), otherwise.zh.rstrip("。")),
        Text(next_step.en.rstrip("."), next_step.zh.rstrip("。")),
        hold=0.0,
    )


BLIND = 5.0
"""Seconds: as long as the loop's lease."""


def exposure(now: ExposureNow, camera: str, limits: AlertSection, meant: bool) -> Iterator[Condition]:
    """Is the picture as bright as it should be, and does the loop hold? ``meant``: a self-test, work on the camera or
    a black-out makes it another one on purpose."""
    off = None if now.ev is None else abs(now.ev)
    dark = now.ev is not None and now.ev < 0
    yield Condition(
        f"exposure.{camera}.deviation",
        None if meant else _judge(off, limits.exposure_stops),
        AlertLevel.WARNING,
        Text("the picture is too dark", "画面过暗") if dark else Text("the picture is too bright", "画面过亮"),
        Text("raise the key light, or hand exposure to the agent", "提高主光，或启用自动补光")
        if dark
        else Text("lower the key light, or hand exposure to the agent", "降低主光，或启用自动补光"),
        value=now.ev,
        limit=limits.exposure_stops,
        unit="stop",
        confirm=limits.confirm,
        hold=min(limits.hold, 10.0),
    )
    yield Condition(
        f"exposure.{camera}.loop",
        bool(now.tripped),
        AlertLevel.WARNING,
        TRIPPED.get(now.tripped, Text("the exposure loop has let go", "曝光控制已退出")),
        REMEDY.get(now.tripped, USUAL_REMEDY),
        hold=0.0,
    )
    why = now.unlearned
    yield Condition(
        f"exposure.{camera}.commissioning",
        why is not None,
        AlertLevel.WARNING,
        why or Text("what was commissioned is of no use", "标定结果不可用"),
        Text("commission the lights again: studio-agent commission", "请重新标定：studio-agent commission"),
        hold=0.0,
    )
    yield Condition(
        f"exposure.{camera}.blind",
        None if meant else now.mode == "hold" and now.why.endswith(CLIPPED),
        AlertLevel.WARNING,
        Text(
            "the automatic fill light holds nothing: the zones it goes by are burnt out",
            "自动补光已停止控制：其基准区域过曝",
        ),
        Text("less light there, or close the iris; then commission again", "降低该处亮度或收小光圈，然后重新标定"),
        confirm=BLIND,
        hold=0.0,
    )


def network(found: Devices, limits: AlertSection) -> Iterator[Condition]:
    """Round trip, jitter and loss over the last minute; silence."""
    for name, probe in found.probes.items():
        if probe.lane.health.state != "ok":
            continue
        seen = probe.watch.statistics()
        for what, value, limit, unit, said in (
            ("rtt", seen.p95, limits.rtt_ms, "ms", Text("round trips are slow", "网络往返时间过长")),
            ("jitter", seen.jitter, limits.jitter_ms, "ms", Text("the network is unsteady", "网络抖动过大")),
            ("loss", seen.loss, limits.loss_percent, "%", Text("packets get lost", "网络丢包")),
        ):
            yield Condition(
                f"network.{name}.{what}",
                _judge(None if math.isnan(value) else value, limit),
                AlertLevel.WARNING,
                Text(f"{said.en} ({name})", f"{said.zh}（{name}）"),
                Text(
                    "wire instead of Wi-Fi; stop other uploads; tell the provider", "改用有线；停止其他上传；联系运营商"
                ),
                value=None if math.isnan(value) else value,
                limit=limit,
                unit=unit,
                confirm=limits.confirm,
                hold=limits.hold,
            )
        yield Condition(
            f"network.{name}.silent",
            seen.outage_now > 3.0,
            AlertLevel.CRITICAL,
            Text(f"nothing comes back from {name}", f"{name} 无任何响应"),
            Text("check cable and router", "检查网线和路由器"),
            value=seen.outage_now,
            limit=3.0,
            unit="s",
        )


def storage(unstored: Sequence[str]) -> Condition:
    """Does the disk take what must survive a restart? ``unstored``: what it does not."""
    said = "; ".join(unstored)
    return Condition(
        "host.storage",
        bool(unstored),
        AlertLevel.WARNING,
        Text(f"the disk takes nothing: {said}", f"磁盘无法写入：{said}"),
        Text(
            "free space on the disk of agent.state_dir; lights work on, but a restart brings back an older look",
            "清理 agent.state_dir 所在磁盘；灯光仍可控制，但重启后会恢复较早的场景",
        ),
    )


def saved(shelf: Shelf[Any]) -> Iterator[Condition]:
    """Saved looks or cue lists whose files were damaged: has a person seen to it?"""
    for name, damage in shelf.damaged.items():
        yield damaged(shelf.kind, name, damage, shelf.get(name))


def damaged(kind: str, name: str, damage: Damage, found: Found[Any] | None) -> Condition:
    """A saved look or cue list whose file could not be read; ``found``: what counts under its name now."""
    word, verb = WORDS[kind], VERBS[kind]
    if found is None:
        now = Text("there is none of that name now", "现在没有该名称的内容")
    elif found.version is None:
        now = Text("the one of the configuration file is used", "现用配置文件中的")
    else:
        now = Text(f"version {found.version.number} is used", f"现用版本 {found.version.number}")
    key = DAMAGED.format(kind, name)
    return Condition(
        key,
        not damage.over,
        AlertLevel.WARNING,
        Text(
            f"the file of the saved {word.en} {name} was damaged; {now.en}",
            f"{word.zh} {name} 的存档文件损坏；{now.zh}",
        ),
        Text(
            f"see what there is ({verb}.history) and save it again ({verb}.save), or leave it so: alert.ack {key}; "
            f"the damaged file is kept: show/{damage.kept_as} in agent.state_dir",
            f"查看现有版本（{verb}.history）并重新保存（{verb}.save），或确认保持现状：alert.ack {key}；"
            f"损坏的文件保留在 agent.state_dir 的 show/{damage.kept_as}",
        ),
        hold=0.0,
    )


def stopped(by: str) -> Condition:
    """Are the lights stopped? ``by``: by whom."""
    return Condition(
        "lights.stopped",
        bool(by),
        AlertLevel.WARNING,
        Text(f"the lights are stopped by {by}: nothing moves them", f"灯光已被 {by} 停止：不再响应任何调光"),
        Text(
            "when it is clear why, let them go: studio-agent send --local lights.stop.reset, or an admin from afar",
            "查明原因后解除：在本机运行 studio-agent send --local lights.stop.reset，或由管理员远程解除",
        ),
        hold=0.0,
    )


def _judge(value: float | None, limit: float) -> bool | None:
    if value is None:
        return None
    return True if value > limit else (False if value < CLEAR * limit else None)


def _remedy(kind: Kind, name: str, told: Health) -> Text:
    """The driver's own advice where it gives any, which is exact; in Chinese, of the usual reasons."""
    general = _fill(_REMEDY[kind], name=name)
    return Text(told.remedy or general.en, told.remedy_zh or general.zh)


def _fill(text: Text, **words: str | Text) -> Text:
    """Each word in the language of the sentence, where it has one."""
    en, zh = ({key: word if isinstance(word, str) else word[at] for key, word in words.items()} for at in (0, 1))
    return Text(text.en.format(**en), text.zh.format(**zh))
