"""Where RDM gets on the line, and how it is done in small pieces, so that DMX is never starved.

Everything RDM does is a generator of :data:`Step`: it asks for one bounded transaction, is sent what came of it, and
ends with its result. A :class:`Job` does one step at a time, when its owner says so; between two steps the line is the
levels'. So discovery of a full line may take seconds, and no frame waits for more than one transaction.
"""

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from drivers.dmx.rdm_codec import Uid
from drivers.errors import DriverError, ReplyTimeout

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ask:
    """Put a packet on the line. ``branch``: it is DISC_UNIQUE_BRANCH, whose answer has no break. ``broadcast``:
    nobody answers, so nobody is waited for."""

    packet: bytes
    branch: bool = False
    broadcast: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Ask a gateway that discovers by itself for the UIDs it knows; ``flush``: it shall look anew."""

    flush: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing for so many seconds (a responder said how long it needs)."""

    seconds: float


Step = Ask | Table | Pause


@dataclass(frozen=True, slots=True)
class Answer:
    """What was heard: bytes as they were on the line (of a :class:`Table`: :func:`encode_table`), or nothing.

    ``garbled``: something was heard that the port could not take down; several answered at once, or noise.
    ``took``: seconds from asking to the answer, the port's own part included.
    """

    data: bytes = b""
    garbled: bool = False
    took: float = 0.0

    @property
    def silent(self) -> bool:
        return not self.data and not self.garbled


def encode_table(uids: Iterable[Uid]) -> bytes:
    """UIDs as the answer to :class:`Table`: how many (16 bit), then each. So an empty table is not silence."""
    rows = b"".join(uid.encode() for uid in sorted(uids))
    return (len(rows) // 6).to_bytes(2, "big") + rows


def decode_table(data: bytes) -> tuple[Uid, ...]:
    """What :func:`encode_table` made."""
    return tuple(Uid.decode(data[at : at + 6]) for at in range(2, len(data) - 5, 6))


Steps = Generator[Step, Answer, T]


class RdmPort(Protocol):
    """RDM on one line. Used on its device's own lane only."""

    @property
    def uid(self) -> Uid:
        """Ours, the controller's."""

    @property
    def has_table(self) -> bool:
        """It discovers by itself (an Art-Net gateway): :class:`Table` is answered, discovery packets are not."""

    @property
    def gap(self) -> float:
        """Seconds the levels have the line to themselves after each transaction."""

    @property
    def limit(self) -> float:
        """Seconds one transaction may take: the line's 2.8 ms (E1.20 Table 3-2) and a USB or network round trip."""

    def transact(self, step: Ask | Table, timeout: float) -> Answer:
        """One transaction of at most ``timeout`` seconds; the levels go out again after it. Silence is no error.
        LinkLost when the wire is gone."""

    def rest(self, seconds: float) -> None:
        """Let so many seconds pass; the levels go on."""

    def now(self) -> float:
        """Monotonic seconds."""


class Job(Generic[T]):
    """Some RDM work, one transaction at a time.

    The owner of the lane calls :meth:`step` whenever it has time and ``now >= due``. A DriverError out of it ends the
    job. Dropping a job half way is harmless.
    """

    def __init__(self, steps: Steps[T], port: RdmPort) -> None:
        self.done = False
        self.due = port.now()
        """Not before this time: the levels' turn, or a responder's own time."""
        self.transactions = 0
        self._steps = steps
        self._port = port
        self._answer: Answer | None = None
        self._result: T | None = None

    @property
    def result(self) -> T:
        """What came of it. ValueError while it is not done."""
        if not self.done:
            raise ValueError("the job is not done")
        return self._result  # type: ignore[return-value]

    def step(self) -> bool:
        """One transaction at most; whether there is more to do. Does nothing before ``due``."""
        if self.done or self._port.now() < self.due:
            return not self.done
        try:
            step = next(self._steps) if self._answer is None else self._steps.send(self._answer)
        except StopIteration as end:
            self.done, self._result = True, end.value
            return False
        except BaseException:
            self.done = True
            raise
        if isinstance(step, Pause):
            self._answer = Answer()
            self.due = self._port.now() + step.seconds
            return True
        self.transactions += 1
        try:
            self._answer = self._port.transact(step, self._port.limit)
        except DriverError:
            self.done = True
            self._steps.close()
            raise
        self.due = self._port.now() + self._port.gap
        return True


def run(steps: Steps[T], port: RdmPort, limit: float) -> T:
    """Do all of it at once, for a self-test or a tool: blocks, but the levels go on as between a job's steps.

    ReplyTimeout when it is not done in ``limit`` seconds.
    """
    job = Job(steps, port)
    until = port.now() + limit
    while job.step():
        now = port.now()
        if max(now, job.due) >= until:
            steps.close()
            raise ReplyTimeout(f"RDM was not done in {limit:g} s", "the line has many devices, or slow ones")
        if job.due > now:
            port.rest(job.due - now)
    return job.result
