"""All lights together: a stop freezes them, its end moves none; the grand master scales them within the slew limit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.lighting.claims import Priority
from agent.lighting.masters import GRAND
from agent.lighting.rig import Rig
from config.units import Attribute
from tests.agent.lighting.test_rig import FIXTURES, LOOK

LIGHT = Attribute.INTENSITY
RATE = 0.6


def rig(**more):
    return Rig(FIXTURES, rate=RATE, present=LOOK, show=lambda scene: None, **more)


def shown(rig, now, fixture="key"):
    return rig.scene.levels(fixture, now)[LIGHT]


def all_shown(rig, now):
    return {name: rig.scene.levels(name, now) for name in rig.fixtures}


def test_a_stop_freezes_a_fade_in_the_middle_and_its_end_moves_nothing():
    lights = rig()
    lights.claim("hand", Priority.MANUAL, {"key": {LIGHT: 1.0}}, now=10.0, fade=10.0)
    frozen = all_shown(lights, 13.0)
    lights.stop("desk", 13.0)
    assert all_shown(lights, 13.0) == all_shown(lights, 99.0) == frozen
    assert lights.holder("key")[:2] == ("desk", Priority.STOP) and lights.stopped == "desk"
    assert lights.reset(100.0) and not lights.stopped
    assert all_shown(lights, 100.0) == all_shown(lights, 200.0) == frozen
    assert lights.holder("key")[:2] == ("hand", Priority.MANUAL)  # still the hand's, where it was stopped
    assert not lights.reset(101.0)


@pytest.mark.parametrize("priority", [p for p in Priority if p is not Priority.STOP])
def test_nothing_moves_a_stopped_light(priority):
    lights = rig()
    lights.stop("desk", 1.0)
    before = all_shown(lights, 1.0)
    lights.claim("other", priority, {"key": {LIGHT: 0.9}}, now=2.0)
    lights.apply_look({"key": {LIGHT: 0.1}}, now=3.0, fade=0.0)
    lights.dim(0.5, now=4.0, fade=0.0)
    lights.release(5.0)
    lights.lapse(6.0)
    lights.stop("another", 7.0)
    assert all_shown(lights, 60.0) == before and lights.stopped == "desk"


def test_a_tested_light_goes_back_after_the_stop():
    lights = rig()
    home = shown(lights, 0.0)
    lights.claim("test", Priority.TEST, {"key": {LIGHT: 0.0}}, now=0.0)
    lights.stop("desk", 30.0)
    assert shown(lights, 60.0) == 0.0
    lights.reset(60.0)
    assert shown(lights, 90.0) == home


def test_the_same_hand_may_hold_and_stop():
    lights = rig()
    lights.claim("desk", Priority.MANUAL, {"key": {LIGHT: 0.9}}, now=0.0)
    lights.stop("desk", 30.0)
    lights.reset(31.0)
    assert shown(lights, 60.0) == 0.9 and lights.holder("key")[:2] == ("desk", Priority.MANUAL)


def test_the_grand_master_scales_whoever_holds_a_light_but_not_a_test():
    lights = rig()
    lights.claim("hand", Priority.MANUAL, {"key": {LIGHT: 0.8}}, now=0.0)
    arrived = lights.dim(0.5, now=30.0, fade=0.0)
    assert shown(lights, arrived) == pytest.approx(0.4) and lights.wanted("key")[LIGHT] == 0.8
    assert lights.asked("key", arrived)[LIGHT] == pytest.approx(0.8)
    assert lights.scene.levels("key", arrived) | {LIGHT: 0} == lights.wanted("key") | {LIGHT: 0}  # colours are not
    lights.claim("test", Priority.TEST, {"key": {LIGHT: 1.0}}, now=60.0)
    assert shown(lights, 90.0) == 1.0
    lights.release(90.0, owner="test")
    assert shown(lights, 120.0) == pytest.approx(0.4)
    lights.dim(0.0, now=120.0, fade=0.0)
    assert shown(lights, 150.0) == 0.0
    lights.dim(1.0, now=150.0, fade=0.0)
    assert shown(lights, 180.0) == 0.8  # exactly


@given(st.lists(st.tuples(st.sampled_from("mlhsr"), st.floats(0, 1), st.floats(0.05, 3)), min_size=1, max_size=20))
def test_whatever_is_done_the_light_is_slew_limited_and_stop_and_reset_are_bumpless(moves):
    lights, now = rig(), 0.0
    for what, level, wait in moves:
        before = all_shown(lights, now)
        match what:
            case "m" if not lights.stopped:
                lights.dim(level, now=now, fade=0.0)
            case "l" if not lights.stopped:
                lights.claim("loop", Priority.LOOP, {"key": {LIGHT: level}}, now=now)
            case "h" if not lights.stopped:
                lights.claim("hand", Priority.MANUAL, {"key": {LIGHT: level}}, now=now)
            case "s":
                lights.stop("desk", now)
            case "r":
                if lights.stopped:
                    lights.reset(now)
                    assert shown(lights, now + 60.0) == pytest.approx(before["key"][LIGHT], abs=1e-9)
        for name, levels in all_shown(lights, now).items():
            assert levels == pytest.approx(before[name], abs=1e-9)  # no jump
        step = shown(lights, now)
        for _ in range(5):
            now += wait / 5
            assert abs(shown(lights, now) - step) <= RATE * wait / 5 + 1e-9
            step = shown(lights, now)


def test_a_rig_that_begins_dimmed_moves_no_light_and_comes_back_to_what_was_asked():
    dimmed = {"key": {LIGHT: 0.35}, "fill": {LIGHT: 0.2}, "back": {LIGHT: 0.5}}
    lights = Rig(FIXTURES, rate=RATE, present=dimmed, show=lambda scene: None, masters={GRAND: 0.5})
    begun = all_shown(lights, 0.0)
    lights.go_on({name: lights.wanted(name) for name in lights.fixtures}, 0.0)
    assert all_shown(lights, 60.0) == begun and shown(lights, 60.0) == 0.35
    lights.dim(1.0, now=60.0, fade=0.0)
    assert [shown(lights, 90.0, name) for name in dimmed] == pytest.approx([0.7, 0.4, 1.0])
