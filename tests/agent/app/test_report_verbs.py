"""Reports fetched over the broker, notes of the upkeep."""

import hashlib
import json

from agent.selftest.notes import Note, Notes
from agent.selftest.page import page
from agent.selftest.report import Report
from agent.selftest.store import ReportStore
from tests.waiting import until


async def fetched(house, name):
    """All parts put together, as control software would."""
    text, part, parts = "", 0, 1
    while part < parts:
        answer = await house.send("report.get", {"id": name, "part": part + 1})
        assert answer.state == "succeeded"
        text, part, parts = text + answer.result["json"], answer.result["part"], answer.result["parts"]
        assert len(answer.model_dump_json()) < 25_000
    assert hashlib.sha256(text.encode()).hexdigest() == answer.result["sha256"]
    return Report.model_validate_json(text)


async def test_a_report_comes_whole_in_parts_with_the_notes(house):
    async with house.running() as agent:
        await until(lambda: agent.devices.probes["uplink"].lane.health.state == "ok")
        assert (await house.send("report.get", {})).code == "unknown-target"
        note = await house.send("maintenance.note", {"text": "new <lamp>", "about": "key"}, issuer="anna")
        assert note.result["by"] == "anna" and note.result["about"] == "key"
        refused = await house.send("maintenance.note", {"text": "?", "about": "kee"})
        assert refused.code == "unknown-target" and "'key'" in refused.message.en
        assert (await house.send("maintenance.note", {"text": "x" * 501})).state == "rejected"
        for _ in range(2):
            done = await house.send("selftest.start", {"depth": "quick"})
            assert done.state == "succeeded"
        listed = (await house.send("report.list", {"first": 1})).result
        assert [report["id"] for report in listed["reports"]] == [done.result["id"]]
        assert listed["reports"][0]["number"] == 2 and listed["notes"][0]["text"] == "new <lamp>"
        whole = await fetched(house, "latest")
        store = ReportStore(house.folder / "state")
        assert whole == store.latest() and whole.notes[0].by == "anna"
        assert (await fetched(house, whole.id)) == whole
        assert (await house.send("report.get", {"part": 999})).code == "unknown-target"
        assert (await house.send("report.get", {"id": whole.id[:-1]})).code == "unknown-target"
        shown = page(whole)
        assert "new &lt;lamp&gt;" in shown and "anna" in shown and "维护记录" in shown
        assert store.verify() == Notes(house.folder / "state").verify() == []


def test_notes_are_a_chain_that_shows_what_was_changed(tmp_path):
    notes = Notes(tmp_path)
    assert notes.latest() == () and notes.verify() == []
    for number in range(30):
        notes.append(Note(at="2030-01-01T00:00:00Z", by="anna", text=f"note {number}\nsecond line"))
    assert [note.text[:7] for note in notes.latest(2)] == ["note 29", "note 28"] and len(notes.latest()) == 20
    assert notes.verify() == []
    lines = notes.path.read_bytes().splitlines(keepends=True)
    notes.path.write_bytes(b"".join([*lines[:3], lines[3].replace(b"anna", b"otto"), *lines[4:]]))
    assert notes.verify() == ["before note 5 something was changed or taken out"]
    notes.path.write_bytes(b"".join(lines[:3] + lines[4:]))
    assert notes.verify() == ["before note 4 something was changed or taken out"]


def test_a_note_after_a_power_cut_begins_on_a_line_of_its_own(tmp_path):
    notes = Notes(tmp_path)
    notes.append(Note(at="2030-01-01T00:00:00Z", by="anna", text="first"))
    with notes.path.open("ab") as file:
        file.write(b'{"at": "2030')
    notes.append(Note(at="2030-01-01T00:00:00Z", by="anna", text="second"))
    assert [note.text for note in notes.latest()] == ["second", "first"]
    assert notes.verify() == ["note 2 cannot be read"]
    assert json.loads(notes.path.read_bytes().splitlines()[-1])["text"] == "second"
