"""Commissioning in the running agent, on a virtual studio: by command, kept over a restart, broken off, refused."""

import asyncio
import json

from agent.exposure.commissioning.archive import Archive
from config.units import Attribute
from tests.waiting import until

LIGHT = Attribute.INTENSITY


async def test_the_lights_are_commissioned_by_command_kept_and_gone_by_after_a_restart(house):
    async with house.running() as agent:
        house.air(on_air=False)
        await house.send("exposure.set", {"mode": "advise"})
        await until(lambda: agent.devices.cameras["cam-1"].lane.health.state == "ok")
        before = {name: agent.rig.look(name)[LIGHT] for name in ("key", "fill")}
        done = await house.send("exposure.commission", {"empty": True})
        assert done.state == "succeeded", done
        assert done.result["lights"]["key"]["share"] > done.result["lights"]["fill"]["share"] > 0.05
        assert 0 <= done.result["delay_ms"] < 600 and done.result["reference_zones"] >= 8
        numbers = (await house.send("camera.measure", {"camera": "cam-1"})).result
        chosen = agent.exposure.transport.reference.reshape(9, 16).astype(int)
        assert numbers["reference_zones"] == chosen.tolist(), "what is told is what the loop goes by"
        await until(lambda: agent.rig.unmoved(agent.now()))
        assert {name: agent.rig.scene.levels(name, agent.now())[LIGHT] for name in before} == before
        assert agent.rig.holder("key") is None
        state = await until(lambda: (found := house.state("exposure", "cam-1"))["commissioned"] and found)
        assert state["commissioned"] == done.result["at"]
        kept = Archive(agent.config.agent.state_dir, "cam-1").newest()
        assert str(kept.file) == done.result["file"] and kept.file.with_suffix(".html").is_file()
    kept.file.with_name("99999999T999998.json").write_text("{ half a fi")
    kept.file.with_name("99999999T999999.json").mkdir()  # what the disk does not give counts as damaged, too
    async with house.running() as agent:
        assert agent.exposure.now_state.commissioned == done.result["at"], "the newest whole one counts"
        await until(lambda: "exposure.cam-1.commissioning" in agent.alerts.keys)
        alert = json.loads(agent.bus.board[agent.topics.alert("exposure.cam-1.commissioning")])
        assert "99999999T999999.json, 99999999T999998.json" in alert["text"]["en"], alert
        assert done.result["at"] in alert["text"]["zh"], alert


async def test_a_hand_on_a_light_ends_it_and_keeps_the_light(house):
    async with house.running() as agent:
        await until(lambda: agent.devices.cameras["cam-1"].lane.health.state == "ok")
        house.air(on_air=False)
        asked = asyncio.create_task(house.send("exposure.commission", {}))
        await until(lambda: (held := agent.rig.holder("key")) is not None and held.owner == "commissioning")
        await house.send("lights.set", {"targets": ["key"], "levels": {"intensity": 0.4}})
        done = await asked
        assert (done.state, done.code) == ("failed", "superseded"), done
        assert "Somebody took one of its lights" in done.message.en and "Begin again" in done.message.en
        assert agent.rig.holder("key").owner == "hand"
        await until(lambda: abs(agent.rig.scene.levels("key", agent.now())[LIGHT] - 0.4) < 1e-6)


async def test_on_air_it_is_refused_and_going_on_air_breaks_it_off(house):
    async with house.running() as agent:
        house.air(on_air=True)
        refused = await house.send("exposure.commission", {})
        assert (refused.state, refused.code) == ("rejected", "on-air")
        house.air(on_air=False)
        await until(lambda: agent.devices.cameras["cam-1"].lane.health.state == "ok")
        asked = asyncio.create_task(house.send("exposure.commission", {}))
        await until(lambda: (held := agent.rig.holder("key")) is not None and held.owner == "commissioning")
        busy = await house.send("selftest.start", {"depth": "quick"})
        assert (busy.state, busy.code) == ("rejected", "busy")
        house.air(on_air=True)
        done = await asked
        assert (done.state, done.code) == ("failed", "on-air"), done
        assert "the look is back" in done.message.en and "cancelled" not in done.message.en
        assert agent.rig.holder("key") is None or agent.rig.holder("key").owner != "commissioning"


async def test_a_light_that_does_nothing_is_named(house):
    async with house.running() as agent:
        house.air(on_air=False)
        house.studio.world.fault("fill", "dead")
        await until(lambda: agent.devices.cameras["cam-1"].lane.health.state == "ok")
        done = await house.send("exposure.commission", {"empty": True})
        assert (done.state, done.code) == ("failed", "device-refused"), done
        assert "fill" in done.message.en and "以下灯具" in done.message.zh
        assert json.dumps(done.result) in ("{}", "null") or not done.result
        assert agent.exposure.now_state.commissioned == ""


async def test_lights_are_proven_by_command_once_they_were_commissioned(house):
    async with house.running() as agent:
        house.air(on_air=False)
        await house.send("exposure.set", {"mode": "watch"})
        await until(lambda: agent.devices.cameras["cam-1"].lane.health.state == "ok")
        early = await house.send("exposure.prove", {})
        assert (early.state, early.code) == ("failed", "unsupported"), early
        assert (await house.send("exposure.commission", {"empty": True})).state == "succeeded"
        house.air(on_air=False)
        sound = await house.send("exposure.prove", {})
        assert sound.result["proven"] is True and set(sound.result["lights"]) == {"key", "fill"}, sound
        house.studio.world.fault("key", "dim", gain=0.5)
        dim = await house.send("exposure.prove", {})
        assert dim.state == "succeeded" and dim.result["proven"] is False
        assert dim.result["lights"]["key"]["answer"] == "dim" and "key" in dim.result["lights"]["key"]["zh"]
