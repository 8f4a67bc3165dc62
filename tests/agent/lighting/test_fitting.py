"""What of a saved look fits the lights there are."""

from agent.lighting.looks import fitting
from config.units import Attribute
from firmware_profiles import library
from firmware_profiles.patch import Patched

LIGHT, CCT, X, Y = Attribute.INTENSITY, Attribute.CCT, Attribute.CIE_X, Attribute.CIE_Y


def patched(name, profile, mode):
    found = library.find(profile)
    personality = found.personalities[mode]
    return Patched(name, found, personality, mode, 1, 1, "key", personality.footprint)


def test_a_light_that_mixes_keeps_its_colour_in_a_look():
    lights = {
        "wash": patched("wash", "generic/rgb", "3ch-xy"),
        "white": patched("white", "generic/bicolour-warm-cold", "2ch"),
    }
    wanted = {"wash": {LIGHT: 0.5, X: 0.4, Y: 0.3}, "white": {LIGHT: 1.0, CCT: 4000.0}}
    assert fitting(wanted, lights) == (wanted, [])


def test_what_is_beyond_its_range_goes_as_far_as_it_can_and_what_it_has_not_is_told():
    lights = {"white": patched("white", "generic/bicolour-warm-cold", "2ch")}
    high = lights["white"].personality.ranges[CCT][1]
    able, unable = fitting({"white": {CCT: high + 1000, X: 0.3}, "gone": {LIGHT: 1.0}}, lights)
    assert able == {"white": {CCT: high}}
    assert unable == ["white.cct", "white.cie_x", "gone"]
