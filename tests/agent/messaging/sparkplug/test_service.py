"""The edge node at a real Mosquitto, watched by a host that knows the rules."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from agent.messaging.sparkplug.payload import DataType, Metric
from tests.agent.messaging.sparkplug.scada import Scada, Seen
from tests.agent.messaging.sparkplug.small import SmallNode
from tests.brokers import Mosquitto, Plain
from tests.processes import Child
from tests.proxy import Door
from tests.waiting import until

LEVEL = ("fixture-key", "Levels/intensity")
RESULT = ("fixture-key", "Last Command/Result")


@pytest.fixture
async def small_node(tmp_path: Path) -> AsyncIterator[Callable[..., SmallNode]]:
    made: list[SmallNode] = []

    def make(port: int, **more: Any) -> SmallNode:
        made.append(SmallNode(port, tmp_path, **more))
        made[-1].furnish("key", "fill")
        return made[-1]

    yield make
    for node in made:
        await node.stop()


@pytest.fixture
def scada(mosquitto: Mosquitto, plain: Callable[..., Plain]) -> Scada:
    return Scada(plain(mosquitto.port))


async def see(scada: Scada, wanted: Callable[[Seen], Any]) -> Seen:
    """Until the host has seen it, without blocking the loop."""
    await until(lambda: wanted(scada.seen()))
    return scada.seen()


def shows(level: float) -> Callable[[Seen], bool]:
    return lambda seen: seen.tags.get(LEVEL) == level


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


async def test_births_wait_for_the_primary_host_and_what_came_meanwhile_is_history(
    scada: Scada, small_node: Callable[..., SmallNode], mosquitto: Mosquitto
) -> None:
    scada.online(False, 1000)
    node = await small_node(mosquitto.port, primary_host="scada").start(online=False)
    await until(lambda: node.service.reason.startswith("waiting"))
    for level in (0.1, 0.2, 0.3):
        before = node.service.history.waiting
        node.level("key", level)
        await until(lambda before=before: node.service.history.waiting > before)  # type: ignore[misc]
    scada.online(True, 999)  # older than the last: nothing
    scada.plain.publish("spBv1.0/STATE/another", '{"online": true, "timestamp": 2000}')
    assert not node.service.online.is_set() and scada.seen().order == []
    scada.online(True, 1000)
    seen = await see(scada, lambda seen: [h[2] for h in seen.history if h[:2] == LEVEL][-3:] == [0.1, 0.2, 0.3])
    assert seen.births == [0] and seen.tags[LEVEL] == 0.3 and seen.breaches == []
    times = [h[3] for h in seen.history if h[:2] == LEVEL]
    assert times == sorted(times)
    await until(lambda: node.service.history.waiting == 0)


async def test_when_the_primary_host_goes_the_node_dies_and_waits_at_a_new_connection(
    scada: Scada, small_node: Callable[..., SmallNode], mosquitto: Mosquitto
) -> None:
    scada.online(True, 1000)
    node = await small_node(mosquitto.port, primary_host="scada").start()
    scada.online(False, 900)  # an old will: not to be believed
    node.level("key", 0.1)
    assert (await see(scada, shows(0.1))).deaths == []
    scada.online(False, 1001)
    seen = await see(scada, lambda seen: seen.deaths)
    await until(lambda: node.service.reason.startswith("waiting"))
    node.level("key", 0.2)
    await until(lambda: not node.service.model.things["fixture-key"].changed)
    scada.online(True, 1002)
    seen = await see(scada, lambda seen: (*LEVEL, 0.2) in [h[:3] for h in seen.history])
    assert seen.births == [0, 1] and set(seen.deaths) == {0} and seen.breaches == []


async def test_what_happens_while_the_broker_is_away_arrives_as_history_after_a_restart_of_the_node(
    plain: Callable[..., Plain], start_mosquitto: Callable[..., Mosquitto], small_node: Callable[..., SmallNode]
) -> None:
    broker = start_mosquitto()
    node = await small_node(broker.port).start()
    broker.stop()
    await until(lambda: not node.service.online.is_set())
    for number in range(1, 41):
        before = node.service.history.waiting
        node.level("key", number / 100)
        await until(lambda before=before: node.service.history.waiting > before)  # type: ignore[misc]
    await node.stop()
    broker.start()
    scada = Scada(plain(broker.port))
    node = await small_node(broker.port, backlog_rate=10_000).start()
    wanted = [number / 100 for number in range(1, 41)]
    seen = await see(scada, lambda seen: [h[2] for h in seen.history if h[:2] == LEVEL][-40:] == wanted)
    assert seen.breaches == []
    assert seen.tags[LEVEL] == 0.0, "the past does not move what is now"
    await until(lambda: node.service.history.waiting == 0)


async def test_data_into_a_half_open_connection_come_as_history(
    plain: Callable[..., Plain], mosquitto: Mosquitto, small_node: Callable[..., SmallNode]
) -> None:
    door = Door(mosquitto.port)
    try:
        scada = Scada(plain(mosquitto.port))
        node = await small_node(door.port).start()
        node.level("key", 0.1)
        await see(scada, shows(0.1))
        door.swallowing = True
        before = node.service.counters["data"]
        node.level("key", 0.2)
        await until(lambda: node.service.counters["data"] > before)
        await until(lambda: not node.service.online.is_set())
        door.swallowing = False
        seen = await see(scada, lambda seen: (*LEVEL, 0.2) in [h[:3] for h in seen.history])
        assert seen.tags[LEVEL] == 0.2 and seen.breaches == []
    finally:
        door.close()


async def test_the_past_is_sent_at_its_rate_behind_the_present(
    scada: Scada, small_node: Callable[..., SmallNode], mosquitto: Mosquitto
) -> None:
    node = small_node(mosquitto.port, primary_host="scada", backlog_rate=50)
    await node.start(online=False)
    now, things = time.time(), node.service.model.things
    for number in range(1, 121):
        node.service.history.keep("fixture-key", things["fixture-key"].everything(number), now)
    node.service.history.keep("fixture-gone", things["fixture-fill"].everything(1), now)
    node.level("fill", 0.3)
    await until(lambda: node.service.history.file.last >= 122)
    begun = time.monotonic()
    scada.online(True)
    await until(node.service.online.is_set)
    node.level("key", 0.9)
    await see(scada, shows(0.9))
    first = node.service.history.waiting
    await until(lambda: node.service.history.waiting == 0)
    assert first > 50, "the present overtook the past"
    assert time.monotonic() - begun >= 2.0, "100 messages at 50 a second, and the last batch"
    assert node.service.counters["orphaned"] == 1
    assert scada.seen().breaches == []


async def test_the_past_has_a_budget_and_what_goes_over_is_counted_and_published(
    scada: Scada, small_node: Callable[..., SmallNode], mosquitto: Mosquitto
) -> None:
    scada.online(False)
    node = await small_node(mosquitto.port, primary_host="scada", kept={"mib": 0.01}).start(online=False)
    for number in range(300):
        node.level("key", number / 1000)
        if number % 20 == 19:
            last = node.service.history.file.last
            await until(lambda last=last: node.service.history.file.last > last)  # type: ignore[misc]
        node.service.history.keep("fixture-key", node.service.model.things["fixture-key"].take(), time.time())
    await until(lambda: node.service.history.dropped > 50)
    scada.online(True)
    seen = await see(scada, lambda seen: seen.births)
    assert seen.tags["", "Sparkplug/Dropped"] == node.service.history.dropped


async def test_a_node_that_is_not_let_in_says_so(
    start_mosquitto: Callable[..., Mosquitto], small_node: Callable[..., SmallNode]
) -> None:
    broker = start_mosquitto("allow_anonymous false")
    node = await small_node(broker.port).start(online=False)
    await until(lambda: "Not authorized" in node.service.reason)
    await asyncio.sleep(0)
    assert not node.service.online.is_set()
