"""Commands that only ask (:attr:`Verb.read`): answered from memory, once, without the disk.

They have no effect, so nothing has to be on the disk before it: after a crash the broker delivers such a command again,
and it is answered then. Delivered twice without one, it has the same answer twice.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from agent.messaging.asked import digest_of, in_time, same
from agent.messaging.commands import Envelope, read_args
from agent.messaging.lifecycle import State
from agent.messaging.payloads import Answer
from agent.messaging.verbs import Request, Verb

REMEMBERED = 256
"""Answers, at most."""


class Questions:
    """See the module. ``admit`` and ``permit`` raise Refusal, as for every command."""

    def __init__(
        self,
        wall: Callable[[], float],
        admit: Callable[[Request, Envelope], bool],
        permit: Callable[[Verb[Any], Any], None],
    ) -> None:
        self._wall = wall
        self._admit = admit
        self._permit = permit
        self._known: OrderedDict[str, tuple[str, Answer]] = OrderedDict()

    def answer(self, request: Request, envelope: Envelope, verb: Verb[Any]) -> Answer:
        """Its end. Raises Refusal."""
        assert verb.read is not None
        digest = digest_of(request.verb, envelope.args)
        if known := self._known.get(request.id):
            same(digest, known[0])
            return known[1].model_copy(update={"repeated": True})
        if self._admit(request, envelope):
            in_time(request, envelope, self._wall())
        args = read_args(verb.args, envelope.args)
        self._permit(verb, args)
        answer = Answer(id=request.id, verb=request.verb, state=State.SUCCEEDED, result=dict(verb.read(args)))
        self._known[request.id] = digest, answer
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return answer
