"""The flash limiter by construction: no stream of commands makes a light steeper than its rate."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agent.lighting.fade import Fade, toward

LEVEL = st.floats(0, 1)
COMMANDS = st.lists(st.tuples(st.floats(0, 3), LEVEL, st.floats(0, 2)), min_size=1, max_size=40)


@given(COMMANDS, st.floats(0.05, 0.6))
def test_the_curve_is_continuous_and_never_steeper_than_the_rate(commands, rate):
    fade, now = Fade(0.3, 0.3), 0.0
    for wait, target, length in commands:
        now += wait
        before = fade.at(now)
        fade = toward(fade, target, now, length, rate)
        assert abs(fade.at(now) - before) < 1e-9
        steps = [fade.at(now + wait * i / 20) for i in range(21)]
        for a, b in pairwise(steps):
            assert abs(b - a) <= rate * wait / 20 + 1e-9


@given(LEVEL, LEVEL, st.floats(0.5, 20))
def test_a_slow_enough_fade_ends_on_time_and_exactly_at_its_end(start, end, length):
    fade = toward(Fade(start, start), end, 100.0, length, 0.6)
    arrival = 100.0 + max(length, abs(end - start) / 0.6)
    assert fade.done == arrival
    assert fade.at(arrival) == end
    assert min(start, end) <= fade.at(100.0 + length / 3) <= max(start, end)


def flashes(levels: list[float]) -> int:
    """Pairs of opposing changes of at least 10 % (BT.1702 in its simplest reading)."""
    changes, low, high = 0, levels[0], levels[0]
    direction = 0
    for level in levels:
        low, high = min(low, level), max(high, level)
        if direction <= 0 and level - low >= 0.1:
            changes, direction, high = changes + 1, 1, level
            low = level
        elif direction >= 0 and high - level >= 0.1:
            changes, direction, low = changes + 1, -1, level
            high = level
    return changes // 2


@given(st.lists(st.tuples(st.floats(0.005, 0.4), LEVEL), min_size=20, max_size=120))
def test_no_second_of_hostile_commands_holds_two_flashes_on_air(commands):
    """0.35 of full light per second: at most 0.35/0.2 < 2 flashes in any second."""
    fade, now, due, samples = Fade(0.5, 0.5), 0.0, 0.0, []
    for wait, target in commands:
        fade = toward(fade, target, now, 0.0, 0.35)
        now += wait
        while due < now:
            samples.append(fade.at(due))
            due += 0.01
    for start in range(max(1, len(samples) - 100)):
        assert flashes(samples[start : start + 100]) < 2
