"""Reading and writing a descriptor as :class:`drivers.host.Link` wants it: with limits, and shut by any thread."""

import os
import select
import time
from collections.abc import Callable

from drivers.errors import LinkLost, Stalled
from drivers.real.gate import Gate

WRITE_TIMEOUT = 0.5
"""Seconds a write or drain may take (a 518-byte frame needs 3 ms on full-speed USB, 99 ms at 57600 Bd)."""


class Pipe:
    """A descriptor that does not block. Subclasses say how to let go of it, and what to do when it is gone."""

    ended = ""
    """What it means that there is something to read, and it is nothing."""
    stuck = ""
    """What to do when it takes no more."""
    check = ""
    """What to do when it is gone."""

    def __init__(self, descriptor: int, release: Callable[[], None], name: str) -> None:
        self._descriptor = descriptor
        self._name = name
        self._gate = Gate(descriptor, release, name)

    def read(self, size: int, timeout: float) -> bytes:
        """1…``size`` bytes as soon as any are there, ``b""`` after ``timeout`` seconds."""
        if size < 1:
            return b""
        deadline = time.monotonic() + timeout
        with self._gate:
            while True:
                events = self._gate.wait(select.POLLIN, deadline - time.monotonic())
                if not events:
                    return b""
                try:
                    received = os.read(self._descriptor, size)
                except BlockingIOError:
                    if events & ~select.POLLIN:
                        raise self._gone("hung up") from None
                    continue
                except OSError as error:
                    raise self._gone(error.strerror) from error
                if not received:
                    raise self._gone(self.ended)
                return received

    def write(self, data: bytes) -> None:
        """All of ``data``, within WRITE_TIMEOUT seconds or Stalled."""
        deadline = time.monotonic() + WRITE_TIMEOUT
        rest = memoryview(data)
        with self._gate:
            while rest:
                try:
                    rest = rest[os.write(self._descriptor, rest) :]
                except BlockingIOError:
                    events = self._gate.wait(select.POLLOUT, deadline - time.monotonic())
                    if not events:
                        taken = len(data) - len(rest)
                        raise Stalled(
                            f"{self._name} took only {taken} of {len(data)} bytes in {WRITE_TIMEOUT:g} s",
                            self.stuck,
                            taken,
                        ) from None
                    if events & (select.POLLERR | select.POLLHUP | select.POLLNVAL):
                        raise self._gone("hung up") from None
                except OSError as error:
                    raise self._gone(error.strerror) from error

    def close(self) -> None:
        self._gate.shut()

    def _gone(self, why: str | None) -> LinkLost:
        return LinkLost(f"{self._name} is gone: {why or 'input/output error'}", self.check)
