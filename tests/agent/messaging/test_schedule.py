"""Commands with a time, on a clock of the test's own."""

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agent.messaging.dispatch import Dispatcher
from agent.messaging.header import iso
from agent.messaging.lifecycle import LIMITS, State
from agent.messaging.payloads import Answer
from agent.messaging.verbs import Reply, Request
from agent.runtime.journal import Journal
from tests.agent.messaging.clocks import ManualClock, settle
from tests.agent.messaging.conftest import Lights


class Start:
    """One start of an agent over a journal."""

    def __init__(self, path: Path, clock: ManualClock) -> None:
        self.clock = clock
        self.lights = Lights()
        self.answers: list[Answer] = []
        self.replied: list[tuple[str | None, bytes | None, Answer]] = []
        self.restored: list[tuple[Answer, float | None]] = []
        self.air = False
        self.journal = Journal(path)
        self.dispatcher = Dispatcher(
            self.lights.verbs(),
            self.journal,
            lambda: self.air,
            self._publish,
            clock.wall,
            max_running=2,
            max_scheduled=3,
            mono=clock.mono,
            sleep=clock.sleep,
            restore=lambda answer, ago: self.restored.append((answer, ago)),
            reply_on=self._reply_on,
        )

    def _publish(self, answer: Answer) -> None:
        self.answers.append(answer)
        if answer.final:
            self.journal.told(answer.id)

    def _reply_on(self, topic: str | None, correlation: bytes | None) -> Reply:
        return lambda answer, reply_to: self.replied.append((topic or reply_to, correlation, answer))

    async def send(self, name: str, verb: str = "lights.set", at: float | None = None, **more: Any) -> Answer:
        """``at``, ``before``, ``expires``: seconds from now. The latest answer."""
        args: dict[str, Any] = {"targets": ["key"], "levels": {"intensity": 0.5}}
        if verb == "identify":
            args = {"fixture": "key"}
        elif verb == "look.apply":
            args = {"look": "show"}
        elif verb == "command.cancel":
            args = {"id": more.pop("of")}
        now = self.clock.wall()
        times = {"execute_at": at, "not_before": more.pop("before", None), "expires_at": more.pop("expires", None)}
        body = {"args": args, **{key: iso(now + span) for key, span in times.items() if span is not None}}
        await self.dispatcher.receive(Request(verb, name, json.dumps(body).encode(), **more))
        await settle()
        return [answer for answer in self.answers if answer.id == name][-1]

    def states(self, name: str) -> list[State]:
        return [answer.state for answer in self.answers if answer.id == name]

    def last(self, name: str) -> Answer:
        return [answer for answer in self.answers if answer.id == name][-1]

    async def end(self) -> None:
        await self.dispatcher.stop()
        self.journal.close()


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    made = Start(tmp_path / "journal.db", ManualClock())
    yield made
    await made.end()


async def crashed(start: Start) -> Start:
    """The same agent after a crash: only the file is left."""
    assert start.journal._store.path is not None
    there = start.journal._store.path.parent / f"after-{start.clock.mono()}"
    there.mkdir()
    for part in start.journal._store.path.parent.glob("journal.db*"):
        shutil.copy(part, there)
    again = Start(there / "journal.db", start.clock)
    await again.dispatcher.recover()
    await settle()
    return again


async def test_it_begins_at_its_moment(start: Start) -> None:
    scheduled = await start.send("a", at=30.0)
    assert scheduled.state is State.SCHEDULED and scheduled.due == iso(start.clock.wall() + 30)
    await start.clock.advance(29.9)
    assert not start.lights.effects
    await start.clock.advance(0.2)
    assert start.lights.effects == [("a", {"intensity": 0.5})]
    begun = next(answer for answer in start.answers if answer.state is State.EXECUTING)
    assert begun.late_ms is not None and 0 <= begun.late_ms < 2
    assert [*dict.fromkeys(start.states("a"))] == ["accepted", "scheduled", "executing", "succeeded"]


async def test_half_a_second_ahead_is_early_enough(start: Start) -> None:
    assert (await start.send("a", at=0.5)).state is State.SCHEDULED
    await start.clock.advance(0.6)
    assert start.last("a").state is State.SUCCEEDED


async def test_one_that_has_just_passed_begins_at_once_and_an_old_one_never(start: Start) -> None:
    assert (await start.send("a", at=-0.1)).state is State.SUCCEEDED
    assert (await start.send("b", at=-0.3)).code == "expired"
    assert (await start.send("c", before=-9.0)).state is State.SUCCEEDED
    assert (await start.send("d", before=-11.0)).code == "expired"
    assert (await start.send("e", before=-11.0, expires=1.0)).state is State.SUCCEEDED
    assert [name for name, _ in start.lights.effects] == ["a", "c", "e"]


@pytest.mark.parametrize(
    ("times", "code"),
    [
        ({"at": 86_401.0}, "out-of-range"),
        ({"at": 10.0, "expires": 10.0}, "malformed"),
        ({"before": 10.0, "expires": 5.0}, "malformed"),
        ({"at": 10.0, "before": 11.0}, "malformed"),
    ],
)
async def test_times_that_make_no_sense_are_refused(start: Start, times: dict[str, Any], code: str) -> None:
    refused = await start.send("a", **times)
    assert (refused.state, refused.code) == (State.REJECTED, code) and refused.message


