"""One example of everything on the wire, for the documents. Pure; tests hold each against its model."""

from collections.abc import Mapping
from typing import Any

from agent.messaging import payloads
from agent.messaging.exposure_payloads import ExposureMove, ExposureState
from agent.messaging.header import Payload, Say
from agent.messaging.homeassistant.payloads import AlertsShown, Asked, LightShown, ResultShown
from agent.messaging.lifecycle import State
from agent.messaging.numbers import NUMBERS
from agent.messaging.rdm_payloads import RdmDevice, RdmLine, RdmState
from agent.messaging.show_payloads import CueEntry, CueListState, LookState
from agent.messaging.topics import Row
from config.units import Attribute

COMMANDS: Mapping[str, Mapping[str, Any]] = {
    "lights.set": {"targets": ["key", "fill"], "levels": {"intensity": 0.5, "cct": 4300}, "fade": 2},
    "look.apply": {"look": "soft", "fade": 3},
    "lights.release": {"targets": ["role:key"], "fade": 1},
    "lights.stop": {},
    "lights.stop.reset": {},
    "lights.master": {"level": 0.6, "fade": 3},
    "lights.blackout": {"fade": 1},
    "lights.restore": {"fade": 2},
    "submaster.set": {"group": "front", "level": 0.8, "fade": 2},
    "look.save": {"look": "evening", "targets": ["group:front"], "fade": 3, "why": "warmer for the talk"},
    "look.delete": {"look": "evening"},
    "look.history": {"look": "evening"},
    "look.rollback": {"look": "evening", "version": 1},
    "cue.go": {"cue": 2},
    "cue.back": {},
    "cue.release": {"list": "main", "fade": 2},
    "cue.save": {"list": "main", "cue": 2.5, "label": "Guest", "look": "soft", "up": 3, "down": 5, "follow": 20},
    "cue.delete": {"list": "main", "cue": 2.5},
    "cue.history": {"list": "main"},
    "cue.rollback": {"list": "main", "version": 1},
    "exposure.set": {"mode": "hold", "target": 0.2},
    "exposure.release": {"mode": "advise"},
    "exposure.handback": {"targets": ["key"]},
    "exposure.commission": {"empty": True},
    "exposure.prove": {},
    "camera.thumbnail": {"camera": "cam-1", "width": 160},
    "camera.lock": {"camera": "cam-1", "mains": 50},
    "camera.measure": {"camera": "cam-1"},
    "camera.reference": {"camera": "cam-1"},
    "camera.calibrate": {"camera": "cam-1"},
    "rdm.survey": {"output": "widget-1"},
    "rdm.identify": {"output": "widget-1", "uid": "1234:56789ABC", "seconds": 5},
    "rdm.set": {"output": "widget-1", "uid": "1234:56789ABC", "address": 101},
    "probe.now": {"probe": "uplink", "count": 20},
    "profiles.list": {},
    "identity": {},
    "log.level": {"level": "debug", "seconds": 300},
    "support.bundle": {},
    "config.get": {"part": 1},
    "config.validate": {"text": 'agent = { site = "demo", name = "studio" }'},
    "config.propose": {"text": 'agent = { site = "demo", name = "studio" }'},
    "config.apply": {"sha256": "3f1c" * 16, "seconds": 20},
    "config.versions": {},
    "config.rollback": {"version": 3},
    "report.list": {"first": 5},
    "report.get": {"id": "latest", "part": 1},
    "maintenance.accept": {"targets": ["key"], "reason": "new gel, looks right"},
    "maintenance.rebaseline": {"targets": ["key", "back"], "reason": "new lamps"},
    "maintenance.note": {"text": "new lamp, cleaned the lens", "about": "key"},
    "alert.ack": {"key": "output.widget-1.offline"},
    "alert.silence": {"pattern": "network.*", "reason": "router exchanged", "hours": 2},
    "alert.unsilence": {"pattern": "network.*"},
    "selftest.start": {"depth": "full", "only": ["LGT-*", "CAM-03"]},
    "selftest.cancel": {},
    "identify": {"fixture": "back", "seconds": 4},
    "reload": {},
    "telemetry.set": {"groups": {"network": {"interval": 0.5, "dead_bands": {"rtt_ms": 2}}}},
    "ping": {},
    "command.cancel": {"id": "c-1041"},
}
"""Verb → arguments."""

_HEADER = {"ts": "2030-01-01T12:00:00.000Z", "mono": 4711.25, "boot": "5f0c3d9a4b7e4d55a0b8a1c2d3e4f506", "seq": 42}
_HOLDER = payloads.Holder(owner="console-1", priority="manual", until="2030-01-01T12:05:00.000Z")
_LEVELS = {Attribute.INTENSITY: 0.5, Attribute.CCT: 4300.0}

