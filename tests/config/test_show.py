"""What a show is made of: cue numbers, their order, what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from config.check import validate
from config.show import MOST_CUES, CueListSection, CueSection


def problems(*cues):
    return [(p.where, p.why, p.right) for p in validate(CueListSection, {"cues": list(cues)})[1]]


def test_every_fault_of_a_list_is_said_at_its_place():
    assert problems({"number": 1}, {"number": 2.5, "label": "x"}) == []
    assert problems() == [("cues", "is empty", "at least 1 item")]
    assert problems({"number": 1}, {"number": 1.0}) == [("cues", "there are two cues 1", "number each one once")]
    ((where, why, right),) = problems({"number": 1.0005})
    assert (where, why) == ("cues[0].number", "1.0005 is finer than a thousandth") and "7.5" in right
    assert [where for where, _, _ in problems({"number": 0}, {"number": 1, "follow": -1, "colour": "red"})] == [
        "cues[0].number",
        "cues[1].follow",
        "cues[1].colour",
    ]


@given(st.lists(st.integers(1, 9999).map(lambda n: n / 8), min_size=1, max_size=40, unique=True))
def test_cues_play_by_their_numbers_however_they_are_written(numbers):
    section = CueListSection(cues=tuple(CueSection(number=number) for number in numbers))
    assert [cue.number for cue in section.in_order] == sorted(numbers)
    assert [cue.number for cue in section.cues] == numbers  # as written: a fault is told at its line


def test_a_list_has_an_end():
    with pytest.raises(ValidationError, match="at most 500"):
        CueListSection(cues=tuple(CueSection(number=n) for n in range(1, MOST_CUES + 2)))


def test_falling_light_takes_the_rising_ones_time_unless_it_is_said():
    assert CueSection(number=1, up=3.0).falling == 3.0 and CueSection(number=1, up=3.0, down=0.0).falling == 0.0
