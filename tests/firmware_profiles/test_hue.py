"""Hue and saturation: the hexcone there and back, what a slot of them may be, and what the limiter divides by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from config.units import Attribute
from firmware_profiles.hue import hue, rgb
from firmware_profiles.model import Personality
from firmware_profiles.render import check_levels, decode, limits, render, slopes

LIGHT, HUE, SATURATION = Attribute.INTENSITY, Attribute.HUE, Attribute.SATURATION


@pytest.mark.parametrize(
    ("degrees", "saturation", "shares"),
    [
        (0, 1, (1, 0, 0)),
        (60, 1, (1, 1, 0)),
        (120, 1, (0, 1, 0)),
        (240, 1, (0, 0, 1)),
        (360, 1, (1, 0, 0)),
        (77, 0, (1, 1, 1)),
        (0, 0.25, (1, 0.75, 0.75)),
    ],
)
def test_the_corners_of_the_circle(degrees, saturation, shares):
    assert rgb(degrees, saturation) == pytest.approx(shares)


@given(st.floats(0, 359.9), st.floats(0.01, 1), st.floats(0.01, 1))
def test_there_and_back(degrees, saturation, light):
    shares = [light * each for each in rgb(degrees, saturation)]
    assert all(0 <= each <= 1 for each in shares) and max(shares) == pytest.approx(light)
    back, much, most = hue(shares)
    assert min(abs(back - degrees), 360 - abs(back - degrees)) < 1e-6 / saturation
    assert (much, most) == pytest.approx((saturation, light))


@given(st.tuples(*[st.floats(0, 1)] * 3))
def test_any_three_shares_have_a_hue(shares):
    degrees, saturation, most = hue(shares)
    assert 0 <= degrees < 360 and 0 <= saturation <= 1
    assert [most * each for each in rgb(degrees, saturation)] == pytest.approx(shares, abs=1e-9)


@given(st.floats(0, 360), st.floats(0, 360), st.floats(0, 1), st.floats(0, 1))
def test_no_emitter_moves_faster_than_the_slopes_say(one, other, before, after):
    slope = slopes(mode("hue", "saturation"))
    moved = max(abs(a - b) for a, b in zip(rgb(one, before), rgb(other, after), strict=True))
    assert moved <= slope[HUE] * abs(one - other) + slope[SATURATION] * abs(before - after) + 1e-9


def mode(*attributes: str, bits: int = 16, **more: object) -> Personality:
    slots = [{"attribute": attribute, "bits": bits, **more} for attribute in ("intensity", *attributes)]
    return Personality.model_validate({"title": "HSI", "slots": slots})


@given(st.floats(0, 360), st.floats(0, 1))
def test_the_slots_of_a_hue(degrees, saturation):
    personality = mode("hue", "saturation")
    levels = {LIGHT: 1.0, HUE: degrees, SATURATION: saturation}
    assert check_levels(personality, levels) == []
    slots = render(personality, levels)
    assert abs(int.from_bytes(slots[2:4], "big") - degrees / 360 * 65535) <= 0.5 + 1e-9
    assert abs(decode(personality, slots)[HUE] - degrees) <= 0.5 * 360 / 65535 + 1e-9


def test_untold_it_is_white_and_too_far_round_is_told():
    personality = mode("hue", "saturation", bits=8)
    assert render(personality, {LIGHT: 1.0}) == b"\xff\x00\x00"
    assert limits(personality, HUE) == (0.0, 360.0)
    [problem] = check_levels(personality, {HUE: 361})
    assert problem.line("key") == "key: hue – 361° is out of this light's range – 0…360°"


@pytest.mark.parametrize(
    ("slots", "why"),
    [
        ([{"attribute": "hue", "span": [0, 361]}], "span of hue must be two different numbers within 0…360"),
        (
            [{"attribute": "saturation", "span": [0, 100]}],
            "span of saturation must be two different numbers within 0…1",
        ),
        ([{"attribute": "hue", "curve": "square"}], "a curve is about light output; hue has none"),
        ([{"attribute": "hue"}, {"attribute": "saturation"}, {"attribute": "red"}], "hue or saturation beside red"),
    ],
)
def test_what_cannot_be_is_refused(slots, why):
    with pytest.raises(ValidationError, match=why):
        Personality.model_validate({"title": "x", "slots": slots})
