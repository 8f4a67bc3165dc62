"""What a reload does on the wire."""

import pytest

from agent.cli.run import _reload as hang_up
from config.units import Attribute
from tests.waiting import until

LIGHT = Attribute.INTENSITY


@pytest.fixture
def without_back(house):
    """Takes the back light out of the configuration."""

    def change():
        text = house.file.read_text(encoding="utf-8")
        start = text.index("[fixtures.back]")
        house.change(text[start : text.index("\n[", start)], "")
        house.change("back = { intensity = 0.4 }\n", "")
        house.change("back = { intensity = 0.2 }\n", "")

    return change


async def lit(agent):
    """Waits until the back light has been sent its first look; its slot."""
    slot = agent.rig.fixtures["back"].address - 1
    await until(lambda: agent.rig.unmoved(agent.now()) and agent.devices.outputs["widget-1"].lane.wire(1)[slot] > 25)
    return slot


async def test_a_light_taken_out_goes_out_by_and_by_and_no_command_waits_for_it(house, without_back):
    async with house.running() as agent:
        slot = await lit(agent)
        without_back()
        assert (await house.send("reload", {})).state == "succeeded"
        output = agent.devices.outputs["widget-1"]
        assert (await house.send("exposure.set", {"mode": "watch"})).state == "succeeded"
        assert (await house.send("lights.set", {"targets": ["key"], "levels": {"intensity": 0.5}})).state == "succeeded"
        assert output.has_shown(agent.rig.scene, agent.now())
        await until(lambda: output.lane.wire(1)[slot] == 0)


async def test_a_universe_that_changes_its_output_goes_on_from_its_last_frame(house, without_back):
    async with house.running() as agent:
        slot = await lit(agent)
        before = agent.devices.outputs["widget-1"].lane.wire(1)
        frames = []
        without_back()
        house.change("[outputs.widget-1]", "[outputs.other]")
        assert (await house.send("reload", {})).state == "succeeded"
        assert set(agent.devices.outputs) == {"other"}
        pump = agent.devices.outputs["other"].lane
        await until(lambda: frames.append(pump.wire(1)) or (pump.has_sent and frames[-1][slot] == 0))
        seen = [before[slot], *(frame[slot] for frame in frames)]
        assert seen == sorted(seen, reverse=True)
        assert len(set(seen)) > 20, "it went out step by step"


async def test_a_hangup_in_a_selftest_changes_nothing(house):
    """As the command is refused then: the test holds the lights it began with."""
    async with house.running() as agent:
        house.change("interval = 0.2", "interval = 0.25")
        agent.tests.running = True
        await hang_up(agent)
        assert agent.config.probes["uplink"].interval == 0.2
        agent.tests.running = False
        await hang_up(agent)
        assert agent.config.probes["uplink"].interval == 0.25


async def test_on_air_a_reload_that_would_make_a_held_slot_jump_is_refused(house):
    """The panel's strobe slot comes where a colour was: no fade leads there."""
    panel = '[fixtures.back]\nprofile = "generic/rgbw-panel"\npersonality = "{}"\n#'
    text = house.file.read_text(encoding="utf-8")
    start = text.index("[fixtures.back]")
    house.change(text[start : text.index("universe", start)], panel.format("5ch") + "\n")
    async with house.running() as agent:
        house.change("5ch", "6ch-strobe")
        house.air(True)
        end = await house.send("reload", {})
        assert end.state == "failed" and "fixtures.back" in end.model_dump_json()
        assert agent.rig.fixtures["back"].mode == "5ch"
        house.air(False)
        assert (await house.send("reload", {})).state == "succeeded"
        assert agent.rig.fixtures["back"].mode == "6ch-strobe"
