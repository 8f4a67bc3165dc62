"""``devices``: a widget that answers behind a real pseudo-terminal, one in use, one that is not there."""

import fcntl
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent.cli.shell import Running, studio
from tests.processes import Child


@pytest.fixture
def widget(tmp_path: Path) -> Iterator[Path]:
    """A port with an ENTTEC twin on its far side, in another process."""
    port = tmp_path / "dmx"
    served = Child(sys.executable, "-m", "drivers.virtual.serve", "enttec-pro", "--link", port)
    assert json.loads(served.wait_line(bool))["ready"] == str(port)
    yield port
    assert served.finish() == 0


def configured(folder: Path, port: Path) -> Path:
    file = folder / "studio.toml"
    file.write_text(
        '[agent]\nsite = "hall"\nname = "a"\n[outputs.front]\ndriver = "enttec-pro"\nuniverses = [1]\n'
        f'options = {{ port = "{port}" }}\n'
        '[cameras.gate]\noptions = { source = "http://127.0.0.1:9/gate" }\n'
    )
    return file


def test_a_widget_that_is_there_says_who_it_is(widget: Path, tmp_path: Path) -> None:
    said = studio("devices", "--json", "--interface", "lo", "-c", configured(tmp_path, widget))
    assert said.returncode == 0, said.stderr
    found = json.loads(said.stdout)
    port = next(each for each in found["serial"] if each["port"] == str(widget))
    assert port["answer"]["model"] == "DMX USB Pro"
    assert port["answer"]["firmware"] == "1.44"
    assert port["answer"]["serial"] == "02134567"
    assert port["outputs"] == ["front"]
    assert "lo" in [each["name"] for each in found["interfaces"]]
    assert [each["device"] for each in found["cameras"] if each["name"] == "gate"] == ["http://127.0.0.1:9/gate"]


def test_a_port_in_use_is_left_alone(widget: Path, tmp_path: Path) -> None:
    taken = os.open(widget, os.O_RDWR | os.O_NOCTTY)
    try:
        fcntl.flock(taken, fcntl.LOCK_EX)
        said = studio("devices", "--json", "--interface", "lo", "-c", configured(tmp_path, widget))
    finally:
        os.close(taken)
    port = next(each for each in json.loads(said.stdout)["serial"] if each["port"] == str(widget))
    assert port["answer"] is None
    assert "in use" in port["note"]


def test_a_port_in_use_by_the_running_service_is_said_to_be_so(widget: Path, tmp_path: Path) -> None:
    file = configured(tmp_path, widget)
    file.write_text(file.read_text().replace('name = "a"', 'name = "a"\nstate_dir = "state"'))
    service = Running(("run", "-c", file))
    try:
        service.wait_line(lambda line: '"agent.ready"' in line)  # that it answers; the port may come later
        service.wait_line(lambda line: '"device.online"' in line and '"front"' in line)
        said = studio("devices", "--json", "--interface", "lo", "-c", file)
    finally:
        service.kill()
    port = next(each for each in json.loads(said.stdout)["serial"] if each["port"] == str(widget))
    assert port["note"] == "in use by the running studio-agent (its state: studio-agent watch)"


def test_the_table_says_what_is_missing_and_why(tmp_path: Path) -> None:
    file = configured(tmp_path, Path("/dev/no-such"))
    said = studio("devices", "--interface", "lo", "--interface", "moon0", "-c", file, COLUMNS="160")
    assert said.returncode == 0
    assert "/dev/no-such" in said.stdout
    assert "output front" in said.stdout
    assert "not looked at: Art-Net on moon0: there is no such interface" in said.stdout


def test_a_stable_name_is_whole_however_narrow_the_terminal(tmp_path: Path) -> None:
    name = "/dev/serial/by-id/usb-ENTTEC_DMX_USB_PRO_EN123456-if00-port0"
    said = studio("devices", "--passive", "-c", configured(tmp_path, Path(name)), COLUMNS="40").stdout
    assert f"  {name}\n" in said and "…" not in said
    assert "Art-Net nodes\n  not asked (--passive)\n" in said


def test_passive_asks_nobody(widget: Path, tmp_path: Path) -> None:
    found = json.loads(studio("devices", "--json", "--passive", "-c", configured(tmp_path, widget)).stdout)
    port = next(each for each in found["serial"] if each["port"] == str(widget))
    assert (port["answer"], port["note"], found["artnet"]) == (None, "not asked", [])


def test_a_configuration_that_was_named_must_be_usable(tmp_path: Path) -> None:
    assert studio("devices", "-c", tmp_path / "none.toml").returncode == 66
