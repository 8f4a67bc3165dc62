"""Which profile is found: by name, by firmware, by where it comes from."""

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from firmware_profiles import library
from firmware_profiles.library import Library, ProfileMissing, Shelf
from tests.firmware_profiles.shapes import file, profile


def ranged(title, since=None, before=None, unknown=False):
    ends = {key: end for key, end in (("since", since), ("before", before)) if end}
    return profile(title=title, match={"firmware": [ends], "unknown": unknown})


OLD = ranged("old", before="2.0", unknown=True)
NEW = ranged("new", since="2.0", before="4.0")
NARROW = ranged("narrow", since="2.5", before="3.0")
ANY = profile(title="any")


def shelf(*profiles, origin="here"):
    return Library((Shelf(origin, profiles),))


@pytest.mark.parametrize(
    ("firmware", "title"),
    [
        ("1.9.9", "old"),
        ("2.0", "new"),
        ("2.5", "narrow"),
        ("2.99", "narrow"),
        ("3.0", "new"),
        ("4.0", "any"),
        (None, "old"),
    ],
)
def test_the_most_specific_range_wins_and_its_end_is_open(firmware, title):
    assert shelf(ANY, OLD, NEW, NARROW).find("acme/tube", firmware).title == title


def test_an_unknown_firmware_is_a_case_of_its_own():
    assert shelf(ANY, NEW).find("acme/tube").title == "any"
    with pytest.raises(ProfileMissing, match=r"is for firmware \(not known\) – give the light's firmware version"):
        shelf(NEW, NARROW).find("acme/tube")


def test_a_firmware_nobody_wrote_down_is_told_with_those_there_are():
    with pytest.raises(
        ProfileMissing, match=r"no profile of acme/tube is for firmware 9 – there are profiles for 2.0 up to"
    ):
        shelf(NEW).find("acme/tube", "9")
    with pytest.raises(ProfileMissing, match="'n/a' is not a firmware version"):
        shelf(NEW).find("acme/tube", "n/a")


@pytest.mark.parametrize(
    ("one", "other", "firmware"),
    [
        (ANY, ANY, None),
        (ANY, ANY, "1.0"),
        (NEW, NEW, "2.0"),
        (ranged("a", "1", "3"), ranged("b", "2", "4"), "2.5"),
        (ranged("a", unknown=True, before="2"), ranged("b", unknown=True, since="2"), None),
    ],
)
def test_a_tie_is_an_error(one, other, firmware):
    with pytest.raises(ProfileMissing, match=r"2 profiles of acme/tube in here fit firmware .* equally"):
        shelf(one, other).find("acme/tube", firmware)


def test_a_stronger_shelf_wins_even_when_less_specific():
    both = Library((Shelf("site", (ANY,)), Shelf("shipped", (NEW,))))
    assert both.find("acme/tube", "2.0").title == "any"


def test_a_stronger_shelf_without_a_fitting_one_leaves_it_to_the_next():
    both = Library((Shelf("site", (NEW,)), Shelf("shipped", (ANY,))))
    assert both.find("acme/tube", "1.0").title == "any"


def test_a_misspelt_name_is_told_with_the_nearest():
    with pytest.raises(ProfileMissing, match=r"there is no profile 'generic/dimer' – did you mean 'generic/dimmer'\?"):
        library.find("generic/dimer")


