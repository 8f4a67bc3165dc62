"""Waiting for what is to come, with an end; and ports on loopback to wait at."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any


async def until(condition: Callable[[], Any], within: float = 15.0) -> Any:
    """Wait for a condition without blocking the loop; raises AssertionError after ``within`` seconds."""
    end = time.monotonic() + within
    while not (found := condition()):
        assert time.monotonic() < end, "the condition did not come true in time"
        await asyncio.sleep(0.005)
    return found


def free_port() -> int:
    """A TCP port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, within: float = 10.0, alive: Callable[[], bool] = lambda: True) -> None:
    """Until something accepts on loopback; raises TimeoutError."""
    until = time.monotonic() + within
    while time.monotonic() < until and alive():
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
            return
        threading.Event().wait(0.01)
    raise TimeoutError(f"nothing accepts on port {port}")
