"""Lamps on a bus: newest value only, led at the slew limit, a dead one costs the others nothing. Real drivers against
twins on a clock of the test's own; turns are driven by hand."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.lighting.claims import Priority
from agent.lighting.lamps import BEAT, LampPump
from agent.lighting.rig import Rig
from config.model import AgentSection, BusSection, FixtureSection, StudioConfig
from config.units import Attribute
from drivers import registry
from drivers.base import Identity
from drivers.errors import DriverError, LinkLost
from drivers.virtual.clock import ManualClock
from drivers.virtual.furnish import furnish
from drivers.virtual.twin import Fault
from firmware_profiles.patch import patch

LIGHT, CCT = Attribute.INTENSITY, Attribute.CCT
RATE = 0.6
EXCHANGE = 0.06
"""Seconds that a question and its answer take here at the most."""


class Bench:
    """A bus with its twin, a rig and a pump. ``run`` does what the lane would: turns when due, reopens when lost."""

    def __init__(self, lights=3, profile="generic/modbus-dimmer", personality="0-1000", look_every=10.0, **options):
        driver = "modbus" if "modbus" in profile else "line"
        config = StudioConfig(
            agent=AgentSection(site="test", name="room"),
            buses={"bus": BusSection(driver=driver, options=options or {"port": "/dev/bus"})},
            fixtures={
                f"l{n}": FixtureSection(profile=profile, personality=personality, bus="bus", unit=n + 1)
                for n in range(lights)
            },
        )
        self.clock = ManualClock()
        self.studio = furnish(config, self.clock)
        self.twin = self.studio.twins["bus"]
        fixtures = patch(config)
        self.pump = None
        present = {name: {LIGHT: 0.0} for name in fixtures}
        self.rig = Rig(fixtures, rate=RATE, present=present, show=self._show)
        section = config.buses["bus"]
        spec = registry.find(section.driver)
        self.bus = spec.make(spec.read(section.options, None), self.studio)
        self.changes = []
        self.pump = LampPump(
            self.bus,
            tuple(fixtures.values()),
            self.rig.scene,
            self.clock.now,
            look_every,
            lambda: self.changes.append(self.clock.now()),
        )
        self.losses, self.lost = 0, True
        self.told = []
        for name, line in self.pump.lines.items():
            line.lamp.apply = self._noted(name, line.lamp.apply)
        self.open()

    def _noted(self, name, apply):
        def noted(levels):
            apply(levels)
            self.told.append((self.clock.now(), name, dict(levels)))

        return noted

    def _show(self, scene):
        if self.pump is not None:
            self.pump.show(scene)
            self.due = self.clock.now()

    def open(self):
        self.pump.opened(self.bus.open(), self.clock.now())
        self.lost = False
        self.due = self.clock.now()

    def run(self, seconds):
        until = self.clock.now() + seconds
        while self.clock.now() < until:
            if self.clock.now() < self.due:
                self.clock.advance(min(self.due, until) - self.clock.now())
                continue
            try:
                if self.lost:
                    self.clock.advance(0.25)
                    self.open()
                self.due = self.pump.turn(self.clock.now())
            except LinkLost:
                self.losses += not self.lost
                self.lost = True
                self.bus.close()
            except DriverError:
                assert self.lost, "only opening may fail like this"
        return self

    def set(self, level, fade=0.0, names=None, **more):
        levels = {name: {LIGHT: level} for name in (names or self.pump.lines)}
        return self.rig.claim("hand", Priority.MANUAL, levels, now=self.clock.now(), fade=fade, **more)

    def shown(self, name):
        return self.twin.shown[name][LIGHT]

    def of(self, name):
        return [(when, levels) for when, each, levels in self.told if each == name]


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


def flat_out(bench):
    """No lamp's light was ever told to move faster than the limit, over whatever time; one exchange may be quicker on
    the wire than the one before it."""
    for name in bench.pump.lines:
        told = bench.of(name)
        for at, (before, was) in enumerate(told):
            for after, now in told[at + 1 :]:
                assert abs(now[LIGHT] - was[LIGHT]) <= RATE * (after - before + EXCHANGE) + 1e-6, f"{name} at {after}"


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


def dead(bench, units):
    """These units fall silent; returns how to bring them back."""
    answer = bench.twin.device._answer
    bench.twin.device._answer = lambda unit, *more: b"" if unit in units else answer(unit, *more)

    def back():
        bench.twin.device._answer = answer

    return back


@pytest.mark.parametrize("count", [1, 8, 30])
def test_dead_lamps_never_hold_up_the_others_beyond_a_bound_however_many(count):
    bench = Bench(count + 1, look_every=None).run(2.0)
    dead(bench, range(1, count + 1))
    alive = f"l{count}"
    bench.set(0.9)
    bench.run(5.0 + 0.5 * count)  # what each one's first silence costs
    begun = bench.clock.now()
    bench.set(0.1, fade=10.0)
    bench.run(10.5)
    assert bench.shown(alive) == pytest.approx(0.1)
    told = [when for when, _ in bench.of(alive) if when > begun]
    waits = sorted(b - a for a, b in pairwise(told))
    assert waits[-1] < 0.25 + 0.1, "one try of a silent lamp is all that may come between"
    assert sum(wait for wait in waits if wait > 0.1) < 0.3 * 10.0, "they take no more than a quarter of the wire"
    assert bench.losses == 0


def test_a_lamp_that_comes_back_on_a_busy_line_is_found_all_the_same():
    bench = Bench(30, look_every=None).run(3.0)
    back = dead(bench, (7,))
    bench.set(0.5)
    bench.run(6.0)
    bench.set(0.9, fade=60.0)
    back()
    bench.run(16.0)
    assert bench.shown("l6") > 0.4
    flat_out(bench)


def test_a_lamp_that_is_busy_gets_a_moment_and_is_not_called_dead():
    bench = Bench(2).run(0.5)
    answer, refuse = bench.twin.device._answer, bench.twin.device._refuse
    until = bench.clock.now() + 0.35
    bench.twin.device._answer = lambda unit, function, body: (
        refuse(unit, function, 6) if bench.clock.now() < until else answer(unit, function, body)
    )
    bench.set(0.2)
    bench.run(2.0)
    assert [bench.shown(name) for name in ("l0", "l1")] == [0.2, 0.2]
    assert not bench.changes and bench.losses == 0
