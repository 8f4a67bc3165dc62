"""Overrides from the environment."""

import os
from pathlib import Path

import pytest

from config.environment import value
from config.load import load
from config.problems import ConfigError

TEXT = """\
[agent]
site = "riverside"
name = "studio-a"

[air]
fresh = 5.0

[outputs.widget-1]
driver = "enttec-pro"
universes = [1]
options = { port = "/dev/ttyUSB0" }
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "studio.toml"
    path.write_text(TEXT)
    return path


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("8883", 8883),
        ("0.5", 0.5),
        ("true", True),
        ("[1, 2]", [1, 2]),
        ('{ port = "x" }', {"port": "x"}),
        ('"8883"', "8883"),
        ("broker.lan", "broker.lan"),
        ("/dev/ttyUSB1", "/dev/ttyUSB1"),
        ("", ""),
        ("1\nother = 2", "1\nother = 2"),
        ("[" * 5000, "[" * 5000),
    ],
)
def test_a_value_is_read_as_toml_and_else_is_a_text(text, meant):
    assert value(text) == meant


def test_overrides_reach_every_depth_and_win(file):
    config = load(
        file,
        {
            "STUDIO_AGENT__MQTT__HOST": "broker.lan",
            "STUDIO_AGENT__MQTT__PORT": "8883",
            "STUDIO_AGENT__AIR__FRESH": "7.5",
            "STUDIO_AGENT__OUTPUTS__WIDGET_1__OPTIONS__PORT": "/dev/ttyUSB1",
            "STUDIO_AGENT__OUTPUTS__WIDGET_1__UNIVERSES": "[1, 2]",
            "STUDIO_AGENT_OTHER": "not ours",
            "PATH": "/bin",
        },
    )
    assert (config.mqtt.host, config.mqtt.port, config.air.fresh) == ("broker.lan", 8883, 7.5)
    assert config.outputs["widget-1"].options == {"port": "/dev/ttyUSB1"}
    assert config.outputs["widget-1"].universes == (1, 2)


def test_a_text_that_looks_like_a_number_is_a_text_where_a_text_belongs(file):
    config = load(
        file,
        {
            "STUDIO_AGENT__MQTT__USERNAME": "1234",
            "STUDIO_AGENT__MQTT__PROTOCOL": "5",
            "STUDIO_AGENT__AGENT__NAME": "2026-01-01",
        },
    )
    assert (config.mqtt.username, config.mqtt.protocol, config.agent.name) == ("1234", "5", "2026-01-01")


@pytest.mark.parametrize(
    ("variable", "text", "told"),
    [
        ("AIR__FRESH", "soon", 'air.fresh (from STUDIO_AGENT__AIR__FRESH) – a number is expected, not "soon"'),
        ("AIR__FRESH", "-1", "air.fresh (from STUDIO_AGENT__AIR__FRESH) – -1 is too low – 0 or more"),
        ("MQT__HOST", "x", "mqt (from STUDIO_AGENT__MQT__HOST) – unknown key – did you mean 'mqtt'?"),
        ("AGENT__SITE__X", "x", "STUDIO_AGENT__AGENT__SITE__X – agent.site is not a table"),
        ("AGENT", "x", "STUDIO_AGENT__AGENT – names no key"),
        ("AGENT____X", "x", "STUDIO_AGENT__AGENT____X – names no key"),
    ],
)
def test_a_wrong_override_names_the_variable(file, variable, text, told):
    with pytest.raises(ConfigError) as caught:
        load(file, {f"STUDIO_AGENT__{variable}": text})
    assert str(caught.value).startswith(f"{file}: {told}")
    assert len(caught.value.problems) == 1


def test_a_name_that_could_be_two_is_not_guessed(file):
    table = TEXT[TEXT.index("[outputs") :]
    file.write_text(TEXT + table.replace("widget-1", "a-1-b") + table.replace("widget-1", "a-1_b"))
    with pytest.raises(ConfigError, match="A_1_B could be any of a-1-b, a-1_b"):
        load(file, {"STUDIO_AGENT__OUTPUTS__A_1_B__DRIVER": "sacn"})


def test_a_variable_that_is_no_utf8_text_is_named_with_what_would_be_right(file):
    bad = os.fsdecode(b"\xff")
    for environ, told in [
        (
            {"MQTT__USERNAME": bad},
            "STUDIO_AGENT__MQTT__USERNAME – its value is not UTF-8 text – the value in UTF-8, as",
        ),
        ({"AIR__FRESH": bad}, "STUDIO_AGENT__AIR__FRESH – its value is not UTF-8 text"),
        ({"AGENT__NAME": bad}, "STUDIO_AGENT__AGENT__NAME – its value is not UTF-8 text"),
        ({f"MQTT__{bad}": "x"}, r"STUDIO_AGENT__MQTT__\udcff – the variable's name is not UTF-8 text"),
    ]:
        with pytest.raises(ConfigError) as caught:
            load(file, {f"STUDIO_AGENT__{word}": value for word, value in environ.items()})
        [line] = str(caught.value).splitlines()
        assert line.startswith(f"{file}: {told}")
        line.encode()
