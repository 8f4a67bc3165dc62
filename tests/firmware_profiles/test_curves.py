"""Dimming curves: the standard's numbers, measured ones, exact inverses; fades that never go back and forth."""

from bisect import bisect_right
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.units import Attribute
from firmware_profiles.curves import Curve, Measured, faults, thresholds
from firmware_profiles.render import decode, render, resolution
from tests.firmware_profiles.shapes import mode

LIGHT = Attribute.INTENSITY
SHARE = st.floats(0, 1)


@st.composite
def measured(draw):
    """Any measured curve, flat pieces included."""
    slots = sorted(draw(st.sets(st.floats(0.001, 0.999), max_size=6)))
    lights = sorted(draw(st.lists(st.floats(0, 1), min_size=len(slots), max_size=len(slots))))
    return Measured(((0.0, 0.0), *zip(slots, lights, strict=True), (1.0, 1.0)))


ANY = st.sampled_from(Curve) | measured()


def dimmer(curve, bits):
    shape = {"points": curve.points} if isinstance(curve, Measured) else {"curve": curve}
    return mode({"attribute": "intensity", "bits": bits, **shape})


@given(ANY, SHARE)
def test_a_curve_and_its_inverse_meet_and_keep_the_ends(curve, light):
    assert curve.light(curve.slot(light)) == pytest.approx(light, abs=1e-9)
    assert (curve.light(0.0), curve.light(1.0)) == (0.0, 1.0)
    assert (curve.slot(0.0), curve.slot(1.0)) == pytest.approx((0.0, 1.0), abs=1e-12)


@settings(deadline=None)
@given(ANY, st.sampled_from([8, 16]), SHARE, SHARE)
def test_what_is_rendered_is_read_back_and_more_light_is_never_a_lower_slot(curve, bits, one, other):
    personality = dimmer(curve, bits)
    less, more = sorted((one, other))
    slots = [render(personality, {LIGHT: light}) for light in (less, more)]
    assert slots[0] <= slots[1]
    for light, shown in zip((less, more), slots, strict=True):
        assert abs(decode(personality, shown)[LIGHT] - light) <= resolution(personality, LIGHT, light) + 1e-12
    assert render(personality, {LIGHT: 0.0}) == bytes(bits // 8)
    assert render(personality, {LIGHT: 1.0}) == b"\xff" * (bits // 8)


@pytest.mark.parametrize(
    ("step", "percent"), [(0, 0), (1, 0.1), (85, 0.991), (86, 1.018), (170, 10.091), (229, 50.53), (254, 100)]
)
def test_dali_has_the_levels_of_its_standard(step, percent):
    gateway = mode({"attribute": "intensity", "curve": "dali-log", "raw": [0, 254]})
    assert decode(gateway, bytes([step]))[LIGHT] * 100 == pytest.approx(percent, abs=0.001 * max(1, percent))
    assert render(gateway, {LIGHT: percent / 100}) == bytes([step])


def test_dali_goes_straight_to_dark_below_its_first_step():
    assert Curve.DALI_LOG.light(0.5 / 254) == pytest.approx(0.0005)
    assert Curve.DALI_LOG.slot(0.0005) == pytest.approx(0.5 / 254)


def test_a_measured_curve_is_straight_between_its_points_and_uses_the_lowest_slot_of_a_dead_travel():
    curve = Measured(((0, 0), (0.1, 0), (0.5, 0.2), (0.6, 0.2), (1, 1)))
    assert [curve.light(share) for share in (0.05, 0.1, 0.3, 0.55, 0.8)] == pytest.approx([0, 0, 0.1, 0.2, 0.6])
    assert [curve.slot(light) for light in (0, 0.1, 0.2, 0.6)] == pytest.approx([0, 0.3, 0.5, 0.8])


@pytest.mark.parametrize(
    ("points", "why"),
    [
        ([], "points needs at least two pairs of slot share and light share: [[0, 0], …, [1, 1]]"),
        ([(0, 0)], "points needs at least two pairs of slot share and light share: [[0, 0], …, [1, 1]]"),
        (
            [(0, 0.1), (1, 1)],
            "points must begin with [0, 0] and end with [1, 1]; a light that is never dark has its span for it",
        ),
        (
            [(0, 0), (1, 0.9)],
            "points must begin with [0, 0] and end with [1, 1]; a light that is never dark has its span for it",
        ),
        (
            [(0, 0), (0.5, 0.2), (0.5, 0.3), (1, 1)],
            "points must go up from slot share to slot share: 0.5 comes after 0.5",
        ),
        ([(0, 0), (0.5, 0.3), (0.6, 0.2), (1, 1)], "points must not get darker: at slot share 0.6 0.2 comes after 0.3"),
    ],
)
def test_points_that_are_no_curve_are_refused(points, why):
    assert faults(points) == [why]


@given(st.lists(st.tuples(SHARE, SHARE), max_size=8))
def test_points_without_fault_are_a_curve(points):
    if not faults(points):
        curve = Measured(tuple(points))
        shown = [curve.light(step / 50) for step in range(51)]
        assert shown == sorted(shown) and (shown[0], shown[-1]) == (0.0, 1.0)


@settings(deadline=None)
@given(ANY, st.lists(SHARE, max_size=20))
def test_the_thresholds_say_the_same_as_a_channel(curve, lights):
    channel = dimmer(curve, 8).channels[LIGHT]
    table = thresholds(curve, 255)
    near = [light for edge in table for light in (edge - 1e-9, edge + 1e-9)]
    for light in (*lights, 0.0, 1.0):
        if all(abs(light - edge) > 1e-12 for edge in table):
            assert bisect_right(table, light) == channel.raw(light)
    if isinstance(curve, Curve):
        assert [bisect_right(table, light) for light in near] == [channel.raw(light) for light in near]


def test_there_is_a_threshold_for_each_of_sixteen_bits():
    table = thresholds(Curve.SQUARE, 65535)
    channel = dimmer(Curve.SQUARE, 16).channels[LIGHT]
    assert len(table) == 65535
    assert all(channel.raw(level) == bisect_right(table, level) for level in (0.0, 1e-9, 0.1, 0.25001, 0.5, 0.999, 1.0))


NEIGHBOURS = {"attribute": "intensity", "bits": 16}
APART = ({"attribute": "intensity", "part": "fine"}, {"attribute": "intensity", "part": "coarse"})


@settings(deadline=None, max_examples=40)
@given(
    curve=st.sampled_from(Curve),
    apart=st.booleans(),
    begin=SHARE,
    end=SHARE,
    near=st.sampled_from([1.0, 0.01, 0.0001]),
)
def test_a_sixteen_bit_fade_never_goes_back_not_even_at_its_end(curve, apart, begin, end, near):
    slots = (APART[0], APART[1] | {"curve": curve}) if apart else (NEIGHBOURS | {"curve": curve},)
    personality = mode(*slots)
    begin = end + (begin - end) * near  # fades of a few steps, too: that is where lights were seen to flicker
    values = []
    for step in range(301):
        frame = render(personality, {LIGHT: begin + (end - begin) * step / 300})
        values.append(int.from_bytes(frame, "little" if apart else "big"))
    direction = 1 if end >= begin else -1
    assert all(direction * (after - before) >= 0 for before, after in pairwise(values))
