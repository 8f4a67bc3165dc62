"""The widget twin in its own process behind a real pseudo-terminal, and the production driver on the real host."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.base import Verdict
from drivers.dmx.enttec_pro import EnttecPro, EnttecProOptions
from drivers.real.host import RealHost

PATIENCE = 20.0
"""Seconds a busy machine may take to start a process or to schedule it."""


class Served:
    """The process and its lines."""

    def __init__(self, link: Path, *extra: str, stdin: int = subprocess.PIPE) -> None:
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "drivers.virtual.serve",
                "enttec-pro",
                "--link",
                str(link),
                "--print-frames",
                *extra,
            ],
            stdin=stdin,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[3],
        )
        self._partial = b""
        self._lines: list[dict] = []

    def line(self) -> dict:
        """The next line, within PATIENCE."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + PATIENCE
        while not self._lines:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            assert ready, "the twin said nothing"
            data = os.read(self.process.stdout.fileno(), 65536)
            assert data, f"the twin ended with {self.process.wait(PATIENCE)}"
            *whole, self._partial = (self._partial + data).split(b"\n")
            self._lines += [json.loads(each) for each in whole]
        return self._lines.pop(0)

    def end(self) -> int:
        assert self.process.stdout is not None
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(PATIENCE)


@pytest.fixture
def link(tmp_path: Path) -> Path:
    return tmp_path / "widget"


@pytest.fixture
def served(link: Path) -> Iterator[Served]:
    served = Served(link)
    try:
        yield served
    finally:
        if served.process.poll() is None:
            served.process.kill()
        served.end()


def test_the_real_driver_talks_to_it_and_comes_back_after_close(served, link):
    assert served.line()["ready"] == str(link)
    driver = EnttecPro(EnttecProOptions(port=str(link), timeout=5), RealHost())
    for start in (1, 2):
        identity = driver.open()
        assert (identity.model, identity.firmware, identity.serial) == ("DMX USB Pro", "1.44", "02134567")
        before = time.monotonic()
        frame = bytes((slot + start) % 256 for slot in range(512))
        driver.send(1, frame)
        driver.send(1, frame)  # unchanged: not printed again
        taken = served.line()
        assert bytes.fromhex(taken["slots"]) == frame
        assert taken["universe"] == 1
        assert before <= taken["time"] <= time.monotonic()
        verdicts = {check.id: check.run().verdict for check in driver.checks()}
        assert verdicts["SER-01"] is verdicts["SER-02"] is verdicts["WID-02"] is Verdict.PASS
        assert verdicts["WID-01"] in (Verdict.PASS, Verdict.MARGINAL)  # a busy machine may be slow
        driver.close()
        driver.close()


def test_every_byte_value_passes_the_terminal(served, link):
    served.line()
    driver = EnttecPro(EnttecProOptions(port=str(link), timeout=5), RealHost())
    driver.open()
    frame = bytes(range(256)) * 2  # newline, ^C, ^Z, XON, XOFF: nothing is cooked
    driver.send(1, frame)
    assert bytes.fromhex(served.line()["slots"]) == frame
    driver.close()


def test_sigterm_ends_it_and_takes_the_link_away(served, link):
    served.line()
    assert link.is_symlink()
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(PATIENCE) == 0
    assert not link.is_symlink()


def test_in_the_background_without_input_it_stays(link):
    served = Served(link, stdin=subprocess.DEVNULL)
    served.line()
    driver = EnttecPro(EnttecProOptions(port=str(link), timeout=5), RealHost())
    driver.open()
    driver.close()
    served.process.send_signal(signal.SIGINT)
    assert served.end() == 0
    assert not link.is_symlink()


def test_the_end_of_its_input_ends_it(served, link):
    served.line()
    assert served.end() == 0
    assert not link.is_symlink()


def test_a_stale_link_is_replaced_and_a_file_is_not(link, tmp_path):
    link.symlink_to(tmp_path / "gone")
    served = Served(link, "--all", "--firmware", "2.4", "--serial", "77")
    try:
        served.line()
        driver = EnttecPro(EnttecProOptions(port=str(link), timeout=5, serial="77"), RealHost())
        assert driver.open().firmware == "2.4"
        driver.send(1, bytes(24))
        driver.send(1, bytes(24))
        assert [served.line()["slots"] for _ in range(2)] == ["00" * 24] * 2
        driver.close()
    finally:
        assert served.end() == 0
    link.write_text("precious")
    refused = subprocess.run(
        [sys.executable, "-m", "drivers.virtual.serve", "enttec-pro", "--link", str(link)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
        timeout=PATIENCE * 3,
        check=False,
    )
    assert refused.returncode != 0
    assert "is no symbolic link" in refused.stderr
    assert link.read_text() == "precious"
