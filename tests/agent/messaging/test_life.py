"""Whatever comes in whatever order: one effect, one end, no step outside the table."""

import asyncio
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agent.messaging.commands import Envelope
from agent.messaging.dispatch import Dispatcher
from agent.messaging.header import iso
from agent.messaging.lifecycle import FINAL, NEXT, State
from agent.messaging.payloads import Answer
from agent.messaging.schedule import LATE, due
from agent.messaging.verbs import Request
from agent.runtime.journal import Journal
from tests.agent.messaging.clocks import ManualClock, settle
from tests.agent.messaging.conftest import Lights


class Process:
    """One start of the agent: after a crash nobody hears what is left of it."""

    def __init__(self, life: "Life", path: Path) -> None:
        self.life = life
        self.path = path
        self.alive = True
        self.lights = Lights()
        self.seen = 0
        self.journal = Journal(path)
        clock = life.clock
        self.dispatcher = Dispatcher(
            self.lights.verbs(),
            self.journal,
            lambda: life.air,
            self._publish,
            clock.wall,
            max_running=3,
            max_scheduled=3,
            mono=clock.mono,
            sleep=clock.sleep,
        )

    def _publish(self, answer: Answer) -> None:
        if self.alive:
            self.life.heard.append(answer)
            if answer.final:
                self.journal.told(answer.id)


