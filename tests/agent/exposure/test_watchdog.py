"""The watchdog lets go of a loop that has no effect or hunts, and of no other."""

import math

import pytest

from agent.exposure.loop.watchdog import PREDICTED, SUSPECTED, Watchdog
from tests.agent.exposure.test_own_moves import TRANSPORT


def feed(dog, seconds, trim, ev, start=0.0):
    """Ten turns a second; what the dog said last."""
    said = ""
    for i in range(int(seconds * 10)):
        now = start + i / 10
        dog.feed(now, trim(i / 10), ev(i / 10))
        said = dog.verdict(now)
    return said


def test_a_loop_with_an_effect_is_left_alone():
    dog = Watchdog()
    assert feed(dog, 9, lambda t: 0.2 * t, lambda t: -1 + 0.1 * t) == ""


def test_raising_the_light_without_effect_is_told():
    dog = Watchdog()
    assert feed(dog, 9, lambda t: 0.2 * t, lambda t: -1.0) == "no-effect"


def test_a_curtain_drawn_under_a_working_loop_is_not_taken_for_a_missing_effect():
    dog = Watchdog()
    assert feed(dog, 3, lambda t: -0.1 * t, lambda t: 0.3 - 0.1 * t) == ""
    for i in range(60):
        now, raised = 3 + i / 10, min(0.9, 0.5 * i / 10)
        dog.feed(now, -0.3 + raised, -0.9 + raised)
        assert dog.verdict(now) == ""


def test_a_loop_that_follows_the_setting_sun_is_left_alone():
    dog = Watchdog()
    assert feed(dog, 20, lambda t: 0.15 * t, lambda t: -0.1) == ""


def test_lowering_the_light_while_the_picture_brightens_is_told():
    dog = Watchdog()
    assert feed(dog, 9, lambda t: -0.2 * t, lambda t: 1.0 + 0.1 * t) == "no-effect"


def test_six_reversals_in_a_minute_are_hunting():
    dog = Watchdog()
    assert feed(dog, 14, lambda t: 0.1 * (int(t) % 2), lambda t: 0.0) == "hunting"
    assert dog.verdict(14 + 61) == ""


def test_a_loop_that_turns_as_often_as_the_clouds_does_not_hunt():
    dog, said = Watchdog(), set()
    for i in range(300):
        dog.feed(i / 10, 0.1 * (i // 10 % 2), 0.0, room=-0.1 * (i // 10 % 2))
        said.add(dog.verdict(i / 10))
    for i in range(300, 600):  # and then of its own accord
        dog.feed(i / 10, 0.1 * (i // 10 % 2), 0.0, room=0.0)
        said.add(dog.verdict(i / 10))
        if i == 330:
            assert said == {""}
    assert said == {"", "hunting"}


def test_a_new_start_forgets():
    dog = Watchdog()
    feed(dog, 9, lambda t: 0.2 * t, lambda t: -1.0)
    dog.forget()
    assert dog.verdict(9) == ""


@pytest.mark.parametrize(
    ("answers", "verdicts"),
    [
        (lambda t: 1.0 - 0.9 * (1 - math.exp(-t)), {"", SUSPECTED}),  # a camera that corrects it
        (lambda t: 1.0, {""}),  # daylight that stays
        (lambda t: 1.0 - min(0.3 * t, 0.9), {""}),  # and the lights make good
    ],
    ids=["camera", "cloud", "lights"],
)
def test_a_picture_that_goes_back_from_a_jump_without_the_lights_is_worth_a_probe(answers, verdicts):
    dog, said, lights = Watchdog(PREDICTED), set(), answers(1.0) == pytest.approx(0.7)
    dog.know(TRANSPORT)
    for i in range(60):
        now, since = i / 10, i / 10 - 2
        ev = 0.0 if since < 0 else answers(since)
        dog.feed(now, 0.0, ev, predicted=ev - 1.0 if lights and since >= 0 else 0.0)
        said.add(dog.verdict(now))
    assert said == verdicts
