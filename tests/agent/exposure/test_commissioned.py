"""The loop with a measured light transport: it holds the reference zones, knows what it cannot reach, and is no more
disturbed by a person in the picture than by the picture's edge."""

import math
from collections import deque
from dataclasses import replace

import numpy as np
import pytest

from agent.exposure.camera.glance import Glance
from agent.exposure.loop.service import ExposureService
from agent.exposure.transport.matrix import ZONES, Delay, Reach, Transport
from agent.lighting.claims import Priority
from agent.lighting.rig import Rig
from config.model import ExposureSection
from config.units import Attribute
from tests.agent.lighting.rooms import fixtures

LIGHT, CCT = Attribute.INTENSITY, Attribute.CCT
FIXTURES = fixtures()
LOOK = {"key": 0.4, "fill": 0.3}
ACROSS = np.tile(np.linspace(0, 1, 16), 9)


class Set:
    """Key from the left, fill from the right, daylight from the right; ``delay`` samples from light to picture."""

    def __init__(self, delay=2, rate=10.0, day=0.08, automatic=False, **section):
        self.rig = Rig(FIXTURES, rate=0.6, present={n: {LIGHT: v} for n, v in LOOK.items()}, show=lambda scene: None)
        self.matrix = np.stack([0.35 * (1 - 0.8 * ACROSS), 0.2 * (0.2 + 0.8 * ACROSS)], axis=1)
        self.ambient = day * (0.3 + 0.7 * ACROSS)
        at_look = self.matrix @ [LOOK["key"], LOOK["fill"]] + self.ambient
        self.transport = Transport(
            camera="cam",
            at="2026-11-26T10:00:00Z",
            fixtures=("key", "fill"),
            matrix=self.matrix,
            ambient=self.ambient.copy(),
            noise=np.full(ZONES, 1e-4),
            reference=ACROSS < 0.7,
            delay=Delay(delay, delay / rate),
            reach=tuple(Reach(LOOK[n], 0.01, 1.0, 2.0, 1.0, share) for n, share in (("key", 0.6), ("fill", 0.2))),
            mired_gain=0.8,
        )
        options = {"fixtures": ("key", "fill"), "target": float(at_look.mean()), "mode": "hold", **section}
        self.loop = ExposureService(ExposureSection(camera="cam", **options), self.rig)
        self.now, self.rate = 50.0, rate
        assert self.loop.commission(self.transport, self.now) is None
        self.pipe = deque([dict(LOOK)] * (delay + 1), maxlen=delay + 1)
        self.automatic, self.dice = automatic, np.random.default_rng(3)
        self.person = 0.0
        self.mired = lambda: 200.0

    def level(self, name="key", attribute=LIGHT):
        return self.rig.scene.levels(name, self.now)[attribute]

    def zones(self):
        levels = self.pipe[0]
        zones = self.matrix @ [levels["key"], levels["fill"]] + self.ambient
        if self.automatic:
            zones = zones * float((self.transport.predict(self.transport.levels({}))).mean() / zones.mean())
        zones[100:120] *= 2.0**self.person
        return zones + self.dice.normal(0, 1e-4, ZONES)

    def off(self):
        """Stops the reference zones are too bright."""
        wanted = self.transport.predict(self.transport.levels({}))[self.transport.reference].mean()
        levels = {name: self.level(name) for name in LOOK}
        now = (self.matrix @ [levels["key"], levels["fill"]] + self.ambient)[self.transport.reference].mean()
        return math.log2(now / wanted)

    def run(self, seconds, on_air=False):
        trail = []
        for _ in range(round(seconds * self.rate)):
            self.now += 1 / self.rate
            self.rig.lapse(self.now)
            self.pipe.append({name: self.level(name) for name in LOOK})
            zones = self.zones()
            ev = math.log2(float(zones.mean()) / self.loop.target)
            glance = Glance(ev, self.now, zones=zones, mired=self.mired(), rate=self.rate)
            self.loop.turn(glance, self.now, on_air)
            trail.append(self.off())
        return trail


