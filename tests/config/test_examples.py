"""Everything in config/examples is right: the file, the rig, and every driver's options."""

from pathlib import Path

import pytest

from config.check import validate
from config.load import load
from drivers import registry
from drivers.registry import Kind
from firmware_profiles.patch import patch

EXAMPLES = sorted((Path(__file__).parents[2] / "config/examples").glob("*.toml"))
EACH = pytest.mark.parametrize("file", EXAMPLES, ids=[file.stem for file in EXAMPLES])


def test_there_are_the_examples_the_documents_name():
    assert {"minimal", "studio", "demo"} <= {file.stem for file in EXAMPLES}


@EACH
def test_an_example_loads_and_can_be_patched(file):
    config = load(file, {})
    assert set(patch(config)) == set(config.fixtures)
    assert config.fixtures


@EACH
def test_an_examples_drivers_exist_and_take_its_options(file):
    config = load(file, {})
    used = [
        *((Kind.OUTPUT, f"outputs.{name}", section) for name, section in config.outputs.items()),
        *((Kind.CAMERA, f"cameras.{name}", section) for name, section in config.cameras.items()),
        *((Kind.PROBE, f"probes.{name}", section) for name, section in config.probes.items()),
    ]
    for kind, where, section in used:
        spec = registry.find(section.driver)
        assert spec.kind is kind
        assert validate(spec.options, section.options, f"{where}.options")[1] == []


def test_the_commented_lines_of_the_full_example_are_right_when_uncommented(tmp_path):
    text = next(file for file in EXAMPLES if file.stem == "studio").read_text()
    rows = [row.removeprefix("# ") if " = " in row or row.startswith("# [") else row for row in text.splitlines()]
    path = tmp_path / "studio.toml"
    path.write_text("\n".join(row for row in rows if not row.startswith("Unknown")))
    config = load(path, {})
    assert config.mqtt.tls is not None
    assert config.mqtt.username == "studio-a"
    assert config.agent.profile_dirs == (tmp_path / "profiles",)
