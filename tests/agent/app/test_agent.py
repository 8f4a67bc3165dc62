"""The agent as a whole, on the virtual studio: who holds the lights, what survives, what a fault does and what not."""

import asyncio
import json
import threading

import pytest

from agent.app.agent import Agent
from agent.app.lock import StateLocked
from agent.app.telling import network_numbers
from agent.lighting.claims import Priority
from agent.lighting.memory import LastLook
from agent.messaging.client import Client
from config.load import load
from config.problems import ConfigError
from config.units import Attribute
from drivers.virtual.furnish import furnish
from drivers.virtual.lan import Lan
from drivers.virtual.twin import Fault
from tests.waiting import until

LIGHT = Attribute.INTENSITY


def level(agent, fixture="key"):
    return agent.rig.scene.levels(fixture, agent.now())[LIGHT]


async def test_it_starts_holds_the_first_look_and_ends_with_no_thread_left(house):
    before = set(threading.enumerate())
    async with house.running() as agent:
        await until(lambda: agent.bus.online.is_set())
        lanes = {t.name for t in threading.enumerate()} - {t.name for t in before}
        assert lanes - {"mqtt-connect"} == {"lane-disk", "lane-widget-1", "lane-cam-1", "lane-uplink", "lane-gateway"}
        await until(lambda: house.studio.twins["widget-1"].frames)
    assert house.exit == 0
    assert set(threading.enumerate()) <= before  # of those, some that others left may have ended meanwhile


async def test_without_a_broker_the_lights_work_all_the_same(brokerless):
    async with brokerless.running() as agent:
        await until(lambda: level(agent) > 0.3)
        await until(lambda: brokerless.studio.twins["widget-1"].frames.get(1, b"\0")[0] > 60)
        await until(lambda: agent.bus.health.state == "offline")
        assert "refused" in agent.bus.health.reason.lower()


async def test_the_last_look_comes_back_after_a_restart_and_nothing_darker_is_ever_sent(house):
    async with house.running() as agent:
        house.air(on_air=False)
        await house.send("exposure.set", {"mode": "watch"})
        answer = await house.send("lights.set", {"targets": ["key"], "levels": {"intensity": 0.9}})
        assert answer.state == "succeeded"
        shown = house.studio.twins["widget-1"].frames[1]
    sent = []
    house.studio.frame_listeners.append(lambda universe, frame: sent.append(frame[0]))
    async with house.running() as agent:
        await until(lambda: sent)
        assert level(agent) == pytest.approx(0.9)
        assert agent.rig.holder("key")[:2] == ("hand", Priority.MANUAL)
    assert min(sent) >= shown[0] - 1


async def test_a_damaged_memory_is_put_aside_and_the_lights_come_up_anyway(house):
    state = house.folder / "state"
    state.mkdir()
    (state / "look.json").write_text("{ half a fi")
    async with house.running() as agent:
        await until(lambda: level(agent) > 0.3)
    assert (state / "look.json.damaged-1").read_text() == "{ half a fi"


async def test_an_unplugged_widget_is_an_alert_and_comes_back_with_the_same_look(house):
    async with house.running() as agent:
        await house.send("exposure.set", {"mode": "watch"})
        await until(lambda: agent.rig.unmoved(agent.now()))
        shown = house.studio.twins["widget-1"].frames[1]
        house.studio.fault("widget-1", Fault.UNPLUG)
        await until(lambda: "output.widget-1.offline" in [alert.key for alert in agent.alerts.open])
        await until(lambda: house.state("fixture", "key")["health"] == "offline")
        answer = await house.send("lights.set", {"targets": ["back"], "levels": {"intensity": 0.4}})
        assert (answer.state, answer.code) == ("failed", "offline")
        shown = agent.rig.scene.frame(1, 1e9)
        house.studio.heal("widget-1")
        await until(lambda: agent.devices.outputs["widget-1"].lane.health.state == "ok")
        await until(lambda: house.studio.twins["widget-1"].frames.get(1) == shown)
        await until(lambda: not [alert for alert in agent.alerts.open if "widget" in alert.key], 20)


async def test_a_missing_port_and_a_dead_camera_leave_everything_else_running(house):
    async with house.running():
        pass
    house.change('port = "usb:EN-DEMO"', 'port = "/dev/not-there"')
    house.change('source = "virtual:cam-1"', 'source = "virtual:no-such-camera"')
    async with house.running() as agent:
        await until(lambda: house.state("output", "widget-1")["health"] == "offline")
        await until(lambda: house.state("camera", "cam-1")["health"] == "offline")
        assert "/dev/not-there" in house.state("output", "widget-1")["reason"]
        await until(lambda: agent.devices.probes["uplink"].watch.statistics().count > 3)
        assert (await house.send("ping", {})).state == "succeeded"


async def test_visible_commands_need_a_fresh_off_air(house):
    async with house.running() as agent:
        refused = await house.send("identify", {"fixture": "back", "seconds": 1})
        assert (refused.state, refused.code) == ("rejected", "on-air")
        house.air(on_air=False, age=60)
        assert agent.on_air(), "an old message opened the interlock"
        house.air(on_air=False, age=-3600)
        assert agent.on_air(), "a message from the future opened the interlock"
        house.air(on_air=False)
        assert not agent.on_air()
        before = agent.rig.scene.targets("back")
        done = await house.send("identify", {"fixture": "back", "seconds": 1})
        assert done.state == "succeeded"
        assert agent.rig.scene.targets("back") == before


