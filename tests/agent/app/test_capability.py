"""What the agent says it can do is what it does; measuring on request; exposure handed back."""

import asyncio
import json
import re
from pathlib import Path

from structlog.testing import capture_logs

from agent.lighting.claims import Priority
from agent.messaging import examples
from agent.messaging.client import Client
from agent.messaging.commands import ARGS
from config.load import load
from drivers.virtual.furnish import furnish
from drivers.virtual.lan import Lan
from tests.agent.app.conftest import House
from tests.brokers import saying
from tests.waiting import until

MQTT = Path(__file__).parents[3] / "docs" / "mqtt.md"


def capability(agent):
    return json.loads(agent.bus.board[agent.topics.capability])


async def test_the_capability_message_lists_exactly_what_the_dispatcher_takes(house):
    async with house.running() as agent:
        said = capability(agent)
        listed = {entry["verb"]: entry for entry in said["verbs"]}
        assert {*listed, *said["missing"]} == set(agent.dispatcher.verbs) == set(ARGS)
        assert not said["missing"].keys() & listed.keys()
        for verb, entry in listed.items():
            schema = entry["args"]
            assert schema["additionalProperties"] is False
            assert set(schema.get("required", ())) <= set(examples.COMMANDS[verb]) <= set(schema["properties"])
            refers = set(re.findall(r"#/\$defs/(\w+)", json.dumps(schema)))
            assert refers == set(schema.get("$defs", ()))  # whole in itself
        assert listed["identify"]["off_air_only"] and not listed["lights.set"]["off_air_only"]
        asked = re.search(r"\*\*A question\*\* \((.*?)\)", MQTT.read_text(encoding="utf-8"))
        assert asked and re.findall("`(.*?)`", asked[1]) == [
            verb for verb in sorted(listed) if listed[verb]["question"]
        ]
        await until(agent.bus.online.is_set)
        async with Client(agent.config.mqtt, issuer="hand") as client:
            message = await anext(client.watch(agent.topics.capability))
        assert message.retain and json.loads(message.payload) == said


async def test_what_it_lacks_is_left_out_with_the_reason_and_comes_with_a_reload(house):
    text = house.file.read_text(encoding="utf-8")
    begin = text.index("[exposure]")
    end = text.index("\n[", begin)
    house.file.write_text(text[:begin] + text[end:], encoding="utf-8")
    async with house.running() as agent:
        lacking = capability(agent)["missing"]
        assert lacking["exposure.set"] == lacking["exposure.release"] == "the configuration has no [exposure]"
        answer = await house.send("exposure.release", {})
        assert (answer.state, answer.code) == ("rejected", "unsupported") and "[exposure]" in answer.message.en
        house.file.write_text(text, encoding="utf-8")
        assert (await house.send("reload", {})).state == "succeeded"
        assert "exposure.release" in {entry["verb"] for entry in capability(agent)["verbs"]}


async def test_a_broker_that_takes_only_1_kb_is_told_what_it_can_not_read(tmp_path, start_mosquitto, plain):
    narrow = start_mosquitto("max_packet_size 1024")
    house = House(tmp_path, narrow.port)
    with capture_logs() as logged:
        async with house.running() as agent:
            await until(agent.bus.online.is_set)
            large = agent.topics.capability
            assert len(agent.bus.board[large]) > 10_000
            desk = plain(narrow.port).subscribe(agent.topics.status, f"{agent.topics.prefix}/up/state/#", large)
            status = saying(agent.topics.status, lambda s: s["ready"] and large in json.dumps(s["degraded"]))
            said = json.loads((await asyncio.to_thread(desk.wait, status)).payload)
            assert said["state"] == "online" and "too-large" in [one["code"] for one in said["degraded"]]
            await until(lambda: large in agent.bus.health.reason)
            # it goes on: commands, their ends, and the states that fit
            done = await house.send("lights.set", {"targets": ["key"], "levels": {"intensity": 0.3}})
            assert done.state == "succeeded"
            key = saying(agent.topics.state("fixture", "key"), lambda s: s["levels"]["intensity"] == 0.3)
            await asyncio.to_thread(desk.wait, key)
            assert not [message for message in desk.heard if message.topic == large]
            assert [(line["bytes"], line["most"]) for line in logged if line.get("topic") == large] == [
                (len(agent.bus.board[large]), 1024)
            ]
            # and at one that takes more, nothing is missing
            narrow._lines = ()
            await asyncio.to_thread(narrow.stop)
            await asyncio.to_thread(narrow.start)
            late = (await asyncio.to_thread(plain, narrow.port)).subscribe(large)
            whole = await asyncio.to_thread(late.wait, saying(large))
            assert json.loads(whole.payload)["verbs"] == capability(agent)["verbs"]
            await until(lambda: "too-large" not in [one.code for one in agent.bus.standing.now])


async def test_a_probe_measures_at_once_when_asked(house):
    house.change("interval = 0.2", "interval = 3600")
    house.studio = furnish(load(house.file, house.environ), lan=Lan(delay=0.003))
    async with house.running() as agent:
        await until(lambda: agent.devices.probes["uplink"].lane.health.state == "ok")
        answer = await house.send("probe.now", {"probe": "uplink", "count": 7})
        assert answer.state == "succeeded" and answer.result["probes"] == 7
        assert answer.result["lost"] == 0 and 6 <= answer.result["rtt_p50_ms"] <= answer.result["rtt_max_ms"]
        house.studio.lan.loss = 1.0
        answer = await house.send("probe.now", {"probe": "uplink", "count": 1})
        assert answer.result["loss_percent"] == 100 and answer.result["rtt_p50_ms"] is None
        unknown = await house.send("probe.now", {"probe": "uplnk"})
        assert unknown.code == "unknown-target" and "uplink" in unknown.message.en


async def test_exposure_is_handed_back_and_its_lights_hold(house):
    async with house.running() as agent:
        house.air(on_air=False)
        await until(lambda: agent.exposure.now_state.holding == ("key", "fill"), 20)
        answer = await house.send("exposure.release", {"mode": "advise"})
        assert answer.result["released"] == ["fill", "key"] and answer.result["mode"] == "advise"
        assert not agent.rig.claims(Priority.LOOP) and agent.exposure.mode == "advise"
        before = agent.rig.scene.targets("key")
        seen = agent.exposure.now_state
        await until(lambda: agent.exposure.now_state is not seen)
        assert agent.rig.scene.targets("key") == before
