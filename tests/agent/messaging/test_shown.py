"""The states of commands at real brokers: retained while they are shown, and never back once they are off."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.messaging.lifecycle import State
from agent.messaging.payloads import Answer
from agent.messaging.shown import Shown
from agent.messaging.topics import Keep
from tests.agent.messaging.conftest import SmallAgent
from tests.brokers import Amqtt, Mosquitto, Plain, said, saying
from tests.waiting import until

Make = Callable[..., SmallAgent]
Join = Callable[..., Plain]
DOWN = "studio/v1/hall/one/down/cmd"
UP = "studio/v1/hall/one/up/cmd"
SET = '{"args": {"targets": ["key"], "levels": {"intensity": 0.5}}}'
LOOK = '{"args": {"look": "show"}}'


def kept(port: int, plain: Join, mark: str = "mark") -> dict[str, dict[str, Any]]:
    """What a newcomer finds at the broker, by topic below ``up/cmd``."""
    newcomer = plain(port, "3.1.1").subscribe(f"{UP}/#", "test/mark")
    newcomer.publish("test/mark", mark)  # what is retained has been sent by the time this comes
    newcomer.wait(lambda m: m.topic == "test/mark")
    found = {m.topic.removeprefix(f"{UP}/"): said(m) for m in newcomer.heard if m.retain and m.payload}
    newcomer.close()
    return found


async def now_kept(port: int, plain: Join) -> dict[str, dict[str, Any]]:
    return await asyncio.to_thread(kept, port, plain)


async def until_kept(port: int, plain: Join, wanted: Callable[[dict[str, dict[str, Any]]], bool]) -> None:
    async with asyncio.timeout(30):
        while not wanted(await now_kept(port, plain)):
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_a_state_is_retained_from_accepted_to_some_time_after_the_end(
    mosquitto: Mosquitto, plain: Join, small_agent: Make, protocol: str
) -> None:
    agent = await small_agent(mosquitto.port, protocol=protocol, command_kept=0.5).start()
    desk = plain(mosquitto.port, protocol).subscribe(f"{UP}/#")
    desk.publish(f"{DOWN}/look.apply/l1", LOOK)
    await until(agent.lights.started.is_set)
    await until_kept(mosquitto.port, plain, lambda found: found.get("look.apply/l1", {}).get("state") == "executing")
    agent.lights.release.set()
    await asyncio.to_thread(desk.wait, saying(f"{UP}/look.apply/l1", lambda body: body["state"] == "succeeded"))
    await asyncio.to_thread(desk.wait, lambda m: m.topic == f"{UP}/look.apply/l1" and not m.payload)
    assert await now_kept(mosquitto.port, plain) == {}
    states = [said(m)["state"] for m in desk.heard if m.payload]
    assert states == ["accepted", "executing", "succeeded"]
    await until(lambda: not agent.bus.commands._gone)
    agent.journal.close()  # notes what was taken off
    assert agent.journal.shown() == []


async def test_amqtt_keeps_them_too(amqtt_broker: Amqtt, plain: Join, small_agent: Make) -> None:
    await small_agent(amqtt_broker.port, command_kept=0.5).start()
    desk = plain(amqtt_broker.port, "3.1.1")
    await asyncio.to_thread(desk.subscribe, f"{UP}/#")
    desk.publish_soon(f"{DOWN}/lights.set/s1", SET)
    await asyncio.to_thread(desk.wait, saying(f"{UP}/lights.set/s1", lambda body: body["state"] == "succeeded"))
    await asyncio.to_thread(desk.wait, lambda m: m.topic == f"{UP}/lights.set/s1" and not m.payload)


async def test_a_refusal_or_a_repetition_does_not_hide_the_state(
    mosquitto: Mosquitto, plain: Join, small_agent: Make
) -> None:
    await small_agent(mosquitto.port).start()
    desk = plain(mosquitto.port).subscribe(f"{UP}/#")
    desk.publish(f"{DOWN}/lights.set/s1", SET)
    await asyncio.to_thread(desk.wait, saying(f"{UP}/lights.set/s1", lambda body: body["state"] == "succeeded"))
    desk.publish(f"{DOWN}/lights.set/s1", SET)
    await asyncio.to_thread(desk.wait, saying(f"{UP}/lights.set/s1", lambda body: body["repeated"]))
    desk.publish(f"{DOWN}/lights.set/s1", SET.replace("0.5", "0.6"))
    await asyncio.to_thread(desk.wait, saying(f"{UP}/lights.set/s1", lambda body: body["code"] == "duplicate"))
    desk.publish(f"{DOWN}/lights.set/s2", "nonsense")
    await asyncio.to_thread(desk.wait, saying(f"{UP}/lights.set/s2", lambda body: body["code"] == "malformed"))
    found = await now_kept(mosquitto.port, plain)
    assert found.keys() == {"lights.set/s1"} and found["lights.set/s1"]["state"] == "succeeded"
    assert not found["lights.set/s1"]["repeated"]


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_what_its_requester_took_off_does_not_come_back(
    mosquitto: Mosquitto, plain: Join, small_agent: Make, protocol: str
) -> None:
    agent = await small_agent(mosquitto.port, protocol=protocol).start()
    desk = plain(mosquitto.port).subscribe(f"{UP}/#")
    desk.publish(f"{DOWN}/lights.set/s1", SET)
    await asyncio.to_thread(desk.wait, saying(f"{UP}/lights.set/s1", lambda body: body["state"] == "succeeded"))
    desk.publish(f"{DOWN}/look.apply/l1", LOOK)
    await asyncio.to_thread(desk.wait, saying(f"{UP}/look.apply/l1", lambda body: body["state"] == "executing"))
    for topic in ("lights.set/s1", "look.apply/l1"):
        desk.publish(f"{UP}/{topic}", b"", retain=True)
    await until(lambda: not len(agent.bus.commands) and not agent.bus.commands._gone)
    agent.lights.release.set()  # it lived on, and its end is told, but not kept
    await asyncio.to_thread(desk.wait, saying(f"{UP}/look.apply/l1", lambda body: body["state"] == "succeeded"))
    assert agent.bus._wire is not None
    agent.bus._wire._drop("a test cuts it")
    await until(lambda: agent.bus.counters["connected"] == 2)
    await until(lambda: not agent.bus.waiting)
    assert await now_kept(mosquitto.port, plain) == {}


async def test_a_broker_that_forgot_everything_is_told_again(
    mosquitto: Mosquitto, plain: Join, small_agent: Make
) -> None:
    agent = await small_agent(mosquitto.port).start()
    desk = plain(mosquitto.port).subscribe(f"{UP}/#")
    desk.publish(f"{DOWN}/lights.set/s1", SET)
    desk.publish(f"{DOWN}/look.apply/l1", LOOK)
    await asyncio.to_thread(desk.wait, saying(f"{UP}/look.apply/l1", lambda body: body["state"] == "executing"))
    await asyncio.to_thread(mosquitto.stop, True)
    await until(lambda: not agent.bus.online.is_set())
    agent.lights.release.set()
    await asyncio.to_thread(mosquitto.start)
    await until(agent.bus.online.is_set)
    ends = {"lights.set/s1": "succeeded", "look.apply/l1": "succeeded"}
    await until_kept(mosquitto.port, plain, lambda found: {k: v["state"] for k, v in found.items()} == ends)


async def test_an_end_that_waited_too_long_is_told_and_not_kept(
    mosquitto: Mosquitto, plain: Join, small_agent: Make
) -> None:
    """The broker was away for longer than the state is kept: backlog must not put it back."""
    agent = await small_agent(mosquitto.port, command_kept=0.0).start()
    desk = plain(mosquitto.port)
    desk.publish(f"{DOWN}/look.apply/l1", LOOK)
    await until(agent.lights.started.is_set)
    await asyncio.to_thread(mosquitto.stop)
    await until(lambda: not agent.bus.online.is_set())
    agent.lights.release.set()
    await until(lambda: agent.bus.outbox.file.rows[Keep.RESULT] == 1)
    agent.bus.commands.tick()
    desk.close()
    await asyncio.to_thread(mosquitto.start)
    await until(agent.bus.online.is_set)
    await until(lambda: agent.bus.outbox.waiting == 0 and not agent.bus.commands._gone)
    assert await now_kept(mosquitto.port, plain) == {}


async def test_a_restart_shows_what_is_still_due_and_takes_off_the_rest(
    mosquitto: Mosquitto, plain: Join, tmp_path: Path
) -> None:
    first = await SmallAgent(mosquitto.port, tmp_path).start()
    desk = plain(mosquitto.port).subscribe(f"{UP}/#")
    desk.publish(f"{DOWN}/lights.set/s1", SET)
    await asyncio.to_thread(desk.wait, saying(f"{UP}/lights.set/s1", lambda body: body["state"] == "succeeded"))
    due = datetime.now(UTC) + timedelta(hours=1)
    later = json.dumps({**json.loads(SET), "not_before": due.isoformat()})
    desk.publish(f"{DOWN}/lights.set/s2", later)
    await asyncio.to_thread(desk.wait, saying(f"{UP}/lights.set/s2", lambda body: body["state"] == "scheduled"))
    desk.publish(f"{UP}/lights.set/stranger", '{"state": "executing"}', retain=True)
    await until_kept(mosquitto.port, plain, lambda found: "lights.set/stranger" not in found)
    await first.stop()

    second = await SmallAgent(mosquitto.port, tmp_path).start()
    await until(lambda: not second.bus.waiting)
    found = await now_kept(mosquitto.port, plain)
    assert {topic: body["state"] for topic, body in found.items()} == {
        "lights.set/s1": "succeeded",
        "lights.set/s2": "scheduled",
    }
    assert {body["boot"] for body in found.values()} == {second.stamp.boot}
    await second.stop()

    third = await SmallAgent(mosquitto.port, tmp_path, command_kept=0.0).start()
    await until_kept(mosquitto.port, plain, lambda found: found.keys() == {"lights.set/s2"})
    await third.stop()


def answer(name: str, state: State) -> Answer:
    return Answer(id=name, verb="ping", state=state)


def test_so_many_at_most_and_the_broker_must_have_said_yes() -> None:
    sent: list[tuple[str, bytes, Any]] = []
    online = True

    def send(topic: str, body: bytes, acked: Any) -> bool:
        if online:
            sent.append((topic, body, acked))
        return online

    hidden: list[str] = []
    shown = Shown(send, lambda: 0.0, 600.0, most=2)
    shown.hidden = hidden.append
    for name in "abc":
        assert shown.put(f"t/{name}", answer(name, State.ACCEPTED), b"1")
        assert shown.put(f"t/{name}", answer(name, State.SUCCEEDED), b"2" + name.encode())
        assert not shown.put(f"t/{name}", answer(name, State.REJECTED), b"3"), "an id that is used again"
    assert [item[:2] for item in sent] == [("t/a", b"")] and hidden == []
    assert not shown.shows("t/a", b"2a") and shown.shows("t/c", b"2c") and not shown.shows("t/c", b"1")
    sent.clear()
    shown.republish()  # the connection ended before the broker said yes
    assert [item[:2] for item in sent] == [("t/a", b""), ("t/b", b"2b"), ("t/c", b"2c")]
    sent[0][2](0, "Success")
    assert hidden == ["a"]
    online = False
    shown.clear("t/b")
    online = True
    sent.clear()
    shown.tick()
    shown.tick()
    assert [item[:2] for item in sent] == [("t/b", b"")]
