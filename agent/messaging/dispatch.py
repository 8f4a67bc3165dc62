"""From a message to an effect, once: parse, refuse or accept, run, answer.

The way in is the same for the broker and the control socket. Nothing that comes in can raise out of
:meth:`Dispatcher.receive`; what a verb raises ends that command, not the process.
"""

import asyncio
import hashlib
import json
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from pydantic import BaseModel, ValidationError

from agent.messaging import commands
from agent.messaging.commands import Envelope
from agent.messaging.lifecycle import NEXT, SAID, ReasonCode, Refusal, State
from agent.messaging.payloads import Answer, Say
from agent.messaging.verbs import DRIVER_CODES, INTERLOCKED, Admits, Job, Open, Request, Verb
from agent.runtime.journal import Entry, Journal
from agent.runtime.store import Disk, at_once
from config.units import Text
from drivers.base import Impact
from drivers.errors import DriverError

log = structlog.get_logger(__name__)

AHEAD = 60.0
"""Seconds a requester's clock may be ahead: with one that is further off, its ``expires_at`` means nothing."""


@dataclass
class _Running:
    """``answer`` is the latest one; a repeated request joins ``replies``."""

    job: Job
    digest: str
    answer: Answer
    replies: list[Callable[[Answer], None]]
    task: asyncio.Task[None] | None = None


