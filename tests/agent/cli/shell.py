"""The command line as a person has it: real processes."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 45.0


def environment(**more: str) -> dict[str, str]:
    """Ours without anything that would point the agent at somebody's configuration."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("STUDIO_AGENT")}
    return {**kept, "PYTHONPATH": str(ROOT), "COLUMNS": "100", **more}


def studio(*words: str | Path, cwd: Path = ROOT, **more: str) -> subprocess.CompletedProcess[str]:
    """``studio-agent WORDS`` to its end."""
    command = [sys.executable, "-m", "agent", *map(str, words)]
    return subprocess.run(
        command, cwd=cwd, env=environment(**more), capture_output=True, text=True, timeout=PATIENCE, check=False
    )


class Running:
    """``studio-agent WORDS`` in a session of its own; all lines of output and error are kept."""

    def __init__(self, words: Sequence[str | Path], cwd: Path = ROOT) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "agent", *map(str, words)],
            cwd=cwd,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._door = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._door:
                self.lines.append(line.rstrip("\n"))
                self._door.notify_all()

    def wait_line(self, wanted: Callable[[str], bool], within: float = PATIENCE) -> str:
        """The first line for which ``wanted(line)``."""
        with self._door:
            found = self._door.wait_for(lambda: next((line for line in self.lines if wanted(line)), None), within)
        assert found is not None, self.lines[-20:]
        return found

    def code(self, within: float = PATIENCE) -> int:
        """Its exit code, once it has ended."""
        code = self.process.wait(within)
        self._reader.join(PATIENCE)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code

    @property
    def others(self) -> list[str]:
        """Processes left in its session."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == self.process.pid and fields[0] != "Z":
                found.append(stat.parent.name)
        return found

    def wait_alone(self, within: float = PATIENCE) -> list[str]:
        """Until none is left; those that are, when time is over."""
        until = time.monotonic() + within
        while self.others and time.monotonic() < until:
            threading.Event().wait(0.02)
        return self.others

    def kill(self) -> None:
        """Whatever it is doing."""
        if self.process.poll() is None:
            self.process.kill()
        self.code()
