"""``commission`` in a person's hands: by itself, through the service, and what it says when it may not."""

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.exposure.commissioning.archive import Archive
from tests.agent.cli.shell import CONFIG, Running, studio

CAMERA = '[cameras.front]\noptions = { source = "/dev/video0" }\n'
LOOK = '[looks.show]\nlevels = { key = { intensity = 0.5 } }\n[lighting]\nstart_look = "show"\n'
LOOP = LOOK + '[exposure]\ncamera = "front"\nfixtures = ["key"]\n'


@pytest.fixture
def file(file: Path) -> Path:
    """With a camera and a loop, and never on air."""
    file.write_text(CONFIG + 'role = "key"\n[air]\nsource = "never"\n' + CAMERA + LOOP)
    return file


def test_by_itself_it_measures_shows_and_keeps_what_it_found(file: Path) -> None:
    done = studio("commission", "-c", file, "--virtual", "--empty")
    assert done.returncode == 0, done.stderr
    kept = Archive(file.parent / "state", "front").newest()
    assert kept.file is not None and str(kept.file.with_suffix(".html")) in done.stdout
    assert "commissioned" in done.stdout and "reference zones" in done.stdout.replace("\n", " ")
    assert kept.transport is not None and kept.transport.fixtures == ("key",)


def test_through_the_service_it_is_the_service_that_measures_and_a_person_may_end_it(
    start: Callable[..., Running], file: Path
) -> None:
    service = start("run", "--virtual")
    service.wait_line(lambda line: '"agent.ready"' in line)
    shut = start("commission", "--empty")
    service.wait_line(lambda line: '"command.accepted"' in line and "exposure.commission" in line)
    shut.process.send_signal(signal.SIGINT)
    assert shut.code() == 130
    done = studio("commission", "-c", file, "--empty", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["camera"] == "front" and set(found["lights"]) == {"key"}
    told = len(service.lines)
    ended = start("commission", "--empty")
    service.wait_line(lambda line: '"command.accepted"' in line and "exposure.commission" in line, since=told)
    studio("send", "--local", "-c", file, "lights.set", "key", "intensity=0.4")
    assert ended.code() == 2 and any("Somebody took one of its lights" in line for line in ended.lines)
    stated = studio("commission", "-c", file, "--off-air")
    assert stated.returncode == 64 and "leave it out" in stated.stderr


def test_without_a_loop_or_off_air_nothing_is_moved(file: Path) -> None:
    file.write_text(CONFIG + CAMERA)
    none = studio("commission", "-c", file, "--virtual")
    assert none.returncode == 78 and "no [exposure]" in none.stderr
    file.write_text(CONFIG + 'role = "key"\n[air]\nsource = "mqtt"\n' + CAMERA + LOOP)
    unknown = studio("commission", "-c", file, "--virtual")
    assert unknown.returncode == 2 and "--off-air says so" in unknown.stderr
    assert not (file.parent / "state" / "commissioning").exists()
