"""The states of commands at the broker: one retained message each while it lives, and for a while after its end.

An answer is retained when it is the present state of a command that is shown; every other one (a refusal, a repetition,
an end that waited in the outbox until its command was no longer shown) is told and not retained. So nothing that was
taken off the broker comes back. The requester may take its command off by itself, with an empty retained message.
"""

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from agent.messaging.lifecycle import State
from agent.messaging.payloads import Answer
from agent.messaging.way import Acked

log = structlog.get_logger(__name__)

MOST = 200
"""Commands that are shown after their end, at most; the oldest go first."""
Send = Callable[[str, bytes, Acked | None], bool]
"""Publish a retained message; ``False``: not now."""


@dataclass
class _State:
    id: str
    body: bytes
    ended: float | None = None


class Shown:
    """See the module. ``kept``: seconds after its end; ``mono`` seconds of a clock nobody sets."""

    def __init__(self, send: Send, mono: Callable[[], float], kept: float, most: int = MOST) -> None:
        self.hidden: Callable[[str], None] = lambda _: None
        """Hears the id of every command that is no longer at the broker."""
        self._send = send
        self._mono = mono
        self._kept = kept
        self._most = most
        self._states: dict[str, _State] = {}
        self._ended: dict[str, None] = {}
        """Topics of those that have ended, the oldest end first."""
        self._gone: dict[str, str] = {}
        """Topic → id of what is to be taken off; until the broker has said that it is."""
        self._going: set[str] = set()

    def __len__(self) -> int:
        return len(self._states)

    def put(self, topic: str, answer: Answer, body: bytes) -> bool:
        """Whether this answer is the command's state, and to be retained. A command is shown from *accepted* on."""
        if answer.repeated:
            return False
        if answer.state is State.ACCEPTED:
            self._states[topic] = _State(answer.id, body)
        state = self._states.get(topic)
        if state is None or state.ended is not None or answer.state is State.REJECTED:
            return False
        state.body = body
        if answer.final:
            self._end(topic, state, self._mono())
        return True

    def restore(self, topic: str, answer: Answer, body: bytes, ago: float | None) -> None:
        """A command of an earlier start, whose state may be at the broker. ``ago``: seconds since its end."""
        state = self._states[topic] = _State(answer.id, body)
        if ago is not None:
            self._end(topic, state, self._mono() - max(0.0, ago))

    def shows(self, topic: str, body: bytes) -> bool:
        """Whether this message is the present state of that topic."""
        state = self._states.get(topic)
        return state is not None and state.body == body

    def hear(self, topic: str, payload: bytes, retained: bool) -> None:
        """What the broker says of such a topic: its requester took it off; or a state nobody knows is still there."""
        if payload:
            if retained and topic not in self._states and topic not in self._gone:
                self._take_off(topic, topic.rpartition("/")[2])
        elif topic in self._states:
            log.debug("command.hidden", topic=topic)
            # said by us too: what was under way to the broker when it was said may have come after it
            self.clear(topic)

    def clear(self, topic: str) -> None:
        """Take it off."""
        self._ended.pop(topic, None)
        self._take_off(topic, self._states.pop(topic).id)

    def republish(self) -> None:
        """All of it: the connection is new."""
        self._going.clear()
        self.tick()
        for topic, state in self._states.items():
            self._send(topic, state.body, None)

    def tick(self) -> None:
        """Once a second, while there is a connection or not: what has been shown long enough goes."""
        now = self._mono()
        while self._ended and (len(self._ended) > self._most or self._expired(next(iter(self._ended)), now)):
            self.clear(next(iter(self._ended)))
        for topic in [topic for topic in self._gone if topic not in self._going]:
            self._say_gone(topic)

    def _expired(self, topic: str, now: float) -> bool:
        ended = self._states[topic].ended
        return ended is not None and now - ended >= self._kept

    def _end(self, topic: str, state: _State, at: float) -> None:
        state.ended = at
        self._ended[topic] = None
        if len(self._ended) > self._most:
            self.clear(next(iter(self._ended)))

    def _take_off(self, topic: str, id: str) -> None:  # noqa: A002 - the field's name on the wire
        self._gone[topic] = id
        self._say_gone(topic)

    def _say_gone(self, topic: str) -> None:
        def acked(code: int, said: str) -> None:
            self._going.discard(topic)
            known = self._gone.pop(topic, None)
            if known is not None:
                self.hidden(known)

        if self._send(topic, b"", acked):
            self._going.add(topic)
