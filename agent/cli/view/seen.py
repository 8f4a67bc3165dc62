"""All that an agent's topics have told so far. Pure: messages and times in, nothing out but what is kept.

The view knows nothing else, so it shows any agent at any broker.
"""

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from agent.cli.view import words
from agent.messaging import payloads
from agent.messaging.exposure_payloads import ExposureState
from agent.messaging.header import Payload, Say
from agent.messaging.topics import parse

KEPT = 240
"""Values of a curve, and lines of the log."""

T = TypeVar("T", bound=Payload)


@dataclass(slots=True)
class Line:
    """One line of the log. ``at``: local wall clock; ``level``: note, good, warning or critical; ``open``: it will
    still change."""

    at: str
    text: Say
    level: str = "note"
    open: bool = False


@dataclass(slots=True)
class Command:
    """One command on its way; its log line grows as answers come."""

    line: Line
    begun: float
    verb: str
    what: str
    states: list[str] = field(default_factory=list)
    tail: str = ""

    def write(self) -> None:
        """Bring its line up to date: the way so far, at the end only the end (a line is short)."""
        way = " → ".join(self.states) if self.line.open else self.states[-1]
        said = f"{self.what}  {way}{self.tail}".rstrip()
        self.line.text = Say(en=said, zh=said)


@dataclass
class Seen:
    """Times are the viewer's monotonic seconds."""

    status: payloads.Status | None = None
    inventory: payloads.Inventory | None = None
    air: payloads.AirState | None = None
    report: payloads.Report | None = None
    fixtures: dict[str, tuple[payloads.FixtureState, float]] = field(default_factory=dict)
    devices: dict[tuple[str, str], payloads.DeviceState] = field(default_factory=dict)
    exposure: dict[str, ExposureState] = field(default_factory=dict)
    alerts: dict[str, payloads.Alert] = field(default_factory=dict)
    numbers: dict[str, dict[str, float | int | None]] = field(default_factory=dict)
    curves: dict[tuple[str, str], deque[float | None]] = field(default_factory=dict)
    log: deque[Line] = field(default_factory=lambda: deque(maxlen=KEPT))
    logged: int = 0
    """Lines ever written into the log, which keeps the last of them."""
    messages: int = 0
    _told: dict[str, float] = field(default_factory=dict)
    _commands: dict[str, Command] = field(default_factory=dict)
    _lost: set[tuple[str, str]] = field(default_factory=set)
    """Devices that are away."""
    _told_air: bool | None = None
    """The last air state that was known."""
    _verdict: Line | None = None
    """Of a self-test whose command has not ended yet."""
    _arrivals: deque[float] = field(default_factory=lambda: deque(maxlen=2000))

    # --- in --------------------------------------------------------------------------------------------------

    def take(self, topic: str, body: bytes, now: float, at: str, kept: bool = False) -> None:
        """One message; ``kept``: the broker had it from before. What is not of this scheme, or not a payload, is
        counted and otherwise ignored."""
        self.messages += 1
        self._arrivals.append(now)
        found = parse(topic)
        if found is None:
            return
        name = found.parts.get("name", "")
        kind = found.row.name
        if not body:
            self._emptied(kind, name or found.parts.get("key", ""))
            return
        if kept and kind == "answer":
            return  # of a command that ended before anybody looked: now is not its time
        try:
            data = json.loads(body)
            if kind == "command":
                self._sent(found.parts["verb"], found.parts["id"], data, now, at)
                return
            payload = found.row.payload.model_validate(data)
        except (ValueError, RecursionError):
            return
        self._keep(kind, name, payload, found.parts, now, at)

    def note(self, text: str | Say, at: str, level: str = "note") -> None:
        """A line of the viewer's own."""
        self._write(Line(at, Say(en=text, zh=text) if isinstance(text, str) else text, level))

    # --- out -------------------------------------------------------------------------------------------------

    def rate(self, now: float) -> float:
        """Messages per second over the last five."""
        return sum(1 for each in self._arrivals if each > now - 5.0) / 5.0

    def levels(self, fixture: str, now: float) -> dict[str, float]:
        """What a light shows now: between two messages its fade is carried on."""
        state, at = self.fixtures[fixture]
        share = 1.0
        if state.fade_remaining > 0:
            share = min(1.0, max(0.0, (now - at) / state.fade_remaining))
        return {
            str(attribute): level + (state.target.get(attribute, level) - level) * share
            for attribute, level in state.levels.items()
        }

    def brightness(self, fixture: str, now: float) -> float:
        """Its intensity 0…1; of a light without one, its brightest colour."""
        levels = self.levels(fixture, now)
        colours = (value for key, value in levels.items() if key not in ("cct", "tint"))
        return levels["intensity"] if "intensity" in levels else max(colours, default=0.0)

    def number(self, group: str, name: str) -> float | None:
        """The latest of a telemetry number, ``None`` when it is not known."""
        return self.numbers.get(group, {}).get(name)

    def curve(self, group: str, name: str, now: float) -> list[float | None]:
        """A telemetry number's values, one a second until ``now``: where nothing was said, nothing had changed. A
        silence longer than the agent's longest is not filled: then nobody knows."""
        values = list(self.curves.get((group, name), ()))
        if values and self.status is not None and self.status.state == "online":
            rate = self.inventory.telemetry.get(group.partition("/")[0]) if self.inventory is not None else None
            silent = int(now - self._told[group])
            values += [values[-1]] * max(0, min(silent, int(rate.max_interval) if rate is not None else 0))
        return values[-KEPT:]

    def names(self, prefix: str) -> Iterator[str]:
        """Telemetry groups of a kind: ``network/`` → the probes."""
        return (group.removeprefix(prefix) for group in sorted(self.numbers) if group.startswith(prefix))

    # --- inside ----------------------------------------------------------------------------------------------

    def _write(self, line: Line) -> None:
        self.logged += 1
        self.log.append(line)

    def _keep(self, kind: str, name: str, payload: Any, parts: dict[str, str], now: float, at: str) -> None:
        match kind:
            case "status":
                self._status(payload, at)
            case "inventory":
                self.inventory = payload
            case "fixture":
                self.fixtures[name] = (payload, now)
            case "output" | "bus" | "camera" | "probe":
                self._device(kind, name, payload, at)
            case "exposure":
                self.exposure[name] = payload
            case "air-state":
                self._air(payload, at)
            case "tele":
                self._numbers(f"{parts['group']}/{name}", payload.numbers, now)
            case "alert":
                self._alert(payload, at)
            case "event":
                if payload.text is not None and not payload.name.startswith("alert."):
                    self._write(Line(at, payload.text, payload.level))
            case "report":
                self._report(payload, at)
            case "answer":
                self._answered(payload, now, at)

    def _status(self, payload: payloads.Status, at: str) -> None:
        before = self.status.state if self.status else None
        self.status = payload
        if before is not None and before != payload.state:
            good = payload.state == "online"
            said = Say(en=f"agent {payload.state}", zh="程序上线" if good else "程序离线")
            self._write(Line(at, said, "good" if good else "critical"))

    def _device(self, kind: str, name: str, payload: payloads.DeviceState, at: str) -> None:
        before = self.devices.get((kind, name))
        self.devices[kind, name] = payload
        if payload.health == "ok":
            if (kind, name) in self._lost:  # one that has only just been opened was never away
                self._write(Line(at, Say(en=f"{name} is back", zh=f"{name} 恢复"), "good"))
            self._lost.discard((kind, name))
        elif payload.health != "starting":
            self._lost.add((kind, name))
            if before is not None and before.health != payload.health:
                why = payload.reason
                said = Say(en=f"{name} offline: {why}", zh=f"{name} 离线：{why}")
                self._write(Line(at, said, "warning"))

    def _air(self, payload: payloads.AirState, at: str) -> None:
        before, on = self._told_air, payload.on_air
        if payload.known:
            if before is not None and before != on:
                self._write(Line(at, Say(en="on air" if on else "off air", zh="开播" if on else "停播"), "note"))
            self._told_air = on
        elif self.air is not None and self.air.known:
            said = Say(en="nobody says any more whether it is on air", zh="不再有人告知是否直播")
            self._write(Line(at, said, "warning"))
        self.air = payload

    def _numbers(self, group: str, numbers: dict[str, float | int | None], now: float) -> None:
        """A curve has a value a second: where nothing was said, nothing had changed."""
        seconds = min(KEPT, round(now - self._told.get(group, now)))
        self.numbers[group], self._told[group] = numbers, now
        for name, value in numbers.items():
            curve = self.curves.setdefault((group, name), deque(maxlen=KEPT))
            if curve:
                curve.extend([curve[-1]] * (seconds - 1))
            curve.append(value)

    def _alert(self, payload: payloads.Alert, at: str) -> None:
        before = self.alerts.get(payload.key)
        if payload.state == "resolved":
            self.alerts.pop(payload.key, None)
            if before is not None:
                said = Say(en=f"resolved: {payload.text.en}", zh=f"已恢复：{payload.text.zh}")
                self._write(Line(at, said, "good"))
            return
        self.alerts[payload.key] = payload
        if before is None and payload.state == "firing":
            self._write(Line(at, Say(en=f"alert: {payload.text.en}", zh=f"告警：{payload.text.zh}"), payload.level))

    def _report(self, payload: payloads.Report, at: str) -> None:
        tests = [command for command in self._commands.values() if command.verb == "selftest.start"]
        fresh = self.report.id != payload.id if self.report is not None else bool(tests)
        self.report = payload
        if not fresh:
            return
        counts = [(count, words.verdict(verdict)) for verdict, count in payload.counts.items() if count]
        said, en = words.verdict(payload.verdict), ", ".join(f"{count} {each.en}" for count, each in counts)
        zh = "，".join(f"{count} 项{each.zh}" for count, each in counts)
        level = {"pass": "good", "marginal": "warning"}.get(payload.verdict, "critical")
        line = Line(at, Say(en=f"self-test: {said.en} ({en})", zh=f"自检：{said.zh}（{zh}）"), level)
        if any(command.line.open for command in tests):
            self._verdict = line  # told below its command's last answer, which follows at once
        else:
            self._write(line)

    def _sent(self, verb: str, known: str, data: Any, now: float, at: str) -> None:
        """A command passes; a broker may deliver its first answers before it."""
        args = data.get("args", {}) if isinstance(data, dict) else {}
        command = self._command(verb, known, now, at)
        command.what = f"{verb} {_spelt(args)}".rstrip()
        command.write()

    def _answered(self, answer: payloads.Answer, now: float, at: str) -> None:
        command = self._command(answer.verb, answer.id, now, at)
        if answer.state.value not in command.states:
            command.states.append(answer.state.value)
        command.tail = ""
        if answer.progress is not None and not answer.final:
            command.tail = f" {answer.progress * 100:.0f} %"
        if answer.message is not None:
            command.tail += f" – {answer.message.en}"
        if answer.final:
            command.tail += f" ({now - command.begun:.1f} s)"
            command.line.open = False
            command.line.level = "good" if answer.state.value == "succeeded" else "warning"
        command.write()
        if answer.final and answer.verb == "selftest.start" and self._verdict is not None:
            self._write(self._verdict)
            self._verdict = None

    def _command(self, verb: str, known: str, now: float, at: str) -> Command:
        if known not in self._commands:
            command = Command(Line(at, Say(en=verb, zh=verb), open=True), now, verb, verb)
            self._commands[known] = command
            if len(self._commands) > KEPT:
                del self._commands[next(iter(self._commands))]
            self._write(command.line)
        return self._commands[known]

    def _emptied(self, kind: str, name: str) -> None:
        if kind == "alert":
            self.alerts.pop(name, None)
        elif kind == "fixture":
            self.fixtures.pop(name, None)
        elif kind in ("output", "bus", "camera", "probe"):
            self.devices.pop((kind, name), None)


def _spelt(args: Any) -> str:
    """Arguments as a person would type them for ``send``."""
    if not isinstance(args, dict):
        return ""
    parts: list[str] = []
    first = ("targets", "only")
    for key, value in sorted(args.items(), key=lambda item: item[0] not in first):
        if key in first and isinstance(value, list):
            parts += [str(each) for each in value]
        elif isinstance(value, dict):
            parts += [f"{inner}={each}" for inner, each in value.items()]
        else:
            parts.append(f"{key}={value}")
    return " ".join(parts)
