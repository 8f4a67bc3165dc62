"""Topics, payloads, commands and schema: pure parts."""

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from structlog.testing import capture_logs

from agent.messaging import commands, payloads, service_args
from agent.messaging.board import Board
from agent.messaging.commands import ARGS, read_args, read_envelope, read_json
from agent.messaging.header import Payload, Stamp, decode
from agent.messaging.hints import hint
from agent.messaging.lifecycle import SAID, ReasonCode, Refusal
from agent.messaging.meter import Meter
from agent.messaging.payloads import AirState, Answer, Telemetry
from agent.messaging.schema import document
from agent.messaging.topics import TABLE, Topics, parse, table

TOPICS = Topics("hall", "one")
levels = st.text(st.characters(exclude_characters="/+#\0", exclude_categories=["Cs"]), min_size=1)


@given(st.data())
def test_topics_and_parse_are_each_others_reverse(data: st.DataObject) -> None:
    row = data.draw(st.sampled_from(TABLE))
    names = [level[1:-1] for level in row.pattern.split("/") if level.startswith("{")]
    parts = {name: data.draw(levels) for name in names}
    found = parse(TOPICS.of(row.name, **parts))
    assert found is not None
    assert (found.row.name, found.site, found.agent, found.parts) == (row.name, "hall", "one", parts)


@given(st.text() | st.lists(st.sampled_from(["studio", "v1", "hall", "up", "cmd", "", "a"])).map("/".join))
def test_any_text_parses_or_does_not(text: str) -> None:
    parse(text)


@pytest.mark.parametrize("bad", ["", "a/b", "+", "#", "a\0"])
def test_a_level_that_would_break_the_topic_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="topic level"):
        TOPICS.alert(bad)


def test_the_table_lists_every_topic_with_its_payload() -> None:
    lines = table().splitlines()
    assert len(lines) == len(TABLE) + 2
    said = "A command's state; emptied some time after its end, or by the requester."
    assert f"| `up/cmd/<verb>/<id>` | 1 | yes | result | Answer | {said} |" in lines
    assert "<" not in re.sub("`[^`]*`", "", table()), "Markdown takes <name> outside of backticks for HTML"
    assert len({row.name for row in TABLE}) == len({row.pattern for row in TABLE}) == len(TABLE)


def test_a_header_is_put_on_and_counted() -> None:
    stamp = Stamp(lambda: 1_700_000_000.25, lambda: 12.3456789)
    first, second = stamp.on(Answer(id="a", verb="v", state="accepted")), stamp.on(payloads.Echo(nonce="n"))
    assert first.ts == "2023-11-14T22:13:20.250Z" and first.mono == 12.345679
    assert (first.seq, second.seq) == (1, 2) and first.boot == second.boot
    assert decode(Answer, first.encode()) == first


