"""What a self-test may touch, all of it. The agent provides one; so does the shell while no service runs."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from agent.exposure.camera.watch import CameraUnit
from agent.lighting.bus import BusUnit
from agent.lighting.output import OutputUnit
from agent.lighting.rig import Rig
from agent.uplink.probe import ProbeUnit
from config.broker import MqttSection
from config.model import StudioConfig
from drivers.host import Host
from firmware_profiles.patch import Patched


class Units(Protocol):
    """The studio's devices, by name."""

    @property
    def outputs(self) -> Mapping[str, OutputUnit]: ...
    @property
    def buses(self) -> Mapping[str, BusUnit]: ...
    @property
    def cameras(self) -> Mapping[str, CameraUnit]: ...
    @property
    def probes(self) -> Mapping[str, ProbeUnit]: ...
    def lighting(self) -> Iterator[OutputUnit | BusUnit]: ...
    def console(self, light: Patched) -> str: ...


class Trip(Protocol):
    """A message to ourselves: seconds until acknowledged, and until it came back (``None``: it may not)."""

    @property
    def acknowledged(self) -> float: ...
    @property
    def delivered(self) -> float | None: ...


class Broker(Protocol):
    """What the broker's checks need of the bus. ``health`` has ``state`` ("online" when it is) and ``reason``."""

    @property
    def config(self) -> MqttSection: ...
    @property
    def health(self) -> Any: ...

    async def round_trip(self, timeout: float = 2.0) -> Trip:  # noqa: ASYNC109 - the check's own bound
        """Raises an exception with a ``reason`` when it did not work."""


@dataclass(frozen=True)
class Surroundings:
    """``on_air`` says yes when it does not know; ``stated``: it says no on the word of a person at the shell.
    ``state_dir`` holds reports and the baseline; ``bus`` is ``None`` where there is no connection to a broker;
    ``virtual``: no light, no camera and no network of it is real.

    ``rig`` and ``devices`` must stay the same during a test: cancel it before a reload.
    """

    host: Host
    config: StudioConfig
    rig: Rig
    devices: Units
    on_air: Callable[[], bool]
    state_dir: Path
    version: str
    bus: Broker | None = None
    stated: bool = False
    virtual: bool = False

    def now(self) -> float:
        """Monotonic seconds."""
        return self.host.now()
