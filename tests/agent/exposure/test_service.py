"""The loop at work on a rig and a room of numbers: hand-over without a jump, hands first, authority round the look."""

import math

import numpy as np
import pytest

from agent.exposure.camera.glance import Glance
from agent.exposure.loop.service import OWNER, ExposureService
from agent.lighting.claims import Priority
from agent.lighting.rig import Rig
from config.model import ExposureSection
from config.units import Attribute
from tests.agent.lighting.rooms import fixtures

LIGHT = Attribute.INTENSITY
FIXTURES = fixtures()


class Room:
    """Key gives three quarters of the light, fill one; the picture follows at once. Ten turns a second. The left of
    the picture is lit by them, the right hardly."""

    def __init__(self, mode="hold", need=0.0, authority=1.0, sees=True, automatic=False):
        self.rig = Rig(FIXTURES, rate=0.6, present={"key": {LIGHT: 0.4}, "fill": {LIGHT: 0.2}}, show=lambda scene: None)
        section = ExposureSection(camera="cam", fixtures=("key", "fill"), mode=mode, authority=authority, delay=0)
        self.loop = ExposureService(section, self.rig)
        self.need = need
        self.now = 100.0
        self.blind = False
        self.sees = sees
        self.automatic = automatic
        self.dice = np.random.default_rng(7)
        self.told = []

    def level(self, name="key"):
        return self.rig.scene.levels(name, self.now)[LIGHT]

    def light(self):
        if self.blind:
            return 1.0
        return max(1e-3, 0.75 * self.level("key") / 0.4 + 0.25 * self.level("fill") / 0.2)

    def ev(self):
        return (0.0 if self.automatic else math.log2(self.light())) - self.need

    def zones(self):
        """0.18 on the left at the look; the right is lit by the room, and by the lamps a little."""
        lit = np.tile(np.linspace(1.0, 0.02, 16), (9, 1)) * self.light()
        zones = 0.18 * (lit + np.linspace(0.0, 0.6, 16))
        if self.automatic:
            zones *= 0.18 / zones.mean()
        return zones * 2 ** self.dice.normal(0, 0.0013, zones.shape)

    def run(self, seconds, on_air=False, **more):
        trail = []
        for _ in range(round(seconds * 10)):
            self.now += 0.1
            self.rig.lapse(self.now)
            glance = Glance(self.ev(), self.now, zones=self.zones() if self.sees else None, rate=10.0)
            self.loop.turn(glance, self.now, on_air, **more)
            trail.append(self.level())
            self.told.append(self.loop.now_state.why)
        return trail


def test_a_darker_room_is_made_good_by_all_lights_alike():
    room = Room(need=0.7)
    room.run(8)
    assert abs(room.ev()) < 0.1
    assert room.level("key") / room.level("fill") == pytest.approx(2.0, rel=0.01)
    assert room.loop.now_state.holding == ("key", "fill")


def test_it_goes_no_further_from_the_look_than_it_may():
    room = Room(need=3.0, authority=0.5)
    room.run(10)
    assert room.level() == pytest.approx(0.4 * 2**0.5, rel=0.01)
    assert "not reachable" in room.loop.now_state.why


def test_on_air_it_goes_one_stop_from_the_look_whatever_it_may_off_air_and_what_is_further_may_come_back():
    room = Room(need=1.4, authority=2.0)
    room.run(40, on_air=True)
    assert math.log2(room.level() / 0.4) == pytest.approx(1.0, abs=0.02)
    room = Room(need=1.25, authority=2.0)
    room.rig.apply_look({"key": {LIGHT: 0.3}, "fill": {LIGHT: 0.15}}, now=room.now, fade=0.0)
    room.run(10)
    far = math.log2(room.level() / 0.3)
    assert far > 1.4
    room.need -= 0.3
    room.run(20, on_air=True)
    back = math.log2(room.level() / 0.3)
    assert 1.0 < back < far - 0.2, "it comes back, and does not jump to what it may"
    room.need += 0.3
    room.run(20, on_air=True)
    assert math.log2(room.level() / 0.3) < back + 0.02, "and goes no further again"


