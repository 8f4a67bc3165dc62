"""What is refused before anything is done."""

import os
from pathlib import Path

from tests.agent.cli.shell import CONFIG, studio


def test_the_demo_takes_nothing_away_from_a_folder_that_is_not_its_own(tmp_path: Path) -> None:
    mine = tmp_path / "state" / "thesis.txt"
    mine.parent.mkdir()
    mine.write_text("years of work")
    found = studio("demo", "--plain", "--seconds", "1", "--folder", tmp_path)
    assert found.returncode == os.EX_CANTCREAT and "a --folder of its own" in found.stderr
    assert mine.read_text() == "years of work" and list(tmp_path.iterdir()) == [mine.parent]


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
