"""A network source while it is opened, so that nobody waits for what a network does with his time.

    name looked up ─▶ connected, asked ─▶ answered ─▶ first picture        on a thread of its own, which ends then
    (30 s and more)   (2 s)                           (RTSP: the next key frame, 4 s and more)

No step can be ended from outside: the system's resolver has limits of its own, and FFmpeg's opening ends by its own
clock. So the steps go on beside, ``read()`` waits for them as long as it is told, and ``close()`` leaves them to their
end. Whoever opens the same address again waits behind what was left there, so one hanging name server holds one thread.
"""

import socket
import threading
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from drivers.base import Picture, Stamp
from drivers.errors import DeviceMissing, LinkLost, ReplyTimeout, Why
from drivers.host import LONGEST_OPENING, FrameSource, Login, shown_url
from drivers.real.capture import OPEN_TIMEOUT, STALL_TIMEOUT
from drivers.real.video import open_source

_LEFT: dict[str, threading.Thread] = {}
"""By address: what was closed before it was open, and has not ended."""
_BETWEEN = 0.05
"""Seconds between two looks at one of those."""
_RESOLVER = "check the spelling, the network and its name server"


class Opening:
    """A source as soon as there is one. Used by one thread, ``close()`` by any."""

    def __init__(self, source: str, login: Login) -> None:
        self._shown = shown_url(source)
        self._waits = ReplyTimeout(f"{self._shown}: an earlier attempt to open it hangs", _RESOLVER, why=Why.NO_ANSWER)
        """For what, as an error says it."""
        self._door = threading.Lock()
        self._ready, self._closed = threading.Event(), threading.Event()
        self._source: FrameSource | None = None
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._open, args=(source, login), name="opening", daemon=True)
        self._thread.start()

    def _open(self, source: str, login: Login) -> None:
        until = time.monotonic() + LONGEST_OPENING - OPEN_TIMEOUT - STALL_TIMEOUT
        opened: FrameSource | None = None

        def again(without: LinkLost) -> bool:
            self._waits = ReplyTimeout(without.reason, without.remedy, why=without.why)
            return time.monotonic() < until and not self._closed.is_set()

        try:
            self._queue()
            self._waits = ReplyTimeout(
                f"{self._shown} cannot be found: the name server does not answer", _RESOLVER, why=Why.NO_NAME
            )
            _look_up(source, self._shown)
            self._waits = ReplyTimeout(
                f"{self._shown} does not answer", "check address and port; is the camera on?", why=Why.NO_ANSWER
            )
            opened = open_source(source, login, again)
        except BaseException as error:  # a bug, too, is raised where it is looked for
            self._failed = error
        with self._door:
            if self._closed.is_set():
                if opened is not None:
                    opened.close()
            else:
                self._source = opened
            self._ready.set()

    def _queue(self) -> None:
        """Behind what was left at this address."""
        while not self._closed.is_set():
            before = _LEFT.get(self._shown)
            if before is None or not before.is_alive():
                return
            before.join(_BETWEEN)
        raise LinkLost("closed")

    def read(self, timeout: float, detail: bool = True) -> tuple[Picture, float]:
        """ReplyTimeout: it is not open yet, and what is waited for. DeviceMissing: it cannot be opened, and why."""
        deadline = time.monotonic() + timeout
        if not self._ready.wait(timeout) and not self._closed.is_set():
            raise ReplyTimeout(self._waits.reason, self._waits.remedy, why=self._waits.why)
        return self._opened().read(max(0.001, deadline - time.monotonic()), detail)

    def watch(self, until: float) -> None:
        self._opened().watch(until)

    def stamps(self) -> Sequence[Stamp]:
        return () if self._source is None else self._source.stamps()

    def describe(self) -> dict[str, str]:
        return {} if self._source is None else self._source.describe()

    def _opened(self) -> FrameSource:
        if self._closed.is_set():
            raise LinkLost("the source is closed")
        if self._failed is not None:
            raise self._failed
        if self._source is None:
            raise LinkLost(f"{self._shown} is not open yet")
        return self._source

    def close(self) -> None:
        """At once. What is not open yet ends by itself."""
        with self._door:
            self._closed.set()
            if not self._ready.is_set():
                before = _LEFT.get(self._shown)
                if before is None or not before.is_alive():
                    _LEFT[self._shown] = self._thread
            self._ready.set()
        if self._source is not None:
            self._source.close()


def _look_up(source: str, shown: str) -> None:
    """Whether its host has an address. Asked first and alone: it is the only step that may take half a minute."""
    host = urlsplit(source).hostname
    try:
        if host:
            socket.getaddrinfo(host, None, 0, socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or "not a valid name"
        raise DeviceMissing(f"{shown} cannot be reached: {said}", _RESOLVER, why=Why.NO_NAME) from None
