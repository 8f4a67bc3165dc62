"""All devices of the studio by name, built from one configuration and exchanged against those of the next."""

import asyncio
import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import structlog

from agent.app import reporting, streams
from agent.app.desks import Desks
from agent.app.keeper import sent_levels
from agent.engine.client import EngineClient
from agent.engine.messages import Table
from agent.exposure.camera.watch import CameraUnit, Sight
from agent.lighting import fitted
from agent.lighting.bus import BusUnit, fittings
from agent.lighting.console import Console
from agent.lighting.hearing import Hearing
from agent.lighting.input import Here, InputUnit, Listening
from agent.lighting.lamps import Position, Told
from agent.lighting.output import OutputUnit
from agent.lighting.player import Player, Playing
from agent.lighting.scene import Scene
from agent.runtime.lane import Health, Lane
from agent.runtime.unit import Unit
from agent.uplink.probe import ProbeUnit
from config.check import Place, validate
from config.files import problems as file_problems
from config.files import secret_problems
from config.model import StudioConfig
from config.problems import ConfigError, Problem, nearest, quoted
from config.salvage import touches
from config.units import SLOTS
from drivers import registry
from drivers.errors import NotSupported
from drivers.host import Host
from drivers.registry import DriverSpec, Kind, Options
from firmware_profiles.patch import Patch, Patched, survey

log = structlog.get_logger(__name__)

U = TypeVar("U", bound=Unit[Any, Any] | OutputUnit | InputUnit)


