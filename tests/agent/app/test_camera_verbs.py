"""camera.lock, camera.reference, camera.calibrate in the running agent, on the honest virtual camera."""

import asyncio

import pytest

from agent.exposure.camera.files import CameraFiles
from config.units import Attribute
from drivers.errors import BadReply, NotSupported, Refused, ReplyTimeout
from tests.waiting import until

LIGHT = Attribute.INTENSITY


async def ready(agent):
    camera = agent.devices.cameras["cam-1"]
    await until(lambda: camera.lane.health.state == "ok" and camera.watch.latest is not None)


async def test_a_camera_is_locked_shown_to_be_and_put_back_when_it_returns(house):
    async with house.running() as agent:
        house.air(on_air=False)
        camera = house.studio.twins["cam-1"]
        camera.controls.write("auto_exposure", 3)
        await ready(agent)
        await house.send("exposure.set", {"mode": "watch"})
        refused = await house.send("exposure.set", {"mode": "hold"})
        assert (refused.state, refused.code) == ("failed", "device-refused"), refused
        assert "auto_exposure" in refused.message.en and "camera.lock" in refused.message.zh
        barred = await house.send("exposure.commission", {})
        assert (barred.state, barred.code) == ("failed", "device-refused"), barred
        assert "auto_exposure" in barred.message.en
        done = await house.send("camera.lock", {"camera": "cam-1", "mains": 50})
        assert done.state == "succeeded", done
        assert done.result["values"]["auto_exposure"] == 1 and camera.controls.read("auto_exposure") == 1
        held = await house.send("exposure.set", {"mode": "hold"})
        assert held.state == "succeeded", held
        losses = agent.devices.cameras["cam-1"].lane.health.losses
        camera.unplug()
        await until(lambda: agent.devices.cameras["cam-1"].lane.health.losses > losses, 20)
        camera.heal()
        camera.controls.write("gain", 60)
        camera.controls.write("auto_exposure", 3)
        await until(lambda: agent.devices.cameras["cam-1"].lane.health.state == "ok", 20)
        values = done.result["values"]
        await until(lambda: all(camera.controls.read(name) == value for name, value in values.items()), 10)


class Dumb:
    """Controls that list themselves and do not answer."""

    def __init__(self, controls, error):
        self.list, self.error = controls.list, error

    def read(self, name):
        raise self.error


async def test_a_camera_that_does_not_say_whether_its_automatics_are_on_is_not_held_against(house, monkeypatch):
    async with house.running() as agent:
        house.air(on_air=False)
        await ready(agent)
        await house.send("exposure.set", {"mode": "watch"})
        driver = agent.devices.cameras["cam-1"].driver
        controls = driver.controls()
        for error in (BadReply("Connection timed out"), ReplyTimeout("no answer"), Refused("busy")):
            monkeypatch.setattr(driver, "controls", lambda error=error: Dumb(controls, error))
            for verb, args in (("exposure.set", {"mode": "hold"}), ("exposure.commission", {})):
                refused = await house.send(verb, args)
                assert (refused.state, refused.code) == ("failed", "device-refused"), refused
                assert f"cam-1 does not say whether its automatic exposure is on ({error.reason})" in refused.message.en
                assert "未说明自动曝光是否开启" in refused.message.zh
        assert agent.exposure.now_state.mode == "watch"

        def none():
            raise NotSupported("it has no controls to be reached from here")

        monkeypatch.setattr(driver, "controls", none)  # nothing to be asked: the probe decides
        assert (await house.send("exposure.set", {"mode": "hold"})).state == "succeeded"


@pytest.mark.parametrize(("verb", "doing"), [("camera.lock", "locked"), ("camera.calibrate", "calibrated")])
async def test_while_a_camera_is_worked_on_its_pictures_go_on_and_nobody_acts_on_them(house, verb, doing):
    async with house.running() as agent:
        house.air(on_air=False)
        await ready(agent)
        assert (await house.send("exposure.set", {"mode": "hold"})).state == "succeeded"
        now = lambda: agent.exposure.now_state  # noqa: E731
        await until(lambda: now().evidence and now().why.startswith("resting") and agent.rig.unmoved(agent.now()), 30)
        before, held = agent.alerts.keys, dict(agent.exposure.hands.present(agent.now()))
        watch, events = agent.devices.cameras["cam-1"].watch, []
        told, agent.herald.event = agent.herald.event, lambda name, *_, **fields: events.append((name, fields))
        asked = asyncio.create_task(house.send(verb, {"camera": "cam-1"}))
        ages, reasons, alerts = [], set(), set()

        def over():
            if watch.busy:
                ages.append(agent.now() - watch.latest.captured)
                reasons.add(agent.exposure.now_state.why)
                alerts.update(agent.alerts.keys - before)
            return asked.done()

        await until(lambda: over() or watch.busy, 20)
        for other in ("exposure.set", "exposure.commission"):
            refused = await house.send(other, {"mode": "hold"} if other == "exposure.set" else {})
            assert refused.code == "busy", refused
            assert "ask again" in refused.message.en and "请稍后" in refused.message.zh
        await until(over, 60)
        agent.herald.event = told
        assert asked.result().state == "succeeded", asked.result()
        assert max(ages) < 1.5, "the loop saw no picture for so long"
        assert any(f"being {doing}" in why for why in reasons), reasons
        assert (alerts, events) == (set(), [])
        assert agent.exposure.now_state.tripped == ""
        assert agent.exposure.hands.present(agent.now()) == pytest.approx(held, abs=0.02), "no light was moved for it"
        await until(lambda: agent.exposure.now_state.holding, 20)
        assert agent.alerts.keys <= before


