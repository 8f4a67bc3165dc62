"""The agent at a real Mosquitto."""

import asyncio
import json
import shutil
import subprocess
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from agent.messaging.dial import NoConnection, Version
from agent.messaging.payloads import AirMessage, FixtureState, Telemetry
from agent.messaging.window import WAITING
from agent.messaging.wire import Wire
from config.broker import MqttSection
from config.units import Attribute
from tests.agent.messaging.conftest import SmallAgent
from tests.brokers import Mosquitto, Plain, said
from tests.waiting import until

Make = Callable[..., SmallAgent]
Join = Callable[..., Plain]
STATUS = "studio/v1/hall/one/up/status"
KEY = "studio/v1/hall/one/up/state/fixture/key"


def light(level: float) -> FixtureState:
    return FixtureState(levels={Attribute.INTENSITY: level})


async def test_birth_then_state_then_a_clean_goodbye(mosquitto: Mosquitto, plain: Join, small_agent: Make) -> None:
    agent = small_agent(mosquitto.port)
    agent.bus.board.put(agent.topics.state("fixture", "key"), light(0.4))
    await agent.start()
    watcher = plain(mosquitto.port).subscribe("studio/v1/hall/one/up/#")
    birth = said(await asyncio.to_thread(watcher.wait, lambda m: m.topic == STATUS))
    assert birth["state"] == "online" and birth["ready"] is False and birth["v"] == 1
    assert said(await asyncio.to_thread(watcher.wait, lambda m: m.topic == KEY))["levels"] == {"intensity": 0.4}
    agent.bus.set_ready(True)
    await asyncio.to_thread(watcher.wait, lambda m: m.topic == STATUS and said(m)["ready"])
    assert agent.bus.health.state == "online" and agent.bus.health.protocol == "5"
    await agent.stop()
    end = said(await asyncio.to_thread(watcher.wait, lambda m: m.topic == STATUS and said(m)["state"] == "offline"))
    assert end["reason"] == "stopped" and end["session"] == birth["session"]
    assert agent.bus.health.state == "stopped"
    assert not agent.bus.publish(agent.topics.echo, b"{}")


async def test_state_is_published_by_exception(mosquitto: Mosquitto, plain: Join, small_agent: Make) -> None:
    agent = await small_agent(mosquitto.port).start()
    watcher = plain(mosquitto.port).subscribe(KEY)
    topic = agent.topics.state("fixture", "key")
    assert agent.bus.board.put(topic, light(0.1))
    assert not agent.bus.board.put(topic, light(0.1))
    assert agent.bus.board.put(topic, light(0.2))
    await asyncio.to_thread(watcher.wait, lambda m: said(m)["levels"]["intensity"] == 0.2)
    assert [said(m)["levels"]["intensity"] for m in watcher.heard] == [0.1, 0.2]
    agent.bus.board.clear(topic)
    await asyncio.to_thread(watcher.wait, lambda m: m.payload == b"")
    late = plain(mosquitto.port).subscribe(KEY, STATUS)
    await asyncio.to_thread(late.wait, lambda m: m.topic == STATUS)
    assert [m.topic for m in late.heard] == [STATUS]


async def test_a_broker_that_forgot_everything_is_told_again(
    mosquitto: Mosquitto, plain: Join, small_agent: Make
) -> None:
    agent = await small_agent(mosquitto.port).start()
    agent.bus.board.put(agent.topics.state("fixture", "key"), light(0.7))
    mosquitto.stop(kill=True)
    await until(lambda: agent.bus.health.state == "offline")
    assert agent.bus.health.reason
    assert agent.bus.publish(agent.topics.tele("host"), Telemetry.of({"cpu_percent": 1.0}))
    assert agent.bus.board.put(agent.topics.state("fixture", "key"), light(0.8))
    mosquitto.start()
    await until(agent.bus.online.is_set)
    watcher = plain(mosquitto.port).subscribe("studio/v1/hall/one/up/#")
    assert said(await asyncio.to_thread(watcher.wait, lambda m: m.topic == KEY))["levels"] == {"intensity": 0.8}
    assert said(await asyncio.to_thread(watcher.wait, lambda m: m.topic == STATUS))["state"] == "online"
    assert agent.bus.counters["connected"] == 2 and agent.bus.counters["unsent"] == 0
    await until(lambda: agent.bus.outbox.waiting == 0)  # nobody listened yet, but the broker has it


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_a_broker_that_is_gone_has_closed_the_connection(mosquitto: Mosquitto, version: Version) -> None:
    config = MqttSection(host="127.0.0.1", port=mosquitto.port)
    wire = Wire(config, client_id="hangs-on", version=version, message=lambda _: None)
    await wire.open()
    mosquitto.stop(kill=True)
    assert await asyncio.wait_for(wire.ended(), 30) == "the broker closed the connection"
    await wire.close()


