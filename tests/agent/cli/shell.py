"""The command line as a person has it: real processes."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from tests.processes import ROOT, Child
from tests.waiting import PATIENCE

CONFIG = """
[agent]
site = "hall"
name = "a"
state_dir = "state"
[mqtt]
host = "127.0.0.1"
port = 9
[outputs.widget]
driver = "enttec-pro"
universes = [1]
options = { port = "usb:EN1" }
[fixtures.key]
profile = "generic/dimmer"
personality = "8bit"
universe = 1
address = 1
"""
"""One light behind a widget; no broker."""


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


def in_session(leader: int) -> list[str]:
    """Processes of this session that run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader and fields[0] != "Z":
            found.append(stat.parent.name)
    return found


class Running(Child):
    """``studio-agent WORDS`` in a session of its own; all lines of output and error are kept."""

    def __init__(self, words: Sequence[str | Path], cwd: Path = ROOT) -> None:
        super().__init__(
            *(sys.executable, "-m", "agent", *words),
            cwd=cwd,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def others(self) -> list[str]:
        """Processes left in its session."""
        return in_session(self.process.pid)

    def wait_alone(self, within: float = PATIENCE) -> list[str]:
        """Until none is left; those that are, when time is over."""
        until = time.monotonic() + within
        while self.others and time.monotonic() < until:
            threading.Event().wait(0.02)
        return self.others
