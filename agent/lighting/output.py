"""One output of the studio: its driver, its lane and its pump, as one thing."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from agent.lighting.pump import Pump
from agent.lighting.scene import Scene
from agent.runtime.lane import BackOff, Health, Lane
from agent.runtime.unit import Unit
from config.model import OutputSection
from drivers.base import Output
from drivers.host import Host

SOON = BackOff(first=0.25, most=2.0)
"""A light that cannot be driven is looked for again quickly: a replugged widget is back within 2 s."""


class OutputUnit(Unit[OutputSection, Output]):
    """An output and its pump."""

    def __init__(
        self,
        name: str,
        section: OutputSection,
        host: Host,
        tell: Callable[[str, Health], None],
        bug: Callable[[str, BaseException], None],
        scene: Scene,
        before: Mapping[int, bytes] = MappingProxyType({}),
    ) -> None:
        """``before``: frames its universes were last sent by whoever carried them."""
        super().__init__(name, section, host)
        self.pump = Pump(self.driver, section.universes, scene, before)
        self.lane = Lane(name, self.driver, self.pump, now=host.now, tell=tell, bug=bug, back_off=SOON)

    @property
    def under_control(self) -> bool:
        """Its lights have been sent a frame, or it has said why not."""
        health = self.lane.health
        return health.state == "offline" or (health.state == "ok" and self.pump.has_sent)

    def has_shown(self, scene: Scene, now: float) -> bool:
        """Whether it last sent every light as the scene has it now; for one that is offline nobody waits."""
        return self.lane.health.state != "ok" or all(
            scene.shown_by(universe, self.pump.wire(universe), now) for universe in self.section.universes
        )

    def show(self, scene: Scene) -> None:
        """Have the lights do this from now on."""
        self.pump.show(scene)
        self.lane.wake()
