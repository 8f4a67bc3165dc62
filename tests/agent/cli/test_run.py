"""The service as a process: signals, exit codes, a refused reload."""

import json
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.agent.cli.shell import CONFIG, Running, studio
from tests.waiting import PATIENCE


@pytest.fixture
def service(start: Callable[..., Running]) -> Running:
    """The service, ready."""
    running = start("run", "--virtual")
    running.wait_line(event("agent.ready"))
    return running


def event(name: str) -> Callable[[str], bool]:
    return lambda line: line.startswith("{") and json.loads(line).get("event") == name


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(service: Running, number: int) -> None:
    service.process.send_signal(number)
    assert service.code() == 0
    assert json.loads(service.lines[-1])["event"] == "agent.stopped"


def test_a_refused_new_file_is_logged_with_its_fault_and_the_old_one_goes_on(service: Running, file: Path) -> None:
    file.write_text(CONFIG.replace("address = 1", "address = 513"))
    service.process.send_signal(signal.SIGHUP)
    refused = json.loads(service.wait_line(event("config.refused")))
    assert refused["problems"][0].startswith(f"{file}:17: fixtures.key.address – ")
    file.write_text(CONFIG.replace("address = 1", "address = 12"))
    service.process.send_signal(signal.SIGHUP)
    service.wait_line(event("config.reloaded"))
    service.process.send_signal(signal.SIGTERM)
    assert service.code() == 0


def test_a_reload_asked_for_while_it_starts_is_done_when_it_is_ready(start: Callable[..., Running]) -> None:
    running = start("run", "--virtual")
    blocked = re.compile(r"^SigBlk:\s*[0-9a-f]*[13579bdf]$", re.MULTILINE)
    status = Path(f"/proc/{running.process.pid}/status")
    end = time.monotonic() + PATIENCE
    while not blocked.search(status.read_text()):
        assert running.process.poll() is None and time.monotonic() < end
    running.process.send_signal(signal.SIGHUP)
    running.wait_line(event("config.reloaded"))
    running.process.send_signal(signal.SIGTERM)
    assert running.code() == 0


def test_a_second_agent_on_the_same_state_folder_is_told_to_try_later(service: Running, file: Path) -> None:
    second = studio("run", "--virtual", "-c", file)
    assert second.returncode == 75
    assert f"another agent (process {service.process.pid}) runs in {file.parent / 'state'}" in second.stderr


def test_a_state_folder_that_cannot_be_used_is_one_clear_line(file: Path) -> None:
    state = file.parent / "state"
    state.write_text("a file where a folder should be")
    said = studio("run", "--virtual", "-c", file)
    assert (said.returncode, said.stdout) == (73, "")
    assert said.stderr.splitlines()[-1].startswith(f"studio-agent run: agent.state_dir {state} cannot be used: File ex")
    assert "Traceback" not in said.stderr
    test = studio("selftest", "--virtual", "-c", file)
    assert (test.returncode, test.stdout) == (3, "")
    assert f"agent.state_dir {state} cannot be used" in test.stderr and "Traceback" not in test.stderr
    state.unlink()
    state.mkdir()
    (state / "agent.lock").symlink_to("/dev/full")  # what a full disk says to every write
    full = studio("run", "--virtual", "-c", file)
    assert full.returncode == 73
    assert "cannot be used: No space left on device" in full.stderr and "Traceback" not in full.stderr


def test_what_cannot_start_says_why_and_with_which_code(tmp_path: Path) -> None:
    missing = studio("run", "-c", tmp_path / "none.toml")
    assert (missing.returncode, missing.stderr) == (66, f"{tmp_path / 'none.toml'}: there is no such file\n")
    bad = tmp_path / "bad.toml"
    bad.write_text(CONFIG.replace("generic/dimmer", "generic/dimer"))
    refused = studio("run", "--virtual", "-c", bad)
    assert refused.returncode == 78
    assert f"{bad}: fixtures.key.profile – there is no profile 'generic/dimer'" in refused.stderr


def test_the_self_test_runs_by_itself_and_its_reports_are_files(file: Path, tmp_path: Path) -> None:
    junit, html = tmp_path / "r.xml", tmp_path / "r.html"
    # without what judges how fast this machine is
    words = ("--only", "SER-01", "SER-02", "WID-02", "--json", "--junit", junit, "--html", html)
    said = studio("selftest", "--virtual", "-c", file, *words)
    report = json.loads(said.stdout)
    assert said.returncode == report["exit_code"] == 0, said.stderr
    assert [check["id"] for check in report["checks"]] == ["SER-01", "SER-02", "WID-02"]
    assert "<testsuite " in junit.read_text()
    assert html.read_text().startswith("<!DOCTYPE html>")
    assert report["accepted"] is None
    assert "http://" not in html.read_text().replace("http://www.w3.org", "")


@pytest.mark.usefixtures("service")
def test_while_the_service_runs_the_self_test_goes_through_it(file: Path) -> None:
    said = studio("selftest", "-c", file, "--only", "WID-*", "--json")
    report = json.loads(said.stdout)
    assert said.returncode == 0, said.stderr
    assert report["trigger"] == "command"
    assert [check["id"] for check in report["checks"]] == ["WID-01", "WID-02"]
    table = studio("selftest", "-c", file, "--only", "WID-01", LANG="en_GB.UTF-8")
    assert "WID-01" in table.stdout
    assert table.stdout.isascii() or "通过" not in table.stdout


def test_a_self_test_that_cannot_be_done_is_unknown_to_monitoring(tmp_path: Path) -> None:
    assert studio("selftest", "-c", tmp_path / "none.toml").returncode == 3


def test_accepting_wants_a_full_test_and_says_when_no_light_was_seen(file: Path) -> None:
    refused = studio("selftest", "--virtual", "-c", file, "--accept")
    assert (refused.returncode, refused.stdout) == (64, "")
    assert "--accept: only with depth full" in refused.stderr
    refused = studio("selftest", "--virtual", "-c", file, "--depth", "full", "--forget")
    assert refused.returncode == 64 and "--forget: only with accept" in refused.stderr
    without_camera = ("--depth", "full", "--accept", "--forget", "--only", "*:key", "--json")
    said = studio("selftest", "--virtual", "-c", file, *without_camera)
    assert said.returncode == 1, said.stderr
    assert json.loads(said.stdout)["accepted"] == []
