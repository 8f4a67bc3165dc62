"""A closed loop without threads or real time: the honest virtual camera, metered, the exposure service, the rig, and
the rig's frames back on the lamps. One call of :meth:`ClosedStudio.run` is so many seconds of show."""

import math
import threading
from collections.abc import Callable, Mapping

import numpy as np

from agent.exposure.camera.glance import Glance
from agent.exposure.commissioning.commission import Commission
from agent.exposure.commissioning.instructions import Commissioned, Moved, Set, Terms
from agent.exposure.commissioning.proof import Proof, Proven
from agent.exposure.commissioning.refusals import Refused
from agent.exposure.commissioning.run import lights_of
from agent.exposure.loop.service import ExposureService
from agent.exposure.transport.matrix import Shot, zones_of
from agent.lighting.claims import Priority
from agent.lighting.rig import Rig
from config.model import AgentSection, ExposureSection, FixtureSection, OutputSection, StudioConfig
from config.units import Attribute
from drivers.camera.metrics import Metrics, measure
from drivers.virtual.camera import VirtualCamera
from drivers.virtual.clock import ManualClock
from drivers.virtual.relief import SceneMaker
from drivers.virtual.scene import Scene
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.world import HOMES, Lamp, World
from firmware_profiles.patch import patch

LIGHT = Attribute.INTENSITY
FRAMES = 4
"""DMX frames sent per camera sample."""
LOOK = {"key": 0.35, "fill": 0.3, "back": 0.3}


class ClosedStudio:
    """``delay``: pictures from light to picture; ``rate``: pictures a second; ``lights``: what the lights are;
    ``look``: which lights there are, named by their role (``key``, ``key2``), and the level of each."""

    def __init__(
        self,
        delay: int = 2,
        rate: float = 10.0,
        size: tuple[int, int] = (320, 180),
        daylight: float = 0.16,
        lights: tuple[str, str] = ("generic/dimmer", "16bit"),
        scene: SceneMaker = Scene,
        look: Mapping[str, float] = LOOK,
        **section: object,
    ):
        self.clock = ManualClock()
        roles = {name: name.rstrip("23") for name in look}
        config = StudioConfig(
            agent=AgentSection(site="test", name="closed"),
            outputs={"out": OutputSection(driver="sacn", universes=(1,))},
            fixtures={
                name: FixtureSection(
                    profile=lights[0],
                    personality=lights[1],
                    universe=1,
                    address=1 + 8 * at,
                    role=role,  # type: ignore[arg-type]
                )
                for at, (name, role) in enumerate(roles.items())
            },
        )
        self.fixtures = patch(config)
        places = {name: HOMES[role][int(name[len(role) :] or 1) - 1] for name, role in roles.items()}
        lamps = [Lamp(n, 1, f.address, f.personality, roles[n], places[n], lag=0.02) for n, f in self.fixtures.items()]
        self.world = World(self.clock, lamps, daylight=daylight)
        self.camera = VirtualCamera(VirtualStudio(self.clock), self.world, "cam", size, rate, delay, scene=scene)
        self.camera.plug("cam")
        self.source = self.camera.studio.camera("cam")
        self.rate = rate
        self.rig = Rig(
            self.fixtures, rate=0.6, present={n: {LIGHT: v} for n, v in look.items()}, show=lambda scene: None
        )
        options = {"fixtures": ("key", "fill"), "mode": "watch", "authority": 2.0, "delay": delay, **section}
        self.loop = ExposureService(ExposureSection(camera="cam", **options), self.rig)  # type: ignore[arg-type]
        self.on_air = False
        self.trail: list[float] = []
        """Stops from the target, picture by picture."""
        self.seen: Metrics | None = None
        self._wake = threading.Condition()
        for _ in range(2 * delay + 4):
            self.picture()

    @property
    def now(self) -> float:
        return self.clock.now()

    def picture(self) -> Shot:
        """The lamps go on for one camera interval; then the picture."""
        begun = self.now
        for part in range(1, FRAMES + 1):
            with self._wake:
                self.clock.wait(self._wake, begun + part / FRAMES / self.rate)
            self.rig.lapse(self.now)
            self.world.hear(1, self.rig.scene.frame(1, self.now))
        pixels, captured = self.source.read(1.0)
        self.seen = measure(pixels, 1.0)
        return Shot(captured, zones_of(self.seen), "", None)

    def turn(self) -> None:
        """One picture, and what the loop makes of it."""
        shot = self.picture()
        assert self.seen is not None
        ev = self.seen.ev - math.log2(self.loop.target)
        self.loop.turn(Glance(ev, shot.captured, zones=shot.zones, rate=self.rate), self.now, self.on_air)
        self.trail.append(self.loop.now_state.ev if self.loop.now_state.ev is not None else math.nan)

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> list[float]:
        """So many seconds of it; what :attr:`trail` got meanwhile."""
        begun = len(self.trail)
        for _ in range(round(seconds * self.rate)):
            self.turn()
            if until():
                break
        return self.trail[begun:]

    def level(self, name: str = "key") -> float:
        return self.rig.scene.levels(name, self.now)[LIGHT]

    def commission(self, empty: bool = True) -> Commissioned | Refused:
        """As the agent does it, picture by picture; the loop goes by it, and the present picture is its target."""
        names = self.loop.fixtures
        terms = Terms("cam", "2026-11-26T10:00:00Z", rate=self.rate, slew=3.0 if empty else 0.5, empty=empty)
        plan = Commission(lights_of(self.rig, names), terms)
        self._carry_out(plan)
        assert plan.result is not None
        if isinstance(plan.result, Commissioned):
            self.loop.commission(plan.result.transport, self.now)
            assert self.seen is not None
            self.loop.set_mode(self.loop.mode, self.now, target=2.0**self.seen.ev)
        return plan.result

    def prove(self) -> Proven | Refused:
        """Step each light by a tenth and look who answers."""
        assert self.loop.transport is not None
        plan = Proof(lights_of(self.rig, self.loop.fixtures), self.loop.transport, self.rate, 0.5)
        self._carry_out(plan)
        assert plan.result is not None
        return plan.result

    def _carry_out(self, plan: Commission | Proof) -> None:
        levels = {light.name: light.look for light in plan.lights}
        kelvins: dict[str, float] = {}
        while (todo := plan.instruction) is not None:
            if isinstance(todo, Set):
                levels |= todo.levels
                kelvins |= todo.kelvin
                wanted = {name: {LIGHT: level} for name, level in levels.items()}
                for name, kelvin in kelvins.items():
                    wanted[name][Attribute.CCT] = kelvin
                began = self.now
                arrived = self.rig.claim("commissioning", Priority.TEST, wanted, now=began, fade=todo.fade, lease=60)
                plan.reply(Moved(began, arrived))
            else:
                plan.reply([self.picture() for _ in range(todo.pictures)])
        self.rig.release(self.now, owner="commissioning")
        self.run(1.0)


def settled(trail: list[float], rate: float, within: float = 0.05) -> float:
    """Seconds after which the picture stays so near its target."""
    late = max((at for at, off in enumerate(trail) if not abs(off) <= within), default=-1)
    return (late + 1) / rate


def beyond(trail: list[float], sign: float) -> float:
    """Stops by which it went past its target."""
    return float(max(0.0, np.max(-sign * np.array(trail))))
