"""However a mixed colour is moved, the light it makes changes no faster than the limit."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.lighting.claims import Priority
from agent.lighting.rig import Rig
from config.model import AgentSection, FixtureSection, OutputSection, StudioConfig
from config.units import CIE_SPAN, Attribute
from firmware_profiles.gamut import mixed
from firmware_profiles.hue import rgb
from firmware_profiles.patch import patch
from firmware_profiles.render import decode

LIGHT, X, Y = Attribute.INTENSITY, Attribute.CIE_X, Attribute.CIE_Y
RATE = 0.35
MODES = {"rgb": "6ch-xy", "rgbw": "8ch-xy", "rgba": "8ch-xy", "rgbww": "10ch-xy"}
FIXTURES = patch(
    StudioConfig(
        agent=AgentSection(site="test", name="room"),
        outputs={"out": OutputSection(driver="sacn", universes=(1,))},
        fixtures={
            name: FixtureSection(profile=f"generic/{name}", personality=mode, universe=1, address=1 + 20 * at)
            for at, (name, mode) in enumerate(MODES.items())
        },
    )
)


def luminance(name: str, frame: bytes) -> float:
    """Share of its full light that a fixture gives in this frame."""
    light = FIXTURES[name]
    sources = [slot.source for slot in light.personality.slots]
    mixer = light.personality.mixer
    assert mixer is not None
    slots = frame[light.address - 1 : light.last]
    full = mixed(sources, mixer.shares(light.personality.defaults(), 1.0))[1]
    return mixed(sources, [channel.read(slots) for channel in light.personality.emitters])[1] / full


@pytest.mark.parametrize("name", MODES)
@settings(deadline=None, max_examples=15)
@given(
    commands=st.lists(
        st.tuples(
            st.floats(0, 1),
            st.dictionaries(st.sampled_from([LIGHT, X, Y]), st.floats(0, 1), min_size=1),
            st.floats(0, 3),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_the_light_of_a_colour_keeps_the_limit_whatever_is_commanded(name, commands):
    rig = Rig(FIXTURES, rate=RATE, present={name: {LIGHT: 1.0, X: 0.3127, Y: 0.329}}, show=lambda scene: None)
    now, seen = 0.0, []
    for wait, shares, fade in commands:
        spans = {LIGHT: (0.0, 1.0), **CIE_SPAN}
        levels = {a: spans[a][0] + share * (spans[a][1] - spans[a][0]) for a, share in shares.items()}
        rig.claim("anybody", Priority.MANUAL, {name: levels}, now=now, fade=fade)
        steps = 10
        seen += [(now + wait * step / steps, rig.scene.frame(1, now + wait * step / steps)) for step in range(steps)]
        now += wait
    light = [(at, luminance(name, frame)) for at, frame in seen]
    for (earlier, before), (later, after) in pairwise(light):
        assert abs(after - before) <= RATE * (later - earlier) * 1.01 + 5e-4  # and the rounding of the slots


PANEL = patch(
    StudioConfig(
        agent=AgentSection(site="test", name="room"),
        outputs={"out": OutputSection(driver="sacn", universes=(1,))},
        fixtures={"hsi": FixtureSection(profile="nanlite/forza-60c", personality="hsi-16bit", universe=1, address=1)},
    )
)
PRIMARIES = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.21, 0.72, 0.07))
"""How much of the light each emitter may have."""


@settings(deadline=None, max_examples=30)
@given(
    commands=st.lists(
        st.tuples(
            st.floats(0, 2),
            st.dictionaries(st.sampled_from([LIGHT, Attribute.HUE, Attribute.SATURATION]), st.floats(0, 1), min_size=1),
            st.floats(0, 3),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_the_light_of_a_hue_keeps_the_limit_whatever_its_emitters_give(commands):
    rig = Rig(PANEL, rate=RATE, present={"hsi": {LIGHT: 1.0}}, show=lambda scene: None)
    now, seen = 0.0, []
    for wait, shares, fade in commands:
        levels = {a: 360 * share if a is Attribute.HUE else share for a, share in shares.items()}
        rig.claim("anybody", Priority.MANUAL, {"hsi": levels}, now=now, fade=fade)
        for step in range(10):
            shown = decode(PANEL["hsi"].personality, rig.scene.frame(1, now + wait * step / 10)[:6])
            emitters = rgb(shown[Attribute.HUE], shown[Attribute.SATURATION])
            seen.append((now + wait * step / 10, [shown[LIGHT] * each for each in emitters]))
        now += wait
    for (earlier, before), (later, after) in pairwise(seen):
        for weights in PRIMARIES:
            moved = abs(sum(w * (a - b) for w, a, b in zip(weights, after, before, strict=True)))
            assert moved <= RATE * (later - earlier) * 1.01 + 5e-4  # and the rounding of the slots