@pytest.mark.parametrize("verb", ["camera.lock", "camera.calibrate"])
async def test_going_on_air_breaks_it_off_and_puts_the_camera_back(house, verb):
    async with house.running() as agent:
        house.air(on_air=False)
        await ready(agent)
        await house.send("exposure.set", {"mode": "watch"})
        await until(lambda: agent.rig.unmoved(agent.now()))
        camera, watch = house.studio.twins["cam-1"], agent.devices.cameras["cam-1"].watch
        usual = camera.controls.read("exposure_time_absolute")
        asked = asyncio.create_task(house.send(verb, {"camera": "cam-1"}))
        await until(lambda: watch.busy and camera.controls.read("exposure_time_absolute") != usual, 20)
        assert not asked.done()
        house.air(on_air=True)
        done = await asked
        assert done.state == "failed" and "on air" in done.message.en, done
        assert camera.controls.read("exposure_time_absolute") == usual
        await until(lambda: watch.latest.busy == "")


async def test_on_air_no_camera_is_locked_or_calibrated(house):
    async with house.running() as agent:
        await ready(agent)
        house.air(on_air=True)
        for verb in ("camera.lock", "camera.calibrate"):
            refused = await house.send(verb, {"camera": "cam-1"})
            assert (refused.state, refused.code) == ("rejected", "on-air"), verb
        unknown = await house.send("camera.reference", {"camera": "cam-2"})
        assert (unknown.state, unknown.code) == ("rejected", "unknown-target")


async def test_a_camera_that_is_moved_is_told_against_its_reference_over_a_restart_too(house):
    async with house.running() as agent:
        house.air(on_air=False)
        await house.send("exposure.set", {"mode": "watch"})
        await ready(agent)
        await until(lambda: agent.rig.unmoved(agent.now()))
        done = await house.send("camera.reference", {"camera": "cam-1"})
        assert done.state == "succeeded" and done.result["sharpness"] > 0, done
    async with house.running() as agent:
        await ready(agent)
        assert agent.devices.cameras["cam-1"].watch.reference is not None
        house.studio.fault("cam-1", "bump", at=200)
        await until(lambda: "camera.cam-1.moved" in agent.alerts.keys, 20)
        house.studio.heal("cam-1")
        await until(lambda: "camera.cam-1.moved" not in agent.alerts.keys, 30)
    files = CameraFiles(agent.config.agent.state_dir, "cam-1")
    (files.folder / "cam-1.reference.json").write_text("{ half")
    async with house.running() as agent:
        await ready(agent)
        assert agent.devices.cameras["cam-1"].watch.reference is None, "a damaged one is done without"


async def test_a_camera_s_own_curve_is_measured_and_metered_by(house):
    async with house.running() as agent:
        house.air(on_air=False)
        await house.send("exposure.set", {"mode": "watch"})
        await ready(agent)
        await until(lambda: agent.rig.unmoved(agent.now()))
        camera = house.studio.twins["cam-1"]
        usual = camera.controls.read("exposure_time_absolute")
        done = await house.send("camera.calibrate", {"camera": "cam-1"})
        assert done.state == "succeeded", done
        assert done.result["error"] < 0.1 and done.result["pictures"] >= 4
        assert camera.controls.read("exposure_time_absolute") == usual
        assert agent.devices.cameras["cam-1"].watch.curve.shape == (3, 256)
        camera.controls.write("auto_exposure", 3)
        refused = await house.send("camera.calibrate", {"camera": "cam-1"})
        assert (refused.state, refused.code) == ("failed", "device-refused"), refused


async def test_a_picture_is_told_in_numbers_and_in_numbers_only(house):
    async with house.running() as agent:
        await ready(agent)
        done = await house.send("camera.measure", {"camera": "cam-1"})
        assert done.state == "succeeded", done
        numbers = done.result
        assert (len(numbers["zones"]), len(numbers["zones"][0]), len(numbers["histogram"])) == (9, 16, 256)
        assert numbers["signal"]["YMIN"] <= numbers["signal"]["YAVG"] <= numbers["signal"]["YMAX"]
        assert numbers["luminance"] == pytest.approx(sum(map(sum, numbers["zones"])) / 144, rel=0.01)
        assert numbers["reference_zones"] == [], "commissioning has not chosen any"
