"""Brokers that give little, late, twice or nothing: named in status and health, and nothing is lost silently.

Wrong credentials are in test_bus, certificates in test_tls.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.messaging import standing
from agent.messaging.header import decode
from agent.messaging.lifecycle import State
from agent.messaging.outbox import TOO_LARGE
from agent.messaging.payloads import Answer, DeviceEntry, Event, Inventory
from agent.messaging.standing import Facts, degraded
from agent.messaging.topics import Keep
from tests.agent.messaging.conftest import SmallAgent
from tests.brokers import Amqtt, Mosquitto, Plain, said, saying
from tests.crooked import crooked
from tests.waiting import until

Make = Callable[..., SmallAgent]
Join = Callable[..., Plain]
STATUS = "studio/v1/hall/one/up/status"
EVENT = "studio/v1/hall/one/up/event"


def codes(status: dict[str, Any]) -> list[str]:
    return [one["code"] for one in status["degraded"]]


def happen(agent: SmallAgent, *names: str, **fields: Any) -> None:
    for name in names:
        agent.bus.publish(agent.topics.event, Event(name=name, fields=fields))


async def test_receive_maximum_1_is_named_and_everything_arrives_in_order(
    start_mosquitto: Callable[..., Mosquitto], plain: Join, small_agent: Make
) -> None:
    broker = start_mosquitto("max_inflight_messages 1")
    desk = plain(broker.port).subscribe(EVENT, STATUS)
    agent = await small_agent(broker.port).start()
    birth = said(await asyncio.to_thread(desk.wait, saying(STATUS)))
    assert codes(birth) == ["narrow"] and "max_inflight_messages" in birth["degraded"][0]["text"]["en"]
    names = [f"n.{number}" for number in range(100)]
    happen(agent, *names)
    await asyncio.to_thread(desk.wait, saying(EVENT, lambda e: e["name"] == names[-1]))
    heard = [said(m) for m in desk.heard if m.topic == EVENT]
    assert [e["name"] for e in heard] == names and [e["nth"] for e in heard] == list(range(1, 101))


async def test_a_maximum_packet_size_of_1_kb_names_what_does_not_fit(
    start_mosquitto: Callable[..., Mosquitto], plain: Join, small_agent: Make, tmp_path: Path
) -> None:
    broker = start_mosquitto("max_packet_size 1024")
    desk = plain(broker.port).subscribe(EVENT, STATUS)
    agent = await small_agent(broker.port).start()
    many = tuple(DeviceEntry(kind="output", name=f"widget-{number}") for number in range(100))
    agent.bus.board.put(agent.topics.inventory, Inventory(devices=many))
    happen(agent, "too.long", text="x" * 2000)
    happen(agent, "short.one")
    await asyncio.to_thread(desk.wait, saying(EVENT, lambda e: e["name"] == "short.one"))
    wanted = lambda s: set(codes(s)) >= {"too-large", "dead-letters"}  # noqa: E731
    await until(lambda: {one.code for one in agent.bus.standing.now} >= {"too-large", "dead-letters"})
    assert agent.topics.inventory in agent.bus.health.reason and "1024 bytes" in agent.bus.health.reason
    await asyncio.to_thread(desk.wait, saying(STATUS, wanted))
    await until(lambda: agent.bus.outbox.waiting == 0)
    await agent.stop()
    with sqlite3.connect(tmp_path / "outbox.sqlite") as file:
        ((topic, body, code),) = file.execute("select topic, body, code from refused").fetchall()
    assert topic == EVENT and decode(Event, body).name == "too.long" and code == TOO_LARGE


async def test_the_end_of_a_command_is_told_though_its_result_does_not_fit(
    start_mosquitto: Callable[..., Mosquitto], plain: Join, small_agent: Make
) -> None:
    broker = start_mosquitto("max_packet_size 1024")
    agent = await small_agent(broker.port).start()
    topic = agent.topics.answer("config.get", "c-1")
    desk = plain(broker.port).subscribe(topic)
    agent.bus.answer(Answer(id="c-1", verb="config.get", state=State.ACCEPTED))
    long = {"json": "x" * 5000}
    agent.bus.answer(Answer(id="c-1", verb="config.get", state=State.SUCCEEDED, result=long))
    end = said(await asyncio.to_thread(desk.wait, saying(topic, lambda a: a["state"] == "succeeded")))
    assert end["result"] == {} and "Maximum Packet Size" in end["message"]["en"] and end["message"]["zh"]
    await until(lambda: agent.bus.outbox.waiting == 0)
    late = plain(broker.port).subscribe(topic)
    assert said(await asyncio.to_thread(late.wait, saying(topic)))["state"] == "succeeded", "and it is the state"
    await agent.stop()


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_a_denied_subscription_is_named(version: str, small_agent: Make) -> None:
    async with crooked() as broker:
        broker.granted = 0x87 if version == "5" else 0x80
        agent = await small_agent(broker.port, protocol=version).start()
        assert agent.topics.down in agent.bus.health.reason and "reading …/down/#" in agent.bus.health.reason
        await until(lambda: broker.published)
        topic, body = broker.published[0]
        assert topic == STATUS and b'"denied"' in body
        await agent.stop()


async def test_late_acknowledgements_are_named_and_cost_nothing(
    small_agent: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing, "LATE", 0.3)
    async with crooked() as broker:
        agent = await small_agent(broker.port).start()
        await until(lambda: agent.bus.waiting == 0)
        broker.held = True
        happen(agent, "one.said", "two.said")
        await until(lambda: "acknowledges late" in agent.bus.health.reason)
        broker.release()
        await until(lambda: agent.bus.health.reason == "" and agent.bus.outbox.waiting == 0)
        await until(lambda: agent.bus.waiting == 0)
        told = [decode(Event, body).name for topic, body in broker.published if topic == EVENT]
        assert told == ["one.said", "two.said"]
        status = [body for topic, body in broker.published if topic == STATUS]
        assert b'"late"' in status[-2] and b'"late"' not in status[-1]
        await agent.stop()


async def test_double_acknowledgements_are_named_and_cost_nothing(small_agent: Make) -> None:
    async with crooked() as broker:
        broker.acknowledgements = 2
        agent = await small_agent(broker.port).start()
        names = [f"n.{number}" for number in range(200)]
        happen(agent, *names)
        await until(lambda: "acknowledged-twice" in [one.code for one in agent.bus.standing.now])
        await until(lambda: agent.bus.outbox.waiting == 0)
        assert [decode(Event, body).name for topic, body in broker.published if topic == EVENT] == names
        await until(lambda: any(b'"acknowledged-twice"' in body for topic, body in broker.published if topic == STATUS))
        await agent.stop()


async def test_an_embedded_broker_of_the_older_protocol_says_both(
    amqtt_broker: Amqtt, plain: Join, small_agent: Make
) -> None:
    agent = await small_agent(amqtt_broker.port, protocol="3.1.1", embedded=True).start()
    desk = await asyncio.to_thread(plain, amqtt_broker.port, "3.1.1")
    await asyncio.to_thread(desk.subscribe, STATUS)
    birth = said(await asyncio.to_thread(desk.wait, saying(STATUS)))
    assert codes(birth) == ["embedded-broker", "protocol-3.1.1"] and birth["protocol"] == "3.1.1"
    assert agent.bus.health.reason == ""  # nothing is lost by it


async def test_a_clock_wrong_by_a_year_loses_nothing(mosquitto: Mosquitto, plain: Join, small_agent: Make) -> None:
    agent = small_agent(mosquitto.port)
    ahead = 366 * 86400.0
    wall = lambda: time.time() + ahead  # noqa: E731
    agent.stamp.wall = agent.bus.outbox._wall = wall
    mosquitto.stop()
    await agent.start(online=False)
    happen(agent, "said.ahead")
    await until(lambda: agent.bus.outbox.file.rows[Keep.EVENT] == 1)
    ahead = -366 * 86400.0
    happen(agent, "said.behind")
    await until(lambda: agent.bus.outbox.file.rows[Keep.EVENT] == 2)
    ahead = 0.0
    happen(agent, "said.right")
    mosquitto.start()
    desk = plain(mosquitto.port).subscribe(EVENT)
    await asyncio.to_thread(desk.wait, saying(EVENT, lambda e: e["name"] == "said.right"))
    await until(lambda: agent.bus.outbox.waiting == 0)
    await until(lambda: len(desk.heard) >= 3)
    heard = sorted((said(m) for m in desk.heard), key=lambda e: e["seq"])
    assert [e["name"] for e in heard] == ["said.ahead", "said.behind", "said.right"]
    assert heard[0]["ts"] > heard[2]["ts"] > heard[1]["ts"], "the wall clock as it was"
    assert heard[0]["mono"] < heard[1]["mono"] < heard[2]["mono"], "and the one that tells the order"
    assert agent.bus.outbox.dropped == 0


def test_every_code_has_both_languages_and_says_what_would_be_right() -> None:
    everything = Facts(
        broker="b:1", protocol="3.1.1", embedded=True, preferred="a:1: refused", denied={"t": "Not authorized"},
        large={"u": 2000}, largest=1024, narrow=1, late=9.0, strays=1, refused=3, dropped=4, unstored="disk full",
    )  # fmt: skip
    found = degraded(everything)
    from agent.messaging.payloads import Degraded

    assert {one.code for one in found} == set(Degraded.model_fields["code"].annotation.__args__)  # type: ignore[union-attr]
    assert all(one.text.en and one.text.zh for one in found)
    assert degraded(Facts(broker="b:1")) == ()
