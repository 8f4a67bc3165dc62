"""What is wrong with lights on buses: asked of the bus drivers themselves, which are silent until they are opened."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from config.check import Place
from config.model import StudioConfig
from config.problems import Problem
from config.salvage import touches
from drivers import registry
from drivers.errors import NotSupported
from drivers.registry import Kind
from firmware_profiles.patch import Patched


def problems(config: StudioConfig, lights: Mapping[str, Patched], lost: Collection[Place] = ()) -> Iterator[Problem]:
    """Lights that their bus cannot carry: another protocol, another speed, no such unit or channel. A bus that is
    itself wrong is told elsewhere."""
    for name, section in config.buses.items():
        if touches(lost, "buses", name) or section.driver not in registry.names():
            continue
        nobody: Any = None  # a host: constructing touches none
        try:
            spec = registry.find(section.driver)
            if spec.kind is not Kind.BUS:
                continue
            bus = spec.make(spec.read(section.options, section.folder), nobody)
        except (NotSupported, ValidationError):
            continue
        for light in lights.values():
            if light.bus != name or any(touches(lost, "fixtures", light.name, key) for key in ("unit", "channel")):
                continue
            try:
                bus.lamp(light.name, light.personality, light.unit, light.channel)
            except NotSupported as error:
                why = error.reason.removeprefix(f"{light.name}: ")
                yield Problem(f"fixtures.{light.name}.{error.key or 'bus'}", why, error.remedy)
