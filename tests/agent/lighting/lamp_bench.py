"""A bus with its twin, a rig and a pump on a clock of the test's own; turns are driven by hand."""

from agent.lighting.claims import Priority
from agent.lighting.lamps import LampPump
from agent.lighting.rig import Rig
from config.model import AgentSection, BusSection, FixtureSection, StudioConfig
from config.units import Attribute
from drivers import registry
from drivers.errors import DriverError, LinkLost
from drivers.virtual.clock import ManualClock
from drivers.virtual.furnish import furnish
from firmware_profiles.patch import patch

LIGHT = Attribute.INTENSITY
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


def flat_out(bench):
    """No lamp's light was ever told to move faster than the limit, over whatever time; one exchange may be quicker on
    the wire than the one before it."""
    for name in bench.pump.lines:
        told = bench.of(name)
        for at, (before, was) in enumerate(told):
            for after, now in told[at + 1 :]:
                assert abs(now[LIGHT] - was[LIGHT]) <= RATE * (after - before + EXCHANGE) + 1e-6, f"{name} at {after}"
