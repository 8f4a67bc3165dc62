"""Messages the broker has not acknowledged yet, on the disk (SQLite, write-ahead log).

Plain blocking code; the agent calls it on its disk lane. Rows go in by groups, one transaction each, and come out when
the broker has taken them. Each class of messages has a budget of bytes and of age: past it the oldest go, counted. What
a damaged file or a full disk means: :mod:`agent.runtime.store`; in memory the budgets are small.

**What a power cut costs.** A group with an event or a result in it is on the disk when :meth:`OutboxFile.commit`
returns (``synchronous = full``: one fsync). Telemetry alone may wait in the operating system for the next such group or
:meth:`OutboxFile.settle`, at most :data:`SETTLE` seconds. A killed process, as against a dead machine, loses neither.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from agent.messaging.topics import Keep
from agent.runtime.store import Store
from config.broker import OutboxSection

SETTLE = 0.8
"""Seconds after which telemetry is forced onto the disk."""
IN_MEMORY = 4 * 2**20
"""Bytes of each class that are kept while there is no disk."""
REFUSED = 1000
"""Refused messages that are kept for a look at them; the oldest go first."""
WEIGHED = 10_000
"""Messages whose size is remembered, at most."""
AGED = 30.0
"""Seconds between two looks for messages that are too old."""

SCHEMA = """
create table if not exists message (
    id integer primary key, keep text not null, topic text not null, body blob not null, at real not null,
    size integer not null
);
create index if not exists message_keep on message (keep, id);
create table if not exists refused (
    id integer primary key, keep text not null, topic text not null, body blob not null, at real not null,
    code integer not null, why text not null
);
create view if not exists handed as select '' as fresh, x'' as bodies, '' as done;
create trigger if not exists handed instead of insert on handed begin
    insert or replace into message
        select value->>0, value->>1, value->>2, substr(new.bodies, value->>3, value->>4), value->>5, value->>6
        from json_each(new.fresh);
    delete from message where id in (select value from json_each(new.done));
end;
"""
"""A group is one row into ``handed``, so one statement: Python's ``sqlite3`` gives the interpreter's lock away with
each step of one, and has to wait to get it back from a busy event loop (``./studio bench outbox``)."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a class may hold: ``age`` in seconds, ``size`` in bytes of topics and payloads."""

    age: float
    size: int


def budgets(section: OutboxSection) -> dict[Keep, Budget]:
    """As the configuration has them."""
    parts = {
        Keep.TELEMETRY: section.telemetry,
        Keep.EVENT: section.events,
        Keep.RESULT: section.results,
        Keep.AUDIT: section.audit,
    }
    return {keep: Budget(part.days * 86400.0, int(part.mib * 2**20)) for keep, part in parts.items()}


class Row(NamedTuple):
    """One message. ``id`` orders them; ``at`` is seconds since 1970."""

    id: int
    keep: Keep
    topic: str
    body: bytes
    at: float

    @property
    def size(self) -> int:
        return len(self.topic) + len(self.body)


class Refusal(NamedTuple):
    """A message the broker acknowledged with a reason code from 0x80 on, or can never take."""

    id: int
    code: int
    why: str


class Group(NamedTuple):
    """One transaction: what is new, what the broker has taken, what it has refused."""

    fresh: Sequence[Row] = ()
    done: Sequence[int] = ()
    refused: Sequence[Refusal] = ()

    @property
    def full(self) -> bool:
        """Whether it must be on the disk when the transaction ends."""
        return any(row.keep is not Keep.TELEMETRY for row in self.fresh) or bool(self.refused)


