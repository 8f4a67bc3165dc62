"""What the README shows works when copied."""

import re
from pathlib import Path

import firmware_profiles
from config.units import Attribute
from firmware_profiles import library
from firmware_profiles.render import render


def test_the_profile_shown_in_the_readme_is_right(tmp_path):
    text = (Path(firmware_profiles.__file__).parent / "README.md").read_text(encoding="utf-8")
    [shown] = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "tube.toml").write_text(shown)
    mode = library.find("acme/tube-2", "2.1", [tmp_path]).personalities["6ch"]
    assert library.find("acme/tube-2", None, [tmp_path]).name == "acme/tube-2"
    levels = {Attribute.INTENSITY: 0.25, Attribute.CCT: 6500.0, Attribute.TINT: -1.0}
    assert render(mode, levels).hex() == "8000ff010080"
