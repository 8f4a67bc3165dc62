"""An agent's gate with a desk that signs, a clock that is moved by hand, and verbs that only count."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from agent.messaging import examples
from agent.messaging.commands import ARGS
from agent.messaging.dispatch import Dispatcher
from agent.messaging.payloads import Answer, Audit
from agent.messaging.topics import Topics
from agent.messaging.trust.audit import Auditor
from agent.messaging.trust.file import TrustFile
from agent.messaging.trust.gate import Gate
from agent.messaging.trust.keys import HmacKey, Signer, signed
from agent.messaging.verbs import Job, Request, Verb
from agent.runtime.journal import Journal
from agent.runtime.store import at_once
from config.trust import TrustSection

TOPICS = Topics("hall", "one")
DESK = HmacKey(b"a secret of the control desk")
ARGUMENTS: Mapping[str, dict[str, Any]] = {
    **examples.COMMANDS,
    "lights.set": {"targets": ["key"], "levels": {"intensity": 0.8}, "fade": 2},
    "look.apply": {"look": "soft"},
    "lights.release": {},
    "exposure.set": {"mode": "hold"},
    "exposure.set mode=watch": {"mode": "watch"},
    "selftest.start": {"depth": "full"},
    "identify": {"fixture": "key"},
    "telemetry.set": {"groups": {"host": {"interval": 5}}},
    "command.cancel": {"id": "nothing"},
}
"""Arguments that make a command each case of the policy."""


class Counting:
    """Every verb there is, with no other effect than that it is counted."""

    def __init__(self) -> None:
        self.effects: list[tuple[str, str]] = []

    def verbs(self) -> dict[str, Verb[Any]]:
        async def run(args: Any, job: Job) -> Mapping[str, Any]:
            self.effects.append((job.verb, job.id))
            return {}

        return {name: Verb(name, model, run, always=True) for name, model in ARGS.items()}


class Post:
    """See the module. Its own ping and command.cancel are replaced: all verbs count."""

    def __init__(self, path: Path | None = None, **trust: Any) -> None:
        self.now = 1_800_000_000.0
        self.mono = 50.0
        self.air = False
        self.clock: bool | None = None
        self.answers: list[Answer] = []
        self.shipped: list[Audit] = []
        self.counting = Counting()
        self.auditor = Auditor(TrustFile(path), at_once, lambda: self.now, self._ship)
        self.gate = Gate(
            TOPICS,
            self.auditor,
            wall=lambda: self.now,
            mono=lambda: self.mono,
            on_air=lambda: self.air,
            synchronised=lambda: self.clock,
        )
        self.gate.use(TrustSection.model_validate(trust), {"desk": DESK})
        self.gate.open()
        self.journal = Journal(None)
        self.dispatcher = Dispatcher(
            self.counting.verbs(),
            self.journal,
            lambda: False,
            self.gate.hears(self.answers.append),
            lambda: self.now,
            gate=self.gate,
        )
        self.dispatcher.verbs = self.counting.verbs()

    def _ship(self, record: Audit, written: Callable[[], None]) -> None:
        self.shipped.append(record)
        written()

    async def send(
        self, verb: str, name: str, envelope: Mapping[str, Any] | None = None, key: Signer | None = None, **more: Any
    ) -> Answer:
        """A command, and its decision: the first answer to it."""
        args = {"args": ARGUMENTS.get(verb, {})}
        body: dict[str, Any] = {**args, **(envelope or {})}
        if key is not None:
            body = {"issuer": "desk", **body}
            body = signed(body, key, now=self.now, life=10.0, site="hall", agent="one", verb=verb.split()[0], id=name)
        return await self.raw(verb.split()[0], name, json.dumps(body).encode(), **more)

    async def raw(self, verb: str, name: str, body: bytes, **more: Any) -> Answer:
        before = len(self.answers)
        await self.dispatcher.receive(Request(verb, name, body, **more))
        for _ in range(100):
            if found := [answer for answer in self.answers[before:] if answer.id == name]:
                return found[0]
            await asyncio.sleep(0)  # answers are told when the loop is next free
        raise AssertionError("no answer")


LISTED = {"issuers": {"desk": {"role": "operator", "key_file": "/nowhere"}}}


@pytest.fixture
def post() -> Iterator[Callable[..., Post]]:
    """Make a post: ``post(issuers=…)``."""
    made: list[Post] = []

    def make(path: Path | None = None, **trust: Any) -> Post:
        made.append(Post(path, **trust))
        return made[-1]

    yield make
    for each in made:
        each.auditor.close()
        each.journal.close()