@dataclass
class Devices:
    """``tell(kind, name, health)``, ``bug`` and ``seen(camera, sight)`` are called on lanes' threads; those of cameras
    keep to the cores ``pictures``. ``engine``: where outputs are played and inputs heard; ``None``: on lanes of this
    process. ``held`` is called with who holds which universe instead of us, to be told to ``desks``. ``state``: where
    what is known of cameras is kept."""

    host: Host
    tell: Callable[[Kind, str, Health], None]
    bug: Callable[[str, BaseException], None]
    seen: Callable[[str, Sight], None]
    pictures: frozenset[int] = frozenset()
    engine: EngineClient | None = None
    held: Callable[[Mapping[int, Console]], None] | None = None
    state: Path | None = None
    desks: Desks = field(default_factory=Desks)
    inputs: dict[str, InputUnit] = field(default_factory=dict)
    outputs: dict[str, OutputUnit] = field(default_factory=dict)
    buses: dict[str, BusUnit] = field(default_factory=dict)
    told: dict[Position, Told] = field(default_factory=dict)
    """What lamps on buses were told last, also those that are no more: they stay as they are."""
    shown: Mapping[int, bytes] = field(default_factory=dict)
    """Frames that lights had when the last agent ended: the first outputs go on from there, however late they open."""
    cameras: dict[str, CameraUnit] = field(default_factory=dict)
    probes: dict[str, ProbeUnit] = field(default_factory=dict)

    def __post_init__(self) -> None:
        tell = self._teller(Kind.INPUT)
        self._known: streams.Known = {}
        self._scene: Scene | None = None
        self._hearing = Hearing(self.host, self._players, self._heard, tell, self.bug)

    def adopt(self, config: StudioConfig, scene: Scene) -> None:
        """Go over to this configuration: what is unchanged runs on untouched, what is gone is stopped, what is new
        is started. Blocks while old lanes end (a port must be free before its successor opens it). A universe that
        changes its output goes on from the frame it was last sent."""
        outputs, buses = list(self.outputs.values()), list(self.buses.values())
        fitting = fittings(config, scene.fixtures)
        sending = streams.sent_by(config, self.host, self._known)
        hearing = streams.heard_by(config, sending)
        for unit in [each for each in self.inputs.values() if hearing.get(each.name) not in (None, each.section)]:
            del self.inputs[unit.name]  # its successor takes its place, and what it has heard
        leaving = [
            *_leave(self.inputs, hearing),
            *_leave(self.outputs, sending),
            *_leave(self.buses, fitting),
            *_leave(self.cameras, config.cameras),
            *_leave(self.probes, config.probes),
        ]
        for lane in leaving:
            lane.join()
        for bus in buses:
            self.told.update(bus.pump.told())
        before = {universe: output.lane.wire(universe) for output in outputs for universe in output.section.universes}
        before, self.shown = {**self.shown, **before}, {}
        fixed = {universe: slots for output in outputs for universe, slots in output.fixed().items()}
        host, bug = self.host, self.bug
        tell = {kind: self._teller(kind) for kind in Kind}
        if self.engine is not None:
            self.engine.patch = word_for(scene.fixtures)
        # Inputs first: they know the streams that outputs begin, and outputs who holds their universes.
        _enter(self.inputs, hearing, lambda n, s: InputUnit(n, s, host, self._listen))
        _enter(self.outputs, sending, lambda n, s: OutputUnit(n, s, host, scene, self._seat, before, fixed))
        if self.engine is not None:
            self.engine.settled()
        _enter(self.buses, fitting, lambda n, f: BusUnit(n, f, host, tell[Kind.BUS], bug, scene, self.told))
        rest = (bug, self.seen, self.pictures, self.levels, self.state)
        _enter(self.cameras, config.cameras, lambda n, s: CameraUnit(n, s, host, tell[Kind.CAMERA], *rest))
        _enter(self.probes, config.probes, lambda n, s: ProbeUnit(n, s, host, tell[Kind.PROBE], bug))
        self.show(scene)

    def show(self, scene: Scene) -> None:
        """Hand the new scene to every output and bus."""
        self._scene = scene
        for unit in self.lighting():
            unit.show(scene)

    def levels(self) -> dict[str, float]:
        """What every light is sent now, a console's, too: share of full light by name, else by ``name.attribute``. Any
        thread may ask."""
        scene, now = self._scene, self.host.now()
        return sent_levels(scene, now, self._led()) if scene is not None else {}

    def _led(self) -> dict[int, bytes]:
        outputs = tuple(self.outputs.values())  # in one go: a reload may be under way
        return {u: unit.lane.wire(u) for unit in outputs if unit.lane.led for u in unit.section.universes}

    def sent(self) -> tuple[dict[int, bytes], dict[str, Told]]:
        """What lights have been sent that are not, or may not be, where the scene has them: frames of universes that
        are led or a console's, and what lamps were told."""
        lines = [line for bus in self.buses.values() for line in bus.pump.lines.values()]
        return self._led(), {line.light.name: line.told for line in lines if line.told is not None}

    def lighting(self) -> Iterator[OutputUnit | BusUnit]:
        """Everything that lights are driven by."""
        yield from self.outputs.values()
        yield from self.buses.values()

    def console(self, light: Patched) -> str:
        """The console that holds this light, or a part of it, or whose last look stays there; "" when none does."""
        kept = self.desks.kept(light)
        return self.desks.of(light) or (", ".join(kept.sources) if kept is not None else "")

    def hand_over(self, lights: Iterable[Patched]) -> None:
        """A person moves these lights: what lost consoles left behind there is kept no more."""
        slots: dict[int, bytearray] = {}
        for light in lights:
            if self.desks.kept(light) is not None:
                mask = slots.setdefault(light.universe, bytearray(SLOTS))
                mask[light.address - 1 : light.last] = b"\1" * (light.last - light.address + 1)
        if slots:
            free = self._hearing.free if self.engine is None else self.engine.free
            free({universe: bytes(mask) for universe, mask in slots.items()})

    def unreachable(self, lights: Iterable[Patched]) -> dict[str, str]:
        """Which of these lights cannot be driven now, and the reason: their output is, or they are, offline."""
        found = {}
        for light in lights:
            if light.bus in self.buses and self.buses[light.bus].health(light.name)[0] == "offline":
                found[light.name] = f"light {light.name} on bus {light.bus} is offline"
            for output in self.outputs.values() if not light.bus else ():
                if light.universe in output.section.universes and output.lane.health.state == "offline":
                    found[light.name] = f"output {output.name} is offline"
        return found

    def all(self) -> Iterator[tuple[Kind, Unit[Any, Any] | OutputUnit | InputUnit]]:
        """Every device with its kind."""
        yield from ((Kind.INPUT, unit) for unit in self.inputs.values())
        yield from ((Kind.OUTPUT, unit) for unit in self.outputs.values())
        yield from ((Kind.BUS, unit) for unit in self.buses.values())
        yield from ((Kind.CAMERA, unit) for unit in self.cameras.values())
        yield from ((Kind.PROBE, unit) for unit in self.probes.values())

    def request_stop(self) -> None:
        """Ask every lane to end."""
        for _, unit in self.all():
            unit.lane.request_stop()

    async def let_go(self) -> list[str]:
        """End every lane, without blocking the loop for longer than a stuck device needs to be closed. Names of those
        that would not end."""
        self.request_stop()
        deadline = self.host.now() + 1.5
        while any(unit.lane.alive for _, unit in self.all()) and self.host.now() < deadline:
            await asyncio.sleep(0.01)
        return [unit.name for _, unit in self.all() if not unit.lane.join()]

    def _seat(self, output: OutputUnit, before: Mapping[int, bytes]) -> Playing:
        if self.engine is not None:
            return self.engine.seat(output, before)
        tell = self._teller(Kind.OUTPUT)
        player = Player(output.name, output.section, self.host, output.part(), tell, self.bug, before)
        self._hearing.seated(player)
        return player

    def _listen(self, unit: InputUnit) -> Listening:
        if self.engine is not None:
            return self.engine.ear(unit)
        section = unit.section
        table = Table(section.driver, (), section.options, section.folder)
        return Here(self._hearing.make(unit.name, table, unit.standing), lambda: self._hearing.drop(unit.name))

    def _players(self) -> list[Player]:
        lanes = [output.lane for output in tuple(self.outputs.values())]
        return [lane for lane in lanes if isinstance(lane, Player)]

    def _heard(self, holding: Mapping[int, Console]) -> None:
        if self.held is not None:
            self.held(holding)

    def _teller(self, kind: Kind) -> Callable[[str, Health], None]:
        return lambda name, health: self.tell(kind, name, health)


