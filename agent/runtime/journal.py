"""What must survive a crash: which commands were taken, and how they ended (SQLite).

Plain blocking code; the agent calls it on its disk lane. Written before the effect, so a command that comes twice, even
across a restart, has one effect. What a damaged file or a full disk means: :mod:`agent.runtime.store`.
"""

import sqlite3
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.runtime.store import Store

TOLD, UNTOLD = 1, 2
"""Of a command that has ended: whether its end is where it will not be lost any more. 0: it has not ended."""

SCHEMA = """
create table if not exists command (
    id text primary key, verb text not null, digest text not null, state text not null, final integer not null,
    answer text not null, at real not null
) without rowid;
create index if not exists command_at on command (at);
create table if not exists planned (id text primary key, due real not null, request text not null) without rowid;
create table if not exists shown (id text primary key, ended real) without rowid;
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One command. ``digest`` tells a repeated command from another one under the same id; ``answer`` is JSON;
    ``at`` seconds since 1970; ``final``: it has ended."""

    id: str
    verb: str
    digest: str
    state: str
    final: bool
    answer: str
    at: float


@dataclass(frozen=True, slots=True)
class Plan:
    """A command that waits for its time: ``due`` seconds since 1970, and the request, so that it can be taken up again
    after a restart."""

    due: float
    request: str


class Journal:
    """See the module. ``keep`` entries and ``age`` seconds at most are remembered."""

    def __init__(self, path: Path | None, *, keep: int = 10_000, age: float = 7 * 86400.0) -> None:
        self.keep = keep
        self.age = age
        said = "commands are remembered until the next restart only"
        self._store = Store(path, SCHEMA, _move, name="journal", memory=said, along=True)
        self._writes = 0
        self._ids: set[str] | None = None
        self._told: deque[str] = deque()
        self._hidden: deque[str] = deque()

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
        """``False``: what is noted is forgotten at the next restart, because the disk does not take it."""
        return self._store.on_disk

    def open(self) -> None:
        """Idempotent; never raises."""
        self._store.open()
        self._recall()

    def close(self) -> None:
        noted = self._noted()
        self._store.do(lambda db: _update(db, [], noted))
        self._store.close()

    def recover(self) -> None:
        """Back to the disk, with everything noted in memory meanwhile, if it takes it now. Never raises."""
        if self._store.recover():
            self._recall()

    def knows(self, id: str) -> bool:  # noqa: A002 - the field's name on the wire
        """Whether :meth:`find` may find something; from memory, callable from any thread. A new command, which is
        nearly every one, is spared a look at the disk."""
        return self._ids is None or id in self._ids

    def find(self, id: str) -> Entry | None:  # noqa: A002 - the field's name on the wire
        """What is known of a command."""
        columns = "id, verb, digest, state, final, answer, at"
        row = self._store.do(lambda db: db.execute(f"select {columns} from command where id = ?", (id,)).fetchone())  # noqa: S608
        return None if row is None else _entry(row)

    def begin(self, entry: Entry, plan: Plan | None = None) -> bool:
        """Note a command, on the disk before this returns. ``False``: that id is there already."""
        self._prune(entry.at)
        fresh = self._store.do(lambda db: _insert(db, entry, plan))
        if self._ids is not None:
            self._ids.add(entry.id)
        return fresh

    def start(self, id: str) -> None:  # noqa: A002 - the field's name on the wire
        """A planned command is about to have its effect, on the disk before this returns: after a crash it is one that
        was cut off, not one that is to be taken up again."""
        self._store.do(lambda db: db.execute("delete from planned where id = ?", (id,)))

    def finish(self, id: str, state: str, answer: str, at: float = 0.0) -> None:  # noqa: A002
        """Note how it ended, on the disk before this returns. Until :meth:`told` it is told again after a restart."""
        rows = [(state, answer, UNTOLD, id)]
        noted = self._noted()
        self._store.do(lambda db: _update(db, rows, noted, at))

    def told(self, id: str) -> None:  # noqa: A002 - the field's name on the wire
        """Its end has been told, or is in the outbox. Noted with the next command; callable from any thread."""
        self._told.append(id)

    def hidden(self, id: str) -> None:  # noqa: A002 - the field's name on the wire
        """Its state is no longer at the broker. Noted with the next command; callable from any thread."""
        self._hidden.append(id)

    def untold(self) -> list[Entry]:
        """Commands whose end was noted, but perhaps not told: a crash came in between."""
        return [entry for entry, *_ in self._found(f"final = {UNTOLD}")]

    def unfinished(self) -> list[tuple[Entry, Plan | None]]:
        """Commands without an end. At the start of the agent: those that a crash cut off, and those that still wait
        for their time."""
        return [(entry, plan) for entry, plan, _ in self._found("final = 0")]

    def shown(self) -> list[tuple[Entry, float | None]]:
        """Commands whose state may be at the broker, and when each ended (seconds since 1970), the oldest end first."""
        found = [(entry, ended) for entry, _, ended in self._found("command.id in (select id from shown)")]
        return sorted(found, key=lambda item: item[1] or 0.0)

    def _found(self, which: str) -> list[tuple[Entry, Plan | None, float | None]]:
        sql = (
            "select command.id, verb, digest, state, final, answer, at, due, request, ended from command "  # noqa: S608
            f"left join planned on planned.id = command.id left join shown on shown.id = command.id where {which} "
            "order by at"
        )
        rows = self._store.do(lambda db: db.execute(sql).fetchall())
        return [(_entry(row[:7]), None if row[7] is None else Plan(row[7], row[8]), row[9]) for row in rows]

    def _noted(self) -> tuple[list[tuple[int, str]], list[tuple[str]]]:
        told = [(TOLD, self._told.popleft()) for _ in range(len(self._told))]
        return told, [(self._hidden.popleft(),) for _ in range(len(self._hidden))]

    def _prune(self, now: float) -> None:
        self._writes += 1
        if self._writes % 100 != 1:
            return
        over = "final > 0 and id not in (select id from shown)"
        self._store.do(lambda db: db.execute(f"delete from command where {over} and at < ?", (now - self.age,)))  # noqa: S608
        oldest = f"select id from command where {over} order by at desc limit -1 offset ?"  # noqa: S608
        self._store.do(lambda db: db.execute(f"delete from command where id in ({oldest})", (self.keep,)))  # noqa: S608
        self._recall()

    def _recall(self) -> None:
        self._ids = {row[0] for row in self._store.do(lambda db: db.execute("select id from command").fetchall())}


