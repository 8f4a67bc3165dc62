"""What the node and its devices are and say now, made from the agent's own states and numbers. Pure.

The agent tells its states once for every dialect (``Bus.listeners``); here they become values of metrics. Whatever
changes is noted until :meth:`Thing.take` hands it on: report by exception.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from agent.messaging.exposure_payloads import ExposureState
from agent.messaging.header import Payload
from agent.messaging.payloads import (
    AirState,
    Alert,
    DeviceState,
    FixtureState,
    Inventory,
    Report,
    Telemetry,
)
from agent.messaging.sparkplug.metrics import LEVEL, NODE, NODE_METRICS, TARGET, Definition, device_id, devices
from agent.messaging.sparkplug.payload import DataType, Value
from agent.messaging.topics import Parsed

FOLDERS = {"host": "Host", "lighting": "Lighting", "exposure": "Picture", "network": "Network"}
"""Group of telemetry → folder of its metrics."""
GROUP_OF = {"exposure": "camera", "network": "probe"}
"""Group of telemetry → kind of device it is measured at; the others are the node's."""


@dataclass
class Thing:
    """The node, or one device. ``values``: metric → its value and when it became that, milliseconds since 1970."""

    definitions: dict[str, Definition]
    values: dict[str, tuple[Value, int]] = field(default_factory=dict)
    changed: dict[str, None] = field(default_factory=dict)
    """Names of metrics whose change has not been handed on, oldest first."""
    alive: bool = False
    """Whether it can be born: its health is *ok*."""
    redefined: bool = True
    """It has metrics the hosts have not been told of."""

    def put(self, name: str, value: Value, at: int, *, force: bool = False) -> None:
        """A metric's value at that time. ``force``: tell it even if it is what it was."""
        if name not in self.definitions:
            return
        if isinstance(value, float) and self.definitions[name].datatype is DataType.INT64:
            value = int(value)
        known = self.values.get(name)
        if force or known is None or known[0] != value:
            self.values[name] = (value, at)
            self.changed[name] = None

    def tell_again(self, names: Iterable[str], at: int) -> None:
        """Tell these as they are: an answer to somebody who wanted them otherwise."""
        for name in names:
            self.put(name, self.values.get(name, (None, at))[0], at, force=True)

    def take(self) -> list[tuple[Definition, Value, int]]:
        """What changed since the last time, each with its latest value."""
        names, self.changed = self.changed, {}
        return [(self.definitions[n], *self.values[n]) for n in names if n in self.definitions and n in self.values]

    def everything(self, now: int) -> list[tuple[Definition, Value, int]]:
        """All metrics, for a birth; what was never measured is null."""
        self.changed = {}
        self.redefined = False
        return [(each, *self.values.get(name, (None, now))) for name, each in self.definitions.items()]


