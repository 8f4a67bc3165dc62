"""The closed studio of the commissioning tests: lamps, room, camera and clock made of numbers."""

import math
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from agent.exposure.commissioning.commission import Commission
from agent.exposure.commissioning.instructions import Moved, Set, Watch
from agent.exposure.transport.matrix import ZONES, Shot
from tests.agent.exposure.optical import AMBIENT, NOISE, X


@dataclass
class Studio:
    """``columns``: each lamp's light at full; ``room``: the ambient at a time; ``delay``: seconds from wire to picture;
    ``slow``: seconds single lamps take more; ``automatic``: the camera's own exposure, and
    ``asleep``: stops that do not wake it, ``aim``: the light it wants; ``curve``: exponent
    of the lamps' light by level, ``gamma``: of the picture's numbers by light; ``people``: zones somebody walks
    through; ``dead``: lamps that do nothing."""

    columns: dict
    levels: dict
    seed: int = 1
    rate: float = 8.0
    delay: float = 0.31
    noise: float = NOISE
    room: object = staticmethod(lambda at: AMBIENT)
    speed: float = 0.15
    slow: dict = field(default_factory=dict)
    automatic: bool = False
    asleep: float = 0.005
    aim: float | None = None
    curve: float = 1.0
    gamma: float = 1.0
    people: float = 0.0
    dead: tuple = ()
    now: float = 100.0
    sets: list = field(default_factory=list)
    loudest: float = 0.0

    def __post_init__(self):
        self.random = np.random.default_rng(self.seed)
        self.fades = {name: deque([(0.0, 0.1, level, level)]) for name, level in self.levels.items()}
        self.gain = 1.0
        self.awake = False
        self.white = 200.0

    def level(self, name, at):
        for began, arrived, before, after in reversed(self.fades[name]):
            if at >= began:
                return before + (after - before) * min((at - began) / max(arrived - began, 1e-6), 1.0)
        return self.levels[name]

    def zones(self, at):
        light = self.room(at) + sum(
            column * self.level(name, at - self.delay - self.slow.get(name, 0.0)) ** self.curve
            for name, column in self.columns.items()
            if name not in self.dead
        )
        return light * (1 + self.people * np.sin(1.7 * at + X.ravel()) * (np.arange(ZONES) % 16 > 4))

    def picture(self, fault=""):
        """The next one. Automatic exposure goes a share of the way, ``speed``, once it is ``asleep`` off, until it is
        there."""
        self.now += 1 / self.rate
        light = self.zones(self.now)
        if self.automatic:
            self.aim = self.aim or float(light.mean())
            off = math.log2(self.aim / float((light * self.gain).mean()))
            self.awake = abs(off) > (0.005 if self.awake else self.asleep)
            self.gain *= 2 ** (self.speed * off) if self.awake else 1.0
        seen = (light * self.gain) ** self.gamma + self.random.normal(0, self.noise, ZONES)
        return Shot(self.now, np.minimum(seen, 1.0), fault, self.white + self.random.normal(0, 0.3))

    def do(self, instruction):
        if isinstance(instruction, Watch):
            return tuple(self.picture() for _ in range(instruction.pictures))
        assert isinstance(instruction, Set)
        self.sets.append(instruction)
        arrived = self.now + instruction.fade
        for name, level in instruction.levels.items():
            shown = self.level(name, self.now)
            self.loudest = max(self.loudest, abs(level / max(shown, 0.2) - 1))
            self.fades[name].append((self.now, arrived, shown, level))
        if instruction.kelvin:
            self.white = 40 + 0.8 * float(np.mean([1e6 / each for each in instruction.kelvin.values()]))
        return Moved(self.now, arrived)

    def carry_out(self, plan: Commission):
        """Until the end; the result and the seconds it took."""
        began = self.now
        while plan.instruction is not None:
            plan.reply(self.do(plan.instruction))
        return plan.result, self.now - began
