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


class StateUnusable(Exception):
    """The state folder can be neither made nor written."""

    def __init__(self, folder: Path, why: str) -> None:
        self.folder = folder
        self.why = why
        right = "name a folder this user may write, on a disk with space"
        super().__init__(f"agent.state_dir {folder} cannot be used: {why}: {right}")


class StateLock:
    """Held from ``__enter__`` to ``__exit__``, and by the kernel no longer than the process lives. Entering raises
    StateLocked or StateUnusable."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: IO[str] | None = None

    def __enter__(self) -> "StateLock":
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o750)
            self._file = (self._folder / "agent.lock").open("a+")
            self._take(self._file)
        except BaseException as error:
            self.__exit__()
            if isinstance(error, OSError):
                raise StateUnusable(self._folder, error.strerror or str(error)) from None
            raise
        return self

    def _take(self, file: IO[str]) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise StateLocked(self._folder, file.read(20).strip()) from None
        if os.fstat(file.fileno()).st_size:
            file.truncate(0)
        # by its number: what a full disk refuses stays in no buffer, to be refused again when the file is closed
        os.write(file.fileno(), f"{os.getpid()}\n".encode())

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
