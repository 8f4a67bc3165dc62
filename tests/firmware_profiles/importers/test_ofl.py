"""Open Fixture Library files become profiles that send the right slots, and tell what they leave out."""

import json
from pathlib import Path
from typing import Any

import pytest

from firmware_profiles.importers import files
from tests.firmware_profiles.importers.builders import CCT, DIMMER, STROBE, emitter, left, ofl, refused, saved, slots

PANEL = ofl(
    {"Dimmer": DIMMER | {"dmxValueResolution": "8bit"}, "CCT": CCT, "Strobe": STROBE, "Red": emitter("Red")},
    ("8 bit", ["Dimmer", "CCT", "Strobe"]),
    ("16 bit", ["Dimmer", "Dimmer fine", None, "CCT"]),
    ("Apart", ["Dimmer", "CCT", "Dimmer fine", "Red"]),
)


@pytest.mark.parametrize(
    ("mode", "levels", "sent"),
    [
        ("8-bit", {"intensity": 1.0, "cct": 6500}, "ffff00"),
        ("8-bit", {"intensity": 0.5, "cct": 2700}, "800000"),
        ("16-bit", {"intensity": 0.5, "cct": 4600}, "80000080"),
        ("16-bit", {"intensity": 1.0, "cct": 6500}, "ffff00ff"),
        ("apart", {"intensity": 1 / 65535 * 0x1234, "cct": 2700, "red": 1.0}, "120034ff"),
    ],
)
def test_levels_give_the_slots_of_the_file(tmp_path: Path, mode: str, levels: dict[str, float], sent: str) -> None:
    assert slots(tmp_path, saved(tmp_path, PANEL), mode, **levels) == sent


def test_the_profile_says_where_it_comes_from(tmp_path: Path) -> None:
    profile = files.read(saved(tmp_path, PANEL)).imported.profile
    assert (profile.name, profile.title) == ("acme/tube-2", "acme Tube 2")
    for part in ("Open Fixture Library, acme-tube-2.json (sha256 ", "A. Person", "2024-05-01", "https://acme.example/"):
        assert part in profile.source


def test_what_a_profile_cannot_say_is_told_and_held(tmp_path: Path) -> None:
    file = saved(tmp_path, PANEL)
    assert left(file) == {"Strobe": ("3", "strobe or shutter", "0 (Open)")}
    text = files.read(file).text
    assert "# - Strobe: strobe or shutter – held at 0 (Open) [8-bit: 3]\n" in text
    assert '{ fixed = 0, reason = "Strobe: strobe or shutter; 0 is Open" }' in text


HELD: list[tuple[str, dict[str, Any], str, tuple[str, str, str]]] = [
    ("the file's own start", {"defaultValue": 7, "capability": {"type": "Pan"}}, "ff07", ("2", "movement", "7 (Pan)")),
    (
        "a share of it",
        {"defaultValue": "50%", "capability": {"type": "Zoom"}},
        "ff80",
        ("2", "optics", "128 (Zoom)"),
    ),
    (
        "no effect instead of one",
        {
            "capabilities": [
                {"dmxRange": [0, 99], "type": "Effect", "effectName": "Fire"},
                {"dmxRange": [100, 255], "type": "NoFunction"},
            ]
        },
        "ff64",
        ("2", "effects (at 0, the file's own start, an effect would run)", "100 (NoFunction)"),
    ),
    (
        "a fade between white and colour",
        {"name": "Cross Fade to Color", "capability": {"type": "Generic", "comment": "White … RGBW"}},
        "ff00",
        (
            "2",
            "the file gives words, no quantity; only one of the two sides it fades between shows",
            "0 (White … RGBW)",
        ),
    ),
    (
        "a strobe that begins at no speed",
        {"name": "Strobe", "capability": {"type": "StrobeSpeed", "speedStart": "0Hz", "speedEnd": "25Hz"}},
        "ff00",
        ("2", "speed of a strobe", "0 (StrobeSpeed)"),
    ),
    (
        "an open shutter instead of a closed one",
        {
            "capabilities": [
                {"dmxRange": [0, 9], "type": "ShutterStrobe", "shutterEffect": "Closed"},
                {"dmxRange": [10, 255], "type": "ShutterStrobe", "shutterEffect": "Open"},
            ]
        },
        "ff0a",
        ("2", "strobe or shutter (at 0, the file's own start, the light would stay dark)", "10 (Open)"),
    ),
    (
        "neutral where the file gives no start",
        {
            "capabilities": [
                {"dmxRange": [0, 119], "type": "Generic", "comment": "-99%…-1%"},
                {"dmxRange": [120, 145], "type": "Generic", "comment": "Neutral"},
            ]
        },
        "ff78",
        ("2", "the file gives words, no quantity (the file gives no start value)", "120 (Neutral)"),
    ),
    ("a colour of no attribute", emitter("UV"), "ff00", ("2", "no attribute for the colour UV", "0 (ColorIntensity)")),
    (
        "kelvin in words",
        {"capability": {"type": "ColorTemperature", "colorTemperatureStart": "warm", "colorTemperatureEnd": "cold"}},
        "ff00",
        ("2", "no range of kelvin within 1000…20000 (warm…cold)", "0 (ColorTemperature)"),
    ),
]


