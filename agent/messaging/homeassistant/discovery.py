"""From what the agent says it has to the one message that makes it a device of Home Assistant. Pure.

Nearly every entity reads the agent's own topics through a template, so there is no second state to go stale. Only
what Home Assistant's schemas cannot read there is told again below ``up/ha/``: its lights (their JSON schema has no
templates) and the list of alerts (ours are one topic each).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

from agent.messaging.commands import RANGES
from agent.messaging.homeassistant import translate, words
from agent.messaging.homeassistant.templates import HEALTHY, READY, attributes, changed, field
from agent.messaging.payloads import FixtureEntry, Inventory
from agent.messaging.topics import Topics
from config.units import Attribute, Text
from drivers.base import Verdict

ORIGIN = "Studio Edge Agent"
ALERT_EVENTS = ("alert.firing", "alert.resolved")

Component = dict[str, Any]


@dataclass(frozen=True)
class Maker:
    """Makes the components of one agent."""

    topics: Topics
    language: str

    def all(self, inventory: Inventory) -> Iterator[tuple[str, Component]]:
        """Every entity by its stable id."""
        for fixture in inventory.fixtures:
            yield from self.fixture(fixture)
        for look in inventory.looks:
            yield self._one("scene", f"look:{look}", words.LOOK, look, command_topic=self.down("look", look), on="{}")
        for device in inventory.devices:
            yield from self.device(device.kind, device.name)
        if inventory.exposure:
            yield from self.exposure(inventory.exposure)
        yield from (*self.studio(), *self.tests(), *self.itself())

    # --- lights ----------------------------------------------------------------------------------------------

    def fixture(self, fixture: FixtureEntry) -> Iterator[tuple[str, Component]]:
        name = fixture.name
        state = self.topics.state("fixture", name)
        here = self._there(state)
        modes = translate.modes(fixture)
        if modes:
            light: Component = {
                "schema": "json",
                "state_topic": self.topics.of("ha-light", name=name),
                "command_topic": self.down("light", name),
                "supported_color_modes": list(modes),
                "brightness": True,
                "json_attributes_topic": state,
                "json_attributes_template": attributes("held_by", "health", "reason"),
                **here,
            }
            if "color_temp" in modes:
                low, high = self._range(fixture, Attribute.CCT)
                light |= {"color_temp_kelvin": True, "min_kelvin": ceil(low), "max_kelvin": floor(high)}
            yield self._one("light", f"light:{name}", None, name, **light)
        for attribute in translate.beside(fixture):
            low, high = self._range(fixture, attribute)
            kelvin = attribute is Attribute.CCT
            yield self._one(
                "number",
                f"level:{name}:{attribute}",
                words.LEVEL.get(attribute, Text(attribute, attribute)),
                name,
                state_topic=state,
                value_template=field(f"target.{attribute}"),
                command_topic=self.down("level", name),
                command_template=f'{{"attribute": "{attribute}", "level": {{{{ value }}}}}}',
                min=low,
                max=high,
                step=1 if kelvin else 0.01,
                mode="slider",
                entity_category="config",
                **({"unit_of_measurement": "K"} if kelvin else {}),
                **here,
            )
        yield self._one(
            "button",
            f"identify:{name}",
            words.IDENTIFY,
            name,
            command_topic=self.down("identify", name),
            payload_press="{}",
            device_class="identify",
            entity_category="diagnostic",
            **here,
        )

    def _range(self, fixture: FixtureEntry, attribute: Attribute) -> tuple[float, float]:
        return fixture.ranges.get(attribute, RANGES[attribute])

    # --- devices ---------------------------------------------------------------------------------------------

    def device(self, kind: str, name: str) -> Iterator[tuple[str, Component]]:
        state = self.topics.of(kind, name=name)
        said = {"output": words.OUTPUT, "bus": words.BUS, "camera": words.CAMERA, "probe": words.PROBE}[kind]
        yield self._one(
            "binary_sensor",
            f"{kind}:{name}",
            said,
            name,
            state_topic=state,
            value_template="{{ 'ON' if value_json is defined and value_json.health == 'ok' else 'OFF' }}",
            device_class="connectivity",
            json_attributes_topic=state,
            json_attributes_template=attributes("health", "reason", "remedy", "model", "firmware", "serial"),
            entity_category="diagnostic",
        )
        there = self._there(state)
        if kind == "camera":
            numbers = self.topics.tele("exposure", name)
            yield self._number(f"ev:{name}", words.EXPOSURE_ERROR, name, numbers, "ev_stops", "EV", digits=2, **there)
            yield self._number(f"clipped:{name}", words.CLIPPED, name, numbers, "clipped_percent", "%", **there)
        if kind == "probe":
            numbers = self.topics.tele("network", name)
            for key, text in (("rtt_ms", words.RTT), ("jitter_ms", words.JITTER)):
                yield self._number(
                    f"{key}:{name}", text, name, numbers, key, "ms", digits=1, device_class="duration", **there
                )
            yield self._number(f"loss_percent:{name}", words.LOSS, name, numbers, "loss_percent", "%", **there)

    def exposure(self, camera: str) -> Iterator[tuple[str, Component]]:
        state = self.topics.state("exposure", camera)
        command = self.down("exposure", camera)
        yield self._one(
            "select",
            f"mode:{camera}",
            words.EXPOSURE_MODE,
            camera,
            state_topic=state,
            value_template=field("mode"),
            command_topic=command,
            command_template='{"mode": {{ value | tojson }}}',
            options=["watch", "advise", "hold"],
            json_attributes_topic=state,
            json_attributes_template=attributes("holding", "reason", "advice", "error"),
        )
        yield self._one(
            "number",
            f"target:{camera}",
            words.EXPOSURE_TARGET,
            camera,
            state_topic=state,
            value_template=field("target"),
            command_topic=command,
            command_template='{"target": {{ value }}}',
            min=0.001,
            max=1.0,
            step=0.001,
            mode="box",
            entity_category="config",
        )

    # --- studio, self-test, the agent itself -----------------------------------------------------------------

    def studio(self) -> Iterator[tuple[str, Component]]:
        air = self.topics.state("air", "studio")
        yield self._one(
            "binary_sensor",
            "on_air",
            words.ON_AIR,
            state_topic=air,
            value_template="{{ 'OFF' if value_json is defined and not value_json.on_air else 'ON' }}",
            icon="mdi:broadcast",
            json_attributes_topic=air,
            json_attributes_template=attributes("known", "source"),
        )
        alerts = self.topics.of("ha-alerts")
        yield self._one(
            "binary_sensor",
            "problem",
            words.PROBLEM,
            state_topic=alerts,
            value_template="{{ 'ON' if value_json is defined and value_json.count > 0 else 'OFF' }}",
            device_class="problem",
            json_attributes_topic=alerts,
            json_attributes_template=attributes("worst", "alerts"),
        )
        yield self._one(
            "sensor",
            "alerts",
            words.ALERTS,
            state_topic=alerts,
            value_template=field("count"),
            state_class="measurement",
            icon="mdi:alert-circle-outline",
        )
        yield self._one(
            "event",
            "alert",
            words.ALERT_EVENT,
            state_topic=self.topics.event,
            event_types=list(ALERT_EVENTS),
            value_template=(
                f"{{% if value_json is defined and value_json.name in {list(ALERT_EVENTS)} %}}"
                "{{ {'event_type': value_json.name, 'level': value_json.level, 'key': value_json.fields.key, "
                "'text': value_json.text} | tojson }}{% endif %}"
            ),
        )
        yield self._one("button", "release", words.RELEASE, command_topic=self.down("release", "all"), press="{}")
        yield self._one(
            "sensor",
            "result",
            words.RESULT,
            state_topic=self.topics.of("ha-result"),
            value_template=field("state"),
            device_class="enum",
            options=["succeeded", "failed", "cancelled", "rejected"],
            json_attributes_topic=self.topics.of("ha-result"),
            json_attributes_template=attributes("asked", "code", "message", "ts"),
        )

    def tests(self) -> Iterator[tuple[str, Component]]:
        for name, text in (("quick", words.TEST_QUICK), ("full", words.TEST_FULL), ("cancel", words.TEST_CANCEL)):
            yield self._one("button", f"selftest:{name}", text, command_topic=self.down("selftest", name), press="{}")
        report = self.topics.report
        yield self._one(
            "sensor",
            "selftest_result",
            words.TEST_RESULT,
            state_topic=report,
            value_template=field("verdict"),
            device_class="enum",
            options=[str(verdict) for verdict in Verdict],
            json_attributes_topic=report,
            json_attributes_template=attributes("id", "depth", "counts", "worst", "seconds"),
        )
        yield self._time("selftest_at", words.TEST_AT, report, "started")
        yield self._time("full_selftest_at", words.FULL_AT, self.topics.of("maintenance"), "full_selftest")
        yield self._time(
            "accepted_at",
            words.BASELINE_AT,
            self.topics.of("maintenance"),
            "accepted",
            json_attributes_topic=self.topics.of("maintenance"),
            json_attributes_template=attributes("accepted_runs", "accepted_lights"),
        )

    def itself(self) -> Iterator[tuple[str, Component]]:
        status, host, lighting = self.topics.status, self.topics.tele("host"), self.topics.tele("lighting")
        extra: Component = {"entity_category": "diagnostic"}
        yield self._one(
            "sensor", "version", words.VERSION, state_topic=status, value_template=field("version"), **extra
        )
        yield self._time("since", words.SINCE, status, "since", **extra)
        yield self._number("waiting", words.WAITING, "", host, "outbox_waiting", None, **extra)
        yield self._number("dropped", words.DROPPED, "", host, "outbox_dropped", None, **extra)
        yield self._number("cpu", words.CPU, "", host, "cpu_percent", "%", digits=0, **extra)
        yield self._number("memory", words.MEMORY, "", host, "rss_mib", "MiB", device_class="data_size", **extra)
        yield self._number(
            "frame_rate", words.FRAME_RATE, "", lighting, "frame_rate_hz", "Hz", device_class="frequency", **extra
        )
        yield self._number("late", words.LATE, "", lighting, "late_p99_ms", "ms", device_class="duration", **extra)

    # --- parts -----------------------------------------------------------------------------------------------

    def down(self, kind: str, name: str) -> str:
        return self.topics.of("ha-input", kind=kind, name=name)

    def _there(self, state: str) -> Component:
        return {"availability": [*_agent_there(self.topics), {"topic": state, "value_template": HEALTHY}]}

    def _time(self, key: str, text: Text, topic: str, path: str, **more: Any) -> tuple[str, Component]:
        return self._one(
            "sensor", key, text, state_topic=topic, value_template=field(path), device_class="timestamp", **more
        )

    def _number(
        self, key: str, text: Text, name: str, topic: str, path: str, unit: str | None, digits: int = 1, **more: Any
    ) -> tuple[str, Component]:
        if unit is not None:
            more |= {"unit_of_measurement": unit, "suggested_display_precision": digits}
        return self._one(
            "sensor",
            key,
            text,
            name,
            state_topic=topic,
            value_template=changed(path),
            state_class="measurement",
            **more,
        )

    def _one(self, platform: str, key: str, text: Text | None, name: str = "", **more: Any) -> tuple[str, Component]:
        agent, site = self.topics.agent, self.topics.site
        if "press" in more:
            more["payload_press"] = more.pop("press")
        if "on" in more:
            more["payload_on"] = more.pop("on")
        said = " ".join(filter(None, (name, text.say(self.language) if text else "")))
        component: Component = {
            "platform": platform,
            "unique_id": f"studio:{site}:{agent}:{key}",
            "default_entity_id": f"{platform}.{_slug(agent)}_{_slug(key)}",
            "object_id": f"{_slug(agent)}_{_slug(key)}",  # before Home Assistant 2025.10
            "name": said,
            **more,
        }
        if "command_topic" in component or "state_topic" in component:
            component["qos"] = 1
        return key, component


def _agent_there(topics: Topics) -> list[Component]:
    return [{"topic": topics.status, "value_template": READY}]


def _slug(text: str) -> str:
    return text.removeprefix("light:").replace("-", "_").replace(":", "_")


def topic(prefix: str, topics: Topics) -> str:
    """Where the message goes. Site and agent are levels of their own, so an access list can name the agent's."""
    return f"{prefix}/device/{topics.site}/{topics.agent}/config"


def config(
    topics: Topics, inventory: Inventory, *, language: str, version: str, gone: Mapping[str, str]
) -> dict[str, Any]:
    """The message. ``gone``: components of earlier ones with their platforms; Home Assistant forgets a component only
    when it is named with nothing but its platform."""
    components = dict(Maker(topics, language).all(inventory))
    return {
        "device": {
            "identifiers": [f"studio:{topics.site}:{topics.agent}"],
            "name": topics.agent,
            "manufacturer": ORIGIN,
            "model": "studio-edge-agent",
            "sw_version": version or "0",
        },
        "origin": {"name": ORIGIN, "sw_version": version or "0"},
        "availability": _agent_there(topics),
        "availability_mode": "all",
        "components": {
            **components,
            **{key: {"platform": platform} for key, platform in gone.items() if key not in components},
        },
    }
