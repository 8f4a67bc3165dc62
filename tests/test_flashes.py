"""The count of flashes is right: on courses whose flashes are known, and against a second count of another kind."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.flashes import DARKER, FLASH, densest, red_reversals, reversals

FRAME = 1 / 50


def course(*levels: float, each: float = 0.1):
    """Levels that stand for ``each`` seconds."""
    steps = round(each / FRAME)
    level = np.repeat(np.array(levels, np.float64), steps)
    return np.arange(len(level)) * FRAME, level


def ramps(*levels: float, each: float = 0.5):
    """The same with straight lines from one to the next, as lights with a slew limit move."""
    times = np.arange(0, (len(levels) - 1) * each + FRAME / 2, FRAME)
    return times, np.interp(times, np.arange(len(levels)) * each, levels)


def swings(level: list[float]) -> int:
    """A second count: take the ends of all monotone runs, remove the smallest swing again and again until none is
    smaller than a flash needs, and count those of the rest that have a dark end."""
    ends = [level[0]]
    for value in level[1:]:
        if len(ends) > 1 and (ends[-1] - ends[-2]) * (value - ends[-1]) >= 0:
            ends[-1] = value
        elif value != ends[-1]:
            ends.append(value)
    while len(ends) > 1:
        sizes = [abs(b - a) for a, b in itertools.pairwise(ends)]
        smallest = min(range(len(sizes)), key=sizes.__getitem__)
        if sizes[smallest] >= FLASH - 1e-9:
            break
        if smallest == 0:
            del ends[0]
        elif smallest == len(sizes) - 1:
            del ends[-1]
        else:
            del ends[smallest : smallest + 2]
    return sum(min(a, b) < DARKER - 1e-9 for a, b in itertools.pairwise(ends))


@pytest.mark.parametrize(
    ("made", "changes"),
    [
        (course(0.2, 0.7, 0.2), 2),
        (course(0.2, 0.7, 0.2, 0.7, 0.2, 0.7, 0.2), 6),
        (course(0.2, 0.29, 0.2, 0.29), 0),
        (course(0.2, 0.3, 0.2), 2),
        (course(0.8, 1.0, 0.8), 0),
        (course(0.79, 1.0, 0.79), 2),
        (ramps(1.0, 0.5, 1.0, 0.5), 3),
        (ramps(1.0, 0.85, 1.0, 0.85), 0),
        (ramps(1.0, 0.0), 1),
        (course(0.0, 0.04, 0.08, 0.12, 0.16, 0.12, 0.08, 0.04, 0.0), 2),
        (course(0.1, 0.5, 0.45, 0.9, 0.85, 0.3), 2),
        (course(0.5), 0),
    ],
    ids=[
        "one flash", "three", "less than a tenth", "just a tenth", "what stays bright", "not quite so bright",
        "slow and from full", "slow and bright", "one change is half a flash", "in small steps", "ripples on a change",
        "stands still",
    ],
)  # fmt: skip
def test_flashes_are_counted_as_the_rule_counts_them(made, changes):
    times, level = made
    assert len(reversals(times, level)) == changes == swings(level.tolist())


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(0, 100), min_size=2, max_size=60))
def test_both_counts_agree_on_whatever_course(percent):
    level = np.array(percent) / 100
    assert len(reversals(np.arange(len(level)) * FRAME, level)) == swings(level.tolist())


@pytest.mark.parametrize("hertz", [0.5, 1.0, 2.0, 3.0, 4.0, 5.0])
def test_so_many_flashes_a_second_as_the_wave_has(hertz):
    times = np.arange(0, 10, FRAME)
    turns = reversals(times, ((times * hertz) % 1.0 < 0.5) * 0.5)
    assert densest(turns) / 2 == pytest.approx(hertz, abs=0.5)


RED, DEEP, WHITE, GREEN, PINK, BLACK, DARK, ROSE = (
    (1.0, 0.0, 0.0), (0.8, 0.1, 0.1), (0.5, 0.5, 0.5), (0.0, 1.0, 0.0),
    (1.0, 0.3, 0.3), (0.0, 0.0, 0.0), (0.05, 0.0, 0.0), (1.0, 0.02, 0.02),
)  # fmt: skip


@pytest.mark.parametrize(
    ("colours", "changes"),
    [
        ((RED, WHITE, RED), 2),
        ((RED, GREEN, RED, GREEN, RED, GREEN), 5),
        ((DEEP, GREEN, DEEP), 2),
        ((DEEP, WHITE, DEEP), 0),
        ((PINK, WHITE, PINK), 0),
        ((GREEN, WHITE, GREEN), 0),
        ((RED, BLACK, RED), 2),
        ((DARK, BLACK, DARK), 0),
        ((RED, ROSE, RED, ROSE), 0),
        ((RED,), 0),
    ],
    ids=[
        "to white and back", "to green", "just saturated", "just saturated, and near", "not saturated", "no red",
        "to black", "too dark to be seen", "a hint of white", "stands",
    ],
)  # fmt: skip
def test_red_flashes_are_counted_by_themselves(colours, changes):
    light = np.repeat(np.array(colours), 5, axis=0)
    assert len(red_reversals(np.arange(len(light)) * FRAME, *light.T)) == changes
