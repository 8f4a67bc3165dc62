"""A unit: one device of the studio, as the configuration names it."""

from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from agent.runtime.lane import Lane
from drivers import registry
from drivers.base import Device
from drivers.host import Host


class Section(Protocol):
    """What the tables of outputs, cameras and probes have in common."""

    @property
    def driver(self) -> str: ...

    @property
    def options(self) -> dict[str, Any]: ...

    @property
    def folder(self) -> Path | None: ...


S = TypeVar("S", bound=Section)
D = TypeVar("D", bound=Device)


class Unit(Generic[S, D]):
    """Section and driver are made here, alike for all; a kind adds its work and the lane that does it.

    Raises NotSupported or pydantic's ValidationError when the section is wrong."""

    lane: Lane

    def __init__(self, name: str, section: S, host: Host) -> None:
        spec = registry.find(section.driver)
        self.name = name
        self.section = section
        self.driver: D = spec.make(spec.read(section.options, section.folder), host)
