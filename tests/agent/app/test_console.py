"""A lighting console beside the agent: who has which light is told, and nobody fights it."""

import asyncio
import json

import pytest

from config.units import Attribute
from drivers.dmx.sacn_in import SacnInOptions
from drivers.virtual.twins.sacn_console import sacn_console
from tests.waiting import until

LIGHT = Attribute.INTENSITY
INPUT = '[inputs.desk]\ndriver = "sacn-in"\noptions = { universes = [1], sampling = 0.0 }\n\n[outputs.widget-1]'


@pytest.fixture
def desk(house):
    house.change("[outputs.widget-1]", INPUT)
    return house


async def test_a_console_takes_lights_is_told_and_gives_them_back(desk):
    async with desk.running() as agent:
        told = []
        agent.bus.listeners.append(lambda topic, said: told.append(said))
        await until(lambda: agent.devices.inputs["desk"].lane.health.state == "ok")
        console = sacn_console(desk.studio, SacnInOptions(universes=(1,)), "console")
        light = agent.rig.fixtures["back"]
        full = bytearray(512)
        full[light.address - 1 : light.last] = b"\xff" * light.footprint

        async def play():
            while True:
                console.say(1, bytes(full), 150)
                await asyncio.sleep(0.3)

        playing = asyncio.create_task(play())
        try:
            await until(lambda: agent.devices.desks.consoles)
            output = agent.devices.outputs["widget-1"].lane
            await until(lambda: output.wire(1)[light.address - 1] == 255)
            state = await until(lambda: (found := desk.state("fixture", "back"))["console"] and found)
            assert state["console"] == "Console" and state["console_since"]
            await until(lambda: agent.devices.levels()["back"] > 0.99)  # so that no picture is blamed on somebody else
            state = await until(lambda: (found := desk.state("fixture", "back"))["levels"]["intensity"] == 1 and found)
            assert state["target"]["intensity"] < 1, "where it goes back to"
            file = desk.folder / "state/look.json"
            look = await until(lambda: (on := json.loads(file.read_text()))["shown"]["back"]["intensity"] == 1 and on)
            assert look["going"]["back"] == state["target"], "what lights show by a console's will outlives a restart"
            end = await desk.send("lights.set", {"targets": ["back"], "levels": {"intensity": 0.1}})
            assert end.state == "succeeded" and end.result["console"] == {"back": state["console"]}
            await desk.send("cue.save", {"list": "night", "cue": 1, "levels": {"back": {"intensity": 0.1}}, "up": 0})
            end = await desk.send("cue.go", {"list": "night"})
            assert end.state == "succeeded" and end.result["console"] == {"back": state["console"]}
            assert output.wire(1)[light.address - 1] == 255, "a command under a console moves nothing"
            assert agent.devices.console(light)
        finally:
            playing.cancel()
        console.leave()
        await until(lambda: not agent.devices.desks.consoles)
        await until(lambda: agent.devices.outputs["widget-1"].has_shown(agent.rig.scene, agent.now()))
        state = await until(lambda: (found := desk.state("fixture", "back"))["console"] == "" and found)
        assert state["held_by"]["owner"] and state["console_since"] is None
        (took,) = [each for each in told if getattr(each, "name", "") == "console.takes"]
        assert took.fields == {"universe": 1, "by": "Console", "input": "desk"}
        assert "Console" in took.text.en and "控台 Console" in took.text.zh


async def test_an_input_that_is_gone_from_the_file_holds_nothing_any_more(desk):
    async with desk.running() as agent:
        await until(lambda: agent.devices.inputs["desk"].lane.health.state == "ok")
        console = sacn_console(desk.studio, SacnInOptions(universes=(1,)), "console")
        console.say(1, b"\xff" * 512, 150)
        await until(lambda: agent.devices.desks.consoles)
        desk.change(INPUT, "[outputs.widget-1]")
        assert (await desk.send("reload", {})).state == "succeeded"
        assert not agent.devices.inputs
        await until(lambda: not agent.devices.desks.consoles)


