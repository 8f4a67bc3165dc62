"""The loop at work on a rig and a room of numbers: hand-over without a jump, hands first, authority round the look."""

import math

import pytest

from agent.exposure.service import OWNER, ExposureService
from agent.lighting.claims import Priority
from agent.lighting.rig import Rig
from config.model import ExposureSection
from config.units import Attribute
from tests.agent.lighting.rooms import fixtures

LIGHT = Attribute.INTENSITY
FIXTURES = fixtures()


class Room:
    """Key gives three quarters of the light, fill one; the picture follows at once. Ten turns a second."""

    def __init__(self, mode="hold", need=0.0, authority=1.0):
        self.rig = Rig(FIXTURES, rate=0.6, present={"key": {LIGHT: 0.4}, "fill": {LIGHT: 0.2}}, show=lambda scene: None)
        section = ExposureSection(camera="cam", fixtures=("key", "fill"), mode=mode, authority=authority, delay=0)
        self.loop = ExposureService(section, self.rig)
        self.need = need
        self.now = 100.0
        self.blind = False

    def level(self, name="key"):
        return self.rig.scene.levels(name, self.now)[LIGHT]

    def ev(self):
        if self.blind:
            return -self.need
        light = 0.75 * self.level("key") / 0.4 + 0.25 * self.level("fill") / 0.2
        return math.log2(max(light, 1e-3)) - self.need

    def run(self, seconds, on_air=False):
        trail = []
        for _ in range(round(seconds * 10)):
            self.now += 0.1
            self.rig.lapse(self.now)
            self.loop.turn(self.ev(), self.now, "", self.now, on_air)
            trail.append(self.level())
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


def test_a_hand_takes_its_light_out_at_once_and_hands_it_back_without_a_jump():
    room = Room(need=0.5)
    room.run(8)
    room.rig.claim("hand", Priority.MANUAL, {"key": {LIGHT: 0.3}}, now=room.now)
    room.run(3)
    assert room.level() == pytest.approx(0.3)
    assert room.loop.now_state.holding == ("fill",)
    room.rig.release(room.now, owner="hand")
    trail = room.run(0.3)
    assert max(abs(level - 0.3) for level in trail) < 0.05
    room.run(10)
    assert abs(room.ev()) < 0.12
    assert room.loop.now_state.tripped == ""


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