async def test_going_on_air_ends_an_identify(house):
    async with house.running() as agent:
        house.air(on_air=False)
        begun = asyncio.create_task(house.send("identify", {"fixture": "back", "seconds": 60}))
        await until(lambda: agent.rig.scene.settled > agent.now())
        house.air(on_air=True)
        ended = await asyncio.wait_for(begun, 5.0)
        assert ended.code == "on-air", ended


async def test_going_on_air_halves_the_speed_of_everything(house):
    async with house.running() as agent:
        await house.send("exposure.set", {"mode": "watch"})
        house.air(on_air=False)
        house.air(on_air=True)
        await until(lambda: agent.rig.unmoved(agent.now()))
        begun = agent.now()
        start = level(agent, "back")
        await house.send("lights.set", {"targets": ["back"], "levels": {"intensity": 1.0}})
        assert agent.now() - begun >= (1.0 - start) / 0.35


async def test_a_reload_changes_what_changed_and_leaves_the_rest_running(house):
    async with house.running() as agent:
        await until(lambda: agent.devices.cameras["cam-1"].lane.health.state == "ok")
        camera, widget = agent.devices.cameras["cam-1"], agent.devices.outputs["widget-1"]
        await until(lambda: agent.rig.unmoved(agent.now()))
        shown = agent.rig.scene.targets("back")[Attribute.INTENSITY]
        house.change("rate = 10.0", "rate = 5.0")
        house.change("[fixtures.back]", "[fixtures.rim]")
        house.change("back = { intensity = 0.4 }", "rim = { intensity = 0.4 }")
        house.change("back = { intensity = 0.2 }", "rim = { intensity = 0.2 }")
        assert (await house.send("reload", {})).state == "succeeded"
        assert agent.devices.outputs["widget-1"] is widget
        assert agent.devices.cameras["cam-1"] is not camera
        assert not camera.lane.alive
        assert set(agent.rig.fixtures) == {"key", "fill", "rim"}
        assert agent.rig.scene.targets("rim")[Attribute.INTENSITY] == pytest.approx(shown, abs=0.01) and shown > 0.1
        assert agent.topics.state("fixture", "back") not in agent.bus.board


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("address = 5", "address = 2", "overlap"),
        ("address = 5", "addres = 5", "did you mean 'address'?"),
        ('name = "studio"', 'name = "other"', "restart the agent"),
    ],
)
async def test_a_reload_that_is_refused_changes_nothing(house, old, new, said):
    async with house.running() as agent:
        rig, config = agent.rig, agent.config
        house.change(old, new)
        with pytest.raises(ConfigError, match=said.replace("?", r"\?")):
            await agent.reload()
        assert agent.rig is rig
        assert agent.config is config


async def test_two_agents_never_share_a_state_folder(house):
    async with house.running():
        second = Agent(load(house.file, house.environ), house.studio)
        with pytest.raises(StateLocked, match="another agent"):
            await second.run()


async def test_a_bug_in_a_lane_ends_the_agent_with_the_code_that_has_it_restarted(house):
    async with house.running() as agent:
        camera = agent.devices.cameras["cam-1"]
        camera.watch.period = "not a number"  # type: ignore[assignment]
        camera.lane.wake()
        await until(lambda: agent._stop.is_set())
    assert house.exit == 70


async def test_a_look_with_a_fade_is_told_while_it_runs_and_when_it_has_arrived(house):
    async with house.running() as agent:
        await house.send("exposure.set", {"mode": "watch"})
        house.air(on_air=False)
        task = asyncio.create_task(house.send("look.apply", {"look": "soft", "fade": 2.0}))
        await until(lambda: house.state("fixture", "key")["target"]["intensity"] == 0.35)
        assert house.state("fixture", "key")["fade_remaining"] > 0.5
        assert (await task).state == "succeeded"
        assert level(agent) == pytest.approx(0.35)
        await until(lambda: house.state("fixture", "key")["fade_remaining"] == 0)


async def test_a_cancelled_fade_stays_where_it_is(house):
    async with house.running() as agent:
        await house.send("exposure.set", {"mode": "watch"})
        task = asyncio.create_task(
            house.send("lights.set", {"targets": ["back"], "levels": {"intensity": 1.0}, "fade": 30})
        )
        await until(lambda: agent.dispatcher.running)
        await until(lambda: level(agent, "back") > 0.41)
        cancelled = await house.send("command.cancel", {"id": agent.dispatcher.running[0]})
        assert cancelled.state == "succeeded"
        assert (await task).state == "cancelled"
        stays = level(agent, "back")
        assert agent.rig.scene.targets("back")[LIGHT] == pytest.approx(stays)
        assert 0.4 < stays < 0.9


