"""What must survive a crash: which commands were taken, and how they ended (SQLite).

Plain blocking code; the agent calls it on its disk lane. Written before the effect, so a command that comes twice, even
across a restart, has one effect. What a damaged file or a full disk means: :mod:`agent.runtime.store`.
"""

import json
import sqlite3
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.runtime.store import Store

SLACK = 0.05
"""Share of ``keep`` that may gather beyond it before the oldest go: that takes its time."""
PRUNED = 3600.0
"""Seconds after which it is looked for old ones anyway."""
UNTOLD = 2
"""``final`` of a command whose end may be lost yet; 1: it is told, or in the outbox; 0: it has not ended."""

SCHEMA = """
create table if not exists taken (
    id text primary key, verb text not null, digest text not null, state text not null, final integer not null,
    answer text not null, at real not null, due real, request text, shown integer not null, ended real
) without rowid;
create index if not exists taken_at on taken (at);
create index if not exists taken_open on taken (final) where final <> 1;
create index if not exists taken_shown on taken (shown) where shown = 1;
create view if not exists noted as
    select '' as id, '' as state, '' as answer, 0.0 as ended, '' as told, '' as hidden;
create trigger if not exists noted instead of insert on noted begin
    update taken set state = new.state, answer = new.answer, final = 2, due = null, request = null, ended = new.ended
        where id = new.id;
    update taken set final = 1 where id in (select value from json_each(new.told));
    update taken set shown = 0 where id in (select value from json_each(new.hidden));
end;
"""
"""A note is one row into ``noted``, so one statement, as in :mod:`agent.messaging.outbox_file`. ``shown``: its state
may be at the broker."""


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
        self._pruned = 0.0
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
        self._note(None, None, None, None)
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
        row = self._store.do(lambda db: db.execute(f"select {columns} from taken where id = ?", (id,)).fetchone())  # noqa: S608
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
        self._store.do(lambda db: db.execute("update taken set due = null, request = null where id = ?", (id,)))

    def finish(self, id: str, state: str, answer: str, at: float = 0.0) -> None:  # noqa: A002
        """Note how it ended, on the disk before this returns. Until :meth:`told` it is told again after a restart."""
        self._note(id, state, answer, at)

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
        found = [(entry, ended) for entry, _, ended in self._found("shown = 1")]
        return sorted(found, key=lambda item: item[1] or 0.0)

    def _found(self, which: str) -> list[tuple[Entry, Plan | None, float | None]]:
        columns = "id, verb, digest, state, final, answer, at, due, request, ended"
        sql = f"select {columns} from taken where {which} order by at"  # noqa: S608
        rows = self._store.do(lambda db: db.execute(sql).fetchall())
        return [(_entry(row[:7]), None if row[7] is None else Plan(row[7], row[8]), row[9]) for row in rows]

    def _note(self, *ended: str | float | None) -> None:
        """``ended``: id, state, answer and time of a command's end."""
        told = json.dumps([self._told.popleft() for _ in range(len(self._told))])
        hidden = json.dumps([self._hidden.popleft() for _ in range(len(self._hidden))])
        self._store.do(lambda db: db.execute("insert into noted values (?, ?, ?, ?, ?, ?)", (*ended, told, hidden)))

    def _prune(self, now: float) -> None:
        if self._ids is None:
            self._recall()
        assert self._ids is not None
        if len(self._ids) <= self.keep * (1 + SLACK) and now < self._pruned + PRUNED:
            return
        self._pruned = now
        over = "final > 0 and shown = 0"
        oldest = f"select id from taken where {over} order by at desc limit -1 offset ?"  # noqa: S608
        self._store.do(lambda db: db.execute(f"delete from taken where {over} and at < ?", (now - self.age,)))  # noqa: S608
        self._store.do(lambda db: db.execute(f"delete from taken where id in ({oldest})", (self.keep,)))  # noqa: S608
        self._recall()

    def _recall(self) -> None:
        all_of_them = "select json_group_array(id) from taken"
        self._ids = set(json.loads(self._store.do(lambda db: db.execute(all_of_them).fetchone())[0]))


def _insert(db: sqlite3.Connection, entry: Entry, plan: Plan | None) -> bool:
    final, shown = (UNTOLD, 0) if entry.final else (0, 1)
    due, request = (None, None) if plan is None else (plan.due, plan.request)
    row = (entry.id, entry.verb, entry.digest, entry.state, final, entry.answer, entry.at, due, request, shown)
    sql = "insert or ignore into taken values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, null)"
    return db.execute(sql, row).rowcount == 1


def _entry(row: Sequence[Any]) -> Entry:
    known, verb, digest, state, final, answer, at = row
    return Entry(known, verb, digest, state, bool(final), answer, at)


def _move(old: sqlite3.Connection, new: sqlite3.Connection) -> None:
    marks = ", ".join("?" * 11)
    new.executemany(f"insert or replace into taken values ({marks})", old.execute("select * from taken"))  # noqa: S608
