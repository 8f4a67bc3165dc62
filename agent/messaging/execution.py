"""A command while it runs, and how whatever its verb does becomes an answer."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from pydantic import BaseModel

from agent.messaging.answers import failed, final
from agent.messaging.lifecycle import ReasonCode, Refusal, State
from agent.messaging.payloads import Answer
from agent.messaging.verbs import DRIVER_CODES, Job, Verb
from config.units import Text
from drivers.errors import DriverError

log = structlog.get_logger(__name__)


@dataclass
class Running:
    """A command from *accepted* to its end. ``answer`` is the latest one; a repeated request joins ``replies``;
    ``since``: monotonic seconds of its acceptance."""

    job: Job
    digest: str
    answer: Answer
    replies: list[Callable[[Answer], None]]
    since: float
    task: asyncio.Task[None] | None = None
    begun: bool = False
    """The task has run its first line: from there on a cancellation is heard."""
    waits: bool = False
    """For its time; a restart takes it up again."""
    over: bool = False
    """How it ended is certain; nothing cancels it any more."""
    ending: bool = False
    """It was asked to end."""

    def cancel(self) -> None:
        """Ask it to end. A task that was cancelled before its first line would end without a word, so that looks."""
        self.ending = True
        if self.task is not None and self.begun and not self.over:
            self.task.cancel()

    def begin(self) -> None:
        """First line of the task. Raises CancelledError."""
        self.begun = True
        if self.ending:
            raise asyncio.CancelledError


async def outcome(verb: Verb[Any], args: BaseModel, job: Job) -> Answer:
    """Run the verb to its end, within its deadline. Never raises: a cancellation, too, becomes the answer."""
    limit = asyncio.timeout(verb.deadline)
    try:
        async with limit:
            result = await verb.run(args, job)
        answer = Answer(id=job.id, verb=job.verb, state=State.SUCCEEDED, result=dict(result))
        answer.encode()  # a result that is no JSON is the verb's fault, found here
        return answer
    except asyncio.CancelledError:
        return cancelled(job)
    except Refusal as refusal:
        return failed(job.id, job.verb, refusal)
    except DriverError as error:
        code = next((c for kind, c in DRIVER_CODES.items() if isinstance(error, kind)), ReasonCode.OFFLINE)
        return failed(job.id, job.verb, Refusal(code, error.says))
    except Exception as error:
        if isinstance(error, TimeoutError) and limit.expired():
            return failed(
                job.id, job.verb, Refusal(ReasonCode.TIMEOUT, Text(f"{verb.deadline:g} s", f"{verb.deadline:g} 秒"))
            )
        log.exception("command.bug", verb=job.verb, id=job.id)
        return failed(job.id, job.verb, Refusal(ReasonCode.INTERNAL))


def cancelled(job: Job) -> Answer:
    """The end of a command that was cancelled, by somebody or by the end of the agent."""
    code = ReasonCode.CANCELLED if job.cancelled else ReasonCode.STOPPING
    return final(job.id, job.verb, State.CANCELLED, code)
