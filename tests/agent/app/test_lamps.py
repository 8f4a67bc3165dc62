"""Lights without DMX in the whole agent: commands, states, alerts, self-test, reload, restart."""

import pytest

from agent.selftest.store import ReportStore
from config.load import load
from config.units import Attribute
from drivers.virtual.furnish import furnish
from drivers.virtual.twin import Fault
from tests.waiting import until

LIGHT = Attribute.INTENSITY
BUSES = """
[buses.dimmers]
driver = "modbus"
look_every = 1.0
options = { port = "usb:RS485-DEMO" }

[fixtures.wall]
profile = "generic/modbus-dimmer"
personality = "relay-1000"
bus = "dimmers"
unit = 3
channel = 2
role = "back"

[fixtures.desk]
profile = "generic/modbus-dimmer"
personality = "0-255"
bus = "dimmers"
unit = 4

[buses.wifi]
driver = "line"
options = { host = "10.77.0.90" }

[fixtures.face]
profile = "neewer/gl1"
personality = "wifi"
bus = "wifi"
role = "fill"

[looks.show]"""


@pytest.fixture
def lamps(house):
    house.change("\n[looks.show]", BUSES)
    return house


def shown(house, name):
    bus = "wifi" if name == "face" else "dimmers"
    return house.studio.twins[bus].shown[name][LIGHT]


async def test_a_command_reaches_lamps_and_dmx_alike_and_the_states_say_so(lamps):
    async with lamps.running() as agent:
        answer = await lamps.send(
            "lights.set", {"targets": ["wall", "desk", "face", "back"], "levels": {"intensity": 0.5}}
        )
        assert answer.state == "succeeded"
        await until(lambda: shown(lamps, "wall") == 0.5 and shown(lamps, "desk") == pytest.approx(0.5, abs=0.003))
        await until(lambda: shown(lamps, "face") == pytest.approx(0.5, abs=0.01))
        assert lamps.studio.world.lamps["wall"].light(agent.now() + 9)[0] > 0.4, "the room does not see it"
        await until(lambda: lamps.state("fixture", "wall")["measured"])
        state = lamps.state("fixture", "wall")
        assert state["health"] == "ok" and state["measured"]["temperature"] == {"value": 25.0, "unit": "°C"}
        assert lamps.state("bus", "dimmers")["model"] == "Modbus RTU line"
        entry = next(f for f in agent.herald and _inventory(lamps)["fixtures"] if f["name"] == "wall")
        assert (entry["bus"], entry["unit"], entry["channel"], entry["universe"]) == ("dimmers", 3, 2, None)


def _inventory(house):
    import json

    return json.loads(house.agent.bus.board[house.agent.topics.inventory])


async def test_an_unplugged_line_is_an_alert_and_comes_back_with_the_look(lamps):
    async with lamps.running() as agent:
        await lamps.send("lights.set", {"targets": ["wall"], "levels": {"intensity": 0.7}})
        await until(lambda: shown(lamps, "wall") == pytest.approx(0.7))
        lamps.studio.fault("dimmers", Fault.UNPLUG)
        await until(lambda: "bus.dimmers.offline" in [alert.key for alert in agent.alerts.open])
        await until(lambda: lamps.state("fixture", "desk")["health"] == "offline")
        assert lamps.state("fixture", "back")["health"] == "ok"
        answer = await lamps.send("lights.set", {"targets": ["wall"], "levels": {"intensity": 0.3}})
        assert (answer.state, answer.code) == ("failed", "offline")
        lamps.studio.heal("dimmers")
        await until(lambda: shown(lamps, "wall") == pytest.approx(0.3))
        await until(lambda: not [alert for alert in agent.alerts.open if "dimmers" in alert.key], 20)


async def test_one_dead_lamp_is_an_alert_of_its_own(lamps):
    async with lamps.running() as agent:
        firmware = lamps.studio.twins["dimmers"].device
        answer = firmware._answer
        firmware._answer = lambda unit, *more: b"" if unit == 4 else answer(unit, *more)
        await lamps.send("lights.set", {"targets": ["wall", "desk"], "levels": {"intensity": 0.6}})
        await until(lambda: "light.desk.offline" in [alert.key for alert in agent.alerts.open])
        assert lamps.state("fixture", "desk")["health"] == "offline"
        assert lamps.state("fixture", "wall")["health"] == lamps.state("bus", "dimmers")["health"] == "ok"
        firmware._answer = answer
        await until(lambda: shown(lamps, "desk") == pytest.approx(0.6, abs=0.003))


