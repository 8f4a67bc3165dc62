"""One camera of the studio: its driver, its lane, and what its latest picture says."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from agent.exposure.glance import Glance
from agent.exposure.transport import zones_of
from agent.runtime.lane import BackOff, Health, Lane
from agent.runtime.unit import Unit
from config.model import CameraSection
from drivers.base import Camera, Identity
from drivers.camera.faults import FaultState, PictureFault, start, step
from drivers.camera.metrics import Metrics, measure
from drivers.host import Host

UNIT_TARGET = 1.0
"""Pictures are metered against full white; whoever has a target subtracts its own stops."""


@dataclass(frozen=True, slots=True)
class Sight:
    """One measured picture. ``fault`` names what is wrong with it (``None`` for a sound one), ``evidence`` why."""

    metrics: Metrics
    captured: float
    number: int
    fault: PictureFault | None = None
    evidence: Mapping[str, float] = field(default_factory=dict)

    @property
    def untrusted(self) -> str:
        """Why nothing should act on this picture; "" when it may. A clipped one may: it asks for less light."""
        return "" if self.fault in (None, PictureFault.CLIPPED) else str(self.fault)

    def ev(self, target: float) -> float:
        """Stops from a target of linear light; negative = too dark."""
        return self.metrics.ev - math.log2(target)

    def glance(self, target: float, rate: float) -> Glance:
        """What the exposure loop needs of it. ``rate``: pictures measured per second."""
        metrics = self.metrics
        return Glance(
            self.ev(target),
            self.captured,
            self.untrusted,
            zones_of(metrics),
            metrics.mired,
            self.fault is PictureFault.CLIPPED,
            rate,
        )


class CameraWatch:
    """Work of a camera's lane: grab, measure, judge, tell; on absolute due times, newest picture wins."""

    def __init__(self, name: str, camera: Camera, rate: float, seen: Callable[[str, Sight], None]) -> None:
        self._name = name
        self._camera = camera
        self._period = 1.0 / rate
        self._seen = seen
        self._faults = FaultState()
        self._due = 0.0
        self.latest: Sight | None = None

    def opened(self, identity: Identity, now: float) -> None:
        self._faults = start(now)
        self._due = now

    def turn(self, now: float) -> float:
        image = self._camera.grab()
        metrics = measure(image.pixels, UNIT_TARGET)
        self._faults = step(self._faults, metrics, metrics.points, image.captured)
        self.latest = Sight(metrics, image.captured, image.number, self._faults.fault, self._faults.evidence)
        self._seen(self._name, self.latest)
        self._due = max(self._due + self._period, now)
        return self._due


class CameraUnit(Unit[CameraSection, Camera]):
    """A camera and its watch."""

    def __init__(
        self,
        name: str,
        section: CameraSection,
        host: Host,
        tell: Callable[[str, Health], None],
        bug: Callable[[str, BaseException], None],
        seen: Callable[[str, Sight], None],
        cores: frozenset[int],
    ) -> None:
        super().__init__(name, section, host)
        self.watch = CameraWatch(name, self.driver, section.rate, seen)
        back_off = BackOff(first=0.5, most=10.0)
        self.lane = Lane(
            name, self.driver, self.watch, now=host.now, tell=tell, bug=bug, back_off=back_off, cores=cores
        )
