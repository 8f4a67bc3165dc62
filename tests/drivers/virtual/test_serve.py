"""The widget twin in its own process behind a real pseudo-terminal, and the production driver on the real host."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.base import Verdict
from drivers.dmx.enttec_pro import EnttecPro, EnttecProOptions
from drivers.dmx.rdm_controller import Controller
from drivers.dmx.rdm_port import Job
from drivers.dmx.rdm_survey import survey
from drivers.real.host import RealHost
from tests.processes import ROOT, Child
from tests.waiting import PATIENCE


class Served(Child):
    """The process and its lines, one after another."""

    def __init__(self, link: Path, *extra: str, **how: Any) -> None:
        command = (sys.executable, "-m", "drivers.virtual.serve", "enttec-pro", "--link", link, "--print-frames")
        super().__init__(*command, *extra, **how)
        self._taken = 0

    def line(self) -> dict:
        """The next line."""
        text = self.wait_line(bool, since=self._taken)
        self._taken += 1
        return json.loads(text)


@pytest.fixture
def link(tmp_path: Path) -> Path:
    return tmp_path / "widget"


@pytest.fixture
def served(link: Path) -> Iterator[Served]:
    served = Served(link)
    yield served
    served.kill()


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
    assert served.end(signal.SIGTERM) == 0
    assert not link.is_symlink()


def test_in_the_background_without_input_it_stays(link):
    served = Served(link, stdin=subprocess.DEVNULL)
    served.line()
    driver = EnttecPro(EnttecProOptions(port=str(link), timeout=5), RealHost())
    driver.open()
    driver.close()
    assert served.end(signal.SIGINT) == 0
    assert not link.is_symlink()


def test_the_end_of_its_input_ends_it(served, link):
    served.line()
    assert served.finish() == 0
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
        assert served.finish() == 0
    link.write_text("precious")
    refused = subprocess.run(
        [sys.executable, "-m", "drivers.virtual.serve", "enttec-pro", "--link", str(link)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=PATIENCE,
        check=False,
    )
    assert refused.returncode != 0
    assert "is no symbolic link" in refused.stderr
    assert link.read_text() == "precious"


def test_rdm_over_a_real_terminal_while_the_levels_go_on(link):
    served = Served(link, "--firmware", "2.4", "--rdm", "1", "--all")
    try:
        assert "ready" in served.line()
        driver = EnttecPro(EnttecProOptions(port=str(link), timeout=5), RealHost())
        driver.open()
        driver.send(1, bytes(512))
        port = driver.rdm()
        assert port is not None
        job = Job(survey(Controller(port.uid), port.has_table), port)
        while job.step():
            port.rest(max(job.due - port.now(), 0))
        found = job.result
        assert [str(uid) for uid in found.discovery.uids] == ["7FF0:00000001"]
        assert [each.firmware for each in found.responders] == ["1.4.2"]
        driver.close()
        frames = [served.line()["slots"] for _ in range(1 + job.transactions)]  # one after every transaction
        assert frames == [bytes(512).hex()] * len(frames)
    finally:
        served.kill()
