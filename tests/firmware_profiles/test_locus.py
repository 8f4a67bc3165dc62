"""White light against published numbers, and against itself."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_profiles.locus import rec709, temperature, uv, white, xy

MIRED = st.floats(41, 990)


@pytest.mark.parametrize(
    ("kelvin", "x", "y"),
    [
        (2000, 0.5267, 0.4133),
        (2856, 0.4476, 0.4075),
        (4000, 0.3805, 0.3768),
        (5000, 0.3451, 0.3516),
        (6500, 0.3135, 0.3237),
        (10000, 0.2807, 0.2884),
    ],
)
def test_black_bodies_have_their_published_colours(kelvin, x, y):
    assert white(kelvin) == pytest.approx((x, y), abs=2e-4)


@pytest.mark.parametrize(
    ("name", "colour", "kelvin", "duv"),
    [
        ("A", (0.44757, 0.40745), 2856, 0.0),
        ("D50", (0.34567, 0.35850), 5003, 0.0032),
        ("D65", (0.31272, 0.32903), 6504, 0.0032),
        ("E", (1 / 3, 1 / 3), 5455, -0.0044),
    ],
)
def test_illuminants_have_their_published_temperatures(name, colour, kelvin, duv):
    found, off = temperature(colour)
    assert 1e6 / found == pytest.approx(1e6 / kelvin, abs=0.2)
    assert off == pytest.approx(duv, abs=1e-4)


@given(MIRED, st.floats(-0.03, 0.03))
def test_a_temperature_and_its_distance_come_back(mired, duv):
    kelvin, off = temperature(white(1e6 / mired, duv))
    assert 1e6 / kelvin == pytest.approx(mired, abs=1e-3)
    assert off == pytest.approx(duv, abs=1e-6)


@given(MIRED, st.floats(0.001, 0.03))
def test_a_positive_distance_is_greener(mired, duv):
    assert white(1e6 / mired, duv)[1] > white(1e6 / mired)[1] > white(1e6 / mired, -duv)[1]


@given(st.floats(0.01, 0.7), st.floats(0.01, 0.8))
def test_diagrams_convert_both_ways(x, y):
    assert xy(uv((x, y))) == pytest.approx((x, y), abs=1e-9)


@given(st.floats(0, 0.735), st.floats(0, 0.834))
def test_any_colour_has_a_temperature_of_the_table(x, y):
    kelvin, off = temperature((x, y))
    assert 1000 <= kelvin <= 25000 and math.isfinite(off)


def test_white_is_white_on_a_screen():
    assert rec709((0.3127, 0.3290)) == pytest.approx((1, 1, 1), abs=0.01)
    red, green, blue = rec709((0.64, 0.33))
    assert red > 4 and green == pytest.approx(0, abs=0.01) and blue == pytest.approx(0, abs=0.01)
