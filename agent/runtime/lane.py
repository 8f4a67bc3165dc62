"""A lane: one thread that owns one wire.

The lane opens its device, gives its :class:`Work` turns at the times the work asks for, runs calls from the loop
between turns, and reopens with back-off what was lost. The device is touched by no other thread (but ``close()``).
"""

import contextlib
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, TypeVar

from agent.runtime.awaited import Awaited
from agent.runtime.back_off import BackOff, Reopening
from agent.runtime.cores import keep_to
from config.units import Text
from drivers.base import Device, Identity
from drivers.errors import (
    BadReply,
    DeviceMissing,
    DriverError,
    LinkLost,
    NotSupported,
    Refused,
    ReplyTimeout,
    StillOpening,
)

T = TypeVar("T")

STARTING = Text("starting", "正在启动")
MISSES = 3
"""So many timeouts or bad replies in a row count as a lost link."""


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of a device. ``since`` and ``outage`` in seconds of the host's monotonic clock. ``reason``: why it
    is offline, or what is waited for while it is opened for the first time; ``remedy``: what to do about it; ``…_zh``:
    the same in Chinese, "" where nobody says it."""

    state: Literal["starting", "ok", "offline"] = "starting"
    reason: str = ""
    reason_zh: str = ""
    remedy: str = ""
    remedy_zh: str = ""
    since: float = 0.0
    identity: Identity | None = None
    outage: float = 0.0
    losses: int = 0

    def says(self, otherwise: Text = STARTING) -> Text:
        """The reason in both languages; ``otherwise``: when there is none."""
        return Text(self.reason, self.reason_zh or self.reason) if self.reason else otherwise


class Work(Protocol):
    """What a lane does of its own accord."""

    def opened(self, identity: Identity, now: float) -> None:
        """The device has just been (re)opened."""

    def turn(self, now: float) -> float:
        """Do what is due and say when the next turn is."""


class Idle:
    """No work of its own: the lane only answers calls."""

    def opened(self, identity: Identity, now: float) -> None:
        """Nothing to prepare."""

    def turn(self, now: float) -> float:
        return now + 3600.0


class Log(Protocol):
    """Where events go."""

    def info(self, event: str, **fields: Any) -> Any: ...
    def warning(self, event: str, **fields: Any) -> Any: ...
    def exception(self, event: str, **fields: Any) -> Any:
        """With the traceback of what is being handled."""


def usual_log() -> Log:
    """The service's own. Only named here: the output engine has another one and does without its memory."""
    import structlog

    log: Log = structlog.get_logger(__name__)
    return log


class Call(Protocol):
    """A call to a lane's thread."""

    fn: Callable[[], Any]

    @property
    def given_up(self) -> bool:
        """Whether nobody waits for the answer any more: what has not begun does not begin."""

    def tell(self, result: Any, error: BaseException | None) -> None:
        """The answer, on the lane's thread."""


