"""A report and its views: roll-up, exit code, JSON, JUnit, page, table; and the chain on disk."""

import json
from io import StringIO
from xml.etree import ElementTree

import pytest
from rich.cells import cell_len
from rich.console import Console

from agent.messaging.header import Say
from agent.selftest.catalogue import CATALOGUE
from agent.selftest.junit import junit
from agent.selftest.page import page
from agent.selftest.report import Bounds, Outcome, Report, roll_up
from agent.selftest.store import ReportStore
from agent.selftest.table import measured, show
from drivers.base import Impact, Verdict

NASTY = 'a <b>&"\x00 name'


def check(verdict, ident="CAM-01", name="front", **more):
    says = {"title": Say(en="a title", zh="标题"), "said": Say(en=f"found {NASTY}", zh="发现 <问题>")}
    fields = {"kind": "camera", "subject": name, "impact": Impact.PASSIVE, **says, **more}
    return Outcome(id=ident, name=name, verdict=verdict, **fields)


def report(*checks, **more):
    fields = {
        "id": "abc123",
        "trigger": "test",
        "site": "site",
        "agent": "room",
        "version": "0.1",
        "config_sha256": "0" * 64,
        "depth": "full",
        "started": "2026-01-02T03:04:05.678Z",
        "seconds": 12.5,
        "on_air": False,
    }
    return Report(checks=checks, **{**fields, **more})


V = Verdict
LIGHT = {
    "levels": [0.5, 1.0],
    "shares": [0.49, 1.0],
    "baseline": [0.5, None],
    "zones": [[None if x == 0 else x / 16 for x in range(16)] for _ in range(9)],
}
MIXED = report(
    check(V.PASS, value=0.98, unit="of nominal", limits=Bounds(warn=0.95, fail=0.8, below=True)),
    check(V.MARGINAL, "CAM-06", value=0.4, unit="stop", limits=Bounds(warn=0.3, fail=0.7)),
    check(V.FAIL, "LGT-01", "key", kind="light", remedy=Say(en="swap it", zh="更换"), evidence=LIGHT, value=0.0),
    check(V.ERROR, "LGT-02", "key", kind="light"),
    check(V.SKIPPED, "LGT-03", "key", kind="light"),
    check(V.OVERDUE, "AGT-05", "agent", kind="agent"),
)


@pytest.mark.parametrize(
    ("verdicts", "worst", "code"),
    [
        ([V.PASS, V.PASS], V.PASS, 0),
        ([V.PASS, V.MARGINAL], V.MARGINAL, 1),
        ([V.PASS, V.SKIPPED], V.SKIPPED, 1),
        ([V.PASS, V.OVERDUE], V.OVERDUE, 1),
        ([V.MARGINAL, V.ERROR], V.ERROR, 3),
        ([V.ERROR, V.FAIL, V.PASS], V.FAIL, 2),
        ([], V.SKIPPED, 1),
    ],
)
def test_the_worst_counts_and_skipped_is_no_pass(verdicts, worst, code):
    made = report(*map(check, verdicts))
    assert (made.verdict, made.exit_code) == (worst, code)


def test_what_does_not_apply_takes_nothing_away_but_proves_nothing_either():
    assert roll_up([check(V.PASS), check(V.SKIPPED, asked=False)]) is V.PASS
    assert roll_up([check(V.SKIPPED, asked=False)]) is V.SKIPPED


def test_json_goes_there_and_back_and_holds_the_verdict():
    text = MIXED.to_json()
    assert Report.model_validate_json(text) == MIXED
    loaded = json.loads(text)
    assert (loaded["verdict"], loaded["exit_code"]) == ("fail", 2)
    assert loaded["counts"] == {"fail": 1, "error": 1, "marginal": 1, "overdue": 1, "skipped": 1, "pass": 1}


def test_the_summary_names_the_worst_first():
    summary = MIXED.summary()
    assert summary.worst == ("LGT-01:key", "LGT-02:key", "CAM-06:front", "AGT-05:agent")
    assert summary.verdict == "fail"


def test_junit_is_xml_and_its_counts_are_right():
    root = ElementTree.fromstring(junit(MIXED))
    assert {k: root.get(k) for k in ("tests", "failures", "errors", "skipped")} == {
        "tests": "6", "failures": "1", "errors": "1", "skipped": "1",
    }  # fmt: skip
    suites = {suite.get("name"): suite for suite in root.iter("testsuite")}
    assert set(suites) == {"camera front", "light key", "agent agent"}
    assert [len(case) for case in suites["light key"]] == [1, 1, 1]
    failure = root.find(".//failure")
    assert "found a <b>" in failure.get("message")
    assert "更换" in failure.text


@pytest.mark.parametrize("language", ["en", "zh", "both"])
def test_the_page_is_well_formed_and_needs_nothing_from_outside(language):
    text = page(MIXED.model_copy(update={"agent": "<script>alert(1)</script>"}), language).replace("\x00", "")
    root = ElementTree.fromstring(text.partition("\n")[2])
    tags = [element.tag for element in root.iter()]
    assert "script" not in tags
    assert "link" not in tags
    assert all(word not in text for word in ("http:", "https:", "url(", "@import", "src="))
    assert tags.count("article") == 3
    assert tags.count("tr") == 6
    assert sum(element.get("class") == "heat" for element in root.iter("svg")) == 1
    assert [e.get("id") for e in root.iter("input") if e.get("checked")] == [f"in-{language}"]
    assert root.find(".//header").get("class") == "fail"
    assert "更换" in "".join(root.find(".//ol").itertext())


