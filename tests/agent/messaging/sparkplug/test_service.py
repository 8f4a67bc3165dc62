"""The edge node at a real Mosquitto, watched by a host that knows the rules."""

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.messaging.sparkplug.payload import DataType, Metric
from tests.agent.messaging.sparkplug.scada import LEVEL, RESULT, Scada, see, shows
from tests.agent.messaging.sparkplug.small import SmallNode
from tests.brokers import Mosquitto, Plain
from tests.processes import ROOT, Child
from tests.waiting import until


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_births_come_in_order_and_a_wanted_end_is_a_death(
    scada: Scada, small_node: Callable[..., SmallNode], mosquitto: Mosquitto, protocol: str
) -> None:
    node = await small_node(mosquitto.port, protocol=protocol).start()
    node.level("key", 0.25)
    seen = await see(scada, shows(0.25))
    assert seen.order[:4] == ["NBIRTH", "DBIRTH fixture-key", "DBIRTH fixture-fill", "DBIRTH probe-isp"]
    await node.stop()
    seen = await see(scada, lambda seen: seen.deaths)
    assert seen.births == [0] and set(seen.deaths) == {0} and seen.breaches == []


async def test_400_messages_have_no_gap_in_seq_and_none_is_missing(
    scada: Scada, small_node: Callable[..., SmallNode], mosquitto: Mosquitto
) -> None:
    node = small_node(mosquitto.port)
    lights = [f"light-{number}" for number in range(20)]
    node.furnish(*lights)
    await node.start()
    for number in range(1, 21):
        for light in lights:
            node.level(light, number / 100)
        await until(lambda number=number: node.service.counters["data"] >= 20 * number)  # type: ignore[misc]
    seen = await see(scada, lambda seen: seen.tags.get((f"fixture-{lights[-1]}", LEVEL[1])) == 0.2)
    assert seen.breaches == [] and len(seen.order) > 400
    for light in lights:
        told = [value for value, _ in seen.times[f"fixture-{light}", LEVEL[1]]]
        assert told == [number / 100 for number in range(21)]