@pytest.mark.parametrize(("delay", "within"), [(2, 3.0), (4, 4.5), (6, 6.0)])
@pytest.mark.parametrize("stops", [1.0, -1.0])
def test_a_stop_of_daylight_is_made_good_in_time_and_without_overshoot(delay, within, stops):
    room = Set(delay)
    room.run(8)
    room.ambient = room.ambient * 2.0**stops
    trail = room.run(12)
    late = max((at for at, off in enumerate(trail) if abs(off) > 0.05), default=-1)
    assert (late + 1) / room.rate <= within
    assert max(-off * stops for off in trail) <= 0.02, "it went beyond"
    assert room.loop.now_state.tripped == ""
    assert room.loop.now_state.commissioned.startswith("2026")


def test_the_ratio_of_the_look_is_kept_unless_the_zones_may_ask_for_another():
    for keep in (True, False):
        room = Set(keep_ratio=keep, authority=3.0)
        room.run(6)
        room.ambient = room.ambient * 2.5
        room.run(12)
        ratio = room.level("key") / room.level("fill") / (LOOK["key"] / LOOK["fill"])
        if keep:
            assert ratio == pytest.approx(1.0, abs=0.03)
        else:
            assert ratio > 1.15, "daylight comes from the fill's side: the fill goes down, not the key"


def test_a_person_who_walks_by_moves_no_light():
    room = Set()
    room.run(8)
    before = room.level()
    for stops in (1.0, -1.0, 0.5, 0.0):
        room.person = stops
        room.run(2)
    assert room.level() == before


def test_what_cannot_be_reached_is_said_with_place_and_stops():
    room = Set(authority=0.3)
    room.run(6)
    room.ambient = room.ambient * 6
    room.run(10)
    state = room.loop.now_state
    assert state.why.startswith("at-limit") and "reference zones" in state.why
    assert "too bright" in state.unreachable.en and "偏亮" in state.unreachable.zh
    room.ambient = room.ambient / 6
    room.run(10)
    assert room.loop.now_state.unreachable is None


def test_a_light_in_a_hand_is_reckoned_with_as_it_stands():
    room = Set()
    room.run(6)
    room.rig.claim("hand", Priority.MANUAL, {"fill": {LIGHT: 0.0}}, now=room.now)
    room.run(14)
    assert room.loop.now_state.holding == ("key",)
    assert abs(math.log2(room.zones().mean() / room.loop.target)) < 0.12
    assert room.level("fill") == 0.0


def test_auto_exposure_is_refused_and_the_lights_go_back():
    room = Set(automatic=True)
    room.run(2.0)
    assert room.loop.now_state.tripped == "camera-auto-exposure"
    room.run(2)
    assert room.level() == pytest.approx(LOOK["key"], rel=0.01)


def test_commissioning_of_other_lights_or_another_camera_is_not_used():
    room = Set()
    other = ExposureService(ExposureSection(camera="cam", fixtures=("key", "back")), room.rig)
    assert "without back" in other.commission(room.transport, room.now).en
    elsewhere = ExposureService(ExposureSection(camera="wide", fixtures=("key",)), room.rig)
    assert "for the camera cam" in elsewhere.commission(room.transport, room.now).en
    assert elsewhere.now_state.commissioned == ""


def test_the_picture_s_colour_is_held_by_the_lights_that_can():
    room = Set()
    drift = [0.0]

    def mired():
        lights = [n for n in LOOK if CCT in FIXTURES[n].personality.attributes]
        if not lights:
            return 200.0
        shown = np.mean([1e6 / room.level(n, CCT) for n in lights])
        return 200.0 + drift[0] + 0.8 * (shown - first)

    lights = [n for n in LOOK if CCT in FIXTURES[n].personality.attributes]
    first = np.mean([1e6 / room.level(n, CCT) for n in lights]) if lights else 0.0
    assert lights, "these rooms have lights with a colour temperature"
    room.mired = mired
    room.run(8)
    drift[0] = 20.0
    room.run(12)
    assert abs(room.loop.now_state.white) < 4.0
    assert mired() < 205.0


def test_a_reference_zone_of_which_not_all_is_known_is_left_out():
    room = Set()
    matrix = room.matrix.copy()
    matrix[[17, 20], 1] = np.nan
    nowhere = tuple(replace(reach, share=math.nan) for reach in room.transport.reach)
    assert room.loop.commission(replace(room.transport, matrix=matrix, reach=nowhere), room.now) is None
    room.run(8)
    assert room.loop.now_state.why == "resting" and not room.loop.now_state.tripped
    assert room.loop._best_seen(room.loop.hands.present(room.now)) == "key"
    room.ambient = room.ambient * 2.0
    assert abs(room.run(8)[-1]) < 0.05
