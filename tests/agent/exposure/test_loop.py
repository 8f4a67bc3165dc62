"""The law: settles without overshoot for its delay, respects its limits, freezes when it must."""

import math
from collections import deque
from itertools import pairwise

import pytest

from agent.exposure.loop.law import RAMP, START, STOP, Law, LoopState, Room, Seen, step, trimmed

RATE = 10.0


def trim(state: LoopState) -> float:
    return state.trims.get("key", 0.0)


def at(trim: float, **more) -> LoopState:
    return LoopState(trims={"key": trim}, **more)


def run(law: Law, room, seconds: float, share: float = 1.0, on_air: bool = False, state: LoopState | None = None):
    """A room that answers ``law.delay`` samples late; ``room(t)`` = stops the picture would be too dark at trim 0."""
    state = state or LoopState()
    pipe = deque([trim(state)] * (law.delay + 1), maxlen=law.delay + 1)
    errors = []
    for i in range(int(seconds * RATE)):
        now = i / RATE
        light = math.log2(share * 2 ** pipe[0] + (1 - share))
        error = room(now) - light
        errors.append(error)
        state = step(state, Seen(error, now, {"key": error}), law, now, on_air)
        pipe.append(trim(state))
    return state, errors


@pytest.mark.parametrize("delay", [0, 1, 2, 4, 6])
def test_a_darker_room_is_made_good_within_the_dead_band_and_without_overshoot(delay):
    state, errors = run(Law(delay), lambda t: 0.8, seconds=30)
    assert abs(errors[-1]) <= START
    assert min(errors) > -0.03
    assert state.why == "resting"


def test_small_errors_are_left_alone():
    state, _ = run(Law(2), lambda t: START * 0.9, seconds=10)
    assert trim(state) == 0.0


def test_once_acting_it_goes_on_until_the_error_is_small():
    _, errors = run(Law(2), lambda t: 0.5, seconds=30)
    assert abs(errors[-1]) < STOP


def test_authority_is_the_end_and_what_is_missing_is_said():
    state = LoopState()
    for i in range(1, 100):
        left, room = 2.5 - trim(state), 1.0 - trim(state)
        seen = Seen(left, i / RATE, {"key": left}, {"key": Room(up=room)}, missing=left - room)
        state = step(state, seen, Law(2), i / RATE, on_air=False)
    assert trim(state) == pytest.approx(1.0)
    assert state.why == "at-limit"
    assert "1.50 stop not reachable" in state.detail


def test_a_lamp_at_its_end_stops_the_integrator():
    state = at(0.2)
    for i in range(1, 100):
        room = 0.3 - trim(state)
        seen = Seen(1.0, i / RATE, {"key": 1.0}, {"key": Room(up=room)}, missing=1.0 - room)
        state = step(state, seen, Law(2), i / RATE, on_air=False)
    assert trim(state) == pytest.approx(0.3)
    assert state.why == "at-limit"


def test_on_air_it_moves_twenty_times_slower_than_its_error_asks():
    state, _ = run(Law(0), lambda t: 1.0, seconds=4, on_air=True)
    assert trim(state) == pytest.approx(0.05 * 3.9, abs=0.01)


@pytest.mark.parametrize(
    ("seen", "now", "detail"),
    [
        (Seen(1.0, captured=1.0, wishes={"key": 1.0}, fault="frozen"), 1.0, "frozen"),
        (Seen(1.0, captured=1.0, wishes={"key": 1.0}), 1.6, "picture too old"),
    ],
)
def test_a_faulty_or_old_picture_freezes_the_loop(seen, now, detail):
    before = at(0.4, acting=True, why="acting", captured=0.9, at=0.9)
    after = step(before, seen, Law(2), now, on_air=False)
    assert (trim(after), after.why, after.detail) == (0.4, "frozen", detail)


def test_the_same_picture_twice_moves_nothing():
    law = Law(0)
    seen = Seen(1.0, captured=0.1, wishes={"key": 1.0})
    first = step(LoopState(captured=0.0), seen, law, 0.1, on_air=False)
    again = step(first, seen, law, 0.2, on_air=False)
    assert again.trims == first.trims and trim(first) > 0 and again.moved == {}


def test_every_light_goes_its_own_way_and_none_beyond_its_room():
    seen = Seen(0.5, 0.1, {"key": 0.6, "fill": -0.4, "back": 0.6}, {"back": Room(up=0.01)})
    state = step(LoopState(captured=0.0), seen, Law(2), 0.1, on_air=False)
    assert state.trims["key"] == pytest.approx(0.05), "0.5 stop/s for a tenth of a second"
    assert state.trims["fill"] == pytest.approx(-0.05)
    assert state.trims["back"] == pytest.approx(0.01)


def test_after_a_hand_over_it_takes_hold_gently():
    moved = []
    state = LoopState(since=0.0, captured=0.0)
    for i in range(1, 60):
        state = step(state, Seen(2.0, i / RATE, {"key": 2.0}), Law(0), i / RATE, on_air=False)
        moved.append(state.moved["key"])
    assert moved[0] == pytest.approx(0.05 * 0.1 / RAMP)
    assert moved[-1] == pytest.approx(0.05)
    assert all(later > earlier - 1e-9 for earlier, later in pairwise(moved))


def test_trimmed_levels_stay_possible():
    assert trimmed(0.4, 1.0) == 0.8
    assert trimmed(0.8, 1.0) == 1.0
    assert trimmed(0.0, 1.0) == 0.0