class Model:
    """See the module. ``things``: the node under :data:`NODE`, devices under their ids."""

    def __init__(self, fixed: Mapping[str, Value], now: int) -> None:
        """``fixed``: values of the node that never change."""
        self.node = Thing({each.name: each for each in NODE_METRICS}, alive=True)
        self.things: dict[str, Thing] = {NODE: self.node}
        self.complete = False
        """The agent has said what there is: births can be told."""
        self._alerts: dict[str, str] = {}
        self._early: dict[tuple[str, type], tuple[FixtureState | DeviceState | ExposureState, int]] = {}
        values: dict[str, Value] = {each.name: _idle(each.datatype) for each in NODE_METRICS if "Control/" in each.name}
        values |= {"Alerts/Count": 0, "Alerts/Critical": 0, "Alerts/Warning": 0, "Alerts/Latest": ""}
        for name, value in (values | dict(fixed)).items():
            self.node.put(name, value, now)

    def hear(self, topic: Parsed, payload: Payload | None, now: int) -> bool:
        """A state, a round of numbers, or (``None``) the end of a state. Whether it was one of these."""
        name = topic.parts.get("name", "")
        match topic.row.name, payload:
            case "inventory", Inventory():
                self._inventory(payload, now)
            case _, FixtureState() | DeviceState() | ExposureState():
                kind = topic.row.name
                self._state(device_id("camera" if kind == "exposure" else kind, name), payload, now)
            case "tele", Telemetry():
                self._numbers(topic.parts["group"], name, payload, now)
            case "air-state", AirState():
                self._put(self.node, now, {"On Air": payload.on_air, "Known": payload.known, "Source": payload.source})
            case "alert", Alert() | None:
                self._alert(topic.parts["key"], payload, now)
            case "report", Report():
                self._report(payload, now)
            case _:
                return False
        return True

    # --- each kind of message --------------------------------------------------------------------------------

    def _inventory(self, told: Inventory, now: int) -> None:
        wanted = devices(told)
        for device in [each for each in self.things if each != NODE and each not in wanted]:
            del self.things[device]
        for device, known in wanted.items():
            definitions = {each.name: each for each in known}
            thing = self.things.get(device)
            if thing is None:
                thing = self.things[device] = Thing(definitions)
                for each in known:
                    if "Control/" in each.name:
                        thing.put(each.name, _idle(each.datatype), now)
            elif thing.definitions != definitions:
                thing.definitions, thing.redefined = definitions, True
        for entry in told.fixtures:
            thing = self.things[device_id("fixture", entry.name)]
            thing.put("Properties/Role", entry.role, now)
            thing.put("Properties/Profile", entry.profile, now)
        for unit in told.devices:
            self.things[device_id(unit.kind, unit.name)].put("Properties/Driver", unit.driver, now)
        self.node.put("Properties/Looks", " ".join(told.looks), now)
        early, self._early = self._early, {}
        for (device, _), (state, at) in early.items():
            if device in self.things:
                self._state(device, state, at)
        self.complete = True

    def _state(self, device: str, told: FixtureState | DeviceState | ExposureState, now: int) -> None:
        thing = self.things.get(device)
        if thing is None:  # told before the inventory, and not again after it
            self._early[device, type(told)] = (told, now)
        elif isinstance(told, FixtureState):
            self._fixture(thing, told, now)
        elif isinstance(told, DeviceState):
            self._device(thing, told, now)
        else:
            self._exposure(thing, told, now)

    def _fixture(self, thing: Thing, told: FixtureState, now: int) -> None:
        for attribute, level in told.levels.items():
            thing.put(LEVEL + attribute, float(level), now)
        for attribute, level in told.target.items():
            thing.put(TARGET + attribute, float(level), now)
        thing.put("Held By", told.held_by.owner if told.held_by else "", now)
        thing.put("Held At", told.held_by.priority if told.held_by else "", now)
        thing.put("Fade Remaining", float(told.fade_remaining), now)
        self._health(thing, told.health, told.reason, now)

    def _device(self, thing: Thing, told: DeviceState, now: int) -> None:
        thing.put("Properties/Hardware Model", told.model, now)
        thing.put("Properties/FW", told.firmware, now)
        thing.put("Properties/Serial", told.serial, now)
        self._health(thing, told.health, told.reason, now)

    def _health(self, thing: Thing, health: str, reason: str, now: int) -> None:
        thing.alive = health == "ok"
        thing.put("Health", health, now)
        if reason or "Reason" not in thing.values:
            thing.put("Reason", reason, now)

    def _exposure(self, thing: Thing, told: ExposureState, now: int) -> None:
        thing.put("Exposure/Mode", told.mode, now)
        thing.put("Exposure/Target", float(told.target), now)
        thing.put("Exposure/Error", told.error, now)
        thing.put("Exposure/Holding", told.holding, now)
        thing.put("Exposure/Reason", told.reason, now)

    def _numbers(self, group: str, name: str, told: Telemetry, now: int) -> None:
        kind = GROUP_OF.get(group)
        thing = self.node if kind is None else self.things.get(device_id(kind, name))
        if thing is None or group not in FOLDERS:
            return
        for key, value in told.numbers.items():
            thing.put(f"{FOLDERS[group]}/{key}", None if value is None else float(value), now)

    def _put(self, thing: Thing, now: int, values: Mapping[str, Value]) -> None:
        for name, value in values.items():
            thing.put(f"Air/{name}", value, now)

    def _alert(self, key: str, told: Alert | None, now: int) -> None:
        firing = told is not None and told.state in ("firing", "acknowledged")
        if told is not None and firing:
            if key not in self._alerts:
                self.node.put("Alerts/Latest", told.text.en, now)
            self._alerts[key] = told.level
        else:
            self._alerts.pop(key, None)
        levels = list(self._alerts.values())
        self.node.put("Alerts/Count", len(levels), now)
        self.node.put("Alerts/Critical", levels.count("critical"), now)
        self.node.put("Alerts/Warning", levels.count("warning"), now)

    def _report(self, told: Report, now: int) -> None:
        self.node.put("Self-Test/Id", told.id, now)
        self.node.put("Self-Test/Verdict", told.verdict, now)
        self.node.put("Self-Test/Depth", told.depth, now)
        self.node.put("Self-Test/Seconds", float(told.seconds), now)
        self.node.put("Self-Test/Worst", " ".join(told.worst), now)


def _idle(kind: DataType) -> Value:
    """What a metric shows that is only written (``tck-id-topics-nbirth-rebirth-metric``: false)."""
    return {DataType.BOOLEAN: False, DataType.DOUBLE: 0.0}.get(kind, "")
