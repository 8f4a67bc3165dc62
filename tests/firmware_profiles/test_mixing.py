"""Modes that mix emitters: the light is the one asked for, as bright as asked, and is read back."""

import math
import pickle
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.units import EMITTERS, Attribute
from firmware_profiles import library
from firmware_profiles.locus import temperature, uv
from firmware_profiles.render import decode, limits, render, resolution, slopes
from tests.firmware_profiles.mixes import (
    ALL,
    APART,
    BICOLOUR,
    CCT,
    EVERY,
    FEW,
    FINE,
    LIGHT,
    MASTERED,
    MASTERED_WHITE,
    OFF_WHITE,
    SHIPPED,
    TINT,
    TINTED,
    X,
    Y,
    chromaticity,
    light_of,
    some_levels,
)


@pytest.mark.parametrize("personality", [BICOLOUR, OFF_WHITE, TINTED], ids=["bicolour", "off white", "tinted"])
@FEW
@given(data=st.data())
def test_brightness_is_kept_while_the_temperature_moves_and_the_temperature_is_right(personality, data):
    full = light_of(personality, render(personality, {LIGHT: 1.0}))[1]
    levels = some_levels(data, personality) | {LIGHT: data.draw(st.floats(0.05, 1))}
    xyz = light_of(personality, render(personality, levels))
    assert xyz[1] / full == pytest.approx(levels[LIGHT], abs=2e-4)
    kelvin, duv = temperature(chromaticity(xyz))
    assert 1e6 / kelvin == pytest.approx(1e6 / levels[CCT], abs=0.5)
    if TINT in levels:
        assert duv == pytest.approx(0.01 * levels[TINT], abs=2e-4)


@FEW
@given(st.floats(3000, 6000))
def test_two_whites_mix_on_the_line_between_them(kelvin):
    colours = [uv(slot.source.xy) for slot in OFF_WHITE.slots]
    u, v = uv(chromaticity(light_of(OFF_WHITE, render(OFF_WHITE, {LIGHT: 1.0, CCT: kelvin}))))
    (u1, v1), (u2, v2) = colours
    assert abs((u2 - u1) * (v - v1) - (v2 - v1) * (u - u1)) / math.dist(*colours) < 1e-6
    assert min(u1, u2) <= u <= max(u1, u2)


def test_full_is_the_most_that_every_temperature_can_have():
    """2700 K has 1.0 of warm, 6500 K would have 1.25 of cold: both give 1.0."""
    warm, cold = (render(BICOLOUR, {LIGHT: 1.0, CCT: kelvin}) for kelvin in (2700, 6500))
    assert warm.hex() == "ffff0000"
    assert cold.hex() == f"0000{round(65535 / 1.25):04x}"
    assert BICOLOUR.defaults() == {LIGHT: 0.0, CCT: 5600.0}
    assert BICOLOUR.ranges == {LIGHT: (0.0, 1.0), CCT: (2700.0, 6500.0)}
    assert slopes(BICOLOUR) == {LIGHT: 1.0, CCT: 0.0}


@FEW
@given(st.floats(2700, 6500), st.floats(2700, 6500))
def test_a_fade_of_the_temperature_keeps_every_slot_on_its_way(one, other):
    frames = [render(BICOLOUR, {LIGHT: 0.7, CCT: one + (other - one) * step / 200}) for step in range(201)]
    for part in (slice(0, 2), slice(2, 4)):
        values = [int.from_bytes(frame[part], "big") for frame in frames]
        assert values in (sorted(values), sorted(values, reverse=True))


EIGHT_BITS = library.load(()).find("generic/bicolour-warm-cold", None).personalities["2ch"]


@FEW
@given(st.floats(2700, 6500), st.floats(0, 1))
def test_eight_bits_keep_the_brightness_to_half_a_step_of_each_emitter(kelvin, level):
    full = light_of(EIGHT_BITS, render(EIGHT_BITS, {LIGHT: 1.0}))[1]
    light = light_of(EIGHT_BITS, render(EIGHT_BITS, {LIGHT: level, CCT: kelvin}))[1]
    assert light / full == pytest.approx(level, abs=1 / 255 + 1e-9)


@FEW
@given(st.floats(2700, 6500))
def test_while_a_mixture_is_dimmed_no_slot_goes_against_the_intensity(kelvin):
    """What rounding the emitters together, for a brightness that is kept to the step, would cost."""
    frames = [render(EIGHT_BITS, {LIGHT: step / 2000, CCT: kelvin}) for step in range(2001)]
    for warm_or_cold in zip(*frames, strict=True):
        assert list(warm_or_cold) == sorted(warm_or_cold)


