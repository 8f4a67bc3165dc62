"""Finding out that a broker is gone, going to another one and back, WebSocket, many descriptors."""

import asyncio
import os
import re
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from agent.messaging.payloads import Event
from agent.messaging.pulse import Pulse
from tests.agent.messaging.conftest import SmallAgent
from tests.brokers import Mosquitto, Plain, said, saying
from tests.proxy import Door
from tests.waiting import free_port, until

Make = Callable[..., SmallAgent]
Join = Callable[..., Plain]
STATUS = "studio/v1/hall/one/up/status"
EVENT = "studio/v1/hall/one/up/event"


def looks(pulse: Pulse, begin: float, seconds: float) -> Iterator[tuple[float, str]]:
    """What it says, look by look."""
    for number in range(1, int(seconds / pulse.every) + 1):
        yield begin + number * pulse.every, pulse.look(begin + number * pulse.every)


@pytest.mark.parametrize("keepalive", [2, 15, 3600])
def test_silence_is_asked_about_once_and_found_within_one_and_a_half_keepalives(keepalive: int) -> None:
    pulse = Pulse(keepalive, 100.0)
    said = [(at - 100.0, what) for at, what in looks(pulse, 100.0, 2 * keepalive) if what]
    asked = [at for at, what in said if what == "ask"]
    gone = min(at for at, what in said if what == "gone")
    assert 0.5 * keepalive <= asked[0] <= 0.6 * keepalive and gone <= 1.5 * keepalive
    assert gone - asked[0] >= 0.65 * keepalive, "time for an answer"


def test_a_broker_that_only_listens_or_only_talks_hears_from_the_agent() -> None:
    pulse = Pulse(10, 0.0)
    asked = 0
    for _, what in looks(pulse, 0.0, 60.0):
        asked += what == "ask"
        pulse.heard()
    assert 11 <= asked <= 12


def test_a_machine_that_was_asleep_does_not_blame_the_broker() -> None:
    pulse = Pulse(10, 0.0)
    assert pulse.look(3600.0) == "" and pulse.silent < 2.0


async def test_a_broker_behind_a_cable_that_was_pulled_is_found(mosquitto: Mosquitto, small_agent: Make) -> None:
    door = Door(mosquitto.port)
    try:
        agent = await small_agent(door.port, keepalive=2).start()
        await until(lambda: agent.bus.waiting == 0)
        door.dark = True
        begun = agent.stamp.mono()
        await until(lambda: agent.bus.health.state == "offline")
        found = re.fullmatch(r"silent for ([\d.]+) s \(keep-alive 2 s\): half open\?", agent.bus.health.reason)
        assert found and float(found[1]) <= 3.0
        assert agent.bus.health.since - begun >= 1.0, "it was asked, and given time"
        agent.bus.publish(agent.topics.event, Event(name="in.dark"))
        door.dark = False
        door.cut()
        await until(lambda: agent.bus.online.is_set() and agent.bus.outbox.waiting == 0)
    finally:
        door.close()


async def test_an_idle_connection_is_kept_by_asking(
    start_mosquitto: Callable[..., Mosquitto], small_agent: Make
) -> None:
    broker = start_mosquitto("log_type all")
    agent = await small_agent(broker.port, keepalive=2).start()
    log = broker.folder / "mosquitto.log"
    await until(lambda: log.read_text().count("Received PINGREQ from studio:hall:one") >= 4)  # over 1.5 keep-alives
    assert agent.bus.counters["connected"] == 1 and agent.bus.health.state == "online"


async def test_it_goes_to_the_next_broker_and_back_and_loses_nothing(
    start_mosquitto: Callable[..., Mosquitto], plain: Join, small_agent: Make
) -> None:
    first, second = start_mosquitto(), start_mosquitto()
    others = [{"host": "127.0.0.1", "port": second.port}]
    agent = await small_agent(first.port, brokers=others, go_back=0.2).start()
    assert agent.bus.config.port == first.port
    desk = plain(second.port).subscribe("studio/v1/hall/one/up/#", "studio/reply/desk")
    first.stop(kill=True)
    birth = said(await asyncio.to_thread(desk.wait, saying(STATUS, lambda s: s["state"] == "online")))
    await until(agent.bus.online.is_set)
    assert birth["broker"] == f"127.0.0.1:{second.port}" and birth["protocol"] == "5"
    assert [one["code"] for one in birth["degraded"]] == ["fallback-broker"]
    assert f"127.0.0.1:{first.port}" in birth["degraded"][0]["text"]["en"]
    assert agent.bus.health.state == "online" and "preferred broker" in agent.bus.health.reason
    # a command under way keeps it where its requester is
    topic = agent.topics.command("look.apply", "c1")
    desk.publish(topic, '{"args": {"look": "show"}}', ResponseTopic="studio/reply/desk")
    await agent.lights.started.wait()
    first.start()
    log = first.folder / "mosquitto.log"
    await until(lambda: "as studio:hall:one" in log.read_text().split("mosquitto version")[-1])
    agent.bus.publish(agent.topics.event, Event(name="meanwhile.said"))
    await asyncio.to_thread(desk.wait, saying(EVENT, lambda e: e["name"] == "meanwhile.said"))
    assert agent.bus.config.port == second.port
    home = plain(first.port).subscribe("studio/v1/hall/one/up/#")
    agent.lights.release.set()
    end = lambda m: m.topic == "studio/reply/desk" and said(m)["state"] == "succeeded"  # noqa: E731
    await asyncio.to_thread(desk.wait, end)
    moved = said(await asyncio.to_thread(desk.wait, saying(STATUS, lambda s: s["reason"] == "moved")))
    assert moved["session"] == birth["session"]
    birth = said(await asyncio.to_thread(home.wait, saying(STATUS, lambda s: s["state"] == "online")))
    assert birth["degraded"] == [] and agent.bus.health.reason == ""
    agent.bus.publish(agent.topics.event, Event(name="home.said"))
    await asyncio.to_thread(home.wait, saying(EVENT, lambda e: e["name"] == "home.said"))
    assert agent.bus.config.port == first.port


