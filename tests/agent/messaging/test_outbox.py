"""The outbox's order, window and pace, at a connection whose acknowledgements the test gives; then at real brokers."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from agent.messaging.outbox import GROUP, IN_HAND, Outbox
from agent.messaging.outbox_file import Budget, OutboxFile
from agent.messaging.payloads import Event, Telemetry
from agent.messaging.topics import Keep
from agent.runtime.store import at_once
from drivers.errors import ReplyTimeout
from tests.brokers import Mosquitto, Plain
from tests.waiting import until

PLENTY = {keep: Budget(86400.0, 2**26) for keep in Keep}
Make = Callable[..., Any]
Join = Callable[..., Plain]


class Post:
    """A connection: ``given`` are the messages under way, :meth:`ack` takes the oldest of them."""

    def __init__(self, window: int = 4, largest: int = 1000) -> None:
        self.window = window
        self.largest = largest
        self.eased: Callable[[], None] = lambda: None
        self.given: list[tuple[str, Callable[[int, str], None]]] = []
        self.taken: list[str] = []

    @property
    def room(self) -> int:
        return self.window - len(self.given)

    def takes(self, topic: str, body: bytes) -> bool:
        return len(body) <= self.largest

    def publish(self, topic: str, body: bytes, *, qos: int, retain: bool, acked: Callable[[int, str], None]) -> bool:
        assert qos == 1 and self.room > 0
        self.given.append((body.decode(), acked))
        return True

    def ack(self, code: int = 0, said: str = "Success") -> str:
        body, acked = self.given.pop(0)
        self.taken.append(body)
        acked(code, said)
        self.eased()
        return body


class Case:
    """An outbox whose clock and disk the test holds."""

    def __init__(self, path: Path, rate: float = 1e6) -> None:
        self.now = 100.0
        self.path = path
        self.rate = rate
        self.broken = 0
        self.gate, self.asked = asyncio.Event(), asyncio.Event()
        self.gate.set()
        self._task: asyncio.Task[None] | None = None
        self.begin()

    def begin(self) -> "Case":
        self.box = Outbox(OutboxFile(self.path, PLENTY), self.disk, lambda: 1.8e9, lambda: self.now, self.rate)
        self._task = asyncio.create_task(self.box.run())
        return self

    async def disk(self, work: Callable[[], Any]) -> Any:
        self.asked.set()
        await self.gate.wait()
        if self.broken:
            self.broken -= 1
            raise ReplyTimeout("the disk did not answer")
        return await at_once(work)

    def put(self, *bodies: str, keep: Keep = Keep.EVENT) -> None:
        for body in bodies:
            self.box.put(keep, "t", body.encode())

    async def end(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def written(self, count: int) -> None:
        await until(lambda: self.box.file.rows.total() == count)


@pytest.fixture
async def case(tmp_path: Path) -> AsyncIterator[Callable[..., Case]]:
    made: list[Case] = []

    def make(**more: Any) -> Case:
        made.append(Case(tmp_path / "outbox.sqlite", **more))
        return made[-1]

    yield make
    for one in made:
        await one.end()


async def all_taken(case: Case, post: Post, count: int) -> list[str]:
    while len(post.taken) < count:
        await until(lambda: post.given)
        post.ack()
    return post.taken


async def test_nothing_is_sent_before_it_is_written_nor_forgotten_before_it_is_acknowledged(case: Make) -> None:
    here = case()
    post = Post()
    here.box.attach(post)
    here.put("a")
    assert post.given == []
    await until(lambda: post.given)
    assert here.box.file.rows.total() == 1
    post.ack()
    await here.written(0)


async def test_the_window_is_kept(case: Make) -> None:
    here, post = case(), Post(window=1)
    here.box.attach(post)
    here.put("a", "b", "c")
    await here.written(3)
    assert len(post.given) == 1  # Receive Maximum 1
    assert await all_taken(here, post, 3) == ["a", "b", "c"]
    await here.written(0)


async def test_a_loss_begins_anew_at_the_first_that_was_not_acknowledged(case: Make) -> None:
    here, first, second = case(), Post(), Post()
    here.box.attach(first)
    here.put(*"abcdef")
    await until(lambda: len(first.given) == 4)
    first.ack()
    here.box.detach()
    first.given[0][1](0, "Success")  # too late: of a connection that has ended
    here.put("g")
    await until(lambda: here.box.file.last == 7 and here.box.waiting == 6)
    here.box.attach(second)
    assert await all_taken(here, second, 6) == list("bcdefg")
    await here.written(0)


async def test_a_restart_goes_on_where_it_was(case: Make) -> None:
    here = case()
    await until(lambda: here.box._open)
    here.put("a", "b")  # and it is ended before they can have been written
    await here.end()
    again, post = here.begin(), Post()
    again.box.attach(post)
    assert await all_taken(again, post, 2) == ["a", "b"]
    again.put("c")
    assert await all_taken(again, post, 3) == ["a", "b", "c"]


async def test_an_end_in_the_middle_of_a_write_loses_nothing_and_writes_nothing_twice(case: Make) -> None:
    here = case()
    await until(lambda: here.box._open)
    here.gate.clear()
    here.asked.clear()
    here.put("a", "b")
    await here.asked.wait()
    here.put("c")
    ending = asyncio.create_task(here.end())
    await asyncio.sleep(0)
    here.gate.set()
    await ending
    again, post = here.begin(), Post()
    again.box.attach(post)
    assert await all_taken(again, post, 3) == ["a", "b", "c"]
    await again.written(0)


async def test_what_is_said_now_goes_before_the_backlog(case: Make) -> None:
    here, post = case(), Post(window=1)
    here.put(*(f"old-{n}" for n in range(5)))
    await here.written(5)
    here.box.attach(post)
    await until(lambda: post.given)
    here.put("new-1", "new-2")
    await here.written(7)
    assert await all_taken(here, post, 7) == ["old-0", "new-1", "new-2", "old-1", "old-2", "old-3", "old-4"]


async def test_the_backlog_keeps_its_pace_and_what_is_said_now_does_not_wait_for_it(case: Make) -> None:
    here, post = case(rate=10.0), Post(window=100)
    here.put(*(f"old-{n}" for n in range(5)))
    await here.written(5)
    here.now += 1000.0
    here.box.attach(post)
    await until(lambda: post.given)
    here.put("new")
    await until(lambda: len(post.given) == 2)
    assert [body for body, _ in post.given] == ["old-0", "new"]
    here.now += 0.11
    here.box._pump()
    assert [body for body, _ in post.given] == ["old-0", "new", "old-1"]
    here.box._pump()
    assert len(post.given) == 3


async def test_more_than_memory_holds_is_read_again_in_order(case: Make) -> None:
    here, post = case(), Post(window=50)
    count = IN_HAND + 3 * GROUP
    here.box.attach(post)
    for start in range(0, count, GROUP):
        here.put(*(str(n) for n in range(start, start + GROUP)), keep=Keep.TELEMETRY)
        await here.written(start + GROUP)
    assert await all_taken(here, post, count) == [str(n) for n in range(count)]
    await here.written(0)


async def test_a_refusal_is_set_aside_and_does_not_hold_up_the_rest(case: Make) -> None:
    here, post = case(), Post(window=2)
    here.box.attach(post)
    here.put("a", "b", "c")
    await until(lambda: len(post.given) == 2)
    post.ack(0x87, "Not authorized")
    assert await all_taken(here, post, 3) == ["a", "b", "c"]
    await here.written(0)
    assert here.box.file.refusals() == [("t", b"a", 0x87, "Not authorized")]


async def test_what_this_broker_can_never_take_is_set_aside(case: Make) -> None:
    here, post = case(), Post(largest=3)
    here.box.attach(post)
    here.put("long enough", "b")
    assert await all_taken(here, post, 1) == ["b"]
    await here.written(0)
    assert "Maximum Packet Size" in here.box.file.refusals()[0][3]


async def test_a_disk_that_does_not_answer_loses_nothing(case: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.messaging.outbox.AGAIN", 0.01)
    here, post = case(), Post()
    await here.written(0)
    here.box.attach(post)
    here.broken = 3
    here.put("a", "b")
    assert await all_taken(here, post, 2) == ["a", "b"]
    here.broken = 2
    await here.written(0)


async def test_a_disk_that_never_answers_costs_numbers_first(case: Make) -> None:
    here = case()
    here.broken = 10**9
    here.put("event")
    here.put(*(str(n) for n in range(IN_HAND + 10)), keep=Keep.TELEMETRY)
    assert here.box.overrun == 11 and here.box.dropped == 11
    assert [item.body for item in here.box._fresh][:2] == [b"event", b"11"]
    here.broken = 0


async def test_numbers_alone_are_settled_within_their_time(case: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    here = case()
    settled: list[float] = []
    monkeypatch.setattr(here.box.file, "settle", lambda: settled.append(here.now))
    here.put("a", keep=Keep.TELEMETRY)
    await here.written(1)
    assert settled == []
    here.now += 0.8
    here.put("b", keep=Keep.TELEMETRY)
    await here.written(2)
    assert settled == [100.8]


# --- at real brokers -------------------------------------------------------------------------------------------------


def numbers(heard: list[Any], group: str) -> list[int]:
    return [json.loads(m.payload)["n"] for m in heard if m.topic.endswith(f"/tele/{group}/all")]


async def test_a_broker_that_was_away_hears_it_all(mosquitto: Mosquitto, plain: Join, small_agent: Make) -> None:
    agent = await small_agent(mosquitto.port).start()
    mosquitto.stop(kill=True)
    await until(lambda: agent.bus.health.state == "offline")
    for n in range(30):
        agent.bus.publish(agent.topics.tele("x"), Telemetry.of({"n": n}))
    await until(lambda: agent.bus.outbox.file.rows.total() >= 30)
    # The agent must find a broker only once somebody listens there, or the broker would have nobody to give it to.
    port = mosquitto.port
    agent.bus.config = agent.bus.config.model_copy(update={"port": 1})
    mosquitto.start()
    watcher = plain(port).subscribe("studio/v1/hall/one/up/#")
    agent.bus.config = agent.bus.config.model_copy(update={"port": port})
    await until(lambda: len(numbers(watcher.heard, "x")) == 30)
    assert numbers(watcher.heard, "x") == list(range(30))
    seqs = [json.loads(m.payload)["seq"] for m in watcher.heard if "/tele/" in m.topic]
    assert seqs == sorted(seqs)
    await until(lambda: agent.bus.outbox.waiting == 0)


async def test_an_access_list_that_denies_sets_aside(
    start_mosquitto: Callable[..., Mosquitto], small_agent: Make, tmp_path: Path
) -> None:
    acl = tmp_path / "acl"
    acl.write_text("topic write studio/v1/hall/one/up/tele/#\ntopic read studio/v1/hall/one/down/#\n")
    agent = await small_agent(start_mosquitto(f"acl_file {acl}").port).start()
    agent.bus.publish(agent.topics.event, Event(name="studio.tested"))
    agent.bus.publish(agent.topics.tele("x"), Telemetry.of({"n": 1}))
    await until(lambda: agent.bus.outbox.file.refused == 1)
    await until(lambda: agent.bus.outbox.waiting == 0)
    (topic, body, code, why), *more = agent.bus.outbox.file.refusals()
    assert not more and topic == agent.topics.event and json.loads(body)["name"] == "studio.tested"
    assert code == 0x87 and why == "Not authorized"


async def test_a_broker_that_takes_one_at_a_time_and_only_small_ones(
    start_mosquitto: Callable[..., Mosquitto], plain: Join, small_agent: Make
) -> None:
    broker = start_mosquitto("max_inflight_messages 1", "max_packet_size 1000")
    watcher = plain(broker.port).subscribe("studio/v1/hall/one/up/tele/#")
    agent = await small_agent(broker.port).start()
    for n in range(20):
        agent.bus.publish(agent.topics.tele("x"), Telemetry.of({"n": n}))
    agent.bus.publish(agent.topics.event, Event(name="studio.tested", fields={"long": "x" * 2000}))
    await until(lambda: agent.bus.outbox.waiting == 0)
    assert numbers(watcher.heard, "x") == list(range(20))
    assert agent.bus.outbox.file.refused == 1
    assert "Maximum Packet Size" in agent.bus.outbox.file.refusals()[0][3]
