"""A source while it is opened, so that nobody waits for what a network, a driver or a disk does with his time.

    network   name looked up (30 s and more) ─▶ connected, asked, answered (2 s) ─▶ first picture (RTSP: 4 s and more)
    device    opened, buffers mapped, started (as long as its driver likes) ─▶ first picture
    file      found, opened, its beginning read (as long as the disk or the far machine likes)

No step can be ended from outside: the system's resolver has limits of its own, FFmpeg's opening ends by its own clock,
and a system call that hangs in a driver or on a lost network folder ends when it likes. So the steps go on beside, in a
thread that ends with them; ``read()`` waits for them as long as it is told, and ``close()`` leaves them. Whoever opens
the same source again goes on with what was left there: one that hangs holds one thread, and one that takes longer than
anybody waits is open at the next attempt or the one after. What nobody came for is closed.
"""

import socket
import threading
import time
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from drivers.base import Picture, Stamp
from drivers.errors import DeviceMissing, LinkLost, ReplyTimeout, Why
from drivers.host import LONGEST_OPENING, FrameSource, Login, is_network, shown_url
from drivers.real.capture import OPEN_TIMEOUT, STALL_TIMEOUT, TURN, Again
from drivers.real.v4l2_capture import REPLUG
from drivers.real.video import device_of, open_source

Open = Callable[[str, Login, Again], FrameSource]

KEPT = 2.0
"""Seconds what came too late is kept for the next attempt: longer than a lane waits before its first ones."""
FIRST = 1.4
"""Seconds a device's first picture may take: webcams begin with their exposure."""
FRESH = 0.25
"""Seconds. A first picture that is older when somebody comes for it is not shown."""
_SLICE = 0.05
"""Seconds between two looks whether whoever waits has been closed."""
_RESOLVER = "check the spelling, the network and its name server"


class _Attempt:
    """At one source, on its own thread, for one :class:`Opening` after the other."""

    def __init__(self, source: str, login: Login, open_: Open) -> None:
        self._source, self._login, self._open = source, login, open_
        self.shown = shown_url(source)
        self.waits = ReplyTimeout(f"{self.shown} hangs while it is opened", self._look_at(), why=Why.HANGS)
        """For what, as an error says it."""
        self.ready = threading.Event()
        self.opened: FrameSource | None = None
        self.first: tuple[Picture, float] | None = None
        self.failed: BaseException | None = None
        self._left = False
        """Nobody waits for it at present. Under ``_DOOR``, as ``ready``."""
        self._wanted = threading.Event()
        self._until = 0.0
        self._thread = threading.Thread(target=self._run, name="opening", daemon=True)

    def take(self) -> None:
        """Somebody waits for it from now on. Under ``_DOOR``."""
        self._left = False
        self._until = time.monotonic() + LONGEST_OPENING - OPEN_TIMEOUT - STALL_TIMEOUT
        self._wanted.set()
        if self._thread.ident is None:
            self._thread.start()

    def leave(self) -> None:
        """Nobody does. Under ``_DOOR``."""
        self._left = True
        self._wanted.clear()

    def unready(self) -> ReplyTimeout:
        """What is waited for at present."""
        if first := TURN.before(self.shown.removeprefix("file://")):
            said = f"{self.shown} waits until {first} is open"
            return ReplyTimeout(said, "look after that one first", why=Why.QUEUES)
        return ReplyTimeout(self.waits.reason, self.waits.remedy, why=self.waits.why)

    def _run(self) -> None:
        try:
            self._steps()
        except BaseException as error:  # a bug, too, is raised where it is looked for
            self.failed = error
            if self.opened is not None:
                self.opened.close()
        with _DOOR:
            self.ready.set()
            left = self._left
            if self.failed is not None:
                _forget(self)
        if self.failed is None and left and not self._wanted.wait(KEPT):
            with _DOOR:
                left = self._left
                _forget(self)
            if left and self.opened is not None:
                self.opened.close()

    def _steps(self) -> None:
        if is_network(self._source):
            self._wait_for(f"{self.shown} cannot be found: the name server does not answer", _RESOLVER, Why.NO_NAME)
            _look_up(self._source, self.shown)
            self._wait_for(f"{self.shown} does not answer", "check address and port; is the camera on?", Why.NO_ANSWER)
        self.opened = self._open(self._source, self._login, self._again)
        if device_of(self._source):
            self._wait_for(f"{self.shown} has sent no picture yet", self._look_at(), Why.SILENT)
            self.first = self.opened.read(FIRST, True)

    def _wait_for(self, what: str, remedy: str, why: Why | None) -> None:
        self.waits = ReplyTimeout(what, remedy, why=why)

    def _look_at(self) -> str:
        at_hand = device_of(self._source)
        return REPLUG if at_hand else "does the disk or the network folder it lies on answer?"

    def _again(self, without: LinkLost) -> bool:
        self._wait_for(without.reason, without.remedy, without.why)
        return time.monotonic() < self._until and not self._left