def test_telemetry_is_flat_and_a_missing_number_is_null() -> None:
    found = json.loads(Telemetry.of({"rtt_ms": 1.5, "loss": math.nan, "n": 3, "x": math.inf}).encode())
    assert found["rtt_ms"] == 1.5 and found["loss"] is None and found["n"] == 3 and found["x"] is None
    for bad in ("seq", "RTT", "a b", ""):
        with pytest.raises(ValueError, match="cannot name a number"):
            Telemetry.of({bad: 1.0})


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed"),
        (b"[]", "malformed"),
        (b"\xff", "malformed"),
        (b'{"a": NaN}', "malformed"),
        (b'{"a": -Infinity}', "malformed"),
        (b'{"a": 1e999}', "malformed"),
        (b'{"a": 1, "a": 2}', "malformed"),
        (b'{"a": "\\ud800"}', "malformed"),
        (b'{"a": ' + b"[" * 8 + b"]" * 8 + b"}", "malformed"),
        (b"[" * 15_000, "malformed"),
        (b" " * 16_001, "too-large"),
    ],
)
def test_json_as_it_should_not_be(body: bytes, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        read_json(body)
    assert refused.value.code == code


def test_json_at_its_limits() -> None:
    assert read_json(b'{"a": ' + b"[" * 7 + b"]" * 7 + b"}")
    assert read_json(b"{}" + b" " * (commands.MAX_BYTES - 2)) == {}


@pytest.mark.parametrize(
    ("verb", "args", "code", "where"),
    [
        ("lights.set", {"targets": ["key"], "levels": {"intensity": 1.01}}, "out-of-range", "args.levels"),
        (
            "lights.set",
            {"targets": ["key"], "levels": {"intensity": 1.0000000001}},
            "out-of-range",
            "intensity 1.0000000001 is not in 0…1",
        ),
        (
            "lights.set",
            {"targets": ["role:sun"], "levels": {}},
            "invalid",
            "[0]: there is no role sun; one of: key, fill, back, practical",
        ),
        ("lights.set", {"targets": ["rôle:key"], "levels": {}}, "invalid", "does not have the right form (Names of"),
        ("lights.set", {"targets": ["key"], "levels": {"cct": 500}}, "out-of-range", "args.levels"),
        ("lights.set", {"targets": ["key"], "levels": {"intensity": "1"}}, "invalid", "args.levels.intensity"),
        ("lights.set", {"targets": ["key"], "levels": {"intensity": True}}, "invalid", "args.levels.intensity"),
        ("lights.set", {"targets": ["key"], "levels": {"glow": 1}}, "invalid", "args.levels.glow"),
        ("lights.set", {"targets": ["key"], "levels": {}}, "invalid", "args.levels"),
        ("lights.set", {"targets": [], "levels": {"red": 1}}, "invalid", "args.targets"),
        ("lights.set", {"targets": ["role:sun"], "levels": {"red": 1}}, "invalid", "args.targets[0]"),
        ("lights.set", {"targets": ["key"], "levels": {"red": 1}, "fade": -1}, "out-of-range", "args.fade"),
        ("exposure.set", {"mode": "hold", "target": 0.0049}, "out-of-range", "args.target"),
        ("exposure.set", {"mode": "hold", "target": 1e-9}, "out-of-range", "args.target"),
        ("exposure.set", {"mode": "hold", "target": 1.01}, "out-of-range", "args.target"),
        ("lights.set", {"targets": ["key"], "levels": {"red": 10**400}}, "invalid", "args.levels.red"),
        ("exposure.set", {"mode": "auto"}, "invalid", "args.mode"),
        ("identify", {"fixture": "key", "seconds": 61}, "out-of-range", "args.seconds"),
        ("ping", {"x": 1}, "invalid", "args.x"),
        ("selftest.start", {"depth": "full", "accept": True}, "invalid", "args.accept"),
        ("maintenance.accept", {"targets": ["key"]}, "invalid", "args.reason"),
        ("maintenance.rebaseline", {"targets": ["key"], "reason": " "}, "invalid", "args.reason"),
        ("maintenance.rebaseline", {"reason": "cleaned"}, "invalid", "args.targets"),
    ],
)
def test_arguments_that_are_wrong_are_said_where(verb: str, args: dict[str, Any], code: str, where: str) -> None:
    with pytest.raises(Refusal) as refused:
        read_args(ARGS[verb], args)
    assert refused.value.code == code, refused.value.message.en
    assert where in refused.value.message.en


def test_arguments_that_are_right() -> None:
    full = {"targets": ["all", "role:key", "fill-2"], "levels": {"intensity": 1, "tint": -1}, "fade": 2.5, "hold": 60}
    found = read_args(commands.LightsSet, full)
    assert found.levels == {"intensity": 1.0, "tint": -1.0} and found.hold == 60
    assert read_args(commands.LightsRelease, {}).targets == ("all",)
    assert read_args(service_args.SelftestStart, {"depth": "full", "only": ["LGT-01"]}).only == ("LGT-01",)


@pytest.mark.parametrize(
    "body",
    ['{"arg": {}}', '{"args": []}', '{"expires_at": 5}', '{"expires_at": "2030-01-01T00:00:00"}', '{"issuer": 1}']
    + [json.dumps({"reply_to": topic}) for topic in ("", "a/+", "#", "$SYS/x", "studio/v1/a/b/down/air", "x" * 300)],
)
def test_envelopes_that_are_wrong(body: str) -> None:
    with pytest.raises(Refusal) as refused:
        read_envelope(body.encode())
    assert refused.value.code is ReasonCode.MALFORMED


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (
            {"levels": {"intensity": 1}},
            "args.targets: is missing (give it: Names of fixtures, `group:NAME`, `role:key`, or `all`)",
        ),
        ({"targets": [], "levels": {"intensity": 1}}, "args.targets: is empty (at least 1 item)"),
        ({"target": ["key"], "levels": {"intensity": 1}}, "args.target: unknown key (did you mean 'targets'?)"),
        ({"targets": ["key"], "levels": 1}, "args.levels: an object is expected, not 1 (keys and values of its own)"),
        (
            {"targets": ["key"], "levels": {"cct": "1"}},
            'args.levels.cct: a number is expected, not "1" (without quotes: 1)',
        ),
    ],
)
def test_what_is_wrong_with_arguments_is_said_in_plain_words(args: dict[str, Any], said: str) -> None:
    with pytest.raises(Refusal) as refused:
        read_args(commands.LightsSet, args)
    assert refused.value.message.en == f"an argument is wrong: {said}"


def test_a_time_without_a_zone_is_said_in_plain_words() -> None:
    with pytest.raises(Refusal, match=r'expires_at: "2030-01-01T00:00:00" is not a time with its zone \(like "20'):
        read_envelope(b'{"expires_at": "2030-01-01T00:00:00"}')


def test_every_reason_is_said_in_both_languages() -> None:
    assert set(SAID) == set(ReasonCode)
    assert all(text.en and text.zh for text in SAID.values())


