"""A campaign of hostile messages against the agent's real way in: inbox, dispatcher, gate. Seeded, so a run repeats.

Every message is one that must have no effect: a signed command changed on its way, a replayed or stale one, one by
somebody who may not, rubbish. What by chance means the same as the genuine command is not sent.
"""

import asyncio
import json
import logging
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import structlog

from agent.messaging.commands import ARGS
from agent.messaging.dispatch import Dispatcher
from agent.messaging.inbox import Inbox
from agent.messaging.message import Message
from agent.messaging.payloads import Answer, Audit
from agent.messaging.topics import Topics
from agent.messaging.trust import ed25519
from agent.messaging.trust.audit import Auditor
from agent.messaging.trust.canonical import canonical
from agent.messaging.trust.file import TrustFile
from agent.messaging.trust.gate import Gate
from agent.messaging.trust.keys import Ed25519Key, Ed25519Secret, HmacKey, Signer, signed
from agent.messaging.verbs import Verb
from agent.runtime.journal import Journal
from agent.runtime.store import at_once
from config.trust import TrustSection

TOPICS = Topics("hall", "one")
NOW = 1_800_000_000.0
DESK = HmacKey(b"a secret of the control desk")
OTHER = HmacKey(b"a secret of somebody else....")
CHIEF = Ed25519Secret(bytes(range(32)))
KEYS = {"desk": DESK, "chief": Ed25519Key(ed25519.public_of(bytes(range(32))))}
TRUST = {
    "issuers": {
        "desk": {"role": "operator", "key_file": "/nowhere"},
        "chief": {"role": "admin", "public_key_file": "/nowhere"},
        "wall": {"role": "viewer", "require": "name"},
    },
    "live": 10_000,
    "rare": 10_000,
}
ARGUMENTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("lights.set", {"targets": ["key", "role:fill"], "levels": {"intensity": 0.8, "cct": 4300}, "fade": 2.5}),
    ("look.apply", {"look": "soft", "fade": None}),
    ("lights.release", {"targets": ["all"]}),
    ("exposure.set", {"mode": "hold", "target": 0.18}),
    ("exposure.set", {"mode": "watch"}),
    ("selftest.start", {"depth": "quick", "only": ["LGT-*"]}),
    ("identify", {"fixture": "key", "seconds": 4}),
    ("command.cancel", {"id": "c-1"}),
    ("ping", {}),
)
SLOW = 0.002
"""Share of messages that cost a verification of Ed25519 (1.6 ms)."""
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1e308, -0.0, 2**63, 10**30, "", "\u0000", "💡" * 50, "\ud800", "NaN", "../../etc",
    "$SYS/#",
    [], {}, [[[[[[[[[[]]]]]]]]]], {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {}}}}}}}}}, ["x"] * 600, "x" * 20_000,
    {"__proto__": 1}, "9999-99-99T99:99:99Z", "2027-01-15T08:00:00+00:00", ["key"], {"intensity": True}, 1e-320,
)  # fmt: skip
RAW = (
    b"", b"{", b"null", b"[]", b'""', b"NaN", b'{"args": NaN}', b'{"args":{},"args":{}}', b"\xff\xfe{\x00}\x00",
    b"1e999", b'{"args": ' + b"[" * 5000, b'{"a":' * 9000, b'{"args": {"x": ' + b"9" * 6000 + b"}}",
    b"\xef\xbb\xbf{}", b"{}" * 9000,
)  # fmt: skip


@dataclass
class Genuine:
    """A command that would be executed if it arrived as it is."""

    verb: str
    id: str
    whole: dict[str, Any]

    @property
    def topic(self) -> str:
        return TOPICS.command(self.verb, self.id)

    @property
    def body(self) -> bytes:
        return json.dumps(self.whole).encode()


def genuine(
    chance: random.Random, key: Signer = DESK, issuer: str = "desk", at: float = NOW, verb: str = ""
) -> Genuine:
    name, args = chance.choice(ARGUMENTS)
    if verb:
        name, args = verb, {}
    known = f"g-{chance.getrandbits(60):x}"
    body = {"args": args, "issuer": issuer, "reply_to": "studio/reply/desk"}
    if chance.random() < 0.3:
        body["nonce"] = f"n-{chance.getrandbits(60):x}"
    whole = signed(body, key, now=at, life=30.0, site="hall", agent="one", verb=name, id=known)
    return Genuine(name, known, whole)


