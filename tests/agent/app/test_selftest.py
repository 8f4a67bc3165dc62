"""Self-tests by command, through the whole agent: MQTT in, lights and camera of the virtual studio, a verdict out."""

import asyncio
import sqlite3
import threading
from contextlib import closing

from agent.selftest import baseline
from agent.selftest.checks import bench
from agent.selftest.store import ReportStore
from tests.waiting import until

LIGHT = {"depth": "full", "only": [f"LGT-0{number}:back" for number in (1, 2, 3, 4, 5, 7)]}
"""All but how long the light takes: that is for the machine the tests happen to run on."""


async def test_what_was_accepted_is_the_yardstick_of_the_next_test(house, monkeypatch):
    monkeypatch.setattr(bench, "LEVELS", (0.5, 1.0))
    house.change('source = "mqtt"', 'source = "never"')
    async with house.running() as agent:
        await until(agent.bus.online.is_set)
        await until(lambda: agent.devices.cameras["cam-1"].watch.latest is not None)
        healthy = await house.send("selftest.start", LIGHT)
        assert healthy.state == "succeeded", healthy.message
        assert healthy.result["verdict"] == "pass"
        assert baseline.kept(agent.config.agent.state_dir) is None
        said = await house.send("maintenance.accept", {"targets": ["back"], "reason": "all is well"})
        assert said.result == {"report": healthy.result["id"], "accepted": ["back"], "left_out": {}}
        assert baseline.read(agent.config.agent.state_dir, "cam-1").reference().runs == {"back": 1}
        house.studio.world.fault("back", "dim")
        dim = await house.send("selftest.start", LIGHT)
        assert (dim.result["verdict"], dim.result["worst"]) == ("fail", ["LGT-02:back"])
        assert baseline.read(agent.config.agent.state_dir, "cam-1").reference().runs == {"back": 1}


async def test_a_decision_that_was_changed_behind_the_agents_back_is_found_while_it_runs(house):
    async with house.running() as agent:
        for _ in range(3):
            done = await house.send("lights.set", {"targets": ["key"], "levels": {"intensity": 0.3}})
            assert done.state == "succeeded"
        await until(lambda: agent.trust.file.head[0] >= 6)
        only = {"depth": "quick", "only": ["AGT-02"]}
        assert (await house.send("selftest.start", only)).result["verdict"] == "pass"
        with closing(sqlite3.connect(agent.config.agent.state_dir / "trust.sqlite")) as db:
            db.execute("update audit set body = replace(body, 'lights.set', 'lights.stop') where n = 4")
            db.commit()
        answer = await house.send("selftest.start", only)
        assert (answer.result["verdict"], answer.result["worst"]) == ("fail", ["AGT-02:agent"]), answer.result
        (check,) = ReportStore(agent.config.agent.state_dir).latest().checks
        assert "record 4 was changed" in check.said.en


async def test_an_agent_that_is_stopped_in_a_test_brings_the_look_back_first(house):
    house.change('source = "mqtt"', 'source = "never"')
    async with house.running() as agent:
        await house.send("exposure.set", {"mode": "watch"})
        await until(lambda: agent.devices.cameras["cam-1"].watch.latest is not None)
        await until(lambda: agent.rig.unmoved(agent.now()))
        look = agent.rig.scene.frame(1, 1e9)
        test = asyncio.create_task(house.send("selftest.start", LIGHT))
        await until(lambda: house.studio.twins["widget-1"].frames[1][0] == 0, 30)
    assert house.studio.twins["widget-1"].frames[1] == look
    test.cancel()


async def test_an_agent_that_is_stopped_in_a_test_waits_for_a_wire_that_lags(house, monkeypatch):
    house.change('source = "mqtt"', 'source = "never"')
    async with house.running() as agent:
        await house.send("exposure.set", {"mode": "watch"})
        await until(lambda: agent.devices.cameras["cam-1"].watch.latest is not None)
        await until(lambda: agent.rig.unmoved(agent.now()))
        look = agent.rig.scene.frame(1, 1e9)
        test = asyncio.create_task(house.send("selftest.start", LIGHT))
        await until(lambda: house.studio.twins["widget-1"].frames[1][0] == 0, 30)
        driver, open_again = agent.devices.outputs["widget-1"].lane.driver, threading.Event()
        send = driver.send
        monkeypatch.setattr(driver, "send", lambda universe, frame: open_again.wait(20) and send(universe, frame))
        agent.stop()
        await until(lambda: agent.rig.unmoved(agent.now() - 0.5) and agent.rig.scene.frame(1, 1e9) == look)
        open_again.set()
    assert house.studio.twins["widget-1"].frames[1] == look
    test.cancel()
