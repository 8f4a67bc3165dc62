"""A delay that grows in mid-show is noticed before the loop hunts; what is not a delay is not taken for one."""

import math
from dataclasses import replace

import numpy as np
import pytest

from agent.exposure.loop.daylight import daylight
from agent.exposure.loop.lateness import Lateness
from agent.exposure.transport.matrix import ZONES, Delay, Reach, Transport
from drivers.virtual.daylight import clouds
from tests.closed import ClosedStudio, beyond, settled

DICE = np.random.default_rng(11)
KEY, DAY = np.linspace(0.2, 0.6, ZONES), np.linspace(0.16, 0.08, ZONES)
TRANSPORT = Transport(
    "cam",
    "2026-11-26T10:00:00Z",
    ("key",),
    KEY[:, None],
    DAY,
    np.full(ZONES, 0.0003),
    np.ones(ZONES, bool),
    Delay(3, 0.25),
    (Reach(0.4, 0.1, 1.0, -1.0, 1.0, 0.6),),
)


def watched(seconds, *, late, level, day=lambda at: 1.0, answers=1.0):
    """Ten pictures a second of a key light that goes the way ``level`` says and is seen ``late`` seconds later."""
    found, path = Lateness(TRANSPORT), []
    for at in np.arange(0.1, seconds, 0.1):
        found.shown(at, {"key": level(at)})
        lit = 0.4 + answers * (level(at - late) - 0.4)
        found.seen(at, (KEY * lit + DAY * day(at)) * 2 ** DICE.normal(0, 0.0015, ZONES))
        path.append(found.seconds)
    return found, path


def ramp(at):
    return 0.4 + 0.1 * min(max(at - 3.0, 0.0), 1.0)


@pytest.mark.parametrize("late", [0.25, 0.8, 2.2])
@pytest.mark.parametrize("answers", [1.0, 0.8])
def test_the_delay_is_told_by_the_loops_own_moves(late, answers):
    found, path = watched(9.0, late=late, level=ramp, answers=answers)
    assert found.seconds == pytest.approx(late, abs=0.08)
    assert (found.said is None) == (late == 0.25)
    assert max(path) < late + 0.08, "never taken for longer than nothing was seen"


def test_while_nothing_is_seen_the_delay_is_as_long_as_that_and_nobody_is_told():
    found, path = watched(4.6, late=9.0, level=ramp)
    assert path[-1] == pytest.approx(1.4, abs=0.3) and found.said is None
    found, _ = watched(12.0, late=99.0, level=ramp)
    assert found.seconds == 0.25 and found.said is None, "a lamp that does not answer is not late"


def test_daylight_is_not_the_light_of_a_lamp():
    def day(at):
        return 1.0 + 0.5 * math.sin(2.0 * at)

    found, path = watched(30.0, late=0.25, level=lambda at: 0.4 - 0.06 * math.sin(2.0 * (at - 0.6)), day=day)
    assert max(path) < 0.35 and found.said is None


@pytest.mark.parametrize(("delay", "factor"), [(2, 0.5), (4, 2.0)])
def test_a_delay_four_times_as_long_makes_the_loop_slower_and_not_hunt(delay, factor):
    studio = ClosedStudio(delay, size=(160, 90))
    studio.commission()
    studio.loop.set_mode("hold", studio.now)
    studio.run(8)
    studio.camera.latency = 4 * delay
    studio.run(3)
    studio.world.daylight *= factor
    trail = studio.run(10)
    assert settled(trail, studio.rate) <= 6.0
    assert beyond(trail, math.log2(factor)) <= 0.02
    assert studio.loop._law.delay >= 4 * delay - 1
    said = studio.loop.now_state.unlearned
    assert said is not None and "more slowly" in said.en
    studio.camera.latency = delay
    studio.run(2)
    studio.world.daylight /= factor
    assert settled(studio.run(8), studio.rate) <= 4.5
    assert studio.loop.now_state.unlearned is None, "it is as quick as it was"


@pytest.mark.parametrize("seconds", [3.0, 10.0])
def test_clouds_are_followed_without_a_word_of_delay_or_hunting(seconds):
    studio = ClosedStudio(2, size=(160, 90))
    studio.commission()
    studio.loop.set_mode("hold", studio.now)
    studio.run(4)
    studio.world.daylight = clouds(0.16, 1, 0.7, seconds)
    late = []
    studio.run(50, until=lambda: late.append(studio.loop._law.delay) or bool(studio.loop.now_state.tripped))
    assert set(late) == {3} and not studio.loop.now_state.tripped


def test_the_rooms_light_is_told_whatever_the_lights_show():
    for level in (0.1, 0.4, 0.9):
        for room in (0.5, 1.0, 2.0):
            share = float((DAY / (KEY * 0.4 + DAY)).mean())
            found = daylight(TRANSPORT, KEY * level + DAY * room)
            assert found == pytest.approx(math.log2(1 - share + share * room), abs=0.002)
    flat = replace(TRANSPORT, ambient=KEY / 3)
    assert daylight(flat, KEY) is None, "a room lit as the lamp lights it"
