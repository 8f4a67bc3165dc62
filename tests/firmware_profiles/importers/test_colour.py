"""Hue and saturation: driven where the file says that they go all the way, held and told where it does not."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_profiles.importers import files
from firmware_profiles.importers.colour import colour_of
from tests.firmware_profiles.importers.builders import (
    DIMMER,
    channel,
    description,
    emitter,
    function,
    gdtf,
    left,
    ofl,
    packed,
    saved,
    slots,
)

D = DIMMER | {"fineChannelAliases": []}


def words(*said: str, ends: tuple[int, ...] = ()) -> dict[str, Any]:
    """A channel with these words over everything, or up to each end."""
    if not ends:
        return {"capability": {"type": "Generic", "comment": said[0]}}
    starts = (0, *(end + 1 for end in ends))
    caps = zip(starts, ends, said, strict=False)
    return {"capabilities": [{"dmxRange": [a, b], "type": "Generic", "comment": word} for a, b, word in caps]}


ANGLE = {"capability": {"type": "BeamAngle", "angleStart": "1deg", "angleEnd": "360deg"}}
BRIGHT = {"capability": {"type": "Intensity", "brightnessStart": "0%", "brightnessEnd": "100%"}}
LESS = "a degree less than a full circle: taken as 0…360°"
STEPS = "its steps are taken as one straight line"


@pytest.mark.parametrize(
    ("hue", "saturation", "sent", "told"),
    [
        (words("0…360°"), words("0…100%"), "ff80ff", {}),
        (words("0-360 deg"), BRIGHT, "ff80ff", {}),
        (words("360…0°"), words("0…100%"), "ff80ff", {}),
        (ANGLE, {"capability": {"type": "Intensity"}}, "ff80ff", {"Hue": LESS}),
        (words("0…359°"), words("0…100%"), "ff80ff", {"Hue": LESS}),
        (
            words("0°", "0-360°", "360°", ends=(37, 218, 255)),
            words("0%", "1-99%", "100%", ends=(26, 224, 255)),
            "ff80e1",
            {"Hue": STEPS, "Saturation": STEPS},
        ),
    ],
)
def test_the_whole_circle(tmp_path: Path, hue: Any, saturation: Any, sent: str, told: dict[str, str]) -> None:
    channels = {"Dimmer": D, "Hue": hue, "Saturation": saturation}
    file = saved(tmp_path, ofl(channels, ("M", list(channels))))
    assert slots(tmp_path, file, "m", intensity=1.0, hue=180, saturation=1.0) == sent
    assert {name: why for name, (_, why, held) in left(file).items() if held is None} == told


@pytest.mark.parametrize("said", ["0…180°", "-10…10", "0…360", "blue", "0…720°", "90…90°"])
def test_else_it_is_held(tmp_path: Path, said: str) -> None:
    file = saved(tmp_path, ofl({"Dimmer": D, "Hue": words(said)}, ("M", ["Dimmer", "Hue"])))
    assert left(file)["Hue"] == ("2", "the file gives words, no quantity", f"0 ({said})")


def test_one_colour_at_a_time(tmp_path: Path) -> None:
    channels = {"Dimmer": D, "Red": emitter("Red"), "Hue": words("0…360°")}
    file = saved(tmp_path, ofl(channels, ("M", list(channels))))
    assert left(file) == {"Hue": ("3", "the colour is that of Red already", "0 (0…360°)")}


@pytest.mark.parametrize("ends", [{}, {"PhysicalFrom": "0", "PhysicalTo": "360"}])
def test_gdtf(tmp_path: Path, ends: dict[str, str]) -> None:
    hsb = [channel("1", "HSB_Brightness"), channel("2,3", "HSB_Hue", function("HSB_Hue", **ends))]
    file = gdtf(tmp_path, ("M", [*hsb, channel("4", "HSB_Saturation")]))
    assert slots(tmp_path, file, "m", intensity=1.0, hue=90, saturation=1.0) == "ff4000ff"
    assert left(file) == {}


@pytest.mark.parametrize(
    ("said", "model", "told"),
    [
        ('ManufacturerID="0x20B9" DeviceModelID="0x0202"', (0x20B9, 0x202), None),
        ('ManufacturerID="20B9" DeviceModelID="202"', (0x20B9, 0x202), None),
        ('ManufacturerID="0" DeviceModelID="0"', None, None),
        ("", None, None),
        ('ManufacturerID="20B9"', None, "20B9: is no maker and model of 16 bit"),
        ('ManufacturerID="120B9" DeviceModelID="x"', None, "120B9:x is no maker and model of 16 bit"),
    ],
)
def test_the_rdm_model_of_a_gdtf_file(tmp_path: Path, said: str, model: Any, told: str | None) -> None:
    file = gdtf(tmp_path, ("M", [channel("1", "Dimmer")]))
    text = description(("M", [channel("1", "Dimmer")])).replace(
        "<Revisions>", f"<Protocols><FTRDM {said}/></Protocols><Revisions>"
    )
    file.write_bytes(packed(text))
    assert slots(tmp_path, file, "m", intensity=1.0) == "ff"
    found = [(each.manufacturer, each.model) for each in files.read(file).imported.profile.match.rdm]
    assert found == ([] if model is None else [model])
    assert left(file) == ({} if told is None else {"RDM": ("", told, None)})


def test_the_rdm_model_of_a_library_file_lacks_its_maker(tmp_path: Path) -> None:
    file = saved(tmp_path, ofl({"D": D}, ("M", ["D"]), rdm={"modelId": 514, "softwareVersion": "4.1"}))
    told = left(file)
    assert told["RDM"][1].startswith("the file gives model 514 and not its maker's ESTA number")
    assert told["RDM software version"][1].startswith("the file is for 4.1: where others differ, add a range")


def test_the_numbers_that_rdm_has_for_modes_are_told(tmp_path: Path) -> None:
    fixture = ofl({"D": D}, ("One", ["D"]), ("Two", ["D", None]))
    fixture["modes"][1]["rdmPersonalityIndex"] = 7
    numbers = "a profile has no numbers for them: 7 Two"
    assert left(saved(tmp_path, fixture)) == {"RDM personalities": ("", numbers, None)}


def test_versions_mode_numbers_emitters_and_relations_of_a_gdtf_file_are_told(tmp_path: Path) -> None:
    rdm = '<SoftwareVersionID Value="0x0104"><DMXPersonality Value="0x02" DMXMode="M"/></SoftwareVersionID>'
    said = f'<FTRDM ManufacturerID="20B9" DeviceModelID="202">{rdm}</FTRDM>'
    emitters = (
        '<PhysicalDescriptions><Emitters><Emitter Name="Red" Color="0.7,0.3,20"/></Emitters></PhysicalDescriptions>'
    )
    relation = '<Relations><Relation Name="R" Master="a" Follower="b" Type="Override"/></Relations>'
    text = description(("M", [channel("1", "Dimmer")]), more=relation).replace(
        "<Revisions>", f"<Protocols>{said}</Protocols>{emitters}<Revisions>"
    )
    file = tmp_path / "tube.gdtf"
    file.write_bytes(packed(text))
    found = {name: why for name, (_, why, _) in left(file).items()}
    assert found.pop("RDM software version").startswith("the file is for 0x0104: where others differ")
    assert found.pop("Emitters").startswith("the colours of 1: a mode that mixes them is written by hand")
    assert found == {
        "RDM personalities": "a profile has no numbers for them: 0x02 M",
        "": "its 1 relations between channels",
    }


CAP = st.fixed_dictionaries(
    {"type": st.sampled_from(["Generic", "Intensity", "BeamAngle", "Effect"])},
    optional={
        "comment": st.sampled_from(["0…360°", "0…100%", "1-99%", "360°", "0%"]) | st.text(max_size=9) | st.integers(),
        "angleStart": st.sampled_from(["0deg", "1deg", "x"]) | st.none(),
        "angleEnd": st.sampled_from(["360deg", "off"]) | st.integers(),
        "brightnessStart": st.sampled_from(["0%", "off", "dark"]),
        "brightness": st.sampled_from(["bright", "100%"]) | st.floats(),
    },
)


@settings(deadline=None)
@given(
    st.sampled_from(["Hue", "Saturation", "Hue 2", "Sat"]) | st.text(max_size=6), st.lists(CAP, min_size=1, max_size=5)
)
def test_any_words_give_a_whole_line_or_none(name: str, caps: list[dict[str, Any]]) -> None:
    ranges = [(50 * at, 50 * at + 49) for at in range(len(caps))]
    drive, _ = colour_of(name, caps, ranges)
    if drive is not None:
        assert 0 <= drive.first < drive.last <= ranges[-1][1]
        assert {drive.start, drive.end} in ({0.0, 360.0}, {0.0, 1.0})