SAID: Mapping[type, Payload] = {
    payloads.Status: payloads.Status(
        state="online", session="9d1e", version="1.4.2", ready=True, since="2030-01-01T11:58:00.000Z"
    ),
    payloads.Inventory: payloads.Inventory(
        fixtures=(
            payloads.FixtureEntry(
                name="key",
                role="key",
                profile="generic/bicolour-panel",
                personality="2ch",
                universe=1,
                address=1,
                attributes=("intensity", "cct"),
            ),
        ),
        devices=(payloads.DeviceEntry(kind="output", name="widget-1", driver="enttec-pro"),),
        groups={"front": ("key",)},
        looks=("show", "soft"),
        cues=("main",),
        verbs=("lights.set", "ping"),
        telemetry={"host": payloads.Rate(interval=1.0, max_interval=10.0, dead_bands={"cpu_percent": 10.0})},
    ),
    payloads.Capability: payloads.Capability(
        verbs=(
            payloads.VerbEntry(
                verb="ping",
                does="Answer, nothing else.",
                args={"type": "object", "properties": {}, "additionalProperties": False},
            ),
        ),
        missing={"exposure.set": "the configuration has no [exposure]"},
    ),
    payloads.FixtureState: payloads.FixtureState(levels=_LEVELS, target=_LEVELS, held_by=_HOLDER),
    payloads.LightsState: payloads.LightsState(master=0.6, submasters={"front": 0.8}, stopped_by="console-1"),
    LookState: LookState(
        origin="saved",
        version=3,
        at="2029-12-30T10:00:00.000Z",
        by="console-1",
        shadows=True,
        fade=2.0,
        levels={"key": _LEVELS},
    ),
    CueListState: CueListState(
        origin="config",
        current=1.0,
        label="Doors",
        next=2.0,
        next_label="Show",
        since="2030-01-01T11:59:58.000Z",
        follow_at="2030-01-01T12:00:18.000Z",
        holds=("key",),
        cues=(CueEntry(number=1.0, label="Doors", look="soft"), CueEntry(number=2.0, label="Show", look="show")),
    ),
    payloads.DeviceState: payloads.DeviceState(health="ok", model="DMX USB Pro", firmware="1.44", serial="00123456"),
    RdmState: RdmState(
        lines=(
            RdmLine(
                universe=1,
                searched="2030-01-01T08:00:00.000Z",
                complete=True,
                count=1,
                devices=(
                    RdmDevice(
                        uid="1234:56789ABC",
                        model="Panel",
                        firmware="1.4.2 (id 0x01040200)",
                        address=1,
                        footprint=4,
                        personality=2,
                        fixture="key",
                        profile="generic/bicolour-panel",
                        said=Say(en="", zh=""),
                        next=Say(en="", zh=""),
                    ),
                ),
            ),
        ),
    ),
    ExposureState: ExposureState(
        mode="hold",
        target=0.18,
        error=-0.12,
        holding=True,
        reason="acting",
        said=Say(en="acting", zh="正在调节"),
        trims={"key": 0.31},
        out=("fill",),
        move=ExposureMove(
            at="2026-06-01T18:00:03.250Z",
            error=-0.12,
            lights={"key": 0.02},
            age_ms=41.0,
            began_at="2026-06-01T18:00:01.125Z",
            began_with=-0.4,
        ),
        probe={"step": 0.3, "best_lit": 0.288, "least_lit": 0.044, "error": 0.001, "static_zones": 131.0},
        commissioned="2026-06-01T09:12:40.118Z",
        white=-1.5,
    ),
    payloads.AirState: payloads.AirState(on_air=False, known=True, source="obs"),
    payloads.Alert: payloads.Alert(
        key="output-offline:widget-1",
        level="critical",
        state="firing",
        since="2030-01-01T11:59:30.000Z",
        text=Say(en="output widget-1 is offline", zh="输出 widget-1 离线"),
        first=Say(en="plug the widget in again", zh="重新插好设备"),
    ),
    payloads.Event: payloads.Event(name="alert.firing", level="critical", fields={"key": "output-offline:widget-1"}),
    payloads.Report: payloads.Report(
        id="r-17",
        depth="quick",
        verdict="pass",
        counts={"pass": 21, "skipped": 3},
        started="2030-01-01T11:50:00.000Z",
        seconds=9.4,
    ),
    payloads.Answer: payloads.Answer(
        id="c-1042", verb="lights.set", state=State.SUCCEEDED, result={"fixtures": ["key"]}
    ),
    payloads.Maintenance: payloads.Maintenance(
        full_selftest="2030-01-01T07:30:00.000Z",
        full_verdict="pass",
        accepted="2029-12-01T08:00:00.000Z",
        accepted_runs=3,
        accepted_lights=("back", "fill", "key"),
    ),
    LightShown: LightShown(state="ON", brightness=128, color_mode="color_temp", color_temp=4300),
    AlertsShown: AlertsShown(count=0),
    ResultShown: ResultShown(
        state="rejected", asked="identify/key", code="on-air", message=Say(en="on air", zh="正在直播")
    ),
    payloads.Audit: payloads.Audit(
        n=4711,
        prev="0" * 64,
        at="2030-01-01T12:00:00.000Z",
        origin="broker",
        issuer="console-1",
        role="operator",
        signed=True,
        verb="lights.set",
        id="c-1042",
        state=State.ACCEPTED,
        on_air=False,
        clock=True,
        hash="5" * 64,
    ),
    payloads.Echo: payloads.Echo(nonce="b1946ac9"),
}
"""Payload model → what it may look like, without its header. Telemetry: see :func:`said`."""


def said(row: Row, group: str = "") -> dict[str, Any]:
    """An example of what goes over this topic, as JSON; of telemetry, that ``group``'s numbers."""
    if row.payload is payloads.Telemetry:
        numbers: dict[str, float | int | None] = dict.fromkeys(NUMBERS[group], 1.0)
        return _json(payloads.Telemetry.of(numbers))
    if row.payload is payloads.AirMessage:
        return {"on_air": False, "source": "obs", "issued_at": "2030-01-01T12:00:00Z"}
    if row.payload is Asked:
        return {"state": "ON", "brightness": 128, "color_temp": 4300, "transition": 2}
    return _json(SAID[row.payload])


def _json(payload: Payload) -> dict[str, Any]:
    return payload.model_copy(update=_HEADER).model_dump(mode="json")
