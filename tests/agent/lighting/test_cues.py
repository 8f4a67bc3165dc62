"""Cue lists on a clock moved by hand: times, order, hands, loops, restarts."""

import pytest

from agent.lighting.claims import Priority
from agent.lighting.cues import NoCue, tracked
from config.show import CueSection, LookSection
from tests.agent.lighting.stages import CCT, LIGHT, RED, Stage


def cue(number, key=None, **more):
    levels = {} if key is None else {"key": {LIGHT: key}}
    return {"number": number, "levels": levels, **more}


def test_light_that_rises_takes_one_time_and_light_that_falls_another():
    stage = Stage(
        {
            "number": 1,
            "levels": {"key": {LIGHT: 1.0, CCT: 3200.0}, "fill": {LIGHT: 0.1, CCT: 3200.0}, "back": {LIGHT: 0.5}},
            "up": 4.0,
            "down": 8.0,
        },
        rate=0.6,
    )
    playing = stage.playback.go("main", stage.now)
    assert playing.arrived == 8.0
    stage.wait(4.0)
    assert stage.at("key") == 1.0 and stage.at("fill") == pytest.approx(0.25) and stage.at("back") == 0.5
    assert stage.at("key", CCT) == 3200.0 and stage.at("fill", CCT) == pytest.approx(4400.0)  # with their intensity
    stage.wait(4.0)
    assert stage.at("fill") == 0.1 and stage.at("fill", CCT) == 3200.0
    assert stage.rig.holder("key")[:2] == ("cues:main", Priority.SCHEDULE)


def test_go_plays_in_the_order_of_numbers_and_back_the_other_way():
    stage = Stage(cue(2, 0.2, up=0), cue(1, 0.1, up=0), cue(1.5, 0.15, up=0))
    seen = []
    for _ in range(3):
        seen.append(stage.playback.go("main", stage.now).cue.number)
        stage.wait(5.0)
    with pytest.raises(NoCue, match="at its end"):
        stage.playback.go("main", stage.now)
    seen += [stage.playback.back("main", stage.now).cue.number for _ in range(2)]
    assert seen == [1, 1.5, 2, 1.5, 1] and stage.playback.next("main").number == 1.5
    with pytest.raises(NoCue, match="no cue before"):
        stage.playback.back("main", stage.now)
    with pytest.raises(NoCue, match=r"no cue 1.7"):
        stage.playback.go("main", stage.now, 1.7)
    with pytest.raises(NoCue, match="no cues"):
        stage.playback.go("other", stage.now)


def test_a_second_go_goes_on_from_where_the_lights_are():
    stage = Stage(cue(1, 1.0, up=10.0), cue(2, 0.0, up=1.0, down=10.0))
    first = stage.playback.go("main", stage.now)
    stage.wait(5.0)
    half = stage.at()
    assert half == pytest.approx(0.85)
    second = stage.playback.go("main", stage.now)
    assert stage.at() == half and second is not first and stage.playback.playing["main"] is second
    stage.wait(5.0)
    assert stage.at() == pytest.approx(half / 2)


def test_a_cue_is_the_same_whichever_way_one_comes_to_it():
    cues = (cue(1, 0.1, up=0), {"number": 2, "look": "wash", "up": 0}, cue(3, 0.9, up=0))
    straight, through = Stage(*cues, wash={"back": {LIGHT: 0.2}}), Stage(*cues, wash={"back": {LIGHT: 0.2}})
    straight.playback.go("main", 0.0, 3)
    for _ in range(3):
        through.playback.go("main", through.now)
        through.wait(3.0)
    straight.wait(9.0)
    assert straight.all() == through.all() and straight.at("back") == 0.2


def test_a_light_that_only_later_cues_name_is_let_go_and_holds():
    stage = Stage(cue(1, 0.1, up=0), {"number": 2, "levels": {"back": {LIGHT: 0.9}}, "up": 0})
    stage.playback.go("main", 0.0, 2)
    stage.wait(5.0)
    assert stage.rig.holder("back").owner == "cues:main"
    stage.playback.back("main", stage.now)
    stage.wait(5.0)
    assert stage.rig.holder("back") is None and stage.at("back") == 0.9 and stage.at() == 0.1


