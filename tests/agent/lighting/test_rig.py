"""Who holds a light, what it shows when a claim ends, and that nothing ever jumps."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.lighting.claims import Priority
from agent.lighting.rig import Rig
from config.units import Attribute
from tests.agent.lighting.rooms import fixtures

LIGHT, CCT = Attribute.INTENSITY, Attribute.CCT
FIXTURES = fixtures()
LOOK = {"key": {LIGHT: 0.7, CCT: 5600.0}, "fill": {LIGHT: 0.4, CCT: 5600.0}, "back": {LIGHT: 0.5}}


@pytest.fixture
def scenes():
    return []


@pytest.fixture
def rig(scenes):
    return Rig(FIXTURES, rate=0.6, present=LOOK, show=scenes.append)


def shown(rig, fixture="key", now=1e6):
    return rig.scene.levels(fixture, now)[LIGHT]


def test_it_starts_with_what_the_lights_showed_and_nothing_moves(rig, scenes):
    assert scenes == []
    assert rig.scene.frame(1, 0.0) == rig.scene.frame(1, 1e6)
    assert shown(rig, now=0.0) == 0.7
    assert rig.holder("key") is None


def test_the_stronger_claim_wins_whatever_came_later(rig):
    rig.claim("hand", Priority.MANUAL, {"key": {LIGHT: 0.2}}, now=0.0)
    rig.claim("loop", Priority.LOOP, {"key": {LIGHT: 0.9}}, now=1.0)
    assert shown(rig) == 0.2
    assert rig.holder("key")[:2] == ("hand", Priority.MANUAL)


def test_among_equals_the_latest_wins(rig):
    rig.claim("a", Priority.MANUAL, {"key": {LIGHT: 0.2}}, now=0.0)
    rig.claim("b", Priority.MANUAL, {"key": {LIGHT: 0.3}}, now=1.0)
    assert shown(rig) == 0.3


def test_a_released_hand_leaves_the_light_where_it_was_and_that_is_the_look_now(rig):
    rig.claim("hand", Priority.MANUAL, {"key": {LIGHT: 0.2}}, now=0.0)
    rig.release(5.0, owner="hand")
    assert shown(rig) == 0.2
    assert rig.look("key")[LIGHT] == 0.2
    assert rig.holder("key") is None


def test_a_loop_that_ends_holds_its_light_but_is_not_the_operators_look(rig):
    rig.claim("loop", Priority.LOOP, {"key": {LIGHT: 0.55}}, now=0.0)
    rig.release(5.0, owner="loop")
    assert shown(rig) == 0.55
    assert rig.look("key")[LIGHT] == 0.7


def test_a_test_that_ends_brings_back_what_was_there(rig):
    rig.claim("selftest", Priority.TEST, {"key": {LIGHT: 0.0}, "fill": {LIGHT: 1.0}}, now=0.0)
    assert shown(rig) == 0.0
    rig.release(5.0, owner="selftest")
    assert (shown(rig), shown(rig, "fill")) == (0.7, 0.4)


def test_a_test_over_a_hand_gives_back_to_the_hand(rig):
    rig.claim("hand", Priority.MANUAL, {"key": {LIGHT: 0.2}}, now=0.0)
    rig.claim("selftest", Priority.TEST, {"key": {LIGHT: 0.9}}, now=1.0)
    rig.release(2.0, priority=Priority.TEST)
    assert shown(rig) == 0.2
    assert rig.holder("key").owner == "hand"


def test_a_loop_whose_lease_ends_during_a_test_is_held_when_the_test_is_over(rig):
    rig.claim("loop", Priority.LOOP, {"key": {LIGHT: 0.55}}, now=0.0, lease=5.0)
    rig.claim("selftest", Priority.TEST, {"key": {LIGHT: 0.0}}, now=1.0)
    rig.lapse(6.0)
    assert shown(rig) == 0.0
    rig.release(10.0, owner="selftest")
    assert shown(rig) == 0.55
    assert rig.look("key")[LIGHT] == 0.7


def test_a_lease_ends_by_itself(rig):
    rig.claim("hand", Priority.MANUAL, {"key": {LIGHT: 0.2}}, now=0.0, lease=10.0)
    assert rig.holder("key").until == 10.0
    assert rig.lapse(9.9) == []
    assert [claim.owner for claim in rig.lapse(10.0)] == ["hand"]
    assert rig.holder("key") is None
    assert shown(rig) == 0.2


def test_a_look_ends_a_persons_hold_but_not_a_test(rig):
    rig.claim("hand", Priority.MANUAL, {"key": {LIGHT: 0.2}}, now=0.0)
    rig.claim("selftest", Priority.TEST, {"fill": {LIGHT: 0.0}}, now=0.0)
    rig.apply_look({"key": {LIGHT: 0.5}, "fill": {LIGHT: 0.5}}, now=1.0, fade=0.0)
    assert (shown(rig), shown(rig, "fill")) == (0.5, 0.0)
    rig.release(5.0, owner="selftest")
    assert shown(rig, "fill") == 0.5


def test_a_fade_takes_its_time_and_starts_at_the_present_value(rig):
    assert rig.claim("hand", Priority.MANUAL, {"key": {LIGHT: 0.2}}, now=100.0, fade=10.0) == 110.0
    assert shown(rig, now=105.0) == pytest.approx(0.45)
    rig.claim("hand", Priority.MANUAL, {"key": {LIGHT: 0.7}}, now=105.0, fade=5.0)
    assert shown(rig, now=105.0) == pytest.approx(0.45)
    assert shown(rig, now=110.0) == 0.7


def test_going_on_air_slows_fades_already_under_way(rig):
    rig.claim("hand", Priority.MANUAL, {"key": {LIGHT: 0.1}}, now=0.0)
    rig.limit(0.35, now=0.5)
    half = shown(rig, now=0.5)
    assert half == pytest.approx(0.7 - 0.3)
    assert half - shown(rig, now=1.0) == pytest.approx(0.35 * 0.5)


def test_a_change_of_hands_is_told_even_if_no_light_moves(rig, scenes):
    rig.claim("hand", Priority.MANUAL, {"key": {LIGHT: 0.7}}, now=0.0)
    assert len(scenes) == 1
    rig.claim("hand", Priority.MANUAL, {"key": {LIGHT: 0.7}}, now=1.0)
    assert len(scenes) == 1
    rig.release(2.0, owner="hand")
    assert len(scenes) == 2


def test_an_attribute_the_light_does_not_have_is_refused(rig):
    with pytest.raises(KeyError, match="back has no cct"):
        rig.claim("hand", Priority.MANUAL, {"back": {CCT: 5600.0}}, now=0.0)


@given(
    st.lists(
        st.tuples(
            st.floats(0.001, 1.0),
            st.sampled_from(["hand", "loop", "selftest", "drop", "look"]),
            st.floats(0, 1),
            st.floats(0, 1),
        ),
        max_size=40,
    )
)
def test_whoever_claims_whatever_the_light_of_a_colour_panel_stays_within_the_slew_limit(commands):
    """Light = intensity x mix of its emitters, each an equal share of full light."""
    rate = 0.35
    rig = Rig(FIXTURES, rate=rate, present={}, show=lambda scene: None)
    emitters = [a for a in FIXTURES["colour"].personality.attributes if a is not LIGHT]
    priority = {"hand": Priority.MANUAL, "loop": Priority.LOOP, "selftest": Priority.TEST}

    def light(now: float) -> float:
        levels = rig.scene.levels("colour", now)
        return levels[LIGHT] * sum(levels[e] for e in emitters) / len(emitters)

    now = 0.0
    for wait, who, a, b in commands:
        if who == "drop":
            rig.release(now, owner="hand")
        elif who == "look":
            rig.apply_look({"colour": {LIGHT: a, emitters[0]: b}}, now=now, fade=0.0)
        else:
            rig.claim(who, priority[who], {"colour": {LIGHT: a, **dict.fromkeys(emitters, b)}}, now=now)
        steps = [light(now + wait * i / 10) for i in range(11)]
        assert all(abs(y - x) <= rate * wait / 10 + 1e-9 for x, y in pairwise(steps))
        now += wait
