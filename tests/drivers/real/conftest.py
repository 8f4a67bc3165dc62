"""A pseudo-terminal per test: a real serial port with both ends in our hands."""

import os
import pty
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from drivers.real.host import RealHost


class Terminal:
    """``name`` is the port to open, ``write``/``read``/``hang_up`` are what the device does."""

    def __init__(self) -> None:
        self._device, port = pty.openpty()
        self.name = os.ttyname(port)
        os.close(port)

    def write(self, data: bytes) -> None:
        os.write(self._device, data)

    def read(self, size: int) -> bytes:
        taken = b""
        while len(taken) < size:
            taken += os.read(self._device, size - len(taken))
        return taken

    def hang_up(self) -> None:
        if self._device >= 0:
            os.close(self._device)
            self._device = -1


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    yield from _one()


def _one() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    with suppress(OSError):
        made.hang_up()


@pytest.fixture
def other_terminal() -> Iterator[Terminal]:
    yield from _one()


@pytest.fixture
def host() -> RealHost:
    return RealHost()


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without root's rights, as a service has none."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(was)


@pytest.fixture
def nobody():
    return as_nobody
