"""What the engine has to tell, on its way to the daemon: never waits, never grows without end."""

import contextlib
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from agent.engine.messages import Alive, Beats, Held, Logged, Sent, packed

WAITING = 10_000
"""Messages that may wait; a daemon that reads no more is let go."""

KEPT_LINES = 200
"""Log lines kept for the next daemon while there is none."""

EVERY = 1.0
"""Seconds between two tellings of the beat's figures, and that the engine is alive."""

NEWS, NEWS_LED = 0.25, 0.05
"""Seconds between two tellings of frames while something moves; an arrival is told at once. A light that is led is
where nobody can work out: the next engine can only go on from what was told."""


class Outgoing:
    """Messages from any thread; its own thread writes them. Frames are told as they are when there is room for them:
    a newer one takes the older one's place."""

    def __init__(self, beats: Callable[[], Iterable[Beats]]) -> None:
        self._beats = beats
        self._door = threading.Condition()
        self._messages: deque[Any] = deque()
        self._sent: dict[str, Sent] = {}
        self._held: Held | None = None
        self._lines: deque[Logged] = deque(maxlen=KEPT_LINES)
        self._to: socket.socket | None = None
        self._waiting = False
        self._thread = threading.Thread(target=self._run, name="outgoing", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def connect(self, to: socket.socket, first: Any) -> None:
        """From now on tell this daemon: first of all that, then what was logged meanwhile."""
        with self._door:
            self._messages.clear()
            self._sent.clear()
            self._messages.append(first)
            self._messages.extend(self._lines)
            self._lines.clear()
            self._to = to
            self._door.notify_all()

    def disconnect(self) -> None:
        """Nobody listens."""
        with self._door:
            self._to = None

    def put(self, message: Any) -> None:
        """Tell this, in its turn."""
        with self._door:
            if isinstance(message, Held):  # only who holds what now is worth telling, however often that changes
                self._held = message
                self._door.notify_all()
                return
            if self._to is None:
                if isinstance(message, Logged):
                    self._lines.append(message)
                return
            if len(self._messages) >= WAITING:
                self._give_up()
                return
            self._messages.append(message)
            self._waiting = True
            self._door.notify_all()

    def sent(self, name: str, wires: Mapping[int, bytes], has_sent: bool, led: bool) -> None:
        """Frames are on the wire."""
        with self._door:
            if self._to is None:
                return
            waiting = self._sent.get(name)
            every = {**waiting.wires, **wires} if waiting else wires
            self._sent[name] = Sent(name, every, has_sent, led)
            self._door.notify_all()

    def drain(self) -> None:
        """Before the end: let what waits go out, for a moment."""
        with self._door:
            self._door.wait_for(lambda: self._to is None or not self._waiting, 0.5)

    # --- its own thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        due = 0.0
        while True:
            with self._door:
                while not (self._to and (self._messages or self._sent or self._held)):
                    rest = due - time.monotonic()
                    if rest <= 0 or not self._door.wait(rest):
                        break
                to = self._to
                messages = list(self._messages)
                self._messages.clear()
                frames = list(self._sent.values())
                self._sent.clear()
                if to is not None and self._held is not None:
                    messages.append(self._held)
                    self._held = None
            if time.monotonic() >= due:
                due = time.monotonic() + EVERY
                messages += (Alive(), *self._beats()) if to is not None else ()
            if to is None:
                continue
            try:
                to.sendall(b"".join(map(packed, (*messages, *frames))))
                with self._door:
                    self._waiting = bool(self._messages)
                    self._door.notify_all()
            except OSError:
                with self._door:
                    if self._to is to:
                        self._give_up()

    def _give_up(self) -> None:
        if self._to is not None:
            with contextlib.suppress(OSError):
                self._to.shutdown(socket.SHUT_RDWR)  # the reader sees the end and takes the daemon for gone
        self._to = None
        self._messages.clear()