def test_a_hand_takes_its_light_out_at_once_and_it_stays_out_until_it_is_handed_back():
    room = Room(need=0.5)
    room.run(8)
    room.rig.claim("hand", Priority.MANUAL, {"key": {LIGHT: 0.3}}, now=room.now)
    assert room.rig.scene.targets("key")[LIGHT] == 0.3, "the next frame is the hand's, before any picture"
    room.run(3)
    assert room.level() == pytest.approx(0.3)
    assert (room.loop.now_state.holding, room.loop.now_state.out) == (("fill",), ("key",))
    room.rig.release(room.now, owner="hand")
    room.run(5)
    assert room.level() == pytest.approx(0.3), "nobody has handed it back"
    assert room.loop.hand_back(None, room.now) == ("key",)
    trail = room.run(0.3)
    assert max(abs(level - 0.3) for level in trail) < 0.05
    room.run(12)
    assert room.loop.now_state.holding == ("key", "fill")
    assert abs(room.ev()) < 0.12
    assert room.loop.now_state.tripped == ""


def test_a_touch_too_short_to_be_seen_takes_the_light_out_all_the_same():
    room = Room(need=0.5)
    room.run(4)
    room.rig.claim("hand", Priority.MANUAL, {"key": {LIGHT: 0.35}}, now=room.now)
    room.rig.release(room.now, owner="hand")
    room.run(3)
    assert room.loop.now_state.out == ("key",)


def test_a_light_that_is_named_is_handed_back_out_of_the_hand_that_holds_it():
    room = Room(need=0.3)
    room.run(4)
    room.rig.claim("hand", Priority.MANUAL, {"key": {LIGHT: 0.3}}, now=room.now)
    room.run(1)
    assert room.loop.hand_back(None, room.now) == ()
    assert room.loop.hand_back(["key"], room.now) == ("key",)
    assert room.rig.holder("key") is None or room.rig.holder("key").owner == OWNER
    room.run(2)
    assert room.loop.now_state.out == ()


def test_a_console_takes_its_light_out_and_the_rest_goes_on():
    room = Room(need=0.5)
    room.run(4)
    room.run(2, consoles=["key"])
    assert (room.loop.now_state.holding, room.loop.now_state.out) == (("fill",), ("key",))
    room.run(2)
    assert room.loop.now_state.out == ("key",)


def test_a_light_that_cannot_be_driven_is_left_and_taken_again():
    room = Room(need=0.3)
    room.run(4)
    room.run(1, gone={"key": "output a is offline"})
    assert room.loop.now_state.holding == ("fill",) and room.loop.now_state.out == ()
    room.run(4)
    assert room.loop.now_state.holding == ("key", "fill")


def test_when_no_light_can_be_driven_it_says_why():
    room = Room(need=0.3)
    room.run(1, gone={"key": "output a is offline", "fill": "output a is offline"})
    assert "output a is offline" in room.loop.now_state.why or "somebody" in room.loop.now_state.why


def test_a_camera_with_auto_exposure_on_is_refused_within_two_seconds_and_no_light_runs_away():
    room = Room(need=0.6, automatic=True)
    trail = room.run(2.0)
    assert room.loop.now_state.tripped == "camera-auto-exposure"
    assert room.loop.now_state.evidence["least_lit"] < -0.02
    assert max(trail) < 0.4 * 2**0.31
    room.run(3)
    assert room.level() == pytest.approx(0.4, rel=0.01), "it goes back to where it was"
    assert room.rig.holder("key") is None


def test_an_honest_camera_passes_the_probe_and_is_held():
    room = Room(need=0.6)
    room.run(2.2)
    assert any(why.startswith("probing") for why in room.told)
    assert room.loop.now_state.evidence["best_lit"] > 0.1
    assert room.loop.now_state.tripped == ""


def test_auto_exposure_that_is_switched_on_later_is_found_by_a_second_probe():
    room = Room(need=0.4, authority=3.0)
    room.run(8)
    room.automatic = True
    room.need = 1.2
    room.run(12)
    assert room.loop.now_state.tripped == "camera-auto-exposure"
    assert room.level() < 0.99


def test_on_air_the_probe_is_below_what_people_notice():
    room = Room(need=0.0)
    trail = room.run(5, on_air=True)
    assert room.loop.now_state.evidence["step"] == 0.1
    assert math.log2(max(trail) / 0.4) < 0.105
    steps = np.diff(np.log2([0.4, *trail]))
    assert max(steps) < 0.05 * 0.1 * 1.5


def test_a_picture_that_stays_burnt_out_ends_the_loop():
    room = Room(need=-0.3)
    room.run(5)
    for _ in range(130):
        room.now += 0.1
        room.rig.lapse(room.now)
        room.loop.turn(Glance(0.4, room.now, zones=room.zones(), clipped=True, rate=10.0), room.now, on_air=False)
    assert room.loop.now_state.tripped in ("clipped", "no-effect")


