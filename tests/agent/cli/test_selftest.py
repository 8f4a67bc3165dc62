"""``selftest`` in a person's hands: interrupted, misspelt, on a narrow terminal."""

import argparse
import asyncio
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.cli import alone, selftest, served
from agent.lighting.memory import LastLook, LookFile
from agent.messaging.header import iso
from agent.selftest import baseline
from agent.selftest.checks import bench
from agent.selftest.notes import Notes
from drivers.virtual.furnish import furnish
from tests.agent.cli.shell import CONFIG, Running, studio
from tests.agent.selftest.rooms import LOOK, config
from tests.brokers import Mosquitto, Plain
from tests.waiting import PATIENCE, until


@pytest.fixture
def file(file: Path) -> Path:
    """With a camera, and never on air."""
    more = '[air]\nsource = "never"\n[cameras.front]\noptions = { source = "/dev/video0" }\n'
    file.write_text(CONFIG + more)
    return file


@pytest.fixture(autouse=True)
def log_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loggers remember how they were set up when first used: set up here, they would be so in every later test."""
    monkeypatch.setattr(alone, "_quiet", lambda: None)


def asked(**more: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    selftest.arguments(parser)
    options = parser.parse_args([])
    vars(options).update(more)
    return options


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_interrupted_it_leaves_only_when_the_look_is_back_on_the_wire(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    made = config(tmp_path / "state")
    room = furnish(made)
    monkeypatch.setattr(alone, "host_for", lambda *_: room)
    (tmp_path / "state").mkdir()
    LookFile(tmp_path / "state" / "look.json").write(LastLook(shown=LOOK, look=LOOK))
    widget = room.twins["widget"]

    def frame() -> bytes:
        return bytes(widget.frames.get(1, b""))  # type: ignore[attr-defined]

    options = asked(depth="full", only=["LGT-01:key"], virtual=True)
    task = asyncio.create_task(selftest._report(tmp_path / "studio.toml", made, options))
    await until(lambda: any(frame()), PATIENCE)
    look = frame()
    await until(lambda: frame()[20] < 64, PATIENCE)  # the dimmer was at half: the test has it on its way down
    os.kill(os.getpid(), number)
    with pytest.raises(served.Stopped, match="the look is restored"):
        await task
    assert frame() == look


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_standing_still_it_says_so_and_is_130(
    start: Callable[..., Running], file: Path, number: int
) -> None:
    test = start("selftest", "--virtual", "--depth", "full")
    lock, end = file.parent / "state" / "agent.lock", time.monotonic() + PATIENCE
    while not lock.exists():
        assert time.monotonic() < end
        threading.Event().wait(0.01)
    test.process.send_signal(number)
    assert test.code() == 130
    assert test.lines[-1] == "stopped; the look is restored"


def test_interrupted_it_cancels_the_test_of_the_service(start: Callable[..., Running], file: Path) -> None:
    service = start("run", "--virtual")
    service.wait_line(lambda line: '"agent.ready"' in line)
    test = start("selftest", "--depth", "full")
    service.wait_line(lambda line: '"selftest.checked"' in line)
    test.process.send_signal(signal.SIGINT)
    assert test.code() == 130
    assert test.lines[-1] == "stopped; the running service brings the look back"
    again = studio("selftest", "-c", file, "--only", "WID-01")
    assert again.returncode == 0, again.stderr


def test_a_report_that_the_disk_did_not_take_is_shown_all_the_same(start: Callable[..., Running], file: Path) -> None:
    service = start("run", "--virtual")
    service.wait_line(lambda line: '"agent.ready"' in line)
    (file.parent / "state" / "reports").write_text("in the way")
    said = studio("selftest", "-c", file, "--only", "WID-01", "--json")
    assert said.returncode == 0, said.stderr
    shown = json.loads(said.stdout)
    assert ([check["id"] for check in shown["checks"]], shown["verdict"], shown["number"]) == (["WID-01"], "pass", 0)
    assert "not kept" in said.stderr
    service.end()
    alone = studio("selftest", "--virtual", "-c", file, "--only", "WID-01", "--json")
    assert (alone.returncode, json.loads(alone.stdout)["number"]) == (0, 0), alone.stderr
    assert "not kept" in alone.stderr
    (file.parent / "state" / "reports").unlink()
    again = studio("selftest", "--virtual", "-c", file, "--only", "WID-01", "--json")
    assert (again.stderr, json.loads(again.stdout)["number"]) == ("", 1)


def test_through_the_service_what_was_seen_is_accepted_or_measured_anew_with_its_reason(
    start: Callable[..., Running], file: Path
) -> None:
    service = start("run", "--virtual")
    service.wait_line(lambda line: '"agent.ready"' in line)
    checks = [f"LGT-0{number}:key" for number in (1, 2, 3, 4, 5)]
    words = ("selftest", "-c", file, "--depth", "full", "--json", "--accept", "--only", *checks)
    joined = studio(*words, "--reason", "all is well")
    assert joined.returncode == 0, joined.stderr
    assert json.loads(joined.stdout)["accepted"] == ["key"], joined.stderr
    anew = json.loads(studio(*words, "--forget", "--reason", "lens cleaned").stdout)
    assert anew["accepted"] == ["key"] and "LGT-07:key" in {
        f"{check['id']}:{check['name']}" for check in anew["checks"]
    }
    known = baseline.read(file.parent / "state", "front")
    assert [run.report for run in known.runs] == [anew["id"]]
    noted = [note.text for note in Notes(file.parent / "state").latest()]
    assert noted == ["maintenance.rebaseline key: lens cleaned", "maintenance.accept key: all is well"]
    nothing = studio(*words[:7], "--forget", "--only", "CAM-*")
    assert nothing.returncode == 64 and "picks no light" in nothing.stderr


LIGHTS = {"depth": "full", "only": ["LGT-01:key", "MQT-*"], "virtual": True, "off_air": True}


@pytest.fixture
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """One level only: what is tested is who may move the light, not how well it is seen."""
    monkeypatch.setattr(bench, "LEVELS", (1.0,))


@pytest.mark.usefixtures("brisk")
async def test_without_the_service_the_broker_is_really_asked_and_off_air_can_be_stated(
    mosquitto: Mosquitto, plain: Callable[..., Plain], tmp_path: Path
) -> None:
    made = config(tmp_path, air={"source": "mqtt"}, mqtt={"host": "127.0.0.1", "port": mosquitto.port})
    desk = plain(mosquitto.port)
    desk.subscribe("studio/v1/test/room/up/#")
    report = await selftest._report(tmp_path / "studio.toml", made, asked(**LIGHTS))
    found = {check.id: str(check.verdict) for check in report.checks}
    assert found.pop("MQT-02") in ("pass", "marginal")  # a busy machine may be slow
    assert found == {"MQT-01": "pass", "LGT-01": "pass"}
    assert report.stated
    assert {message.topic for message in desk.heard} == {"studio/v1/test/room/up/echo"}  # and no birth


@pytest.mark.usefixtures("brisk")
@pytest.mark.parametrize("on_air", [True, False])
async def test_without_the_service_what_control_software_says_counts(
    mosquitto: Mosquitto, plain: Callable[..., Plain], tmp_path: Path, on_air: bool
) -> None:
    """On air against the word of the person in the studio; off air without it."""
    made = config(tmp_path, air={"source": "mqtt", "fresh": 60.0}, mqtt={"host": "127.0.0.1", "port": mosquitto.port})
    body = {"on_air": on_air, "source": "obs", "issued_at": iso(time.time())}
    plain(mosquitto.port).publish("studio/v1/test/room/down/air", json.dumps(body), retain=True)
    report = await selftest._report(tmp_path / "studio.toml", made, asked(**{**LIGHTS, "off_air": on_air}))
    light = next(check for check in report.checks if check.id == "LGT-01")
    assert str(light.verdict) == ("skipped" if on_air else "pass")


async def test_without_broker_the_broker_s_check_fails_and_nobody_saying_so_is_on_air(tmp_path: Path) -> None:
    made = config(tmp_path, air={"source": "mqtt"}, mqtt={"host": "127.0.0.1", "port": 9})
    options = asked(**{**LIGHTS, "off_air": False})
    report = await selftest._report(tmp_path / "studio.toml", made, options)
    assert [str(check.verdict) for check in report.checks] == ["fail", "fail", "skipped"]
    assert "Connection refused" in report.checks[0].said.en


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("NOPE-1",), "NOPE-1: no check here is called that"),
        (("WID-01", "WID-11"), "WID-11: no check here is called that – did you mean 'WID-01'?"),
        (("LGT-01",), "LGT-01: only with depth full"),
    ],
)
def test_a_pattern_that_picks_nothing_is_a_usage_error_with_and_without_the_service(
    start: Callable[..., Running], file: Path, words: tuple[str, ...], said: str
) -> None:
    alone = studio("selftest", "--virtual", "-c", file, "--only", *words)
    assert (alone.returncode, alone.stdout) == (64, "")
    assert said in alone.stderr
    start("run", "--virtual").wait_line(lambda line: '"agent.ready"' in line)
    through = studio("selftest", "-c", file, "--only", *words)
    assert through.returncode == 64
    assert said in through.stderr


async def test_off_air_is_not_stated_where_somebody_else_knows(tmp_path: Path) -> None:
    made = config(tmp_path, air={"source": "file", "file": str(tmp_path / "tally")})
    with pytest.raises(served.CannotTell, match="write 0 into") as refused:
        await selftest._report(tmp_path / "studio.toml", made, asked(off_air=True, virtual=True))
    assert refused.value.code == 64
