"""lights.stop, lights.stop.reset, lights.master over the broker."""

import asyncio
import json
import os

import pytest

from agent.__main__ import main
from agent.lighting.claims import Priority
from config.units import Attribute
from tests.waiting import until

LIGHT = Attribute.INTENSITY


def shown(agent, name="key"):
    return agent.rig.scene.levels(name, agent.now())[LIGHT]


def alert(agent):
    topic = agent.topics.alert("lights.stopped")
    return json.loads(agent.bus.board[topic]) if topic in agent.bus.board else None


async def test_a_stop_freezes_all_refuses_all_and_is_seen(house):
    async with house.running() as agent:
        house.air(on_air=False)
        events = []
        agent.bus.listeners.append(lambda topic, payload: topic.endswith("up/event") and events.append(payload))
        fading = asyncio.create_task(
            house.send("lights.set", {"targets": ["key"], "levels": {"intensity": 1}, "fade": 30})
        )
        await until(lambda: agent.rig.holder("key") is not None)
        stopped = await house.send("lights.stop", {}, issuer="desk")
        assert stopped.state == "succeeded" and stopped.result["stopped_by"] == "desk"
        ended = await fading
        assert (ended.state, ended.code) == ("failed", "stopped") and "desk" in ended.message.en
        frozen = {name: shown(agent, name) for name in agent.rig.fixtures}
        assert agent.rig.unmoved(agent.now()) and not agent.rig.claims(Priority.LOOP)
        for verb, args in (
            ("lights.set", {"targets": ["all"], "levels": {"intensity": 0.1}}),
            ("look.apply", {"look": "soft"}),
            ("lights.release", {}),
            ("lights.master", {"level": 0.5}),
            ("identify", {"fixture": "back"}),
            ("selftest.start", {"depth": "full"}),
            ("maintenance.rebaseline", {"targets": ["all"], "reason": "cleaned"}),
        ):
            refused = await house.send(verb, args)
            assert (refused.state, refused.code) == ("rejected", "stopped"), verb
        seen = agent.exposure.now_state
        await until(lambda: agent.exposure.now_state is not seen)
        assert {name: shown(agent, name) for name in agent.rig.fixtures} == frozen
        await until(
            lambda: house.state("fixture", "back")["held_by"] == {"owner": "desk", "priority": "stop", "until": None}
        )
        assert house.state("lights", "all")["stopped_by"] == "desk"
        await until(lambda: alert(agent) is not None)
        assert alert(agent)["state"] == "firing" and "desk" in alert(agent)["text"]["zh"]
        assert "lights.stopped" in [event.name for event in events]
        reset = await house.local("lights.stop.reset", {}, issuer="chief")
        assert reset.result == {"stopped_by": "desk"}
        assert shown(agent, "back") == frozen["back"] and agent.rig.holder("key").owner == "hand"
        await until(lambda: alert(agent) is None and house.state("lights", "all")["stopped_by"] == "")
        assert (await house.local("lights.stop.reset", {})).code == "unknown-target"


async def test_a_stop_outlives_a_restart_and_a_reload(house):
    async with house.running() as agent:
        await house.send("lights.set", {"targets": ["back"], "levels": {"intensity": 0.33}})
        await house.send("lights.stop", {}, issuer="desk")
        frozen = {name: shown(agent, name) for name in agent.rig.fixtures}
    async with house.running() as agent:
        assert agent.rig.stopped == "desk"
        assert {name: shown(agent, name) for name in agent.rig.fixtures} == pytest.approx(frozen)
        assert (await house.send("reload", {})).state == "succeeded"
        assert agent.rig.stopped == "desk" and (await house.send("lights.release", {})).code == "stopped"
        assert (await house.local("lights.stop.reset", {})).state == "succeeded"
        assert {name: shown(agent, name) for name in agent.rig.fixtures} == pytest.approx(frozen)


async def test_a_stop_ends_a_full_selftest(house):
    async with house.running() as agent:
        house.air(on_air=False)
        await house.send("exposure.set", {"mode": "watch"})
        await until(lambda: agent.devices.cameras["cam-1"].lane.health.state == "ok")
        test = asyncio.create_task(house.send("selftest.start", {"depth": "full", "only": ["LGT-*"]}))
        await until(lambda: agent.rig.claims(Priority.TEST), 20)
        stopped = await house.send("lights.stop", {})
        ended = await test
        assert ended.state == "cancelled" and stopped.result["test"] == ended.id
        assert {claim.owner for claim in agent.rig.claims(Priority.STOP)} == {"hand"} and agent.rig.unmoved(agent.now())


async def test_the_grand_master_dims_everything_and_is_kept(house):
    async with house.running() as agent:
        house.air(on_air=False)
        await until(lambda: agent.exposure.now_state.holding, 20)
        await house.send("lights.set", {"targets": ["back"], "levels": {"intensity": 0.8}})
        dimmed = await house.send("lights.master", {"level": 0.5})
        assert dimmed.state == "succeeded" and dimmed.result == {"master": 0.5}
        assert shown(agent, "back") == pytest.approx(0.4)
        await until(lambda: "grand master" in agent.exposure.now_state.why)
        assert not agent.rig.claims(Priority.LOOP)
        # what is set now is set below the master, and arrives
        again = await house.send("lights.set", {"targets": ["back"], "levels": {"intensity": 0.6}})
        assert again.state == "succeeded" and shown(agent, "back") == pytest.approx(0.3)
    async with house.running() as agent:
        assert shown(agent, "back") == pytest.approx(0.3) and agent.rig.master == 0.5
        assert (await house.send("lights.master", {"level": 1})).state == "succeeded"
        assert shown(agent, "back") == pytest.approx(0.6) and house.state("lights", "all")["master"] == 1


async def test_a_cancelled_grand_master_stays_where_it_came_to(house):
    async with house.running() as agent:
        house.air(on_air=False)
        await house.send("exposure.set", {"mode": "watch"})
        await house.send("lights.set", {"targets": ["back"], "levels": {"intensity": 1}})
        dimming = asyncio.create_task(house.send("lights.master", {"level": 0, "fade": 20}))
        await until(lambda: shown(agent, "back") < 0.95, 10)
        under_way = next(iter(agent.dispatcher.running))
        await house.send("command.cancel", {"id": under_way})
        assert (await dimming).state == "cancelled"
        await until(lambda: agent.rig.unmoved(agent.now()))
        assert 0.5 < agent.rig.master < 0.95 and shown(agent, "back") == pytest.approx(agent.rig.master)


async def test_a_stop_is_ended_on_this_machine_and_not_by_whoever_may_stop(house, monkeypatch, capsys):
    for name, value in house.environ.items():
        monkeypatch.setenv(name, value)
    here = ["send", "--local", "-c", str(house.file)]
    async with house.running() as agent:
        await house.send("lights.stop", {}, issuer="desk")
        refused = await house.send("lights.stop.reset", {}, issuer="desk")
        assert (refused.state, refused.code) == ("rejected", "forbidden") and agent.rig.stopped == "desk"
        assert await asyncio.to_thread(main, [*here, "lights.stop.reset"]) == 0
        assert agent.rig.stopped == "" and "succeeded" in capsys.readouterr().out
    assert await asyncio.to_thread(main, [*here, "ping"]) == os.EX_UNAVAILABLE
    assert "does the agent run" in capsys.readouterr().err
    assert main([*here, "--site", "x", "ping"]) == os.EX_USAGE