def test_a_hand_that_darkens_the_picture_is_not_taken_for_a_loop_without_effect():
    room = Room(need=0.3, authority=2.0)
    room.run(6)
    room.rig.claim("hand", Priority.MANUAL, {"key": {LIGHT: 0.1}}, now=room.now, fade=2.0)
    room.run(12)
    assert room.loop.now_state.tripped == ""
    assert room.level("fill") > 0.5


def test_a_look_is_taken_in_its_own_time_and_then_trimmed():
    room = Room(need=0.4)
    room.run(8)
    room.rig.apply_look({"key": {LIGHT: 0.2}, "fill": {LIGHT: 0.1}}, now=room.now, fade=4.0)
    trail = room.run(2)
    assert trail[-1] == pytest.approx((trail[0] + 0.2) / 2, abs=0.07), "the look's fade was cut short"
    room.run(12)
    assert abs(math.log2(room.level() / 0.2)) <= 1.001
    assert room.level() > 0.3


def test_a_loop_without_effect_lets_go_and_stays_out_until_it_is_handed_back():
    room = Room(need=0.8)
    room.blind = True
    room.run(10)
    assert room.loop.now_state.tripped == "no-effect"
    assert room.rig.holder("key") is None
    held = room.level()
    room.run(3)
    assert room.level() == held
    room.blind = False
    room.loop.set_mode("hold", room.now)
    room.run(8)
    assert room.loop.now_state.tripped == ""
    assert abs(room.ev()) < 0.15


def test_if_the_loop_stops_turning_its_lease_ends_and_the_light_stays():
    room = Room(need=0.5)
    room.run(5)
    held = room.level()
    room.now += 10
    assert {claim.owner for claim in room.rig.lapse(room.now)} == {OWNER}
    room.now += 10
    assert room.level() == pytest.approx(held, rel=0.05)


@pytest.mark.parametrize("mode", ["watch", "advise"])
def test_without_hold_no_light_is_ever_moved(mode):
    room = Room(mode=mode, need=0.5)
    trail = room.run(5)
    assert set(trail) == {0.4}
    advice = room.loop.now_state.advice
    assert (advice is not None) == (mode == "advise")
    if advice is not None:
        assert advice.en == "would set key → 57 %, fill → 28 %"


def test_on_air_it_is_slow():
    room = Room(need=1.0)
    room.run(4, on_air=True)
    assert 0.1 < math.log2(room.level() / 0.4) < 0.22


def test_a_light_whose_single_steps_are_seen_is_told_and_not_asked_for_finer_ones():
    room = Room(mode="advise")
    room.rig.apply_look({"key": {LIGHT: 0.5}, "fill": {LIGHT: 0.5}}, now=room.now, fade=0.0)
    room.run(2)
    assert room.loop.now_state.coarse is None
    room.rig.apply_look({"key": {LIGHT: 0.012}, "fill": {LIGHT: 0.012}}, now=room.now, fade=0.0)
    room.run(3)
    said = room.loop.now_state.coarse
    assert "smooth only above 28 %" in said.en and "才能平滑调节" in said.zh
    assert room.loop._law.start > 0.25


@pytest.mark.parametrize("mode", ["watch", "advise"])
def test_a_loop_that_is_told_to_let_go_in_the_middle_of_a_move_stops_there(mode):
    room = Room()
    room.run(1.5, on_air=True)
    moving = room.run(0.3, on_air=True)
    assert "probing: key" in room.loop.now_state.why and moving[-1] != moving[-2], "two seconds for a tenth of a stop"
    room.loop.set_mode(mode, room.now)
    here = room.level()
    assert room.run(4, on_air=True) == pytest.approx([here] * 40, abs=1e-9)
    assert room.rig.resting("key")[LIGHT] == pytest.approx(here)


def test_a_loop_that_lets_go_under_a_moving_master_leaves_the_master_to_it():
    room = Room()
    room.run(1.5, on_air=True)
    room.run(0.3, on_air=True)
    room.rig.dim(0.5, now=room.now, fade=3.0)
    room.loop.set_mode("advise", room.now)
    path = [room.level(), *room.run(4, on_air=True)]
    assert np.diff(path).min() > -0.01, "in its three seconds"
    assert path[-1] == pytest.approx(0.5 * room.rig.resting("key")[LIGHT], rel=0.01)
    assert abs(math.log2(path[-1] / 0.2)) < 0.11