def word_for(fixtures: Mapping[str, Patched]) -> str:
    """A word for a patch: where it is the same, slots mean the same lights."""
    digest = hashlib.blake2b(digest_size=12)
    for name, light in sorted(fixtures.items()):
        digest.update(f"{name} {light.universe} {light.address} {light.personality!r}\n".encode())
    return digest.hexdigest()


def _leave(units: dict[str, U], sections: Mapping[str, Any]) -> list[Lane | Playing | Listening]:
    gone = [unit for unit in units.values() if sections.get(unit.name) != unit.section]
    for unit in gone:
        del units[unit.name]
        unit.lane.request_stop()
    return [unit.lane for unit in gone]


def _enter(units: dict[str, U], sections: Mapping[str, Any], make: Callable[[str, Any], U]) -> None:
    for name, section in sections.items():
        if name not in units:
            units[name] = make(name, section)
            units[name].lane.start()


def checked(config: StudioConfig, file: str) -> Patch:
    """The patch of a configuration in which nothing is wrong. Raises ConfigError with everything that is.

    A broken profile that no light uses is only logged.
    """
    made, problems = survey(config)
    problems += [*check(config), *fitted.problems(config, made)]
    if problems:
        raise ConfigError(file, problems)
    for broken in made.library.site_broken:
        log.warning("profile.broken", why=broken.first(), next="studio-agent check-config FILE tells every fault")
    return made


def check(config: StudioConfig, lost: Collection[Place] = ()) -> list[Problem]:
    """What is wrong with drivers and their options. Touches no hardware.

    ``lost`` (:class:`config.load.Reading`): keys whose values are not the file's, so that two are not taken as alike.
    """
    problems, used = [], dict[str, str]()
    for place, kind, section in _sections(config):
        where = ".".join(place)
        spec, faults = _driver(where, kind, section)
        problems += faults
        if spec is None:
            continue
        options, faults = _options(where, spec, section)
        problems += faults
        problems += _universes(where, spec, options, section)
        if kind is Kind.INPUT:
            problems += streams.unheeded(where, config, section, options)
        if options is not None and not touches(lost, *place):
            problems += _doubled(where, spec, options, section, used)
    problems += [*_searched(config, lost), *reporting.check(config)]
    return problems


