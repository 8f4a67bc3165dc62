"""An auto exposure that is switched on in mid-hold is told by the loop's own moves; clouds, people and old lamps are
not taken for one, and quick clouds not for lights without effect."""

import math
from collections import deque
from itertools import pairwise

import numpy as np
import pytest

from agent.exposure.loop.own_moves import OwnMoves
from agent.exposure.loop.watchdog import FIGHTS, PREDICTED, SUSPECTED, Watchdog
from agent.exposure.transport.matrix import ZONES, Delay, Reach, Transport
from drivers.virtual.daylight import clouds
from tests.agent.exposure.test_commissioned import ACROSS, Set

KEY, BACK = 0.3 * (1 - 0.8 * ACROSS), 0.04 * np.abs(ACROSS - 0.6)
DAY = 0.08 * (0.3 + 0.7 * ACROSS)
TRANSPORT = Transport(
    "cam",
    "2026-11-26T10:00:00Z",
    ("key",),
    KEY[:, None],
    BACK + DAY,
    np.full(ZONES, 0.0003),
    np.ones(ZONES, bool),
    Delay(2, 0.2),
    (Reach(0.4, 0.1, 1.0, -1.0, 1.0, 0.6),),
)


def moved(at):
    """A light on its way: now and then a quarter of a stop to and fro."""
    return 0.4 * 2 ** (0.25 * math.tanh(3 * math.sin(at / 3)))


class Camera:
    """Goes ``part`` of the way its auto exposure wants, ``speed`` of what is left in a picture, two pictures late."""

    def __init__(self, part=0.0, speed=0.2):
        self.part, self.speed = part, speed
        self.usual = None
        self.gains = deque([0.0] * 3, maxlen=3)

    def seen(self, zones):
        light = math.log2(float(zones.mean()))
        self.usual = light if self.usual is None else self.usual
        gain = self.gains[0]
        self.gains.append(self.gains[-1] + self.speed * (self.part * (self.usual - light) - self.gains[-1]))
        return zones * 2.0**gain


def watched(camera, *, seconds=60.0, answers=lambda at: 1.0, people=False, seed=3):
    """What the moves of a light say under clouds, every three seconds."""
    dice, sky = np.random.default_rng(seed), clouds(1.5, seed, 0.7, 10.0)
    own, said = OwnMoves(TRANSPORT), []
    for at in np.arange(0.0, seconds, 0.1):
        level = moved(at)
        light = KEY * level * answers(at) + BACK + DAY * sky(at)
        if people:
            light = np.where(np.abs(ACROSS - (at / 9.0) % 1.2) < 0.1, 0.3 * light + 0.02, light)
        own.seen(at, camera.seen(light) * 2 ** dice.normal(0, 0.002, ZONES), {"key": level})
        if round(at * 10) % 30 == 0 and (answer := own.ask()) is not None:
            said.append(answer)
    return said


@pytest.mark.parametrize(("part", "speed"), [(0.5, 0.2), (0.5, 0.05), (0.7, 0.1)])
def test_a_camera_that_takes_back_a_part_of_the_moves_is_told(part, speed):
    said = watched(Camera(part, speed))
    assert sum(answer.taken_back for answer in said) >= len(said) / 2
    sure = max(said, key=lambda answer: min(answer.lights_sure, answer.room_sure))
    assert sure.lights == pytest.approx(part, abs=0.2) and sure.room == pytest.approx(part, abs=0.2)


@pytest.mark.parametrize("people", [False, True])
@pytest.mark.parametrize("answers", [lambda at: 1.0, lambda at: 0.7, lambda at: 1.0 if at < 30 else 0.7])
@pytest.mark.parametrize("seed", [3, 4])
def test_clouds_people_and_lamps_that_age_or_fail_are_no_camera(answers, people, seed):
    said = watched(Camera(), answers=answers, people=people, seed=seed)
    assert len(said) > 5 and not any(answer.taken_back for answer in said)


def test_it_takes_two_windows_to_be_certain_and_the_first_is_worth_a_probe():
    dog, said = Watchdog(PREDICTED, OwnMoves(TRANSPORT)), []
    camera, sky, dice = Camera(0.5), clouds(1.5, 3, 0.7, 10.0), np.random.default_rng(3)
    for at in np.arange(0.0, 90.0, 0.1):
        level = moved(at)
        zones = camera.seen(KEY * level + BACK + DAY * sky(at)) * 2 ** dice.normal(0, 0.002, ZONES)
        dog.see(at, zones, {"key": level}, disturbed=False)
        if verdict := dog.verdict(at):
            said.append((verdict, at))
    assert [verdict for verdict, _ in said[:2]] == [SUSPECTED, FIGHTS]
    assert said[1][1] - said[0][1] > 10.0, "from pictures of which the first knew nothing"
    assert set(dog.own.evidence) == {"moved", "lights_lost", "room_lost", "errors"}


def test_lights_that_others_move_say_nothing():
    own = OwnMoves(TRANSPORT)
    dog = Watchdog(own=own)
    for at in np.arange(0.0, 30.0, 0.1):
        dog.see(at, KEY * 0.4 + BACK + DAY, {"key": 0.4 + 0.1 * math.sin(at)}, disturbed=at > 29.0)
    assert own.ask() is None


@pytest.mark.parametrize(("answers", "verdict"), [(1.0, ""), (0.0, "no-effect")])
def test_lights_are_not_blamed_for_a_cloud_that_eats_up_what_they_do(answers, verdict):
    dog, said, dice = Watchdog(PREDICTED, OwnMoves(TRANSPORT)), set(), np.random.default_rng(3)
    for at in np.arange(0.0, 33.0, 0.1):
        up = max(0.0, at - 30.0)
        level, shone = moved(min(at, 30.0)) * (1 + 0.3 * up), answers if up else 1.0
        zones = (KEY * level * shone + BACK + DAY * (1 - 0.3 * up)) * 2 ** dice.normal(0, 0.002, ZONES)
        dog.see(at, zones, {"key": level}, disturbed=False)
        dog.feed(at, 0.0, -0.3 - 0.02 * up, predicted=math.log2(level / 0.4) * 0.7)
        if at > 29.0:
            said.add(dog.verdict(at))
    assert said == {"", verdict}


@pytest.mark.parametrize(("on_air", "most"), [(False, 1.2), (True, 0.7)])
def test_a_loop_that_creeps_against_the_camera_is_stopped_long_before_its_limit(on_air, most):
    room = Set(authority=2.0)
    room.run(8, on_air)
    room.automatic = True
    room.loop.target *= 2.0**0.15
    before = room.level()
    room.run(30, on_air)
    assert room.loop.now_state.tripped == FIGHTS
    assert abs(math.log2(room.level() / before)) < most


def test_a_loop_that_follows_a_quick_sunset_is_probed_at_most_once_a_minute_and_goes_on():
    room = Set(authority=2.0)
    room.run(8)
    probes = []
    for _ in range(45):
        room.ambient = room.ambient * 0.95
        room.run(1)
        probes.append(room.loop.now_state.why.startswith("prob"))
    assert not room.loop.now_state.tripped and abs(room.off()) < 0.12
    assert sum(b and not a for a, b in pairwise(probes)) <= 1