async def test_only_so_many_wait_and_they_take_nobodys_place(start: Start) -> None:
    for name in "abc":
        assert (await start.send(name, at=60.0)).state is State.SCHEDULED
    assert (await start.send("d", at=60.0)).code == "busy"
    assert (await start.send("e")).state is State.SUCCEEDED


async def test_cancelled_while_it_waits(start: Start) -> None:
    await start.send("a", at=30.0)
    assert (await start.send("c", "command.cancel", of="a")).state is State.SUCCEEDED
    assert start.last("a").code == "cancelled"
    await start.clock.advance(60)
    again = await crashed(start)
    await again.clock.advance(60)
    assert not start.lights.effects and not again.lights.effects
    await again.end()


async def test_on_air_is_asked_when_its_time_has_come(start: Start) -> None:
    start.air = True
    assert (await start.send("show", "identify", at=30.0)).state is State.SCHEDULED
    assert (await start.send("later", "identify", at=60.0)).state is State.SCHEDULED
    await start.clock.advance(31)
    assert (start.last("show").state, start.last("show").code) == (State.FAILED, "on-air")
    start.air = False
    await start.clock.advance(31)
    assert start.lights.effects == [("later", "key")]


async def test_it_outlives_a_crash_and_answers_where_it_was_asked(start: Start) -> None:
    await start.send("a", at=30.0, topic="studio/reply/desk", correlation=b"\x00\xff")
    again = await crashed(start)
    assert [answer.id for answer, ago in again.restored if ago is None] == ["a"]
    assert again.states("a") == [State.SCHEDULED]
    assert (await again.send("a", at=30.0)).repeated
    await again.clock.advance(31)
    assert again.lights.effects == [("a", {"intensity": 0.5})]
    told = {(topic, correlation) for topic, correlation, answer in again.replied if answer.final}
    assert told == {("studio/reply/desk", b"\x00\xff")}
    third = await crashed(again)
    await third.clock.advance(60)
    assert not third.lights.effects
    await again.end()
    await third.end()


async def test_it_outlives_a_restart(start: Start, tmp_path: Path) -> None:
    await start.send("a", at=30.0)
    await start.end()
    assert start.states("a")[-1] is State.SCHEDULED, "the end of the agent is not the command's"
    again = Start(tmp_path / "journal.db", start.clock)
    await again.dispatcher.recover()
    await settle()
    await again.clock.advance(31)
    assert again.last("a").state is State.SUCCEEDED
    await again.end()


async def test_its_time_came_while_the_agent_was_away(start: Start) -> None:
    await start.send("a", at=30.0)
    await start.send("b", before=30.0, expires=3600.0)
    start.clock.jump(31.0)
    again = await crashed(start)
    for name in "ab":
        assert (again.last(name).state, again.last(name).code) == (State.FAILED, "expired")
    assert not again.lights.effects
    await again.end()


async def test_a_crash_in_the_last_second_is_an_interruption(start: Start) -> None:
    await start.send("a", at=30.0)
    await start.clock.advance(29.5)
    again = await crashed(start)
    await again.clock.advance(5)
    assert again.last("a").code == "interrupted" and not again.lights.effects
    await again.end()


async def test_a_crash_just_after_the_effect_does_not_repeat_it(start: Start) -> None:
    await start.send("a", "look.apply", at=30.0)
    await start.clock.advance(30.01)
    assert start.lights.effects == [("a", "show")] and start.last("a").state is State.EXECUTING
    again = await crashed(start)
    await again.clock.advance(5)
    assert again.last("a").code == "interrupted" and not again.lights.effects
    await again.end()


async def test_the_clock_is_set(start: Start) -> None:
    await start.send("forward", at=30.0)
    await start.clock.advance(2)
    start.clock.jump(100.0)
    await start.clock.advance(2)
    assert (start.last("forward").state, start.last("forward").code) == (State.FAILED, "expired")
    await start.send("back", at=30.0)
    await start.clock.advance(2)
    start.clock.jump(-60.0)
    await start.clock.advance(60)
    assert start.last("back").state is State.SCHEDULED
    await start.clock.advance(30)
    assert start.last("back").state is State.SUCCEEDED
    assert [name for name, _ in start.lights.effects] == ["back"]


async def test_no_state_lasts_longer_than_its_limit(start: Start) -> None:
    limit = LIMITS[State.SCHEDULED]
    assert limit is not None
    await start.send("back", at=3600.0)
    start.clock.jump(-100 * 86400.0)
    await start.clock.advance(limit + 2)
    assert (start.last("back").state, start.last("back").code) == (State.FAILED, "timeout")

    begin = start.dispatcher._begin

    async def stopped(*args: Any) -> bool:
        """As if the process had been stopped between the journal and the effect."""
        found = await begin(*args)
        await start.clock.advance(11.0)
        return found

    start.dispatcher._begin = stopped  # type: ignore[method-assign]
    assert (await start.send("late")).code == "timeout"
    assert not start.lights.effects


async def test_what_expires_while_the_disk_takes_its_time_has_no_effect(start: Start) -> None:
    begin = start.dispatcher._begin

    async def slow(*args: Any) -> bool:
        found = await begin(*args)
        await start.clock.advance(0.2)
        return found

    start.dispatcher._begin = slow  # type: ignore[method-assign]
    answer = await start.send("a", expires=0.1)
    assert (answer.state, answer.code) == (State.FAILED, "expired") and not start.lights.effects
