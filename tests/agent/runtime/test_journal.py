"""The journal on a disk that is not always kind."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.runtime.journal import Entry, Journal

ENTRY = Entry("a", "lights.set", "digest", "accepted", False, "{}", 1.0)


def test_what_was_noted_is_there_after_a_restart(tmp_path: Path) -> None:
    first = Journal(tmp_path / "deep" / "journal.db")
    assert first.begin(ENTRY)
    first.finish("a", "succeeded", '{"x": 1}')
    first.close()
    second = Journal(tmp_path / "deep" / "journal.db")
    found = second.find("a")
    assert found == Entry("a", "lights.set", "digest", "succeeded", True, '{"x": 1}', 1.0)
    assert not second.begin(ENTRY) and second.health == ""
    second.close()


@pytest.mark.parametrize(
    "damage",
    [b"this is no database at all, but it is long enough to be read as one" * 20, b"SQLite format 3\0" + b"\xff" * 99],
)
def test_a_damaged_file_is_set_aside_and_said(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(damage)
    journal = Journal(path)
    assert journal.begin(ENTRY)
    assert "set aside" in journal.health
    assert (tmp_path / "journal.db.damaged-1").read_bytes() == damage
    journal.close()
    again = Journal(path)
    assert again.find("a") is not None and again.health == ""
    again.close()


def test_a_page_damaged_in_the_middle_is_found_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = Journal(path)
    for number in range(200):
        journal.begin(Entry(f"id-{number}", "v", "d", "succeeded", True, "x" * 200, float(number)))
    journal.close()
    whole = bytearray(path.read_bytes())
    whole[4096 * 3 : 4096 * 6] = b"\xa5" * (4096 * 3)
    path.write_bytes(whole)
    again = Journal(path)
    assert again.begin(ENTRY) and "damaged" in again.health
    again.close()


def test_a_folder_that_cannot_be_made_means_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    journal = Journal(tmp_path / "file" / "journal.db")
    assert journal.begin(ENTRY) and not journal.begin(ENTRY)
    assert "until the next restart only" in journal.health
    journal.close()


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """The kernel refuses to let any file of this process grow beyond ``size`` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_means_memory_until_there_is_space_and_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = Journal(path)
    assert journal.begin(ENTRY)
    long = Entry("b", "lights.set", "digest", "succeeded", True, "x" * 400_000, 2.0)
    with no_file_above(200_000):
        assert journal.begin(long)
        assert not journal.on_disk and "until the next restart only" in journal.health
        journal.finish("a", "succeeded", "{}")
        journal.recover()
        assert not journal.on_disk
    assert not journal.begin(long)
    journal.recover()
    assert journal.on_disk and journal.health == ""
    assert journal.begin(Entry("c", "ping", "digest", "succeeded", True, "{}", 3.0))
    journal.close()
    again = Journal(path)
    again.open()
    assert again.health == ""
    assert again.find("a") == Entry("a", "lights.set", "digest", "succeeded", True, "{}", 1.0)
    assert again.find("b") == long and again.knows("c") and again.find("") is None
    again.close()


def test_a_folder_that_can_be_made_later_is_taken_up_then(tmp_path: Path) -> None:
    blocked = tmp_path / "state"
    blocked.write_text("not a folder")
    journal = Journal(blocked / "journal.db")
    journal.begin(ENTRY)
    journal.recover()
    assert not journal.on_disk
    blocked.unlink()
    journal.recover()
    assert journal.on_disk and journal.unfinished() == [(ENTRY, None)]
    journal.close()


def test_a_journal_of_no_file_forgets(tmp_path: Path) -> None:
    journal = Journal(None)
    assert journal.begin(ENTRY) and journal.find("a") is not None
    journal.close()
    journal.open()
    assert journal.find("a") is None
    journal.close()
