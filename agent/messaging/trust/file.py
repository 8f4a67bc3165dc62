"""What trust remembers, on the disk (SQLite): the audit's chain, and which signed commands have been decided.

Plain blocking code; the agent calls it on its disk lane. A record's text is canonical JSON that holds its number and
the hash of the record before it; its own hash is the SHA-256 of that text::

    n=41 {…,"prev":"9c…"} ─sha256─▶ 5e…      n=42 {…,"prev":"5e…"} ─sha256─▶ …      head: 42, …

What a damaged file or a full disk means: :mod:`agent.runtime.store`. The chain goes on in memory then, and on the disk
when it is back.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from agent.messaging.trust.canonical import canonical
from agent.runtime.store import Store

NAME = "trust.sqlite"
NOTHING = "0" * 64
"""What the first record names as the hash before it."""

SCHEMA = """
create table if not exists audit (n integer primary key, body text not null, hash text not null);
create table if not exists head (
    one integer primary key check (one = 1), n integer not null, hash text not null, shipped integer not null
);
create table if not exists seen (issuer text not null, nonce text not null, until real not null,
    primary key (issuer, nonce)) without rowid;
create index if not exists seen_until on seen (until);
"""


class Seen(NamedTuple):
    """A signed command that was decided. ``until``: seconds since 1970 after which its age alone refuses it."""

    issuer: str
    nonce: str
    until: float


class Sealed(NamedTuple):
    """A record with its place in the chain."""

    n: int
    record: Mapping[str, Any]
    hash: str


class TrustFile:
    """See the module. ``path`` ``None``: in memory only; ``keep``: records at most. It never raises for a disk."""

    def __init__(self, path: Path | None, keep: int = 100_000) -> None:
        self.keep = keep
        self.head = (0, NOTHING)
        """Number and hash of the newest record."""
        self.shipped = 0
        """The newest record that is in the outbox, as far as the disk knows."""
        said = "decisions on commands are remembered until the next restart only"
        self._store = Store(path, SCHEMA, _move, name="audit", memory=said, along=False)

    @property
    def unstored(self) -> str:
        """What is wrong with the disk; "" while it takes everything."""
        return self._store.unstored

    def open(self) -> list[Seen]:
        """Take up the chain where it ended; what was decided before."""

        def read(db: sqlite3.Connection) -> tuple[Any, list[Any]]:
            return (
                db.execute("select n, hash, shipped from head").fetchone(),
                db.execute("select issuer, nonce, until from seen").fetchall(),
            )

        head, seen = self._store.do(read)
        if head is not None:
            self.head, self.shipped = (head[0], head[1]), head[2]
        return [Seen(*row) for row in seen]

    def close(self) -> None:
        self._store.close()

    def recover(self) -> bool:
        """Back to the disk, with what came meanwhile, if it takes it now. Whether it came back."""
        return self._store.recover()

    def write(
        self, records: Sequence[Mapping[str, Any]], seen: Sequence[Seen], now: float, shipped: int
    ) -> list[Sealed]:
        """One transaction, on the disk when this returns. The records as they stand in the chain."""
        sealed: list[Sealed] = []
        n, last = self.head
        rows = []
        for record in records:
            n += 1
            whole = {**record, "n": n, "prev": last}
            body = canonical(whole)
            last = hashlib.sha256(body).hexdigest()
            sealed.append(Sealed(n, whole, last))
            rows.append((n, body.decode(), last))

        def work(db: sqlite3.Connection) -> None:
            db.execute("begin immediate")
            db.executemany("insert or replace into audit values (?, ?, ?)", rows)
            db.execute("delete from audit where n <= ?", (n - self.keep,))
            db.execute("insert or replace into head values (1, ?, ?, ?)", (n, last, shipped))
            db.executemany("insert or replace into seen values (?, ?, ?)", seen)
            db.execute("delete from seen where until < ?", (now,))
            db.execute("commit")

        self._store.do(work)
        self.head, self.shipped = (n, last), shipped
        return sealed

    def unshipped(self, limit: int = 1000) -> list[Sealed]:
        """Records that may not be in the outbox, because a crash came in between; oldest first."""
        sql = "select n, body, hash from audit where n > ? order by n limit ?"
        rows = self._store.do(lambda db: db.execute(sql, (self.shipped, limit)).fetchall())
        return [Sealed(n, json.loads(body), known) for n, body, known in rows]


class Verdict(NamedTuple):
    """What a look at the whole chain found."""

    records: int
    first: int
    last: int
    hash: str
    faults: tuple[str, ...]


def verify(path: Path, known: tuple[int, str] | None = None, newest: int | None = None) -> Verdict:
    """Follow the chain from its oldest record to its head; with ``newest`` only so many records of its end. ``known``:
    number and hash of a record as somebody else kept it. Raises OSError when the file cannot be opened, sqlite3.Error
    when it is no such file."""
    if not path.is_file():
        raise FileNotFoundError(2, "there is no such file", str(path))
    faults: list[str] = []
    records, first, last, kept = 0, 0, (0, NOTHING), None
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)) as db:
        db.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
        db.execute("begin")  # one view of it, also while the agent writes
        head = db.execute("select n, hash from head").fetchone() or (0, NOTHING)
        sql = "select n, body, hash from audit where n in (select n from audit order by n desc limit ?) order by n"
        for n, body, own in db.execute(sql, (-1 if newest is None else newest,)):
            faults += _faults(last if records else None, n, body, own)
            first, last, records = first if records else n, (n, own), records + 1
            if known is not None and n == known[0]:
                kept = own
    if head != last:
        faults.append(f"the chain ends at {last[0]}, its head says {head[0]}: records are missing at the end")
    if known is not None and kept is None:
        faults.append(f"record {known[0]}, which you know of, is not there")
    elif known is not None and kept != known[1]:
        faults.append(f"record {known[0]} is not the one you know of: its hash is {kept}")
    return Verdict(records, first, last[0], last[1], tuple(faults))


def read(path: Path, last: int) -> Iterator[dict[str, Any]]:
    """The newest records, oldest first, each with its ``hash``. Raises like :func:`verify`."""
    if not path.is_file():
        raise FileNotFoundError(2, "there is no such file", str(path))
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)) as db:
        rows = db.execute("select body, hash from audit order by n desc limit ?", (last,)).fetchall()
    for body, known in reversed(rows):
        yield {**json.loads(body), "hash": known}


def _faults(before: tuple[int, str] | None, n: int, body: Any, own: Any) -> Iterator[str]:
    """What is wrong with a record, ``before`` being number and hash of the one in front of it."""
    if before is not None and n != before[0] + 1:
        yield f"{before[0] + 1}…{n - 1} missing"
    if not isinstance(body, str) or hashlib.sha256(body.encode("utf-8", "surrogateescape")).hexdigest() != own:
        yield f"record {n} was changed: it does not have its hash"
        return
    number, prev = _place(body)
    if number != n:
        yield f"record {n} was moved: it says it is {number}"
    wanted = before[1] if before is not None and n == before[0] + 1 else NOTHING if n == 1 else None
    if wanted is not None and prev != wanted:
        yield f"record {n} does not follow the one before it"


def _place(body: str) -> tuple[Any, Any]:
    """The number and the hash before it that a record names; ``None`` each where somebody made up one with neither."""
    try:
        said = json.loads(body)
        return said["n"], said["prev"]
    except (ValueError, KeyError, TypeError):
        return None, None


def _move(old: sqlite3.Connection, new: sqlite3.Connection) -> None:
    new.executemany("insert or replace into audit values (?, ?, ?)", old.execute("select n, body, hash from audit"))
    new.executemany("insert or replace into head values (?, ?, ?, ?)", old.execute("select * from head"))
    new.executemany("insert or replace into seen values (?, ?, ?)", old.execute("select * from seen"))
