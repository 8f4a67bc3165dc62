"""What a person types for ``send`` and ``watch``, and what they are shown."""

import json
from pathlib import Path

import pytest

from agent.cli import parser, send, watch
from agent.messaging import payloads
from agent.messaging.header import Say
from agent.messaging.lifecycle import ReasonCode, State
from agent.messaging.message import Message
from agent.messaging.payloads import Answer
from agent.messaging.topics import Topics
from tests.agent.cli.shell import studio

TOPICS = Topics("hall", "a")


@pytest.mark.parametrize(
    ("typed", "args"),
    [
        (
            "lights.set key role:fill intensity=0.4 cct=5600 fade=2",
            {"targets": ["key", "role:fill"], "levels": {"intensity": 0.4, "cct": 5600}, "fade": 2},
        ),
        ("lights.set targets=key,back intensity=1", {"targets": ["key", "back"], "levels": {"intensity": 1}}),
        ("look.apply show", {"look": "show"}),
        ("look.apply look=show fade=0.5", {"look": "show", "fade": 0.5}),
        ("lights.release", {}),
        ("lights.release key", {"targets": ["key"]}),
        ("exposure.set hold target=0.2", {"mode": "hold", "target": 0.2}),
        ("exposure.set mode=watch", {"mode": "watch"}),
        ("selftest.start depth=full", {"depth": "full"}),
        ("selftest.start WID-01 LGT-*", {"only": ["WID-01", "LGT-*"]}),
        ("identify key seconds=3", {"fixture": "key", "seconds": 3}),
        ("command.cancel abc", {"id": "abc"}),
        ("ping", {}),
        (
            "lights.set key intensity=.3 cct=3e3 tint=-.5 fade=+1",
            {"targets": ["key"], "levels": {"intensity": 0.3, "cct": 3000.0, "tint": -0.5}, "fade": 1.0},
        ),
        ("lights.set key intensity=NaN fade=3e-1", {"targets": ["key"], "levels": {"intensity": "NaN"}, "fade": 0.3}),
        ("command.cancel id=007", {"id": "007"}),
    ],
)
def test_words_become_arguments(typed: str, args: dict[str, object]) -> None:
    verb, *words = typed.split()
    assert send.parse(verb, words) == args


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("light.set key", "there is no command 'light.set' – did you mean 'lights.set'?"),
        ("lights.set key intensty=1", "lights.set has no argument 'intensty' – did you mean 'intensity'?"),
        ("look.save name=x", "look.save has no argument 'name' – one of: fade, levels, look, targets, why"),
        ("look.save x intensity=1", "look.save has no argument 'intensity' – one of: fade, levels, look, targets, why"),
        ("look.apply show twice", "look.apply: what is 'twice'? Its arguments are look, fade, targets"),
        ("lights.set key intensity=0.2 intensity=0.4", "lights.set: intensity is given twice: say it once"),
        ("look.apply show look=night", "look.apply: 'show' and look= both say look: say it once"),
        ("ping pong", "ping: what is 'pong'? Its arguments are none"),
    ],
)
def test_a_misspelt_command_is_a_usage_error_and_never_sent(typed: str, said: str) -> None:
    verb, *words = typed.split()
    with pytest.raises(send.Misspelt) as found:
        send.parse(verb, words)
    assert str(found.value) == said
    assert studio("send", *typed.split()).returncode == 64


def test_a_text_is_read_from_a_file_as_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "new, and =.toml"
    text = '[agent]\r\nname = "Bühne, 台"\n\n# 1=2, "3"\n'
    file.write_bytes(text.encode())
    assert send.parse("config.propose", [f"text=@{file}"]) == {"text": text}
    assert send.parse("config.propose", ["text=a@b"]) == {"text": "a@b"}, "only in front it names a file"
    file.write_bytes(b"")
    assert send.parse("config.validate", [f"text=@{file}"]) == {"text": ""}


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("none.toml", None, "No such file or directory"),
        ("folder", "folder", "Is a directory"),
        ("latin.toml", b"# B\xfchne", "it is not in UTF-8"),
        ("", None, "Is a directory"),
    ],
)
def test_a_text_that_cannot_be_read_is_one_error_and_never_sent(
    tmp_path: Path, name: str, content: bytes | str | None, why: str
) -> None:
    file = tmp_path / name
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content:
        file.mkdir()
    ran = studio("send", "config.propose", f"text=@{file if name else ''}")
    assert (ran.returncode, ran.stdout) == (64, "")
    shown = f"{file if name else '.'}: {why}"
    assert ran.stderr == f"studio-agent send: text=@{shown} – after text=@ comes the name of a text file\n"