@pytest.mark.parametrize(("more", "sent", "told"), [row[1:] for row in HELD], ids=[row[0] for row in HELD])
def test_a_channel_is_held_at(tmp_path: Path, more: dict[str, Any], sent: str, told: tuple[str, str, str]) -> None:
    file = saved(
        tmp_path, ofl({"Dimmer": DIMMER | {"fineChannelAliases": []}, "More": more}, ("M", ["Dimmer", "More"]))
    )
    assert slots(tmp_path, file, "m", intensity=1.0) == sent
    assert left(file) == {more.get("name", "More"): told}


def test_only_part_of_a_range_is_used_and_the_rest_is_told(tmp_path: Path) -> None:
    dimmer = {
        "fineChannelAliases": ["fine"],
        "capabilities": [
            {"dmxRange": [0, 1300], "type": "Intensity", "brightness": "off"},
            {"dmxRange": [1301, 65535], "type": "Intensity", "brightnessStart": "0%", "brightnessEnd": "100%"},
        ],
    }
    file = saved(tmp_path, ofl({"Dimmer": dimmer}, ("16", ["Dimmer", "fine"]), ("8", ["Dimmer"])))
    assert slots(tmp_path, file, "16", intensity=0.0) == "0515"
    assert slots(tmp_path, file, "8", intensity=0.0) == "06", "5 is partly off"
    assert left(file)["Dimmer"] == ("1", "values that are not used: 0–1300 Intensity", None)


def test_what_is_finer_than_16_bit_stays_at_nought(tmp_path: Path) -> None:
    deep = {"fineChannelAliases": ["b", "c"], "capability": {"type": "Intensity"}}
    file = saved(tmp_path, ofl({"Dimmer": deep}, ("24", ["Dimmer", "b", "c"])))
    assert slots(tmp_path, file, "24", intensity=0.5) == "800000"
    assert left(file) == {"Dimmer": ("3", "finer than 16 bit, which a profile does not have", "0")}


def test_a_fine_byte_alone_is_told(tmp_path: Path) -> None:
    file = saved(tmp_path, ofl({"Dimmer": DIMMER, "Red": emitter("Red")}, ("M", ["Red", "Dimmer fine"])))
    assert left(file) == {"Dimmer": ("2", "a fine byte without the coarse one", "0")}


def test_a_switching_channel_keeps_what_it_starts_with(tmp_path: Path) -> None:
    trigger = {
        "capabilities": [
            {"dmxRange": [0, 127], "type": "Generic", "switchChannels": {"Third": "Zoom"}},
            {"dmxRange": [128, 255], "type": "Generic", "switchChannels": {"Third": "Red"}},
        ]
    }
    channels = {
        "Dimmer": DIMMER,
        "What": trigger,
        "Zoom": {"defaultValue": 9, "capability": {"type": "Zoom"}},
        "Red": emitter("Red"),
    }
    file = saved(tmp_path, ofl(channels, ("M", ["Dimmer", "What", "Third"])))
    assert slots(tmp_path, file, "m", intensity=1.0) == "ff0009"
    assert left(file)["Third"][1] == "its meaning changes with What, and a profile's slots keep theirs"


def test_the_start_of_an_emitter_is_kept(tmp_path: Path) -> None:
    file = saved(tmp_path, ofl({"Red": emitter("Red", defaultValue=255), "D": DIMMER}, ("M", ["Red", "D"])))
    assert slots(tmp_path, file, "m") == "ff00", "but no light comes up by itself"


def test_a_master_beside_what_the_file_also_calls_intensity(tmp_path: Path) -> None:
    file = saved(tmp_path, ofl({"Glow": {"capability": {"type": "Intensity"}}, "D": DIMMER}, ("M", ["Glow", "D"])))
    assert why_none(file) == "several channels drive intensity (Glow, D); a profile has one level per attribute"
    named = saved(
        tmp_path,
        ofl({"Glow": {"capability": {"type": "Intensity"}}, "Dimmer": DIMMER}, ("M", ["Glow", "Dimmer"])),
    )
    assert slots(tmp_path, named, "m", intensity=1.0) == "00ff"
    assert left(named) == {"Glow": ("1", "Dimmer drives intensity already", "0 (Intensity)")}


