"""Emitters that cannot be mixed are refused, with the reason."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from firmware_profiles.render import render
from tests.firmware_profiles.mixes import BLUE, COLD, GREEN, LIGHT, RED, WARM
from tests.firmware_profiles.shapes import mode


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