_DOOR = threading.Lock()
_LEFT: dict[tuple[str, Login], list[_Attempt]] = {}
"""Attempts nobody waits for at present. Under ``_DOOR``."""


class Opening:
    """A source as soon as there is one. Used by one thread, ``close()`` by any."""

    def __init__(self, source: str, login: Login, open_: Open = open_source) -> None:
        self._key = (source, login)
        self._closed = False
        with _DOOR:
            left = _LEFT.get(self._key)
            self._attempt = left[0] if left else _Attempt(source, login, open_)
            _forget(self._attempt)
            self._attempt.take()

    def read(self, timeout: float, detail: bool = True) -> tuple[Picture, float]:
        """ReplyTimeout: it is not open yet, and what is waited for. DeviceMissing: it cannot be opened, and why."""
        deadline, attempt = time.monotonic() + timeout, self._attempt
        while not attempt.ready.wait(max(0.0, min(_SLICE, deadline - time.monotonic()))) and not self._closed:
            if time.monotonic() >= deadline:
                raise attempt.unready()
        source = self._opened()
        first, attempt.first = attempt.first, None
        if first is not None and time.monotonic() - first[1] <= FRESH:
            return first
        return source.read(max(0.001, deadline - time.monotonic()), detail)

    def watch(self, until: float) -> None:
        self._opened().watch(until)

    def stamps(self) -> Sequence[Stamp]:
        return () if self._attempt.opened is None else self._attempt.opened.stamps()

    def describe(self) -> dict[str, str]:
        return {} if self._attempt.opened is None else self._attempt.opened.describe()

    def _opened(self) -> FrameSource:
        if self._closed:
            raise LinkLost("the source is closed")
        if self._attempt.failed is not None:
            raise self._attempt.failed
        if self._attempt.opened is None:
            raise LinkLost(f"{self._attempt.shown} is not open yet")
        return self._attempt.opened

    def close(self) -> None:
        """At once. What is not open yet goes on by itself: to its end, or to the next who opens the source."""
        with _DOOR:
            if self._closed:
                return  # it may be another one's already
            self._closed = True
            if not self._attempt.ready.is_set():
                self._attempt.leave()
                _LEFT.setdefault(self._key, []).append(self._attempt)
                return
        if self._attempt.opened is not None:
            self._attempt.opened.close()


def _forget(attempt: _Attempt) -> None:
    """It is not to be had any more. Under ``_DOOR``."""
    for key, left in [*_LEFT.items()]:
        if attempt in left:
            left.remove(attempt)
            if not left:
                del _LEFT[key]


def _look_up(source: str, shown: str) -> None:
    """Whether its host has an address. Asked first and alone: it is the only step that may take half a minute."""
    host = urlsplit(source).hostname
    try:
        if host:
            socket.getaddrinfo(host, None, 0, socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or "not a valid name"
        raise DeviceMissing(f"{shown} cannot be reached: {said}", _RESOLVER, why=Why.NO_NAME) from None
