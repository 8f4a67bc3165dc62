"""The life of a command without a broker."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.messaging.dispatch import Dispatcher
from agent.messaging.lifecycle import FINAL, NEXT, State
from agent.messaging.payloads import Answer
from agent.messaging.questions import REMEMBERED
from agent.messaging.verbs import Request, Verb
from agent.runtime.journal import Entry, Journal
from drivers.base import Impact
from tests.agent.messaging.conftest import Lights
from tests.waiting import until

SET = b'{"args": {"targets": ["key"], "levels": {"intensity": 0.5}}}'
LOOK = b'{"args": {"look": "show"}}'


class Bench:
    def __init__(self, path: Path | None = None) -> None:
        self.answers: list[Answer] = []
        self.lights = Lights()
        self.on_air = False
        self.now = 1_000_000.0
        self.journal = Journal(path)
        self.dispatcher = Dispatcher(
            self.lights.verbs(), self.journal, lambda: self.on_air, self.answers.append, lambda: self.now, max_running=2
        )

    async def send(self, verb: str, name: str, body: bytes = b"", **more: Any) -> None:
        await self.dispatcher.receive(Request(verb, name, body, **more))

    async def end(self, name: str) -> Answer:
        found: list[Answer] = await until(lambda: [a for a in self.answers if a.id == name and a.final])
        return found[-1]

    def states(self, name: str) -> list[State]:
        return [a.state for a in self.answers if a.id == name]


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    yield made
    await made.dispatcher.stop()
    made.journal.close()


def test_the_life_cycle_is_a_table_without_dead_ends() -> None:
    assert set(NEXT) == {None, *State}
    assert {State.SUCCEEDED, State.FAILED, State.CANCELLED, State.REJECTED} == FINAL
    assert {after for states in NEXT.values() for after in states} == set(State)


async def test_on_air_refuses_what_is_visible_and_remembers_that_it_did(bench: Bench) -> None:
    bench.on_air = True
    await bench.send("identify", "a", b'{"args": {"fixture": "key"}}')
    assert (await bench.end("a")).code == "on-air"
    bench.on_air = False
    await bench.send("identify", "a", b'{"args": {"fixture": "key"}}')
    assert bench.answers[-1].state is State.REJECTED and bench.answers[-1].repeated
    await bench.send("identify", "b", b'{"args": {"fixture": "key"}}')
    assert (await bench.end("b")).state is State.SUCCEEDED
    assert bench.lights.effects == [("b", "key")]


async def test_a_bug_in_a_verb_fails_that_command_only(bench: Bench) -> None:
    await bench.send("reload", "a")
    end = await bench.end("a")
    assert (end.state, end.code) == (State.FAILED, "internal") and end.message is not None
    await bench.send("ping", "b")
    assert (await bench.end("b")).state is State.SUCCEEDED


async def test_a_driver_error_becomes_its_code(bench: Bench) -> None:
    await bench.send("identify", "a", b'{"args": {"fixture": "gone"}}')
    end = await bench.end("a")
    assert (end.state, end.code) == (State.FAILED, "offline")
    assert end.message is not None and "unplugged" in end.message.en


async def test_cancel(bench: Bench) -> None:
    await bench.send("look.apply", "a", LOOK)
    await bench.lights.started.wait()
    await bench.send("command.cancel", "c", b'{"args": {"id": "a"}}')
    assert (await bench.end("c")).result == {"cancelled": "a"}
    assert (await bench.end("a")).code == "cancelled"
    assert bench.states("a") == [State.ACCEPTED, State.EXECUTING, State.CANCELLED]
    await bench.send("command.cancel", "d", b'{"args": {"id": "a"}}')
    assert (await bench.end("d")).code == "unknown-target"


async def test_too_many_at_once_are_busy_but_cancel_and_ping_still_work(bench: Bench) -> None:
    for name in "ab":
        await bench.send("look.apply", name, LOOK)
    await bench.send("look.apply", "c", LOOK)
    assert (await bench.end("c")).code == "busy"
    await bench.send("ping", "p")
    assert (await bench.end("p")).state is State.SUCCEEDED
    await bench.send("command.cancel", "x", b'{"args": {"id": "a"}}')
    await bench.end("a")
    await bench.send("look.apply", "e", LOOK)
    bench.lights.release.set()
    assert (await bench.end("e")).state is State.SUCCEEDED
    assert bench.dispatcher.running == ()


async def test_stop_cancels_what_runs_even_what_has_not_begun(bench: Bench) -> None:
    await bench.send("look.apply", "a", LOOK)
    await bench.dispatcher.stop()
    assert (await bench.end("a")).code == "stopping"
    await bench.send("look.apply", "b", LOOK)
    assert (await bench.end("b")).code == "stopping"


async def test_a_verb_that_takes_too_long(bench: Bench) -> None:
    slow = bench.dispatcher.verbs["look.apply"]
    bench.dispatcher.verbs = {
        **bench.dispatcher.verbs,
        "look.apply": Verb(slow.name, slow.args, slow.run, deadline=0.01),
    }
    await bench.send("look.apply", "a", LOOK)
    assert (await bench.end("a")).code == "timeout"


async def test_impact_may_depend_on_the_arguments(bench: Bench) -> None:
    old = bench.dispatcher.verbs["lights.set"]
    loud = Verb(old.name, old.args, old.run, impact=lambda a: Impact.VISIBLE if "all" in a.targets else Impact.PASSIVE)
    bench.dispatcher.verbs = {**bench.dispatcher.verbs, "lights.set": loud}
    bench.on_air = True
    await bench.send("lights.set", "a", SET)
    assert (await bench.end("a")).state is State.SUCCEEDED
    await bench.send("lights.set", "b", SET.replace(b"key", b"all"))
    assert (await bench.end("b")).code == "on-air"


async def test_a_result_that_is_no_json_is_the_verbs_fault(bench: Bench) -> None:
    async def odd(args: Any, job: Any) -> Any:
        return {"thing": object()}

    old = bench.dispatcher.verbs["lights.set"]
    bench.dispatcher.verbs = {**bench.dispatcher.verbs, "lights.set": Verb(old.name, old.args, odd)}
    await bench.send("lights.set", "a", SET)
    assert (await bench.end("a")).code == "internal"


async def test_expiry_by_transport_and_by_envelope(bench: Bench) -> None:
    await bench.send("lights.set", "a", SET, expires=bench.now - 0.001)
    assert (await bench.end("a")).code == "expired"
    await bench.send("lights.set", "b", SET, expires=bench.now + 1)
    assert (await bench.end("b")).state is State.SUCCEEDED
    bench.now += 100  # long done: answered from the journal, not refused as expired
    await bench.send("lights.set", "b", SET, expires=bench.now - 99)
    assert bench.answers[-1].state is State.SUCCEEDED and bench.answers[-1].repeated


@pytest.mark.parametrize(("ahead", "code"), [(-3600, None), (59, None), (61, "clock")])
async def test_a_requesters_clock_may_be_a_minute_ahead(bench: Bench, ahead: float, code: str | None) -> None:
    issued = datetime.fromtimestamp(bench.now + ahead, UTC).isoformat()
    await bench.send("lights.set", "a", SET[:-1] + f', "issued_at": "{issued}"}}'.encode())
    assert (await bench.end("a")).code == code


async def test_the_same_command_twice_at_the_same_time_has_one_effect(bench: Bench) -> None:
    heard: list[Answer] = []
    request = Request("look.apply", "a", LOOK, reply=lambda answer, _: heard.append(answer))
    await asyncio.gather(bench.send("look.apply", "a", LOOK), bench.dispatcher.receive(request))
    bench.lights.release.set()
    assert (await bench.end("a")).state is State.SUCCEEDED
    assert bench.lights.effects == [("a", "show")] and heard[-1].state is State.SUCCEEDED


def copied(database: Path) -> Path:
    """What a crash would leave of it."""
    there = database.parent / "crashed"
    there.mkdir()
    for part in database.parent.glob(database.name + "*"):
        (there / part.name).write_bytes(part.read_bytes())
    return there / database.name


async def test_a_command_cut_off_by_a_crash_is_failed_not_repeated(tmp_path: Path) -> None:
    first = Bench(tmp_path / "j.db")
    await first.send("look.apply", "a", LOOK)
    await first.lights.started.wait()
    # no stop: the process is gone here, only the file remains
    second = Bench(copied(tmp_path / "j.db"))
    assert [a.id for a in await second.dispatcher.recover()] == ["a"]
    await second.send("look.apply", "a", LOOK)
    assert (await second.end("a")).code == "interrupted"
    assert not second.lights.effects
    await first.dispatcher.stop()
    first.journal.close()
    second.journal.close()


async def test_refused_replies_and_answers_that_raise_do_no_harm(bench: Bench) -> None:
    def broken(answer: Answer, reply_to: str | None) -> None:
        raise RuntimeError("the requester's line is gone")

    await bench.send("lights.set", "a", SET, reply=broken)
    assert (await bench.end("a")).state is State.SUCCEEDED


async def test_a_journal_that_fails_is_no_end(bench: Bench) -> None:
    bench.journal.open()
    bench.journal._store.do(lambda db: db.execute("drop table taken"))
    await bench.send("lights.set", "a", SET)
    assert (await bench.end("a")).state is State.SUCCEEDED
    assert "until the next restart only" in bench.journal.health


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
bodies = (
    st.binary(max_size=200)
    | json_values.map(lambda v: json.dumps(v).encode())
    | st.fixed_dictionaries({"args": json_values}).map(lambda v: json.dumps(v).encode())
    | st.integers(1, 16_000).map(lambda n: b"[" * n)
    | st.sampled_from([b'{"args": 1e999}', b'{"a": ' + b"9" * 5000 + b"}", b'{"issuer": "\\ud800"}', b'{"a":1,"a":2}'])
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    verb=st.sampled_from(["lights.set", "identify", "ping", "command.cancel"]) | st.text(), name=st.text(), body=bodies
)
def test_any_bytes_are_answered_and_never_raise(verb: str, name: str, body: bytes) -> None:
    async def once() -> None:
        bench = Bench()
        heard: list[Answer] = []
        await bench.dispatcher.receive(Request(verb, name, body, reply=lambda answer, _: heard.append(answer)))
        assert heard, "every command gets an answer"
        for answer in heard:
            json.loads(answer.encode())
        await bench.dispatcher.stop()
        bench.journal.close()

    asyncio.run(once())


def test_journal_keeps_within_its_bounds(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.db", keep=50, age=1000.0)
    now = time.time()
    for number in range(301):
        assert journal.begin(Entry(f"n{number}", "ping", "d", "succeeded", True, "{}", now + number))
    assert not journal.begin(Entry("n300", "ping", "d", "succeeded", True, "{}", now))
    assert journal.find("n0") is None and journal.find("n300") is not None
    assert journal.begin(Entry("late", "ping", "d", "accepted", False, "{}", now + 5000))
    assert [entry.id for entry, _ in journal.unfinished()] == ["late"]
    journal.close()


async def test_a_question_is_answered_by_its_end_alone_and_is_not_written(bench: Bench) -> None:
    await bench.dispatcher.recover()
    heard: list[Answer] = []
    for body in (b"", b"{}", b'{"args": {"x": 1}}', b"rubbish"):
        await bench.send("ping", "q", body, reply=lambda answer, _: heard.append(answer))
    assert [(a.state, a.repeated, a.code) for a in heard] == [
        ("succeeded", False, None),
        ("succeeded", True, None),
        ("rejected", False, "duplicate"),
        ("rejected", False, "malformed"),
    ]
    assert heard[0].result == heard[1].result and heard[0].result is not None
    assert bench.journal.find("q") is None and not bench.dispatcher.running
    assert bench.dispatcher.counters["succeeded"] == 1 and bench.dispatcher.counters["repeated"] == 1


async def test_the_id_of_a_command_is_no_question(bench: Bench) -> None:
    await bench.dispatcher.recover()
    await bench.send("lights.set", "a", SET)
    await bench.end("a")
    heard: list[Answer] = []
    await bench.send("ping", "a", reply=lambda answer, _: heard.append(answer))
    assert [a.code for a in heard] == ["duplicate"]


async def test_a_question_for_later_is_a_command(bench: Bench) -> None:
    await bench.dispatcher.recover()
    at = datetime.fromtimestamp(bench.now + 5, UTC).isoformat()
    await bench.send("ping", "later", json.dumps({"execute_at": at}).encode())
    entry = bench.journal.find("later")
    assert entry is not None and bench.dispatcher.running == ("later",)


async def test_of_many_questions_the_last_answers_are_remembered(bench: Bench) -> None:
    await bench.dispatcher.recover()
    heard: list[Answer] = []
    for number in (*range(REMEMBERED + 1), 0, REMEMBERED):
        await bench.send("ping", f"q{number}", reply=lambda answer, _: heard.append(answer))
    assert [a.repeated for a in heard[-2:]] == [False, True]
