"""One agent per state folder."""

import fcntl
import os
from pathlib import Path
from typing import IO


class StateLocked(Exception):
    """Another agent (``pid``, if it can be told) runs in that state folder."""

    def __init__(self, folder: Path, pid: str) -> None:
        self.folder = folder
        self.pid = pid
        who = f"another agent (process {pid})" if pid else "another agent"
        super().__init__(f"{who} runs in {folder}: stop it, or give this one another state_dir")


class StateLock:
    """Held from ``__enter__`` to ``__exit__``, and by the kernel no longer than the process lives."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: IO[str] | None = None

    def __enter__(self) -> "StateLock":
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        file = (self._folder / "agent.lock").open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            pid = file.read(20).strip()
            file.close()
            raise StateLocked(self._folder, pid) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._file = file
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
