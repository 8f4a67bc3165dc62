"""The daemon's side of heirs: where an engine has lost its own, which it made before it had threads and cannot make
again, the daemon starts a process that waits in its place."""

import asyncio
import os
import select
from collections.abc import Callable
from pathlib import Path

import structlog

from agent.engine.child import Child

log = structlog.get_logger(__name__)

PAUSES = (0.1, 0.5, 1.0, 2.0, 5.0, 30.0)
"""Seconds before one is started, by how many were lost one soon after the other."""

CALM = 60.0
"""Seconds without a loss after which the next one counts as the first."""


class Heirs:
    """``tell(pid)``: this process waits now. On the loop."""

    def __init__(self, folder: Path, tell: Callable[[int], None], now: Callable[[], float]) -> None:
        self._child = Child(folder)
        self._tell = tell
        self._now = now
        self._task: asyncio.Task[None] | None = None
        self._lost = 0
        self._at = 0.0
        self._waiting = False
        self._handle: int | None = None
        """Of the process that waits, where the kernel has pidfd_open(2)."""

    @property
    def waits(self) -> bool:
        """Whether somebody waits to be the next engine, or may: not every kernel tells."""
        if self._waiting and self._handle is not None:
            ended = select.poll()
            ended.register(self._handle, select.POLLIN)
            return not ended.poll(0)
        return self._waiting

    def known(self, pid: int) -> None:
        """This process waits; 0: none does."""
        if self._handle is not None:
            os.close(self._handle)
        self._waiting, self._handle = pid != 0, None
        try:
            self._handle = os.pidfd_open(pid) if pid else None
        except ProcessLookupError:
            self._waiting = False
        except (OSError, AttributeError):
            pass

    def missing(self) -> None:
        """The engine has none."""
        self.stop()
        self._task = asyncio.create_task(self._replace())

    def stop(self) -> None:
        """None is wanted at present: whoever is the next engine has an heir of its own."""
        if self._task is not None:
            self._task.cancel()
        self._child.wait(0.0)

    def wait(self, seconds: float) -> None:
        """For the end of the one that was started last."""
        self._child.wait(seconds)

    async def _replace(self) -> None:
        while True:
            now = self._now()
            self._lost = self._lost + 1 if now - self._at < CALM else 0
            self._at = now
            pause = PAUSES[min(self._lost, len(PAUSES) - 1)]
            log.warning("engine.heirless", effect="none while the engine lives", next=f"another heir in {pause:g} s")
            await asyncio.sleep(pause)
            try:
                pid = self._child.start(waits=True)
            except OSError as error:
                log.error("engine.not_started", why=str(error))
            else:
                self.known(pid)
                self._tell(pid)
                return
