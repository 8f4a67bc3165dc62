"""From a message to an effect, once: parse, refuse or accept, run, answer.

The way in is the same for the broker and the control socket. Nothing that comes in can raise out of
:meth:`Dispatcher.receive`; what a verb raises ends that command, not the process.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from pydantic import BaseModel

from agent.messaging import commands, schedule
from agent.messaging.answers import Answers, failed, final, noted
from agent.messaging.asked import digest_of, in_time, read, same
from agent.messaging.commands import Envelope
from agent.messaging.execution import Running, cancelled, outcome
from agent.messaging.header import Say, iso
from agent.messaging.hints import hint
from agent.messaging.lifecycle import LIMITS, NEXT, ReasonCode, Refusal, State
from agent.messaging.own_verbs import OwnVerbs
from agent.messaging.payloads import Answer
from agent.messaging.questions import Questions
from agent.messaging.schedule import Clocks
from agent.messaging.verbs import INTERLOCKED, Admits, Job, Open, Reply, Request, Verb, unheard
from agent.runtime.journal import Entry, Journal, Plan
from agent.runtime.store import Disk, at_once
from config.units import Text
from drivers.base import Impact

log = structlog.get_logger(__name__)


@dataclass
class Dispatcher:
    """See the module. ``disk`` runs blocking work off the loop (``lane.call``); ``wall`` is seconds since 1970. The
    last four are for commands that wait, and for those that outlive a restart: see :mod:`agent.messaging.schedule`."""

    verbs: Mapping[str, Verb[Any]]
    journal: Journal
    on_air: Callable[[], bool]
    publish_answer: Callable[[Answer], None]
    """Publishes on the state topic; it owes the journal a :meth:`~agent.runtime.journal.Journal.told` for every end."""

    wall: Callable[[], float]
    disk: Disk = at_once
    gate: Admits = field(default_factory=Open)
    max_running: int = 32
    max_scheduled: int = 200
    mono: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    restore: Callable[[Answer, float | None], None] = lambda answer, ago: None
    """Hears, at the start, of states of earlier commands that may be at the broker, and how long ago they ended."""

    reply_on: Callable[[str | None, bytes | None], Reply] = lambda topic, correlation: unheard
    """Answers to a response topic with correlation data."""

    counters: Counter[str] = field(default_factory=Counter)
    """accepted, scheduled, succeeded, failed, cancelled, rejected, repeated; and ``rejected.<code>`` of each code."""

    def __post_init__(self) -> None:
        self._running: dict[str, Running] = {}
        self._questions = Questions(self.wall, lambda *asked: self.gate.admit(*asked), self._permit)
        self.verbs = {**OwnVerbs(self._running, self.wall).all(), **self.verbs}
        self._stopping = False
        self._clocks = Clocks(self.wall, self.mono, self.sleep)
        self._answers = Answers(lambda answer: self.publish_answer(answer))

    # --- the way in ------------------------------------------------------------------------------------------

    async def receive(self, request: Request) -> None:
        """Take a command. Returns once it is refused, answered (again), or noted on the disk and begun."""
        if self.answer(request):
            return
        envelope: Envelope | None = None
        try:
            envelope = read(request)
            await self._take(request, envelope)
        except Exception as error:
            self._refuse(request, envelope, error)

    def answer(self, request: Request) -> bool:
        """Answer a question (:attr:`Verb.read`) here and now: it has no effect, so it needs no journal, and its end is
        all there is to tell. ``False``: it is none, or one for later."""
        verb = self.verbs.get(request.verb)
        if verb is None or verb.read is None or request.id in self._running or self.journal.knows(request.id):
            return False
        envelope: Envelope | None = None
        try:
            envelope = read(request)
            if schedule.due(envelope) is not None:
                return False
            answer = self._questions.answer(request, envelope, verb)
        except Exception as error:
            self._refuse(request, envelope, error)
        else:
            self._count(answer, envelope.issuer)
            request.reply(answer, envelope.reply_to)
            self._answers.send(answer.model_copy(update={"result": {}}) if verb.private else answer, [])
        return True

    def overflow(self, request: Request) -> bool:
        """Turn a command down unread: there are too many. ``False``: it was taken before, and its end is told."""
        known = request.id in self._running or self.journal.knows(request.id)
        if not known:
            self._refuse(request, None, Refusal(ReasonCode.BUSY))
        return not known

    async def recover(self) -> list[Answer]:
        """Once at the start: go on with commands that wait for their time, give those that a crash cut off their end,
        *failed/interrupted*, and tell every end that may not have been told. The ends that were given."""
        await self.disk(self.journal.open)
        for entry, ended in await self.disk(self.journal.shown):
            self.restore(noted(entry), None if ended is None else self.wall() - ended)
        given = []
        for entry, plan in await self.disk(self.journal.unfinished):
            answer = final(entry.id, entry.verb, State.FAILED, ReasonCode.INTERRUPTED)
            if plan is not None:
                try:
                    self._resume(entry, plan)
                    continue
                except Refusal as refusal:
                    answer = failed(entry.id, entry.verb, refusal)
                except (ValueError, KeyError, TypeError) as error:  # written by another version
                    log.warning("command.plan-unreadable", id=entry.id, why=repr(error))
            await self._note(answer)
            given.append(answer)
        if given:
            log.warning("command.cut-off", ids=[answer.id for answer in given])
        for entry in await self.disk(self.journal.untold):
            self.publish_answer(await self._stored(entry))
        return given

    async def stop(self, grace: float = 1.0) -> None:
        """Take nothing more and end what runs, at most ``grace`` seconds; what waits for its time stays noted."""
        self._stopping = True
        for running in tuple(self._running.values()):
            running.cancel()
        if tasks := {running.task for running in self._running.values() if running.task}:
            await asyncio.wait(tasks, timeout=grace)

    @property
    def running(self) -> tuple[str, ...]:
        """Ids of the commands under way, or waiting for their time."""
        return tuple(self._running)

    # --- refuse or accept ------------------------------------------------------------------------------------

    async def _take(self, request: Request, envelope: Envelope) -> None:
        if request.verb not in self.verbs:
            raise Refusal(ReasonCode.UNKNOWN_VERB, hint(request.verb, list(self.verbs)))
        digest = digest_of(request.verb, envelope.args)
        if await self._again(request, envelope, digest):
            return
        if self.gate.admit(request, envelope):
            in_time(request, envelope, self.wall())
        verb = self.verbs[request.verb]
        args = commands.read_args(verb.args, envelope.args)
        at = schedule.due(envelope)
        waits = at is not None and at - self.wall() > schedule.LEAD
        try:
            self._permit(verb, args, waits)
        except Refusal as refusal:
            # told "no" once is "no": delivered again after the show it must not happen after all
            answer = final(request.id, request.verb, State.REJECTED, refusal.code, refusal.message)
            await self._begin(answer, digest)
            raise
        running = self._made(request, envelope, digest, waits)
        plan = schedule.plan(request, at) if at is not None and waits else None
        try:
            first = await self._begin(running.answer, digest, plan)
        except BaseException:
            del self._running[request.id]
            raise
        if not first:  # known on the disk after all
            del self._running[request.id]
            await self._again(request, envelope, digest)
            return
        # The effect comes before the telling: both are due at once, and answers are sent when the loop is next free.
        self._set_off(running, envelope, verb, args)
        self._tell(running, running.answer)

    def _resume(self, entry: Entry, plan: Plan) -> None:
        """Take a command up again that waited when the agent ended. Raises Refusal when it is too late for it."""
        request = schedule.planned(entry, plan, self.reply_on)
        envelope = read(request)
        if self.wall() - plan.due > schedule.LATE:
            raise Refusal(ReasonCode.EXPIRED, Text("its time came while the agent was away", "程序停止期间已到时间"))
        verb = self.verbs[request.verb]
        args = commands.read_args(verb.args, envelope.args)
        self._set_off(self._made(request, envelope, entry.digest, True), envelope, verb, args)

    def _made(self, request: Request, envelope: Envelope, digest: str, waits: bool) -> Running:
        name, verb = request.id, request.verb
        job = Job(name, verb, envelope.issuer, lambda share, text: self._progress(name, share, text))
        accepted = Answer(id=name, verb=verb, state=State.ACCEPTED)
        replies: list[Callable[[Answer], None]] = [lambda answer: request.reply(answer, envelope.reply_to)]
        running = self._running[name] = Running(job, digest, accepted, replies, self.mono(), waits=waits)
        return running

    def _set_off(self, running: Running, envelope: Envelope, verb: Verb[Any], args: BaseModel) -> None:
        work = self._execute(running, envelope, verb, args)
        running.task = asyncio.create_task(work, name=f"command-{running.job.id}")

    def _permit(self, verb: Verb[Any], args: BaseModel, waits: bool = False, itself: Running | None = None) -> None:
        """``waits``: it is for later, and on air is asked when its time has come; then it is there ``itself``."""
        if self._stopping:
            raise Refusal(ReasonCode.STOPPING)
        verb.able()
        impact = verb.impact if isinstance(verb.impact, Impact) else verb.impact(args)
        if impact in INTERLOCKED and not waits and self.on_air():
            raise Refusal(ReasonCode.ON_AIR)
        verb.check(args)
        alike = sum(other.waits is waits for other in self._running.values() if other is not itself)
        if waits and alike >= self.max_scheduled:
            raise Refusal(
                ReasonCode.BUSY, Text(f"{alike} commands wait for their time already", f"已有 {alike} 条定时指令")
            )
        if not waits and not verb.always and alike >= self.max_running:
            raise Refusal(ReasonCode.BUSY)

    async def _again(self, request: Request, envelope: Envelope, digest: str) -> bool:
        """Has this id been used? Then answer as it stands, and do nothing."""
        running = self._running.get(request.id)
        if running is not None:
            same(digest, running.digest)
            if len(running.replies) < 16:
                running.replies.append(lambda answer: request.reply(answer, envelope.reply_to))
            answer = running.answer
        else:
            known = self.journal.knows(request.id)
            entry = await self.disk(lambda: self.journal.find(request.id)) if known else None
            if entry is None:
                return False
            same(digest, entry.digest)
            answer = await self._stored(entry)
        self.counters["repeated"] += 1
        log.info("command.repeated", verb=request.verb, id=request.id, state=answer.state)
        self._answers.send(
            answer.model_copy(update={"repeated": True}), [lambda a: request.reply(a, envelope.reply_to)]
        )
        self._answers.deliver()
        return True

    async def _stored(self, entry: Entry) -> Answer:
        if entry.final:
            return noted(entry)
        answer = final(entry.id, entry.verb, State.FAILED, ReasonCode.INTERRUPTED)
        await self._note(answer)
        return answer

    # --- run -------------------------------------------------------------------------------------------------

    async def _execute(self, running: Running, envelope: Envelope, verb: Verb[Any], args: BaseModel) -> None:
        job = running.job
        try:
            running.begin()
            late = await self._moment(running, envelope, verb, args)
        except asyncio.CancelledError:
            if running.waits and not job.cancelled:  # the agent ends; the next start takes it up again
                del self._running[job.id]
                return
            answer = cancelled(job)
        except Refusal as refusal:
            answer = failed(job.id, job.verb, refusal)
        except Exception:
            log.exception("command.bug", verb=job.verb, id=job.id)
            answer = failed(job.id, job.verb, Refusal(ReasonCode.INTERNAL))
        else:
            self._tell(running, Answer(id=job.id, verb=job.verb, state=State.EXECUTING, late_ms=late))
            answer = await outcome(verb, args, job)
        running.over = True
        try:
            await self._note(answer)
        except Exception:
            log.exception("command.not-noted", verb=job.verb, id=job.id)
        finally:
            self._running.pop(job.id, None)
            self._tell(running, answer)

    async def _moment(self, running: Running, envelope: Envelope, verb: Verb[Any], args: BaseModel) -> float | None:
        """Returns when the effect is to begin: at once, or at the command's time, when all that was asked at its
        acceptance is asked again. Milliseconds it is late. Raises Refusal."""
        job, at, now = running.job, schedule.due(envelope), self.wall()
        limit = LIMITS[State.ACCEPTED]
        if limit is not None and self.mono() - running.since > limit:
            raise Refusal(ReasonCode.TIMEOUT, Text(f"not begun within {limit:g} s", f"{limit:g} 秒内未开始"))
        if at is None or (at <= now and not running.waits):
            schedule.in_time(envelope, now)
            return None if at is None else round((now - at) * 1e3, 3)

        async def lead() -> None:
            if running.waits:
                await self.disk(lambda: self.journal.start(job.id))
                running.waits = False

        self._tell(running, Answer(id=job.id, verb=job.verb, state=State.SCHEDULED, due=iso(at)))
        late = await schedule.wait(at, self._clocks, lead)
        schedule.in_time(envelope, at + late)
        self.gate.due(job, envelope.args)
        self._permit(verb, args, itself=running)
        return round(late * 1e3, 3)

    def _progress(self, id: str, share: float, text: Text | None) -> None:  # noqa: A002
        running = self._running.get(id)
        if running is not None and running.answer.state is State.EXECUTING:
            message = Say.of(text) if text else None
            update = {"progress": share, "message": message}
            self._answers.send(running.answer.model_copy(update=update), running.replies)

    # --- answers ---------------------------------------------------------------------------------------------

    def _tell(self, running: Running, answer: Answer) -> None:
        before = running.answer.state
        assert answer is running.answer or answer.state in NEXT[before], f"{before} → {answer.state}"
        running.answer = answer
        self._count(answer, running.job.issuer)
        self._answers.send(answer, running.replies)

    def _count(self, answer: Answer, issuer: str) -> None:
        self.counters["repeated" if answer.repeated else answer.state] += 1
        say = log.debug if answer.state is State.EXECUTING else log.info
        say("command." + answer.state, verb=answer.verb, id=answer.id, issuer=issuer, code=answer.code)

    def _refuse(self, request: Request, envelope: Envelope | None, why: Exception) -> None:
        if not isinstance(why, Refusal):
            log.error("command.fault", verb=request.verb[:64], id=request.id[:64], exc_info=why)
        refusal = why if isinstance(why, Refusal) else Refusal(ReasonCode.INTERNAL)
        self.counters["rejected"] += 1
        self.counters[f"rejected.{refusal.code}"] += 1
        verb, name = request.verb[:64], request.id[:64]
        log.warning("command.rejected", verb=verb, id=name, code=refusal.code, why=refusal.message.en)
        answer = final(name, verb, State.REJECTED, refusal.code, refusal.message)
        self._answers.send(answer, [lambda a: request.reply(a, envelope.reply_to if envelope else None)])
        self._answers.deliver()

    async def _begin(self, answer: Answer, digest: str, plan: Plan | None = None) -> bool:
        final = not NEXT[answer.state]
        entry = Entry(answer.id, answer.verb, digest, answer.state, final, answer.model_dump_json(), self.wall())
        return bool(await self.disk(lambda: self.journal.begin(entry, plan)))

    async def _note(self, answer: Answer) -> None:
        now = self.wall()
        await self.disk(lambda: self.journal.finish(answer.id, answer.state, answer.model_dump_json(), now))
