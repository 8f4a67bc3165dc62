"""The gate every command passes: who is it, is it fresh, is it often, may that role do that now. Never blocks.

::

    no row → who? listed, signed → clock, age → seen before? → rate → role × air ─▶ admitted
      └──────────┴────────────────┴──────────────┴──────────────┴───────┴─────────▶ Refusal

The order matters. A signature is verified before anything is believed of a command; that it was decided is remembered
before the decision is told, so what was refused to its issuer cannot be brought again by another.
"""

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import structlog

from agent.messaging import schedule
from agent.messaging.commands import Envelope
from agent.messaging.header import iso
from agent.messaging.lifecycle import NEXT, ReasonCode, Refusal, State
from agent.messaging.payloads import Answer
from agent.messaging.topics import Topics
from agent.messaging.trust.audit import Auditor
from agent.messaging.trust.buckets import Buckets, Rate
from agent.messaging.trust.file import Seen
from agent.messaging.trust.keys import Key, signed_bytes
from agent.messaging.trust.policy import Pace, Role, Row, row_of
from agent.messaging.verbs import Job, Request
from config.trust import TrustSection
from config.units import Text

log = structlog.get_logger(__name__)
K = TypeVar("K")
V = TypeVar("V")

LOCAL = "local"
"""The control socket: whoever may open it is admin; its file permission is the gate."""
FORGED = Rate(5.0, 20.0)
"""Wrong signatures in one issuer's name; past it his commands, but stops, are refused without looking at theirs."""
RECORDED = Rate(20.0, 500.0)
"""Refusals that are recorded singly: a flood must not push the history out of the audit."""
KNOWN = 1024
"""Commands whose issuer is remembered until they end."""
A_DAY = 86400.0
NO_CLOCK = Text(
    "the agent's clock is not kept (NTP), so nobody knows whether this is old: only stops are taken",
    "本机时钟未校准（NTP），无法判断指令是否过时：只接受停止类指令",
)

HERE = Text(
    "; or on the agent's own machine: studio-agent send --local lights.stop.reset",
    "；或在本机运行 studio-agent send --local lights.stop.reset",
)


@dataclass(frozen=True, slots=True)
class Who:
    """Whose a command is."""

    issuer: str = ""
    role: Role | None = None
    origin: str = ""
    signed: bool = False


NOBODY = Who()