def test_a_delay_waits_while_fades_under_way_go_on():
    stage = Stage(cue(1, 1.0, up=10.0), cue(2, 0.0, down=10.0, delay=4.0))
    stage.playback.go("main", stage.now)
    stage.wait(2.0)
    playing = stage.playback.go("main", stage.now)
    assert playing.arrived is None and stage.playback.due == 6.0
    stage.wait(3.999)
    assert stage.at() == pytest.approx(0.7 + 0.3 * 0.5999)
    stage.wait(0.001)
    assert playing.arrived == 16.0 and stage.playback.due is None
    stage.wait(10.0)
    assert stage.at() == 0.0


def test_follows_go_by_themselves_until_the_end_of_the_list():
    stage = Stage(cue(1, 0.1, up=0, follow=5.0), cue(2, 0.2, up=0, follow=3.0), cue(3, 0.3, up=0, follow=1.0))
    stage.playback.go("main", stage.now)
    stage.wait(4.999)
    assert stage.playback.playing["main"].cue.number == 1
    stage.wait(0.001)
    assert stage.playback.playing["main"].cue.number == 2
    stage.wait(60.0)
    assert stage.playback.playing["main"].cue.number == 3 and stage.playback.due is None and stage.at() == 0.3


@pytest.mark.parametrize("end", ["back", "stop", "release", "hold", "go"])
def test_what_takes_a_follow_away(end):
    stage = Stage(cue(1, 0.6, up=0, follow=5.0), cue(2, 0.5, up=0, follow=5.0), cue(3, 0.2, up=0))
    stage.playback.go("main", stage.now, 2)
    stage.wait(1.0)
    match end:
        case "back":
            stage.playback.back("main", stage.now)
        case "stop":
            stage.rig.stop("desk", stage.now)
            stage.playback.turn(stage.now)
        case "release":
            stage.playback.release("main", stage.now)
        case "hold":
            stage.playback.hold("main", stage.now)
        case "go":
            stage.playback.go("main", stage.now, 3)
    assert stage.playback.due is None
    shown = stage.at(now=stage.now + 3.0)
    stage.wait(60.0)
    assert stage.at() == shown


def test_a_hand_wins_at_once_keeps_its_light_over_cues_and_gives_it_back_without_a_bump():
    stage = Stage(cue(1, 0.2, up=1.0), cue(2, 0.9, up=1.0))
    stage.playback.go("main", stage.now)
    stage.wait(5.0)
    stage.rig.claim("hand", Priority.MANUAL, {"key": {LIGHT: 0.5}}, now=stage.now)
    stage.wait(0.025)
    assert stage.at() > 0.2 and stage.rig.holder("key").owner == "hand"  # under way within one frame
    stage.wait(5.0)
    stage.playback.go("main", stage.now)
    stage.wait(5.0)
    assert stage.at() == 0.5
    stage.rig.release(stage.now, owner="hand", fade=4.0)
    assert stage.at() == 0.5
    stage.wait(2.0)
    assert stage.at() == pytest.approx(0.7)
    stage.wait(2.0)
    assert stage.at() == 0.9 and stage.rig.holder("key").owner == "cues:main"


def test_a_lease_over_a_cue_ends_by_itself_in_a_fade():
    stage = Stage(cue(1, 0.2, up=0))
    stage.playback.go("main", stage.now)
    stage.wait(5.0)
    for _ in range(3):  # the same again renews it
        stage.rig.claim("hand", Priority.MANUAL, {"key": {LIGHT: 0.5}}, now=stage.now, lease=10.0)
        assert stage.rig.holder("key").until == stage.now + 10.0
        stage.wait(9.0)
        assert not stage.rig.lapse(stage.now)
    stage.wait(1.0)
    assert stage.rig.lapse(stage.now) and stage.at() == 0.5
    stage.wait(0.5)
    assert 0.2 < stage.at() < 0.5
    stage.wait(1.0)
    assert stage.at() == 0.2