async def test_what_an_earlier_start_left_is_swept(mosquitto: Mosquitto, plain: Join, small_agent: Make) -> None:
    first = await small_agent(mosquitto.port).start()
    first.bus.board.put(first.topics.state("fixture", "key"), light(0.7))
    first.bus.board.put(first.topics.state("fixture", "old"), light(0.7))
    await first.stop()
    second = await small_agent(mosquitto.port).start()
    second.bus.board.put(second.topics.state("fixture", "key"), light(0.7))
    second.bus.board.sweep()
    await second.bus.round_trip()
    watcher = plain(mosquitto.port).subscribe("studio/v1/hall/one/up/#")
    await asyncio.to_thread(watcher.wait, lambda m: m.topic == KEY)
    await second.bus.round_trip()
    assert not [m for m in watcher.heard if m.topic.endswith("/old")]


async def test_refused_credentials_are_named_and_right_ones_let_in(
    start_mosquitto: Callable[..., Mosquitto], small_agent: Make, tmp_path: Path
) -> None:
    users = tmp_path / "users"
    make = ["mosquitto_passwd", "-b", "-c", str(users), "hall-one", "right"]
    await asyncio.to_thread(subprocess.run, make, check=True, capture_output=True)
    broker = start_mosquitto("allow_anonymous false", f"password_file {users}")
    secret = tmp_path / "secret"
    secret.write_text("wrong\n")
    secret.chmod(0o600)
    agent = await small_agent(broker.port, username="hall-one", password_file=secret).start(online=False)
    await until(lambda: agent.bus.health.state == "refused")
    assert "hall-one" in agent.bus.health.reason and "ot authorized" in agent.bus.health.reason
    assert "wrong" not in agent.bus.health.reason
    secret.write_text("right\n")
    await until(agent.bus.online.is_set)
    assert agent.bus.health.reason == ""


async def test_a_missing_password_file_is_said(mosquitto: Mosquitto, small_agent: Make, tmp_path: Path) -> None:
    agent = small_agent(mosquitto.port, username="x", password_file=tmp_path / "none")
    await agent.start(online=False)
    await until(lambda: agent.bus.health.state == "refused")
    assert "password_file" in agent.bus.health.reason


