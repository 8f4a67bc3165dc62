"""The README's tutorial as it stands there: what is to be left running is, every other line must end as it says."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tests.processes import ROOT
from tests.waiting import wait_for_port

FADED = '"levels":{"intensity":0.8}'
LEFT_RUNNING = ("mosquitto -p", ".venv/bin/python -m drivers", "(trap exit", "./studio reflector", "./studio run")


def blocks() -> list[str]:
    """The shell blocks of the section *Tutorial*, in their order."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## Tutorial", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"```sh\n(.*?)\n```", section, re.DOTALL)


def allowed(line: str) -> set[int]:
    """``# exit 2`` and ``# exit 0-3`` behind a command; else 0."""
    found = re.search(r"# exit (\d)(?:-(\d))?", line)
    if not found:
        return {0}
    return set(range(int(found[1]), int(found[2] or found[1]) + 1))


@contextmanager
def running(command: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A command in a process group of its own, as in a terminal of its own."""
    words = command.replace(".venv/bin/python", sys.executable)
    with (folder / "left-running.log").open("ab") as log:
        child = subprocess.Popen(
            words, shell=True, cwd=ROOT, env=environment(), stdin=subprocess.PIPE, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    try:
        yield child
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGTERM)
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait(5)
        if child.stdin:
            child.stdin.close()


def environment() -> dict[str, str]:
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    return {**os.environ, "PATH": path, "STUDIO_AGENT_CONFIG": "config/examples/tutorial.toml"}


def say(command: str) -> tuple[int, str]:
    done = subprocess.run(
        command, shell=True, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout + done.stderr


def until(wanted: str, command: str) -> tuple[int, str]:
    """Say it again until it shows what was commanded just before: a light takes its time to fade there."""
    deadline = time.monotonic() + 30
    while True:
        code, text = say(command)
        if wanted in text:
            return code, text
        assert time.monotonic() < deadline, f"{command}\nnever showed {wanted}, last\n{text}"


def test_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    told: dict[str, str] = {}
    shutil.rmtree(ROOT / ".tutorial", ignore_errors=True)
    with ExitStack() as terminals:
        for block in blocks():
            if block.startswith(LEFT_RUNNING):
                child = terminals.enter_context(running(block, tmp_path))
                if block.startswith("mosquitto"):
                    wait_for_port(18830)
                if block.startswith("./studio run"):
                    service, started = child, block
                    wait_until_ready(tmp_path)
                continue
            for line in block.splitlines():
                if line.startswith("export "):
                    continue
                code, text = until(FADED, line) if line.startswith("mosquitto_sub") else say(line)
                assert code in allowed(line), (
                    f"{line}\nexit {code}\n{text}\n{(tmp_path / 'left-running.log').read_text()}"
                )
                told[line.split("#")[0].strip()] = text
        os.killpg(service.pid, signal.SIGKILL)
        service.wait(10)
        killed = (tmp_path / "left-running.log").stat().st_size
        terminals.enter_context(running(started, tmp_path))
        wait_until_ready(tmp_path, killed)
        shown = next(line for block in blocks() for line in block.splitlines() if line.startswith("mosquitto_sub"))
        until(FADED, shown)
    assert any("kee" in text and "key" in text for line, text in told.items() if "kee" in line)
    assert any("on-air" in text for line, text in told.items() if "identify" in line)
    assert "</html>" in Path("/tmp/studio-report.html").read_text(encoding="utf-8")
    frames = (tmp_path / "left-running.log").read_text()
    assert '"slots": "40' in frames, "key at 25 %"


def wait_until_ready(folder: Path, since: int = 0) -> None:
    """The service says it is ready and its camera is there; ``since``: bytes of the log that do not count."""
    log = folder / "left-running.log"
    for _ in range(300):
        text = log.read_bytes()[since:].decode(errors="replace")
        if "agent.ready" in text and '"device": "front"' in text.replace("device=front", '"device": "front"'):
            return
        threading.Event().wait(0.1)
    raise AssertionError(log.read_text())
