"""Modes that mix emitters: the light is the one asked for, as bright as asked, and safe to move."""

import math
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from config.units import CIE_SPAN, EMITTERS, Attribute, Text
from firmware_profiles import library
from firmware_profiles.gamut import THINNEST, Emitter, Gamut, mixed, uv_prime
from firmware_profiles.locus import temperature, uv, white
from firmware_profiles.model import Personality
from firmware_profiles.render import check_levels, clipped, decode, limits, render, resolution, slopes
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


# --- bicolour ------------------------------------------------------------------------------------------------------


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


# --- colour by xy --------------------------------------------------------------------------------------------------


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


# --- all that mix --------------------------------------------------------------------------------------------------


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


# --- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("slots", "keys", "why"),
    [
        ([RED | {"attribute": "red"}], {}, "one of attribute, emitter and fixed value, not several"),
        ([{"emitter": "red", "light": 1}], {}, "either as xy = .* or, if it is white, as cct = 5600"),
        ([RED | {"cct": 5600}], {}, "either as xy = .* or, if it is white, as cct = 5600"),
        ([{"emitter": "red", "xy": [0.7, 0.3]}], {}, "an emitter needs light"),
        ([RED | {"light": 0}], {}, "greater than 0"),
        ([RED | {"xy": [0.8, 0.2]}], {}, "is no colour: x up to 0.735, y within 0.001…0.834, x . y up to 1"),
        ([RED | {"xy": [0.7, 0.4]}], {}, "is no colour"),
        ([RED | {"xy": [0.3, 0.0]}], {}, "is no colour"),
        ([RED | {"span": [0, 1]}], {}, "span, scale and default belong to an attribute"),
        ([{"attribute": "red", "light": 1}], {}, "cct, xy and light belong to an emitter"),
        ([{"attribute": "cie_x"}], {}, "cie_x is never a slot: give the emitters with their colours, and mix = 'xy'"),
        ([{"attribute": "cct", "span": [2700, 6500], "points": [[0, 0], [1, 1]]}], {}, "cct has none"),
        ([RED | {"curve": "square", "points": [[0, 0], [1, 1]]}], {}, "either points or a curve, not both"),
        ([RED | {"points": [[0, 0], [1, 0.5]]}], {}, "points must begin with"),
        ([RED | {"points": [[0, 0], [0.5, 2], [1, 1]]}], {}, "less than or equal to 1"),
        ([RED, GREEN, BLUE], {}, "say to what, mix = 'cct' or mix = 'xy'"),
        ([{"attribute": "intensity"}], {"mix": "xy"}, "mix = 'xy' is for emitters, and no slot has one"),
        ([RED, GREEN, BLUE], {"mix": "xy", "cct": [2700, 6500]}, "belong to mix = 'cct'"),
        ([RED, GREEN, BLUE], {"mix": "xy", "duv": 0.01}, "belong to mix = 'cct'"),
        ([RED, GREEN, BLUE], {"mix": "cct", "cct": [6500, 2700]}, "cct must rise: 6500 is not below 2700"),
        ([RED], {"mix": "xy"}, "1 emitter: two to 8 can be mixed"),
        ([RED, GREEN], {"mix": "xy"}, "needs at least three emitters"),
        ([RED | {"emitter": f"e{n}", "xy": [0.7 - n / 20, 0.3]} for n in range(9)], {"mix": "xy"}, "9 emitters"),
        ([RED, GREEN, BLUE, {"attribute": "white"}], {"mix": "xy"}, "white beside emitters: the mode mixes its colour"),
        ([RED, GREEN, RED], {"mix": "xy"}, "red must be there once"),
        ([RED, RED | {"emitter": "deep"}, BLUE], {"mix": "xy"}, "red and deep have the same colour"),
        ([RED, {"emitter": "red", "part": "fine"}, BLUE], {"mix": "xy"}, "red must be there once"),
        (
            [RED, RED | {"emitter": "b", "xy": [0.5, 0.3]}, RED | {"emitter": "c", "xy": [0.3, 0.3]}],
            {"mix": "xy"},
            "lie on one line of the colour diagram",
        ),
        ([WARM, COLD], {"mix": "cct", "duv": 0.01}, "two emitters lie on one line: they have no tint; leave duv out"),
        ([WARM, COLD], {"mix": "cct", "cct": [2000, 6500]}, "cct 2000…6500 is more than these two make: 2700…6500"),
        ([WARM, COLD | {"cct": 2840}], {"mix": "cct"}, "two whites of 2700 K and 2840 K are too alike"),
        ([WARM, GREEN], {"mix": "cct"}, r"green is no white: 0\.\d+ off the Planckian locus"),
        ([RED, GREEN, BLUE], {"mix": "cct"}, "needs its range: cct = "),
        (
            [RED, WARM, COLD],
            {"mix": "cct", "cct": [2700, 6500], "duv": 0.02},
            "cannot make .* K with tint .*: a smaller duv",
        ),
        ([GREEN, WARM, COLD], {"mix": "cct", "cct": [2000, 6500]}, "cannot make 2\\d\\d\\d K: a narrower cct"),
    ],
)
def test_emitters_that_cannot_be_mixed_are_refused(slots, keys, why):
    with pytest.raises(ValidationError, match=why):
        mode(*slots, **keys)


@settings(deadline=None, max_examples=60)
@given(
    colours=st.lists(st.tuples(st.floats(-1, 1.5), st.floats(-1, 1.5)), min_size=1, max_size=9),
    powers=st.lists(st.floats(), min_size=9, max_size=9),
    mix=st.sampled_from(["cct", "xy", None]),
    cct=st.none() | st.tuples(st.floats(), st.floats()),
    duv=st.none() | st.floats(),
)
def test_whatever_a_file_says_it_is_a_mode_or_refused(colours, powers, mix, cct, duv):
    slots = [
        {"emitter": f"e{at}", "xy": xy, "light": power}
        for at, (xy, power) in enumerate(zip(colours, powers, strict=False))
    ]
    keys = {key: value for key, value in {"mix": mix, "cct": cct, "duv": duv}.items() if value is not None}
    try:
        personality = mode(*slots, **keys)
    except ValidationError:
        return
    assert len(render(personality, {LIGHT: 1.0})) == personality.footprint
