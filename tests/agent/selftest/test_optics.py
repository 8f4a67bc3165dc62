"""The arithmetic of light, on pictures made of known sums."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.selftest.checks.optics import Reference, Shots, analyse, crossing, match, non_negative, reversal

RANDOM = np.random.default_rng(7)
Y, X = np.mgrid[0:9, 0:16]


def spot(x, y, size, strength):
    return strength * np.exp(-((X - x) ** 2 + (Y - y) ** 2) / size**2)


KEY, FILL, BACK = spot(5, 3, 6, 0.3), spot(12, 4, 7, 0.15), spot(9, 1, 2.5, 0.1)
DARK = spot(15, 4, 9, 0.03) + 0.002
LEVELS = (0.25, 0.5, 0.75, 1.0)
REFERENCE = Reference(DARK, {"key": KEY, "fill": FILL, "back": BACK}, {}, 20)


def shots(picture, at, *, noise=0.0002, count=8, flicker=0.0):
    times = tuple(at + i * 0.04 for i in range(count))
    waves = 1 + flicker * np.sin(np.arange(count) * 2.4)
    zones = np.array([picture * wave for wave in waves]) + RANDOM.normal(0, noise, (count, 9, 16))
    return Shots(times, np.clip(zones, 0, 1))


def stepped(light, dark=DARK, *, drift=0.0, law=lambda level: level, flicker=0.0, noise=0.0002):
    """A light stepped up and off again while the room light drifts by ``drift`` (share of ``dark``)."""

    def room(at):
        return dark * (1 + drift * at / 5)

    steps = []
    for at, level in enumerate(LEVELS, start=1):
        picture = room(at) + law(level) * light
        steps.append((level, shots(picture, at, noise=noise, flicker=flicker)))
    return analyse(shots(room(0), 0, noise=noise), steps, shots(room(5), 5, noise=noise))


def test_a_linear_light_is_seen_linear_whatever_the_daylight_does_meanwhile():
    seen = stepped(KEY, drift=0.8)
    assert seen.reacts
    assert seen.shares == pytest.approx(LEVELS, abs=0.01)
    assert match(seen, "key", REFERENCE).own == pytest.approx(1.0, abs=0.01)


def test_nothing_is_nothing_even_in_a_bright_and_restless_room():
    assert not stepped(KEY * 0, dark=DARK * 8, drift=0.1).reacts


@pytest.mark.parametrize("share", [0.6, 0.9, 0.95])
def test_a_dim_light_is_measured_as_dim_as_it_is(share):
    found = match(stepped(FILL * share), "fill", REFERENCE)
    assert found.own == pytest.approx(share, abs=0.005)
    assert found.stranger[1] < 0.05


def test_a_swapped_light_has_the_others_signature():
    found = match(stepped(BACK), "key", REFERENCE)
    assert found.stranger == ("back", pytest.approx(1.0, abs=0.02))
    assert found.own < 0.05


def test_a_weak_stranger_beside_a_strong_light_is_found():
    found = match(stepped(KEY + BACK), "key", REFERENCE)
    assert found.own == pytest.approx(1.0, abs=0.02)
    assert found.stranger == ("back", pytest.approx(1.0, abs=0.05))


def test_a_stuck_light_shows_while_everything_is_off_and_the_daylight_does_not_look_like_one():
    stuck = match(stepped(KEY * 0, dark=DARK * 2.5 + KEY * 0.7), "key", REFERENCE)
    assert stuck.leak == pytest.approx(0.7, abs=0.02)
    sunny = match(stepped(KEY * 0, dark=DARK * 2.5), "key", REFERENCE)
    assert sunny.leak < 0.05
    other = match(stepped(FILL, dark=DARK + KEY * 0.7), "fill", REFERENCE)
    assert other.leak < 0.05


def test_a_picture_that_no_light_explains_is_not_judged():
    moved = np.roll(KEY[:, ::-1], 3, axis=0)
    assert not match(stepped(moved), "key", REFERENCE).fits


def test_clipped_zones_are_left_out():
    seen = stepped(KEY * 3)
    assert 0 < seen.clipped < 0.5
    assert seen.shares == pytest.approx(LEVELS, abs=0.02)
    assert match(seen, "key", REFERENCE).own == pytest.approx(3.0, abs=0.05)


def test_a_light_that_gets_darker_on_the_way_up_is_told():
    seen = stepped(KEY, law=lambda level: {0.25: 0.4, 0.5: 0.8, 0.75: 0.6, 1.0: 1.0}[level])
    assert reversal(seen.shares) == pytest.approx(20.0, abs=1.0)


def test_flicker_is_measured_and_noise_is_not():
    assert stepped(KEY).flicker < 0.5
    assert stepped(KEY, flicker=0.05).flicker == pytest.approx(5 / 2**0.5, rel=0.3)


def test_the_middle_of_the_rise_is_found_between_two_pictures():
    times = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
    zones = np.array([0.0, 0.0, 0.0, 0.4, 1.0, 1.0])[:, None, None] * np.ones((6, 9, 16))
    zones[-3] = 1.0
    assert crossing(Shots(times, zones), 0.0) == pytest.approx(0.25)
    assert crossing(Shots(times, zones * 0), 0.0) is None


def test_healthy_lights_raise_no_false_verdict_in_300_noisy_runs():
    wrong = 0
    for run in range(300):
        name = ("key", "fill", "back")[run % 3]
        light = REFERENCE.signatures[name] * RANDOM.normal(1, 0.003)
        found = match(stepped(light, drift=RANDOM.uniform(-0.3, 0.3), noise=0.001), name, REFERENCE)
        wrong += not (found.own > 0.95 and found.stranger[1] < 0.2 and found.leak < 0.05 and found.fits)
    assert wrong <= 1


@given(st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_unmixing_a_sum_gives_its_parts(shares):
    basis = [KEY.ravel(), FILL.ravel(), BACK.ravel()]
    found, left = non_negative(basis, sum(s * b for s, b in zip(shares, basis, strict=True)))
    assert found == pytest.approx(shares, abs=1e-6)
    assert left < 1e-6
