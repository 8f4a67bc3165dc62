"""A profile that makes no sense is refused, with the reason."""

import pytest
from pydantic import ValidationError

from config.units import Attribute
from tests.firmware_profiles.shapes import mode, profile

INTENSITY = {"attribute": "intensity"}


@pytest.mark.parametrize(
    ("slots", "why"),
    [
        ([{}], "needs an attribute or an emitter, or fixed"),
        ([{"attribute": "cct"}], "cct needs its range"),
        ([{"attribute": "cct", "span": [2700, 2700]}], "two different numbers"),
        ([{"attribute": "cct", "span": [0, 6500]}], "within 1000…20000"),
        ([{"attribute": "cct", "span": [2700, 6500], "curve": "square"}], "a curve is about light output"),
        ([{"attribute": "cct", "span": [2700, 6500], "default": 9000}], "default 9000 is outside"),
        ([{"attribute": "intensity", "span": [0, 100]}], "within 0…1"),
        ([{"attribute": "intensity", "scale": "mired"}], "for cct only"),
        ([{"attribute": "intensity", "raw": [0, 256]}], "raw must rise within 0…255"),
        ([{"attribute": "intensity", "raw": [255, 0]}], "span reversed"),
        (
            [{"attribute": "intensity", "fixed": 0, "reason": "x"}],
            "one of attribute, emitter and fixed value, not several",
        ),
        ([INTENSITY, {"fixed": 0}], "needs its reason"),
        ([INTENSITY, {"fixed": 256, "reason": "x"}], "does not fit into 8 bits"),
        ([INTENSITY, {"fixed": 1, "reason": "x", "curve": "square"}], "only fixed, bits and reason"),
        ([INTENSITY, INTENSITY], "intensity must be there once"),
        ([{"attribute": "intensity", "part": "coarse"}], "one coarse and one fine"),
        ([{"attribute": "intensity", "part": "fine"}], "one coarse and one fine"),
        (
            [{"attribute": "intensity", "part": "coarse"}, {"attribute": "intensity", "part": "fine", "bits": 16}],
            "fine part takes",
        ),
        ([{"fixed": 0, "reason": "x"}], "nothing can be told to this mode"),
        ([INTENSITY, *[{"fixed": 0, "reason": "x"}] * 512], "513 slots do not fit"),
        ([], "at least 1 item"),
    ],
)
def test_a_mode_that_makes_no_sense_is_refused(slots, why):
    with pytest.raises(ValidationError, match=why):
        mode(*slots)


@pytest.mark.parametrize("keys", [{"source": ""}, {"personalities": {}}, {"vendor": "Acme Inc."}, {"colour": "red"}])
def test_a_profile_without_source_modes_or_a_proper_name_is_refused(keys):
    with pytest.raises(ValidationError):
        profile(**keys)


@pytest.mark.parametrize(
    ("range_", "why"),
    [
        ({}, "needs since or before"),
        ({"since": "2.0", "before": "1.0"}, "empty firmware range"),
        ({"since": "2.0", "before": "2"}, "empty firmware range"),
        ({"since": "newest"}, "is not a firmware version"),
    ],
)
def test_a_firmware_range_that_holds_nothing_is_refused(range_, why):
    with pytest.raises(ValidationError, match=why):
        profile(match={"firmware": [range_]})


def test_places_and_defaults_follow_from_the_slots():
    made = mode(
        {"fixed": 300, "bits": 16, "reason": "mode word"},
        {"attribute": "cct", "span": [2700, 4000]},
        {"attribute": "intensity", "bits": 16, "default": 0.5},
    )
    assert made.footprint == 5
    assert made.constants == bytes([1, 44, 0, 0, 0])
    assert made.attributes == (Attribute.CCT, Attribute.INTENSITY)
    assert made.defaults() == {Attribute.CCT: 4000, Attribute.INTENSITY: 0.5}
    assert made.separable and made.emitters == ()
    assert (made.channels[Attribute.INTENSITY].coarse, made.channels[Attribute.INTENSITY].fine) == (3, 4)
