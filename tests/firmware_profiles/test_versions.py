"""Firmware versions are ordered as people mean them."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_profiles.versions import parse

ORDER = [
    "0.9",
    "1.0-beta",
    "1.0rc1",
    "1.0rc2",
    "V1.0",
    "1.0a",
    "1.0b",
    "1.0.1",
    "1.2",
    "1.9",
    "1.10",
    "v2-dev",
    "2",
    "4.15",
]


def test_the_order_is_the_one_people_mean():
    assert all(parse(one) < parse(other) for one, other in pairwise(ORDER))


@pytest.mark.parametrize("other", ["v1.2", "V 1.2.0", "1.02", "Version 1.2", " 1_2 "])
def test_the_same_version_is_written_in_many_ways(other):
    assert parse(other) == parse("1.2")


@pytest.mark.parametrize("text", ["", "n/a", "unknown", "v", "٣.١", "1" * 65, "-1"])
def test_what_is_no_version_is_refused(text):
    with pytest.raises(ValueError, match="is not a firmware version"):
        parse(text)


@settings(deadline=None)
@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=5), st.lists(st.integers(0, 10**6), min_size=1, max_size=5))
def test_numbers_compare_as_numbers(one, other):
    def bare(numbers):
        while numbers and numbers[-1] == 0:
            numbers = numbers[:-1]
        return numbers

    told = parse(".".join(map(str, one))) < parse(".".join(map(str, other)))
    assert told == (bare(one) < bare(other))
