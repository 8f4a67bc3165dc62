"""What the README shows works when copied."""

import json
import re
from pathlib import Path

import firmware_profiles
from config.units import Attribute
from firmware_profiles import library
from firmware_profiles.curves import faults
from firmware_profiles.render import render

TEXT = (Path(firmware_profiles.__file__).parent / "README.md").read_text(encoding="utf-8")
TUBE, TWIN, BOX, LINE = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)


def test_the_profile_shown_in_the_readme_is_right(tmp_path):
    (tmp_path / "tube.toml").write_text(TUBE)
    mode = library.find("acme/tube-2", "2.1", [tmp_path]).personalities["6ch"]
    assert library.find("acme/tube-2", None, [tmp_path]).name == "acme/tube-2"
    levels = {Attribute.INTENSITY: 0.25, Attribute.CCT: 6500.0, Attribute.TINT: -1.0}
    assert render(mode, levels).hex() == "8000ff010080"


def test_the_light_that_mixes_is_right(tmp_path):
    (tmp_path / "twin.toml").write_text(TWIN)
    mode = library.find("acme/twin", None, [tmp_path]).personalities["2ch"]
    low, high = mode.ranges[Attribute.CCT]
    assert (low, high) == (2725.0, 5600.0)
    warm, cold = render(mode, {Attribute.INTENSITY: 1.0, Attribute.CCT: low})
    assert warm == 255 and cold < 5
    assert render(mode, {Attribute.INTENSITY: 0.25, Attribute.CCT: high})[1] == round(255 * (0.25 * 940 / 1180) ** 0.5)


def test_the_points_shown_are_a_curve():
    [points] = re.findall(r"`points = (\[.*?\])`", TEXT)
    assert faults(json.loads(points)) == []


def test_the_lights_without_dmx_shown_in_the_readme_are_right(tmp_path):
    from drivers.lamps.line_codec import Shape

    (tmp_path / "box.toml").write_text(BOX)
    (tmp_path / "text.toml").write_text(LINE)
    box = library.find("acme/wall-box", None, [tmp_path]).personalities["modbus"]
    assert render(box, {Attribute.INTENSITY: 0.25, Attribute.CCT: 3200}).hex() == "01f40c80"
    assert (box.modbus.values[Attribute.CCT].place(2), box.modbus.power.place(2)) == (19, 1)
    said = library.find("acme/text-dimmer", None, [tmp_path]).personalities["serial"].line.set[0]
    wire = Shape(said).encode({"channel": 2, "intensity": 750})
    assert wire == b"L2=0750*%02X\n" % (ord("L") ^ ord("2") ^ ord("=") ^ ord("0") ^ ord("7") ^ ord("5") ^ ord("0"))
    assert wire.decode().strip() in TEXT
    assert Shape(said.refused).find(b"E3\n").numbers == {"code": 3}