def test_a_lease_outlives_a_restart_and_still_ends():
    stage = Stage()
    stage.rig.claim("hand", Priority.MANUAL, {"key": {LIGHT: 0.5}}, now=stage.now, lease=60.0)
    stage.rig.claim("brief", Priority.MANUAL, {"fill": {LIGHT: 0.5}}, now=stage.now, lease=15.0)
    stage.wait(10.0)
    stage.restart(after=10.0)
    assert stage.rig.holder("key").until == pytest.approx(60.0) and stage.rig.holder("fill") is None
    stage.wait(41.0)
    assert stage.rig.lapse(stage.now) and stage.rig.holder("key") is None
    stage.wait(5.0)
    assert (stage.at("key"), stage.at("fill")) == (0.5, 0.5)


def test_a_loop_trims_a_cue_and_when_it_ends_the_light_stays_until_the_next():
    stage = Stage(cue(1, 0.5, up=0), cue(2, 0.6, up=0))
    stage.playback.go("main", stage.now)
    stage.wait(5.0)
    assert stage.rig.look("key")[LIGHT] == 0.5
    stage.rig.claim("loop", Priority.LOOP, {"key": {LIGHT: 0.55}}, now=stage.now, lease=5.0)
    stage.wait(6.0)
    stage.rig.lapse(stage.now)
    stage.wait(6.0)
    assert stage.at() == 0.55 and stage.rig.look("key")[LIGHT] == 0.5
    stage.rig.claim("loop", Priority.LOOP, {"key": {LIGHT: 0.58}}, now=stage.now)
    stage.playback.go("main", stage.now)
    assert stage.rig.claims(Priority.LOOP) == []  # it begins anew from the cue
    stage.wait(6.0)
    assert stage.at() == 0.6


def test_a_look_takes_its_lights_from_the_list_until_its_next_cue():
    stage = Stage(cue(1, 0.2, up=0), cue(2, 0.3, up=0))
    stage.playback.go("main", stage.now)
    stage.rig.apply_look({"key": {LIGHT: 0.6}}, now=stage.now, fade=0.0)
    stage.wait(5.0)
    assert stage.at() == 0.6 and stage.rig.holder("key") is None
    stage.playback.go("main", stage.now)
    stage.wait(5.0)
    assert stage.at() == 0.3


def test_what_the_lights_cannot_do_is_left_out_and_said():
    stage = Stage(
        {"number": 1, "look": "gone", "up": 0},
        {
            "number": 2,
            "levels": {"key": {LIGHT: 0.3, RED: 0.5, CCT: 20000.0}, "taken-down": {LIGHT: 1.0}},
            "up": 0,
        },
    )
    playing = stage.playback.go("main", stage.now, 2)
    stage.wait(9.0)
    assert stage.at() == 0.3 and stage.at("key", CCT) == FULL_CCT
    assert sorted(playing.left_out) == ["key.cct", "key.red", "look:gone", "taken-down"]


FULL_CCT = 6500.0
"""The bicolour panel's highest."""


def test_a_restart_keeps_the_cue_moves_no_light_and_fires_only_what_is_still_ahead():
    stage = Stage(cue(1, 0.2, up=0), cue(2, 0.4, up=0, follow=20.0), cue(3, 0.6, up=0))
    stage.playback.go("main", stage.now, 2)
    stage.wait(10.0)
    before = stage.all()
    stage.restart(after=5.0)
    assert stage.all() == before and stage.rig.holder("key")[:2] == ("cues:main", Priority.SCHEDULE)
    assert stage.playback.playing["main"].cue.number == 2 and stage.playback.due == pytest.approx(20.0)
    stage.wait(4.9)
    assert stage.all() == before
    stage.wait(5.0)
    assert stage.playback.playing["main"].cue.number == 3 and stage.at() == 0.6
    stage.playback.go("main", stage.now, 2)
    stage.wait(10.0)
    stage.restart(after=15.0)
    stage.wait(60.0)
    assert stage.playback.playing["main"].cue.number == 2 and stage.at() == 0.4 and stage.playback.due is None
    assert stage.playback.go("main", stage.now).cue.number == 3