def test_without_a_configuration_it_says_where_one_would_be_looked_for(tmp_path: Path) -> None:
    said = studio("send", "ping", "-c", tmp_path / "none.toml")
    assert (said.returncode, said.stderr) == (66, f"{tmp_path / 'none.toml'}: there is no such file\n")


def test_a_broker_that_is_not_there_is_exit_69(tmp_path: Path) -> None:
    file = tmp_path / "studio.toml"
    file.write_text('[agent]\nsite = "hall"\nname = "a"\n[mqtt]\nhost = "127.0.0.1"\nport = 9\n')
    for words in (("send", "ping"), ("watch",)):
        said = studio(*words, "-c", file)
        assert said.returncode == 69
        assert said.stderr.startswith(f"studio-agent {words[0]}: no broker: 127.0.0.1:9:")


def test_the_configuration_is_found_in_its_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(parser, "SYSTEM", tmp_path / "etc.toml")
    monkeypatch.setattr(parser, "checkout", lambda: tmp_path)
    assert parser.find(None, {}) is None
    (tmp_path / "etc.toml").touch()
    assert parser.find(None, {}) == tmp_path / "etc.toml"
    assert parser.find(None, {parser.VARIABLE: "/x.toml"}) == Path("/x.toml")
    assert parser.find(Path("mine.toml"), {parser.VARIABLE: "/x.toml"}) == Path("mine.toml")


def test_what_is_said_of_several_things_has_a_line_each() -> None:
    lights = {
        "key": {"answer": "ok", "en": "key answers.", "zh": "key 响应正常。"},
        "fill": {"answer": "dead", "en": "fill is dead.", "zh": "fill 无响应。"},
    }
    told = Answer(id="p", verb="exposure.prove", state=State.SUCCEEDED, result={"proven": False, "lights": lights})
    assert send.line(told, 7.5).splitlines() == [
        "  7.500 s  succeeded   proven=false",
        "           key answers. / key 响应正常。",
        "           fill is dead. / fill 无响应。",
    ]


def test_an_answer_is_one_line_with_all_that_matters() -> None:
    done = Answer(id="1", verb="lights.set", state=State.SUCCEEDED, result={"fixtures": ["key"]})
    assert send.line(done, 1.0584) == '  1.058 s  succeeded   fixtures=["key"]'
    no = Answer(
        id="1", verb="x", state=State.REJECTED, code=ReasonCode.ON_AIR, message=Say(en="not now", zh="现在不行")
    )
    assert send.line(no, 0.05) == "  0.050 s  rejected    on-air  not now / 现在不行"
    half = Answer(id="1", verb="x", state=State.EXECUTING, progress=0.5, message=Say(en="step", zh="step"))
    assert send.line(half, 2) == "  2.000 s  executing    50 %  step"


def test_filters_are_kinds_of_topics_or_whole_filters() -> None:
    assert watch.filters([], TOPICS) == ["studio/v1/hall/a/up/#", "studio/v1/hall/a/down/#"]
    assert watch.filters(["tele"], TOPICS) == ["studio/v1/hall/a/up/tele/#"], "one filter: each message once"
    assert watch.filters(["down/cmd/"], TOPICS) == ["studio/v1/hall/a/down/cmd/#"]
    assert watch.filters(["studio/v1/+/+/up/status", "$SYS/#"], TOPICS) == ["studio/v1/+/+/up/status", "$SYS/#"]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("statsu", "no topic is called 'statsu' – did you mean 'status'?"),
        ("state/fixtur/key", "no topic is called 'state/fixtur/key' – did you mean 'state/fixture'?"),
        ("status/key", "no topic is called 'status/key' – did you mean 'state/key'?"),
    ],
)
def test_a_filter_of_no_topic_is_a_usage_error(word: str, said: str) -> None:
    with pytest.raises(send.Misspelt) as found:
        watch.filters([word], TOPICS)
    assert str(found.value).partition(" – ")[0] == said.partition(" – ")[0]
    assert "did you mean" in str(found.value)


