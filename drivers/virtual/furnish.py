"""A virtual studio that matches a configuration, so that any show can be rehearsed without its hardware."""

import importlib
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from config.model import BusSection, CameraSection, FixtureSection, OutputSection, ProbeSection, StudioConfig
from config.problems import ConfigError, Problem
from drivers import registry
from drivers.errors import NotSupported
from drivers.registry import DriverSpec
from drivers.virtual.camera import VirtualCamera
from drivers.virtual.clock import Clock
from drivers.virtual.relief import SceneMaker
from drivers.virtual.scene import Scene
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twin import Fitted, Twin
from drivers.virtual.wires import Lan
from drivers.virtual.world import HOMES, Lamp, World
from firmware_profiles.library import Library, load
from firmware_profiles.model import Personality

Section = OutputSection | BusSection | CameraSection | ProbeSection
TwinFactory = Callable[[VirtualStudio, Any, str], Twin]


def furnish(
    config: StudioConfig, clock: Clock | None = None, seed: int = 0, lan: Lan | None = None, scene: SceneMaker = Scene
) -> VirtualStudio:
    """A twin, under its configured name and with its configured options, for every output, camera and probe; lamps
    where the fixtures are, and cameras that look at the ``scene``. Raises ConfigError with every option or driver that
    is wrong."""
    studio = VirtualStudio(clock, seed, lan)
    problems: list[Problem] = []
    for name, output in config.outputs.items():
        studio.universes[name] = output.universes
        place(studio, f"outputs.{name}", name, output, problems)
    library = load(config.agent.profile_dirs)
    for name, bus in config.buses.items():
        studio.lamps[name] = tuple(
            Fitted(light, _personality(library, fixture), fixture.unit or 1, fixture.channel or 1)
            for light, fixture in config.fixtures.items()
            if fixture.bus == name
        )
        place(studio, f"buses.{name}", name, bus, problems)
    for name, camera in config.cameras.items():
        if not isinstance(camera.options.get("source"), str):  # those with a source look into the world: settle()
            place(studio, f"cameras.{name}", name, camera, problems)
    for name, probe in config.probes.items():
        place(studio, f"probes.{name}", name, probe, problems)
    if problems:
        raise ConfigError("virtual studio", problems)
    studio.world = settle(studio, config, scene=scene)
    return studio


def place(studio: VirtualStudio, where: str, name: str, section: Section, problems: list[Problem]) -> None:
    """Put one driver's twin into the studio; what is wrong goes to ``problems``."""
    try:
        spec = registry.find(section.driver)
        twin_factory(spec)(studio, spec.read(section.options, section.folder), name)
    except NotSupported as error:
        problems.append(Problem(f"{where}.driver", error.reason, error.remedy))
    except ValidationError as error:
        for each in error.errors():
            key = ".".join(str(part) for part in ("options", *each["loc"]))
            problems.append(Problem(f"{where}.{key}", each["msg"]))


def twin_factory(spec: DriverSpec) -> TwinFactory:
    """The function that makes a driver's twin. Raises NotSupported when the spec names none."""
    module, _, attribute = spec.twin.partition(":")
    try:
        factory: TwinFactory = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise NotSupported(f"the driver {spec.name!r} has no twin at {spec.twin!r}: {error}") from error
    return factory


def _personality(library: Library, fixture: FixtureSection) -> Personality:
    return library.find(fixture.profile, fixture.firmware).personalities[fixture.personality]


def lamp_of(spec: DriverSpec) -> Personality | None:
    """The lamp that a bus driver's example reaches; ``None`` for all other kinds of driver."""
    profile, _, personality = spec.lamp.partition(":")
    return load().find(profile).personalities[personality] if profile else None


def settle(studio: VirtualStudio, config: StudioConfig, daylight: float = 0.1, scene: SceneMaker = Scene) -> World:
    """Furnish a virtual studio after a configuration: a lamp for every fixture and a camera for every video source.

    Raises ProfileMissing or KeyError for a profile or personality that is not there (``check-config`` says it better).
    """
    library = load(config.agent.profile_dirs)
    world = World(studio.clock, daylight=daylight)
    used = dict.fromkeys(HOMES, 0)
    for name, fixture in config.fixtures.items():
        homes = HOMES[fixture.role]
        place = homes[used[fixture.role] % len(homes)]
        used[fixture.role] += 1
        personality = _personality(library, fixture)
        world.lamps[name] = Lamp(name, fixture.universe or 0, fixture.address or 1, personality, fixture.role, place)
    studio.frame_listeners.append(world.hear)
    studio.lamp_listeners.append(world.hear_lamp)
    for name, camera in config.cameras.items():
        source = camera.options.get("source")
        if isinstance(source, str):
            VirtualCamera(studio, world, source, scene=scene).plug(name)
    return world
