"""Lamps on a bus: newest value only, led at the slew limit, a dead one costs the others nothing. Real drivers against
twins on a clock of the test's own; turns are driven by hand."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.lighting.lamps import BEAT
from config.units import Attribute
from drivers.base import Identity
from drivers.virtual.twin import Fault
from tests.agent.lighting.lamp_bench import Bench, flat_out

LIGHT = Attribute.INTENSITY


def test_a_fade_arrives_in_time_on_every_lamp_and_then_the_wire_rests():
    bench = Bench().run(0.5)
    arrives = bench.set(1.0, fade=4.0)
    bench.run(4.0)
    assert arrives == pytest.approx(bench.clock.now(), abs=0.3)
    bench.run(0.3)
    assert [bench.shown(name) for name in ("l0", "l1", "l2")] == [1.0, 1.0, 1.0]
    assert bench.pump.has_shown(bench.rig.scene, bench.clock.now())
    levels = [each[LIGHT] for _, each in bench.of("l1")]
    assert levels == sorted(levels) and len(levels) > 25, "the fade came in jumps"
    count = len(bench.told)
    bench.run(5.0)
    assert len(bench.told) == count, "an unchanged lamp was told again"


def test_only_the_newest_value_is_sent_to_a_slow_lamp():
    bench = Bench(1, "neewer/gl1", "wifi", host="10.77.0.90").run(3.0)
    for step in range(40):
        bench.set(0.01 * step)
        bench.run(0.05)
    bench.run(1.5)
    assert bench.shown("l0") == pytest.approx(0.39, abs=0.01)
    times = [when for when, _ in bench.of("l0")]
    assert len(times) < 12
    assert all(b - a >= 0.5 - 1e-6 for a, b in pairwise(times)), "a command came too early and would be lost"


def test_a_lamp_that_forgets_is_told_again_as_its_profile_wants():
    bench = Bench(1, "neewer/gl1", "wifi", host="10.77.0.90").run(3.0)
    bench.set(0.5)
    bench.run(3.0)
    bench.twin.device.restart()
    assert bench.shown("l0") == 0.0
    bench.run(8.0)
    assert bench.shown("l0") == pytest.approx(0.5, abs=0.01)


def test_a_dead_lamp_is_said_and_does_not_slow_the_others():
    bench = Bench(3).run(0.5)
    answer = bench.twin.device._answer
    bench.twin.device._answer = lambda unit, *more: b"" if unit == 2 else answer(unit, *more)
    bench.set(1.0, fade=5.0)
    bench.run(5.6)
    assert (bench.shown("l0"), bench.shown("l1"), bench.shown("l2")) == (1.0, 0.0, 1.0)
    assert "no answer from unit 2" in bench.pump.lines["l1"].fault
    assert bench.changes and bench.losses == 0
    bench.twin.device._answer = answer
    bench.run(12.0)
    assert bench.shown("l1") == 1.0 and bench.pump.lines["l1"].fault == ""
    steps = [levels[LIGHT] for _, levels in bench.of("l1")]
    assert len(steps) > 10, "it was thrown to its level, not led"


def test_when_all_are_silent_the_bus_is_lost_and_comes_back_without_a_jump():
    bench = Bench(2).run(0.5)
    bench.set(0.5)
    bench.run(2.0)
    bench.twin.fault(Fault.SILENCE)
    bench.set(1.0)
    bench.run(10.0)
    assert bench.losses == 1
    bench.twin.heal()
    bench.run(4.0)
    assert [bench.shown(name) for name in ("l0", "l1")] == [1.0, 1.0]
    flat_out(bench)


def test_an_unplugged_line_comes_back_with_the_look():
    bench = Bench(2, personality="relay-1000").run(0.5)
    bench.set(0.8)
    bench.run(3.0)
    bench.twin.fault(Fault.UNPLUG)
    bench.set(0.2)
    bench.run(2.0)
    assert bench.losses == 1 and bench.shown("l0") == pytest.approx(0.8)
    bench.twin.heal()  # power cycled: dark and switched off
    assert bench.shown("l0") == 0.0
    bench.run(3.0)
    assert [bench.shown(name) for name in ("l0", "l1")] == [0.2, 0.2]


def test_a_hand_at_the_knob_is_told_and_put_right_by_and_by():
    bench = Bench(1).run(0.5)
    bench.set(0.5)
    bench.run(3.0)
    bench.twin.held.values["l0"][LIGHT] = 900
    told = len(bench.told)
    bench.run(10.0)
    assert bench.pump.lines["l0"].differs == "intensity was set to 0.5, and it has 0.9"
    bench.run(9.5)
    assert bench.shown("l0") == 0.5
    assert len(bench.told) - told > 5, "it was thrown back, not led"
    bench.run(11.0)
    assert bench.pump.lines["l0"].differs == ""


def test_a_lamp_that_says_what_it_has_is_taken_over_from_there():
    bench = Bench(1)
    bench.twin.held.values["l0"][LIGHT] = 1000
    bench.run(0.05)
    assert bench.shown("l0") > 0.9
    bench.run(3.0)
    assert bench.shown("l0") == 0.0
    flat_out(bench)


def test_a_stop_freezes_a_lamp_that_is_still_led_to_the_scene():
    bench = Bench(1)
    bench.twin.held.values["l0"][LIGHT] = 1000
    bench.run(0.5)
    bench.rig.stop("hand", bench.clock.now())
    bench.run(0.1)
    stopped = bench.shown("l0")
    assert 0.5 < stopped < 1.0
    bench.run(5.0)
    assert bench.shown("l0") == stopped
    bench.rig.reset(bench.clock.now())
    bench.run(0.1)
    assert bench.shown("l0") > stopped - 0.1, "the time of the stop is not made up for"
    bench.run(5.0)
    assert bench.shown("l0") == 0.0
    flat_out(bench)


def test_measured_numbers_come_with_the_look():
    bench = Bench(1, personality="relay-1000", look_every=2.0).run(5.0)
    [reading] = bench.pump.lines["l0"].readings
    assert (reading.name, reading.value, reading.unit) == ("temperature", 25.0, "°C")


def test_a_refusal_is_kept_and_not_hammered():
    bench = Bench(1, "generic/ascii-controller", "8ch").run(0.5)
    bench.twin.device.refuses = 1
    asked = []
    receive = bench.twin.device.receive
    bench.twin.device.receive = lambda data: asked.append(data) or receive(data)
    bench.set(1.0)
    bench.run(12.0)
    assert "declines" in bench.pump.lines["l0"].fault
    assert 2 <= len([data for data in asked if data[1:2] == b"3"]) <= 4
    bench.twin.device.refuses = None
    bench.run(8.0)
    assert bench.shown("l0") == 1.0 and bench.pump.lines["l0"].fault == ""


storms = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.floats(0, 2),
        st.floats(0.0, 1.5),
        st.sampled_from([None, None, None, Fault.SILENCE, Fault.UNPLUG, Fault.NOISE, Fault.CUT]),
    ),
    min_size=1,
    max_size=8,
)


@settings(deadline=None, max_examples=25)
@given(storms)
def test_whatever_is_commanded_and_whatever_breaks_no_lamp_jumps(storm):
    bench = Bench(2).run(0.3)
    for level, fade, pause, fault in storm:
        bench.set(level, fade=fade)
        if fault is not None:
            bench.twin.fault(fault)
        bench.run(pause)
        bench.twin.heal()
    bench.run(12.0)
    assert bench.pump.has_shown(bench.rig.scene, bench.clock.now())
    assert all(bench.shown(name) == pytest.approx(storm[-1][0], abs=0.001) for name in bench.pump.lines)
    flat_out(bench)


def test_a_turn_lets_others_through_on_a_long_line():
    bench = Bench(40)
    begun = bench.clock.now()
    bench.due = bench.pump.turn(begun)
    assert bench.clock.now() - begun < 0.6, "a stop would have to wait"
    bench.run(5.0)
    bench.set(1.0, fade=20.0)
    bench.run(20.0)
    gaps = [b - a for name in ("l0", "l39") for (a, _), (b, _) in pairwise(bench.of(name)[-10:])]
    assert max(gaps) < 40 * 0.08, "one lamp starves"
    assert min(gaps) > BEAT


def test_opening_anew_tells_every_lamp_again():
    bench = Bench(2).run(1.0)
    count = len(bench.told)
    bench.pump.opened(Identity("again"), bench.clock.now())
    assert not bench.pump.has_sent
    bench.due = bench.clock.now()
    bench.run(0.3)
    assert len(bench.told) == count + 2 and bench.pump.has_sent


def test_a_lamp_that_will_not_say_what_it_has_is_told_all_the_same():
    bench = Bench(1, look_every=2.0)
    answer = bench.twin.device._answer
    refuse = bench.twin.device._refuse
    bench.twin.device._answer = lambda unit, function, body: (
        refuse(unit, function, 1) if function == 3 else answer(unit, function, body)
    )
    bench.set(0.5)
    bench.run(5.0)
    line = bench.pump.lines["l0"]
    assert bench.shown("l0") == 0.5 and line.fault == ""
    assert "will not read 0" in line.differs


def test_of_a_lamp_that_refuses_from_the_first_is_kept_where_it_was_first_to_be():
    """Made anew (a reload), the pump would else throw it to where the scene has come to be."""
    bench = Bench(1)
    device = bench.twin.device
    device._answer = lambda unit, function, body: device._refuse(unit, function, 1)
    bench.run(0.1)
    bench.set(1.0)
    bench.run(12.0)
    assert bench.pump.lines["l0"].told is None
    assert [levels for _, levels in bench.pump.told()] == [{LIGHT: 0.0}]


def test_a_light_with_coarse_steps_and_a_slow_limit_arrives_all_the_same():
    bench = Bench(1, personality="0-100").run(0.5)
    bench.set(0.2)
    bench.run(2.0)
    bench.rig.limit(0.05, bench.clock.now())
    bench.twin.fault(Fault.SILENCE)
    bench.set(0.8)
    bench.run(20.0)
    bench.twin.heal()
    bench.run(14.0)
    assert bench.shown("l0") == 0.8
    steps = [levels[LIGHT] for _, levels in bench.of("l0")]
    assert max(b - a for a, b in pairwise(steps[-40:])) < 0.02


def test_a_resting_pump_says_when_it_wants_a_turn_and_that_is_some_day():
    for lights in (0, 2):
        bench = Bench(lights, look_every=None).run(3.0)
        assert bench.pump.turn(bench.clock.now()) <= bench.clock.now() + 3600
        assert bench.pump.has_sent and bench.losses == 0
