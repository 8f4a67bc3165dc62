"""What could not be told when it happened: the primary host's state, data of the past."""

import time
from collections.abc import Callable

from agent.messaging.sparkplug.payload import decode
from tests.agent.messaging.sparkplug.scada import LEVEL, Scada, see, shows
from tests.agent.messaging.sparkplug.small import SmallNode
from tests.brokers import Mosquitto, Plain
from tests.proxy import Door
from tests.waiting import until


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
        door.dark = True
        before = node.service.counters["data"]
        node.level("key", 0.2)
        await until(lambda: node.service.counters["data"] > before)
        await until(lambda: not node.service.online.is_set())
        door.dark = False
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


async def test_a_node_goes_on_to_the_broker_where_its_primary_host_is(
    start_mosquitto: Callable[..., Mosquitto], plain: Callable[..., Plain], small_node: Callable[..., SmallNode]
) -> None:
    first, second = start_mosquitto(), start_mosquitto()
    here, there = Scada(plain(first.port)), Scada(plain(second.port))
    here.online(True, 1000)
    there.online(True, 1000)
    brokers = [{"host": "127.0.0.1", "port": second.port, "protocol": "5"}]
    node = await small_node(first.port, brokers=brokers, primary_host="scada").start()
    node.level("key", 0.1)
    await see(here, shows(0.1))
    here.online(False, 2000)
    await see(here, lambda seen: seen.deaths)
    node.level("key", 0.2)
    seen = await see(there, shows(0.2))
    assert seen.births == [1] and seen.breaches == [] and set(here.seen().deaths) == {0}


async def test_a_host_that_cannot_read_aliases_gets_names(
    scada: Scada, small_node: Callable[..., SmallNode], mosquitto: Mosquitto
) -> None:
    scada.online(False)
    node = await small_node(mosquitto.port, primary_host="scada", aliases=False).start(online=False)
    node.level("key", 0.1)
    await until(lambda: not node.service.model.things["fixture-key"].changed)
    scada.online(True)
    await see(scada, lambda seen: (*LEVEL, 0.1) in [h[:3] for h in seen.history])
    node.level("key", 0.2)
    seen = await see(scada, shows(0.2))
    assert seen.breaches == []
    data = [decode(m.payload) for m in scada.plain.heard if "DATA" in m.topic]
    assert all(metric.alias is None and metric.name for payload in data for metric in payload.metrics)