def test_a_site_folder_comes_before_the_shipped_profiles(tmp_path: Path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/dimmer.toml").write_text(file(vendor='"generic"', model='"dimmer"', title='"ours"'))
    assert library.find("generic/dimmer", folders=[tmp_path]).title == "ours"
    assert library.find("generic/dimmer").title != "ours"
    assert library.find("generic/rgbw-panel", folders=[tmp_path]).name == "generic/rgbw-panel"
    assert library.names([tmp_path]) == library.names()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\n[", "2: end of file – not valid TOML: no key can begin like this"),
        (b"a = 1\na = 2", "2: end of file – not valid TOML: this key is there already – each table and key only once"),
        (b"\n\xff", "2: file – is not UTF-8 text – save it as UTF-8"),
        (file(source=None).encode(), " source – is missing – give it: Where the numbers come from"),
        (file(source='""').encode(), "4: source – is empty"),
        (file(titel='"x"').encode(), "5: titel – unknown key – did you mean 'title'?"),
        (
            file().replace("intensity", "intensty").encode(),
            '7: personalities.1ch.slots[0].attribute – "intensty" is not one',
        ),
        (
            file().replace('"intensity"', '"cct"').encode(),
            "7: personalities.1ch.slots[0] – cct needs its range – span = [2700, 6500]",
        ),
    ],
)
def test_a_broken_file_is_one_clear_error_and_the_others_still_load(tmp_path: Path, content, why):
    (tmp_path / "broken.toml").write_bytes(content)
    (tmp_path / "tube.toml").write_text(file())
    loaded = library.load([tmp_path])
    [error] = loaded.broken
    assert loaded.site_broken == [error]
    [line] = str(error).splitlines()
    assert line.startswith(f"{tmp_path}/broken.toml:{why}")
    assert loaded.find("acme/tube").title == "Tube"


@pytest.mark.parametrize("name", ["tube", "other"])
@pytest.mark.parametrize("text", [file(source=None), file(titel='"x"\ntitel = 1')], ids=["faulty", "no TOML"])
def test_asking_for_a_profile_whose_file_is_broken_tells_that_by_what_the_file_says(tmp_path: Path, name, text):
    (tmp_path / f"{name}.toml").write_text(text)
    with pytest.raises(ProfileMissing, match=rf"the file of this profile is broken: .*{name}.toml:.* – mend that file"):
        library.find("acme/tube", folders=[tmp_path])
    with pytest.raises(ProfileMissing, match="there is no profile 'acme/tub'"):
        library.find("acme/tub", folders=[tmp_path])


def test_a_broken_file_that_says_no_name_is_known_by_its_own(tmp_path: Path):
    (tmp_path / "tube.toml").write_bytes(b"\xff")
    with pytest.raises(ProfileMissing, match=r"the file of this profile is broken: .*is not UTF-8 text"):
        library.find("acme/tube", folders=[tmp_path])


def test_no_shipped_profile_stands_in_for_a_broken_one_of_the_site(tmp_path: Path):
    (tmp_path / "dimmer.toml").write_text(file(vendor='"generic"', model='"dimmer"', source=None))
    with pytest.raises(ProfileMissing, match="the file of this profile is broken"):
        library.find("generic/dimmer", folders=[tmp_path])


def test_a_site_folder_that_is_not_there_is_told(tmp_path: Path):
    loaded = library.load([tmp_path / "none"])
    assert [str(error) for error in loaded.broken] == [
        f"{tmp_path}/none: folder – is not there – create it or correct the path"
    ]
    assert "generic/dimmer" in loaded.names()


def some_profiles():
    """What a third party's entry point gives."""
    return [profile(model="lamp"), library.SHIPPED / "generic"]


def no_profiles():
    raise RuntimeError("their disk is full")


def test_a_third_partys_package_gives_profiles_and_folders(monkeypatch):
    here = EntryPoint("acme", f"{__name__}:some_profiles", library.GROUP)
    monkeypatch.setattr(EntryPoint, "load", lambda self: globals()[self.attr])
    made = library._third_party("acme", here)
    assert {"acme/lamp", "generic/dimmer"} <= {one.name for one in made.profiles}


def test_a_third_partys_broken_package_is_one_error(monkeypatch):
    here = EntryPoint("acme", f"{__name__}:no_profiles", library.GROUP)
    monkeypatch.setattr(EntryPoint, "load", lambda self: globals()[self.attr])
    [error] = library._third_party("acme", here).broken
    assert "RuntimeError: their disk is full" in str(error)
