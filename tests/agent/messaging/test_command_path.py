"""Commands over real brokers, asked for by plain paho as control software would."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from agent.messaging.dial import PROBE
from tests.agent.messaging.conftest import SmallAgent
from tests.brokers import Amqtt, Mosquitto, Plain, said
from tests.waiting import until

Make = Callable[..., SmallAgent]
Join = Callable[..., Plain]
DOWN = "studio/v1/hall/one/down/cmd"
UP = "studio/v1/hall/one/up/cmd"
SET = '{"args": {"targets": ["key"], "levels": {"intensity": 0.5}}}'


def final(topic: str) -> Callable[[Any], bool]:
    ends = ("succeeded", "failed", "cancelled", "rejected")
    return lambda m: m.topic == topic and bool(m.payload) and said(m)["state"] in ends


async def test_the_life_of_a_command_with_response_topic(mosquitto: Mosquitto, plain: Join, small_agent: Make) -> None:
    agent = await small_agent(mosquitto.port).start()
    desk = plain(mosquitto.port).subscribe("studio/reply/desk", f"{UP}/#")
    desk.publish(f"{DOWN}/lights.set/a1", SET, ResponseTopic="studio/reply/desk", CorrelationData=b"\x00\x01")
    await asyncio.to_thread(desk.wait, final("studio/reply/desk"))
    await asyncio.to_thread(desk.wait, final(f"{UP}/lights.set/a1"))
    replies = [m for m in desk.heard if m.topic == "studio/reply/desk"]
    assert [said(m)["state"] for m in replies] == ["accepted", "executing", "executing", "succeeded"]
    assert [said(m)["progress"] for m in replies] == [None, None, 0.5, None]
    assert {m.properties.CorrelationData for m in replies} == {b"\x00\x01"}
    last = said(replies[-1])
    assert last["id"] == "a1" and last["verb"] == "lights.set" and last["result"] == {"fixtures": ["key"]}
    states = [said(m)["state"] for m in desk.heard if m.topic == f"{UP}/lights.set/a1"]
    assert states == ["accepted", "executing", "executing", "succeeded"]
    assert agent.lights.effects == [("a1", {"intensity": 0.5})]


async def test_a_requester_without_correlation_data(mosquitto: Mosquitto, plain: Join, small_agent: Make) -> None:
    await small_agent(mosquitto.port).start()
    desk = plain(mosquitto.port).subscribe("studio/reply/desk")
    desk.publish(f"{DOWN}/ping/p1", "", ResponseTopic="studio/reply/desk")
    answer = said(await asyncio.to_thread(desk.wait, final("studio/reply/desk")))
    assert answer["state"] == "succeeded" and answer["result"]["running"] == 0


@pytest.mark.parametrize("broker", ["mosquitto", "amqtt"])
async def test_the_older_protocol_with_reply_to(
    broker: str, mosquitto: Mosquitto, amqtt_broker: Amqtt, plain: Join, small_agent: Make
) -> None:
    port, protocol = (mosquitto.port, "3.1.1") if broker == "mosquitto" else (amqtt_broker.port, "auto")
    agent = await small_agent(port, protocol=protocol).start()
    assert agent.bus.health.protocol == "3.1.1"
    desk = await asyncio.to_thread(plain, port, "3.1.1")
    await asyncio.to_thread(desk.subscribe, "studio/reply/desk", "studio/v1/hall/one/up/status")
    birth = await asyncio.to_thread(desk.wait, lambda m: m.topic.endswith("/up/status"))
    assert said(birth)["state"] == "online"
    body = json.dumps({**json.loads(SET), "reply_to": "studio/reply/desk"})
    await asyncio.to_thread(desk.publish, f"{DOWN}/lights.set/b1", body)
    answer = said(await asyncio.to_thread(desk.wait, final("studio/reply/desk")))
    assert answer["state"] == "succeeded" and len(agent.lights.effects) == 1
    await asyncio.to_thread(desk.publish, f"{DOWN}/Lights.Set/b2", body)  # no topic of ours: only the reply tells
    refused = said(await asyncio.to_thread(desk.wait, lambda m: said(m).get("id") == "b2"))
    assert (refused["state"], refused["code"]) == ("rejected", "unknown-verb")
    assert "did you mean 'lights.set'?" in refused["message"]["en"] and len(agent.lights.effects) == 1
    assert (await agent.bus.round_trip()).delivered is not None
    await agent.stop()
    await asyncio.to_thread(desk.wait, lambda m: m.topic.endswith("/status") and said(m)["reason"] == "stopped")


async def test_an_older_broker_that_falls_silent_is_waited_for_once(amqtt_broker: Amqtt, small_agent: Make) -> None:
    agent = await small_agent(amqtt_broker.port).start()
    amqtt_broker.hang_up()
    await until(lambda: not agent.bus.online.is_set())
    await until(agent.bus.online.is_set, PROBE / 2)
    assert agent.bus.health.protocol == "3.1.1"


async def test_a_broker_of_the_older_protocol_when_only_5_is_wanted(amqtt_broker: Amqtt, small_agent: Make) -> None:
    agent = await small_agent(amqtt_broker.port, protocol="5").start(online=False)
    await until(lambda: agent.bus.health.state == "offline")
    assert "3.1.1" in agent.bus.health.reason


BAD = {
    "malformed": (f"{DOWN}/lights.set/c1", "{", {}),
    "too-large": (f"{DOWN}/lights.set/c2", '{"issuer": "' + "x" * 16_000 + '"}', {}),
    "unknown-verb": (f"{DOWN}/lights.sett/c3", SET, {}),
    "invalid": (f"{DOWN}/lights.set/c4", '{"args": {"target": ["key"]}}', {}),
    "out-of-range": (f"{DOWN}/lights.set/c5", SET.replace("0.5", "1.5"), {}),
    "unknown-target": (f"{DOWN}/lights.set/c6", SET.replace("key", "ghost"), {}),
    "retained": (f"{DOWN}/lights.set/c7", SET, {"retain": True}),
    "expired": (f"{DOWN}/lights.set/c8", SET[:-1] + ', "expires_at": "2020-01-01T00:00:00Z"}', {}),
    "clock": (f"{DOWN}/lights.set/c9", SET[:-1] + ', "issued_at": "2099-01-01T00:00:00Z"}', {}),
}


@pytest.mark.parametrize("code", BAD)
async def test_what_is_wrong_is_refused_and_counted(
    code: str, mosquitto: Mosquitto, plain: Join, small_agent: Make
) -> None:
    agent = await small_agent(mosquitto.port).start()
    topic, body, more = BAD[code]
    desk = plain(mosquitto.port).subscribe("studio/reply/desk")
    desk.publish(topic, body, ResponseTopic="studio/reply/desk", **more)
    answer = said(await asyncio.to_thread(desk.wait, final("studio/reply/desk")))
    assert (answer["state"], answer["code"]) == ("rejected", code)
    assert answer["message"]["en"] and answer["message"]["zh"]
    assert agent.dispatcher.counters[f"rejected.{code}"] == 1
    desk.publish(f"{DOWN}/ping/after", "", ResponseTopic="studio/reply/desk")
    alive = await asyncio.to_thread(desk.wait, lambda m: said(m)["id"] == "after" and said(m)["state"] == "succeeded")
    assert said(alive)["result"] and not agent.lights.effects


async def test_a_retained_command_found_at_the_broker_is_refused(
    mosquitto: Mosquitto, plain: Join, small_agent: Make
) -> None:
    desk = plain(mosquitto.port).subscribe(f"{UP}/#")
    desk.publish(f"{DOWN}/lights.set/old", SET, retain=True)
    agent = await small_agent(mosquitto.port, protocol="3.1.1").start()
    answer = said(await asyncio.to_thread(desk.wait, final(f"{UP}/lights.set/old")))
    assert answer["code"] == "retained" and not agent.lights.effects


async def test_commands_wait_for_an_agent_that_is_away_and_stale_ones_do_not(
    mosquitto: Mosquitto, plain: Join, small_agent: Make
) -> None:
    await (first := await small_agent(mosquitto.port).start()).stop()
    desk = plain(mosquitto.port).subscribe(f"{UP}/#")
    desk.publish(f"{DOWN}/lights.set/w1", SET, MessageExpiryInterval=60)
    desk.publish(f"{DOWN}/lights.set/w2", SET, MessageExpiryInterval=1)
    sent = time.monotonic()
    await until(lambda: time.monotonic() - sent > 2.1)  # the broker's own clock has whole seconds
    second = await small_agent(mosquitto.port).start()
    await asyncio.to_thread(desk.wait, final(f"{UP}/lights.set/w1"))
    await second.bus.round_trip()
    assert [name for name, _ in second.lights.effects] == ["w1"] and not first.lights.effects


async def test_a_command_that_comes_again_is_answered_not_executed(
    mosquitto: Mosquitto, plain: Join, small_agent: Make
) -> None:
    agent = await small_agent(mosquitto.port).start()
    desk = plain(mosquitto.port).subscribe("studio/reply/desk")
    desk.publish(f"{DOWN}/lights.set/d1", SET, ResponseTopic="studio/reply/desk")
    await asyncio.to_thread(desk.wait, final("studio/reply/desk"))
    desk.publish(f"{DOWN}/lights.set/d1", SET, ResponseTopic="studio/reply/desk")
    again = said(await asyncio.to_thread(desk.wait, lambda m: said(m)["repeated"]))
    assert again["state"] == "succeeded" and again["result"] == {"fixtures": ["key"]}
    await agent.stop()
    later = await small_agent(mosquitto.port).start()
    desk.forget()
    desk.publish(f"{DOWN}/lights.set/d1", SET, ResponseTopic="studio/reply/desk")
    again = said(await asyncio.to_thread(desk.wait, lambda m: said(m)["repeated"]))
    assert again["state"] == "succeeded"
    desk.publish(f"{DOWN}/lights.set/d1", SET.replace("0.5", "0.6"), ResponseTopic="studio/reply/desk")
    other = said(await asyncio.to_thread(desk.wait, lambda m: said(m)["state"] == "rejected"))
    assert other["code"] == "duplicate"
    assert len(agent.lights.effects) == 1 and not later.lights.effects
    assert later.dispatcher.counters["repeated"] == 1


async def test_an_agent_is_not_made_to_command_others(mosquitto: Mosquitto, plain: Join, small_agent: Make) -> None:
    agent = await small_agent(mosquitto.port).start()
    other = "studio/v1/hall/two/down/cmd/reload/x"
    spy = plain(mosquitto.port).subscribe(other, f"{UP}/#")
    spy.publish(f"{DOWN}/lights.set/e1", SET, ResponseTopic=other)
    answer = said(await asyncio.to_thread(spy.wait, final(f"{UP}/lights.set/e1")))
    assert (answer["state"], answer["code"]) == ("rejected", "malformed")
    assert "response topic: replies never go below studio/v1" in answer["message"]["en"]
    spy.publish(f"{DOWN}/ping/e2", json.dumps({"reply_to": other}))
    assert said(await asyncio.to_thread(spy.wait, final(f"{UP}/ping/e2")))["code"] == "malformed"
    await agent.bus.round_trip()
    assert not [m for m in spy.heard if m.topic == other] and not agent.lights.effects
    assert agent.dispatcher.counters["rejected.malformed"] == 2


async def test_a_full_inbox_says_busy(mosquitto: Mosquitto, plain: Join, small_agent: Make) -> None:
    agent = small_agent(mosquitto.port)
    stuck, go = asyncio.Event(), asyncio.Event()
    receive = agent.dispatcher.receive

    async def slow(request: Any) -> None:
        stuck.set()
        await go.wait()
        await receive(request)

    agent.dispatcher.receive = slow  # type: ignore[method-assign]
    await agent.start()
    desk = plain(mosquitto.port, "3.1.1").subscribe(f"{UP}/#")
    agent.dispatcher.receive = receive  # type: ignore[method-assign]
    desk.publish(f"{DOWN}/look.apply/r1", '{"args": {"look": "warm"}}')
    await asyncio.wait_for(agent.lights.started.wait(), 10)
    agent.dispatcher.receive = slow  # type: ignore[method-assign]
    for number in range(300):  # QoS 0: the broker does not hold them back
        desk.client.publish(f"{DOWN}/lights.set/f{number}", SET, 0)
    await until(lambda: agent.bus.counters["inbox-full"] >= 1)
    busy = await asyncio.to_thread(desk.wait, lambda m: m.payload and said(m)["code"] == "busy")
    desk.client.publish(f"{DOWN}/look.apply/r1", '{"args": {"look": "warm"}}', 0)  # a copy of one that runs
    desk.client.publish(f"{DOWN}/lights.set/after", SET, 0)
    await asyncio.to_thread(desk.wait, final(f"{UP}/lights.set/after"))
    go.set()
    agent.lights.release.set()
    await asyncio.to_thread(desk.wait, final(f"{UP}/look.apply/r1"))
    assert {said(m)["state"] for m in desk.heard if m.topic.endswith("/r1") and m.payload} == {
        *("accepted", "executing", "succeeded")
    }
    await asyncio.to_thread(desk.wait, final(f"{UP}/lights.set/f0"))
    assert said(busy)["state"] == "rejected" and stuck.is_set()
    desk.forget()  # a broker that heard no acknowledgement brings it again
    desk.publish(busy.topic.replace("/up/", "/down/"), SET)
    again = await asyncio.to_thread(desk.wait, final(busy.topic))
    assert said(again)["code"] == "busy"
    assert said(busy)["id"] not in [name for name, _ in agent.lights.effects]
