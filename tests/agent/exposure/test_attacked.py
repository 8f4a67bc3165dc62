"""What whole shows (``tests/benchmarks/shows.py``) have found wrong with the loop, each as small as it gets."""

import math
from dataclasses import replace

import numpy as np
import pytest

from agent.exposure.camera.glance import Glance, Memory
from agent.exposure.loop.face import Face
from agent.exposure.loop.law import Room
from agent.exposure.loop.probe import judge
from agent.exposure.loop.probing import Probing
from agent.exposure.loop.watchdog import PREDICTED, Watchdog
from agent.exposure.transport.matrix import ZONES, Delay
from drivers.virtual.automatic import Automatic
from drivers.virtual.sensor import Sensor
from drivers.virtual.twin import Fault
from tests.agent.exposure.test_commissioned import Set
from tests.closed import ClosedStudio
from tests.mishaps import Other, Weak, measure_target
from tests.shows import SIZE, Show

DICE = np.random.default_rng(5)


def held(on_air=False, **options):
    show = Show(2, **options)
    show.commission()
    show.teach()
    show.on_air = on_air
    show.hold()
    show.run(9)
    assert show.loop.now_state.why == "resting", show.loop.now_state
    return show


def test_a_camera_that_freezes_in_a_probe_ends_nothing_but_the_probe():
    show = Show(2)
    show.commission()
    show.hold()
    show.run(0.8)
    assert show.loop.now_state.why.startswith("probing")
    show.camera.fault(Fault.FREEZE)
    show.run(12)
    show.camera.heal()
    show.run(8)
    assert show.loop.now_state.why == "resting" and not show.loop.now_state.tripped


@pytest.mark.parametrize("rate", [10.0, 60.0])
def test_a_probe_on_air_takes_longer_than_the_memory_of_a_quick_camera(rate):
    memory, probing, now, judged, trims = Memory(), Probing(lamp="key"), 0.0, None, {"key": 0.0}
    every = np.ones(ZONES)
    while judged is None:
        now += 1 / rate
        assert now < 10
        light = 0.2 * 2.0 ** trims["key"] * (1 + np.linspace(0, 0.5, ZONES))
        memory.add(now, Glance(0.0, now, zones=light, rate=rate), {"key": 0.3})
        trims, judged = probing.turn(
            memory,
            trims,
            {"key": Room()},
            0.0,
            now,
            0.3,
            0.0,
            True,
            lambda glance, lamp, step: (every * step, every / 4),
        )
    assert judged.verdict == "follows"


@pytest.mark.parametrize(
    ("gives", "on_air", "step"), [(0.3, False, 0.3), (0.13, False, 0.6), (0.02, False, 0.6), (0.02, True, 0.1)]
)
def test_a_probe_off_air_does_as_much_to_the_picture_as_wakes_an_auto_exposure(gives, on_air, step):
    memory, probing, now, trims = Memory(), Probing(lamp="key"), 0.0, {"key": 0.0}
    every = np.ones(ZONES)
    while probing.longest == 0:
        now += 0.1
        memory.add(now, Glance(0.0, now, zones=0.2 * every, rate=10.0), {"key": 0.3})
        trims, _ = probing.turn(
            *(memory, trims, {"key": Room()}, 0.0, now, 0.3, 0.0, on_air),
            lambda glance, lamps, size: (every * size * gives, every / 4),
        )
    assert trims["key"] == pytest.approx(step)
    fade = np.linspace(1.0, 2**step, 1001)  # even in light
    quickest = np.log2(fade[round(1000 * min(1.0, 1 / probing.longest))] / fade[0])
    assert quickest <= (0.05 if on_air else 0.5) * 1.001


@pytest.mark.parametrize(("alike", "step", "stepped"), [(False, 0.3, {"key", "fill"}), (True, 0.6, {"key"})])
def test_a_probe_off_air_steps_all_lights_where_one_is_not_seen_if_they_make_a_pattern(alike, step, stepped):
    memory, probing, now, trims = Memory(), Probing(lamp="key"), 0.0, {"key": 0.0, "fill": 0.0}
    every = np.ones(ZONES) if alike else np.linspace(0.5, 1.5, ZONES)
    while probing.longest == 0:
        now += 0.1
        memory.add(now, Glance(0.0, now, zones=np.full(ZONES, 0.2), rate=10.0), {"key": 0.3, "fill": 0.3})
        trims, _ = probing.turn(
            *(memory, trims, {"key": Room(), "fill": Room()}, 0.0, now, 0.3, 0.0, False),
            lambda glance, lamps, size: (every * size * 0.12 * len(lamps), np.full(ZONES, 0.25)),
        )
    assert {name: trims[name] for name in trims if trims[name]} == pytest.approx(dict.fromkeys(stepped, step))


def test_a_window_that_is_always_burnt_out_is_no_reason_to_let_go():
    show = held()
    show.paint((slice(0, 40), slice(0, 40)), 12.0)
    show.run(20)
    assert show.sight.metrics.clipped > 5 and not show.loop.now_state.tripped


