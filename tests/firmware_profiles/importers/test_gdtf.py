"""GDTF files become profiles that send the right slots, and tell what they leave out."""

from pathlib import Path

import pytest

from firmware_profiles.importers import files
from tests.firmware_profiles.importers.builders import channel, function, gdtf, left, refused, slots

CCT = function("CTC", PhysicalFrom="2700", PhysicalTo="6500")
OPEN = function("Shutter1", Name="Open") + function("Shutter1Strobe", "20/1", PhysicalFrom="1", PhysicalTo="25")
PANEL = (
    ("8 bit", [channel("1", "Dimmer"), channel("2", "CTC", CCT), channel("3", "Shutter1", OPEN)]),
    ("16 bit", [channel("1,2", "Dimmer"), channel("3", "CTC", CCT)]),
    ("Apart", [channel("1,3", "Dimmer"), channel("2", "ColorAdd_RY")]),
)


@pytest.mark.parametrize(
    ("mode", "levels", "sent"),
    [
        ("8-bit", {"intensity": 1.0, "cct": 6500}, "ffff00"),
        ("8-bit", {"intensity": 0.5, "cct": 2700}, "800000"),
        ("16-bit", {"intensity": 0.5, "cct": 4600}, "800080"),
        ("apart", {"intensity": 1 / 65535 * 0x1234, "amber": 1.0}, "12ff34"),
    ],
)
def test_levels_give_the_slots_of_the_file(tmp_path: Path, mode: str, levels: dict[str, float], sent: str) -> None:
    assert slots(tmp_path, gdtf(tmp_path, *PANEL), mode, **levels) == sent


def test_the_profile_says_where_it_comes_from(tmp_path: Path) -> None:
    profile = files.read(gdtf(tmp_path, *PANEL)).imported.profile
    assert (profile.name, profile.title) == ("acme/tube-2", "Acme Tube 2")
    assert profile.source.startswith("GDTF 1.2, tube.gdtf (sha256 ")
    assert profile.source.endswith(", revision first 2024-05-01T00:00:00")


COPIED = "".join(f'<ChannelSet DMXFrom="{at}/1" PhysicalFrom="0.0" PhysicalTo="1.0"/>' for at in (0, 1, 255))
ONE: list[tuple[str, str, dict[str, float], str, dict[str, tuple[str, str, str | None]]]] = [
    ("nothing to add", channel("1", "Dimmer"), {"intensity": 1.0}, "ff", {}),
    (
        "a range of its own, and the rest told",
        channel("1", "Dimmer", function("NoFeature", Name="Off"), function("Dimmer", "10/1")),
        {"intensity": 0.0},
        "0a",
        {"Dimmer": ("1", "values that are not used: 0–9 Off", None)},
    ),
    (
        "a byte that repeats in a wider channel",
        channel("1,2", "Dimmer", function("Dimmer", "0/1"), function("NoFeature", "128/1", Name="Menu")),
        {"intensity": 1.0},
        "807f",
        {"Dimmer": ("1–2", "values that are not used: 32896–65535 Menu", None)},
    ),
    (
        "a byte that is shifted",
        channel("1,2", "Dimmer", function("Dimmer", "0/1"), function("NoFeature", "128/1s", Name="Menu")),
        {"intensity": 1.0},
        "7fff",
        {"Dimmer": ("1–2", "values that are not used: 32768–65535 Menu", None)},
    ),
    (
        "a channel that runs backwards",
        channel("1", "CTO", function("CTO", PhysicalFrom="6500", PhysicalTo="2700")),
        {"cct": 2700},
        "ff",
        {},
    ),
    (
        "the function's own ends in every set",
        channel("1", "Dimmer", function("Dimmer", inner=COPIED)),
        {"intensity": 0.5},
        "80",
        {},
    ),
    ("an inverted one", channel("1", "Dimmer", function("Dimmer", DMXInvert="Yes")), {"intensity": 1.0}, "00", {}),
    (
        "a curve",
        channel("1", "Dimmer", function("Dimmer", DMXProfile="Soft")),
        {"intensity": 0.5},
        "80",
        {"Dimmer": ("1", "its curve Soft: taken as linear", None)},
    ),
    (
        "finer than 16 bit",
        channel("1,2,3", "Dimmer"),
        {"intensity": 0.5},
        "800000",
        {"Dimmer": ("3", "finer than 16 bit, which a profile does not have", "0")},
    ),
]


@pytest.mark.parametrize(("node", "levels", "sent", "told"), [row[1:] for row in ONE], ids=[row[0] for row in ONE])
def test_a_driven_channel_with(
    tmp_path: Path, node: str, levels: dict[str, float], sent: str, told: dict[str, tuple[str, str, str | None]]
) -> None:
    file = gdtf(tmp_path, ("M", [node]))
    assert slots(tmp_path, file, "m", **levels) == sent
    assert left(file) == told


