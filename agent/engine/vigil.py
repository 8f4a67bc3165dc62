"""Notices an engine that is there and stands still (stopped, or its interpreter hangs), and ends it for its heir."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable

import structlog

from agent.engine.outgoing import EVERY

log = structlog.get_logger(__name__)

LOOK = 0.25
"""Seconds between two looks."""

HUNG = 2 * EVERY
"""Seconds without a word from an engine. Receivers of sACN take a source for lost after 2.5 s (E1.31, 6.7.1)."""


class Vigil:
    """On the loop. Silence counts only while this process itself was awake: one that was stopped, or kept from running,
    blames nobody."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._heard = 0.0
        self.said = 0.0
        """When the engine said something last."""

    def heard(self) -> None:
        """It has just said something."""
        self._heard = self.said = self._now()

    async def keep(self, pid: int) -> None:
        """Until it is cancelled: when that engine is gone."""
        self.heard()
        looked = self._now()
        while True:
            await asyncio.sleep(LOOK)
            now = self._now()
            if now > looked + 2 * LOOK:
                self._heard = now
            looked = now
            if now > self._heard + HUNG:
                silent = round(now - self._heard, 1)
                log.error("engine.hung", pid=pid, silent=silent, next="it is killed, and its heir goes on")
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
                self._heard = now
