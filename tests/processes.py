"""Processes of our own that tests start, listen to and end."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.waiting import PATIENCE

ROOT = Path(__file__).resolve().parents[1]
"""The checkout."""


class Child:
    """A process whose output lines are kept and can be waited for. ``log`` takes what it says on standard error;
    ``how`` is for Popen."""

    def __init__(self, *command: str | Path, log: Path | None = None, **how: Any) -> None:
        words = [str(word) for word in command]
        with (log or Path(os.devnull)).open("ab") as errors:
            how = {"cwd": ROOT, "stdin": subprocess.PIPE, "stderr": errors, **how}
            self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, **how)
        self.lines: list[str] = []
        self._all_said = False
        self._door = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._door:
                self.lines.append(line.rstrip("\n"))
                self._door.notify_all()
        with self._door:
            self._all_said = True
            self._door.notify_all()

    def wait_line(self, wanted: Callable[[str], Any], within: float = PATIENCE, since: int = 0) -> str:
        """The first line from ``since`` on for which ``wanted(line)``; AssertionError with the last lines else."""

        def first() -> str | None:
            return next((line for line in self.lines[since:] if wanted(line)), None)

        with self._door:
            self._door.wait_for(lambda: self._all_said or first() is not None, within)
            found = first()
        assert found is not None, self.lines[-20:]
        return found

    def code(self, within: float = PATIENCE) -> int:
        """Its exit code, once it has ended by itself."""
        code = self.process.wait(within)
        self._reader.join(PATIENCE)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        return code

    def end(self, number: int = signal.SIGTERM, within: float = PATIENCE) -> int:
        """End it with a signal; its exit code."""
        with suppress(ProcessLookupError):
            self.process.send_signal(number)
        return self.code(within)

    def finish(self) -> int:
        """End its input; its exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.code()

    def kill(self) -> None:
        """Whatever it is doing."""
        self.end(signal.SIGKILL)


def engines(folder: Path) -> list[int]:
    """Output engines, and their heirs, of agents whose state is somewhere in this folder; the oldest first."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                words = (entry / "cmdline").read_bytes().split(b"\0")
                at = words.index(b"agent.engine") + 1 if b"agent.engine" in words else 0
                if at and Path(os.fsdecode(words[at])).is_relative_to(folder):
                    state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                    found += [int(entry.name)] if state != "Z" else []
    return sorted(found)


def end_engines(folder: Path) -> None:
    """End them: the heirs first, or they would take over."""
    for pid in reversed(engines(folder)):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
