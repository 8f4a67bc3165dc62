"""What is refused before anything is done."""

import os
from pathlib import Path

import pytest

from tests.agent.cli.shell import CONFIG, studio


def test_the_demo_takes_nothing_away_from_a_folder_that_is_not_its_own(tmp_path: Path) -> None:
    mine = tmp_path / "state" / "thesis.txt"
    mine.parent.mkdir()
    mine.write_text("years of work")
    found = studio("demo", "--plain", "--seconds", "1", "--folder", tmp_path)
    assert found.returncode == os.EX_CANTCREAT and "a --folder of its own" in found.stderr
    assert mine.read_text() == "years of work" and list(tmp_path.iterdir()) == [mine.parent]


def test_a_photograph_that_is_none_ends_the_demo_in_one_line(tmp_path: Path) -> None:
    wrong = tmp_path / "set.jpg"
    wrong.write_text("no picture")
    found = studio("demo", "--plain", "--seconds", "9", "--folder", tmp_path / "demo", "--photograph", wrong)
    assert found.returncode == os.EX_NOINPUT and "is no photograph that can be read" in found.stderr
    assert "Traceback" not in found.stderr


def test_a_log_level_from_the_environment_is_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "studio.toml"
    file.write_text(CONFIG)
    found = studio("run", "-c", file, STUDIO_AGENT_LOG_LEVEL="loud")
    assert found.returncode == os.EX_CONFIG and "one of: debug, info" in found.stderr
    assert "Traceback" not in found.stderr
    found = studio("run", "-c", tmp_path / "no.toml", STUDIO_AGENT_LOG_LEVEL="INFO")
    assert found.returncode == os.EX_NOINPUT


def test_a_wildcard_is_no_agent() -> None:
    for words in (("send", "ping", "--agent", "+"), ("watch", "--site", "#")):
        found = studio(*words)
        assert found.returncode == os.EX_USAGE and "is no name" in found.stderr and "Traceback" not in found.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("demo", "--seconds=-1"), "--seconds: '-1': seconds, above 0 and at most a year, such as 30 or 0.5"),
        (("demo", "--seconds=nan"), "--seconds: 'nan': seconds, above 0"),
        (("demo", "--seconds=inf"), "--seconds: 'inf': seconds, above 0"),
        (("demo", "--seconds="), "--seconds: '': seconds, above 0"),
        (("demo", "--port=99999"), "--port: '99999': a port is a whole number from 1 to 65535"),
        (("demo", "--port=0"), "--port: '0': a port is a whole number from 1 to 65535"),
        (("demo", "--port=-1"), "--port: '-1': a port is a whole number from 1 to 65535"),
        (("reflector", "--port=65536"), "--port: '65536': a port is a whole number from 0 to 65535"),
    ],
)
def test_a_number_that_cannot_be_is_a_usage_error_in_one_sentence(words: tuple[str, str], said: str) -> None:
    found = studio(*words)
    assert (found.returncode, found.stdout) == (os.EX_USAGE, "")
    assert found.stderr.startswith(f"usage: studio-agent {words[0]}")
    assert f"studio-agent {words[0]}: argument {said}" in found.stderr.splitlines()[-1]


def test_a_report_that_could_not_be_written_is_said_before_anything_is_tested(tmp_path: Path) -> None:
    file = tmp_path / "studio.toml"
    file.write_text(CONFIG)
    for option, target, why in (("--html", tmp_path / "no" / "x.html", "no folder"), ("--junit", tmp_path, "a folder")):
        found = studio("selftest", "--virtual", "-c", file, option, target)
        assert (found.returncode, found.stdout) == (os.EX_USAGE, "")
        assert why in found.stderr and not (tmp_path / "state").exists()
