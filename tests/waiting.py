"""Waiting for what is to come, with an end; and ports on loopback to wait at."""

import asyncio
import random
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

PATIENCE = 45.0
"""Seconds a busy machine may take to do what it was asked: to start a process, to schedule it, to end it."""
GIVEN = range(20000, 32000)
"""Below those the kernel gives to whoever asks for any port: a port chosen here is still free when it is used, and when
a broker comes back to it."""


async def until(condition: Callable[[], Any], within: float = PATIENCE) -> Any:
    """Wait for a condition without blocking the loop; raises AssertionError after ``within`` seconds."""
    end = time.monotonic() + within
    while not (found := condition()):
        assert time.monotonic() < end, "the condition did not come true in time"
        await asyncio.sleep(0.005)
    return found


def free_port() -> int:
    """A port of loopback that nobody listens on, neither TCP nor UDP."""
    while True:
        port = random.choice(GIVEN)
        with suppress(OSError), socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            for probe in (tcp, udp):
                probe.bind(("127.0.0.1", port))
            return port


def wait_for_port(port: int, within: float = PATIENCE, alive: Callable[[], bool] = lambda: True) -> None:
    """Until something accepts on loopback; raises TimeoutError."""
    until = time.monotonic() + within
    while time.monotonic() < until and alive():
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
            return
        threading.Event().wait(0.01)
    raise TimeoutError(f"nothing accepts on port {port}")
