"""The chain of decisions: complete, and no change of it stays hidden."""

import asyncio
import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.__main__ import main
from agent.messaging.header import HEADER
from agent.messaging.trust.canonical import canonical
from agent.messaging.trust.file import TrustFile, verify
from tests.agent.messaging.trust.conftest import DESK, LISTED, Post
from tests.waiting import until

Make = Callable[..., Post]


def chain(path: Path, count: int, keep: int = 100_000) -> TrustFile:
    file = TrustFile(path, keep)
    file.open()
    for n in range(count):
        file.write([{"what": f"record {n}", "on_air": n % 2 == 0}], [], 0.0, 0)
    return file


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as db:
        for statement in statements:
            db.execute(statement)
        db.commit()


async def test_every_decision_is_in_the_audit_and_shipped(post: Make, tmp_path: Path) -> None:
    agent = post(tmp_path / "trust.sqlite", **LISTED)
    task = asyncio.create_task(agent.auditor.run())
    agent.clock = True
    await agent.send("ping", "a", key=DESK)
    await agent.send("reload", "b", key=DESK)
    await agent.send("ping", "c", {"issuer": "stranger"})
    await agent.raw("ping", "d", b"rubbish")
    await agent.send("ping", "e", origin="local")
    await until(lambda: len(agent.shipped) == 7)
    told = {(r.id, r.state.value, r.code and r.code.value, r.issuer, r.role, r.signed, r.origin) for r in agent.shipped}
    assert told == {
        ("a", "accepted", None, "desk", "operator", True, "broker"),
        ("a", "succeeded", None, "desk", "operator", True, "broker"),
        ("b", "rejected", "forbidden", "desk", "operator", True, "broker"),
        ("c", "rejected", "untrusted", "stranger", "", False, "broker"),
        ("d", "rejected", "malformed", "", "", False, ""),
        ("e", "accepted", None, "", "admin", False, "local"),
        ("e", "succeeded", None, "", "admin", False, "local"),
    }
    assert {r.clock for r in agent.shipped} == {True} and {r.on_air for r in agent.shipped} == {False}
    assert [r.n for r in agent.shipped] == list(range(1, 8))
    before = "0" * 64
    for record in agent.shipped:  # as the control room can do it, with what was published
        body = {key: value for key, value in json.loads(record.encode()).items() if key not in HEADER | {"hash"}}
        assert body["prev"] == before
        before = hashlib.sha256(canonical(body)).hexdigest()
        assert before == record.hash
    verdict = verify(tmp_path / "trust.sqlite", (7, before))
    assert (verdict.records, verdict.faults) == (7, ())
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_rubbish_under_the_id_of_a_running_command_is_not_its_issuers(post: Make) -> None:
    agent = post(**LISTED)
    await agent.send("ping", "a", key=DESK)
    await agent.raw("ping", "a", b"rubbish")
    agent.auditor.note({})  # what has been noted so far is in front of this
    noted = [(r["state"], r["issuer"]) for r in agent.auditor._records if r]
    assert ("rejected", "") in noted and ("accepted", "desk") in noted and ("rejected", "desk") not in noted
    agent.auditor._records.clear()


async def test_a_flood_of_refusals_does_not_push_the_history_out(post: Make) -> None:
    agent = post()
    for n in range(3000):
        await agent.raw("ping", f"f{n}", b"rubbish")
    assert len(agent.auditor._records) == 500
    agent.mono += 1.0
    await agent.raw("ping", "last", b"rubbish")
    assert agent.auditor._records[-1]["unrecorded"] == 2500
    agent.auditor._records.clear()


async def test_what_a_crash_kept_from_the_outbox_is_shipped_at_the_next_start(post: Make, tmp_path: Path) -> None:
    first = post(tmp_path / "trust.sqlite")
    await first.send("ping", "a")
    await until(lambda: len(first.auditor._records) == 2)
    first.auditor.close()  # written, and no time to ship
    second = post(tmp_path / "trust.sqlite")
    task = asyncio.create_task(second.auditor.run())
    await until(lambda: [(r.n, r.state.value) for r in second.shipped] == [(1, "accepted"), (2, "succeeded")])
    await second.send("ping", "b")
    await until(lambda: [r.n for r in second.shipped] == [1, 2, 3, 4])
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    second.auditor.close()
    third = post(tmp_path / "trust.sqlite")
    assert third.auditor.file.unshipped() == [], "told once is enough"


def test_the_oldest_go_and_the_chain_holds(tmp_path: Path) -> None:
    file = chain(tmp_path / "t", 50, keep=20)
    verdict = verify(tmp_path / "t")
    assert (verdict.records, verdict.first, verdict.last, verdict.faults) == (20, 31, 50, ())
    file.close()
    again = TrustFile(tmp_path / "t", 20)
    again.open()
    again.write([{"what": "after a restart"}], [], 0.0, 0)
    assert verify(tmp_path / "t").faults == () and again.head[0] == 51
    again.close()