async def test_a_command_whose_lights_another_took_says_so(house):
    async with house.running() as agent, Client(agent.config.mqtt, issuer="second") as rival:
        await house.send("exposure.set", {"mode": "watch"})
        levels = {"targets": ["back"], "levels": {"intensity": 0.0}, "fade": 4.0}
        first = asyncio.create_task(house.send("lights.set", levels, issuer="first"))
        await until(lambda: house.state("fixture", "back")["target"]["intensity"] == 0.0)
        other = {"targets": ["back"], "levels": {"intensity": 0.5}}
        second = [answer async for answer in rival.send("demo", "studio", "lights.set", other)]
        assert second[-1].state == "succeeded"
        answer = await first
        assert (answer.state, answer.code) == ("failed", "superseded")
        assert "second" in answer.message.en


async def test_a_look_that_the_loop_trims_has_succeeded(house):
    async with house.running() as agent:
        house.air(on_air=False)
        await until(lambda: agent.exposure.now_state.holding == ("key", "fill"), 20)
        house.studio.world.daylight = 0.0
        answer = await house.send("look.apply", {"look": "soft", "fade": 1.0})
        assert answer.state == "succeeded"
        assert agent.rig.look("key")[LIGHT] == 0.35


async def test_a_released_light_is_told_to_be_free_though_it_does_not_move(house):
    async with house.running():
        await house.send("exposure.set", {"mode": "watch"})
        await house.send("lights.set", {"targets": ["back"], "levels": {"intensity": 0.5}}, issuer="alice")
        await until(lambda: (house.state("fixture", "back")["held_by"] or {}).get("owner") == "alice")
        await house.send("lights.release", {"targets": ["back"]})
        await until(lambda: house.state("fixture", "back")["held_by"] is None)


async def test_killed_in_a_fade_the_lights_go_on_from_where_they_were(house):
    async with house.running() as agent:
        await house.send("exposure.set", {"mode": "watch"})
        fade = asyncio.create_task(
            house.send("lights.set", {"targets": ["back"], "levels": {"intensity": 1.0}, "fade": 20})
        )
        await until(lambda: level(agent, "back") > 0.5)
        look = house.folder / "state/look.json"
        await until(
            lambda: look.exists() and LastLook.model_validate_json(look.read_bytes()).shown["back"][LIGHT] > 0.45
        )
        stored = LastLook.model_validate_json(look.read_bytes())
        fade.cancel()
    assert 0.45 < stored.shown["back"][LIGHT] < 0.75
    assert stored.going["back"][LIGHT] == 1.0
    look.write_text(stored.model_dump_json())
    house.change("[air]", "[safety]\nslew_on_air = 0.02\n\n[air]")  # a slow start must not look like a jump
    async with house.running() as agent:
        begun = level(agent, "back")
        assert stored.shown["back"][LIGHT] <= begun < stored.shown["back"][LIGHT] + 0.25
        assert agent.rig.scene.targets("back")[LIGHT] == 1.0
        await until(lambda: level(agent, "back") > begun)


async def test_a_disk_that_takes_nothing_is_an_alert_and_stops_neither_lights_nor_tests(house):
    state = house.folder / "state"
    (state / "look.json.new").mkdir(parents=True)  # where a new look would be written
    (state / "reports").write_text("in the way")
    test = {"depth": "quick", "only": ["AGT-*"]}
    async with house.running() as agent:
        await until(lambda: "host.storage" in [alert.key for alert in agent.alerts.open])
        lit = await house.send("lights.set", {"targets": ["key"], "levels": {"intensity": 0.5}})
        assert lit.state == "succeeded"
        tested = await house.send("selftest.start", test)
        assert (tested.state, tested.result["stored"]) == ("succeeded", False), tested.message
        told = json.loads(agent.bus.board[agent.topics.alert("host.storage")])
        assert told["level"] == "warning" and "look.json" in told["text"]["en"]
        (state / "look.json.new").rmdir()
        (state / "reports").unlink()
        tested = await house.send("selftest.start", test)
        assert tested.result["stored"] is True
        await until(lambda: "host.storage" not in agent.alerts.keys, 20)
    assert LastLook.model_validate_json((state / "look.json").read_bytes()).shown["key"][LIGHT] == 0.5


async def test_a_probe_that_cannot_measure_gives_no_numbers_and_one_that_loses_its_answers_says_so(house):
    house.studio = furnish(load(house.file, house.environ), lan=Lan(loss=1.0))
    async with house.running() as agent:
        probe = agent.devices.probes["uplink"]
        await until(lambda: probe.lane.health.state == "offline")
        numbers = network_numbers(probe)
        assert {name for name, value in numbers.items() if value is not None} == {"probes", "lost"}
        assert numbers["probes"] == numbers["lost"] == 0
        house.studio.lan.loss = 0.0
        await until(lambda: probe.watch.statistics().count >= 3)
        house.studio.lan.loss = 1.0
        await until(lambda: probe.watch.statistics().lost >= 3)
        numbers = network_numbers(probe)
        assert numbers["rtt_ms"] is None and numbers["rtt_p95_ms"] > 0
        assert numbers["lost"] >= 3 and numbers["loss_percent"] > 0 and numbers["outage_s"] > 0.4
