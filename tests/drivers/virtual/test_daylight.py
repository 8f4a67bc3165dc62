"""Daylight that changes, and the camera that sees it."""

import numpy as np
import pytest

from drivers.virtual.clock import ManualClock
from drivers.virtual.daylight import clouds, ramp
from drivers.virtual.world import World
from tests.drivers.virtual.stand import Sides, Stand, daylight_for


def test_a_ramp_is_even_in_stops() -> None:
    day = ramp(0.1, 0.4, start=100.0, seconds=10.0)
    assert [day(now) for now in (0, 100, 105, 110, 500)] == pytest.approx([0.1, 0.1, 0.2, 0.4, 0.4])
    night = ramp(0.4, 0.0, 0.0, 10.0)
    assert [night(now) for now in (0, 5, 10)] == pytest.approx([0.4, 0.2, 0.0])
    step = ramp(0.1, 0.2, 5.0, 0.0)
    assert (step(4.99), step(5.0)) == (0.1, 0.2)


def test_clouds_are_smooth_within_their_bounds_and_the_same_for_a_seed() -> None:
    times = np.arange(0, 600, 0.2)
    sky = np.array([clouds(0.8, seed=3, depth=0.6)(now) for now in times])
    assert sky.min() >= 0.8 * 0.4 - 1e-9
    assert sky.max() <= 0.8
    assert sky.max() - sky.min() > 0.25
    assert np.abs(np.diff(np.log2(sky))).max() < 0.05
    assert np.array_equal(sky, [clouds(0.8, seed=3, depth=0.6)(now) for now in times])
    assert not np.allclose(sky, [clouds(0.8, seed=4, depth=0.6)(now) for now in times])


def test_the_world_takes_a_number_or_a_function_and_says_a_number() -> None:
    clock = ManualClock(start=50.0)
    world = World(clock, daylight=ramp(0.1, 0.4, 50.0, 10.0))
    assert world.daylight == pytest.approx(0.1)
    clock.advance(5)
    assert world.daylight == pytest.approx(0.2)
    assert world.day(60.0)[1] == pytest.approx(2 * world.day(55.0)[1])
    world.daylight *= 0.5
    clock.advance(100)
    assert world.daylight == pytest.approx(0.1)


def test_a_camera_sees_the_day_of_its_latency_ago() -> None:
    stand = Stand(Sides, latency=5)
    stand.world.daylight = ramp(daylight_for(0.2), daylight_for(0.8), stand.clock.now() + 1.0, 2.0)
    seen = [stand.seen() for _ in range(90)]
    assert seen[0] == pytest.approx(0.1, rel=0.03)
    assert seen[-1] == pytest.approx(0.4, rel=0.03)
    middle = next(number for number, light in enumerate(seen, start=1) if light >= 0.2)
    assert middle == pytest.approx(50 + 5, abs=1)
