"""The engine's heir, watched by the engine: the process that waits for its end, to be the next one."""

import contextlib
import os
import selectors
import signal


class Watched:
    """``waiting`` is readable by :attr:`handle` when it is gone. A kernel that has no pidfd_open(2) does not tell."""

    def __init__(self, pid: int, waiting: selectors.BaseSelector) -> None:
        self.pid = pid
        self._waiting = waiting
        self.handle: int | None = None
        self.alive = True
        try:
            self.handle = os.pidfd_open(pid)
        except ProcessLookupError:
            self.alive = False
        except (OSError, AttributeError):
            pass
        else:
            waiting.register(self.handle, selectors.EVENT_READ)

    def gone(self) -> None:
        """It has ended."""
        self.alive = False
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)
        if self.handle is not None:
            self._waiting.unregister(self.handle)
            os.close(self.handle)
            self.handle = None

    def end(self) -> None:
        """There will be nothing to inherit."""
        if self.handle is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.handle, signal.SIGKILL)
            self.gone()
