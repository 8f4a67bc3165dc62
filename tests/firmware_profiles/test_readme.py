"""What the README shows works when copied."""

import re
from pathlib import Path

import firmware_profiles
from config.units import Attribute
from firmware_profiles import library
from firmware_profiles.render import render


def test_the_profile_shown_in_the_readme_is_right(tmp_path):
    text = (Path(firmware_profiles.__file__).parent / "README.md").read_text(encoding="utf-8")
    shown, *_ = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "tube.toml").write_text(shown)
    mode = library.find("acme/tube-2", "2.1", [tmp_path]).personalities["6ch"]
    assert library.find("acme/tube-2", None, [tmp_path]).name == "acme/tube-2"
    levels = {Attribute.INTENSITY: 0.25, Attribute.CCT: 6500.0, Attribute.TINT: -1.0}
    assert render(mode, levels).hex() == "8000ff010080"


def shown_after(heading):
    text = (Path(firmware_profiles.__file__).parent / "README.md").read_text(encoding="utf-8")
    return re.findall(r"```toml\n(.*?)```", text.partition(heading)[2], re.DOTALL)


def test_the_lights_without_dmx_shown_in_the_readme_are_right(tmp_path):
    from drivers.lamps.line_codec import Shape

    modbus, line = shown_after("## A light without DMX")
    (tmp_path / "box.toml").write_text(modbus)
    (tmp_path / "text.toml").write_text(line)
    box = library.find("acme/wall-box", None, [tmp_path]).personalities["modbus"]
    assert render(box, {Attribute.INTENSITY: 0.25, Attribute.CCT: 3200}).hex() == "01f40c80"
    assert (box.modbus.values[Attribute.CCT].place(2), box.modbus.power.place(2)) == (19, 1)
    said = library.find("acme/text-dimmer", None, [tmp_path]).personalities["serial"].line.set[0]
    wire = Shape(said).encode({"channel": 2, "intensity": 750})
    assert wire == b"L2=0750*%02X\n" % (ord("L") ^ ord("2") ^ ord("=") ^ ord("0") ^ ord("7") ^ ord("5") ^ ord("0"))
    assert wire.decode().strip() in (Path(firmware_profiles.__file__).parent / "README.md").read_text(encoding="utf-8")
    assert Shape(said.refused).find(b"E3\n").numbers == {"code": 3}