@dataclass
class Campaign:
    """See the module."""

    seed: int = 1
    kinds: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    executed: int = 0
    uncaught: int = 0
    acked: int = 0
    sent: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.mono = 0.0
        self.counters: Counter[str] = Counter()
        online = asyncio.Event()
        online.set()
        self.inbox = Inbox(lambda: NOW, online, self.counters, lambda *_: None, f"{TOPICS.prefix}/")
        self.auditor = Auditor(TrustFile(None, 1000), at_once, lambda: NOW, self._ship)
        self.gate = Gate(TOPICS, self.auditor, wall=lambda: NOW, mono=lambda: self.mono, on_air=lambda: False)
        self.gate.use(TrustSection.model_validate(TRUST), KEYS)
        self.journal = Journal(None)
        verbs = {name: Verb(name, model, self._run, always=True) for name, model in ARGS.items()}
        self.dispatcher = Dispatcher(
            verbs, self.journal, lambda: False, self.gate.hears(self._answered), lambda: NOW, gate=self.gate
        )
        self.dispatcher.verbs = verbs  # its own two do nothing anybody could count
        self.inbox.commands = self.dispatcher

    async def run(self, count: int) -> None:
        """Send so many, and nothing else."""
        before = structlog.get_config()
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._fault)
        tasks = [asyncio.create_task(self.inbox.run()), asyncio.create_task(self.auditor.run())]
        try:
            self._pool = [genuine(self.chance) for _ in range(300)]
            self._slow = [genuine(self.chance, CHIEF, "chief") for _ in range(20)]
            self._stale = [genuine(self.chance, at=NOW - late) for late in (61, 3600, 4e7, -61, -4e7) for _ in range(8)]
            self._done = [genuine(self.chance) for _ in range(50)]
            for each in self._done:
                self._take(Message(each.topic, each.body, 1, False, ack=self._ack))
            await self._drained()
            assert self.executed == 50, "genuine commands are executed, or the campaign proves nothing"
            self.executed = self.acked = self.sent = 0
            self.codes.clear()
            for message in self._messages(count):
                self._take(message)
                if self.sent % 200 == 0:
                    await self._drained()
            await self._drained()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            loop.set_exception_handler(None)
            structlog.configure(**before)
        self.uncaught += self.counters["faults"] + self.codes["internal"]

    def _take(self, message: Message) -> None:
        self.sent += 1
        self.inbox.take(message)

    async def _drained(self) -> None:
        wanted = self.sent
        while self.acked < wanted:
            await asyncio.sleep(0)
        for _ in range(5):  # what was accepted by mistake runs now
            await asyncio.sleep(0)

    async def _run(self, args: Any, job: Any) -> dict[str, Any]:
        self.executed += 1
        return {}

    def _answered(self, answer: Answer) -> None:
        self.codes["repeated" if answer.repeated else answer.code.value if answer.code else answer.state.value] += 1

    def _fault(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.uncaught += 1

    def _ship(self, record: Audit, written: Callable[[], None]) -> None:
        written()

    def _ack(self) -> None:
        self.acked += 1
        self.mono += 0.3  # so that wrong signatures are looked at, and not just too many

    # --- what is sent ----------------------------------------------------------------------------------------

    def _messages(self, count: int) -> Iterator[Message]:
        ways = (
            self._flipped, self._cut, self._spliced, self._swapped, self._without, self._signature, self._topic,
            self._retained, self._replayed, self._stale_one, self._rubbish, self._forged, self._forbidden,
            self._properties,
        )  # fmt: skip
        for _ in range(count):
            while True:
                way = self.chance.choice(ways)
                slow = self.chance.random() < SLOW
                base = self.chance.choice(self._slow if slow else self._pool)
                topic, body, more = way(base)
                if (topic, more.get("retain", False)) == (base.topic, False) and _same(body, base.whole):
                    continue
                break
            self.kinds[way.__name__.strip("_")] += 1
            more = {"qos": 1, "retain": False, "ack": self._ack, **more}
            yield Message(topic, body, **more)

    def _flipped(self, base: Genuine) -> tuple[str, bytes, dict[str, Any]]:
        body = bytearray(base.body)
        for _ in range(self.chance.choice((1, 1, 1, 2, 8))):
            body[self.chance.randrange(len(body))] ^= 1 << self.chance.randrange(8)
        return base.topic, bytes(body), {}

    def _cut(self, base: Genuine) -> tuple[str, bytes, dict[str, Any]]:
        at = self.chance.randrange(len(base.body))
        return base.topic, self.chance.choice((base.body[:at], base.body[at:])), {}

    def _spliced(self, base: Genuine) -> tuple[str, bytes, dict[str, Any]]:
        other = self.chance.choice(self._pool).body
        return base.topic, base.body[: self.chance.randrange(400)] + other[self.chance.randrange(400) :], {}

    def _swapped(self, base: Genuine) -> tuple[str, bytes, dict[str, Any]]:
        whole = json.loads(base.body)
        place: Any = whole
        while True:
            key = self.chance.choice(list(place) if isinstance(place, dict) else range(len(place)))
            inner = place[key]
            if isinstance(inner, dict | list) and inner and self.chance.random() < 0.7:
                place = inner
                continue
            place[key] = self.chance.choice(ODD)
            return base.topic, _text(whole), {}

    def _without(self, base: Genuine) -> tuple[str, bytes, dict[str, Any]]:
        whole = dict(base.whole)
        if self.chance.random() < 0.5:
            del whole[self.chance.choice(list(whole))]
        else:
            whole[self.chance.choice(("role", "site", "id", "verb", "nonce", "", "Args", "not_before"))] = "x"
        return base.topic, _text(whole), {}

    def _signature(self, base: Genuine) -> tuple[str, bytes, dict[str, Any]]:
        kind, _, text = str(base.whole["signature"]).partition(":")
        chance = self.chance
        made = chance.choice((
            "", kind, f"{kind}:", f"ed25519:{'0' * 128}", f"ed25519:{'1' * 128}", f"none:{text}", f"{kind}:{text[:-1]}",
            f"{kind}:{text}0", f"{kind}:{text[::-1]}", f"hmac-sha256:{chance.getrandbits(256):064x}",
            f"{kind.upper()}:{text}", str(chance.choice(self._pool).whole["signature"]), f"{kind}: {text}", "é" * 64,
        ))  # fmt: skip
        return base.topic, _text({**base.whole, "signature": made}), {}

    def _topic(self, base: Genuine) -> tuple[str, bytes, dict[str, Any]]:
        levels = base.topic.split("/")
        at = self.chance.randrange(len(levels))
        what = self.chance.randrange(4)
        if what == 0:
            letters = list(base.topic)
            letters[self.chance.randrange(len(letters))] = self.chance.choice("aZ0/+#\0-_.💡\u202e ")
            return "".join(letters), base.body, {}
        if what == 1:
            levels[at] = self.chance.choice(("", "..", "+", "#", "x" * 300, "hall", "two", "down", "up", "air", *ARGS))
        elif what == 2:
            levels.insert(at, self.chance.choice(("", "cmd", "down", "\0")))
        else:
            del levels[at]
        return "/".join(levels), base.body, {}

    def _retained(self, base: Genuine) -> tuple[str, bytes, dict[str, Any]]:
        return base.topic, base.body, {"retain": True}

    def _replayed(self, base: Genuine) -> tuple[str, bytes, dict[str, Any]]:
        done = self.chance.choice(self._done)
        name = (
            done.topic
            if self.chance.random() < 0.5
            else TOPICS.command(done.verb, f"again-{self.chance.getrandbits(40)}")
        )
        return name, done.body, {}

    def _stale_one(self, base: Genuine) -> tuple[str, bytes, dict[str, Any]]:
        old = self.chance.choice(self._stale)
        return old.topic, old.body, {}

    def _rubbish(self, base: Genuine) -> tuple[str, bytes, dict[str, Any]]:
        body = self.chance.choice(
            (*RAW, self.chance.randbytes(self.chance.randrange(300)), _text(self.chance.choice(ODD)))
        )
        return self.chance.choice((base.topic, TOPICS.air, TOPICS.status)), body, {}

    def _forged(self, base: Genuine) -> tuple[str, bytes, dict[str, Any]]:
        who = self.chance.choice(("desk", "stranger", "wall", ""))
        made = genuine(self.chance, OTHER, who, verb="reload" if who == "wall" else "")
        return made.topic, made.body, {}

    def _forbidden(self, base: Genuine) -> tuple[str, bytes, dict[str, Any]]:
        made = genuine(self.chance, verb="reload")
        return made.topic, made.body, {}

    def _properties(self, base: Genuine) -> tuple[str, bytes, dict[str, Any]]:
        topic, body, _ = self.chance.choice((self._flipped, self._signature))(base)
        reply = self.chance.choice(
            ("studio/v1/hall/two/down/cmd/reload/x", "#", "", "$SYS/x", "a/+", "x" * 70_000, "ok")
        )
        expiry = self.chance.choice((0, -1, 2**32 - 1, None))
        return topic, body, {"response_topic": reply, "correlation": self.chance.randbytes(9), "expiry": expiry}


def _text(value: Any) -> bytes:
    """As a careless program would write it: lone surrogates and all."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _same(body: bytes, whole: dict[str, Any]) -> bool:
    try:
        return canonical(json.loads(body)) == canonical(whole)
    except (ValueError, RecursionError):
        return False