def _insert(db: sqlite3.Connection, entry: Entry, plan: Plan | None) -> bool:
    final = UNTOLD if entry.final else 0
    row = (entry.id, entry.verb, entry.digest, entry.state, final, entry.answer, entry.at)
    db.execute("begin immediate")
    fresh = db.execute("insert or ignore into command values (?, ?, ?, ?, ?, ?, ?)", row).rowcount == 1
    if fresh and not entry.final:
        db.execute("insert or replace into shown values (?, null)", (entry.id,))
        if plan is not None:
            db.execute("insert or replace into planned values (?, ?, ?)", (entry.id, plan.due, plan.request))
    db.execute("commit")
    return fresh


def _update(
    db: sqlite3.Connection,
    ended: list[tuple[str, str, int, str]],
    noted: tuple[list[tuple[int, str]], list[tuple[str]]],
    at: float = 0.0,
) -> None:
    told, hidden = noted
    db.execute("begin immediate")
    for row in ended:
        db.execute("update command set state = ?, answer = ?, final = ? where id = ?", row)
        db.execute("update shown set ended = ? where id = ?", (at, row[-1]))
        db.execute("delete from planned where id = ?", (row[-1],))
    db.executemany("update command set final = ? where id = ?", told)
    db.executemany("delete from shown where id = ?", hidden)
    db.execute("commit")


def _entry(row: Sequence[Any]) -> Entry:
    known, verb, digest, state, final, answer, at = row
    return Entry(known, verb, digest, state, bool(final), answer, at)


def _move(old: sqlite3.Connection, new: sqlite3.Connection) -> None:
    for table, columns in (("command", 7), ("planned", 3), ("shown", 2)):
        marks = ", ".join("?" * columns)
        new.executemany(f"insert or replace into {table} values ({marks})", old.execute(f"select * from {table}"))  # noqa: S608
