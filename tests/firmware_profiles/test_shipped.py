"""The lights that are shipped: found, sourced, steady, and their slots those of the tables they were copied from."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.units import Attribute
from firmware_profiles import library
from firmware_profiles.library import SHIPPED, ProfileMissing
from firmware_profiles.match import most_specific
from firmware_profiles.model import Personality, Profile
from firmware_profiles.render import attributes, check_levels, decode, limits, render, resolution

SHELF = library.load().shelves[-1]
LIGHTS = [profile for profile in SHELF.profiles if profile.vendor != "generic" and profile.personalities]


def _label(profile: Profile) -> str:
    since = [range_.since for range_ in profile.match.firmware if range_.since]
    return profile.name + "".join(f"@{version}" for version in since)


PERSONALITIES = {
    f"{_label(profile)}:{name}": personality
    for profile in LIGHTS
    for name, personality in profile.personalities.items()
}
FILE = Path(__file__).with_name("documented.txt")
DOCUMENTED = [line.split() for line in FILE.read_text(encoding="utf-8").splitlines() if line[:1] not in ("", "#")]
STEPS = {Attribute.TINT: (-1.0, 0.0, 1.0), Attribute.HUE: (0.0, 180.0, 360.0)}


@pytest.mark.parametrize(("name", "cct", "slots"), [(name, cct, slots) for name, cct, *slots in DOCUMENTED])
def test_the_slots_are_those_of_the_table_the_light_was_copied_from(name, cct, slots):
    personality = PERSONALITIES[name]
    steps = dict.fromkeys(attributes(personality), (0.0, 0.5, 1.0)) | {
        a: steps for a, steps in STEPS.items() if a in attributes(personality)
    }
    assert (cct != "-") == (Attribute.CCT in steps)
    if cct != "-":
        low, high = (float(end) for end in cct.split("…"))
        steps[Attribute.CCT] = (low, (low + high) / 2, high)
        assert limits(personality, Attribute.CCT) == (low, high)
    assert len(slots) == 3
    for at, expected in enumerate(slots):
        levels = {attribute: steps[attribute][at] for attribute in steps}
        assert check_levels(personality, levels) == []
        assert render(personality, levels).hex() == expected


def test_every_personality_of_a_shipped_light_is_documented():
    assert sorted(name for name, *_ in DOCUMENTED) == sorted(PERSONALITIES)


def test_every_shipped_file_is_read():
    assert SHELF.broken == ()
    assert len({profile.name for profile in LIGHTS}) >= 22


@pytest.mark.parametrize("file", sorted(SHIPPED.rglob("*.toml")), ids=lambda file: f"{file.parent.name}/{file.name}")
def test_a_file_is_where_its_name_says(file):
    profile = library.read(file)
    stem = [profile.model, *(f"{profile.model}-{range_.since}" for range_ in profile.match.firmware)]
    assert file.parent == SHIPPED / profile.vendor
    assert file.stem in stem


LIBRARY_FILE = r"[\w.-]+/[\w.-]+ [\w/.-]+\.(json|qxf|xml)"
DOCUMENT = re.compile(rf"{LIBRARY_FILE}|\.pdf|\b(page|clause|section|measured)\b", re.IGNORECASE)


@pytest.mark.parametrize("profile", SHELF.profiles, ids=_label)
def test_a_source_is_a_document_or_says_that_there_is_none(profile):
    assert DOCUMENT.search(profile.source) or "generic" in profile.source.lower()
    for quirk in profile.quirks:
        assert len(quirk.source.split()) > 1


def _versions(name: str) -> list[str | None]:
    """No firmware, and one before, at and after each end of a range."""
    ranges = [range_ for each in SHELF.profiles if each.name == name for range_ in each.match.firmware]
    ends = {end for range_ in ranges for end in (range_.since, range_.before) if end}
    return [None, "0.1", "99", *ends, *(f"{end}-rc1" for end in ends), *(f"{end}.1" for end in ends)]


@pytest.mark.parametrize("name", sorted({profile.name for profile in SHELF.profiles}))
def test_no_firmware_has_two_profiles(name):
    for version in _versions(name):
        assert len(most_specific([each for each in SHELF.profiles if each.name == name], version)) <= 1


HARM = re.compile(r"strobe|effect|shutter|\bfx\b", re.IGNORECASE)
STATED = re.compile(r": (\d+)…(\d+) is |: (\d+) is ")
HARMLESS = re.compile(r"off|open|manual|stop|start point|without (function|effect)|\bCCT\b|daylight|RGBW")


@pytest.mark.parametrize("name", PERSONALITIES)
def test_a_slot_that_could_flash_is_held_where_its_table_says_that_it_does_not(name):
    for slot in PERSONALITIES[name].slots:
        if slot.fixed is None or not HARM.search(slot.reason):
            continue
        assert HARMLESS.search(slot.reason), slot.reason
        if "the file's default" in slot.reason:
            assert slot.fixed == 0
            continue
        held = [(int(a or c), int(b or c)) for a, b, c in STATED.findall(slot.reason)]
        held += [(int(value), int(value)) for value in re.findall(r", (\d+) (?:RGBW|HSI)", slot.reason)]
        assert any(low <= slot.fixed <= high for low, high in held), slot.reason


@settings(deadline=None, max_examples=400)
@given(data=st.data())
def test_any_levels_come_back_and_no_held_slot_moves(data):
    personality: Personality = data.draw(st.sampled_from(list(PERSONALITIES.values())))
    levels = {a: data.draw(st.floats(*limits(personality, a)), str(a)) for a in attributes(personality)}
    slots = render(personality, levels)
    back = decode(personality, slots)
    assert render(personality, back) == slots
    for attribute, level in levels.items():
        assert abs(back[attribute] - level) <= resolution(personality, attribute, level) * (1 + 1e-9)
    driven = {at for channel in personality.channels.values() for at in (channel.coarse, channel.fine)}
    for at, (slot, held) in enumerate(zip(slots, personality.constants, strict=True)):
        assert at in driven or slot == held


def test_the_celeb_is_known_from_firmware_5_on():
    for firmware in (None, "4.9"):
        with pytest.raises(ProfileMissing, match="firmware"):
            library.find("kino-flo/celeb-250", firmware)
    assert library.find("kino-flo/celeb-250", "5.0") is library.find("kino-flo/celeb-250", "6.1")


def test_the_p3_has_more_modes_from_firmware_2_on_and_the_old_ones_as_they_were():
    old, new = library.find("fiilex/p3-color", "1.9"), library.find("fiilex/p3-color", "2.0")
    assert library.find("fiilex/p3-color") is old
    assert set(new.personalities) - set(old.personalities) == {"40", "43", "45", "48"}
    for name, personality in old.personalities.items():
        assert new.personalities[name].slots == personality.slots
