"""A bus with lamps as the daemon sees it: its table and lights, its driver, its lane and pump, and how they are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from agent.lighting.lamps import LampPump, Position, Told
from agent.lighting.player import SOON
from agent.lighting.scene import Scene
from agent.runtime.lane import Health, Lane
from agent.runtime.unit import Unit
from config.model import BusSection, StudioConfig
from drivers.base import Bus
from drivers.host import Host
from firmware_profiles.patch import Patched

NOTHING: Mapping[Position, Told] = MappingProxyType({})


@dataclass(frozen=True)
class Fitting:
    """A bus's table and the lights on it: another one is another unit, for a bus learns of its lamps before opening."""

    section: BusSection
    lights: tuple[Patched, ...]

    @property
    def driver(self) -> str:
        return self.section.driver

    @property
    def options(self) -> dict[str, Any]:
        return self.section.options

    @property
    def folder(self) -> Path | None:
        return self.section.folder


def fittings(config: StudioConfig, lights: Mapping[str, Patched]) -> dict[str, Fitting]:
    """Each bus with what is patched on it."""
    return {
        name: Fitting(section, tuple(light for light in lights.values() if light.bus == name))
        for name, section in config.buses.items()
    }


class BusUnit(Unit[Fitting, Bus]):
    """A bus, its lane and its pump."""

    def __init__(
        self,
        name: str,
        fitting: Fitting,
        host: Host,
        tell: Callable[[str, Health], None],
        bug: Callable[[str, BaseException], None],
        scene: Scene,
        before: Mapping[Position, Told] = NOTHING,
    ) -> None:
        """``before``: what lamps were told last by whoever had the bus."""
        super().__init__(name, fitting, host)

        def changed() -> None:
            tell(name, self.lane.health)

        look = fitting.section.look_every
        self.pump = LampPump(self.driver, fitting.lights, scene, host.now, look, changed, before)
        self.lane = Lane(name, self.driver, self.pump, now=host.now, tell=tell, bug=bug, back_off=SOON)

    @property
    def under_control(self) -> bool:
        """Its lamps have been told where to be, or why not is known."""
        health = self.lane.health
        return health.state == "offline" or (health.state == "ok" and self.pump.has_sent)

    def has_shown(self, scene: Scene, now: float) -> bool:
        """Whether it has told every lamp what the scene has now; for one that is offline nobody waits."""
        return self.lane.health.state != "ok" or self.pump.has_shown(scene, now)

    def health(self, light: str) -> tuple[Literal["ok", "offline", "starting"], str]:
        """One of its lights: state and reason."""
        health = self.lane.health
        if health.state != "ok":
            return health.state, health.reason
        fault = self.pump.lines[light].fault
        return ("offline", fault) if fault else ("ok", "")

    def show(self, scene: Scene) -> None:
        """Have the lamps do this from now on."""
        self.pump.show(scene)
        self.lane.wake()