class Lane:
    """See the module. ``tell`` and ``bug`` are called on the lane's thread, which keeps to ``cores`` if given any.
    ``log``: where events go, if not to the service's own."""

    def __init__(
        self,
        name: str,
        device: Device,
        work: Work,
        *,
        now: Callable[[], float],
        tell: Callable[[str, Health], None],
        bug: Callable[[str, BaseException], None],
        back_off: BackOff | None = None,
        cores: frozenset[int] = frozenset(),
        log: Log | None = None,
    ) -> None:
        self.name = name
        self.device = device
        self.work = work
        self.health = Health()
        self._now = now
        self._tell = tell
        self._bug = bug
        self._again = Reopening(back_off or BackOff())
        self._cores = cores
        self._log = log or usual_log()
        self._calls: deque[Call] = deque()
        self._door = threading.Lock()
        """Between who posts a call and who ends the lane."""
        self._bell = threading.Lock()
        """Rung by releasing it; the lane sleeps by acquiring it: a command waits for nothing that takes longer."""
        self._woken = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"lane-{name}", daemon=True)

    # --- from the loop ---------------------------------------------------------------------------------------

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Have a turn now, not at the time it asked for."""
        self._woken = True
        self._ring()

    async def call(self, fn: Callable[[], T], timeout: float = 2.0) -> T:  # noqa: ASYNC109 - also bounds the queue
        """Run ``fn`` on the lane's thread. Raises what ``fn`` raises; DeviceMissing when the device is offline;
        ReplyTimeout when the lane did not get to the end of it in time."""
        import asyncio  # not needed where nobody awaits: in the output engine

        loop = asyncio.get_running_loop()
        call = Awaited(fn, loop)
        self.post(call)
        late = ReplyTimeout(f"{self.name} did not answer within {timeout:g} s")
        end = loop.call_later(timeout, call.answered, None, late)
        try:
            answer: T = await call.answer
            return answer
        finally:
            end.cancel()

    def post(self, call: Call) -> None:
        """Have a call run on the lane's thread, between two turns. LinkLost when the lane is ending."""
        with self._door:
            if self._stopping.is_set():
                raise LinkLost(f"{self.name} is being closed")
            self._calls.append(call)
        self._ring()

    def request_stop(self) -> None:
        """Ask the thread to end; :meth:`join` waits for it."""
        with self._door:
            self._stopping.set()
        self._ring()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def join(self, timeout: float = 3.0) -> bool:
        """Wait for the thread's end; a stuck device is closed from here, which ends its pending call."""
        if not self._thread.ident:
            return True
        self._thread.join(timeout / 2)
        if self._thread.is_alive():
            self.device.close()
            self._thread.join(timeout / 2)
        return not self._thread.is_alive()

    # --- on the lane's thread --------------------------------------------------------------------------------

    def _run(self) -> None:
        if self._cores:
            keep_to(self._cores)
        try:
            self._live()
        except Exception as error:
            # a bug: lights stay as they are, the process ends and is restarted by the service manager
            self._log.exception("lane.bug", lane=self.name)
            self._bug(self.name, error)
        finally:
            self.device.close()
            self._refuse_calls(LinkLost(f"{self.name} is closed"))

    def _live(self) -> None:
        while not self._stopping.is_set():
            try:
                identity = self.device.open()
            except StillOpening as still:
                self._opening(still)
                continue
            except DriverError as error:
                self.device.close()
                self._offline(error)
                self._wait_offline(self._now() + self._again.failed(), error)
                continue
            self._again.opened()
            self._online(identity)
            self.work.opened(identity, self._now())
            lost = self._serve()
            self.device.close()
            if lost is not None:
                lasted = self._now() - self.health.since
                self._offline(lost)
                self._wait_offline(self._now() + self._again.lost(lasted), lost)

    def _serve(self) -> DriverError | None:
        """Turns and calls until the device is lost (the reason) or the lane is stopped (``None``)."""
        misses = 0
        due = self._now()
        while not self._stopping.is_set():
            try:
                if self._woken or self._now() >= due:
                    self._woken = False
                    due = self.work.turn(self._now())
                    misses = 0
            except (DeviceMissing, LinkLost) as error:
                return error
            except (ReplyTimeout, BadReply) as error:
                misses += 1
                if misses >= MISSES:
                    return LinkLost(f"{error.reason} ({misses} times in a row)", error.remedy, why=error.why)
                due = self._now()
            except (Refused, NotSupported) as error:
                self._log.warning("device.refused", device=self.name, reason=error.reason)
                due = self._now() + 1.0
            lost = self._run_calls()
            if lost is not None:
                return lost
            self._sleep_until(due)
        return None

    def _run_calls(self) -> DriverError | None:
        while self._calls:
            call = self._calls.popleft()
            if call.given_up:
                continue
            try:
                call.tell(call.fn(), None)
            except (DeviceMissing, LinkLost) as error:
                call.tell(None, error)
                return error
            except Exception as error:  # the caller's to judge: it asked
                call.tell(None, error)
        return None

    def _refuse_calls(self, error: DriverError) -> None:
        while self._calls:
            self._calls.popleft().tell(None, error)

    def _ring(self) -> None:
        """End the lane's sleep, or the next one, if it does not sleep now."""
        with contextlib.suppress(RuntimeError):  # it has been rung already
            self._bell.release()

    def _sleep_until(self, due: float) -> None:
        rest = due - self._now()
        if rest > 0:
            self._bell.acquire(timeout=rest)

    def _wait_offline(self, until: float, error: DriverError) -> None:
        while not self._stopping.is_set() and self._now() < until:
            self._refuse_calls(DeviceMissing(f"{self.name} is offline: {error.reason}", error.remedy, why=error.why))
            self._sleep_until(until)

    def _opening(self, still: StillOpening) -> None:
        """It goes on by itself. One that was offline stays so, for its old reason, until it is open or is not."""
        was = self.health
        if was.state == "starting" and was.reason != still.reason:
            self.health = replace(
                was, reason=still.reason, reason_zh=still.says.zh, remedy=still.remedy, remedy_zh=still.todo.zh
            )
            self._log.info("device.opening", device=self.name, reason=still.reason)
            self._tell(self.name, self.health)
        self._refuse_calls(DeviceMissing(f"{self.name} is being opened: {still.reason}", still.remedy, why=still.why))

    def _online(self, identity: Identity) -> None:
        now = self._now()
        outage = now - self.health.since if self.health.state == "offline" else 0.0
        self.health = Health("ok", since=now, identity=identity, outage=outage, losses=self.health.losses)
        self._log.info(
            "device.online", device=self.name, model=identity.model, firmware=identity.firmware, outage=outage
        )
        self._tell(self.name, self.health)

    def _offline(self, error: DriverError) -> None:
        was = self.health
        if was.state == "offline" and was.reason == error.reason:
            return
        since = was.since if was.state == "offline" else self._now()
        losses = was.losses + (was.state == "ok")
        self.health = replace(
            was,
            state="offline",
            reason=error.reason,
            reason_zh=error.says.zh,
            remedy=error.remedy,
            remedy_zh=error.todo.zh,
            since=since,
            losses=losses,
        )
        self._log.warning("device.offline", device=self.name, reason=error.reason, remedy=error.remedy)
        self._tell(self.name, self.health)


class NoDevice:
    """For a lane that owns a thing which is always there (the disk)."""

    def __init__(self, model: str) -> None:
        self._model = model

    def open(self) -> Identity:
        return Identity(self._model)

    def close(self) -> None:
        """Nothing to let go."""

    def checks(self) -> tuple[()]:
        return ()
