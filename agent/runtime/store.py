"""A database file on a disk that is not always kind (SQLite, write-ahead log).

Plain blocking code. A damaged file is set aside and a new one begun; a disk that cannot be written degrades to memory
until :meth:`Store.recover` finds it willing again. Both are said in :attr:`Store.health` and in the log, and neither
raises: lights must stay commandable when the disk is full or broken.
"""

import sqlite3
import threading
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import structlog

log = structlog.get_logger(__name__)
T = TypeVar("T")
Disk = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Runs blocking work off the loop."""
Move = Callable[[sqlite3.Connection, sqlite3.Connection], None]


async def at_once(work: Callable[[], T]) -> T:
    """Run blocking work here and now. The agent gives its disk lane instead."""
    return work()


class Store:
    """See the module. Callable from any thread.

    ``name`` is what people call it, ``memory`` the sentence that says what it means when there is no disk. ``move``
    copies everything from one database to another: from memory to the disk that is back, and, where ``along``, from
    the disk to the memory that stands in for it.
    """

    def __init__(self, path: Path | None, schema: str, move: Move, *, name: str, memory: str, along: bool) -> None:
        self.path = path
        self.health = ""
        """Empty when all is well; else what is wrong, for people."""
        self.on_disk = True
        """``False``: what is written is forgotten at the next restart, because the disk does not take it."""
        self._schema = schema
        self._move = move
        self._name = name
        self._memory = memory
        self._along = along
        self._door = threading.Lock()
        self._db: sqlite3.Connection | None = None

    @property
    def unstored(self) -> str:
        """What is wrong with the disk; "" while it takes everything."""
        return "" if self.on_disk else self.health

    def open(self) -> None:
        """Idempotent."""
        with self._door:
            self._live()

    def close(self) -> None:
        with self._door:
            if self._db is not None:
                self._db.close()
                self._db = None

    def do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The result of ``work``, done on the disk or, where that fails, in memory. ``work`` may thus run twice; what
        the first run wrote is undone."""
        with self._door:
            db = self._live()
            try:
                return work(db)
            except sqlite3.Error as error:
                db = self._stand_in(f"cannot be written ({error})", db)
                return work(db)

    def recover(self) -> bool:
        """Back to the disk, with everything written to memory meanwhile, if it takes it now. Whether it came back."""
        with self._door:
            if self.on_disk or self._db is None:
                return False
            try:
                db = self._reached()
            except (sqlite3.Error, OSError):
                return False
            try:
                db.execute("begin immediate")
                self._move(self._db, db)
                # with nothing to move this, too, is a write: a disk that is still full refuses it
                (version,) = db.execute("pragma user_version").fetchone()
                db.execute(f"pragma user_version = {(version + 1) % 2**31}")
                db.execute("commit")
            except sqlite3.Error:
                db.close()
                return False
            self._db.close()
            self._db, self.on_disk, self.health = db, True, ""
        log.info(f"{self._name}.on-disk-again", file=str(self.path))
        return True

    # --- inside, under the door ------------------------------------------------------------------------------

    def _live(self) -> sqlite3.Connection:
        if self._db is None:
            if self.path is None:
                self._db = self._connect(":memory:")
            else:
                try:
                    self._db = self._reached()
                except (sqlite3.Error, OSError) as error:
                    self._db = self._stand_in(f"cannot be opened ({error})", None)
        return self._db

    def _reached(self) -> sqlite3.Connection:
        assert self.path is not None
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return self._connect(str(self.path))
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # not damage: permission, space, a lock
                raise
            self._set_aside(str(error))
            return self._connect(str(self.path))

    def _set_aside(self, why: str) -> None:
        assert self.path is not None
        number = 1
        while (aside := self.path.with_name(f"{self.path.name}.damaged-{number}")).exists():
            number += 1
        self.path.rename(aside)
        for tail in ("-wal", "-shm"):
            self.path.with_name(self.path.name + tail).unlink(missing_ok=True)
        self.health = f"the {self._name} was damaged ({why}); it is set aside as {aside.name} and a new one begun"
        log.error(f"{self._name}.damaged", file=str(self.path), aside=str(aside), why=why)

    def _stand_in(self, why: str, broken: sqlite3.Connection | None) -> sqlite3.Connection:
        self.health = f"the {self._name} {self.path} {why}; {self._memory}"
        self.on_disk = False
        log.error(
            f"{self._name}.memory-only",
            file=str(self.path),
            why=why,
            next="free space or repair: it comes back by itself",
        )
        db = self._connect(":memory:")
        if broken is not None:
            if broken.in_transaction:
                broken.rollback()
            if self._along:
                try:
                    self._move(broken, db)
                except sqlite3.Error:
                    log.exception(f"{self._name}.not-read", file=str(self.path))
            broken.close()
        self._db = db
        return db

    def _connect(self, where: str) -> sqlite3.Connection:
        db = sqlite3.connect(where, timeout=2.0, isolation_level=None, check_same_thread=False)
        try:
            with closing(db.execute("pragma quick_check(1)")) as found:
                verdict = found.fetchone()[0]
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)
            db.execute("pragma journal_mode = wal")
            db.execute("pragma synchronous = full")
            db.executescript(self._schema)
        except BaseException:
            db.close()
            raise
        return db
