"""One example of everything on the wire, for the documents. Pure; tests hold each against its model."""

from collections.abc import Mapping
from typing import Any

from agent.messaging import payloads
from agent.messaging.lifecycle import State
from agent.messaging.numbers import NUMBERS
from agent.messaging.payloads import Payload, Say
from agent.messaging.topics import Row
from config.units import Attribute

COMMANDS: Mapping[str, Mapping[str, Any]] = {
    "lights.set": {"targets": ["key", "fill"], "levels": {"intensity": 0.5, "cct": 4300}, "fade": 2},
    "look.apply": {"look": "soft", "fade": 3},
    "lights.release": {"targets": ["role:key"], "fade": 1},
    "exposure.set": {"mode": "hold", "target": 0.2},
    "selftest.start": {"depth": "full", "only": ["LGT-*", "CAM-03"]},
    "selftest.cancel": {},
    "identify": {"fixture": "back", "seconds": 4},
    "reload": {},
    "ping": {},
    "command.cancel": {"id": "c-1041"},
}
"""Verb → arguments."""

_HEADER = {"ts": "2030-01-01T12:00:00.000Z", "mono": 4711.25, "boot": "5f0c3d9a4b7e4d55a0b8a1c2d3e4f506", "seq": 42}
_LEVELS = {Attribute.INTENSITY: 0.5, Attribute.CCT: 4300.0}

SAID: Mapping[type, Payload] = {
    payloads.Status: payloads.Status(
        state="online", session="9d1e", version="1.4.2", ready=True, since="2030-01-01T11:58:00.000Z", trust="listed"
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
        looks=("show", "soft"),
        verbs=("lights.set", "ping"),
    ),
    payloads.FixtureState: payloads.FixtureState(
        levels=_LEVELS, target=_LEVELS, held_by=payloads.Holder(owner="console-1", priority="manual")
    ),
    payloads.DeviceState: payloads.DeviceState(health="ok", model="DMX USB Pro", firmware="1.44", serial="00123456"),
    payloads.ExposureState: payloads.ExposureState(mode="hold", target=0.18, error=-0.12, holding=True),
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
    payloads.Audit: payloads.Audit(
        n=41,
        prev="9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab",
        at="2030-01-01T12:00:00.000Z",
        origin="broker",
        issuer="desk",
        role="operator",
        signed=True,
        verb="lights.set",
        id="c-1042",
        state=State.ACCEPTED,
        on_air=True,
        clock=True,
        hash="2fd4e1c67a2d28fced849ee1bb76e7391b93eb12b3c1a2ee1d2e5a5b9a8b0c11",
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
    return _json(SAID[row.payload])


def _json(payload: Payload) -> dict[str, Any]:
    return payload.model_copy(update=_HEADER).model_dump(mode="json")