async def test_an_input_that_a_reload_changes_does_not_let_the_lights_go(desk):
    async with desk.running() as agent:
        await until(lambda: agent.devices.inputs["desk"].lane.health.state == "ok")
        console = sacn_console(desk.studio, SacnInOptions(universes=(1,)), "console")
        slot = agent.rig.fixtures["back"].address - 1

        async def play():
            while True:
                console.say(1, b"\xff" * 512, 150)
                await asyncio.sleep(0.3)

        playing = asyncio.create_task(play())
        try:
            output = agent.devices.outputs["widget-1"].lane
            await until(lambda: output.wire(1)[slot] == 255)
            desk.change("sampling = 0.0", "sampling = 1.0")
            assert (await desk.send("reload", {})).state == "succeeded"
            doubted = agent.devices._hearing._consoles._doubted
            seen = set()
            await until(lambda: seen.add(output.wire(1)[slot]) or not doubted["desk"])
            assert seen == {255} and agent.devices.desks.consoles
        finally:
            playing.cancel()


async def test_a_look_that_is_held_after_a_loss_is_told_and_each_light_is_a_persons_once_he_moves_it(desk):
    desk.change('driver = "sacn-in"', 'driver = "sacn-in"\non_loss = "hold"')
    async with desk.running() as agent:
        await until(lambda: agent.devices.inputs["desk"].lane.health.state == "ok")
        console = sacn_console(desk.studio, SacnInOptions(universes=(1,)), "console")
        back, key = (agent.rig.fixtures[name] for name in ("back", "key"))
        output = agent.devices.outputs["widget-1"].lane
        while output.wire(1)[back.address - 1] != 255:
            console.say(1, b"\xff" * 512, 150)
            await asyncio.sleep(0.2)
        console.leave()
        state = await until(lambda: (found := desk.state("fixture", "back"))["kept"] and found)
        assert state["kept"] == "Console" and state["kept_since"] and state["console"] == ""
        assert agent.devices.console(back) == "Console", "the exposure loop leaves it alone"
        end = await desk.send("lights.set", {"targets": ["back"], "levels": {"intensity": 0.1}})
        assert end.state == "succeeded" and "console" not in end.result
        await until(lambda: desk.state("fixture", "back")["kept"] == "")
        await until(lambda: output.wire(1)[back.address - 1] < 40)
        assert desk.state("fixture", "key")["kept"] and output.wire(1)[key.address - 1] == 255
        assert not agent.devices.console(back) and agent.devices.console(key)
        assert (await desk.send("lights.stop", {})).state == "succeeded"
        await until(lambda: desk.state("fixture", "key")["kept"] == "")


@pytest.mark.parametrize(
    ("verb", "args"),
    [
        ("look.apply", {"look": "kept", "targets": ["back"]}),
        ("cue.go", {"list": "kept"}),
        ("lights.blackout", {}),
        ("lights.release", {"targets": ["back"]}),
    ],
)
async def test_what_a_person_does_with_a_light_ends_the_look_that_is_held_on_it(desk, verb, args):
    desk.change('driver = "sacn-in"', 'driver = "sacn-in"\non_loss = "hold"')
    async with desk.running() as agent:
        await until(lambda: agent.devices.inputs["desk"].lane.health.state == "ok")
        await desk.send("look.save", {"look": "kept", "levels": {"back": {"intensity": 0.1}}})
        await desk.send("cue.save", {"list": "kept", "cue": 1, "levels": {"back": {"intensity": 0.1}}, "up": 0})
        console = sacn_console(desk.studio, SacnInOptions(universes=(1,)), "console")
        console.say(1, b"\xff" * 512, 150)
        await until(lambda: agent.devices.desks.consoles)
        console.leave()
        await until(lambda: desk.state("fixture", "back")["kept"])
        assert (await desk.send(verb, args)).state == "succeeded"
        await until(lambda: desk.state("fixture", "back")["kept"] == "")