def test_the_schema_is_one_and_real_messages_pass_it() -> None:
    whole = document("1.2.3")
    Draft202012Validator.check_schema(whole)
    json.dumps(whole)
    assert set(whole["commands"]) == set(ARGS) and len(whole["topics"]) == len(TABLE)
    stamp = Stamp(lambda: 0.0, lambda: 0.0)

    def check(name: str, body: bytes) -> None:
        Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": whole["$defs"]}).validate(json.loads(body))

    check("Answer", stamp.on(Answer(id="a", verb="ping", state="rejected", code="busy")).encode())
    check("Telemetry", stamp.on(Telemetry.of({"cpu_percent": 1.0, "gone": math.nan})).encode())
    check("Status", stamp.on(payloads.Status(state="offline", reason="lost", session="s")).encode())
    check("FixtureState", stamp.on(payloads.FixtureState(levels={"intensity": 0.5})).encode())
    check("LightsSet", b'{"targets": ["key"], "levels": {"intensity": 0.5}}')
    check("AirMessage", b'{"on_air": true, "source": "obs", "issued_at": "2030-01-01T00:00:00Z"}')
    with pytest.raises(Exception, match="Additional properties"):
        check("LightsSet", b'{"targets": ["key"], "levels": {"intensity": 0.5}, "fda": 1}')


def test_the_board_keeps_trying_what_was_not_taken() -> None:
    sent: list[tuple[str, bytes]] = []
    open_line = False

    def publish(topic: str, body: bytes) -> bool:
        if open_line:
            sent.append((topic, body))
        return open_line

    board = Board(publish, Stamp(lambda: 0.0, lambda: 0.0))
    board.put("a", payloads.Echo(nonce="1"))
    board.put("b", payloads.Echo(nonce="1"))
    board.clear("b")
    open_line = True
    board.retry()
    assert [(topic, bool(body)) for topic, body in sent] == [("a", True), ("b", False)]
    board.retry()
    assert len(sent) == 2
    board.republish()
    assert sent[2] == sent[0] and len(sent) == 3


def test_the_meter_counts_full_seconds() -> None:
    now = [100.0]
    meter = Meter(lambda: now[0])
    for _ in range(10):
        meter.count()
    assert meter.rate == 0 and meter.total == 10
    now[0] = 101.0
    assert meter.rate == 2.0
    now[0] = 106.0
    assert meter.rate == 0


def test_what_changes_on_the_board_is_heard_and_so_is_its_end() -> None:
    heard: list[tuple[str, bool | None]] = []

    def listen(topic: str, payload: Payload | None) -> None:
        heard.append((topic, payload.on_air if isinstance(payload, AirState) else None))

    board = Board(lambda topic, body: True, Stamp(lambda: 0.0, lambda: 0.0), heard=listen)
    for _ in range(2):
        board.put("a", AirState(on_air=True, known=True))
    for _ in range(2):
        board.clear("a")
    assert heard == [("a", True), ("a", None)]


@pytest.mark.parametrize(
    ("args", "zh"),
    [
        ({"levels": {"intensity": 1}}, "参数有误：args.targets 缺少此项"),
        ({"targets": ["key"], "levels": {"cct": "1"}}, "参数有误：args.levels.cct 应为数字"),
        ({"targets": ["key"], "levels": {"cct": 3000}, "fade": -1}, "数值超出范围：args.fade 应不小于 0"),
        ({"targets": ["key"], "levels": {"intensity": 7}}, "数值超出范围：args.levels intensity 应在 0…1"),
    ],
)
def test_what_is_wrong_is_said_in_chinese_too_not_repeated_in_english(args: dict[str, Any], zh: str) -> None:
    with pytest.raises(Refusal) as refused:
        read_args(commands.LightsSet, args)
    assert refused.value.message.zh == zh


def test_a_hint_is_given_in_both_languages() -> None:
    assert hint("kee", ["key", "fill"]) == ("did you mean 'key'?", "是否指 key？")
    assert hint("x", ["key", "fill"]) == ("one of: fill, key", "可选：fill、key")


def test_a_memory_that_cannot_be_written_is_logged_once(tmp_path: Path) -> None:
    blocked = tmp_path / "state"
    blocked.touch()
    board = Board(lambda topic, body: True, Stamp(lambda: 0.0, lambda: 0.0), blocked / "topics.json")
    with capture_logs() as said:
        for name in ("key", "fill", "back"):
            board.put(TOPICS.state("fixture", name), AirState(on_air=True, known=True))
        blocked.unlink()
        board.put(TOPICS.state("fixture", "rim"), AirState(on_air=True, known=True))
        board.put(TOPICS.state("fixture", "top"), AirState(on_air=True, known=True))
    assert [entry["event"] for entry in said] == ["board.memory-unwritable", "board.memory-writable"]
