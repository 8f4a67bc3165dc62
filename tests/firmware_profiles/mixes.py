"""Modes that mix, for tests: shipped ones and odd ones."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st

from config.units import Attribute
from firmware_profiles import library
from firmware_profiles.gamut import mixed
from firmware_profiles.model import Personality
from firmware_profiles.render import limits
from tests.firmware_profiles.shapes import mode

LIGHT, CCT, TINT, X, Y = Attribute.INTENSITY, Attribute.CCT, Attribute.TINT, Attribute.CIE_X, Attribute.CIE_Y
WARM, COLD = {"emitter": "warm", "cct": 2700, "light": 1.0}, {"emitter": "cold", "cct": 6500, "light": 1.25}
RED = {"emitter": "red", "xy": [0.7, 0.3], "light": 0.45}
GREEN = {"emitter": "green", "xy": [0.15, 0.75], "light": 0.85}
BLUE = {"emitter": "blue", "xy": [0.135, 0.048], "light": 0.2}
WIDE = {"bits": 16}
BICOLOUR = mode(WARM | WIDE, COLD | WIDE, mix="cct")
OFF_WHITE = mode(
    {"emitter": "warm", "xy": [0.46, 0.42], "light": 900, **WIDE},
    {"emitter": "cold", "xy": [0.31, 0.34], "light": 1400, **WIDE},
    mix="cct",
    cct=[3000, 6000],
)
TINTED = mode(*(each | WIDE for each in (RED, GREEN, BLUE, WARM, COLD)), mix="cct", cct=[2800, 6500], duv=0.01)
RGB = mode(RED, GREEN, BLUE, mix="xy")
MASTERED = mode({"attribute": "intensity", "bits": 16, "curve": "square"}, RED, GREEN, BLUE, WARM, mix="xy")
MASTERED_WHITE = mode({"attribute": "intensity"}, WARM | WIDE, COLD | WIDE, mix="cct")
APART = mode(
    {"emitter": "red", "part": "fine"},
    GREEN | {"bits": 16, "raw": [10, 65000], "points": [[0, 0], [0.5, 0.2], [1, 1]]},
    RED | {"part": "coarse", "curve": "square"},
    {"fixed": 9, "reason": "fan"},
    BLUE | {"curve": "dali-log"},
    mix="xy",
)
SHIPPED = {
    f"{profile.name}:{name}": personality
    for profile in library.load().shelves[-1].profiles
    for name, personality in profile.personalities.items()
    if personality.mixer is not None
}
MADE = {
    "bicolour": BICOLOUR,
    "off white": OFF_WHITE,
    "tinted": TINTED,
    "rgb": RGB,
    "mastered": MASTERED,
    "mastered white": MASTERED_WHITE,
    "apart": APART,
}
ALL = SHIPPED | MADE
EVERY = pytest.mark.parametrize("personality", ALL.values(), ids=ALL)
FINE = [name for name, each in ALL.items() if {c.last for c in (*each.emitters, *each.channels.values())} == {0xFFFF}]
FEW = settings(deadline=None, max_examples=15)


def light_of(personality: Personality, slots: bytes) -> tuple[float, float, float]:
    """X, Y, Z that the emitters make of these slots, each by its own channel and colour."""
    sources = [slot.source for slot in personality.slots if slot.emitter and slot.part != "fine"]
    shares = [channel.read(slots) for channel in personality.emitters]
    master = personality.channels[LIGHT].read(slots) if LIGHT in personality.channels else 1.0
    x, y, z = mixed(sources, shares)
    return master * x, master * y, master * z


def chromaticity(xyz):
    return xyz[0] / sum(xyz), xyz[1] / sum(xyz)


def some_levels(data, personality):
    return {a: data.draw(st.floats(*limits(personality, a)), str(a)) for a in personality.attributes}
