"""Commands whose fade is overtaken, let go, cut off or left without its light."""

import asyncio
from itertools import pairwise

from agent.lighting.claims import Priority
from agent.lighting.memory import LookFile
from config.units import Attribute
from drivers.virtual.twin import Fault
from tests.waiting import until

LONG = 3600.0


def set_back(level, fade, **more):
    return "lights.set", {"targets": ["back"], "levels": {"intensity": level}, "fade": fade, **more}


def going(agent):
    return agent.rig.scene.targets("back")[Attribute.INTENSITY]


async def quiet(house):
    assert (await house.send("exposure.set", {"mode": "watch"})).state == "succeeded"


async def test_a_fade_that_is_overtaken_ends_at_once_and_frees_its_place(house):
    async with house.running() as agent:
        await quiet(house)
        first = asyncio.create_task(house.send(*set_back(0.9, LONG)))
        await until(lambda: going(agent) == 0.9)
        second = asyncio.create_task(house.send(*set_back(0.9, LONG)))
        answer = await asyncio.wait_for(first, 45)
        assert (answer.state, answer.code) == ("failed", "superseded")
        assert (await house.send("lights.release", {"targets": ["back"]})).state == "succeeded"
        answer = await asyncio.wait_for(second, 45)
        assert (answer.state, answer.code) == ("failed", "superseded")
        await until(lambda: agent.dispatcher.running == ())


async def test_a_light_can_be_let_go_however_busy_the_agent_is(house):
    async with house.running() as agent:
        agent.dispatcher.max_running = 0
        busy = await house.send(*set_back(0.5, 0))
        assert (busy.state, busy.code) == ("rejected", "busy")
        assert (await house.send("lights.release", {"targets": ["back"]})).state == "succeeded"


async def test_cancelling_a_command_that_was_overtaken_leaves_the_light_to_the_other(house):
    async with house.running() as agent:
        await quiet(house)
        first = asyncio.create_task(house.send(*set_back(0.9, LONG), issuer="first"))
        await until(lambda: going(agent) == 0.9)
        name = agent.dispatcher.running[0]
        second = asyncio.create_task(house.send(*set_back(0.1, LONG), issuer="second"))
        await until(lambda: going(agent) == 0.1)
        await house.send("command.cancel", {"id": name})  # it may have ended by itself: too late is no harm either
        await asyncio.wait_for(first, 45)
        assert going(agent) == 0.1 and agent.rig.holder("back").owner == "second"
        second.cancel()


async def test_cancelling_keeps_the_end_of_the_hold(house):
    async with house.running() as agent:
        await quiet(house)
        task = asyncio.create_task(house.send(*set_back(0.9, LONG, hold=LONG)))
        await until(lambda: going(agent) == 0.9)
        ends = agent.rig.holder("back").until
        await house.send("command.cancel", {"id": agent.dispatcher.running[0]})
        assert (await asyncio.wait_for(task, 45)).state == "cancelled"
        holder = agent.rig.holder("back")
        assert holder.priority is Priority.MANUAL and abs(holder.until - ends) < 0.01
        assert going(agent) < 0.9


async def test_a_light_taken_out_of_the_configuration_in_a_fade_ends_the_command(house):
    async with house.running() as agent:
        await quiet(house)
        task = asyncio.create_task(house.send(*set_back(0.9, LONG)))
        await until(lambda: going(agent) == 0.9)
        house.change("[fixtures.back]", "[fixtures.rim]")
        house.change("back = { intensity = 0.4 }", "rim = { intensity = 0.4 }")
        house.change("back = { intensity = 0.2 }", "rim = { intensity = 0.2 }")
        await agent.reload()
        answer = await asyncio.wait_for(task, 45)
        assert (answer.state, answer.code) == ("failed", "unknown-target")
        assert "taken out of the configuration" in answer.message.en


async def test_an_output_that_opens_late_after_a_crash_goes_on_from_where_its_lights_are(house):
    async with house.running():
        answer = await house.send("lights.set", {"targets": ["key"], "levels": {"intensity": 0.9}})
        assert answer.state == "succeeded"
    file = LookFile(house.folder / "state" / "look.json")
    look = file.read()
    key = {**look.shown["key"], Attribute.INTENSITY: 0.1}  # as it was in the middle of the fade
    file.write(look.model_copy(update={"shown": {**look.shown, "key": key}}))
    sent = []
    house.studio.fault("widget-1", Fault.UNPLUG)
    house.studio.frame_listeners.append(lambda universe, frame: sent.append(frame[0]))
    async with house.running() as agent:
        await until(lambda: agent.rig.scene.levels("key", agent.now())[Attribute.INTENSITY] > 0.6)
        house.studio.heal("widget-1")
        await until(lambda: sent and sent[-1] > 200)
    assert 20 <= sent[0] <= 45
    assert max(b - a for a, b in pairwise(sent)) < 26