@pytest.mark.parametrize(
    "word", ["status", "tele", "tele/+", "state/#", "state/+/key", "cmd", "#", "state/fixture/key/"]
)
def test_a_filter_that_some_topic_can_match_is_taken(word: str) -> None:
    assert watch.filters([word], TOPICS)[0].startswith("studio/v1/hall/a/up/") or word == "#"


@pytest.mark.parametrize("seconds", ["0", "-1", "1.5", "soon"])
def test_a_command_that_expires_at_once_is_not_sent(seconds: str) -> None:
    said = studio("send", "ping", f"--expires={seconds}")
    assert (said.returncode, said.stdout) == (64, "")
    assert "whole seconds, at least 1" in said.stderr


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
def test_waiting_without_an_end_is_a_usage_error(seconds: str) -> None:
    said = studio("send", "ping", f"--wait={seconds}")
    assert (said.returncode, said.stdout) == (64, "")
    assert f"--wait: {seconds!r}: seconds, above 0" in said.stderr


def test_an_id_that_would_be_another_topic_is_not_sent() -> None:
    for bad in ("bad id", "a/b", "+", "", "x" * 65):
        said = studio("send", "ping", f"--id={bad}")
        assert (said.returncode, said.stdout) == (64, "")
        assert "an id is 1 to 64 of A-Z a-z 0-9 _ -" in said.stderr


def test_the_full_screen_view_needs_a_terminal() -> None:
    said = studio("watch", "--live", "--site", "hall", "--agent", "a")
    assert (said.returncode, said.stdout) == (64, "")
    assert said.stderr == (
        "studio-agent watch: --live needs a terminal to draw on: for a pipe leave it out (lines) or use --json\n"
    )


def test_a_message_is_shown_decoded_as_json_or_raw() -> None:
    payload = {
        "v": 1,
        "ts": "2026-01-01T12:00:00.250Z",
        "mono": 1.0,
        "boot": "b",
        "seq": 3,
        "health": "ok",
        "details": {"port": "x"},
        "text": {"en": "dark", "zh": "暗"},
        "reason": "",
        "value": None,
    }
    body = json.dumps(payload, ensure_ascii=False)
    message = Message(TOPICS.state("output", "w"), body.encode(), 1, True)
    line = watch.shown(message, "lines")
    assert line[8:] == f".250 • {'up/state/output/w':34} health=ok details.port=x text='dark'"
    assert json.loads(watch.shown(message, "json")) == {"topic": message.topic, "retained": True, "payload": payload}
    assert watch.shown(message, "raw") == f"{message.topic} {body}"
    assert watch.shown(Message(TOPICS.alert("k"), b"", 1, False), "lines").endswith("(emptied)")
    assert watch.shown(Message("other/topic", b"\xff{", 0, False), "lines").endswith(
        "other/topic" + " " * 24 + "\ufffd{"
    )


def test_what_an_agent_has_and_can_is_lines_a_person_can_read() -> None:
    """Inventory, capability and status are retained: they are the first that ``watch`` shows."""
    said = Say(en="The broker speaks MQTT 3.1.1.", zh="仅支持 3.1.1")
    has = payloads.Inventory(
        fixtures=(
            payloads.FixtureEntry(name="key", role="key", profile="p", personality="8bit", universe=1, address=1),
        ),
        devices=(payloads.DeviceEntry(kind="output", name="w", driver="enttec-pro"),),
        telemetry={
            "network": payloads.Rate(interval=1, max_interval=10, dead_bands={f"number_{n}": 0.5 for n in range(40)})
        },
    )
    verbs = [{"verb": verb, "does": "…", "args": {"description": "x" * 900}} for verb in ("identify", "ping")]
    status = {"degraded": [{"code": "protocol-3.1.1", "text": said.model_dump()}]}

    def line(topic: str, body: bytes) -> str:
        return watch.shown(Message(topic, body, 1, True), "lines")

    first = line(TOPICS.inventory, has.encode())
    assert "fixtures=[key] devices=[w] " in first
    assert "number_0" in first
    assert "number_39" not in first
    assert line(TOPICS.capability, json.dumps({"verbs": verbs}).encode()).endswith("verbs=[identify, ping]")
    assert line(TOPICS.status, json.dumps(status).encode()).endswith(f"degraded=[protocol-3.1.1 '{said.en}']")
    long = watch.shown(Message(TOPICS.report, json.dumps({"text": "x" * 9000}).encode(), 1, True), "json")
    assert json.loads(long)["payload"] == {"text": "x" * 9000}
