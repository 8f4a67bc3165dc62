"""Acceptance against a real Home Assistant: ``.venv/bin/python -m tests.acceptance.homeassistant --hass PYTHON``.

``PYTHON`` is one that has Home Assistant (2024.12 or newer) and paho-mqtt, see homeassistant.md. A real
Mosquitto, the agent on the virtual studio and Home Assistant are started; what a person would see and press there is
looked at and pressed. Prints what was found; exit code 0 when all of it was right.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

from tests.agent.app.conftest import House
from tests.brokers import Mosquitto
from tests.waiting import PATIENCE, free_port

TOPIC = "homeassistant/device/demo/studio/config"
WASH = """[fixtures.wash]
profile = "generic/rgbw-panel"
personality = "5ch"
universe = 1
address = 20

"""
NOT_OURS = (
    "homeassistant.bootstrap",
    "aiohttp_fast_zlib",
    "camera.img_util",
    "frontend",
    "recovery_mode",
    "helpers.frame",
)
"""What a Home Assistant without its web pages and native libraries says about itself."""
CHILD = Path(__file__).with_name("hass_child.py")


class Hass:
    """Home Assistant in a process of its own."""

    def __init__(self, python: str, folder: Path, broker: int) -> None:
        self.python, self.folder, self.broker = python, folder, broker

    async def start(self) -> str:
        self.folder.mkdir(exist_ok=True)
        self.process = await asyncio.create_subprocess_exec(
            self.python,
            *("-P", str(CHILD)),
            *(str(self.folder), str(self.broker), str(free_port())),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=(self.folder / "stderr.log").open("ab"),
            limit=2**24,
        )
        return str((await self._line())["ready"])

    async def do(self, what: str, **more: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": what, **more}).encode() + b"\n")
        found = await self._line()
        assert "error" not in found, found
        return found

    async def call(self, domain: str, service: str, **data: Any) -> None:
        await self.do("call", domain=domain, service=service, data=data)

    async def until(
        self, entity: str, wanted: Callable[[dict[str, Any]], Any], within: float = PATIENCE
    ) -> dict[str, Any]:
        """Wait for a state; AssertionError with the one there is."""
        end = time.monotonic() + within
        while True:
            found = (await self.do("states")).get(entity, {})
            if found and wanted(found):
                return found
            assert time.monotonic() < end, (entity, found)
            await asyncio.sleep(0.1)

    async def until_gone(self, *entities: str) -> None:
        """Wait until none of these entities and devices is in its registries."""
        end = time.monotonic() + PATIENCE
        while there := {*entities} & {*(found := await self.do("registry"))["entities"], *found["devices"]}:
            assert time.monotonic() < end, there
            await asyncio.sleep(0.1)

    async def stop(self) -> None:
        await self.do("stop")
        await self.process.wait()

    async def _line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), 90)
        assert line, f"Home Assistant ended: {(self.folder / 'stderr.log').read_text()[-2000:]}"
        return dict(json.loads(line))


def told(step: str) -> None:
    sys.stdout.write(f"ok  {step}\n")
    sys.stdout.flush()


async def main(python: str) -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker = Mosquitto(folder).start()
        try:
            return await _walk(python, folder, broker)
        finally:
            broker.stop()


async def _walk(python: str, folder: Path, broker: Mosquitto) -> int:
    house = House(folder, broker.port)
    house.change("[alerts]", "[homeassistant]\nenabled = true\n\n[alerts]")
    house.change("[looks.show]", WASH + "[looks.show]")
    hass = Hass(python, folder / "hass", broker.port)
    told(f"Home Assistant {await hass.start()} runs")
    before = len((await hass.do("log"))["log"])
    log: list[str] = []
    async with house.running() as agent:
        house.air(False)
        await _entities(hass, len(agent.bus.board[TOPIC]))
        await _lights(hass, house)
        await _exposure(hass, house)
        await _refusal(hass, house)
        await _selftest(hass)
        await _faults(hass, house)
        await hass.call("light", "turn_on", entity_id="light.studio_key", brightness=64)
        await hass.until("light.studio_key", lambda s: s["brightness"] == 64)
        log += (await hass.do("log"))["log"][before:]
        await hass.stop()
        await hass.start()
        await hass.until("light.studio_key", lambda s: s["state"] == "on" and s["brightness"] == 64)
        told("Home Assistant started anew: everything is back")
        house.change(WASH, "")
        assert (await house.send("reload", {})).state == "succeeded"
        await hass.until_gone("light.studio_wash", "button.studio_identify_wash")
        told("a light taken out of the configuration is taken out of Home Assistant")
    await hass.until("light.studio_key", lambda s: s["state"] == "unavailable")
    await hass.until("sensor.studio_version", lambda s: s["state"] == "unavailable")
    told("the agent ended: everything is unavailable")
    async with house.running():
        await hass.until("light.studio_key", lambda s: s["state"] == "on")
        told("the agent started anew: everything is back")
    house.change("[homeassistant]\nenabled = true", "[homeassistant]\nenabled = false")
    async with house.running():
        await hass.until_gone("light.studio_key", "sensor.studio_version")
        await hass.until_gone("studio")
        told("switched off: the device is gone")
    found = await hass.do("log")
    log += [line for line in found["log"] if not any(word in line for word in NOT_OURS)]
    await hass.stop()
    for line in (*log, *found["issues"]):
        sys.stdout.write(f"    {line}\n")
    assert not log, "Home Assistant has something to complain about"
    told("no warning in Home Assistant's log")
    return 0


async def _entities(hass: Hass, size: int) -> None:
    await hass.until("light.studio_key", lambda s: s["state"] == "on")
    await hass.until("sensor.studio_rtt_ms_uplink", lambda s: s["state"] not in ("unknown", "unavailable"))
    await hass.until("sensor.studio_ev_cam_1", lambda s: s["state"] not in ("unknown", "unavailable"))
    states = {k: v for k, v in (await hass.do("states")).items() if ".studio_" in k}
    for entity, state in sorted(states.items()):
        sys.stdout.write(f"    {entity:44} {state['state']:28} {state.get('friendly_name')}\n")
    assert not [entity for entity, state in states.items() if state["state"] == "unavailable"]
    assert states["binary_sensor.studio_on_air"]["state"] == "off"
    key = states["light.studio_key"]
    assert key["supported_color_modes"] == ["color_temp"] and key["min_color_temp_kelvin"] == 2700, key
    assert states["light.studio_wash"]["supported_color_modes"] == ["rgbw"]
    told(f"one message of {size} bytes made {len(states)} entities, all available")


async def _lights(hass: Hass, house: House) -> None:
    await hass.call(
        "light", "turn_on", entity_id="light.studio_key", brightness=128, color_temp_kelvin=4300, transition=1
    )
    found = await hass.until("light.studio_key", lambda s: s.get("brightness") == 128)
    assert found["color_temp_kelvin"] == 4300, found
    assert house.state("fixture", "key")["held_by"] == {"owner": "homeassistant", "priority": "manual", "until": None}
    await hass.call("light", "turn_off", entity_id="light.studio_key")
    await hass.until("light.studio_key", lambda s: s["state"] == "off")
    await hass.call("light", "turn_on", entity_id="light.studio_key")
    await hass.until("light.studio_key", lambda s: s["state"] == "on" and s["brightness"] == 128)
    await hass.call("light", "turn_on", entity_id="light.studio_wash", rgbw_color=[255, 128, 0, 20], brightness=200)
    await hass.until("light.studio_wash", lambda s: s.get("rgbw_color") == [255, 128, 0, 20] and s["brightness"] == 200)
    told("lights: brightness, colour temperature, colour, off and on again")
    await hass.call("scene", "turn_on", entity_id="scene.studio_look_soft")
    await hass.until("light.studio_back", lambda s: s["brightness"] == 51)
    await hass.until("sensor.studio_result", lambda s: s["state"] == "succeeded" and s["asked"] == "look/soft")
    told("a look as a scene")


async def _exposure(hass: Hass, house: House) -> None:
    await hass.call("select", "select_option", entity_id="select.studio_mode_cam_1", option="watch")
    await hass.until("select.studio_mode_cam_1", lambda s: s["state"] == "watch")
    await hass.call("number", "set_value", entity_id="number.studio_target_cam_1", value=0.2)
    await hass.until("number.studio_target_cam_1", lambda s: s["state"] == "0.2")
    state = house.state("exposure", "cam-1")
    assert (state["mode"], state["target"]) == ("watch", 0.2)
    told("exposure: mode and target")


async def _refusal(hass: Hass, house: House) -> None:
    house.air(True)
    await hass.until("binary_sensor.studio_on_air", lambda s: s["state"] == "on")
    await hass.call("button", "press", entity_id="button.studio_identify_key")
    found = await hass.until("sensor.studio_result", lambda s: s["state"] == "rejected")
    assert (found["asked"], found["code"]) == ("identify/key", "on-air") and found["message"]["zh"], found
    house.air(False)
    await hass.until("binary_sensor.studio_on_air", lambda s: s["state"] == "off")
    await hass.call("light", "turn_on", entity_id="light.studio_fill", flash="short")
    await hass.until("sensor.studio_result", lambda s: s["state"] == "succeeded" and s["asked"] == "light/fill")
    told("refused on air, with the reason; off air the light shows itself")


async def _selftest(hass: Hass) -> None:
    await hass.call("button", "press", entity_id="button.studio_selftest_quick")
    found = await hass.until("sensor.studio_selftest_result", lambda s: s["state"] not in ("unknown", "unavailable"))
    assert found["depth"] == "quick" and found["counts"]["pass"] > 5, found
    await hass.until("sensor.studio_selftest_at", lambda s: s["state"].startswith("20"))
    told(f"self-test: {found['state']}, {found['counts']}")


async def _faults(hass: Hass, house: House) -> None:
    await hass.call("scene", "turn_on", entity_id="scene.studio_look_show")
    await hass.call("number", "set_value", entity_id="number.studio_target_cam_1", value=0.18)
    await hass.call("select", "select_option", entity_id="select.studio_mode_cam_1", option="hold")
    await hass.until("binary_sensor.studio_problem", lambda s: s["state"] == "off")
    house.studio.fault("widget-1", "unplug")
    await hass.until("light.studio_key", lambda s: s["state"] == "unavailable")
    await hass.until("binary_sensor.studio_output_widget_1", lambda s: s["state"] == "off" and s["remedy"])
    await hass.until("binary_sensor.studio_problem", lambda s: s["state"] == "on" and s["alerts"])
    await hass.until("event.studio_alert", lambda s: s.get("event_type") == "alert.firing")
    house.studio.heal("widget-1")
    await hass.until("light.studio_key", lambda s: s["state"] == "on")
    await hass.until("event.studio_alert", lambda s: s.get("event_type") == "alert.resolved")
    await hass.until("binary_sensor.studio_problem", lambda s: s["state"] == "off")
    told("unplugged: lights unavailable, problem, event; plugged in: all well")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.homeassistant")
    parser.add_argument("--hass", required=True, help="a Python that has Home Assistant")
    sys.exit(asyncio.run(main(parser.parse_args().hass)))