def test_the_table_says_everything_once_in_the_operators_language():
    console = Console(file=StringIO(), width=160, force_terminal=False)
    show(MIXED, console, "zh")
    text = console.file.getvalue()
    assert "发现故障" in text
    assert "98.0 % of nominal" in text
    assert text.count("LGT-01") == 2  # in the table, and in what to do first


@pytest.mark.parametrize(
    ("accepted", "said"),
    [(("key", "fill"), "Taken into the baseline: key, fill."), ((), "No light was taken"), (None, "")],
)
def test_what_was_accepted_is_said(accepted, said):
    made = MIXED.model_copy(update={"accepted": accepted})
    console = Console(file=StringIO(), width=160, force_terminal=False)
    show(made, console, "en")
    for text in (console.file.getvalue(), page(made)):
        assert said in text
        assert ("the baseline" in text) == bool(said)


# --- the chain ---------------------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path):
    return ReportStore(tmp_path, keep=3)


def filled(store, count):
    return [store.append(report(check(V.PASS), id=f"run{number}")) for number in range(1, count + 1)]


def test_reports_follow_one_another_and_the_old_ones_go(store):
    stored = filled(store, 5)
    assert [each.number for each in stored] == [1, 2, 3, 4, 5]
    assert stored[0].previous == ""
    assert [each.id for each in store.newest_first()] == ["run5", "run4", "run3"]
    assert store.latest(lambda each: each.id != "run5").id == "run4"
    assert store.verify() == []


def test_an_empty_store_is_whole(store):
    assert store.verify() == []
    assert store.latest() is None


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_changed_report_is_found(store, number):
    filled(store, 3)
    path = next(store.folder.glob(f"00000{number}-*"))
    path.write_text(path.read_text().replace("found", "never"))
    assert any(path.name in wrong for wrong in store.verify())


def test_a_missing_report_is_found(store):
    filled(store, 3)
    next(store.folder.glob("000002-*")).unlink()
    assert store.verify() == ["between 000001-run1.json and 000003-run3.json reports are missing"]


def test_a_missing_last_report_is_found(store):
    filled(store, 3)
    next(store.folder.glob("000003-*")).unlink()
    assert store.verify() == ["the chain ends at 2, its head says 3"]


def test_a_power_cut_between_report_and_head_is_no_tampering(store):
    filled(store, 2)
    head = (store.folder / "head").read_bytes()
    store.append(report(check(V.PASS), id="run3"))
    (store.folder / "head").write_bytes(head)
    assert store.verify() == []
    assert store.append(report(check(V.PASS), id="run4")).number == 4
    assert store.verify() == []


def test_a_file_that_is_no_report_is_told_and_the_chain_goes_on(store):
    filled(store, 2)
    next(store.folder.glob("000002-*")).write_text("{")
    assert any("cannot be read" in wrong for wrong in store.verify())
    assert store.append(report(check(V.PASS), id="run3")).number == 3


def test_a_narrow_terminal_gets_a_line_a_check_and_the_text_of_those_that_did_not_pass():
    console = Console(file=StringIO(), width=80, color_system=None)
    made = report(
        check(V.PASS, "CAM-01", value=104.2, unit="ms"),
        check(V.FAIL, "CAM-02", remedy=Say(en="do this", zh="这样做")),
    )
    show(made, console, "en")
    lines = console.file.getvalue().split("\n")
    assert lines[:3] == ["front", "pass  CAM-01  a title  104 ms", "fail  CAM-02  a title"]
    assert lines[3].startswith("      found a <b>")
    assert "CAM-02 front: do this" in lines
    assert max(cell_len(line) for line in lines) <= 80


@pytest.mark.parametrize(
    ("language", "lang", "title"),
    [("en", "en", "Faults found"), ("zh", "zh-CN", "发现故障"), ("both", "zh-CN", "Faults found / 发现故障")],
)
def test_the_page_says_which_language_it_is_in(language, lang, title):
    text = page(MIXED, language)
    assert f'<html lang="{lang}">' in text
    assert f"<title>room · {title} · " in text


def test_a_verdict_is_read_without_its_colour_in_both_languages():
    text = page(MIXED, "both")
    for sign, zh, en in (
        ("✓", "通过", "pass"),
        ("!", "临界", "marginal"),
        ("✕", "不合格", "fail"),
        ("–", "未执行", "skipped"),
    ):
        words = f'<span class="zh" lang="zh-CN">{zh}</span><span class="en" lang="en">{en}</span>'
        assert f'aria-hidden="true">{sign}</span> {words}</i>' in text
    assert ".badge .en { display: none" not in text


def test_what_does_not_apply_is_not_counted_as_skipped():
    apart = report(check(V.PASS), check(V.SKIPPED), check(V.SKIPPED, asked=False))
    console = Console(file=StringIO(), width=120)
    show(apart, console)
    assert "(1 skipped, 1 pass, 1 does not apply)" in console.file.getvalue()
    assert "<b>1</b> " in page(apart) and "不适用" in page(apart).partition("</header>")[0]


def test_one_is_singular():
    assert measured(check(V.PASS, value=1, unit="files")) == "1 file"
    assert measured(check(V.PASS, value=2, unit="files")) == "2 files"
    assert measured(check(V.PASS, value=1.0, unit="ms")) == "1 ms"


def test_titles_are_in_sentence_case():
    assert [entry.title.en for entry in CATALOGUE.values() if not entry.title.en[0].isupper()] == []