class Gate:
    """See the module. ``wall`` is seconds since 1970, ``mono`` monotonic; ``synchronised``: whether the wall clock is
    kept by somebody (``None``: unknown, which counts as yes)."""

    def __init__(
        self,
        topics: Topics,
        auditor: Auditor,
        *,
        wall: Callable[[], float],
        mono: Callable[[], float],
        on_air: Callable[[], bool],
        synchronised: Callable[[], bool | None] = lambda: None,
    ) -> None:
        self.auditor = auditor
        self._topics = topics
        self._wall = wall
        self._mono = mono
        self._on_air = on_air
        self._synchronised = synchronised
        self._buckets = Buckets()
        self._seen: dict[tuple[str, str], float] = {}
        self._forget_at = 0.0
        self._asking: OrderedDict[str, Who] = OrderedDict()
        self._running: OrderedDict[str, Who] = OrderedDict()
        self._sent_away: OrderedDict[tuple[str, str], None] = OrderedDict()
        """Apart, so that who sends rubbish under the id of a running command is not taken for its issuer."""
        self._unrecorded = 0
        self.use(TrustSection(), {})

    def use(self, trust: TrustSection, keys: Mapping[str, Key]) -> None:
        """Go by this from now on. A listed issuer that needs a key and has none in ``keys`` is always refused."""
        self._trust = trust
        self._keys = dict(keys)
        anonymous = trust.anonymous or ("none" if trust.issuers else Role.MAINTENANCE.value)
        self._anonymous = None if anonymous == "none" else Role(anonymous)

    @property
    def mode(self) -> Literal["open", "listed"]:
        """``open``: whoever the broker lets in may command, as far as ``anonymous`` goes."""
        return "listed" if self._anonymous is None else "open"

    def open(self) -> None:
        """Blocking; before the first command."""
        self._seen = {(seen.issuer, seen.nonce): seen.until for seen in self.auditor.open()}

    # --- the way in ------------------------------------------------------------------------------------------

    def admit(self, request: Request, envelope: Envelope) -> bool:
        """Raises Refusal. ``False``: its ages do not count, because it is a stop and no clock can tell them."""
        row = row_of(request.verb, envelope.args)
        if row is None:
            self._remember(request.id, Who(envelope.issuer, None, request.origin))
            raise Refusal(
                ReasonCode.FORBIDDEN, Text(f"no row of the policy has {request.verb}", f"策略表中没有 {request.verb}")
            )
        if request.origin == LOCAL:
            self._remember(request.id, Who(envelope.issuer, Role.ADMIN, LOCAL))
            return True
        who = self._identify(request, envelope, row)
        timed = self._timed(who, envelope, row)
        key = (who.issuer, envelope.nonce or request.id)
        if who.signed:
            self._fresh(envelope, key, timed)
        elif key in self._sent_away or self._seen.get(key, 0.0) > self._wall():
            raise Refusal(ReasonCode.REPLAYED)
        self._often(who, request.verb, row, key)
        at = schedule.due(envelope)
        waits = at is not None and at - self._wall() > schedule.LEAD  # then the air is asked when its time has come
        self._may(who, row, key, not waits and self._on_air())
        return timed

    def due(self, job: Job, args: Mapping[str, Any]) -> None:
        """Raises Refusal for a command whose time has come while it may not be begun. After a restart nobody knows
        any more whose it was: then what takes a higher role on air is refused."""
        row = row_of(job.verb, args)
        who = self._running.get(job.id, NOBODY)
        if row is None or not self._on_air() or row.on_air is row.off_air or who.origin == LOCAL:
            return
        if who.role is None or row.on_air is None or not who.role.covers(row.on_air):
            raise Refusal(ReasonCode.ON_AIR)

    def _identify(self, request: Request, envelope: Envelope, row: Row) -> Who:
        """Who it is, remembered for the audit as far as it is known."""
        name = envelope.issuer if request.origin == "broker" else request.origin
        listed = self._trust.issuers.get(name)
        role = self._anonymous if listed is None else Role(listed.role)
        self._remember(request.id, Who(name, role, request.origin))
        if listed is None:
            if role is None:
                said = (
                    Text(f"{name!r} is not in trust.issuers", f"{name!r} 不在 trust.issuers 中")
                    if name
                    else Text("the envelope names no issuer", "信封未写明发送者")
                )
                raise Refusal(ReasonCode.UNTRUSTED, said)
            return Who(name, role, request.origin)
        key = self._keys.get(name)
        needed = listed.require == "signature"
        if envelope.signature is None or key is None:
            if needed:
                why = (
                    Text("its key cannot be read here: see the agent's log", "密钥无法读取：见日志")
                    if key is None
                    else Text("it must be signed", "必须签名")
                )
                raise Refusal(ReasonCode.UNTRUSTED, Text(f"{name}: {why.en}", f"{name}：{why.zh}"))
            return Who(name, role, request.origin)
        self._verify(request, envelope, name, key, row)
        who = Who(name, role, request.origin, signed=True)
        self._remember(request.id, who)
        return who

    def _verify(self, request: Request, envelope: Envelope, name: str, key: Key, row: Row) -> None:
        forged = self._buckets.of(FORGED, self._mono(), "forged", name)
        if forged.fill(self._mono()) < 1.0 and not row.stops:
            raise Refusal(
                ReasonCode.BUSY,
                Text(
                    f"too many wrong signatures in the name of {name}; again in 1 s",
                    f"{name} 的错误签名过多；1 秒后再试",
                ),
            )
        try:
            where = (self._topics.site, self._topics.agent, request.verb, request.id)
            right = key.verify(signed_bytes(json.loads(request.body), *where), envelope.signature or "")
        except ValueError as error:
            raise Refusal(ReasonCode.MALFORMED, f"it has no canonical form: {error}") from None
        if not right:
            forged.take(self._mono())
            raise Refusal(
                ReasonCode.UNTRUSTED,
                Text(
                    f"{name}: the signature is not that of this command ({key.name})",
                    f"{name}：签名与此指令不符（{key.name}）",
                ),
            )

    def _timed(self, who: Who, envelope: Envelope, row: Row) -> bool:
        """Whether its ages count. Raises Refusal where they would have to, and no clock can tell."""
        if self._synchronised() is not False:
            return True
        if row.stops:
            return False
        expired = envelope.expires_at is not None and envelope.expires_at.timestamp() <= self._wall()
        if not expired and (who.signed or envelope.expires_at is not None):
            raise Refusal(ReasonCode.CLOCK, NO_CLOCK)
        return True  # what is over even by this clock is told so

    def _fresh(self, envelope: Envelope, key: tuple[str, str], timed: bool) -> None:
        """A signed command is decided once. Its age is bounded, so not all of them must be remembered for ever."""
        now, window = self._wall(), self._trust.window
        self._forget(now)
        until = now + window
        if timed:
            issued, expires = envelope.issued_at, envelope.expires_at
            if issued is None or expires is None:
                raise Refusal(
                    ReasonCode.UNTRUSTED,
                    Text("a signed command says issued_at and expires_at", "签名指令须有 issued_at 和 expires_at"),
                )
            age = now - issued.timestamp()
            if age > window:
                raise Refusal(
                    ReasonCode.EXPIRED,
                    Text(f"issued {age:.0f} s ago, at most {window:g}", f"签发于 {age:.0f} 秒前，上限 {window:g} 秒"),
                )
            if age < -window:
                raise Refusal(
                    ReasonCode.CLOCK, Text(f"{-age:.0f} s ahead of this agent's clock", f"比本机时钟快 {-age:.0f} 秒")
                )
            until = issued.timestamp() + window
        if key in self._seen:
            raise Refusal(ReasonCode.REPLAYED)
        self._decided(key, until + window)  # with room for a clock that is put right

    def _often(self, who: Who, verb: str, row: Row, key: tuple[str, str]) -> None:
        if row.pace is Pace.STOP:
            return
        live = row.pace is Pace.LIVE
        each = self._trust.live if live else self._trust.rare
        name = who.issuer if who.issuer in self._trust.issuers else ""  # an invented name is no fresh allowance
        wait = self._buckets.of(Rate(each, each * (2 if live else 10)), self._mono(), verb, name).take(self._mono())
        if wait:
            # delivered again it must not happen after all; in memory, for a flood must not become one of the disk
            _keep(self._sent_away, key, None)
            raise Refusal(
                ReasonCode.BUSY,
                Text(
                    f"more than {each:g} {verb} a second; again in {wait:.2g} s",
                    f"每秒超过 {each:g} 次 {verb}；{wait:.2g} 秒后再试",
                ),
            )

    def _may(self, who: Who, row: Row, key: tuple[str, str], on_air: bool) -> None:
        least = row.least(on_air)
        if who.role is not None and least is not None and who.role.covers(least):
            return
        if on_air and who.role is not None and row.off_air is not None and who.role.covers(row.off_air):
            self._decided(key, self._wall() + A_DAY)  # told "no" once is "no": it must not happen after the show
            raise Refusal(ReasonCode.ON_AIR)
        sender, other = who.issuer or "?", HERE if row.verb == "lights.stop.reset" else Text("", "")
        said = Text(
            f"{row.case}: {f'it takes {least}' if least else 'nobody may'}, {sender} is {who.role}{other.en}",
            f"{row.case}：{f'须为 {least}' if least else '任何人不可执行'}，{sender} 为 {who.role}{other.zh}",
        )
        raise Refusal(ReasonCode.FORBIDDEN, said)

    # --- memory ----------------------------------------------------------------------------------------------

    def _decided(self, key: tuple[str, str], until: float) -> None:
        self._seen[key] = until
        self.auditor.seen(Seen(*key, until))

    def _forget(self, now: float) -> None:
        """Now and then, what its age alone refuses."""
        if now >= self._forget_at or now < self._forget_at - 2 * self._trust.window:
            self._forget_at = now + self._trust.window
            self._seen = {key: until for key, until in self._seen.items() if until > now}

    def _remember(self, id: str, who: Who) -> None:  # noqa: A002 - the field's name on the wire
        _keep(self._asking, id, who)

    # --- audit -----------------------------------------------------------------------------------------------

    def hears(self, publish: Callable[[Answer], None]) -> Callable[[Answer], None]:
        """The same, and what is decided goes into the audit."""

        def heard(answer: Answer) -> None:
            publish(answer)
            self.record(answer)

        return heard

    def record(self, answer: Answer) -> None:
        """A decision or an end, for the audit; steps in between and repeated answers are none."""
        final = not NEXT[answer.state]
        if answer.repeated or not (final or answer.state is State.ACCEPTED):
            return
        if answer.state in (State.ACCEPTED, State.REJECTED):
            who = self._asking.pop(answer.id, NOBODY)
            if not final:
                _keep(self._running, answer.id, who)
        else:
            who = self._running.pop(answer.id, NOBODY)
        if answer.state is State.REJECTED and self._buckets.of(RECORDED, self._mono(), "recorded").take(self._mono()):
            self._unrecorded += 1
            return
        record: dict[str, Any] = {
            "at": iso(self._wall()),
            "origin": who.origin,
            "issuer": who.issuer,
            "role": who.role or "",
            "signed": who.signed,
            "verb": answer.verb,
            "id": answer.id,
            "state": answer.state.value,
            "code": answer.code.value if answer.code else None,
            "reason": answer.message.en[:200] if answer.message else "",
            "on_air": self._on_air(),
            "clock": self._synchronised(),
            "unrecorded": self._unrecorded,
        }
        self._unrecorded = 0
        self.auditor.note(record)


def _keep(known: OrderedDict[K, V], key: K, value: V) -> None:
    known[key] = value
    known.move_to_end(key)
    if len(known) > KNOWN:
        known.popitem(last=False)