def why_none(file: Path) -> str:
    """Why the only mode of a file is refused."""
    with pytest.raises(files.Unreadable) as told:
        files.read(file)
    return told.value.problems[0].why


REFUSED: list[tuple[str, list[Any], dict[str, Any], str]] = [
    ("pixels", [{"insert": "matrixChannels", "repeatFor": "eachPixelABC"}], {}, "it drives pixels one by one"),
    ("an emitter twice", ["Red", "Red 2"], {"Red 2": emitter("Red")}, "several channels drive red (Red, Red 2)"),
    ("nothing to tell", [None, "Zoom"], {"Zoom": {"capability": {"type": "Zoom"}}}, "nothing can be told to this mode"),
    (
        "a strobe that cannot stand still",
        ["Dimmer", "Flash"],
        {"Flash": {"capability": {"type": "ShutterStrobe", "shutterEffect": "Strobe"}}},
        "Flash at 0 (Strobe): the light would flash",
    ),
    (
        "a strobe that is only a speed",
        ["Dimmer", "Strobe"],
        {"Strobe": {"capability": {"type": "StrobeSpeed", "speedStart": "1Hz", "speedEnd": "25Hz"}}},
        "Strobe at 0 (StrobeSpeed): the light would flash",
    ),
    ("too many slots", [None] * 512 + ["Dimmer"], {}, "it takes 513 slots; a universe has 512"),
    ("one channel twice", ["Dimmer", "Dimmer"], {}, "Dimmer is listed twice"),
]


@pytest.mark.parametrize(("listed", "more", "why"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_mode_is_refused_for(tmp_path: Path, listed: list[Any], more: dict[str, Any], why: str) -> None:
    channels = {"Dimmer": DIMMER, "Red": emitter("Red"), **more}
    file = saved(tmp_path, ofl(channels, ("Bad", listed), ("Good", ["Dimmer"])))
    assert refused(file)["Bad"].startswith(why)
    assert list(files.read(file).imported.profile.personalities) == ["good"]
    assert f"# - {why}" in files.read(file).text.replace("\n#   ", " ")
    with pytest.raises(files.Unreadable, match=r"mode 'Bad' – .* – another mode"):
        files.read(file, mode="Bad")


def test_a_template_s_channel_is_one_of_its_pixels(tmp_path: Path) -> None:
    fixture = ofl({}, ("M", ["Dimmer Master", "Dimmer Master fine"]))
    fixture["templateChannels"] = {"Dimmer $pixelKey": DIMMER | {"fineChannelAliases": ["Dimmer $pixelKey fine"]}}
    assert slots(tmp_path, saved(tmp_path, fixture), "m", intensity=0.5) == "8000"


def test_one_mode_by_its_name_its_short_name_or_its_key(tmp_path: Path) -> None:
    fixture = ofl({"D": DIMMER}, ("8 bit", ["D"]), ("8-bit!", ["D", None]))
    fixture["modes"][1]["shortName"] = "P02"
    file = saved(tmp_path, fixture)
    assert list(files.read(file).imported.profile.personalities) == ["8-bit", "8-bit-2"]
    for word in ("8-bit!", "p02", "8-bit-2"):
        assert list(files.read(file, mode=word).imported.profile.personalities) == ["8-bit-2"]
    with pytest.raises(files.Missing, match="there is no '9' – one of: '8 bit', '8-bit!'"):
        files.read(file, mode="9")


def test_the_maker_is_asked_for_where_nobody_names_it(tmp_path: Path) -> None:
    file = tmp_path / "fixture.json"
    file.write_text(json.dumps(PANEL))
    with pytest.raises(files.Unreadable, match=r"vendor – the format does not say .* – give --vendor NAME"):
        files.read(file)
    assert files.read(file, vendor="ACME Lights").imported.profile.name == "acme-lights/tube-2"
    file.write_text(json.dumps(PANEL | {"manufacturerKey": "other"}))
    assert files.read(file).imported.profile.vendor == "other"


def test_words_of_the_file_cannot_leave_their_line(tmp_path: Path) -> None:
    evil = 'Pan"\n[match]\nfirmware = 1\x1b[2J\u202e\ud800\x7f'
    fixture = ofl({"D": DIMMER, evil: {"capability": {"type": "Pan"}}}, (evil, ["D", evil]), name="Tube 2")
    ready = files.read(saved(tmp_path, fixture))
    assert all(line.startswith("#") for line in ready.text.split("\n\n")[0].splitlines())
    assert not {"\x1b", "\x7f", "\u202e"} & set(ready.text)
    assert slots(tmp_path, saved(tmp_path, fixture), next(iter(ready.imported.profile.personalities))) == "0000"
