"""Submasters and the blackout: they multiply, they come back, they never jump."""

import pytest

from agent.lighting.claims import Priority
from agent.lighting.masters import GRAND
from tests.agent.lighting.stages import CCT, LIGHT, RED, Stage


def test_all_masters_over_a_light_multiply_whoever_holds_it_but_not_a_test():
    stage = Stage()
    stage.rig.claim("hand", Priority.MANUAL, {"fill": {LIGHT: 0.8}}, now=0.0)
    stage.wait(9.0)
    for group, level in (("front", 0.5), ("room", 0.5), (GRAND, 0.5)):
        stage.rig.dim(level, now=stage.now, fade=0.0, group=group)
    assert stage.all()["fill"][LIGHT] == pytest.approx(0.8)  # nothing jumps
    stage.wait(9.0)
    assert stage.at("fill") == pytest.approx(0.1) and stage.at("key") == pytest.approx(0.7 / 4)
    assert stage.at("back") == pytest.approx(0.5 / 4) and stage.at("fill", CCT) == 5600.0
    assert stage.rig.wanted("fill")[LIGHT] == 0.8 and stage.rig.asked("fill", stage.now)[LIGHT] == pytest.approx(0.8)
    stage.rig.claim("test", Priority.TEST, {"fill": {LIGHT: 1.0}}, now=stage.now)
    stage.wait(9.0)
    assert stage.at("fill") == 1.0
    stage.rig.release(stage.now, owner="test")
    for group in ("front", "room", GRAND):
        stage.rig.dim(1.0, now=stage.now, fade=0.0, group=group)
    stage.wait(9.0)
    assert stage.at("fill") == 0.8 and stage.at("key") == 0.7  # exactly


def test_a_submaster_scales_what_is_set_later_and_only_its_lights():
    stage = Stage()
    arrived = stage.rig.dim(0.5, now=0.0, fade=10.0, group="front")
    assert arrived == 10.0
    stage.wait(10.0)
    stage.rig.claim("hand", Priority.MANUAL, {"key": {LIGHT: 1.0}, "back": {LIGHT: 0.9}}, now=stage.now)
    stage.wait(9.0)
    assert (stage.at("key"), stage.at("back"), stage.at("colour", RED)) == (0.5, 0.9, stage.at("colour", RED, 0.0))


def test_masters_and_blackout_come_back_after_a_restart_and_nothing_moves():
    stage = Stage()
    stage.rig.dim(0.5, now=0.0, fade=0.0, group="front")
    stage.rig.dim(0.8, now=0.0, fade=0.0)
    stage.wait(9.0)
    before = stage.all()
    stage.restart(after=60.0)
    assert stage.all() == before and stage.rig.masters.levels == {GRAND: 0.8, "front": 0.5, "room": 1.0}
    stage.wait(9.0)
    assert {name: levels[LIGHT] for name, levels in stage.all().items()} == pytest.approx(
        {name: levels[LIGHT] for name, levels in before.items()}
    )
    stage.rig.black_out("desk", now=stage.now, fade=0.0)
    stage.wait(9.0)
    stage.restart()
    stage.wait(9.0)
    assert stage.rig.masters.blackout == "desk" and {stage.at(name) for name in stage.rig.fixtures} == {0.0}
    stage.rig.restore(now=stage.now, fade=0.0)
    stage.rig.dim(1.0, now=stage.now, fade=0.0)
    stage.rig.dim(1.0, now=stage.now, fade=0.0, group="front")
    stage.wait(9.0)
    assert (stage.at("key"), stage.at("fill"), stage.at("back")) == pytest.approx((0.7, 0.4, 0.5))


def test_a_blackout_goes_as_fast_as_the_slew_limit_and_what_is_set_in_it_shows_after_it():
    stage = Stage()
    dark = stage.rig.black_out("desk", now=0.0, fade=0.0)
    assert dark == pytest.approx(0.7 / 0.6)
    stage.wait(dark)
    assert {stage.at(name) for name in stage.rig.fixtures} == {0.0}
    stage.rig.black_out("other", now=stage.now, fade=0.0)
    assert stage.rig.masters.blackout == "desk"
    stage.rig.claim("hand", Priority.MANUAL, {"key": {LIGHT: 0.3}}, now=stage.now)
    stage.rig.apply_look({"back": {LIGHT: 0.9}}, now=stage.now, fade=0.0)
    stage.wait(9.0)
    assert stage.at("key") == stage.at("back") == 0.0
    arrived = stage.rig.restore(now=stage.now, fade=3.0)
    assert arrived == stage.now + 3.0
    stage.wait(3.0)
    assert (stage.at("key"), stage.at("fill"), stage.at("back")) == (0.3, 0.4, 0.9)


@pytest.mark.parametrize("what", ["blackout", "front", "grand", "both"])
def test_a_stop_while_masters_move_freezes_all_and_its_end_moves_nothing(what):
    stage = Stage()
    match what:
        case "blackout":
            stage.rig.black_out("desk", now=0.0, fade=4.0)
        case "front":
            stage.rig.dim(0.0, now=0.0, fade=4.0, group="front")
        case "grand":
            stage.rig.dim(0.0, now=0.0, fade=4.0)
        case "both":
            stage.rig.dim(0.1, now=0.0, fade=4.0, group="room")
            stage.rig.dim(0.0, now=0.0, fade=4.0)
    stage.wait(2.0)
    frozen = stage.all()
    stage.rig.stop("desk", stage.now)
    stage.wait(60.0)
    assert stage.all() == frozen
    stage.restart(after=60.0)
    assert stage.rig.stopped == "desk" and stage.all() == frozen
    stage.rig.reset(stage.now)
    stage.wait(60.0)
    for name, levels in frozen.items():
        assert stage.all()[name] == pytest.approx(levels), name


def test_a_whole_blackout_outlives_a_stop():
    stage = Stage()
    stage.rig.black_out("desk", now=0.0, fade=0.0)
    stage.wait(9.0)
    stage.rig.stop("desk", stage.now)
    stage.rig.reset(stage.now)
    stage.wait(9.0)
    assert stage.at() == 0.0 and stage.rig.masters.blackout == "desk"
    stage.rig.restore(now=stage.now, fade=0.0)
    stage.wait(9.0)
    assert stage.at() == 0.7
