"""The production reflector as a process, and a relay that does to probes what bad networks do."""

import heapq
import select
import socket
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from drivers.real.host import RealHost
from tests.processes import Child
from tests.waiting import PATIENCE

LOOPBACK = "127.0.0.1"


@pytest.fixture
def host() -> RealHost:
    return RealHost()


@pytest.fixture(scope="module")
def reflector() -> Iterator[int]:
    """UDP port of a running reflector."""
    command = [sys.executable, "-m", "drivers.network.reflector", "--bind", LOOPBACK, "--port", "0"]
    process = Child(*command)
    try:
        line = process.wait_line(lambda line: line.startswith(f"reflector ready on {LOOPBACK}:"))
        yield int(line.rpartition(":")[2])
    finally:
        assert process.end() == 0


class Relay:
    """Stands between probe and reflector. ``plan(number)`` says what becomes of request ``number``: how many copies
    of its reply go back, and after which later request (``(1, 0)``: one, at once; ``(1, 2)``: once two more requests
    came by). What counts is the order of events, not time."""

    def __init__(self, port: int) -> None:
        self.plan: Callable[[int], tuple[int, int]] = lambda number: (1, 0)
        self.seen = 0
        self._outside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._outside.bind((LOOPBACK, 0))
        self._inside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._inside.connect((LOOPBACK, port))
        self._inside.settimeout(PATIENCE)
        self._wake, self._woken = socket.socketpair()
        self.port = self._outside.getsockname()[1]
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        held: list[tuple[int, int, bytes]] = []
        while self._woken not in select.select([self._outside, self._woken], [], [])[0]:
            request, probe = self._outside.recvfrom(2048)
            number, self.seen = self.seen, self.seen + 1
            copies, after = self.plan(number)
            self._inside.send(request)
            reply = self._inside.recv(2048)
            for _ in range(copies):
                heapq.heappush(held, (number + after, number, reply))
            while held and held[0][0] <= number:
                self._outside.sendto(heapq.heappop(held)[2], probe)

    def close(self) -> None:
        self._wake.send(b"x")
        self._thread.join(PATIENCE)
        for each in (self._outside, self._inside, self._wake, self._woken):
            each.close()


@pytest.fixture
def relay(reflector: int) -> Iterator[Relay]:
    made = Relay(reflector)
    yield made
    made.close()
