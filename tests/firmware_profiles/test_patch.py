"""The patch finds every fault of a rig at once and says what would be right."""

from typing import Any

import pytest

from config.model import StudioConfig
from config.problems import ConfigError
from config.units import Attribute
from firmware_profiles.patch import patch, survey
from tests.firmware_profiles.shapes import file


def light(address=1, profile="generic/dimmer", personality="8bit", universe=1, **more) -> dict[str, Any]:
    return {"profile": profile, "personality": personality, "universe": universe, "address": address} | more


def studio(fixtures: dict[str, Any], **tables: Any) -> StudioConfig:
    plain = {
        "agent": {"site": "a", "name": "b"},
        "outputs": {"w": {"driver": "enttec-pro", "universes": [1, 2]}},
        "fixtures": fixtures,
    }
    return StudioConfig.model_validate(plain | tables)


def faults(config: StudioConfig) -> list[str]:
    return [problem.line("f") for problem in survey(config)[1]]


def test_a_sound_rig_is_patched():
    made = patch(
        studio(
            {"key": light(1, "generic/bicolour-panel", "4ch", role="key"), "back": light(5), "far": light(universe=2)}
        )
    )
    assert list(made) == ["key", "back", "far"]
    assert len(made) == 3
    key = made["key"]
    assert (key.name, key.profile.name, key.mode) == ("key", "generic/bicolour-panel", "4ch")
    assert (key.universe, key.address, key.last, key.footprint, key.role) == (1, 1, 4, 4, "key")
    assert key.personality.attributes == (Attribute.INTENSITY, Attribute.CCT)
    assert [one.name for one in made.universe(1)] == ["key", "back"]


def test_a_rig_without_lights_is_sound():
    assert len(patch(studio({}))) == 0


FAULTS: list[tuple[str, StudioConfig, list[str]]] = [
    (
        "no such profile",
        studio({"key": light(profile="generic/dimer")}),
        ["f: fixtures.key.profile – there is no profile 'generic/dimer' – did you mean 'generic/dimmer'?"],
    ),
    (
        "no such personality",
        studio({"key": light(personality="16 bit")}),
        ["f: fixtures.key.personality – generic/dimmer has no personality '16 bit' – did you mean '16bit'?"],
    ),
    (
        "firmware that is none",
        studio({"key": light(firmware="newest")}),
        [
            "f: fixtures.key.firmware – 'newest' is not a firmware version (such as 1.4 or v2.0.1) – "
            "the version as the light's display shows it, or leave it out"
        ],
    ),
    (
        "past slot 512",
        studio({"key": light(512, personality="16bit")}),
        ["f: fixtures.key.address – its 2 slots end at 513, past the universe's last slot 512 – 511 or lower"],
    ),
    (
        "overlap",
        studio({"key": light(1, "generic/bicolour-panel", "4ch"), "fill": light(4, personality="16bit")}),
        ["f: fixtures.fill.address – slots 4…5 of universe 1 overlap with key (1…4) – 5 is free"],
    ),
    (
        "two lights inside a third",
        studio({"panel": light(1, "generic/rgbw-panel", "10ch"), "a": light(3), "b": light(8)}),
        [
            "f: fixtures.a.address – slots 3…3 of universe 1 overlap with panel (1…10) – 11 is free",
            "f: fixtures.b.address – slots 8…8 of universe 1 overlap with panel (1…10) – 11 is free",
        ],
    ),
    (
        "universe nobody carries",
        studio({"key": light(universe=7)}),
        ["f: fixtures.key.universe – no output carries universe 7 – one of: 1, 2; or add it to an output's universes"],
    ),
    (
        "no output at all",
        studio({"key": light()}, outputs={}),
        ["f: fixtures.key.universe – no output carries universe 1 – an output with universes = [1]"],
    ),
    (
        "look with an unknown light",
        studio({"key": light()}, looks={"show": {"levels": {"kee": {"intensity": 1}}}}),
        ["f: looks.show.levels.kee – there is no fixture 'kee' – did you mean 'key'?"],
    ),
    (
        "look with what the light cannot do",
        studio({"key": light()}, looks={"show": {"levels": {"key": {"intensity": 60, "cct": 5600}}}}),
        [
            "f: looks.show.levels.key.intensity – 60 is out of this light's range – 0…1",
            "f: looks.show.levels.key.cct – this light's mode has no cct – one of: intensity",
        ],
    ),
    (
        "look a hair out of range",
        studio({"key": light()}, looks={"show": {"levels": {"key": {"intensity": 1.0000000001}}}}),
        ["f: looks.show.levels.key.intensity – 1.0000000001 is out of this light's range – 0…1"],
    ),
    (
        "group of a light that is none",
        studio({"key": light()}, groups={"front": {"fixtures": ["key", "fil"]}}),
        ["f: groups.front.fixtures – there is no fixture 'fil' – one of: key"],
    ),
    (
        "cue of a look and a light that are none, and of too much",
        studio(
            {"key": light()},
            looks={"show": {"levels": {}}},
            cues={
                "main": {
                    "cues": [
                        {"number": 2, "look": "shw"},
                        {"number": 1, "levels": {"kee": {}, "key": {"intensity": 7}}},
                    ]
                }
            },
        ),
        [
            "f: cues.main.cues[0].look – there is no look 'shw' – did you mean 'show'?",
            "f: cues.main.cues[1].levels.kee – there is no fixture 'kee' – did you mean 'key'?",
            "f: cues.main.cues[1].levels.key.intensity – 7 is out of this light's range – 0…1",
        ],
    ),
    (
        "firmware and mode",
        studio({"key": light(firmware="x", personality="9bit")}),
        [
            "f: fixtures.key.firmware – 'x' is not a firmware version (such as 1.4 or v2.0.1) – "
            "the version as the light's display shows it, or leave it out",
            "f: fixtures.key.personality – generic/dimmer has no personality '9bit' – did you mean '8bit'?",
        ],
    ),
    (
        "start look that is none",
        studio({}, lighting={"start_look": "show"}, looks={"shoe": {"levels": {}}}),
        ["f: lighting.start_look – there is no look 'show' – did you mean 'shoe'?"],
    ),
    (
        "exposure of nothing",
        studio({"fill": light()}, exposure={"camera": "cam-2", "fixtures": ["fil"]}, cameras={"cam-1": {}}),
        [
            "f: exposure.camera – there is no camera 'cam-2' – did you mean 'cam-1'?",
            "f: exposure.fixtures – there is no fixture 'fil' – did you mean 'fill'?",
        ],
    ),
]