@EVERY
@FEW
@given(data=st.data())
def test_what_is_rendered_is_read_back_as_the_light_it_makes(personality, data):
    levels = some_levels(data, personality)
    slots = render(personality, levels)
    shown = decode(personality, slots)
    assert tuple(shown) == personality.attributes
    for attribute, level in shown.items():
        low, high = limits(personality, attribute)
        assert low - 1e-12 <= level <= high + 1e-12
    light = light_of(personality, slots)
    again = light_of(personality, render(personality, shown))
    # A step of each emitter either way, and half of one of the master.
    step = light_of(personality, b"\xff" * personality.footprint)[1] * len(personality.emitters) / 200
    assert abs(again[1] - light[1]) <= step
    if light[1] > 20 * step:
        assert chromaticity(again) == pytest.approx(chromaticity(light), abs=0.02)


@pytest.mark.parametrize("name", FINE)
@FEW
@given(data=st.data())
def test_sixteen_bits_give_the_levels_back(name, data):
    personality = ALL[name]
    levels = some_levels(data, personality) | {LIGHT: data.draw(st.floats(0.2, 1))}
    if X in levels:
        levels[X], levels[Y] = personality.mixer._gamut.place((levels[X], levels[Y]))[0]
    shown = decode(personality, render(personality, levels))
    for attribute, level in levels.items():
        tolerance = {CCT: 1e-3 * level, TINT: 0.02, LIGHT: 1e-3}.get(attribute, 2e-4)
        assert shown[attribute] == pytest.approx(level, abs=tolerance)


@EVERY
@FEW
@given(data=st.data())
def test_more_intensity_is_more_of_every_emitter(personality, data):
    levels = some_levels(data, personality)
    values = []
    for step in range(65):
        slots = render(personality, levels | {LIGHT: step / 64})
        places = [*personality.emitters, *personality.channels.values()]
        values.append([slots[c.coarse] if c.fine is None else slots[c.coarse] << 8 | slots[c.fine] for c in places])
    assert all(a <= b for before, after in pairwise(values) for a, b in zip(before, after, strict=True))
    assert light_of(personality, render(personality, levels | {LIGHT: 0.0})) == (0, 0, 0)


@EVERY
@FEW
@given(levels=st.dictionaries(st.sampled_from(Attribute), st.floats()))
def test_rendering_is_total(personality, levels):
    slots = render(personality, levels)
    assert len(slots) == personality.footprint
    for attribute, shown in decode(personality, slots).items():
        assert math.isfinite(shown)
        low, high = limits(personality, attribute)
        assert low - 1e-12 <= shown <= high + 1e-12


@EVERY
@FEW
@given(data=st.data())
def test_any_bytes_are_read(personality, data):
    slots = data.draw(st.binary(min_size=personality.footprint, max_size=personality.footprint))
    shown = decode(personality, slots)
    assert set(shown) == set(personality.attributes)
    assert all(math.isfinite(level) for level in shown.values())
    assert len(render(personality, shown)) == personality.footprint


@EVERY
def test_the_size_of_a_step_is_known_and_only_for_what_there_is(personality):
    for attribute, level in personality.defaults().items():
        assert 0 < resolution(personality, attribute, level) < 0.1 * (limits(personality, attribute)[1])
    assert not personality.separable
    with pytest.raises(KeyError):
        resolution(personality, Attribute.RED, 0.5)
    with pytest.raises(KeyError):
        limits(personality, Attribute.RED)


@EVERY
def test_a_mode_renders_alike_in_another_process(personality):
    there = pickle.loads(pickle.dumps(personality))
    levels = personality.defaults() | {LIGHT: 0.7}
    assert render(there, levels) == render(personality, levels)


def test_an_intensity_of_its_own_dims_the_mixture():
    assert MASTERED.attributes == (LIGHT, X, Y)
    half = render(MASTERED, {LIGHT: 0.25, X: 0.7, Y: 0.3})
    assert half.hex() == "8000ff000000"
    assert decode(MASTERED, half) == pytest.approx({LIGHT: 0.25, X: 0.7, Y: 0.3}, abs=1e-4)
    assert decode(MASTERED, bytes(6)) == pytest.approx(MASTERED.defaults())
    assert render(MASTERED_WHITE, {LIGHT: 0.5, CCT: 2700}).hex() == "80ffff0000"


def test_parts_that_are_no_neighbours_belong_to_one_emitter():
    assert APART.footprint == 6
    red = render(APART, {LIGHT: 0.25, X: 0.7, Y: 0.3})
    assert red.hex() == "00000a800900"
    assert APART.emitters[1].fine == 0 and APART.emitters[0].fine == 2


@pytest.mark.parametrize("name", SHIPPED)
def test_all_modes_of_a_shipped_light_have_the_same_emitters(name):
    profile = library.find(name.partition(":")[0])
    made = {
        frozenset(slot.source for slot in personality.slots if slot.emitter)
        for personality in profile.personalities.values()
        if personality.mixer is not None
    }
    assert len(made) == 1
    assert "Assumed" in profile.source


def test_no_mode_is_told_two_colours_at_a_time():
    for personality in ALL.values():
        assert not (EMITTERS & set(personality.attributes))
        assert not ({CCT, X} <= set(personality.attributes))
