"""A light that can be red makes no red flashes, though they need hardly any luminance: whoever leads its emitters."""

import numpy as np
import pytest

from agent.lighting import slew
from agent.lighting.claims import Priority
from agent.lighting.rig import Rig
from config.units import Attribute
from firmware_profiles.library import load
from firmware_profiles.patch import Patched
from tests.flashes import densest, red_reversals

LIGHT, RED, GREEN, BLUE = Attribute.INTENSITY, Attribute.RED, Attribute.GREEN, Attribute.BLUE
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


def test_without_the_limit_there_were_more(monkeypatch):
    monkeypatch.setattr(slew, "RED_RATE", 1.0)
    assert worst("generic/rgbw-panel", "6ch-strobe", 0.6) > 3