async def test_the_look_survives_a_restart_without_a_step(lamps):
    async with lamps.running():
        await lamps.send("lights.set", {"targets": ["wall"], "levels": {"intensity": 0.9}})
        await until(lambda: shown(lamps, "wall") == 0.9)
    seen = []
    lamps.studio.lamp_listeners.append(lambda name, slots: seen.append((name, slots.hex())))
    async with lamps.running():
        await until(lambda: lamps.agent.devices.buses["dimmers"].under_control)
    assert {slots for name, slots in seen if name == "wall"} <= {f"{900:04x}"}


async def test_a_reload_renames_a_lamp_without_a_step_and_takes_a_bus_away(lamps):
    async with lamps.running() as agent:
        await lamps.send("lights.set", {"targets": ["wall"], "levels": {"intensity": 0.9}})
        await until(lambda: shown(lamps, "wall") == 0.9)
        wifi = agent.devices.buses["wifi"]
        lamps.change("[fixtures.wall]", "[fixtures.rear]")
        answer = await lamps.local("reload", {})
        assert answer.state == "succeeded"
        assert agent.rig.scene.targets("rear")[LIGHT] == 0.9
        assert agent.devices.buses["wifi"] is wifi, "a bus that did not change was let go"
        await until(lambda: agent.devices.buses["dimmers"].under_control)
        assert shown(lamps, "wall") == 0.9  # the twin still calls it so
        text = lamps.file.read_text()
        for table in ("[buses.wifi]", "[fixtures.face]"):
            begin = text.index(table)
            end = text.index("\n[", begin)
            text = text[:begin] + text[end + 1 :]
        lamps.file.write_text(text)
        assert (await lamps.local("reload", {})).state == "succeeded"
        assert list(agent.devices.buses) == ["dimmers"] and not wifi.lane.alive


async def test_the_self_test_asks_the_lamps(lamps):
    async with lamps.running() as agent:
        lamps.air(on_air=False)
        await until(lambda: all(bus.under_control for bus in agent.devices.buses.values()))
        answer = await lamps.local("selftest.start", {"only": ["LMP-*"]})
        assert answer.state == "succeeded"
        report = ReportStore(agent.config.agent.state_dir).latest()
        found = {(check.id, check.subject): check.verdict for check in report.checks}
        assert found["LMP-01", "wall"] == found["LMP-02", "desk"] == "pass"
        assert found["LMP-01", "face"] == "skipped"


def test_a_show_with_lamps_can_be_furnished_without_an_agent(lamps):
    studio = furnish(load(lamps.file, lamps.environ))
    assert {"dimmers", "wifi"} <= set(studio.twins) and {"wall", "desk", "face"} <= set(studio.world.lamps)


async def test_lamps_come_and_go_with_reloads_while_somebody_holds_a_light(lamps):
    """Until the bus has its new lamps, it is told nothing of a scene that has not its old ones."""
    text = lamps.file.read_text(encoding="utf-8")
    start = text.index("[fixtures.desk]")
    desk = text[start : text.index("[buses.wifi]")]
    async with lamps.running() as agent:
        await lamps.send("lights.set", {"targets": ["key", "desk"], "levels": {"intensity": 0.5}})
        for _ in range(4):
            lamps.change(desk, "")
            assert (await lamps.send("reload", {})).state == "succeeded"
            lamps.change("[buses.wifi]", desk + "[buses.wifi]")
            assert (await lamps.send("reload", {})).state == "succeeded"
        assert agent.devices.buses["dimmers"].lane.health.state == "ok"
        assert (
            await lamps.send("lights.set", {"targets": ["desk"], "levels": {"intensity": 0.7}})
        ).state == "succeeded"
        assert shown(lamps, "desk") == pytest.approx(0.7, abs=0.01)


async def test_lamps_that_change_places_are_led_from_what_each_has(lamps):
    async with lamps.running() as agent:
        await lamps.send("lights.set", {"targets": ["wall"], "levels": {"intensity": 0.9}})
        await lamps.send("lights.set", {"targets": ["desk"], "levels": {"intensity": 0.0}})
        lamps.change(
            'personality = "0-255"\nbus = "dimmers"\nunit = 4',
            'personality = "relay-1000"\nbus = "dimmers"\nunit = 3\nchannel = 2',
        )
        lamps.change(
            'personality = "relay-1000"\nbus = "dimmers"\nunit = 3\nchannel = 2\nrole',
            'personality = "0-255"\nbus = "dimmers"\nunit = 4\nrole',
        )
        assert (await lamps.send("reload", {})).state == "succeeded"
        told = {unit: levels for (_, unit, _), levels in agent.devices.told.items()}
        assert told[3][LIGHT] == pytest.approx(0.9, abs=0.01) and told[4][LIGHT] == 0.0, "what each place was told last"
        line = agent.devices.buses["dimmers"].pump.lines["desk"]
        await until(lambda: line.told is not None and not line.unheard)
        assert line.told[LIGHT] > 0.5, "it comes down from there"
