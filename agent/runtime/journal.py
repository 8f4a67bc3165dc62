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
        told = self._told_now()
        self._store.do(lambda db: _update(db, [], told))
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

    def begin(self, entry: Entry) -> bool:
        """Note a command, on the disk before this returns. ``False``: that id is there already."""
        sql = "insert or ignore into command values (?, ?, ?, ?, ?, ?, ?)"
        final = UNTOLD if entry.final else 0
        row = (entry.id, entry.verb, entry.digest, entry.state, final, entry.answer, entry.at)
        self._prune(entry.at)
        fresh = self._store.do(lambda db: db.execute(sql, row).rowcount) == 1
        if self._ids is not None:
            self._ids.add(entry.id)
        return fresh

    def finish(self, id: str, state: str, answer: str) -> None:  # noqa: A002 - the field's name on the wire
        """Note how it ended, on the disk before this returns. Until :meth:`told` it is told again after a restart."""
        rows = [(state, answer, UNTOLD, id)]
        told = self._told_now()
        self._store.do(lambda db: _update(db, rows, told))

    def told(self, id: str) -> None:  # noqa: A002 - the field's name on the wire
        """Its end has been told, or is in the outbox. Noted with the next command; callable from any thread."""
        self._told.append(id)

    def untold(self) -> list[Entry]:
        """Commands whose end was noted, but perhaps not told: a crash came in between."""
        columns = "id, verb, digest, state, final, answer, at"
        sql = f"select {columns} from command where final = {UNTOLD} order by at"  # noqa: S608
        return [_entry(row) for row in self._store.do(lambda db: db.execute(sql).fetchall())]

    def unfinished(self) -> list[Entry]:
        """Commands without an end: at the start of the agent, those that a crash cut off."""
        columns = "id, verb, digest, state, final, answer, at"
        rows = self._store.do(lambda db: db.execute(f"select {columns} from command where final = 0").fetchall())  # noqa: S608
        return [_entry(row) for row in rows]

    def _told_now(self) -> list[tuple[int, str]]:
        return [(TOLD, self._told.popleft()) for _ in range(len(self._told))]

    def _prune(self, now: float) -> None:
        self._writes += 1
        if self._writes % 100 != 1:
            return
        self._store.do(lambda db: db.execute("delete from command where final > 0 and at < ?", (now - self.age,)))
        oldest = "select id from command where final > 0 order by at desc limit -1 offset ?"
        self._store.do(lambda db: db.execute(f"delete from command where id in ({oldest})", (self.keep,)))  # noqa: S608
        self._recall()

    def _recall(self) -> None:
        self._ids = {row[0] for row in self._store.do(lambda db: db.execute("select id from command").fetchall())}


def _update(db: sqlite3.Connection, ended: list[tuple[str, str, int, str]], told: list[tuple[int, str]]) -> None:
    db.execute("begin immediate")
    db.executemany("update command set state = ?, answer = ?, final = ? where id = ?", ended)
    db.executemany("update command set final = ? where id = ?", told)
    db.execute("commit")


def _entry(row: Sequence[Any]) -> Entry:
    known, verb, digest, state, final, answer, at = row
    return Entry(known, verb, digest, state, bool(final), answer, at)


def _move(old: sqlite3.Connection, new: sqlite3.Connection) -> None:
    rows = old.execute("select id, verb, digest, state, final, answer, at from command").fetchall()
    new.executemany("insert or replace into command values (?, ?, ?, ?, ?, ?, ?)", rows)
