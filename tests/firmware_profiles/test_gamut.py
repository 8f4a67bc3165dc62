"""Colour by CIE xy: what emitters make of it, what they cannot, and how fast the light changes with it."""

import math
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from config.units import CIE_SPAN, Attribute, Text
from firmware_profiles.gamut import THINNEST, Emitter, Gamut, mixed, uv_prime
from firmware_profiles.locus import white
from firmware_profiles.render import check_levels, clipped, limits, render, slopes
from tests.firmware_profiles.mixes import (
    BICOLOUR,
    BLUE,
    CCT,
    FEW,
    GREEN,
    LIGHT,
    RED,
    RGB,
    SHIPPED,
    X,
    Y,
    chromaticity,
    some_levels,
)
from tests.firmware_profiles.shapes import mode


@st.composite
def lights(draw):
    """Any three to six emitters that make an area."""
    count = draw(st.integers(3, 6))
    spot = st.tuples(st.floats(0.05, 0.7), st.floats(0.05, 0.8)).filter(lambda xy: sum(xy) <= 1)
    colours = draw(st.lists(spot, min_size=count, max_size=count))
    powers = draw(st.lists(st.floats(0.05, 2), min_size=count, max_size=count))
    made = [Emitter(str(at), xy, power) for at, (xy, power) in enumerate(zip(colours, powers, strict=True))]
    apart = [math.dist(uv_prime(a.xy), uv_prime(b.xy)) for at, a in enumerate(made) for b in made[:at]]
    assume(min(apart) > 0.02)
    return made


def gamut(emitters):
    try:
        return Gamut(emitters)
    except ValueError:
        assume(False)
        raise


COLOUR = st.tuples(st.floats(*CIE_SPAN[X]), st.floats(*CIE_SPAN[Y]))


@settings(deadline=None, max_examples=60)
@given(lights(), COLOUR)
def test_the_mixture_is_the_colour_placed_with_the_most_light_it_can_have(emitters, colour):
    area = gamut(emitters)
    placed, _ = area.place(colour)
    shares, most = area.shares(colour)
    assert sum(share > 0 for share in shares) <= 3
    assert max(shares) * most == pytest.approx(1)
    xyz = mixed(emitters, shares)
    assert xyz[1] == pytest.approx(1, abs=1e-6)
    assert chromaticity(xyz) == pytest.approx(placed, abs=1e-6)
    assert area.outside(placed) < 1e-6


@settings(deadline=None, max_examples=60)
@given(lights(), COLOUR, st.lists(st.floats(0.01, 1), min_size=6, max_size=6))
def test_no_mixture_is_nearer_than_the_one_that_is_shown(emitters, colour, weights):
    """But for the slivers that are left out, which are thinner than they could be hit."""
    area = gamut(emitters)
    placed, _ = area.place(colour)
    other = chromaticity(mixed(emitters, weights[: len(emitters)]))
    assert math.dist(placed, colour) <= math.dist(other, colour) + 20 * THINNEST
    if area.outside(other) == 0:
        assert math.dist(placed, colour) <= math.dist(other, colour) + 1e-9


@settings(deadline=None, max_examples=60)
@given(lights(), COLOUR, st.floats(-1e-4, 1e-4), st.floats(-1e-4, 1e-4))
def test_light_changes_no_faster_with_the_colour_than_is_said(emitters, colour, dx, dy):
    area = gamut(emitters)
    full = area.shares(white(5600))[1]
    x, y = (
        min(max(level + d, low), high)
        for level, d, (low, high) in zip(colour, (dx, dy), CIE_SPAN.values(), strict=True)
    )
    assume(_convex(emitters))
    change = abs(min(full, area.shares((x, y))[1]) - min(full, area.shares(colour)[1]))
    assert change <= area.steepest(full) * math.dist((x, y), colour) * 1.001 + 1e-9


