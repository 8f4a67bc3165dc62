"""Levels become the documented bytes, and the bytes become the levels again."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.units import Attribute
from firmware_profiles import library
from firmware_profiles.curves import Curve
from firmware_profiles.model import Personality
from firmware_profiles.render import attributes, check_levels, decode, footprint, limits, render, resolution
from tests.firmware_profiles.shapes import mode

SHIPPED = {
    f"{profile.name}:{name}": personality
    for shelf in library.load().shelves
    for profile in shelf.profiles
    if profile.vendor == "generic"
    for name, personality in profile.personalities.items()
}
CURVED = {
    f"{curve} {bits} bit": mode({"attribute": "intensity", "bits": bits, "curve": curve})
    for curve in Curve
    for bits in (8, 16)
}
ODD = {
    "mired": mode({"attribute": "cct", "span": [2700, 6500], "scale": "mired"}),
    "mired 16 bit, backwards": mode({"attribute": "cct", "bits": 16, "span": [10000, 2500], "scale": "mired"}),
    "part of the range": mode({"attribute": "intensity", "raw": [10, 245]}, {"attribute": "tint", "raw": [11, 244]}),
    "fine apart": mode(
        {"attribute": "intensity", "part": "coarse", "curve": "square"},
        {"attribute": "cct", "part": "coarse", "span": [3200, 5600]},
        {"fixed": 7, "reason": "fan: automatic"},
        {"attribute": "cct", "part": "fine"},
        {"attribute": "intensity", "part": "fine"},
    ),
}
ALL = SHIPPED | CURVED | ODD
SEPARABLE = {name: personality for name, personality in ALL.items() if personality.separable}
EVERY = pytest.mark.parametrize("personality", SEPARABLE.values(), ids=SEPARABLE)  # those that mix: test_mixing.py

DOCUMENTED = [
    ("generic/dimmer:8bit", {}, "00"),
    ("generic/dimmer:8bit", {"intensity": 0.5}, "80"),
    ("generic/dimmer:8bit", {"intensity": 1.0}, "ff"),
    ("generic/dimmer:16bit", {"intensity": 0.0}, "0000"),
    ("generic/dimmer:16bit", {"intensity": 0.5}, "8000"),
    ("generic/dimmer:16bit", {"intensity": 1.0}, "ffff"),
    ("generic/bicolour-panel:2ch", {"intensity": 0.0, "cct": 2700}, "0000"),
    ("generic/bicolour-panel:2ch", {"intensity": 0.5, "cct": 4600}, "8080"),
    ("generic/bicolour-panel:2ch", {"intensity": 1.0, "cct": 6500}, "ffff"),
    ("generic/bicolour-panel:2ch", {}, "00c3"),
    ("generic/bicolour-panel:4ch", {"intensity": 0.0, "cct": 2700}, "00000000"),
    ("generic/bicolour-panel:4ch", {"intensity": 0.5, "cct": 4600}, "80008000"),
    ("generic/bicolour-panel:4ch", {"intensity": 1.0, "cct": 6500}, "ffffffff"),
    ("generic/bicolour-panel:4ch-tint", {"intensity": 0.0, "cct": 2700, "tint": -1.0}, "00000000"),
    ("generic/bicolour-panel:4ch-tint", {"intensity": 0.5, "cct": 4600, "tint": 0.0}, "80808000"),
    ("generic/bicolour-panel:4ch-tint", {"intensity": 1.0, "cct": 6500, "tint": 1.0}, "ffffff00"),
    *((f"generic/modbus-dimmer:0-{most}", {"intensity": 0.0}, "0000") for most in (100, 255, 1000, 1023, 4095)),
    *((f"generic/modbus-dimmer:0-{most}", {"intensity": 1.0}, f"{most:04x}") for most in (100, 255, 1000, 1023, 4095)),
    ("generic/modbus-dimmer:0-1000", {"intensity": 0.5}, "01f4"),
    ("generic/modbus-dimmer:relay-1000", {"intensity": 0.25}, "00fa"),
    ("generic/modbus-bicolour:kelvin", {"intensity": 0.5, "cct": 3200}, "01f40c80"),
    ("generic/ascii-controller:8ch", {"intensity": 1.0}, "ff"),
    ("generic/binary-controller:8ch", {"intensity": 0.5}, "80"),
    ("generic/rgbw-panel:5ch", {"intensity": 1.0}, "ff00000000"),
    ("generic/rgbw-panel:5ch", {"intensity": 0.5, "red": 1.0, "green": 0.5, "blue": 0.25, "white": 0.0}, "80ff804000"),
    ("generic/rgbw-panel:5ch", {"intensity": 1, "red": 1, "green": 1, "blue": 1, "white": 1}, "ffffffffff"),
    ("generic/rgbw-panel:6ch-strobe", {"intensity": 1, "red": 1, "green": 0.5, "blue": 0, "white": 1}, "ff00ff8000ff"),
    ("generic/rgbw-panel:10ch", {"intensity": 1, "red": 0.5, "blue": 1 / 65535}, "ffff8000000000010000"),
    ("generic/bicolour-warm-cold:2ch", {"intensity": 0, "cct": 2700}, "0000"),
    ("generic/bicolour-warm-cold:2ch", {"intensity": 1, "cct": 2700}, "ff00"),
    ("generic/bicolour-warm-cold:2ch", {"intensity": 1, "cct": 4000}, "7c83"),
    ("generic/bicolour-warm-cold:2ch", {"intensity": 1, "cct": 6500}, "00ff"),
    ("generic/bicolour-warm-cold:4ch", {"intensity": 0.5, "cct": 2700}, "80000000"),
    ("generic/bicolour-warm-cold:4ch", {"intensity": 1, "cct": 6500}, "0000ffff"),
    ("generic/rgb:3ch", {"red": 1, "green": 0.5, "blue": 0}, "ff8000"),
    ("generic/rgb:3ch-xy", {"intensity": 1, "cie_x": 0.7, "cie_y": 0.3}, "ff0000"),
    ("generic/rgb:3ch-xy", {"intensity": 1, "cie_x": 0.3127, "cie_y": 0.329}, "ccff60"),
    ("generic/rgb:3ch-xy", {"intensity": 0, "cie_x": 0.3127, "cie_y": 0.329}, "000000"),
    ("generic/rgb:6ch-xy", {"intensity": 0.5, "cie_x": 0.135, "cie_y": 0.048}, "000000008000"),
    ("generic/rgbw:4ch", {"red": 0, "green": 0.5, "blue": 1, "white": 1}, "0080ffff"),
    ("generic/rgbw:4ch-xy", {"intensity": 1}, "000000ff"),
    ("generic/rgbw:4ch-xy", {"intensity": 1, "cie_x": 0.15, "cie_y": 0.75}, "00ff0000"),
    ("generic/rgbw:8ch-xy", {"intensity": 0.5}, "0000000000008000"),
    ("generic/rgba:4ch", {"red": 0, "green": 0.5, "blue": 1, "amber": 1}, "0080ffff"),
    ("generic/rgba:4ch-xy", {"intensity": 1, "cie_x": 0.58, "cie_y": 0.418}, "000000ff"),
    ("generic/rgba:8ch-xy", {"intensity": 0.5, "cie_x": 0.7, "cie_y": 0.3}, "8000000000000000"),
    ("generic/rgbww:5ch-cct", {"intensity": 1, "cct": 2700}, "000000ff00"),
    ("generic/rgbww:5ch-cct", {"intensity": 1, "cct": 5600}, "00070027d2"),
    ("generic/rgbww:5ch-cct", {"intensity": 1, "cct": 4000, "tint": 1}, "0026009747"),
    ("generic/rgbww:5ch-cct", {"intensity": 1, "cct": 4000, "tint": -1}, "0e00006495"),
    ("generic/rgbww:10ch-cct", {"intensity": 0.5, "cct": 6500}, "00000000000000008000"),
    ("generic/rgbww:5ch-xy", {"intensity": 1, "cie_x": 0.135, "cie_y": 0.048}, "0000ff0000"),
    ("generic/rgbww:5ch-xy", {"intensity": 1, "cie_x": 0.5, "cie_y": 0.4}, "711b00ec00"),
    ("generic/rgbww:10ch-xy", {"intensity": 0.5, "cie_x": 0.7, "cie_y": 0.3}, "80000000000000000000"),
    ("square 8 bit", {"intensity": 0.25}, "80"),
    ("dali-log 8 bit", {"intensity": 0.1}, "aa"),
    ("square-root 8 bit", {"intensity": 0.5}, "40"),
    ("s-curve 8 bit", {"intensity": 0.5}, "80"),
    ("square 16 bit", {"intensity": 0.25}, "8000"),
    ("mired", {"cct": 2700}, "00"),
    ("mired", {"cct": 3820}, "80"),
    ("mired", {"cct": 6500}, "ff"),
    ("mired 16 bit, backwards", {"cct": 2500}, "ffff"),
    ("mired 16 bit, backwards", {"cct": 10000}, "0000"),
    ("part of the range", {"intensity": 0.0, "tint": 0.0}, "0a80"),
    ("part of the range", {"intensity": 1.0, "tint": 1.0}, "f5f4"),
    ("fine apart", {"intensity": 0.25, "cct": 5600}, "80ff07ff00"),
]


@pytest.mark.parametrize(("name", "levels", "slots"), DOCUMENTED)
def test_levels_give_the_documented_bytes(name, levels, slots):
    told = {Attribute(key): level for key, level in levels.items()}
    assert check_levels(ALL[name], told) == []
    assert render(ALL[name], told).hex() == slots


def test_every_shipped_personality_has_documented_bytes():
    assert {name for name, _, _ in DOCUMENTED} >= set(SHIPPED)


@EVERY
def test_the_first_and_last_slot_value_are_the_ends_of_the_range(personality):
    for attribute in attributes(personality):
        low, high = limits(personality, attribute)
        for level in (low, high):
            assert decode(personality, render(personality, {attribute: level}))[attribute] == pytest.approx(level)


@EVERY
@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_decoding_gives_back_what_was_rendered_within_the_resolution(personality: Personality, data):
    levels = {a: data.draw(st.floats(*limits(personality, a)), str(a)) for a in attributes(personality)}
    slots = render(personality, levels)
    assert len(slots) == footprint(personality)
    back = decode(personality, slots)
    for attribute, level in levels.items():
        assert abs(back[attribute] - level) <= resolution(personality, attribute, level) * (1 + 1e-9)
    assert render(personality, back) == slots


@EVERY
@settings(deadline=None, max_examples=20)
@given(data=st.data())
def test_more_is_never_less(personality: Personality, data):
    for attribute in attributes(personality):
        low, high = limits(personality, attribute)
        less, more = sorted(data.draw(st.tuples(st.floats(low, high), st.floats(low, high))))
        shown = [decode(personality, render(personality, {attribute: level}))[attribute] for level in (less, more)]
        assert shown[0] <= shown[1]


@EVERY
@settings(deadline=None, max_examples=20)
@given(level=st.floats())
def test_rendering_is_total_and_stays_in_its_slots(personality: Personality, level):
    slots = render(personality, dict.fromkeys(Attribute, level))
    assert len(slots) == footprint(personality)
    for attribute, shown in decode(personality, slots).items():
        low, high = limits(personality, attribute)
        assert low <= shown <= high
        if not math.isnan(level) and not low < level < high:
            assert shown == pytest.approx(low if level <= low else high)


@settings(deadline=None)
@given(slots=st.binary(min_size=5, max_size=5))
def test_any_bytes_decode(slots):
    assert set(decode(ODD["fine apart"], slots)) == {Attribute.INTENSITY, Attribute.CCT}


def test_the_wrong_number_of_slots_is_refused():
    with pytest.raises(ValueError, match="1 slots given, this mode has 2"):
        decode(ALL["generic/dimmer:16bit"], b"\0")


def test_sixteen_bits_are_256_times_finer_than_eight():
    eight = resolution(ALL["generic/dimmer:8bit"], Attribute.INTENSITY, 0.5)
    sixteen = resolution(ALL["generic/dimmer:16bit"], Attribute.INTENSITY, 0.5)
    assert eight == pytest.approx(1 / 255)
    assert sixteen == pytest.approx(1 / 65535)


def test_a_square_law_is_finer_in_the_dark():
    square = ALL["square 8 bit"]
    assert resolution(square, Attribute.INTENSITY, 0.0) == pytest.approx(1 / 255**2)
    assert resolution(square, Attribute.INTENSITY, 1.0) == pytest.approx(1 - (254 / 255) ** 2)


def test_a_level_that_cannot_be_is_told_with_what_would_be_right():
    panel = ALL["generic/bicolour-panel:2ch"]
    problems = check_levels(
        panel,
        {Attribute.INTENSITY: 1.5, Attribute.CCT: 2000, Attribute.RED: 0.5, Attribute.TINT: math.nan},
        "looks.show.levels.key",
    )
    assert [problem.line("f") for problem in problems] == [
        "f: looks.show.levels.key.intensity – 1.5 is out of this light's range – 0…1",
        "f: looks.show.levels.key.cct – 2000 K is out of this light's range – 2700…6500 K",
        "f: looks.show.levels.key.red – this light's mode has no red – one of: cct, intensity",
        "f: looks.show.levels.key.tint – this light's mode has no tint – one of: cct, intensity",
    ]
    assert "nan K is out" in check_levels(panel, {Attribute.CCT: math.nan})[0].why


@pytest.mark.parametrize("curve", Curve)
def test_a_curve_and_its_inverse_meet(curve):
    for step in range(101):
        assert curve.light(curve.slot(step / 100)) == pytest.approx(step / 100, abs=1e-9)
    assert (curve.slot(0.0), curve.slot(1.0)) == pytest.approx((0.0, 1.0), abs=1e-12)