def test_after_pictures_that_did_not_come_no_light_goes_faster_than_it_may():
    show = held(on_air=True)
    show.world.daylight *= 1.8
    show.run(4)
    show.camera.fault(Fault.SILENCE)
    show.run(0.6)
    show.camera.heal()
    levels = [show.level()]
    show.run(2.0, until=lambda: bool(levels.append(show.level())))
    steps = np.abs(np.diff(np.log2(levels)))
    assert steps.max() <= 0.05 / show.rate * 1.1, "a second's worth in one picture"


def test_on_air_too_a_loop_without_effect_is_noticed_before_it_is_at_its_limit():
    for effect in (0.0, 0.03):
        dog, said = Watchdog(PREDICTED), set()
        for at in range(200):  # 0.05 stop a second of the lights, 0.03 of the picture
            dog.feed(at / 10, 0.005 * at, -0.9 + effect * at / 10, predicted=0.03 * at / 10)
            said.add(dog.verdict(at / 10))
        assert said == ({""} if effect else {"", "no-effect"})


def test_the_trembling_of_a_light_that_rests_is_no_hunting():
    dog = Watchdog()
    for at in range(600):
        dog.feed(at / 10, 0.003 * (-1) ** at, 0.05)
        assert dog.verdict(at / 10) == ""


@pytest.mark.parametrize("colour", [0.85, 0.03])
def test_somebody_before_a_third_of_the_reference_zones_is_not_the_light(colour):
    show = held()
    before = show.level()
    show.paint((slice(20, 90), slice(40, 76)), colour)
    show.run(15)
    assert show.level() == pytest.approx(before, rel=0.02)


def test_another_scene_is_not_held_and_said_to_be_another():
    show = held()
    own, before = show.camera.sensor, show.level()
    show.camera.sensor = Sensor(show.world, *SIZE, scene=Other)
    show.run(15)
    assert "another scene" in show.loop.now_state.why
    assert show.level() == pytest.approx(before, rel=0.02)
    show.camera.sensor = own
    show.run(4)
    assert show.loop.now_state.why == "resting"


def test_the_delay_is_known_at_any_rate_of_pictures():
    assert [Delay(3, 0.235).pictures(interval) for interval in (0.1, 0.125, 0.5, 1 / 30)] == [3, 2, 1, 7]
    room = Set(delay=2, rate=10.0)
    room.run(3)
    assert room.loop._law.delay == 2
    slow = Set(delay=2, rate=10.0)
    slow.rate = 30.0
    slow.run(3)
    assert slow.loop._law.delay == 6, "0.2 s of 30 pictures a second"


def test_the_rate_is_read_from_the_pictures_and_not_from_what_was_asked_for():
    memory = Memory()
    for at in range(12):
        memory.add(at * 0.4, Glance(0.0, at * 0.4, rate=8.0), {})
    memory.add(9.0, Glance(0.0, 9.0, rate=8.0), {})
    assert memory.interval == pytest.approx(0.4)


def zones(light):
    return [np.full(ZONES, light) * 2 ** DICE.normal(0, 0.001, ZONES) for _ in range(4)]


def test_a_step_that_is_lost_in_what_the_room_does_is_looked_at_again():
    predicted = np.linspace(0.05, 0.2, ZONES)
    assert judge(zones(0.2), zones(0.3), 0.3, predicted, drift=-3.0).verdict == "inconclusive"


def test_no_camera_takes_back_more_than_it_was_given():
    predicted = np.linspace(0.05, 0.2, ZONES)
    for fell, verdict in ((1.5, "inconclusive"), (0.125, "camera-auto-exposure")):
        seen = [each * 2 ** (predicted - fell) for each in zones(0.2)]
        assert judge(zones(0.2), seen, 0.3, predicted).verdict == verdict


def test_a_step_that_came_in_another_pattern_is_not_a_lamp_without_effect():
    predicted = np.linspace(0.02, 0.2, ZONES)
    seen = [each * 2 ** predicted[::-1] for each in zones(0.2)]
    assert judge(zones(0.2), seen, 0.3, predicted).verdict == "inconclusive"
    assert judge(zones(0.2), zones(0.2), 0.3, predicted).verdict == "no-effect"


def test_a_cloud_that_looks_like_auto_exposure_once_does_not_end_a_hold_on_air():
    show = held(on_air=True)
    show.loop._probing = Probing()
    for _ in range(45):
        show.turn()
        if show.loop._probing is not None and "+" in show.loop._probing.doing:
            show.world.daylight *= 0.995
    show.run(15)
    assert not show.loop.now_state.tripped, show.loop.now_state.evidence


def test_auto_exposure_on_air_is_found_all_the_same():
    show = held(on_air=True)
    weak = Weak()
    weak.target = measure_target(show)
    show.camera.automatic = weak
    assert isinstance(weak, Automatic)
    show.camera.controls.write("auto_exposure", 3)
    show.run(3)
    show.loop.set_mode("hold", show.now, target=show.loop.target * 2**0.4)
    before = show.level()
    show.run(40, until=lambda: bool(show.loop.now_state.tripped))
    assert show.loop.now_state.tripped in ("camera-auto-exposure", "no-effect")
    assert abs(math.log2(show.level() / before)) < 0.8, "its authority is a stop"


