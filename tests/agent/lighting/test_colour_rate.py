"""However a mixed colour is moved, the light it makes changes no faster than the limit."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.lighting.claims import Priority
from agent.lighting.rig import Rig
from agent.lighting.slew import RED_RATE
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


@pytest.mark.parametrize("name", MODES)
def test_a_colour_is_there_as_soon_as_its_own_way_lets_it(name):
    """Half of the limit is the light's: somewhere on the way it is all used, of the light or of an emitter."""
    rig = Rig(FIXTURES, rate=RATE, present={name: {LIGHT: 1.0, X: 0.33, Y: 0.335}}, show=lambda scene: None)
    done = rig.claim("anybody", Priority.MANUAL, {name: {X: 0.6, Y: 0.3}}, now=0.0)
    mixer = FIXTURES[name].personality.mixer
    course = [mixer.shares(rig.scene.levels(name, done * step / 4000), 1.0) for step in range(4001)]
    lights = [slot.source.light for slot in FIXTURES[name].personality.slots]
    full = sum(a * b for a, b in zip(lights, mixer.shares(FIXTURES[name].personality.defaults(), 1.0), strict=True))
    used = 0.0
    for before, after in pairwise(course):
        moved = [abs(b - a) for a, b in zip(before, after, strict=True)]
        light = abs(sum(each * (b - a) for each, a, b in zip(lights, before, after, strict=True))) / full
        used = max(used, *(each / RED_RATE for each in moved), light / (RATE / 2))
    assert 0.97 <= used / (done / 4000) <= 1.001


@pytest.mark.parametrize(("wait", "at_once"), [(10.0, True), (0.1, False)])
def test_the_colour_of_a_light_is_there_at_once_when_it_has_been_dark_for_a_while(wait, at_once):
    rig = Rig(FIXTURES, rate=RATE, present={"rgbw": {LIGHT: 0.1, X: 0.33, Y: 0.335}}, show=lambda scene: None)
    dark = rig.claim("anybody", Priority.MANUAL, {"rgbw": {LIGHT: 0.0}}, now=0.0)
    now = dark + wait
    rig.claim("anybody", Priority.MANUAL, {"rgbw": {LIGHT: 1.0, X: 0.6, Y: 0.3}}, now=now, fade=2.0)
    shown = rig.scene.levels("rgbw", now)
    assert shown[LIGHT] == 0.0 and (shown[X], shown[Y]) == ((0.6, 0.3) if at_once else (0.33, 0.335))


def test_the_halves_of_a_colour_arrive_together_when_they_are_told_one_after_the_other():
    rig = Rig(FIXTURES, rate=RATE, present={"rgbw": {LIGHT: 1.0, X: 0.33, Y: 0.335}}, show=lambda scene: None)
    rig.claim("anybody", Priority.MANUAL, {"rgbw": {X: 0.4}}, now=0.0, fade=100.0)
    done = rig.claim("anybody", Priority.MANUAL, {"rgbw": {Y: 0.36}}, now=10.0)
    fades = [rig.scene.fades["rgbw", each] for each in (X, Y)]
    assert done == 100.0 and [fade.done for fade in fades] == [done, done] and fades[0].begin == fades[1].begin


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


@pytest.mark.parametrize(
    ("begin", "end", "seconds"),
    [
        ((0.0, 1.0), (120.0, 1.0), 16.0),  # two emitters one after the other
        ((350.0, 1.0), (10.0, 1.0), 340 / 7.5),  # the long way
        ((0.0, 0.5), (120.0, 0.5), 8.0),
        ((0.0, 1.0), (0.0, 0.0), 8.0),
        ((0.0, 0.0), (120.0, 1.0), 8.0),  # white has no hue to go through
    ],
)
def test_a_hue_takes_as_long_as_its_emitters_do(begin, end, seconds):
    colour = (Attribute.HUE, Attribute.SATURATION)
    present = {"hsi": {LIGHT: 1.0, **dict(zip(colour, begin, strict=True))}}
    rig = Rig(PANEL, rate=RATE, present=present, show=lambda scene: None)
    done = rig.claim("anybody", Priority.MANUAL, {"hsi": dict(zip(colour, end, strict=True))}, now=10.0)
    assert done - 10 == pytest.approx(seconds)