def test_the_chain_goes_on_in_memory_and_comes_back(tmp_path: Path) -> None:
    file = chain(tmp_path / "t", 3)
    blocked = sqlite3.connect(tmp_path / "t", isolation_level=None)
    blocked.execute("begin exclusive")
    file.write([{"what": "while the disk is not there"}], [], 0.0, 0)
    assert file.unstored
    blocked.execute("rollback")
    blocked.close()
    assert file.recover()
    file.write([{"what": "after"}], [], 0.0, 0)
    verdict = verify(tmp_path / "t")
    assert (verdict.records, verdict.faults) == (5, ())
    file.close()


@settings(max_examples=150)
@given(data=st.data())
def test_a_flipped_bit_is_found(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("audit") / "t"
    chain(path, 6).close()
    n, column = data.draw(st.integers(1, 6)), data.draw(st.sampled_from(["body", "hash"]))
    with closing(sqlite3.connect(path)) as db:
        (text,) = db.execute(f"select {column} from audit where n = ?", (n,)).fetchone()
        raw = bytearray(text.encode())
        bit = data.draw(st.integers(0, len(raw) * 8 - 1))
        raw[bit // 8] ^= 1 << bit % 8
        db.execute(f"update audit set {column} = cast(? as text) where n = ?", (bytes(raw), n))
        db.commit()
    assert verify(path).faults


@pytest.mark.parametrize("n", range(2, 7))
def test_a_removed_record_is_found(tmp_path: Path, n: int) -> None:
    chain(tmp_path / "t", 6).close()
    change(tmp_path / "t", f"delete from audit where n = {n}")
    assert verify(tmp_path / "t").faults


def test_records_put_in_another_order_or_made_up_are_found(tmp_path: Path) -> None:
    chain(tmp_path / "a", 6).close()
    change(
        tmp_path / "a",
        "update audit set n = 100 where n = 3",
        "update audit set n = 3 where n = 4",
        "update audit set n = 4 where n = 100",
    )
    assert verify(tmp_path / "a").faults
    chain(tmp_path / "b", 6).close()
    forged = canonical({"what": "nothing happened", "n": 3, "prev": "0" * 64})
    change(
        tmp_path / "b",
        f"update audit set body = '{forged.decode()}', hash = '{hashlib.sha256(forged).hexdigest()}' where n = 3",
    )
    assert verify(tmp_path / "b").faults


@pytest.mark.parametrize("forged", [b"no JSON", b"[]", b'{"n": 3}'])
def test_what_is_no_record_at_all_is_found_by_its_number(tmp_path: Path, forged: bytes) -> None:
    chain(tmp_path / "t", 4).close()
    its = hashlib.sha256(forged).hexdigest()
    change(tmp_path / "t", f"update audit set body = '{forged.decode()}', hash = '{its}' where n = 3")
    assert verify(tmp_path / "t").faults[0].startswith("record 3 ")


def test_only_the_end_of_a_long_chain_can_be_followed(tmp_path: Path) -> None:
    file = chain(tmp_path / "t", 50)
    change(tmp_path / "t", "update audit set body = '{}' where n = 10")
    verdict = verify(tmp_path / "t", newest=40)
    assert verdict == (40, 11, 50, file.head[1], ())
    assert verify(tmp_path / "t", newest=41).faults == ("record 10 was changed: it does not have its hash",)
    file.close()


def test_a_whole_chain_made_anew_is_found_by_what_was_shipped(tmp_path: Path) -> None:
    true = chain(tmp_path / "true", 6)
    known = true.head
    true.close()
    other = TrustFile(tmp_path / "made-up")
    other.open()
    for n in range(6):
        other.write([{"what": f"another story {n}"}], [], 0.0, 0)
    other.close()
    assert verify(tmp_path / "made-up").faults == (), "it is whole in itself"
    assert "is not the one you know of" in verify(tmp_path / "made-up", known).faults[0]
    assert "is not there" in verify(tmp_path / "made-up", (7, known[1])).faults[0]
    assert verify(tmp_path / "true", known).faults == ()


def test_the_command_says_whether_it_is_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = chain(tmp_path / "t", 3)
    known = f"{file.head[0]}:{file.head[1]}"
    assert main(["audit", "verify", "--file", str(tmp_path / "t"), "--known", known]) == 0, "also while it is open"
    assert "3 records, 1…3, whole" in capsys.readouterr().out
    file.close()
    change(tmp_path / "t", "delete from audit where n = 2")
    assert main(["audit", "verify", "--file", str(tmp_path / "t")]) == 1
    said = capsys.readouterr()
    assert "2…2 missing" in said.err and "changed" in said.out
    assert main(["audit", "verify", "--file", str(tmp_path / "none")]) == 66
    (tmp_path / "text").write_text("no database " * 100)
    assert main(["audit", "verify", "--file", str(tmp_path / "text")]) == 66


async def test_the_command_shows_who_did_what(post: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    agent = post(tmp_path / "trust.sqlite", **LISTED)
    await agent.send("reload", "b", key=DESK)
    agent.auditor.close()
    assert main(["audit", "show", "--file", str(tmp_path / "trust.sqlite")]) == 0
    shown = capsys.readouterr().out
    assert "desk (operator, signed) reload b  rejected  forbidden" in shown
    assert main(["audit", "show", "--json", "--file", str(tmp_path / "trust.sqlite")]) == 0
    assert json.loads(capsys.readouterr().out)["n"] == 1
