"""Faults of the picture, step by step: only numbers, no clock, no camera."""

from collections.abc import Callable

import numpy as np

from drivers.base import Picture
from drivers.camera.faults import FaultState, PictureFault, start, step
from drivers.camera.metrics import measure

Source = Callable[[int], Picture]


def live(number: int) -> Picture:
    return np.random.default_rng(number).integers(90, 110, (90, 160, 3), dtype=np.uint8)


def run(source: Source, seconds: float, state: FaultState | None = None, now: float = 100.0) -> FaultState:
    state = state or start(now)
    for number in range(int(seconds * 8) + 1):
        metrics = measure(source(number), 0.18)
        state = step(state, metrics, metrics.points, now + number / 8)
    return state


def test_a_live_picture_has_no_fault() -> None:
    assert run(live, 10).fault is None


def test_a_picture_that_repeats_is_frozen_after_one_second_and_heals_with_the_next_different_one() -> None:
    assert run(lambda _: live(1), 0.9).fault is None
    state = run(lambda _: live(1), 1.1)
    assert state.fault is PictureFault.FROZEN
    assert state.evidence["same_for"] >= 1.0
    assert run(lambda _: live(2), 0, state, 102).fault is None


def test_a_newly_encoded_freeze_is_a_freeze() -> None:
    def encoded(number: int) -> Picture:
        pixels = live(1)
        pixels[4, number % 160, 1] += 1
        return pixels

    assert run(encoded, 2).fault is PictureFault.FROZEN


def test_black_is_called_black_not_frozen() -> None:
    state = run(lambda _: np.full((90, 160, 3), 3, np.uint8), 2.1)
    assert state.fault is PictureFault.BLACK
    assert state.evidence["dark_percent"] == 100
    assert run(lambda _: np.full((90, 160, 3), 3, np.uint8), 1.8).fault is None


def test_a_burnt_out_corner_is_clipped() -> None:
    def burnt(number: int) -> Picture:
        pixels = live(number)
        pixels[:30, :60] = 255
        return pixels

    assert run(burnt, 1.5).fault is None
    state = run(burnt, 2.1)
    assert state.fault is PictureFault.CLIPPED
    assert 10 < state.evidence["clipped_percent"] < 15


def test_no_picture_for_two_seconds_is_stale_until_one_comes() -> None:
    state = run(live, 1)
    assert step(state, None, None, 102.9).fault is None
    state = step(state, None, None, 103.1)
    assert state.fault is PictureFault.STALE
    assert state.evidence["age"] > 2
    assert run(live, 0, state, 104).fault is None


def test_a_camera_that_never_sends_is_stale_too() -> None:
    state = start(50.0)
    state = step(state, None, None, 51.9)
    assert state.fault is None
    assert step(state, None, None, 52.0).fault is PictureFault.STALE


def test_a_new_picture_size_is_a_change_not_an_error() -> None:
    state = run(live, 1)
    metrics = measure(np.full((720, 1280, 3), 90, np.uint8), 0.18)
    assert step(state, metrics, metrics.points, 102).fault is None
