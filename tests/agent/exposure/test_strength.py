"""The lights' own pattern says at once when the camera changes its exposure, whatever the room's light does."""

import math

import numpy as np
import pytest

from agent.exposure.loop.strength import Strength
from agent.exposure.transport.matrix import ZONES
from drivers.virtual.daylight import clouds
from tests.agent.exposure.test_commissioned import ACROSS
from tests.agent.exposure.test_own_moves import BACK, DAY, KEY, TRANSPORT, Camera, moved


def changes(
    camera, *, level=lambda at: 0.4, sky=lambda at: 1.0, seconds=30.0, late=0.0, people=False, told=None, every=0.1
):
    """When a change was found, and which. ``told``: what the light is said to show."""
    dice, strength, found = np.random.default_rng(5), Strength(TRANSPORT), []
    for at in np.arange(0.0, seconds, every):
        light = KEY * level(at - late) + BACK + DAY * sky(at)
        if people:
            light = np.where(np.abs(ACROSS - (at / 9.0) % 1.2) < 0.1, 0.3 * light + 0.02, light)
        zones = (camera.seen(light) if at > 10 else light) * 2 ** dice.normal(0, 0.002, ZONES)
        strength.seen(at, zones, {"key": (told or level)(at)})
        if change := strength.changed(at):
            found.append((float(at), change))
    return found


def creeps(at):
    return 0.4 * 2 ** (-0.1 * min(max(0.0, at - 10), 20))


@pytest.mark.parametrize("every", [0.1, 0.125, 0.04])
@pytest.mark.parametrize("stops", [0.1, -0.1, 0.5])
def test_a_camera_that_begins_with_another_exposure_is_seen_within_three_seconds(stops, every):
    camera = Camera(1.0)
    camera.usual = math.log2(float((KEY * 0.4 + BACK + DAY).mean())) + stops
    found = changes(camera, every=every)
    assert 10 < found[0][0] < 13 and found[0][1] * stops > 0
    assert any(change == pytest.approx(stops, abs=0.1) for at, change in found if at < 14)


def test_a_camera_that_takes_back_what_the_lights_creep_is_seen_after_a_quarter_of_a_stop():
    found = changes(Camera(1.0), level=creeps)
    assert 12.5 <= found[0][0] < 20 and found[0][1] > 0.05


@pytest.mark.parametrize("people", [False, True])
@pytest.mark.parametrize(
    ("level", "sky"),
    [
        (lambda at: 0.4, lambda at: 1.0 if at < 12 else 2.2),
        (lambda at: 0.4, lambda at: 1.0 if at < 12 else 0.3),
        (creeps, lambda at: 2 ** (0.1 * min(max(0.0, at - 10), 20))),
        (moved, clouds(1.5, 3, 0.7, 10.0)),
        (moved, clouds(2.0, 4, 0.5, 3.0)),
        (lambda at: 0.4 * 2 ** (0.5 * min(max(at - 15, 0.0), 1.5)), lambda at: 1.0),
    ],
    ids=["jump", "fall", "sunrise", "clouds", "quick clouds", "fade"],
)
def test_a_locked_camera_whose_lights_are_late_changes_nothing(level, sky, people):
    assert not changes(Camera(), level=level, sky=sky, late=0.2, people=people, seconds=40.0)


def test_a_lamp_that_ages_or_warms_up_changes_too_slowly():
    assert not changes(Camera(), level=lambda at: 0.4 * 2 ** (-0.005 * at), told=lambda at: 0.4, seconds=60.0)


def test_where_nothing_can_be_told_nothing_is_said():
    strength = Strength(TRANSPORT)
    assert strength.changed(0.0) == 0.0
    for at in np.arange(0.0, 20.0, 0.1):
        strength.seen(at, np.full(ZONES, math.nan), {"key": 0.4})
        assert strength.changed(at) == 0.0
    for at in np.arange(20.0, 40.0, 0.1):
        strength.seen(at, BACK + DAY, {"key": 0.0})
        assert strength.changed(at) == 0.0
