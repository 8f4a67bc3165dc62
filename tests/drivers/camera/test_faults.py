"""Faults of the picture, step by step: only numbers, no clock, no camera."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from drivers.base import Picture
from drivers.camera.faults import NETWORK, FaultState, Judged, PictureFault, aged, gone, start, step
from drivers.camera.metrics import measure

Source = Callable[[int], Picture]


def live(number: int) -> Picture:
    return np.random.default_rng(number).integers(90, 110, (90, 160, 3), dtype=np.uint8)


def run(source: Source, seconds: float, state: FaultState | None = None, now: float = 100.0, **more: Any) -> FaultState:
    state = state or start(now)
    for number in range(int(seconds * 8) + 1):
        metrics = measure(source(number), 0.18)
        state = step(state, metrics, metrics.points, now + number / 8, **more)
    return state


def test_a_live_picture_has_no_fault() -> None:
    assert run(live, 10).fault is None


def test_a_picture_that_repeats_is_frozen_within_a_second_and_heals_when_it_has_lived_for_a_while() -> None:
    assert run(lambda _: live(1), 0.6).fault is None
    state = run(lambda _: live(1), 0.8)
    assert state.fault is PictureFault.FROZEN
    assert state.evidence["same_for"] >= 0.6
    assert state.faults[0].since == 100.0
    assert run(live, 0.1, state, 101.0).fault is PictureFault.FROZEN  # a picture now and then is no life
    assert run(live, 0.8, state, 101.0).fault is None


def test_a_network_stream_may_hold_its_breath_longer() -> None:
    assert run(lambda _: live(1), 1.3, patience=NETWORK).fault is None
    assert run(lambda _: live(1), 1.5, patience=NETWORK).fault is PictureFault.FROZEN


def test_equal_packets_are_a_freeze_from_when_they_began() -> None:
    metrics = measure(live(1), 0.18)
    state = step(start(100.0), metrics, metrics.points, 100.0)
    metrics = measure(live(2), 0.18)
    state = step(state, metrics, metrics.points, 100.8, repeated_since=100.05)
    assert state.fault is PictureFault.FROZEN


def test_a_newly_encoded_freeze_is_a_freeze() -> None:
    def encoded(number: int) -> Picture:
        pixels = live(1)
        pixels[4, number % 160, 1] += 1
        return pixels

    assert run(encoded, 1).fault is PictureFault.FROZEN


def test_black_is_called_black_not_frozen() -> None:
    state = run(lambda _: np.full((90, 160, 3), 3, np.uint8), 0.8)
    assert state.named == {PictureFault.BLACK}
    assert state.evidence["dark_percent"] == 100
    assert run(lambda _: np.full((90, 160, 3), 3, np.uint8), 0.4).fault is None


def test_black_by_plan_is_no_fault() -> None:
    state = run(lambda _: np.full((90, 160, 3), 3, np.uint8), 2, expected={PictureFault.BLACK})
    assert state.fault is None


def test_a_burnt_out_corner_is_clipped_and_the_picture_may_still_be_acted_on() -> None:
    def burnt(number: int) -> Picture:
        pixels = live(number)
        pixels[:30, :60] = 255
        return pixels

    assert run(burnt, 0.4).fault is None
    state = run(burnt, 0.8)
    assert state.fault is PictureFault.CLIPPED
    assert 10 < state.evidence["clipped_percent"] < 15
    assert state.untrusted is None


@pytest.mark.parametrize(("code", "fault"), [(45, PictureFault.UNDER), (232, PictureFault.OVER)])
def test_under_and_over_are_named_without_a_reference(code: int, fault: PictureFault) -> None:
    def plain(number: int) -> Picture:
        return (live(number) // 10 + code).astype(np.uint8)

    assert run(plain, 0.8).named == {fault}


def test_no_picture_is_stale_until_one_comes_and_any_thread_may_ask() -> None:
    state = run(live, 1)
    assert step(state, None, None, 101.6).fault is None
    for late in (step(state, None, None, 101.8), aged(state, 101.8)):
        assert late.fault is PictureFault.STALE
        assert late.evidence["age"] > 0.7
        assert late.faults[0].since == 101.0
    assert aged(state, 102.4, NETWORK).fault is None
    assert aged(state, 102.6, NETWORK).fault is PictureFault.STALE
    assert run(live, 0, step(state, None, None, 102), 104).fault is None


def test_a_camera_that_never_sends_is_stale_too() -> None:
    state = start(50.0)
    assert step(state, None, None, 50.6).fault is None
    assert step(state, None, None, 50.7).fault is PictureFault.STALE


def test_a_source_that_ended_is_gone_at_once() -> None:
    state = gone(run(live, 1), 101.1)
    assert state.named == {PictureFault.GONE} and state.untrusted is PictureFault.GONE
    assert aged(state, 110).fault is PictureFault.GONE


def test_a_new_picture_size_is_a_change_not_an_error() -> None:
    state = run(live, 1)
    metrics = measure(np.full((720, 1280, 3), 90, np.uint8), 0.18)
    assert step(state, metrics, metrics.points, 102).fault is None


def test_all_that_hold_are_listed_in_order_and_the_first_that_blinds_is_what_the_loop_hears_of() -> None:
    says = {
        PictureFault.NOISE: Judged(True, {"noise": 3.0}),
        PictureFault.DROPPED: Judged(True, {"lost_percent": 30.0}),
        PictureFault.MOVED: Judged(True, {"shift_percent": 5.0}),
    }
    state = run(live, 1, judged=says)
    assert [each.fault for each in state.faults] == [PictureFault.MOVED, PictureFault.DROPPED, PictureFault.NOISE]
    assert state.untrusted is PictureFault.MOVED
    assert state.faults[1].evidence == {"lost_percent": 30.0}
    del says[PictureFault.MOVED]
    assert run(live, 3.2, state, 101.1, judged=says).named == {PictureFault.DROPPED, PictureFault.NOISE}


def test_who_cannot_say_changes_nothing() -> None:
    state = run(live, 1, judged={PictureFault.MOVED: Judged(True)})
    state = run(live, 9, state, 101.1, judged={PictureFault.MOVED: Judged(None)})
    assert state.fault is PictureFault.MOVED


def test_a_fault_that_comes_and_goes_does_not_flap() -> None:
    """Every second picture is burnt out a little: it was named once, and stays so."""

    def burnt(number: int) -> Picture:
        pixels = live(number)
        pixels[:30, :60] = 255 if number < 8 or number % 2 else 100
        return pixels

    state, told = start(100.0), []
    for number in range(80):
        metrics = measure(burnt(number), 0.18)
        state = step(state, metrics, metrics.points, 100 + number / 8)
        told.append(state.fault)
    changes = sum(a is not b for a, b in pairwise(told))
    assert told[-1] is PictureFault.CLIPPED and changes == 1


def test_two_moments_far_apart_with_nothing_to_be_said_between_are_no_long_fault() -> None:
    state = run(live, 0.0, judged={PictureFault.NOISE: Judged(True)})
    state = run(live, 9, state, 100.1, judged={PictureFault.NOISE: Judged(None)})
    state = run(live, 0.0, state, 109.5, judged={PictureFault.NOISE: Judged(True)})
    assert state.fault is None


def test_what_is_slight_is_named_when_it_has_lasted_and_does_not_blind() -> None:
    slight, plain = ({PictureFault.MOVED: Judged(True, {"shift_percent": far}, slight=far < 3)} for far in (1.2, 5.0))
    state = run(live, 3.8, judged=slight)
    assert state.fault is None
    state = run(live, 0.4, state, 103.9, judged=slight)
    assert state.fault is PictureFault.MOVED and state.untrusted is None
    state = run(live, 0.3, state, 104.4, judged=plain)
    assert state.untrusted is None  # a moment of more is none
    state = run(live, 0.4, state, 104.8, judged=plain)
    assert state.untrusted is PictureFault.MOVED
    state = run(live, 0.8, state, 105.3, judged=slight)
    assert state.fault is PictureFault.MOVED and state.untrusted is None


def test_a_slight_fault_that_becomes_a_plain_one_has_to_last_as_one() -> None:
    state = run(live, 3.0, judged={PictureFault.NOISE: Judged(True, slight=True)})
    state = run(live, 0.3, state, 103.1, judged={PictureFault.NOISE: Judged(True)})
    assert state.fault is None
    assert run(live, 0.2, state, 103.5, judged={PictureFault.NOISE: Judged(True)}).fault is PictureFault.NOISE