async def test_a_password_that_others_may_read_is_refused_until_it_is_private(
    mosquitto: Mosquitto, small_agent: Make, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("open to all\n")
    secret.chmod(0o644)
    agent = await small_agent(mosquitto.port, username="x", password_file=secret).start(online=False)
    await until(lambda: agent.bus.health.state == "refused")
    said = f"mqtt.password_file: others than its owner may use {secret} (mode 0644): chmod 600 {secret}"
    assert agent.bus.health.reason == said
    secret.chmod(0o600)
    await until(agent.bus.online.is_set)


async def test_an_access_list_in_the_way_is_named(
    start_mosquitto: Callable[..., Mosquitto], plain: Join, small_agent: Make, tmp_path: Path
) -> None:
    acl = tmp_path / "acl"
    acl.write_text("topic write studio/v1/hall/one/up/status\ntopic read studio/v1/hall/one/down/#\n")
    broker = start_mosquitto(f"acl_file {acl}")
    agent = await small_agent(broker.port).start()
    agent.bus.publish(agent.topics.event, b"{}")
    await until(lambda: agent.bus.counters["denied"])
    assert agent.topics.event in agent.bus.health.reason and agent.bus.health.state == "online"
    with pytest.raises(NoConnection, match="denies publishing"):
        await agent.bus.round_trip()


async def test_round_trip_and_its_failure(mosquitto: Mosquitto, small_agent: Make) -> None:
    agent = await small_agent(mosquitto.port).start()
    trip = await agent.bus.round_trip()
    assert 0 < trip.acknowledged < 2 and trip.delivered is not None
    mosquitto.stop()
    await until(lambda: not agent.bus.online.is_set())
    with pytest.raises(NoConnection):
        await agent.bus.round_trip()


async def test_no_broker_at_all(small_agent: Make) -> None:
    agent = await small_agent(1).start(online=False)
    await until(lambda: agent.bus.health.state == "offline")
    assert "127.0.0.1:1" in agent.bus.health.reason
    await agent.stop()
    await until(lambda: not [t for t in threading.enumerate() if t.name == "mqtt-connect"])


async def test_air_messages_and_strays(mosquitto: Mosquitto, plain: Join, small_agent: Make) -> None:
    agent = small_agent(mosquitto.port)
    heard: list[AirMessage] = []
    agent.bus.inbox.on_air = heard.append
    await agent.start()
    desk = plain(mosquitto.port)
    desk.subscribe("nothing")
    for bad in ("", "{", '{"on_air": "no", "source": "x", "issued_at": "2030-01-01T00:00:00Z"}', '{"on_air": false}'):
        desk.publish(agent.topics.air, bad)
    desk.publish(f"{agent.topics.prefix}/down/nonsense", "{}")
    now = datetime.now(UTC).isoformat()
    desk.publish(agent.topics.air, json.dumps({"on_air": False, "source": "obs", "issued_at": now}))
    await until(lambda: heard)
    assert heard[0].on_air is False and heard[0].source == "obs"
    assert agent.bus.counters["malformed-air"] == 4 and agent.bus.counters["stray"] == 1
    assert agent.bus.received.total == 6


async def test_why_an_air_message_is_malformed_is_logged_in_plain_words(
    mosquitto: Mosquitto, plain: Join, small_agent: Make
) -> None:
    agent = await small_agent(mosquitto.port).start()
    with capture_logs() as logs:
        plain(mosquitto.port).publish(agent.topics.air, '{"on_air": "no", "source": "", "issued_at": "now"}')
        await until(lambda: agent.bus.counters["malformed-air"])
    [entry] = [entry for entry in logs if entry["event"] == "air.malformed"]
    assert entry["why"] == (
        'on_air: true or false is expected, not "no"; source: is empty; issued_at: "now" is not a time with its zone'
    )


async def test_a_half_dead_broker_is_noticed(mosquitto: Mosquitto, small_agent: Make) -> None:
    agent = await small_agent(mosquitto.port, keepalive=2).start()
    process = mosquitto._process
    assert process is not None
    process.send_signal(19)  # SIGSTOP
    try:
        await until(lambda: agent.bus.health.state == "offline", within=30)
    finally:
        process.send_signal(18)  # SIGCONT
    await until(agent.bus.online.is_set)


async def test_a_stalled_broker_bounds_what_waits(mosquitto: Mosquitto, small_agent: Make) -> None:
    agent = await small_agent(mosquitto.port).start()
    await until(lambda: agent.bus.waiting == 0)  # its birth is acknowledged
    process = mosquitto._process
    assert process is not None
    process.send_signal(19)
    try:
        sent = [agent.bus.publish(agent.topics.echo, b"{}") for _ in range(2500)]
        assert sent.count(False) == 2500 - WAITING - 20  # 20: mosquitto's Receive Maximum
    finally:
        process.send_signal(18)
    await until(lambda: agent.bus.waiting == 0)
    assert (await agent.bus.round_trip()).delivered is not None


async def test_two_agents_of_one_name_are_told(mosquitto: Mosquitto, small_agent: Make) -> None:
    first = await small_agent(mosquitto.port).start()
    await small_agent(mosquitto.port).start()
    await until(lambda: "another agent" in first.bus.health.reason)


async def test_the_access_list_that_is_shipped(
    start_mosquitto: Callable[..., Mosquitto], plain: Join, small_agent: Make, tmp_path: Path
) -> None:
    acl = tmp_path / "acl"
    shutil.copy(Path(__file__).parents[3] / "config/mosquitto/acl", acl)
    broker = start_mosquitto(f"acl_file {acl}")
    agent = await small_agent(broker.port, username="one").start()
    trip = await agent.bus.round_trip()
    assert trip.delivered is not None and agent.bus.health.reason == ""
    desk = plain(broker.port, username="desk").subscribe("studio/reply/desk/#", "studio/v1/hall/#")
    desk.publish(agent.topics.command("ping", "p1"), "", ResponseTopic="studio/reply/desk/1")
    await asyncio.to_thread(desk.wait, lambda m: m.topic == "studio/reply/desk/1" and said(m)["state"] == "succeeded")
    agent.bus.publish("studio/v1/hall/two/up/event", b"{}", qos=1)
    await until(lambda: "two/up/event" in agent.bus.health.reason)
