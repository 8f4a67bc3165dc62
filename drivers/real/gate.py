"""A file descriptor that one thread waits on and any thread may shut.

Closing a descriptor under a thread that polls it neither wakes that thread nor is it safe: the number may be given
out again at once. So shutting wakes the waiter through a pipe, and whoever leaves last releases the descriptor.
"""

import os
import select
import time
from collections.abc import Callable
from threading import Lock
from types import TracebackType

from drivers.errors import LinkLost


class Gate:
    """``with gate:`` around every use of the descriptor; :meth:`shut` from anywhere, any number of times."""

    def __init__(self, descriptor: int, release: Callable[[], None], name: str) -> None:
        self._descriptor = descriptor
        self._release = release
        self._name = name
        self._lock = Lock()
        self._inside = 0
        self._shut = False
        self._wake_read, self._wake_write = os.pipe()

    def __enter__(self) -> None:
        """Raises LinkLost once shut."""
        with self._lock:
            if self._shut:
                raise LinkLost(f"{self._name} is closed")
            self._inside += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._inside -= 1
            last = self._shut and self._inside == 0
        if last:
            self._let_go()

    def wait(self, events: int, timeout: float) -> int:
        """The poll events that came (0 after ``timeout`` seconds). Raises LinkLost when shut meanwhile."""
        poll = select.poll()
        poll.register(self._descriptor, events)
        poll.register(self._wake_read, select.POLLIN)
        ready = dict(poll.poll(max(0.0, timeout) * 1000))
        if self._wake_read in ready or self._shut:
            raise LinkLost(f"{self._name} was closed")
        return ready.get(self._descriptor, 0)

    def pause(self, seconds: float) -> None:
        """Wait without looking at the descriptor. Raises LinkLost when shut meanwhile."""
        deadline = time.monotonic() + seconds
        poll = select.poll()
        poll.register(self._wake_read, select.POLLIN)
        if poll.poll(max(0.0, deadline - time.monotonic()) * 1000) or self._shut:
            raise LinkLost(f"{self._name} was closed")

    def shut(self) -> None:
        """Idempotent. A thread inside ``wait`` leaves at once."""
        with self._lock:
            if self._shut:
                return
            self._shut = True
            os.write(self._wake_write, b"x")
            empty = self._inside == 0
        if empty:
            self._let_go()

    def _let_go(self) -> None:
        try:
            self._release()
        finally:
            os.close(self._wake_read)
            os.close(self._wake_write)