CLOSED = function(
    "Shutter1", Name="Shutter", inner='<ChannelSet Name="Closed" DMXFrom="0/1"/><ChannelSet Name="Open" DMXFrom="9/1"/>'
)
SHUT = function(
    "Shutter1",
    inner='<ChannelSet Name="OFF" DMXFrom="0/1" PhysicalFrom="0" PhysicalTo="0"/>'
    '<ChannelSet Name="Open" DMXFrom="9/1" PhysicalFrom="1" PhysicalTo="1"/>',
)
STEPS = "".join(
    f'<ChannelSet Name="{kelvin} K" DMXFrom="{at}/1" PhysicalFrom="{kelvin}" PhysicalTo="{kelvin}"/>'
    for at, kelvin in ((0, 3200), (128, 5600))
)
HELD: list[tuple[str, str, str, tuple[str, str, str]]] = [
    ("the channel's start", channel("2", "Pan", Default="7/1"), "07", ("2", "movement", "7 (Pan 1)")),
    (
        "the initial function's start",
        channel(
            "2",
            "Gobo1",
            function("Gobo1", Default="3/1", Name="A"),
            function("Gobo1", "50/1", Default="60/1", Name="B"),
            InitialFunction="Body_Gobo1.Gobo1.B",
        ),
        "3c",
        ("2", "gobo or colour wheel", "60 (B)"),
    ),
    (
        "open instead of closed",
        channel("2", "Shutter1", CLOSED),
        "09",
        ("2", "strobe or shutter (at 0, the file's own start, the light would stay dark)", "9 (Open)"),
    ),
    (
        "open instead of shut by its physical value",
        channel("2", "Shutter1", SHUT),
        "09",
        ("2", "strobe or shutter (at 0, the file's own start, the light would stay dark)", "9 (Open)"),
    ),
    (
        "open instead of a strobe",
        channel("2", "Shutter1", OPEN, Default="30/1"),
        "00",
        ("2", "strobe or shutter (at 30, the file's own start, the light would flash)", "0 (Open)"),
    ),
    (
        "a tint of unknown direction",
        channel("2", "Tint"),
        "00",
        ("2", "green/magenta without a unit or a direction", "0 (Tint 1)"),
    ),
    (
        "kelvin that are none",
        channel("2", "CTC"),
        "00",
        ("2", "CTC has no range of kelvin within 1000…20000", "0 (CTC 1)"),
    ),
    (
        "steps",
        channel("2", "CTC", function("CTC", PhysicalFrom="3200", PhysicalTo="5600", inner=STEPS)),
        "00",
        ("2", "CTC goes in steps", "0 (3200 K)"),
    ),
    (
        "a function that depends on another channel",
        channel("2", "CTC", function("CTC", PhysicalFrom="3200", PhysicalTo="5600", ModeMaster="Body_Dimmer")),
        "00",
        ("2", "its meaning changes with another channel, and a profile's slots keep theirs", "0 (CTC 1)"),
    ),
]


@pytest.mark.parametrize(("node", "sent", "told"), [row[1:] for row in HELD], ids=[row[0] for row in HELD])
def test_a_channel_is_held_for(tmp_path: Path, node: str, sent: str, told: tuple[str, str, str]) -> None:
    file = gdtf(tmp_path, ("M", [channel("1", "Dimmer"), node]))
    assert slots(tmp_path, file, "m", intensity=1.0) == f"ff{sent}"
    assert list(left(file).values()) == [told]


def test_slots_that_no_channel_describes_macros_and_virtual_channels_are_told(tmp_path: Path) -> None:
    more = '<FTMacros><FTMacro Name="Reset"/></FTMacros>'
    file = gdtf(
        tmp_path, ("M", [channel("1", "Dimmer"), channel("3", "ColorAdd_R"), channel("None", "Zoom")]), more=more
    )
    assert slots(tmp_path, file, "m", intensity=1.0, red=1.0) == "ff00ff"
    told = [(each.slots, each.channel, each.why.en) for each in files.read(file).imported.left]
    assert told == [
        ("", "", "Zoom has no slot of its own"),
        ("", "", "its 1 macros"),
        ("2", "–", "no channel of the file describes this slot"),
    ]


PIXELS = '<Geometry Name="Body"><GeometryReference Name="P1" Geometry="Pixel"/></Geometry><Geometry Name="Pixel"/>'
REFUSED = [
    ("pixels", [channel("1", "Dimmer", Geometry="Pixel")], "it drives pixels one by one"),
    ("a part with an address to be given", [channel("1", "Dimmer", DMXBreak="Overwrite")], "it drives pixels"),
    ("two addresses", [channel("1", "Dimmer"), channel("1", "Pan", DMXBreak="2")], "it needs 2 start addresses"),
    ("two on one slot", [channel("1,2", "Dimmer"), channel("2", "Pan")], "Dimmer and Pan both sit on slot 2"),
    ("a slot beyond the universe", [channel("513", "Dimmer")], "it takes 513 slots"),
    ("no slots", [channel("", "Dimmer")], "it has no DMX channel"),
    ("two dimmers", [channel("1", "Dimmer"), channel("2", "Dimmer")], "several channels drive intensity"),
    (
        "an effect",
        [channel("1", "Dimmer"), channel("2", "Effects1")],
        "Effects1 at 0 (Effects1 1): an effect would run",
    ),
]


@pytest.mark.parametrize(("nodes", "why"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_mode_is_refused_for(tmp_path: Path, nodes: list[str], why: str) -> None:
    file = gdtf(tmp_path, ("Bad", nodes), ("Good", [channel("1", "Dimmer")]), geometry=PIXELS)
    assert refused(file)["Bad"].startswith(why)
    assert list(files.read(file).imported.profile.personalities) == ["good"]


BROKEN = [
    ("Offset", channel("1,x", "Dimmer"), r":3: DMXChannel Offset – '1,x' is none – one to four numbers from 1"),
    ("0", channel("0", "Dimmer"), "DMXChannel Offset – '0' is none"),
    ("value", channel("1", "Dimmer", function("Dimmer", "256/1")), "DMXFrom – '256/1' is no DMX value – like 255/1"),
    ("number", channel("1", "Dimmer", function("Dimmer", PhysicalTo="nan")), "PhysicalTo – 'nan' is no number"),
]


@pytest.mark.parametrize(("node", "said"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_what_is_no_gdtf_is_told_with_its_line(tmp_path: Path, node: str, said: str) -> None:
    with pytest.raises(files.Unreadable, match=said):
        files.read(gdtf(tmp_path, ("M", [node])))
