"""What could not be sent, on the disk, until it can be: data of the past for hosts that keep a history.

The file is of the outbox's kind (:mod:`agent.messaging.outbox_file`): budgets of bytes and age, drops counted, a
damaged file set aside, memory while the disk refuses. A row is one message of a device: its metrics with their *names*,
since aliases are given anew at every start.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from agent.messaging.outbox_file import SETTLE, Budget, Group, OutboxFile, Row
from agent.messaging.sparkplug.node import Change
from agent.messaging.sparkplug.payload import Metric, Payload
from agent.messaging.topics import Keep
from agent.runtime.files import replace_file

PENDING = 2000
"""Messages that wait for the disk, at most; beyond, the oldest go, counted."""


class Batch(NamedTuple):
    """One turn of the disk: messages (device, payload, when) to be written, rows to be taken out."""

    pending: tuple[tuple[str, bytes, float], ...]
    done: tuple[int, ...]


class History:
    """See the module. What blocks is for the disk lane: :meth:`open`, :meth:`write`, :meth:`read`, :meth:`close`."""

    def __init__(self, path: Path | None, budget: Budget) -> None:
        self.file = OutboxFile(path, {Keep.TELEMETRY: budget})
        self.pending: list[tuple[str, bytes, float]] = []
        self._lost = 0
        self._done: list[int] = []
        self._settled = 0.0

    @property
    def waiting(self) -> int:
        """Messages that are kept."""
        return self.file.rows[Keep.TELEMETRY] + len(self.pending)

    @property
    def dropped(self) -> int:
        """Messages given up since the start, over budget."""
        return self.file.dropped[Keep.TELEMETRY] + self._lost

    @property
    def owes(self) -> bool:
        """Whether :meth:`write` has something to do."""
        return bool(self.pending or self._done)

    def keep(self, device: str, changes: Iterable[Change], now: float) -> None:
        """Note what changed, to be written; ``now`` in seconds since 1970."""
        metrics = tuple(
            Metric(each.name, timestamp=at, datatype=each.datatype, value=value, historical=True)
            for each, value, at in changes
        )
        if not metrics:
            return
        self.pending.append((device, Payload(metrics=metrics).encode(), now))
        if len(self.pending) > PENDING:
            del self.pending[0]
            self._lost += 1

    def done(self, rows: Iterable[int]) -> None:
        """These have arrived, or can never be told: to be taken out."""
        self._done += rows

    def batch(self) -> Batch:
        """What :meth:`write` is to do now."""
        batch = Batch(tuple(self.pending), tuple(self._done))
        self.pending, self._done = [], []
        return batch

    def undo(self, batch: Batch) -> None:
        """The disk's lane gave no answer: it is tried again. Written twice is better than not at all."""
        self.pending[:0] = batch.pending
        self._done[:0] = batch.done

    # --- on the disk lane ------------------------------------------------------------------------------------

    def open(self) -> None:
        self.file.open()

    def write(self, batch: Batch, now: float, mono: float) -> None:
        """Write what was pending, and take out what is done."""
        first = self.file.last + 1
        rows = [Row(first + n, Keep.TELEMETRY, device, body, at) for n, (device, body, at) in enumerate(batch.pending)]
        self.file.commit(Group(rows, batch.done), now, mono)
        if mono >= self._settled + SETTLE:
            self._settled = mono
            self.file.settle()

    def read(self, after: int, limit: int) -> Sequence[Row]:
        """Rows after this id, oldest first."""
        return self.file.read(after, 2**62, limit)

    def recover(self) -> bool:
        """Back to the disk, if it takes it now."""
        return self.file.recover()

    def close(self) -> None:
        self.file.close()


class Sessions:
    """The number of the next CONNECT: paired with its death by it, so it is on the disk before it is used
    (``tck-id-topics-nbirth-bdseq-increment``)."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._next: int | None = None

    def next(self) -> int:
        """Blocking. A disk that cannot be read or written only costs the count: it then goes on in memory, from 0."""
        number = self._next if self._next is not None else self._read()
        self._next = (number + 1) % 256
        if self._path is not None:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                replace_file(self._path, f"{self._next}\n".encode())
            except OSError:
                pass
        return number

    def _read(self) -> int:
        if self._path is None:
            return 0
        try:
            return int(self._path.read_text(encoding="ascii")) % 256
        except (OSError, ValueError):
            return 0
