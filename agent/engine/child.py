"""Starting an output engine, and what is left of one that fell."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

from agent.engine.hurry import HEIR
from agent.engine.messages import CRASH

LEAN = {
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(1 << 20),
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
}
"""One heap, which gives back what a large message needed (a lower threshold has every beat at 256 universes ask the
kernel for memory: a quarter more processor time); no look through all that is installed for plug-ins of pydantic."""


class Child:
    """The engine, or heir of one, that this process has started last, if any."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, waits: bool = False) -> int:
        """Its process. ``waits``: for the end of the engine there is. OSError. A session of its own: what ends this
        process, or its terminal, does not end the engine."""
        with self._crash(waits) as crash:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-P", "-m", "agent.engine", str(self._folder), *([HEIR] if waits else ())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=crash,
                start_new_session=True,
                env={**os.environ, **LEAN},
            )
        return self._process.pid

    def _crash(self, waits: bool) -> BinaryIO:
        """Where its last words go; nowhere on a disk that takes none, which is no reason for dark lights."""
        try:
            file = (self._folder / CRASH).open("ab")
            if not waits:
                file.truncate(0)
            return file
        except OSError:
            return Path(os.devnull).open("wb")

    @property
    def code(self) -> int | None:
        """Its exit code; ``None``: it runs, or there was none."""
        return None if self._process is None else self._process.poll()

    def wait(self, seconds: float) -> None:
        """For its end, so long."""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)

    def last_words(self) -> str:
        """What it said on standard error."""
        try:
            return (self._folder / CRASH).read_text(errors="replace")[-2000:].strip()
        except OSError:
            return ""
