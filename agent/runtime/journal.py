"""What must survive a crash: which commands were taken, and how they ended (SQLite).

Plain blocking code; the agent calls it on its disk lane. Written before the effect, so a command that comes twice, even
across a restart, has one effect. A damaged file is set aside and a new one begun; a disk that cannot be written
degrades to memory until :meth:`Journal.recover` finds it willing again; both are said in :attr:`Journal.health` and in
the log.
"""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import structlog

log = structlog.get_logger(__name__)
T = TypeVar("T")

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
    ``at`` seconds since 1970."""

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
        self.path = path
        self.keep = keep
        self.age = age
        self.health = ""
        """Empty when all is well; else what is wrong, for people."""
        self.on_disk = True
        """``False``: what is noted is forgotten at the next restart, because the disk does not take it."""
        self._door = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._writes = 0
        self._ids: set[str] | None = None

    def open(self) -> None:
        """Idempotent; never raises."""
        with self._door:
            if self._db is None:
                self._db = self._opened()
        self._recall()

    def close(self) -> None:
        with self._door:
            if self._db is not None:
                self._db.close()
                self._db = None

    def recover(self) -> None:
        """Back to the disk, with everything noted in memory meanwhile, if it takes it now. Never raises."""
        with self._door:
            if self.on_disk or self._db is None:
                return
            try:
                db = self._reached()
            except (sqlite3.Error, OSError):
                return
            try:
                db.execute("begin immediate")
                db.executemany("insert or replace into command values (?, ?, ?, ?, ?, ?, ?)", self._rescued(self._db))
                # with nothing to write over this, too, is a write: a disk that is still full refuses it
                db.execute("insert into command values ('', '', '', '', 1, '', 0)")
                db.execute("delete from command where id = ''")
                db.execute("commit")
            except sqlite3.Error:
                db.close()
                return
            self._db.close()
            self._db, self.on_disk, self.health = db, True, ""
        log.info("journal.on-disk-again", file=str(self.path))
        self._recall()

    def knows(self, id: str) -> bool:  # noqa: A002 - the field's name on the wire
        """Whether :meth:`find` may find something; from memory, callable from any thread. A new command, which is
        nearly every one, is spared a look at the disk."""
        return self._ids is None or id in self._ids

    def find(self, id: str) -> Entry | None:  # noqa: A002 - the field's name on the wire
        """What is known of a command."""
        columns = "id, verb, digest, state, final, answer, at"
        row = self._do(lambda db: db.execute(f"select {columns} from command where id = ?", (id,)).fetchone())  # noqa: S608
        return None if row is None else _entry(row)

    def begin(self, entry: Entry) -> bool:
        """Note a command, on the disk before this returns. ``False``: that id is there already."""
        sql = "insert or ignore into command values (?, ?, ?, ?, ?, ?, ?)"
        row = (entry.id, entry.verb, entry.digest, entry.state, int(entry.final), entry.answer, entry.at)
        self._prune(entry.at)
        fresh = self._do(lambda db: db.execute(sql, row).rowcount) == 1
        if self._ids is not None:
            self._ids.add(entry.id)
        return fresh

    def finish(self, id: str, state: str, answer: str) -> None:  # noqa: A002 - the field's name on the wire
        """Note how it ended, on the disk before this returns."""
        sql = "update command set state = ?, answer = ?, final = 1 where id = ?"
        self._do(lambda db: db.execute(sql, (state, answer, id)))

    def unfinished(self) -> list[Entry]:
        """Commands without an end: at the start of the agent, those that a crash cut off."""
        columns = "id, verb, digest, state, final, answer, at"
        rows = self._do(lambda db: db.execute(f"select {columns} from command where final = 0").fetchall())  # noqa: S608
        return [_entry(row) for row in rows]

    # --- inside ----------------------------------------------------------------------------------------------

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._door:
            if self._db is None:
                self._db = self._opened()
            try:
                return work(self._db)
            except sqlite3.Error as error:
                # lights must stay commandable when the disk is full or broken
                known = self._rescued(self._db)
                self._db.close()
                self._db = self._in_memory(f"cannot be written ({error})", known)
                return work(self._db)

    def _prune(self, now: float) -> None:
        self._writes += 1
        if self._writes % 100 != 1:
            return
        self._do(lambda db: db.execute("delete from command where final = 1 and at < ?", (now - self.age,)))
        oldest = "select id from command where final = 1 order by at desc limit -1 offset ?"
        self._do(lambda db: db.execute(f"delete from command where id in ({oldest})", (self.keep,)))  # noqa: S608
        self._recall()

    def _recall(self) -> None:
        self._ids = {row[0] for row in self._do(lambda db: db.execute("select id from command").fetchall())}

    def _opened(self) -> sqlite3.Connection:
        if self.path is None:
            return _connect(":memory:")
        try:
            return self._reached()
        except (sqlite3.Error, OSError) as error:
            return self._in_memory(f"cannot be opened ({error})", [])

    def _reached(self) -> sqlite3.Connection:
        assert self.path is not None
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _connect(str(self.path))
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # not damage: permission, space, a lock
                raise
            self._set_aside(str(error))
            return _connect(str(self.path))

    def _set_aside(self, why: str) -> None:
        assert self.path is not None
        number = 1
        while (aside := self.path.with_name(f"{self.path.name}.damaged-{number}")).exists():
            number += 1
        self.path.rename(aside)
        for tail in ("-wal", "-shm"):
            self.path.with_name(self.path.name + tail).unlink(missing_ok=True)
        self.health = f"the journal was damaged ({why}); it is set aside as {aside.name} and a new one begun"
        log.error("journal.damaged", file=str(self.path), aside=str(aside), why=why)

    def _in_memory(self, why: str, known: list[tuple[object, ...]]) -> sqlite3.Connection:
        self.health = f"the journal {self.path} {why}; commands are remembered until the next restart only"
        self.on_disk = False
        log.error(
            "journal.memory-only", file=str(self.path), why=why, next="free space or repair: it comes back by itself"
        )
        db = _connect(":memory:")
        db.executemany("insert or ignore into command values (?, ?, ?, ?, ?, ?, ?)", known)
        return db

    @staticmethod
    def _rescued(db: sqlite3.Connection) -> list[tuple[object, ...]]:
        try:
            return db.execute("select id, verb, digest, state, final, answer, at from command").fetchall()
        except sqlite3.Error:
            return []


def _entry(row: Sequence[Any]) -> Entry:
    known, verb, digest, state, final, answer, at = row
    return Entry(known, verb, digest, state, bool(final), answer, at)


def _connect(where: str) -> sqlite3.Connection:
    db = sqlite3.connect(where, timeout=2.0, isolation_level=None, check_same_thread=False)
    try:
        with closing(db.execute("pragma quick_check(1)")) as found:
            verdict = found.fetchone()[0]
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = full")
        db.executescript(SCHEMA)
    except BaseException:
        db.close()
        raise
    return db
