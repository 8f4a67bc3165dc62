"""One output of the studio, as the daemon sees it: its table, what it has to play, and who plays it."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import structlog

from agent.lighting.part import Part
from agent.lighting.player import Playing
from agent.lighting.scene import Scene
from agent.lighting.score import Score
from agent.lighting.sheet import Bools
from config.model import OutputSection
from drivers import registry
from drivers.base import Check, Output, Result
from drivers.errors import DriverError
from drivers.host import Host

log = structlog.get_logger(__name__)

LISTING = 2.0
"""Seconds that a device's list of checks may take to come."""

Seat = Callable[["OutputUnit", Mapping[int, bytes]], Playing]
"""Gives an output its player, not yet started: in this process, or in the output engine's. The frames are those its
universes were last sent by whoever carried them."""


class OutputUnit:
    """``lane``: its player. ``driver``: made here only to be asked what it is; it is never opened here."""

    def __init__(
        self,
        name: str,
        section: OutputSection,
        host: Host,
        scene: Scene,
        seat: Seat,
        before: Mapping[int, bytes] = MappingProxyType({}),
        fixed: Mapping[int, Bools] = MappingProxyType({}),
    ) -> None:
        """``before``: frames its universes were last sent by whoever carried them; ``fixed``: their slots that a
        profile fixed then."""
        spec = registry.find(section.driver)
        self.name = name
        self.section = section
        self.driver: Output = spec.make(spec.read(section.options, section.folder), host)
        self.checks: Sequence[Check] = self.driver.checks()
        """What it can check on itself, by what was last known; ``run`` of them is of no use here."""
        self._now = host.now
        self._score = Score(scene, section.universes, fixed)
        self.lane = seat(self, before)

    @property
    def under_control(self) -> bool:
        """Its lights have been sent a frame, or it has said why not."""
        health = self.lane.health
        return health.state == "offline" or (health.state == "ok" and self.lane.has_sent)

    def has_shown(self, scene: Scene, now: float) -> bool:
        """Whether it last sent every light as the scene has it now; for one that is offline nobody waits."""
        return self.lane.health.state != "ok" or all(
            scene.shown_by(universe, self.lane.wire(universe), now) for universe in self.section.universes
        )

    def show(self, scene: Scene) -> None:
        """Have the lights do this from now on."""
        news = self._score.follow(scene)
        if news is not None:
            self.lane.play(news, self._now())

    def fixed(self) -> dict[int, Bools]:
        """Slots of each universe that a profile fixes."""
        return self._score.fixed()

    def part(self) -> Part:
        """What it has to play now, whole."""
        return self._score.whole()

    async def list_checks(self) -> None:
        """Learn what it can check where it is open: what its hardware is may add some (a widget with RDM). While it is
        offline the list stays as it is."""
        if self.lane.health.state != "ok":
            return
        try:
            self.checks = await self.lane.ask("checks_of", timeout=LISTING)
        except DriverError as error:
            log.warning("checks.not-listed", output=self.name, why=error.reason)

    async def run(self, check: Check, number: int, timeout: float) -> Result:  # noqa: ASYNC109 - the lane's own
        """Run the driver's check of that number where the device is open."""
        found = await self.lane.ask("check", number, check.id, timeout=timeout)
        assert isinstance(found, Result)
        return found
