"""The outbox on the disk: budgets, refusals, a damaged file, a full disk, a power cut."""

import itertools
import shutil
import sqlite3
from pathlib import Path

import pytest

from agent.messaging.outbox_file import IN_MEMORY, REFUSED, Budget, Group, OutboxFile, Refusal, Row
from agent.messaging.topics import Keep
from tests.agent.runtime.test_journal import no_file_above

PLENTY = {keep: Budget(86400.0, 2**24) for keep in Keep}
NOW = 1.8e9


def row(number: int, keep: Keep = Keep.TELEMETRY, body: bytes = b"{}", at: float = NOW) -> Row:
    return Row(number, keep, "t", body, at)


def ids(file: OutboxFile) -> list[int]:
    return [found.id for found in file.read(0, 2**60, 10_000)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "outbox.sqlite"


def opened(path: Path | None, budgets: dict[Keep, Budget] = PLENTY) -> OutboxFile:
    file = OutboxFile(path, budgets)
    file.open()
    return file


def test_what_went_in_comes_out_in_order_until_it_is_done(path: Path) -> None:
    file = opened(path)
    file.commit(Group([row(1), row(2, Keep.EVENT, b"\x00\xff"), row(3, Keep.RESULT)]), NOW, 0.0)
    assert file.read(0, 99) == [row(1), row(2, Keep.EVENT, b"\x00\xff"), row(3, Keep.RESULT)]
    assert [found.id for found in file.read(1, 2)] == [2] and file.last == 3
    file.commit(Group(done=[2]), NOW, 0.0)
    assert ids(file) == [1, 3] and file.rows.total() == 2 and file.bytes.total() == 6
    file.close()


def test_numbers_go_on_after_a_restart(path: Path) -> None:
    file = opened(path)
    file.commit(Group([row(1), row(2)]), NOW, 0.0)
    file.commit(Group(done=[2]), NOW, 0.0)
    file.close()
    again = opened(path)
    assert ids(again) == [1] and again.last == 1 and again.rows[Keep.TELEMETRY] == 1
    again.close()


def test_over_its_bytes_a_class_loses_its_oldest_and_no_other_class_does(path: Path) -> None:
    file = opened(path, {**PLENTY, Keep.TELEMETRY: Budget(86400.0, 1010)})
    file.commit(Group([row(1, Keep.EVENT, b"x" * 500)]), NOW, 0.0)
    file.commit(Group([row(n, body=b"x" * 100) for n in range(2, 12)]), NOW, 0.0)
    assert ids(file) == list(range(1, 12)) and not file.dropped
    file.commit(Group([row(12, body=b"x" * 150)]), NOW, 0.0)
    assert ids(file) == [1, *range(4, 13)]
    assert file.dropped == {Keep.TELEMETRY: 2} and file.bytes[Keep.TELEMETRY] <= 1010
    file.close()


def test_a_message_larger_than_its_budget_is_given_up_and_counted(path: Path) -> None:
    file = opened(path, {**PLENTY, Keep.EVENT: Budget(86400.0, 50)})
    file.commit(Group([row(1, Keep.EVENT, b"x" * 100)]), NOW, 0.0)
    assert ids(file) == [] and file.dropped[Keep.EVENT] == 1
    file.close()


def test_the_oldest_go_by_age_too(path: Path) -> None:
    file = opened(path, {**PLENTY, Keep.TELEMETRY: Budget(100.0, 2**20)})
    file.commit(Group([row(1, at=NOW), row(2, at=NOW + 90), row(3, Keep.EVENT, at=NOW)]), NOW, 0.0)
    file.commit(Group([row(4, at=NOW + 120)]), NOW + 120, 120.0)
    assert ids(file) == [2, 3, 4] and file.dropped == {Keep.TELEMETRY: 1}
    file.close()


def test_a_clock_that_is_put_right_empties_nothing(path: Path) -> None:
    file = opened(path, {**PLENTY, Keep.TELEMETRY: Budget(3600.0, 2**20)})
    wrong = NOW - 365 * 86400.0
    file.commit(Group([row(1, at=wrong)]), wrong, 10.0)
    file.commit(Group([row(2, at=NOW)]), NOW, 50.0)
    file.commit(Group([row(3, at=NOW + 60)]), NOW + 60, 110.0)
    assert ids(file) == [1, 2, 3] and not file.dropped
    assert file.read(0, 1)[0].at == pytest.approx(NOW - 40.0)
    file.close()


def test_what_the_broker_refused_is_set_aside_with_its_reason(path: Path) -> None:
    file = opened(path)
    file.commit(Group([row(1), row(2, body=b"{2}")]), NOW, 0.0)
    file.commit(Group(refused=[Refusal(2, 0x87, "Not authorized")]), NOW, 0.0)
    assert ids(file) == [1] and file.refused == 1
    assert file.refusals() == [("t", b"{2}", 0x87, "Not authorized")]
    file.close()


def test_only_the_latest_refusals_are_kept(path: Path) -> None:
    file = opened(path)
    file.commit(Group([row(n) for n in range(1, REFUSED + 11)]), NOW, 0.0)
    file.commit(Group(refused=[Refusal(n, 0x87, str(n)) for n in range(1, REFUSED + 11)]), NOW, 0.0)
    assert [why for *_, why in file.refusals()] == [str(n) for n in range(11, REFUSED + 11)]
    file.close()


def test_a_damaged_file_is_set_aside_and_said(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is no database at all, but long enough to be read as one" * 20)
    file = opened(path)
    file.commit(Group([row(1)]), NOW, 0.0)
    assert "set aside" in file.health and ids(file) == [1] and file.on_disk
    assert path.with_name("outbox.sqlite.damaged-1").exists()
    file.close()


def test_a_full_disk_means_memory_and_back_nothing_is_lost_and_nothing_sent_twice(path: Path) -> None:
    file = opened(path)
    file.commit(Group([row(1), row(2)]), NOW, 0.0)
    with no_file_above(100_000):
        file.commit(Group([row(3, Keep.EVENT, b"x" * 200_000)]), NOW, 0.0)
        assert not file.on_disk and "until the next restart" in file.health
        assert ids(file) == [3], "the rows in the file wait for the disk"
        file.commit(Group([row(4)], done=[1]), NOW, 0.0)  # 1 was under way when the disk failed
        assert not file.recover()
    assert file.recover() and file.on_disk and file.health == ""
    assert ids(file) == [2, 3, 4]
    file.close()
    again = opened(path)
    assert ids(again) == [2, 3, 4] and again.last == 4
    again.close()


def test_memory_is_bounded_while_there_is_no_disk(path: Path) -> None:
    path.parent.write_text("a file where the folder should be")
    file = opened(path)
    big = b"x" * (IN_MEMORY // 8)
    for number in range(1, 21):
        file.commit(Group([row(number, body=big)]), NOW, 0.0)
    assert ids(file) == list(range(14, 21)) and file.dropped[Keep.TELEMETRY] == 13
    assert file.bytes[Keep.TELEMETRY] <= IN_MEMORY
    file.close()


def test_a_power_cut_costs_nothing_that_was_committed_in_full(path: Path, tmp_path: Path) -> None:
    """Whatever of the log the disk had beyond the last fsync: what was told to be on the disk is there."""
    file = opened(path)
    wal = path.with_name(path.name + "-wal")
    safe: list[tuple[int, int]] = []
    numbers = itertools.count(1)
    for turn in range(30):
        keep = Keep.EVENT if turn % 3 == 2 else Keep.TELEMETRY
        file.commit(Group([row(next(numbers), keep, b"x" * 300) for _ in range(turn % 4 + 1)]), NOW, 0.0)
        if keep is Keep.EVENT:
            safe.append((wal.stat().st_size, file.last))
    whole = wal.read_bytes()
    for cut in {*range(0, len(whole), 997), *(size for size, _ in safe), len(whole)}:
        expected = max((last for size, last in safe if size <= cut), default=0)
        lab = tmp_path / f"cut-{cut}"
        lab.mkdir()
        shutil.copy(path, lab / path.name)
        (lab / wal.name).write_bytes(whole[:cut] + b"\x00" * 512)
        after = opened(lab / path.name)
        found = ids(after)
        assert after.health == "" and found == list(range(1, len(found) + 1)) and len(found) >= expected, cut
        after.close()
    file.close()


def test_only_what_must_be_safe_costs_a_sync(path: Path) -> None:
    file = opened(path)
    modes: list[int] = []

    def mode(db: sqlite3.Connection) -> None:
        modes.append(db.execute("pragma synchronous").fetchone()[0])

    for group in (
        Group([row(1)]),
        Group([row(2, Keep.EVENT)]),
        Group([row(3), row(4, Keep.RESULT)]),
        Group(done=[1]),
        Group(refused=[Refusal(2, 0x87, "no")]),
    ):
        file.commit(group, NOW, 0.0)
        file._store.do(mode)
    assert modes == [1, 2, 2, 1, 2]  # 1 normal, 2 full
    file.settle()
    assert path.stat().st_size > 4096, "the checkpoint has written the database itself"
    file.close()
