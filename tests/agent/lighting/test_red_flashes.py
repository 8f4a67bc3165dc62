"""A light that can be red makes no red flashes, though they need hardly any luminance: whoever leads its emitters."""

import numpy as np
import pytest

from agent.lighting import slew
from agent.lighting.claims import Priority
from agent.lighting.rig import Rig
from config.units import Attribute
from firmware_profiles.hue import rgb
from firmware_profiles.library import load
from firmware_profiles.patch import Patched
from tests.flashes import densest, red_reversals

LIGHT, RED, GREEN, BLUE = Attribute.INTENSITY, Attribute.RED, Attribute.GREEN, Attribute.BLUE
SATURATION, X, Y = Attribute.SATURATION, Attribute.CIE_X, Attribute.CIE_Y
LIBRARY = load()
FRAME = 1 / 44


def worst(profile: str, mode: str, rate: float) -> float:
    """Red flashes in a second of a light that is sent from a dark red to anything but, and back, at all paces."""
    found = LIBRARY.find(profile)
    personality = found.personalities[mode]
    light = Patched("one", found, personality, mode, 1, 1, "key", personality.footprint)
    most = 0.0
    for level in (0.065, 0.08, 0.15, 1.0):
        for period in np.arange(0.06, 0.6, 0.03).tolist():
            most = max(most, densest(turns(light, rate, level, period)) / 2)
    return most


def turns(light: Patched, rate: float, level: float, period: float) -> list[float]:
    able = set(light.personality.attributes)
    red = {a: v for a, v in {LIGHT: 1.0, RED: level, GREEN: 0.0, BLUE: 0.0}.items() if a in able}
    other = {a: v for a, v in {LIGHT: 0.9, RED: 0.0, GREEN: 1.0, BLUE: 1.0}.items() if a in able}
    rig = Rig({"one": light}, rate=rate, present={"one": red}, show=lambda scene: None)
    course, due, away = [], 0.0, False
    times = np.arange(0, 4, FRAME)
    for now in times.tolist():
        if now >= due:
            due, away = due + period, not away
            rig.claim("foe", Priority.MANUAL, {"one": other if away else red}, now=now)
        shown = rig.scene.levels("one", now)
        course.append([shown.get(LIGHT, 1.0) * shown[each] for each in (RED, GREEN, BLUE)])
    return red_reversals(times, *np.array(course).T)


@pytest.mark.parametrize("rate", [0.35, 0.6])
@pytest.mark.parametrize(("profile", "mode"), [("generic/rgbw-panel", "6ch-strobe"), ("generic/rgb", "3ch")])
def test_no_second_holds_more_than_three_red_flashes(profile, mode, rate):
    assert 1 <= worst(profile, mode, rate) <= 3


def colour_worst(profile: str, mode: str, rate: float, red: dict, others: list[dict]) -> float:
    """The same of a light that is told a colour, between a red and another one."""
    found = LIBRARY.find(profile)
    personality = found.personalities[mode]
    light = Patched("one", found, personality, mode, 1, 1, "key", personality.footprint)
    most = 0.0
    for other in others:
        for low in (1.0, 0.8):
            for period in np.arange(0.06, 0.6, 0.06).tolist():
                rig = Rig({"one": light}, rate=rate, present={"one": {LIGHT: 1.0, **red}}, show=lambda scene: None)
                course, due, away = [], 0.0, False
                times = np.arange(0, 4, FRAME)
                for now in times.tolist():
                    if now >= due:
                        due, away = due + period, not away
                        levels = {LIGHT: low, **other} if away else {LIGHT: 1.0, **red}
                        rig.claim("foe", Priority.MANUAL, {"one": levels}, now=now)
                    shown = rig.scene.levels("one", now)
                    if personality.mixer is None:
                        course.append([shown[LIGHT] * each for each in rgb(shown[Attribute.HUE], shown[SATURATION])])
                    else:
                        *three, white = personality.mixer.shares(shown, shown[LIGHT])
                        course.append([min(1.0, each + white) for each in three])
                most = max(most, densest(red_reversals(times, *np.array(course).T)) / 2)
    return most


HSI = (
    "nanlite/forza-60c",
    "hsi-16bit",
    {Attribute.HUE: 0.0, SATURATION: 1.0},
    [{SATURATION: 0.0}, {Attribute.HUE: 90.0}],
)
XY = ("generic/rgbw", "8ch-xy", {X: 0.7, Y: 0.3}, [{X: 0.33, Y: 0.34}, {X: 0.135, Y: 0.05}, {X: 0.15, Y: 0.75}])


@pytest.mark.parametrize("rate", [0.35, 0.6])
@pytest.mark.parametrize(("profile", "mode", "red", "others"), [HSI, XY])
def test_nor_does_one_that_is_told_a_colour(profile, mode, rate, red, others):
    assert colour_worst(profile, mode, rate, red, others) <= 3


@pytest.mark.parametrize(("profile", "mode", "red", "others"), [HSI, XY])
def test_a_colour_that_is_not_limited_makes_more(monkeypatch, profile, mode, red, others):
    monkeypatch.setattr(slew.Slew, "_least", lambda *_: 0.0)
    assert colour_worst(profile, mode, 0.6, red, others) > 3


def test_without_the_limit_there_were_more(monkeypatch):
    monkeypatch.setattr(slew, "RED_RATE", 1.0)
    assert worst("generic/rgbw-panel", "6ch-strobe", 0.6) > 3