@dataclass
class Dispatcher:
    """See the module. ``disk`` runs blocking work off the loop (``lane.call``); ``wall`` is seconds since 1970."""

    verbs: Mapping[str, Verb[Any]]
    journal: Journal
    on_air: Callable[[], bool]
    publish_answer: Callable[[Answer], None]
    """Publishes on the state topic; it owes the journal a :meth:`~agent.runtime.journal.Journal.told` for every end."""

    wall: Callable[[], float]
    disk: Disk = at_once
    gate: Admits = field(default_factory=Open)
    max_running: int = 32
    counters: Counter[str] = field(default_factory=Counter)
    """accepted, succeeded, failed, cancelled, rejected, repeated; and ``rejected.<code>`` of each code."""

    def __post_init__(self) -> None:
        own = (
            Verb("ping", commands.Ping, self._ping, always=True),
            Verb("command.cancel", commands.CommandCancel, self._cancel, check=self._can_cancel, always=True),
        )
        self.verbs = {**{verb.name: verb for verb in own}, **self.verbs}
        self._running: dict[str, _Running] = {}
        self._stopping = False
        self._outgoing: deque[tuple[Answer, tuple[Callable[[Answer], None], ...]]] = deque()

    # --- the way in ------------------------------------------------------------------------------------------

    async def receive(self, request: Request) -> None:
        """Take a command. Returns once it is refused, answered again, or noted on the disk and begun."""
        envelope: Envelope | None = None
        try:
            envelope = self._read(request)
            await self._take(request, envelope)
        except Refusal as refusal:
            self._refuse(request, envelope, refusal)
        except Exception:
            log.exception("command.fault", verb=request.verb[:64], id=request.id[:64])
            self._refuse(request, envelope, Refusal(ReasonCode.INTERNAL))

    def overflow(self, request: Request) -> None:
        """Turn a command down unread: there are too many."""
        self._refuse(request, None, Refusal(ReasonCode.BUSY))

    async def recover(self) -> list[Answer]:
        """Once at the start: give commands that a crash cut off their end, *failed/interrupted*, and tell every end
        that may not have been told."""
        ended = []
        for entry in await self.disk(self.journal.unfinished):
            answer = _final(entry.id, entry.verb, State.FAILED, ReasonCode.INTERRUPTED)
            await self._note(answer)
            ended.append(answer)
        if ended:
            log.warning("command.interrupted", ids=[answer.id for answer in ended])
        for entry in await self.disk(self.journal.untold):
            self.publish_answer(await self._stored(entry))
        return ended

    async def stop(self, grace: float = 1.0) -> None:
        """Take nothing more and cancel what runs; at most ``grace`` seconds."""
        self._stopping = True
        tasks = {running.task for running in self._running.values() if running.task}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=grace)

    @property
    def running(self) -> tuple[str, ...]:
        """Ids of the commands under way."""
        return tuple(self._running)

    # --- refuse or accept ------------------------------------------------------------------------------------

    def _read(self, request: Request) -> Envelope:
        if request.retained:
            raise Refusal(ReasonCode.RETAINED)
        if not commands.ID.fullmatch(request.id):
            raise Refusal(ReasonCode.MALFORMED, "the id is 1 to 64 of A-Z a-z 0-9 _ -")
        envelope = commands.read_envelope(request.body)
        if request.verb not in self.verbs:
            raise Refusal(ReasonCode.UNKNOWN_VERB, f"one of {', '.join(sorted(self.verbs))}")
        return envelope

    async def _take(self, request: Request, envelope: Envelope) -> None:
        digest = hashlib.sha256(json.dumps([request.verb, envelope.args], sort_keys=True).encode()).hexdigest()
        if await self._again(request, envelope, digest):
            return
        if self.gate.admit(request, envelope):
            self._in_time(request, envelope)
        verb = self.verbs[request.verb]
        args = commands.read_args(verb.args, envelope.args)
        try:
            self._permit(verb, args)
        except Refusal as refusal:
            # told "no" once is "no": delivered again after the show it must not happen after all
            answer = _final(request.id, request.verb, State.REJECTED, refusal.code, refusal.message)
            await self._begin(answer, digest)
            raise
        accepted = Answer(id=request.id, verb=request.verb, state=State.ACCEPTED)
        job = Job(
            request.id, request.verb, envelope.issuer, lambda share, text: self._progress(request.id, share, text)
        )
        running = _Running(job, digest, accepted, [lambda answer: request.reply(answer, envelope.reply_to)])
        self._running[request.id] = running
        try:
            first = await self._begin(accepted, digest)
        except BaseException:
            del self._running[request.id]
            raise
        if not first:  # known on the disk after all
            del self._running[request.id]
            await self._again(request, envelope, digest)
            return
        # The effect comes before the telling: both are due at once, and answers are sent when the loop is next free.
        running.task = asyncio.create_task(self._execute(running, verb, args), name=f"command-{request.id}")
        self._tell(running, accepted)
        running.task.add_done_callback(lambda _: self._never_began(running))

    def _permit(self, verb: Verb[Any], args: BaseModel) -> None:
        if self._stopping:
            raise Refusal(ReasonCode.STOPPING)
        impact = verb.impact if isinstance(verb.impact, Impact) else verb.impact(args)
        if impact in INTERLOCKED and self.on_air():
            raise Refusal(ReasonCode.ON_AIR)
        verb.check(args)
        if not verb.always and len(self._running) >= self.max_running:
            raise Refusal(ReasonCode.BUSY)

    def _in_time(self, request: Request, envelope: Envelope) -> None:
        now = self.wall()
        ahead = envelope.issued_at.timestamp() - now if envelope.issued_at else 0.0
        if ahead > AHEAD:
            raise Refusal(ReasonCode.CLOCK, f"{ahead:.0f} s ahead of this agent's clock")
        stated = envelope.expires_at.timestamp() if envelope.expires_at else None
        for limit in (stated, request.expires):
            if limit is not None and now >= limit:
                raise Refusal(ReasonCode.EXPIRED, f"{now - limit:.3f} s after its end")

    async def _again(self, request: Request, envelope: Envelope, digest: str) -> bool:
        """Has this id been used? Then answer as it stands, and do nothing."""
        running = self._running.get(request.id)
        if running is not None:
            _same(digest, running.digest)
            if len(running.replies) < 16:
                running.replies.append(lambda answer: request.reply(answer, envelope.reply_to))
            answer = running.answer
        else:
            known = self.journal.knows(request.id)
            entry = await self.disk(lambda: self.journal.find(request.id)) if known else None
            if entry is None:
                return False
            _same(digest, entry.digest)
            answer = await self._stored(entry)
        self.counters["repeated"] += 1
        log.info("command.repeated", verb=request.verb, id=request.id, state=answer.state)
        self._send(answer.model_copy(update={"repeated": True}), [lambda a: request.reply(a, envelope.reply_to)])
        self._deliver()
        return True

    async def _stored(self, entry: Entry) -> Answer:
        if entry.final:
            try:
                return Answer.model_validate_json(entry.answer)
            except ValidationError:  # written by another version
                return Answer(id=entry.id, verb=entry.verb, state=State(entry.state))
        answer = _final(entry.id, entry.verb, State.FAILED, ReasonCode.INTERRUPTED)
        await self._note(answer)
        return answer

    # --- run -------------------------------------------------------------------------------------------------

    async def _execute(self, running: _Running, verb: Verb[Any], args: BaseModel) -> None:
        job = running.job
        limit = asyncio.timeout(verb.deadline)
        try:
            self._tell(running, Answer(id=job.id, verb=job.verb, state=State.EXECUTING))
            async with limit:
                result = await verb.run(args, job)
            answer = Answer(id=job.id, verb=job.verb, state=State.SUCCEEDED, result=dict(result))
            answer.encode()  # a result that is no JSON is the verb's fault, found here
        except asyncio.CancelledError:
            code = ReasonCode.CANCELLED if job.cancelled else ReasonCode.STOPPING
            answer = _final(job.id, job.verb, State.CANCELLED, code)
        except Refusal as refusal:
            answer = _final(job.id, job.verb, State.FAILED, refusal.code, refusal.message)
        except DriverError as error:
            code = next((c for kind, c in DRIVER_CODES.items() if isinstance(error, kind)), ReasonCode.OFFLINE)
            answer = _final(job.id, job.verb, State.FAILED, code, Refusal(code, error.reason).message)
        except Exception as error:
            if isinstance(error, TimeoutError) and limit.expired():
                said = Refusal(ReasonCode.TIMEOUT, f"{verb.deadline:g} s").message
                answer = _final(job.id, job.verb, State.FAILED, ReasonCode.TIMEOUT, said)
            else:
                log.exception("command.bug", verb=job.verb, id=job.id)
                answer = _final(job.id, job.verb, State.FAILED, ReasonCode.INTERNAL)
        try:
            await self._note(answer)
        except Exception:
            log.exception("command.not-noted", verb=job.verb, id=job.id)
        finally:
            self._running.pop(job.id, None)
            self._tell(running, answer)

    def _never_began(self, running: _Running) -> None:
        """A task cancelled before its first step runs not a line of :meth:`_execute`."""
        if self._running.get(running.job.id) is running:
            del self._running[running.job.id]
            self._tell(running, _final(running.job.id, running.job.verb, State.CANCELLED, ReasonCode.STOPPING))

    def _progress(self, id: str, share: float, text: Text | None) -> None:  # noqa: A002
        running = self._running.get(id)
        if running is not None and running.answer.state is State.EXECUTING:
            message = Say.of(text) if text else None
            update = {"progress": share, "message": message}
            self._send(running.answer.model_copy(update=update), running.replies)

    # --- answers ---------------------------------------------------------------------------------------------

    def _tell(self, running: _Running, answer: Answer) -> None:
        before = running.answer.state
        assert answer is running.answer or answer.state in NEXT[before], f"{before} → {answer.state}"
        running.answer = answer
        self.counters[answer.state] += 1
        say = log.debug if answer.state is State.EXECUTING else log.info
        say("command." + answer.state, verb=answer.verb, id=answer.id, issuer=running.job.issuer, code=answer.code)
        self._send(answer, running.replies)

    def _refuse(self, request: Request, envelope: Envelope | None, refusal: Refusal) -> None:
        self.counters["rejected"] += 1
        self.counters[f"rejected.{refusal.code}"] += 1
        verb, name = request.verb[:64], request.id[:64]
        log.warning("command.rejected", verb=verb, id=name, code=refusal.code, why=refusal.message.en)
        answer = _final(name, verb, State.REJECTED, refusal.code, refusal.message)
        self._send(answer, [lambda a: request.reply(a, envelope.reply_to if envelope else None)])
        self._deliver()

    def _send(self, answer: Answer, replies: list[Callable[[Answer], None]]) -> None:
        own = [self.publish_answer] if commands.ID.fullmatch(answer.id) and commands.VERB.fullmatch(answer.verb) else []
        if not self._outgoing:
            asyncio.get_running_loop().call_soon(self._deliver)
        self._outgoing.append((answer, (*replies, *own)))

    def _deliver(self) -> None:
        while self._outgoing:
            answer, replies = self._outgoing.popleft()
            for tell in replies:
                try:
                    tell(answer)
                except Exception:
                    log.exception("answer.fault", verb=answer.verb, id=answer.id)

    async def _begin(self, answer: Answer, digest: str) -> bool:
        final = not NEXT[answer.state]
        entry = Entry(answer.id, answer.verb, digest, answer.state, final, answer.model_dump_json(), self.wall())
        return bool(await self.disk(lambda: self.journal.begin(entry)))

    async def _note(self, answer: Answer) -> None:
        await self.disk(lambda: self.journal.finish(answer.id, answer.state, answer.model_dump_json()))

    # --- own verbs -------------------------------------------------------------------------------------------

    async def _ping(self, args: commands.Ping, job: Job) -> Mapping[str, Any]:
        return {"wall": self.wall(), "running": len(self._running) - 1}

    def _can_cancel(self, args: commands.CommandCancel) -> None:
        if args.id not in self._running:
            raise Refusal(ReasonCode.UNKNOWN_TARGET, f"no command {args.id} is running")

    async def _cancel(self, args: commands.CommandCancel, job: Job) -> Mapping[str, Any]:
        running = self._running.get(args.id)
        if running is None or running.task is None:
            raise Refusal(ReasonCode.UNKNOWN_TARGET, f"no command {args.id} is running")
        running.job.cancelled = True
        running.task.cancel()
        return {"cancelled": args.id}


def _same(digest: str, other: str) -> None:
    if digest != other:
        raise Refusal(ReasonCode.DUPLICATE)


def _final(id: str, verb: str, state: State, code: ReasonCode, message: Text | None = None) -> Answer:  # noqa: A002
    return Answer(id=id, verb=verb, state=state, code=code, message=Say.of(message or SAID[code]))
