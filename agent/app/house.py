"""What the parts of this room know of the agent: enough to read it and to ask it, and no more."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from agent.app.devices import Devices
from agent.app.keeper import LookKeeper
from agent.exposure.loop.service import ExposureService
from agent.health.alerts import Alerts, Condition
from agent.health.book import Book
from agent.health.interlock import Interlock
from agent.lighting.cues import Playback
from agent.lighting.rig import Rig
from agent.lighting.showfile import ShowFile
from agent.messaging.bus import Bus
from agent.messaging.commands import TelemetrySet
from agent.messaging.dispatch import Dispatcher
from agent.messaging.exposure_args import ExposureSet
from agent.messaging.header import Payload
from agent.messaging.topics import Topics
from config.model import StudioConfig
from config.units import Text
from drivers.host import Host


class Testing(Protocol):
    """Self-tests of this agent."""

    barred: Text | None
    """Why none may begin now."""
    cut_off: bool
    """Lights are being moved for a test, or were when it was broken off."""

    @property
    def running(self) -> bool: ...

    def cancel(self) -> str:
        """End the test that a command started. The command's id; "" when there is none."""


class Telling(Protocol):
    """Who publishes the numbers and the alerts."""

    book: Book

    def retell(self) -> None:
        """Something was said about alerts: tell those that fire once more."""

    def unsilenced(self, pattern: str) -> None:
        """Tell what fires as if it were new, where nothing silences it any more."""

    def exposure(self) -> None:
        """The exposure loop's state may have changed."""

    def show(self) -> None:
        """Looks or cue lists were edited: tell what there is now."""

    def rdm(self) -> None:
        """RDM has found something: tell what is known now."""

    def event(self, name: str, /, text: Text, level: Any = "note", **fields: Any) -> None:
        """Something happened once."""

    def rates(self, args: TelemetrySet) -> Mapping[str, Any]:
        """Report as asked; what holds now."""


class OnLines(Protocol):
    """What RDM has found on the outputs' lines."""

    def states(self) -> Iterator[tuple[str, Payload]]:
        """The state of every output that can do RDM, by its name."""

    def conditions(self) -> Iterator[Condition]:
        """What of it is not as it should be."""


class OnStage(Protocol):
    """Saved looks and cue lists, and those that play."""

    show: ShowFile
    playback: Playback
    editing: asyncio.Lock
    """Who holds it may save: one at a time."""


class House(Protocol):
    """The agent, as its verbs and its herald see it."""

    loop_lag: float
    config: StudioConfig
    rig: Rig
    exposure: ExposureService | None
    file: Path | None
    """The configuration file it was started from."""

    environ: dict[str, str]
    """What overrides the file."""

    @property
    def host(self) -> Host: ...
    @property
    def devices(self) -> Devices: ...
    @property
    def bus(self) -> Bus: ...
    @property
    def dispatcher(self) -> Dispatcher: ...
    @property
    def topics(self) -> Topics: ...
    @property
    def alerts(self) -> Alerts: ...
    @property
    def interlock(self) -> Interlock: ...
    @property
    def herald(self) -> "Telling": ...
    @property
    def tests(self) -> Testing: ...
    @property
    def looks(self) -> LookKeeper: ...
    @property
    def stage(self) -> "OnStage": ...
    @property
    def rdm(self) -> "OnLines": ...

    def now(self) -> float: ...

    def on_air(self) -> bool: ...

    def looks_through(self, camera: str) -> bool:
        """Whether the exposure loop uses this camera."""

    def unstored(self) -> tuple[str, ...]:
        """What the disk does not take at present, for people."""

    async def on_disk(self, work: Callable[[], Any]) -> Any:
        """Run blocking work on the disk's lane."""

    def exposure_set(self, args: ExposureSet) -> Mapping[str, Any]: ...

    async def reload(self) -> None: ...

    def go_over(self, config: StudioConfig) -> None:
        """Put this configuration in force, whatever the file says. Raises ConfigError, and changes nothing."""
