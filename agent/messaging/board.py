"""The board: the latest retained state of every topic, so that a broker that forgot it all is told again."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import structlog

from agent.messaging.header import Payload, Stamp

log = structlog.get_logger(__name__)


class Board:
    """Publishes a state when it has changed, and all of them on every connection.

    ``publish(topic, body)`` sends one retained message and says whether it was taken; what was not is tried again.
    ``memory`` is a file with the topics put: it lets :meth:`sweep` clear what an earlier start left at the broker (an
    alert that ended while the agent was down, a fixture that is no longer there). ``heard`` is told of every change.
    """

    def __init__(
        self,
        publish: Callable[[str, bytes], bool],
        stamp: Stamp,
        memory: Path | None = None,
        heard: Callable[[str, Payload | None], None] = lambda topic, payload: None,
    ) -> None:
        self._heard = heard
        self._publish = publish
        self._stamp = stamp
        self._memory = memory
        self._states: dict[str, tuple[dict[str, Any], bytes, Payload]] = {}
        self._unsent: set[str] = set()
        self._gone: set[str] = set()
        self._unwritable = ""
        """What was logged last about the memory; a full disk is one message, not one per state."""
        self._earlier = self._remembered()
        self.spared = ""
        """Topics beginning so are swept by whoever set this, in his own time."""

    def put(self, topic: str, payload: Payload) -> bool:
        """The state of a topic. ``False`` when it is what it was."""
        body = payload.body()
        known = self._states.get(topic)
        if known is not None and known[0] == body:
            return False
        self._gone.discard(topic)
        stamped = self._stamp.on(payload)
        self._states[topic] = (body, stamped.encode(), stamped)
        self._send(topic)
        self._heard(topic, stamped)
        if known is None:
            self._remember()
        return True

    def clear(self, topic: str) -> None:
        """Take a topic off the broker (an empty retained message)."""
        if self._states.pop(topic, None) is not None:
            self._heard(topic, None)
        elif topic not in self._earlier:
            return
        self._earlier.discard(topic)
        self._gone.add(topic)
        self._send(topic)
        self._remember()

    def sweep(self, only: str = "") -> None:
        """Once everything there is has been put: clear what only an earlier start had; all but what begins with
        :attr:`spared`, or ``only`` what begins so."""
        for topic in sorted(self._earlier):
            if topic.startswith(only) if only else not (self.spared and topic.startswith(self.spared)):
                if topic not in self._states:
                    self.clear(topic)
                self._earlier.discard(topic)
        self._remember()

    def republish(self) -> None:
        """All of it: the connection is new."""
        self._unsent = set()
        for topic in (*self._states, *self._gone):
            self._send(topic)

    def again(self, topic: str) -> None:
        """A state as it stands, to somebody who may not have it."""
        if topic in self._states:
            self._send(topic)

    def retry(self) -> None:
        """What could not be sent before."""
        for topic in sorted(self._unsent):
            self._send(topic)

    def states(self) -> Iterator[tuple[str, Payload]]:
        """Every topic with its state."""
        return ((topic, state[2]) for topic, state in self._states.items())

    def __getitem__(self, topic: str) -> bytes:
        return self._states[topic][1]

    def __contains__(self, topic: str) -> bool:
        return topic in self._states

    def __len__(self) -> int:
        return len(self._states)

    def _send(self, topic: str) -> None:
        sent = self._publish(topic, b"" if topic in self._gone else self._states[topic][1])
        if sent:
            self._unsent.discard(topic)
            if topic in self._gone:
                self._gone.discard(topic)
                self._remember()
        else:
            self._unsent.add(topic)

    def _remembered(self) -> set[str]:
        if self._memory is None:
            return set()
        try:
            found = json.loads(self._memory.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return set()
        except (OSError, ValueError) as error:
            log.warning("board.memory-unreadable", file=str(self._memory), why=str(error))
            return set()
        return {topic for topic in found if isinstance(topic, str)} if isinstance(found, list) else set()

    def _remember(self) -> None:
        if self._memory is None:
            return
        topics = sorted({*self._states, *self._gone, *self._earlier})
        try:
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._memory.with_name(self._memory.name + ".new")
            fresh.write_text(json.dumps(topics), encoding="utf-8")
            fresh.replace(self._memory)
        except OSError as error:
            why = str(error)
            if why != self._unwritable:
                log.warning("board.memory-unwritable", file=str(self._memory), why=why)
        else:
            why = ""
            if self._unwritable:
                log.info("board.memory-writable", file=str(self._memory))
        self._unwritable = why
