"""The automatic fill light in the running agent: hands, faults of the picture, what is told."""

import asyncio
import base64
import json

import cv2
import numpy as np

from drivers.virtual.twin import Fault
from tests.waiting import until


async def test_the_loop_brings_the_picture_back_and_a_hand_takes_its_light_out(house):
    async with house.running() as agent:
        house.air(on_air=False)
        await until(lambda: agent.exposure.now_state.holding == ("key", "fill"), 20)
        before = max(0.0, agent.exposure.now_state.trim)
        house.studio.world.daylight *= 0.2

        def brought_back():  # and not: still resting from before the daylight changed
            now = agent.exposure.now_state
            return now.why == "resting" and abs(now.ev) < 0.1 and now.trim > before

        await until(brought_back, 45)
        await house.send("lights.set", {"targets": ["key"], "levels": {"intensity": 0.5}})
        await until(lambda: agent.exposure.now_state.holding == ("fill",))
        assert agent.rig.holder("key").owner == "hand"
        released = await house.send("lights.release", {"targets": ["key"]})
        assert released.result == {"released": ["key"]}
        await until(lambda: house.state("exposure", "cam-1")["out"] == ["key"])
        assert agent.exposure.now_state.holding == ("fill",), "a hand lets go, but has not handed back"
        back = await house.send("exposure.handback", {"targets": ["all"]})
        assert back.result == {"handed_back": ["fill", "key"], "out": []}
        await until(lambda: agent.exposure.now_state.holding == ("key", "fill"))
        other = await house.send("exposure.handback", {"targets": ["back"]})
        assert (other.state, other.code) == ("rejected", "unknown-target")


async def test_a_light_that_was_not_handed_back_stays_out_over_a_restart(house):
    async with house.running() as agent:
        house.air(on_air=False)
        await until(lambda: agent.exposure.now_state.holding == ("key", "fill"), 20)
        await house.send("lights.set", {"targets": ["key"], "levels": {"intensity": 0.5}})
        await house.send("lights.release", {"targets": ["key"]})
        await until(lambda: agent.exposure.now_state.out == ("key",))
        await until(lambda: json.loads((house.folder / "state/look.json").read_bytes()).get("withdrawn") == ["key"])
    async with house.running() as agent:
        house.air(on_air=False)
        await until(lambda: agent.exposure.now_state.holding == ("fill",), 20)
        assert house.state("exposure", "cam-1")["out"] == ["key"]
        await house.send("exposure.handback", {"targets": ["key"]})
        assert "withdrawn" not in json.loads((house.folder / "state/look.json").read_bytes())
    async with house.running() as agent:
        house.air(on_air=False)
        await until(lambda: agent.exposure.now_state.holding == ("key", "fill"), 20)


async def test_a_frozen_camera_freezes_the_loop_and_raises_one_alert(house):
    async with house.running() as agent:
        house.air(on_air=False)
        await until(lambda: agent.exposure.now_state.why == "resting" and agent.rig.unmoved(agent.now()))
        house.studio.fault("cam-1", Fault.FREEZE)
        await until(lambda: "camera.cam-1.frozen" in agent.alerts.keys)
        await until(lambda: agent.exposure.now_state.why == "frozen: frozen")
        house.studio.world.daylight *= 3
        trim = agent.exposure.now_state.trim
        await asyncio.sleep(0.5)
        assert agent.exposure.now_state.trim == trim
        house.studio.heal("cam-1")
        await until(lambda: "camera.cam-1.frozen" not in agent.alerts.keys, 20)


async def test_a_thumbnail_leaves_the_machine_only_where_the_configuration_says_so(house):
    async with house.running() as agent:
        refused = await house.send("camera.thumbnail", {"camera": "cam-1"})
        assert (refused.state, refused.code) == ("rejected", "unsupported"), refused
    house.change('driver = "opencv"', 'driver = "opencv"\nthumbnails = true')
    async with house.running() as agent:
        await until(lambda: agent.devices.cameras["cam-1"].watch.latest is not None)
        unknown = await house.send("camera.thumbnail", {"camera": "cam-2"})
        assert (unknown.state, unknown.code) == ("rejected", "unknown-target")
        shown = await house.send("camera.thumbnail", {"camera": "cam-1", "width": 96})
        assert shown.state == "succeeded", shown
        picture = cv2.imdecode(np.frombuffer(base64.b64decode(shown.result["jpeg"]), np.uint8), cv2.IMREAD_COLOR)
        assert picture.shape == (shown.result["height"], 96, 3)
        latest = agent.devices.cameras["cam-1"].watch.latest.metrics
        assert abs(float(picture.mean()) - float(latest.points.mean())) < 4
        state = agent.config.agent.state_dir
        jpeg = shown.result["jpeg"].encode()
        for file in state.rglob("*"):
            assert not file.is_file() or jpeg[:64] not in file.read_bytes(), f"the picture is on the disk in {file}"