class OutboxFile:
    """See the module. ``path`` ``None``: in memory only. Never raises for what the disk does."""

    def __init__(self, path: Path | None, budgets: Mapping[Keep, Budget]) -> None:
        self.budgets = budgets
        self.dropped: Counter[Keep] = Counter()
        """Messages given up unsent since the start, because their class was over its budget."""
        self.refused = 0
        """Messages the broker would not take, since the start."""
        self.rows: Counter[Keep] = Counter()
        self.bytes: Counter[Keep] = Counter()
        self.last = 0
        """The highest id ever given; the next one is higher."""
        said = f"at most {IN_MEMORY >> 20} MiB of each class of messages are kept, until the next restart"
        self._store = Store(path, SCHEMA, _move, name="outbox", memory=said, along=False)
        self._stocked: sqlite3.Connection | None = None
        self._full: bool | None = None
        self._owed: set[int] = set()
        self._weights: dict[int, tuple[Keep, int]] = {}
        """Class and size of messages written or read lately: most are soon done, and need not be looked up for it."""
        self._aged = 0.0
        self._offset: float | None = None

    @property
    def health(self) -> str:
        """Empty when all is well; else what is wrong, for people."""
        return self._store.health

    @property
    def unstored(self) -> str:
        """What is wrong with the disk; "" while it takes everything."""
        return self._store.unstored

    @property
    def on_disk(self) -> bool:
        return self._store.on_disk

    def open(self) -> None:
        """Idempotent."""
        self._store.do(self._take_stock)

    def close(self) -> None:
        self._store.close()

    def commit(self, group: Group, now: float, mono: float) -> None:
        """Write a group: ``now`` is the wall clock, ``mono`` the monotonic one."""
        self._clock(now - mono)
        self._store.do(lambda db: self._write(db, group))
        self.last = max([self.last, *(row.id for row in group.fresh)])
        self.refused += len(group.refused)
        if not self.on_disk:  # the file still has what the broker took from it
            self._owed.update(group.done, (refusal.id for refusal in group.refused))
        if now >= self._aged + AGED or now < self._aged:
            self._aged = now
            self._store.do(lambda db: self._age(db, now))

    def settle(self) -> None:
        """Force onto the disk what was written without."""
        self._store.do(lambda db: db.execute("pragma wal_checkpoint(passive)").fetchall())

    def read(self, after: int, until: int, limit: int = 200) -> list[Row]:
        """Rows with ``after < id <= until``, oldest first."""
        sql = "select id, keep, topic, body, at from message where id > ? and id <= ? order by id limit ?"
        rows = self._store.do(lambda db: db.execute(sql, (after, until, limit)).fetchall())
        found = [Row(known, Keep(keep), topic, body, at) for known, keep, topic, body, at in rows]
        self._weigh(found)
        return found

    def refusals(self) -> list[tuple[str, bytes, int, str]]:
        """Topic, payload, reason code and reason of messages that were refused, oldest first."""
        sql = "select topic, body, code, why from refused order by id"
        return self._store.do(lambda db: db.execute(sql).fetchall())

    def recover(self) -> bool:
        """Back to the disk, if it takes it now: with what came in meanwhile, and without what the broker took. Whether
        it came back."""
        if not self._store.recover():
            return False
        owed, self._owed = self._owed, set()
        self._store.do(lambda db: self._write(db, Group(done=sorted(owed))))
        return True

    # --- inside ----------------------------------------------------------------------------------------------

    def _write(self, db: sqlite3.Connection, group: Group) -> None:
        self._take_stock(db)
        self._synchronous(db, group.full)
        if group.refused:
            db.execute("begin immediate")
            self._set_aside(db, group.refused)
        self._hand(db, group.fresh, [*group.done, *(refusal.id for refusal in group.refused)])
        if group.refused:
            db.execute("commit")
        for keep in {row.keep for row in group.fresh}:
            self._within_budget(db, keep)

    def _synchronous(self, db: sqlite3.Connection, full: bool) -> None:
        if full is not self._full:
            db.execute(f"pragma synchronous = {'full' if full else 'normal'}")
            self._full = full

    def _hand(self, db: sqlite3.Connection, fresh: Sequence[Row], done: Sequence[int]) -> None:
        meta, at = [], 1
        for row in fresh:
            meta.append((row.id, row.keep, row.topic, at, len(row.body), row.at, row.size))
            at += len(row.body)
        before = db.total_changes
        values = (json.dumps(meta), b"".join(row.body for row in fresh), json.dumps(done))
        db.execute("insert into handed values (?, ?, ?)", values)
        gone = [self._weights.pop(number, None) for number in done]
        if None in gone or db.total_changes - before != len(fresh) + len(done):
            self._stocked = None  # not all as thought (they were over budget meanwhile): count anew
            self._take_stock(db)
            return
        for row in fresh:
            self.rows[row.keep] += 1
            self.bytes[row.keep] += row.size
        self._went(weight for weight in gone if weight is not None)
        self._weigh(fresh)

    def _within_budget(self, db: sqlite3.Connection, keep: Keep) -> None:
        most = self.budgets[keep].size if self.on_disk else min(IN_MEMORY, self.budgets[keep].size)
        while self.bytes[keep] > most:
            dropped = _oldest(db, keep, self.bytes[keep] - most)
            if not dropped:
                break
            self._went(dropped)
            self.dropped[keep] += len(dropped)

    def _weigh(self, rows: Sequence[Row]) -> None:
        if len(self._weights) > WEIGHED:
            self._weights.clear()
        self._weights.update((row.id, (row.keep, row.size)) for row in rows)

    def _went(self, weights: Iterable[tuple[Keep, int]]) -> None:
        for keep, size in weights:
            self.rows[keep] -= 1
            self.bytes[keep] -= size

    def _set_aside(self, db: sqlite3.Connection, refused: Sequence[Refusal]) -> None:
        sql = "insert or replace into refused select id, keep, topic, body, at, ?, ? from message where id = ?"
        db.executemany(sql, [(refusal.code, refusal.why, refusal.id) for refusal in refused])
        oldest = "select id from refused order by id desc limit -1 offset ?"
        db.execute(f"delete from refused where id in ({oldest})", (REFUSED,))  # noqa: S608

    def _age(self, db: sqlite3.Connection, now: float) -> None:
        self._take_stock(db)
        for keep, budget in self.budgets.items():
            gone = _delete(db, "keep = ? and at < ?", keep, now - budget.age)
            self._went(gone)
            if gone:
                self.dropped[keep] += len(gone)

    def _clock(self, offset: float) -> None:
        """When the wall clock is set, messages do not age by it: a clock that was a year wrong must not empty the
        outbox on the day it is put right."""
        before, self._offset = self._offset, offset
        jump = 0.0 if before is None else offset - before
        if abs(jump) > 1.0:
            self._store.do(lambda db: db.execute("update message set at = at + ?", (jump,)))

    def _take_stock(self, db: sqlite3.Connection) -> None:
        """Once for every database: the file, the memory that stands in for it, the file that is back."""
        if db is self._stocked:
            return
        found = db.execute("select keep, count(*), sum(size) from message group by keep").fetchall()
        self.rows = Counter({Keep(keep): count for keep, count, _ in found})
        self.bytes = Counter({Keep(keep): size for keep, _, size in found})
        self._full = None
        highest = "select coalesce(max(id), 0) from (select id from message union all select id from refused)"
        self.last = max(self.last, db.execute(highest).fetchone()[0])
        self._stocked = db


def _delete(db: sqlite3.Connection, where: str, *values: object) -> list[tuple[Keep, int]]:
    """Class and size of every row that went."""
    gone = db.execute(f"delete from message where {where} returning keep, size", values).fetchall()  # noqa: S608
    return [(Keep(keep), size) for keep, size in gone]


def _oldest(db: sqlite3.Connection, keep: Keep, excess: int) -> list[tuple[Keep, int]]:
    """Deletes the oldest rows of a class that make up ``excess`` bytes, of at most 500."""
    until = 0
    for number, size in db.execute("select id, size from message where keep = ? order by id limit 500", (keep,)):
        until = number
        excess -= size
        if excess <= 0:
            break
    return _delete(db, "keep = ? and id <= ?", keep, until)


def _move(old: sqlite3.Connection, new: sqlite3.Connection) -> None:
    rows = old.execute("select id, keep, topic, body, at, size from message").fetchall()
    new.executemany("insert or replace into message values (?, ?, ?, ?, ?, ?)", rows)
    refused = old.execute("select id, keep, topic, body, at, code, why from refused").fetchall()
    new.executemany("insert or replace into refused values (?, ?, ?, ?, ?, ?, ?)", refused)