class Life(RuleBasedStateMachine):
    """Control software, time and accidents. Time passes for the agent even when it is away."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp())
        self.clock = ManualClock()
        self.air = False
        self.heard: list[Answer] = []
        self.effects: Counter[str] = Counter()
        self.sent: dict[str, tuple[str, bytes]] = {}
        self.number = 0
        self.crashed = False
        self.process = Process(self, self.folder / "0.db")
        self._do(self.process.dispatcher.recover())

    def _do(self, work: Any) -> None:
        async def done() -> None:
            await work
            await settle()

        self.loop.run_until_complete(done())
        self._count()

    def _count(self) -> None:
        """Every new effect, and whether it came in its time."""
        for name, _ in self.process.lights.effects[self.process.seen :]:
            self.effects[name] += 1
            envelope = Envelope.model_validate_json(self.sent[name][1])
            now = self.clock.wall()
            if envelope.expires_at:
                assert now < envelope.expires_at.timestamp() + self.slack, f"{name} began after its end"
            if envelope.execute_at:
                assert envelope.execute_at.timestamp() <= now <= envelope.execute_at.timestamp() + LATE + self.slack
            if envelope.not_before:
                assert envelope.not_before.timestamp() <= now
        self.process.seen = len(self.process.lights.effects)

    slack = 0.0

    # --- what happens ----------------------------------------------------------------------------------------

    @rule(
        verb=st.sampled_from(["lights.set", "look.apply", "identify"]),
        when=st.sampled_from(["now", "execute_at", "not_before"]),
        ahead=st.sampled_from([-20.0, -0.2, 0.9, 1.5, 10.0, 40.0]),
        lasts=st.sampled_from([None, None, 0.3, 30.0]),
    )
    def send(self, verb: str, when: str, ahead: float, lasts: float | None) -> None:
        args: dict[str, Any] = {
            "lights.set": {"targets": ["key"], "levels": {"intensity": 0.5}},
            "look.apply": {"look": "show"},
            "identify": {"fixture": "key"},
        }[verb]
        now = self.clock.wall()
        body: dict[str, Any] = {"args": args}
        if when != "now":
            body[when] = iso(now + ahead)
        if lasts is not None:
            body["expires_at"] = iso(now + lasts + (max(ahead, 0.0) if when != "now" else 0.0))
        self.number += 1
        name = f"c{self.number}"
        self.sent[name] = (verb, json.dumps(body).encode())
        self._send(name)

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def deliver_again(self, data: st.DataObject) -> None:
        self._send(data.draw(st.sampled_from(sorted(self.sent))))

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        self.number += 1
        args = {"id": data.draw(st.sampled_from(sorted(self.sent)))}
        self.sent[f"x{self.number}"] = ("command.cancel", json.dumps({"args": args}).encode())
        self._send(f"x{self.number}")

    @rule()
    def looks_end(self) -> None:
        async def release() -> None:
            self.process.lights.release.set()
            await settle()
            self.process.lights.release.clear()

        self._do(release())

    @rule(seconds=st.sampled_from([0.01, 0.3, 1.0, 12.0]))
    def time_passes(self, seconds: float) -> None:
        self._pass(seconds)

    @rule(after=st.sampled_from([-0.6, 0.01, 0.01, 0.2, 0.4]), then=st.sampled_from(["", "crash", "crash", "jump"]))
    def a_moment_comes(self, after: float, then: str) -> None:
        """The time that some command waits for, and what may happen just then."""
        now = self.clock.wall()
        found = [at for name in self.sent if (at := due(Envelope.model_validate_json(self.sent[name][1])))]
        rest = min((at for at in found if at + after > now), default=now) + after - now
        if 0 < rest < 60:
            self._pass(rest)
        if then == "crash":
            self.ends("crash", 0.0)
        elif then == "jump":
            self.clock_is_set(5.0)

    @rule(seconds=st.sampled_from([-30.0, -5.0, 5.0, 3600.0]))
    def clock_is_set(self, seconds: float) -> None:
        self.clock.jump(seconds)

    @rule()
    def air_changes(self) -> None:
        self.air = not self.air

    @rule(how=st.sampled_from(["crash", "stop"]), away=st.sampled_from([0.0, 2.0, 20.0]))
    def ends(self, how: str, away: float) -> None:
        self._over(how, away, self._nothing())

    @rule(how=st.sampled_from(["crash", "stop"]))
    def sent_at_the_last_moment(self, how: str) -> None:
        """A command, and the end, before its task has run a line."""
        self.number += 1
        name = f"l{self.number}"
        self.sent[name] = ("look.apply", b'{"args": {"look": "show"}}')
        self._over(how, 0.0, self.process.dispatcher.receive(Request(*self._named(name))))

    @rule()
    def cancelled_at_once(self) -> None:
        """A command and its cancellation, before its task has run a line."""
        self.number += 1
        name, other = f"l{self.number}", f"x{self.number}"
        self.sent[name] = ("look.apply", b'{"args": {"look": "show"}}')
        self.sent[other] = ("command.cancel", json.dumps({"args": {"id": name}}).encode())

        async def both() -> None:
            await self.process.dispatcher.receive(Request(*self._named(name)))
            await self.process.dispatcher.receive(Request(*self._named(other)))

        self._do(both())

    async def _nothing(self) -> None:
        pass

    def _over(self, how: str, away: float, last: Coroutine[Any, Any, None]) -> None:
        old, path = self.process, self.process.path

        async def over() -> None:
            nonlocal path
            await last
            if how == "crash":
                old.alive, self.crashed = False, True
                fresh = Path(tempfile.mkdtemp(dir=self.folder))
                for part in path.parent.glob(path.name + "*"):
                    shutil.copy(part, fresh)
                path = fresh / path.name
            await old.dispatcher.stop()

        if how == "crash":
            self._count()
        self.loop.run_until_complete(over())
        if how != "crash":
            self._count()
        old.journal.close()
        self._do(self.clock.advance(away))
        self.process = Process(self, path)
        self._do(self.process.dispatcher.recover())

    def _pass(self, seconds: float) -> None:
        """In small steps, so that an effect is looked at when it comes."""
        steps = max(1, round(seconds / 0.1))
        self.slack = 0.11
        for _ in range(steps):
            self._do(self.clock.advance(seconds / steps))
        self.slack = 0.0

    def _named(self, name: str) -> tuple[str, str, bytes]:
        verb, body = self.sent[name]
        return verb, name, body

    def _send(self, name: str) -> None:
        self._do(self.process.dispatcher.receive(Request(*self._named(name))))

    # --- what must hold --------------------------------------------------------------------------------------

    @invariant()
    def one_effect(self) -> None:
        assert all(count == 1 for count in self.effects.values()), self.effects

    @invariant()
    def every_step_is_in_the_table(self) -> None:
        at: dict[str, State | None] = {}
        for answer in self.heard:
            before = at.get(answer.id)
            if answer.repeated:
                assert answer.state is before or before is None, f"{answer.id}: a repetition says something new"
            elif answer.state is not before:
                unheard = before is None and self.crashed  # what was told just before is lost with the process
                assert unheard or answer.state in NEXT[before], f"{before} → {answer}"
                at[answer.id] = answer.state

    def teardown(self) -> None:
        try:
            for _ in range(3):
                self.looks_end()
                self.slack = 100.0
                self._do(self.clock.advance(90.0))
            self._do(self.process.dispatcher.stop())
            ends = {answer.id: set[State]() for answer in self.heard if answer.state is State.ACCEPTED}
            for answer in self.heard:
                if answer.id in ends and answer.state in FINAL:
                    ends[answer.id].add(answer.state)
            waiting = {entry.id for entry, plan in self.process.journal.unfinished() if plan is not None}
            odd = {name: states for name, states in ends.items() if len(states) != 1 and name not in waiting}
            assert not odd, odd
            self.one_effect()
        finally:
            self.process.journal.close()
            self.loop.close()
            shutil.rmtree(self.folder)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")