async def test_each_broker_is_let_in_by_its_own_password(
    start_mosquitto: Callable[..., Mosquitto], small_agent: Make, tmp_path: Any
) -> None:
    second = start_mosquitto()
    others = [
        {"host": "127.0.0.1", "port": free_port(), "username": "x", "password_file": str(tmp_path / "none")},
        {"host": "127.0.0.1", "port": second.port},
    ]
    agent = await small_agent(free_port(), brokers=others).start()
    assert agent.bus.config.port == second.port
    assert "mqtt.brokers[0].password_file" in agent.bus.order.why[1]


@pytest.mark.parametrize("secure", [False, True])
async def test_websocket_with_and_without_tls(
    secure: bool, start_mosquitto: Callable[..., Mosquitto], plain: Join, small_agent: Make, ours: Any
) -> None:
    door = free_port()
    certificates = [f"cafile {ours}/ca.crt", f"certfile {ours}/broker.crt", f"keyfile {ours}/broker.key"] * secure
    broker = start_mosquitto("protocol websockets", *certificates, f"listener {door} 127.0.0.1")
    more: dict[str, Any] = {"tls": {"ca_file": f"{ours}/ca.crt"}} if secure else {}
    agent = await small_agent(broker.port, transport="websockets", **more).start()
    assert (await agent.bus.round_trip()).delivered is not None
    desk = plain(door).subscribe("studio/reply/desk", EVENT)
    for number in range(50):  # many at once: what TLS has read already must not wait for more
        desk.publish_soon(agent.topics.command("ping", f"p{number}"), "", ResponseTopic="studio/reply/desk")
    ended = lambda: sum(m.topic == "studio/reply/desk" and said(m)["state"] != "accepted" for m in desk.heard)  # noqa: E731
    await until(lambda: ended() >= 50)
    agent.bus.publish(agent.topics.event, Event(name="long.text", fields={"text": "x" * 100_000}))
    await asyncio.to_thread(desk.wait, saying(EVENT))


async def test_a_websocket_that_stalls_mangles_nothing(
    start_mosquitto: Callable[..., Mosquitto], plain: Join, small_agent: Make
) -> None:
    door = free_port()
    broker = start_mosquitto("protocol websockets", f"listener {door} 127.0.0.1")
    agent = await small_agent(broker.port, transport="websockets").start()
    await until(lambda: agent.bus.waiting == 0)
    desk = plain(door).subscribe(agent.topics.report)
    assert broker._process is not None
    broker._process.send_signal(signal.SIGSTOP)
    try:
        for number in range(40):
            assert agent.bus.publish(agent.topics.report, b"x" * (300_000 + number), retain=False)
            await asyncio.sleep(0)
    finally:
        broker._process.send_signal(signal.SIGCONT)
    await asyncio.to_thread(desk.wait, lambda m: len(m.payload) == 300_039)
    assert [len(m.payload) for m in desk.heard] == [300_000 + number for number in range(40)]
    assert agent.bus.counters["connected"] == 1 and agent.bus.online.is_set()


async def test_a_listener_that_speaks_no_websocket_is_named(mosquitto: Mosquitto, small_agent: Make) -> None:
    agent = await small_agent(mosquitto.port, transport="websockets").start(online=False)
    await until(lambda: agent.bus.health.state != "starting")
    assert "WebSocket" in agent.bus.health.reason and "mqtt.transport" in agent.bus.health.reason


async def test_beyond_1024_descriptors_it_connects_and_works(mosquitto: Mosquitto, small_agent: Make) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    held: list[int] = []
    try:
        number = 0
        while number <= 1024:  # again, where what other tests left behind was collected under way, and a low one free
            while not held or held[-1] < 1100:
                held.append(os.open("/dev/null", os.O_RDONLY))
            agent = await small_agent(mosquitto.port).start()
            assert agent.bus._wire is not None
            number = agent.bus._wire._attached.fileno()
            if number <= 1024:
                await agent.stop()
                held.append(os.dup(0))
        assert (await agent.bus.round_trip()).delivered is not None
        await agent.stop()
    finally:
        for one in held:
            with suppress(OSError):
                os.close(one)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