def files(config: StudioConfig) -> list[Problem]:
    """What is wrong, on this machine and for this user, with the files a configuration and its drivers' options name.
    Such a file keeps one device or the broker away; the service starts all the same."""
    found = [*file_problems(config)]
    for place, kind, section in _sections(config):
        where = ".".join(place)
        spec, _ = _driver(where, kind, section)
        options, _ = _options(where, spec, section) if spec is not None else (None, [])
        for option, path in options.secrets().items() if options is not None else ():
            found += secret_problems(path, f"{where}.options.{option}")
    return found


def _sections(config: StudioConfig) -> Iterator[tuple[tuple[str, str], Kind, Any]]:
    yield from ((("outputs", name), Kind.OUTPUT, section) for name, section in config.outputs.items())
    yield from ((("inputs", name), Kind.INPUT, section) for name, section in config.inputs.items())
    yield from ((("buses", name), Kind.BUS, section) for name, section in config.buses.items())
    yield from ((("cameras", name), Kind.CAMERA, section) for name, section in config.cameras.items())
    yield from ((("probes", name), Kind.PROBE, section) for name, section in config.probes.items())


def _driver(where: str, kind: Kind, section: Any) -> tuple[DriverSpec | None, list[Problem]]:
    if section.driver not in registry.names():
        right = nearest(section.driver, registry.names())
        return None, [Problem(f"{where}.driver", f"no driver is called {quoted(section.driver)}", right)]
    try:
        spec = registry.find(section.driver)
    except NotSupported as error:
        return None, [Problem(f"{where}.driver", error.reason, error.remedy)]
    if spec.kind is not kind:
        same = [name for name in registry.BUILT_IN if registry.find(name).kind is kind]
        why = f"{spec.name} is a driver for {'an' if spec.kind is Kind.OUTPUT else 'a'} {spec.kind}"
        return None, [Problem(f"{where}.driver", why, f"one of: {', '.join(same)}")]
    return spec, []


def _options(where: str, spec: DriverSpec, section: Any) -> tuple[Options | None, list[Problem]]:
    return validate(spec.options, section.options, f"{where}.options", {"folder": section.folder})


def _doubled(where: str, spec: DriverSpec, options: Options, section: Any, used: dict[str, str]) -> Iterator[Problem]:
    """What another device has already: two hands on one light, two readers of one camera. ``used``: by whom."""
    universes = section.universes if spec.kind is Kind.OUTPUT else ()
    for key, thing in options.exclusive(universes):
        owner = used.setdefault(thing, where)
        if owner != where:
            yield Problem(f"{where}.{key}", f"{owner} has {thing} already", "one of the two without it, or another one")


def _searched(config: StudioConfig, lost: Collection[Place]) -> Iterator[Problem]:
    """Outputs that are to be searched by RDM, and cannot be."""
    for name in config.rdm.survey:
        section = config.outputs.get(name)
        if section is None and not touches(lost, "outputs", name):
            yield Problem("rdm.survey", f"there is no output {quoted(name)}", nearest(name, list(config.outputs)))
        spec = _driver("", Kind.OUTPUT, section)[0] if section is not None else None
        if spec is not None and isinstance(spec.make, type) and not hasattr(spec.make, "rdm"):
            yield Problem("rdm.survey", f"{name} has no RDM: {spec.name} cannot do it", "enttec-pro or artnet")


def _universes(where: str, spec: DriverSpec, options: Options | None, section: Any) -> Iterator[Problem]:
    kind, most = spec.kind, spec.universes
    if kind is Kind.OUTPUT and most is not None and len(section.universes) > most:
        why = f"{spec.name} carries {most} universe{'s' * (most > 1)}, not {len(section.universes)}"
        yield Problem(f"{where}.universes", why, "another output for the others")
    if kind is Kind.OUTPUT and options is not None:
        refused = (options.refuses(universe) for universe in section.universes)
        yield from (Problem(f"{where}.universes", *why.partition(": ")[::2]) for why in refused if why)
