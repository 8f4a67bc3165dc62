"""The journal on a disk that is not always kind."""

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


def test_a_journal_of_no_file_forgets(tmp_path: Path) -> None:
    journal = Journal(None)
    assert journal.begin(ENTRY) and journal.find("a") is not None
    journal.close()
    journal.open()
    assert journal.find("a") is None
    journal.close()
