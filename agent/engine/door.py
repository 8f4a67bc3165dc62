"""The engine's door: whoever knocks is a guest; a daemon is who says the word.

A connection that says nothing, or something else, is closed after a while and has changed nothing: a look at the socket
by a person or a program of the same user does not take the lights from the daemon that plays them.
"""

import contextlib
import selectors
import socket
import time
from pathlib import Path

from agent.engine.messages import SOCKET, WORD, is_ours, socket_path
from agent.runtime.lane import Log

PATIENCE = 2.0
"""Seconds in which a guest must have said it; a daemon does with its first bytes."""

GUESTS = 8
"""So many at a time; the one that has been silent longest goes first."""


QUIET = 60.0
"""Seconds between two lines about guests in the log."""


class Door:
    """Listens from ``__enter__`` to ``__exit__``; what it waits for is registered with ``waiting``."""

    def __init__(self, folder: Path, waiting: selectors.BaseSelector, log: Log) -> None:
        self._folder = folder
        self._path = folder / SOCKET
        self._waiting = waiting
        self._log = log
        self.socket = socket.socket(socket.AF_UNIX)
        self.guests: dict[socket.socket, tuple[float, bytes]] = {}
        """Until when they may be silent, and what they have said; the oldest first."""
        self._said = -QUIET

    def __enter__(self) -> "Door":
        self._path.unlink(missing_ok=True)
        with socket_path(self._folder) as name:
            self.socket.bind(name)
        self._path.chmod(0o600)
        self.socket.listen(GUESTS)
        self._waiting.register(self.socket, selectors.EVENT_READ)
        return self

    def __exit__(self, *_: object) -> None:
        self._path.unlink(missing_ok=True)  # before the outputs are let go: nobody is to knock at a closing door
        self.socket.close()
        for guest in tuple(self.guests):
            self._turn_away(guest)

    @property
    def due(self) -> float | None:
        """When a guest has been silent for too long (monotonic)."""
        return next((until for until, _ in self.guests.values()), None)

    def knocked(self) -> None:
        """Somebody is there."""
        guest, _ = self.socket.accept()
        if not is_ours(guest):
            self._log.warning("engine.stranger", next="only processes of the same user may drive the lights")
            guest.close()
            return
        if len(self.guests) >= GUESTS:
            self._turn_away(next(iter(self.guests)))
        self.guests[guest] = (time.monotonic() + PATIENCE, b"")
        self._waiting.register(guest, selectors.EVENT_READ)

    def heard(self, guest: socket.socket) -> bool:
        """Something was said; if by a guest, whether that was the word: then it is no guest any more."""
        if guest not in self.guests:
            return False
        until, said = self.guests[guest]
        try:
            more = guest.recv(len(WORD) - len(said))
        except OSError:
            more = b""
        said += more
        if said == WORD:
            del self.guests[guest]
            return True
        if more and WORD.startswith(said):
            self.guests[guest] = (until, said)
        else:
            self._turn_away(guest)
        return False

    def hurry(self) -> None:
        """Turn away who has been silent for too long."""
        while self.due is not None and self.due <= time.monotonic():
            self._turn_away(next(iter(self.guests)))

    def _turn_away(self, guest: socket.socket) -> None:
        del self.guests[guest]
        with contextlib.suppress(KeyError, ValueError):
            self._waiting.unregister(guest)
        guest.close()
        if time.monotonic() >= self._said + QUIET:
            self._said = time.monotonic()
            self._log.warning("engine.guest", why="somebody who is no agent connected to the engine's socket, in vain")
