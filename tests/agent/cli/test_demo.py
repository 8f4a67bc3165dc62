"""The demo as a newcomer meets it: in a pipe, on a terminal, killed in the middle."""

import asyncio
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import skimage

from agent.cli.demo import Trouble, _configured, _play
from tests.agent.cli.shell import Running, environment, in_session, studio
from tests.processes import ROOT
from tests.waiting import PATIENCE, free_port, until


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    begun: list[Running] = []

    def start(*words: str) -> Running:
        begun.append(Running(("demo", "--folder", tmp_path / "demo", *words)))
        return begun[-1]

    yield start
    for demo in begun:
        demo.kill()
        assert demo.wait_alone() == []


def test_in_a_pipe_it_shows_the_loop_reaching_its_target(start: Callable[..., Running], tmp_path: Path) -> None:
    def on_target(line: str) -> bool:
        found = re.search(r"key .* cam-1 ([+-]\d\.\d\d) stop hold .* msg/s", line)
        return found is not None and abs(float(found[1])) <= 0.15

    before = set((ROOT / "config").rglob("*.toml"))
    demo = start("--plain")
    demo.wait_line(lambda line: "✓ exposure on target" in line)
    demo.wait_line(on_target)
    demo.process.send_signal(signal.SIGTERM)
    assert demo.code() == 0, demo.lines[-20:]
    assert demo.others == []
    assert sorted(path.name for path in (tmp_path / "demo").iterdir()) == [
        ".studio-demo",
        "agent.log",
        "state",
        "studio.toml",
    ]
    assert set((ROOT / "config").rglob("*.toml")) == before


def test_before_a_photograph_too_the_loop_reaches_its_target(start: Callable[..., Running]) -> None:
    photograph = Path(skimage.__file__).parent / "data" / "astronaut.png"
    demo = start("--plain", "--photograph", str(photograph))
    demo.wait_line(lambda line: "✓ exposure on target" in line)
    demo.process.send_signal(signal.SIGTERM)
    assert demo.code() == 0, demo.lines[-20:]


def test_it_ends_by_itself(start: Callable[..., Running]) -> None:
    demo = start("--plain", "--seconds", "4")
    assert demo.code() == 0, demo.lines[-20:]
    assert demo.others == []


def test_another_terminal_finds_its_agent_and_commands_it(start: Callable[..., Running], tmp_path: Path) -> None:
    demo = start("--plain")
    demo.wait_line(lambda line: "msg/s" in line)
    file = tmp_path / "demo" / "studio.toml"
    said = studio("send", "lights.set", "back", "intensity=0.9", "-c", file)
    assert said.returncode == 0, said.stderr
    assert [line.split()[2] for line in said.stdout.splitlines()] == ["accepted", "executing", "succeeded"]
    refused = studio("send", "lights.set", "bakc", "intensity=0.9", "-c", file)
    assert refused.returncode == 2
    assert "unknown-target" in refused.stdout
    demo.wait_line(lambda line: "lights.set back intensity=0.9  succeeded" in line)
    again = studio("demo", "--plain", "--folder", tmp_path / "demo")
    assert (again.returncode, "another demo runs in" in again.stderr) == (75, True)
    demo.process.send_signal(signal.SIGINT)
    assert demo.code() == 0


def test_its_broker_does_not_outlive_a_killed_demo(start: Callable[..., Running], tmp_path: Path) -> None:
    demo = start("--plain")
    demo.wait_line(lambda line: "msg/s" in line)
    assert tomllib.loads((tmp_path / "demo" / "studio.toml").read_text())["mqtt"]["host"] == "127.0.0.1"
    assert len(demo.others) == 2
    demo.process.kill()
    demo.code()
    assert demo.wait_alone() == []


@contextmanager
def on_a_terminal(folder: Path) -> "Iterator[tuple[subprocess.Popen[bytes], int]]":
    """A demo on a terminal of its own, once it shows its output, and our end of that terminal. What the terminal was
    like is checked in the end."""
    near, far = pty.openpty()
    fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    before = termios.tcgetattr(far)
    demo = subprocess.Popen(
        [sys.executable, "-m", "agent", "demo", "--folder", str(folder), "--seconds", "200"],
        cwd=ROOT,
        env=environment(TERM="xterm-256color", COLUMNS="80", LINES="24"),
        stdin=far,
        stdout=far,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        read_until(near, r"DMX ([1-9]\d* Hz|idle)")  # how many: that depends on the machine
        yield demo, near
        read_until(near, re.escape("\x1b[?1049l"))  # the screen as it was before
        assert demo.wait(PATIENCE) == 0
        assert termios.tcgetattr(far) == before
        assert demo.stderr is not None
        assert demo.stderr.read() == b""
        assert in_session(demo.pid) == []
    finally:
        demo.kill()
        demo.wait()
        if demo.stderr is not None:
            demo.stderr.close()
        os.close(near)
        os.close(far)


def test_on_a_terminal_it_draws_hears_keys_and_gives_the_terminal_back(tmp_path: Path) -> None:
    with on_a_terminal(tmp_path / "demo") as (_, near):
        os.write(near, b"h")
        screen = read_until(near, "demo manual")
        for part in ("Lights", "Exposure", "Network", "Alerts", "./studio send lights.set key intensity=0.25"):
            assert part in screen
        os.write(near, b"q")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_all_of_a_terminal_ends_it_as_q_does(number: signal.Signals, tmp_path: Path) -> None:
    with on_a_terminal(tmp_path / "demo") as (demo, _):
        os.killpg(demo.pid, number)
        os.killpg(demo.pid, number)  # somebody is impatient


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_its_whole_job_while_it_begins_ends_it_without_a_trace(
    number: signal.Signals, start: Callable[..., Running], tmp_path: Path
) -> None:
    demo = start("--plain")
    asyncio.run(
        until(lambda: (tmp_path / "demo" / "studio.toml").exists())
    )  # the broker is there, the agent is not yet
    os.killpg(demo.process.pid, number)
    assert demo.code() == 0, demo.lines[-20:]
    assert [line for line in demo.lines if "broker" in line or "Traceback" in line or "Client" in line] == []
    assert demo.others == []


def test_a_broker_that_is_gone_is_one_clear_line(tmp_path: Path) -> None:
    config, file = _configured(tmp_path, free_port())
    with pytest.raises(Trouble, match="its broker is gone") as trouble:
        asyncio.run(_play(config, file, plain=True, ended=asyncio.Event()))
    assert trouble.value.code == os.EX_UNAVAILABLE


def read_until(near: int, wanted: str) -> str:
    """What the terminal is told until the pattern ``wanted`` is among it (styles taken out)."""
    text, until = "", time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if select.select([near], [], [], 0.5)[0]:
            text += os.read(near, 65536).decode(errors="replace")
            plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
            if re.search(wanted, plain):
                return plain
    raise AssertionError(f"{wanted!r} never came: {text[-2000:]!r}")


def test_a_disk_that_takes_no_more_is_one_clear_line(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    command = [sys.executable, "-B", "-m", "agent", "demo", "--plain", "--seconds", "5", "--folder", str(folder)]
    nothing = 'ulimit -f 0; exec "$@"'  # no file may have a single byte
    said = subprocess.run(
        ["sh", "-c", nothing, "sh", *command],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert said.returncode == 73
    assert said.stderr == f"studio-agent demo: {folder} cannot be written: File too large\n"