ROOM = np.linspace(0.6, 0.3, ZONES)
"""Share of each zone that is the room's light."""


@pytest.mark.parametrize(
    ("lights", "room", "aged", "verdict"),
    [
        (0.03, 0.03, 1.0, "camera-auto-exposure"),  # goes a quarter of the way
        (0.13, 0.13, 1.0, "camera-auto-exposure"),
        (0.0, 0.0, 1.0, "follows"),
        (0.0, 0.3, 1.0, "follows"),  # a cloud, and one that goes
        (0.0, -0.3, 1.0, "follows"),
        (0.0, 0.0, 0.8, "follows"),  # a lamp that has got older
        (0.0, 0.0, 0.6, "inconclusive"),
        (0.1, 0.6, 1.0, "inconclusive"),  # a cloud, and something else
    ],
)
def test_a_camera_a_cloud_and_an_old_lamp_are_told_apart(lights, room, aged, verdict):
    predicted = np.linspace(0.05, 0.2, ZONES)
    seen = [each * 2 ** (predicted * aged - lights * (1 - ROOM) - room * ROOM) for each in zones(0.2)]
    judged = judge(zones(0.2), seen, 0.3, predicted, room=ROOM)
    assert judged.verdict == verdict, judged.evidence


@pytest.mark.parametrize(("part", "speed"), [(0.5, 0.2), (0.7, 0.2), (0.5, 0.1), (1.0, 0.05)])
def test_an_auto_exposure_that_goes_only_a_part_of_the_way_is_refused(part, speed):
    studio = ClosedStudio(size=SIZE)
    studio.commission()
    studio.camera.automatic = weak = Weak()
    weak.part, weak.speed, weak.target = part, speed, measure_target(studio)
    studio.camera.controls.write("auto_exposure", 3)
    studio.run(5)
    before = studio.level()
    studio.loop.set_mode("hold", studio.now, target=2.0**studio.seen.ev)
    studio.run(2.0, until=lambda: bool(studio.loop.now_state.tripped))
    assert studio.loop.now_state.tripped == "camera-auto-exposure", studio.loop.now_state
    studio.run(2)
    assert studio.level() == pytest.approx(before, rel=0.01)


@pytest.mark.parametrize("rising", [0.03, -0.03])
def test_a_sudden_cloud_in_the_probe_is_not_taken_for_the_camera(rising):
    studio = ClosedStudio(size=SIZE)
    studio.commission()
    studio.loop.set_mode("hold", studio.now)
    for _ in range(20):  # a stop of daylight in three seconds
        studio.world.daylight *= 2.0**rising
        studio.turn()
    assert not studio.loop.now_state.tripped, studio.loop.now_state.evidence


# --- the presenter's face ----------------------------------------------------------------------------------------


def watch(face, seconds, light, now=0.0):
    for at in range(round(seconds * 8)):
        face.feed(now + at / 8, None if light is None else light + 0.03 * math.sin(at))
    return now + seconds


def test_a_face_that_sits_less_in_the_light_is_given_more_slowly():
    face = Face(0.3)
    now = watch(face, 12, -1.0)
    assert face.trim == 0.0 and face.said == ""
    now = watch(face, 15, -1.25, now)
    assert 0.0 < face.trim < 0.12
    now = watch(face, 60, -1.25, now)
    assert face.trim == pytest.approx(0.25, abs=0.05) and "presenter" in face.said
    watch(face, 90, -2.0, now)
    assert 0.2 < face.trim <= 0.3


def test_a_face_that_is_lost_or_doubtful_moves_nothing():
    face = Face(0.3)
    now = watch(face, 12, -1.0)
    watch(face, 20, None, now)
    now = watch(face, 7, -2.0, now + 20)
    assert face.trim == 0.0, "too short"
    now = watch(face, 1, None, now)
    for at in range(400):
        face.feed(now + at / 8, -1.0 - 0.8 * (at % 2))
    assert face.trim == 0.0


def test_somebody_else_in_the_seat_is_taken_as_he_is():
    face = Face(0.3)
    now = watch(face, 12, -1.0)
    now = watch(face, 40, None, now)
    watch(face, 60, -1.8, now)
    assert face.trim == 0.0


@pytest.mark.parametrize("most", [0.3, 0.0])
def test_the_loop_lights_a_face_that_moved_out_of_the_light(most):
    room = Set(presenter_trim=most)
    turn, lit = room.loop.turn, [0.6]
    room.loop.turn = lambda glance, now, air: turn(
        replace(glance, face=lit[0] * float(np.mean(glance.zones))), now, air
    )
    room.run(25)
    rested = room.off()
    lit[0] = 0.5  # a quarter of a stop less
    room.run(70)
    assert room.off() - rested == pytest.approx(0.26 if most else 0.0, abs=0.12)
    assert ("presenter" in room.loop.now_state.why) == bool(most)