@pytest.mark.parametrize(("config", "lines"), [case[1:] for case in FAULTS], ids=[case[0] for case in FAULTS])
def test_a_fault_is_told_once_with_what_would_be_right(config, lines):
    assert faults(config) == lines


def test_all_faults_are_told_at_once():
    config = studio(
        {"a": light(profile="x"), "b": light(personality="y"), "c": light(512, personality="16bit"), "d": light(512)},
        looks={"show": {"levels": {"e": {}}}},
    )
    with pytest.raises(ConfigError) as caught:
        patch(config, file="studio.toml")
    assert [problem.where for problem in caught.value.problems] == [
        "fixtures.a.profile",
        "fixtures.b.personality",
        "fixtures.c.address",
        "fixtures.d.address",
        "looks.show.levels.e",
    ]
    assert str(caught.value).count("studio.toml: ") == 5


def test_a_full_universe_has_no_room_to_offer(tmp_path):
    slots = "slots = [{ attribute = 'intensity' }" + ", { fixed = 0, reason = 'x' }" * 511 + "]"
    (tmp_path / "wall.toml").write_text(file(model='"wall"').split("slots")[0] + slots)
    config = studio({"wall": light(1, "acme/wall", "1ch"), "key": light(2)})
    [problem] = survey(config, [tmp_path])[1]
    assert problem.right == "another universe: this one has no room for it"


def test_the_sites_folder_in_the_configuration_is_used(tmp_path):
    (tmp_path / "tube.toml").write_text(file())
    config = studio(
        {"key": light(profile="acme/tube", personality="1ch")},
        agent={"site": "a", "name": "b", "profile_dirs": [tmp_path]},
    )
    assert patch(config)["key"].profile.title == "Tube"


def test_a_site_folder_that_is_not_there_is_a_mistake_in_the_configuration(tmp_path):
    config = studio({"key": light()}, agent={"site": "a", "name": "b", "profile_dirs": [tmp_path / "none"]})
    assert faults(config) == [
        f"f: agent.profile_dirs – there is no folder {tmp_path}/none – create it or correct the path"
    ]


def test_what_was_lost_to_another_mistake_is_not_told_again():
    config = studio(
        {},
        looks={"show": {"levels": {"key": {}}}},
        exposure={"camera": "cam", "fixtures": ["key"]},
        lighting={"start_look": "soft"},
    )
    assert len(survey(config)[1]) == 4
    assert survey(config, lost={("fixtures", "key"), ("cameras",), ("looks", "soft")})[1] == []
