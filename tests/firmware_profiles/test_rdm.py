"""Profiles by what a light says over RDM."""

import pytest

from firmware_profiles.library import Library, Shelf, load
from firmware_profiles.model import Profile
from firmware_profiles.rdm import choose, version_of


def profile(name: str, *models: int, **match: object) -> Profile:
    return Profile.model_validate(
        {
            "vendor": "acme",
            "model": name,
            "title": name,
            "source": "made up for a test",
            "match": {"rdm": [{"manufacturer": 0x1234, "model": model} for model in models], **match},
            "personalities": {"8bit": {"title": "8 bit", "slots": [{"attribute": "intensity"}]}},
        }
    )


def library(*profiles: Profile) -> Library:
    return Library((Shelf("test", profiles),))


def test_model_and_firmware_choose():
    old = profile("panel", 1, firmware=[{"before": "2.0"}])
    new = profile("panel", 1, firmware=[{"since": "2.0"}])
    shelf = library(old, new, profile("tube", 2, 3))
    assert choose(shelf, 0x1234, 1, "V1.9").profile is old
    assert choose(shelf, 0x1234, 1, "Panel FW 2.0.1").profile is new
    tube = choose(shelf, 0x1234, 3).profile
    assert tube is not None and tube.name == "acme/tube"


def test_what_no_profile_is_for_says_the_next_step():
    shelf = library(profile("panel", 1, firmware=[{"before": "2.0"}]), profile("a", 5), profile("b", 5))
    stranger = choose(shelf, 0x4321, 1)
    assert stranger.profile is None and "No profile names the RDM model 4321:0001" in stranger.said.en
    newer = choose(shelf, 0x1234, 1, "2.1")
    assert newer.profile is None and newer.firmware == "2.1" and "2.1" in newer.said.en
    unknown = choose(shelf, 0x1234, 1)
    assert unknown.profile is None and unknown.firmware is None
    two = choose(shelf, 0x1234, 5)
    assert two.profile is None and "acme/a, acme/b" in two.said.en
    assert all(each.next_step.en and each.next_step.zh and each.said.zh for each in (stranger, newer, unknown, two))


@pytest.mark.parametrize(
    ("label", "version"),
    [
        ("1.4.2", "1.4.2"),
        ("  V2.0b ", "V2.0b"),
        ("ACME firmware 3.1", "3.1"),
        ("factory", None),
        ("", None),
        ("灯 1.0", "1.0"),
        ("x" * 500, None),
    ],
)
def test_the_version_a_responder_tells(label, version):
    assert version_of(label) == version


SHIPPED = load()
MODELS = sorted(
    {(rdm.manufacturer, rdm.model, p.name) for s in SHIPPED.shelves for p in s.profiles for rdm in p.match.rdm}
)


@pytest.mark.parametrize(("manufacturer", "model", "name"), MODELS)
def test_a_shipped_light_is_found_by_what_it_says(manufacturer, model, name):
    versions = [p.match.firmware[0].since if p.match.firmware else "" for p in SHIPPED.named(name)]
    for version in versions:
        found = choose(SHIPPED, manufacturer, model, f"Main {version} Jan 16 2012" if version else "")
        assert found.profile is not None and found.profile.name == name, found.said
        assert any(quirk.name == "rdm" and str(model) in quirk.text for quirk in found.profile.quirks)


def test_no_model_is_two_lights():
    assert len({(manufacturer, model) for manufacturer, model, _ in MODELS}) == len(MODELS) >= 3