def test_a_restart_in_a_delay_begins_the_cue_after_what_is_left_of_it():
    for after, begins in ((1.0, 4.0), (10.0, 10.0)):
        stage = Stage(cue(1, 0.1, down=3.0, delay=4.0))
        stage.playback.go("main", stage.now)
        stage.restart(after)
        assert stage.playback.due == pytest.approx(begins)
        stage.wait(6.0)
        stage.wait(3.0)
        assert stage.at() == 0.1


def test_a_marked_cue_sets_its_colours_in_the_dark_and_only_there():
    stage = Stage(
        {"number": 1, "levels": {"key": {LIGHT: 0.0, CCT: 5600.0}, "fill": {LIGHT: 0.2, CCT: 5600.0}}, "down": 3.0},
        {"number": 2, "levels": {name: {LIGHT: 0.5, CCT: 3200.0} for name in ("key", "fill")}, "up": 4.0, "mark": True},
    )
    stage.playback.go("main", stage.now)
    stage.wait(2.9)
    assert stage.at("key", CCT) == 5600.0
    stage.wait(1.4)
    assert (stage.at("key"), stage.at("key", CCT)) == (0.0, 3200.0)
    assert (stage.at("fill"), stage.at("fill", CCT)) == (0.2, 5600.0)
    assert stage.playback.due is None
    stage.playback.go("main", stage.now)
    stage.wait(2.0)
    assert stage.at("key", CCT) == 3200.0 and 3200.0 < stage.at("fill", CCT) < 5600.0


def test_a_cue_held_on_its_way_stays_there():
    stage = Stage(cue(1, 1.0, up=10.0))
    playing = stage.playback.go("main", stage.now)
    stage.wait(5.0)
    half = stage.at()
    stage.playback.hold("main", stage.now)
    stage.wait(30.0)
    assert stage.at() == half and playing.arrived == 5.0 and stage.rig.holder("key").owner == "cues:main"


def test_a_cue_of_levels_lies_over_its_look():
    look = LookSection(levels={"key": {LIGHT: 0.7, CCT: 4000.0}})
    one = CueSection(number=1, look="wash", levels={"key": {LIGHT: 0.1}})
    assert tracked([one], {"wash": look}) == ({"key": {LIGHT: 0.1, CCT: 4000.0}}, [])
    assert tracked([one], {}) == ({"key": {LIGHT: 0.1}}, ["wash"])


def test_a_clock_that_was_set_back_makes_no_delay_and_no_lease_longer_and_fires_no_follow():
    stage = Stage(
        {"number": 1, "levels": {"key": {LIGHT: 0.2}}, "delay": 5.0},
        {"number": 2, "levels": {"key": {LIGHT: 0.9}}},
        {"number": 3, "levels": {"key": {LIGHT: 0.9}}, "follow": 5.0},
        {"number": 4, "levels": {"key": {LIGHT: 0.1}}},
    )
    stage.rig.claim("hand", Priority.MANUAL, {"fill": {LIGHT: 1.0}}, now=0.0, lease=10.0)
    stage.playback.go("main", 0.0)
    stage.wait(1.0)
    stage.restart(after=2.0, clock=-3.2e7)
    stage.wait(8.0)
    assert stage.at() == 0.2, "the delay was 5 s"
    stage.wait(2.0)
    assert stage.rig.lapse(stage.now), "the lease was 10 s"
    stage.playback.go("main", stage.now, 3)
    stage.wait(1.0)
    stage.restart(after=1.0, clock=-3.2e7)
    stage.wait(60.0)
    assert stage.at() == 0.9 and stage.playback.playing["main"].follow is None