@settings(deadline=None, max_examples=60)
@given(lights(), COLOUR, COLOUR)
def test_nor_faster_on_a_way_than_is_said_of_that_way(emitters, one, other):
    area = gamut(emitters)
    assume(_convex(emitters))
    full = area.shares(white(5600))[1]
    light, emitter = area.steepest_between(one, other, full)
    steps = 300
    seen = []
    for step in range(steps + 1):
        shares, most = area.shares(tuple(a + step / steps * (b - a) for a, b in zip(one, other, strict=True)))
        seen.append((min(full, most), [min(full, most) * share for share in shares]))
    for (before, earlier), (after, later) in pairwise(seen):
        assert abs(after - before) / full <= light / steps * 1.001 + 1e-6
        assert max(abs(b - a) for a, b in zip(earlier, later, strict=True)) <= emitter / steps * 1.001 + 1e-6


def _convex(emitters):
    """Whether no sliver is left out of the gamut: at such a dent the nearest point jumps a little."""
    area = Gamut(emitters)
    return all(
        area.outside(((a.xy[0] + b.xy[0]) / 2, (a.xy[1] + b.xy[1]) / 2)) < 1e-9 for a in emitters for b in emitters
    )


@pytest.mark.parametrize("name", [name for name in SHIPPED if name.endswith("xy")])
@FEW
@given(data=st.data())
def test_the_limiters_bound_holds_for_the_shipped_lights_in_all_attributes_at_once(name, data):
    personality = SHIPPED[name]
    bound = slopes(personality)
    mixer = personality.mixer
    sources = [slot.source for slot in personality.slots]
    neutral = personality.defaults()
    full = mixed(sources, mixer.shares(neutral, 1.0))[1]
    one = some_levels(data, personality)
    way = {a: data.draw(st.floats(-1e-4, 1e-4)) for a in one}
    other = {a: min(max(one[a] + way[a], limits(personality, a)[0]), limits(personality, a)[1]) for a in one}
    light = [mixed(sources, mixer.shares(levels, levels[LIGHT]))[1] / full for levels in (one, other)]
    moved = math.dist((one[X], one[Y]), (other[X], other[Y]))
    assert abs(light[1] - light[0]) <= abs(other[LIGHT] - one[LIGHT]) + bound[X] * moved * 1.001 + 1e-9


def test_white_is_made_by_the_white_emitter_and_its_neighbours():
    rgbw = mode(RED, GREEN, BLUE, {"emitter": "white", "cct": 5600, "light": 1.0}, mix="xy")
    x, y = white(5600)
    assert render(rgbw, {LIGHT: 1.0, X: x, Y: y}).hex() == "000000ff"
    warmer = render(rgbw, dict(zip((LIGHT, X, Y), (1.0, *white(4500)), strict=True)))
    assert warmer[3] > 180 and warmer[2] == 0  # blue is not its neighbour
    assert render(rgbw, {LIGHT: 1.0}) == render(rgbw, {LIGHT: 1.0, X: x, Y: y})


def test_a_colour_that_cannot_be_is_told_and_its_nearest_is_shown():
    asked = {LIGHT: 1.0, X: 0.2, Y: 0.79}
    assert check_levels(RGB, asked) == []
    assert clipped(RGB, asked) == Text(
        "colour (0.2000, 0.7900) is outside what its emitters can mix; the nearest is shown: (0.1603, 0.7415)",
        "颜色 (0.2000, 0.7900) 超出该灯可混合的色域；以最接近的颜色显示：(0.1603, 0.7415)",
    )
    assert render(RGB, asked) == render(RGB, asked | {X: 0.1603, Y: 0.7415})
    assert clipped(RGB, asked | {X: 0.1603, Y: 0.7415}) is None
    assert clipped(RGB, {LIGHT: 0.5}) is None
    assert clipped(BICOLOUR, {LIGHT: 1.0, CCT: 2700.0}) is None
    assert clipped(mode({"attribute": "intensity"}), {LIGHT: 1.0}) is None


def test_a_number_that_is_no_colour_is_an_error():
    assert [p.line("f") for p in check_levels(RGB, {X: 0.8, Y: math.nan, Attribute.RED: 1.0}, "l")] == [
        "f: l.cie_x – 0.8 is out of this light's range – 0…0.735",
        "f: l.cie_y – nan is out of this light's range – 0…0.834",
        "f: l.red – this light's mode has no red – one of: cie_x, cie_y, intensity",
    ]
    assert [p.line("f") for p in check_levels(RGB, {X: 0.6, Y: 0.5}, "l")] == [
        "f: l.cie_x – there is no colour 0.6, 0.5 – cie_x + cie_y of 1 at most"
    ]
