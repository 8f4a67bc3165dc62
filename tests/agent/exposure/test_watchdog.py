"""The watchdog lets go of a loop that has no effect or hunts, and of no other."""

from agent.exposure.watchdog import Watchdog


def feed(dog, seconds, trim, ev, start=0.0):
    for i in range(int(seconds * 10)):
        dog.feed(start + i / 10, trim(i / 10), ev(i / 10))
    return start + seconds


def test_a_loop_with_an_effect_is_left_alone():
    dog = Watchdog()
    now = feed(dog, 6, lambda t: 0.2 * t, lambda t: -1 + 0.1 * t)
    assert dog.verdict(now) == ""


def test_raising_the_light_without_effect_is_told():
    dog = Watchdog()
    now = feed(dog, 6, lambda t: 0.2 * t, lambda t: -1.0)
    assert dog.verdict(now) == "no-effect"


def test_lowering_the_light_while_the_picture_brightens_is_told():
    dog = Watchdog()
    now = feed(dog, 6, lambda t: -0.2 * t, lambda t: 1.0 + 0.1 * t)
    assert dog.verdict(now) == "no-effect"


def test_six_reversals_in_a_minute_are_hunting():
    dog = Watchdog()
    now = feed(dog, 14, lambda t: 0.1 * (int(t) % 2), lambda t: 0.0)
    assert dog.verdict(now) == "hunting"
    assert dog.verdict(now + 61) == ""


def test_a_new_start_forgets():
    dog = Watchdog()
    now = feed(dog, 6, lambda t: 0.2 * t, lambda t: -1.0)
    dog.forget()
    assert dog.verdict(now) == ""
