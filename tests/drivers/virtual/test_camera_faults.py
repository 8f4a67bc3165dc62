"""Faults of a camera and its stream, as whoever watches the stream sees them."""

from itertools import pairwise

import numpy as np
import pytest

from drivers.camera.metrics import noise, sample
from drivers.virtual.twin import Fault
from tests.drivers.virtual.stand import FPS, Sides, Stand, daylight_for


@pytest.fixture
def stand() -> Stand:
    stand = Stand(Sides)
    stand.world.daylight = daylight_for(0.4)
    return stand


def watched(stand: Stand, count: int) -> tuple[list[np.ndarray], list[float]]:
    """Every picture of the stream, and when it came."""
    taken = [stand.source.read(1.0) for _ in range(count)]
    return [picture for picture, _ in taken], [stamp for _, stamp in taken]


def intervals(stamps: list[float]) -> list[float]:
    return [(after - before) * FPS for before, after in pairwise(stamps)]


def test_bars_are_seven_saturated_columns_without_noise(stand: Stand) -> None:
    stand.studio.fault("cam", "bars")
    one, other = stand.picture(), stand.picture()
    assert np.array_equal(one, other)
    columns = one.astype(int).std(axis=0)
    assert columns.max() == 0
    assert len(np.unique(one[0], axis=0)) == 7
    assert sorted(set(one.ravel().tolist())) == [0, 191]


def test_dropped_pictures_are_gaps_of_whole_intervals(stand: Stand) -> None:
    counted = int(stand.source.describe()["frames"])
    stand.studio.fault("cam", "drop")
    _, stamps = watched(stand, 700)
    gaps = intervals(stamps)
    assert np.abs(np.array(gaps) - np.round(gaps)).max() < 1e-6
    lost = sum(round(gap) - 1 for gap in gaps) / sum(gaps)
    assert lost == pytest.approx(0.3, abs=0.03)
    assert max(gaps) >= 3
    assert int(stand.source.describe()["frames"]) - counted == 700
    stand.studio.heal("cam")
    assert intervals(watched(stand, 20)[1])[1:] == pytest.approx([1.0] * 18)


def test_doubled_pictures_come_twice_at_times_of_their_own(stand: Stand) -> None:
    stand.studio.fault("cam", Fault.DOUBLE)
    pictures, stamps = watched(stand, 21)
    same = [np.array_equal(one, other) for one, other in pairwise(pictures)]
    assert same in ([True, False] * 10, [False, True] * 10)
    assert intervals(stamps) == pytest.approx([1.0] * 20)


def test_too_fast_a_stream_repeats_each_picture(stand: Stand) -> None:
    counted = int(stand.source.describe()["frames"])
    stand.studio.fault("cam", Fault.FAST)
    pictures, stamps = watched(stand, 41)
    assert intervals(stamps)[1:] == pytest.approx([0.25] * 39, abs=1e-6)
    changes = sum(not np.array_equal(one, other) for one, other in pairwise(pictures))
    assert changes == pytest.approx(10, abs=1)
    assert int(stand.source.describe()["frames"]) - counted == pytest.approx(41, abs=4)


def test_frozen_is_one_picture_at_new_times(stand: Stand) -> None:
    stand.picture()
    stand.studio.fault("cam", Fault.FREEZE)
    pictures, stamps = watched(stand, 5)
    assert all(np.array_equal(pictures[0], each) for each in pictures)
    assert intervals(stamps) == pytest.approx([1.0] * 4)


def test_grain_is_four_times_the_noise(stand: Stand) -> None:
    usual = noise(sample(stand.picture()), sample(stand.picture()))
    stand.studio.fault("cam", Fault.GRAIN)
    assert noise(sample(stand.picture()), sample(stand.picture())) == pytest.approx(4 * usual, rel=0.15)


def test_a_cast_turns_grey_blue_and_leaves_green_alone(stand: Stand) -> None:
    before = stand.linear(stand.picture()).mean(axis=(0, 1))
    stand.studio.fault("cam", Fault.CAST)
    after = stand.linear(stand.picture()).mean(axis=(0, 1))
    assert after[1] == pytest.approx(before[1], rel=0.01)
    assert after[0] / after[2] > 1.5
    assert before == pytest.approx([before[1]] * 3, rel=0.01)


def test_one_fault_at_a_time_and_healed_it_is_as_before(stand: Stand) -> None:
    before = stand.picture()
    for fault in (Fault.BUMP, Fault.SHAKE, Fault.DEFOCUS, Fault.GRAIN, Fault.CAST, Fault.BARS, Fault.DROP):
        stand.camera.fault(fault)
    optics = stand.camera.sensor.optics
    assert (optics.shift, optics.shake, optics.blur, stand.camera.sensor.grain) == ((0, 0), 0, 0, 1)
    optics.sway = 0.01  # set by hand: not a fault, not healed
    stand.camera.heal()
    after = stand.picture()
    assert optics.sway == 0.01
    assert after.mean() == pytest.approx(before.mean(), abs=0.2)


def test_silence_counts_no_pictures(stand: Stand) -> None:
    counted = stand.source.describe()["frames"]
    stand.studio.fault("cam", Fault.SILENCE)
    stand.clock.advance(5)
    assert stand.source.describe()["frames"] == counted
