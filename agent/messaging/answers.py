"""Answers on their way out: in order, when the loop is next free, whoever they are for."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

import structlog
from pydantic import ValidationError

from agent.messaging import commands
from agent.messaging.header import Say
from agent.messaging.lifecycle import SAID, ReasonCode, Refusal, State
from agent.messaging.payloads import Answer
from agent.runtime.journal import Entry
from config.units import Text

log = structlog.get_logger(__name__)

Tell = Callable[[Answer], None]


class Answers:
    """``publish`` puts an answer on the command's state topic. What raises is logged, and the others hear it."""

    def __init__(self, publish: Tell) -> None:
        self.publish = publish
        self._outgoing: deque[tuple[Answer, tuple[Tell, ...]]] = deque()

    def send(self, answer: Answer, replies: Sequence[Tell]) -> None:
        """To those, and to the state topic where the command's name makes one."""
        own = [self.publish] if commands.ID.fullmatch(answer.id) and commands.VERB.fullmatch(answer.verb) else []
        if not self._outgoing:
            asyncio.get_running_loop().call_soon(self.deliver)
        self._outgoing.append((answer, (*replies, *own)))

    def deliver(self) -> None:
        """All of it, now."""
        while self._outgoing:
            answer, replies = self._outgoing.popleft()
            for tell in replies:
                try:
                    tell(answer)
                except Exception:
                    log.exception("answer.fault", verb=answer.verb, id=answer.id)


def final(id: str, verb: str, state: State, code: ReasonCode, message: Text | None = None) -> Answer:  # noqa: A002
    """The end of a command that did not succeed."""
    return Answer(id=id, verb=verb, state=state, code=code, message=Say.of(message or SAID[code]))


def failed(id: str, verb: str, refusal: Refusal) -> Answer:  # noqa: A002
    """The end of an accepted command that could not be done, for this reason."""
    return final(id, verb, State.FAILED, refusal.code, refusal.message)


def noted(entry: Entry) -> Answer:
    """The answer in the journal; where another version of this program wrote it, what is certain of it."""
    try:
        return Answer.model_validate_json(entry.answer)
    except ValidationError:
        return Answer(id=entry.id, verb=entry.verb, state=State(entry.state))