async def test_a_killed_node_is_dead_with_the_bdseq_of_its_birth_and_the_next_has_one_more(
    scada: Scada, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    for expected in (0, 1):
        command = (sys.executable, "-m", "tests.agent.messaging.sparkplug.small", str(mosquitto.port), tmp_path)
        child = Child(*command)
        child.wait_line("online".__eq__)
        await see(scada, lambda seen, expected=expected: seen.births[expected:])  # type: ignore[misc]
        child.process.kill()
        child.code()
        seen = await see(scada, lambda seen, expected=expected: seen.deaths[expected:])  # type: ignore[misc]
        assert seen.births[expected] == seen.deaths[expected] == expected
        assert seen.breaches == []


async def test_a_rebirth_tells_everything_again_under_the_same_bdseq(
    scada: Scada, small_node: Callable[..., SmallNode], mosquitto: Mosquitto
) -> None:
    node = await small_node(mosquitto.port).start()
    node.level("key", 0.5)
    await see(scada, shows(0.5))
    scada.rebirth()
    scada.rebirth()
    seen = await see(scada, lambda seen: len(seen.births) > 1 and len(seen.alive) == 3)
    assert seen.births == [0, 0] and seen.tags[LEVEL] == 0.5
    node.level("key", 0.6)
    seen = await see(scada, shows(0.6))
    assert seen.breaches == [] and seen.births == [0, 0]


async def test_a_rebirth_request_that_is_retained_is_not_one(
    scada: Scada, small_node: Callable[..., SmallNode], mosquitto: Mosquitto
) -> None:
    rebirth = Metric("Node Control/Rebirth", datatype=DataType.BOOLEAN, value=True)
    scada.write("", rebirth, retain=True)
    await until(lambda: scada.plain.heard)
    node = await small_node(mosquitto.port).start()
    await until(lambda: node.service.counters["writes"])
    node.level("key", 0.5)
    seen = await see(scada, shows(0.5))
    assert seen.births == [0]


async def test_a_device_that_goes_offline_dies_and_is_born_when_it_is_back(
    scada: Scada, small_node: Callable[..., SmallNode], mosquitto: Mosquitto
) -> None:
    node = await small_node(mosquitto.port).start()
    node.level("key", 0.5, health="offline")
    seen = await see(scada, lambda seen: "DDEATH fixture-key" in seen.order)
    node.level("key", 0.7, health="offline")
    node.level("fill", 0.1)
    await see(scada, lambda seen: seen.tags.get(("fixture-fill", "Levels/intensity")) == 0.1)
    node.level("key", 0.9)
    seen = await see(scada, shows(0.9))
    assert seen.order.count("DBIRTH fixture-key") == 2 and seen.breaches == []
    assert seen.tags["fixture-key", "Reason"] == "unplugged"


async def test_a_light_taken_out_of_the_configuration_dies(
    scada: Scada, small_node: Callable[..., SmallNode], mosquitto: Mosquitto
) -> None:
    node = await small_node(mosquitto.port).start()
    node.furnish("key")
    seen = await see(scada, lambda seen: "DDEATH fixture-fill" in seen.order)
    assert seen.alive == {"fixture-key", "probe-isp"} and seen.breaches == []


async def test_a_write_moves_the_light_once_and_is_answered_with_data(
    scada: Scada, small_node: Callable[..., SmallNode], mosquitto: Mosquitto
) -> None:
    node = await small_node(mosquitto.port).start()
    wish = Metric(LEVEL[1], datatype=DataType.DOUBLE, value=0.8)
    sent = int(time.time() * 1000)
    scada.write("fixture-key", wish, timestamp=sent)
    seen = await see(scada, lambda seen: seen.tags.get(RESULT) == "succeeded")
    scada.write("fixture-key", wish, timestamp=sent)
    await until(lambda: node.service.counters["writes"] == 2)
    await until(lambda: node.dispatcher.counters["repeated"] == 1)
    ((_, levels),) = node.lights.effects
    assert levels == {"intensity": 0.8}
    assert seen.tags["", "Last Command/Metric"] == "fixture-key Levels/intensity"
    assert seen.times[LEVEL][-1][0] == 0.0, "what it shows is told again as the answer"
    assert seen.breaches == []


@pytest.mark.parametrize(
    ("device", "metric", "age", "code"),
    [
        ("fixture-key", Metric("Levels/intensity", datatype=DataType.DOUBLE, value=7.0), 0.0, "out-of-range"),
        ("fixture-key", Metric("Levels/intensity", datatype=DataType.DOUBLE, value=1.0), 61.0, "expired"),
        ("fixture-key", Metric("Levels/intensity", datatype=DataType.DOUBLE, value=1.0), -70.0, "clock"),
        ("fixture-key", Metric("Held By", datatype=DataType.STRING, value="me"), 0.0, "invalid"),
        ("fixture-key", Metric("Device Control/Identify", datatype=DataType.BOOLEAN, value=True), 0.0, "on-air"),
    ],
)
async def test_a_write_that_is_refused_is_answered_with_the_old_value_and_why(
    scada: Scada,
    small_node: Callable[..., SmallNode],
    mosquitto: Mosquitto,
    device: str,
    metric: Metric,
    age: float,
    code: str,
) -> None:
    node = await small_node(mosquitto.port).start()
    node.air = True
    assert metric.name is not None
    await see(scada, lambda seen: device in seen.alive)
    before = len(scada.seen().times[device, metric.name])
    scada.write(device, metric, timestamp=int((time.time() - age) * 1000))
    seen = await see(scada, lambda seen: seen.tags.get((device, "Last Command/Code")) == code)
    assert seen.tags[RESULT] == "rejected"
    assert seen.tags[device, "Last Command/Message"]
    told = seen.times[device, metric.name]
    assert len(told) == before + 1 and told[-1][0] == told[-2][0]
    assert node.lights.effects == []


async def test_noise_on_the_command_topics_is_counted_and_no_more(
    scada: Scada, small_node: Callable[..., SmallNode], mosquitto: Mosquitto
) -> None:
    node = await small_node(mosquitto.port).start()
    for topic in ("NCMD/one", "DCMD/one/fixture-key", "DCMD/one/no-such-device"):
        for noise in (b"", b"\xff" * 30, b"\x12\x05", b"{}"):
            scada.plain.client.publish(f"spBv1.0/hall/{topic}", noise, 0)
    await until(lambda: node.service.counters["malformed"] + node.service.counters["writes"] == 12)
    node.level("key", 0.5)
    seen = await see(scada, shows(0.5))
    assert seen.breaches == [] and node.lights.effects == []


async def test_a_node_that_is_not_let_in_says_so(
    start_mosquitto: Callable[..., Mosquitto], small_node: Callable[..., SmallNode]
) -> None:
    broker = start_mosquitto("allow_anonymous false")
    node = await small_node(broker.port).start(online=False)
    await until(lambda: "Not authorized" in node.service.reason)
    await asyncio.sleep(0)
    assert not node.service.online.is_set()


async def test_the_access_list_of_the_documents_lets_a_node_be_one_and_no_other(
    start_mosquitto: Callable[..., Mosquitto],
    plain: Callable[..., Plain],
    small_node: Callable[..., SmallNode],
    tmp_path: Path,
) -> None:
    page = (ROOT / "docs/sparkplug.md").read_text(encoding="utf-8")
    lines = [line for line in page.splitlines() if line.startswith("pattern ")]
    access = tmp_path / "access"
    access.write_text("\n".join([*lines, "user scada", "topic readwrite spBv1.0/#", ""]), encoding="utf-8")
    access.chmod(0o644)
    broker = start_mosquitto(f"acl_file {access}", "allow_anonymous true")
    scada = Scada(plain(broker.port, username="scada"))
    scada.online(True)
    node = await small_node(broker.port, username="one", primary_host="scada").start()
    stranger = plain(broker.port, username="two").subscribe("spBv1.0/hall/#")
    for kind in ("NDEATH/one", "DDEATH/one/fixture-key", "DCMD/one/fixture-key", "NCMD/one"):
        stranger.publish(f"spBv1.0/hall/{kind}", b"")
    stranger.publish("spBv1.0/STATE/scada", '{"online": false, "timestamp": 9999999999999}')
    scada.write("fixture-key", Metric(LEVEL[1], datatype=DataType.DOUBLE, value=0.8))
    seen = await see(scada, lambda seen: seen.tags.get(RESULT) == "succeeded")
    assert seen.births == [0] and seen.deaths == [] and seen.breaches == []
    assert node.service.counters["writes"] == 1 and stranger.heard == []
