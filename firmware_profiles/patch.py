"""The patch: which light sits where. Pure but for reading profiles; every fault of the rig found at once."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

from config.check import Place
from config.model import FixtureSection, StudioConfig
from config.problems import ConfigError, Problem, nearest, quoted
from config.salvage import touches
from config.units import EMITTERS, SLOTS, Attribute, Levels
from firmware_profiles import library, versions
from firmware_profiles.library import Library, ProfileMissing
from firmware_profiles.model import Personality, Profile
from firmware_profiles.render import check_levels


@dataclass(frozen=True, slots=True)
class Patched:
    """One light in its place. ``address`` is 1-based; ``mode`` the personality's name; ``footprint`` its slots.

    A light without DMX is on a ``bus`` ("" for all others), as channel ``channel`` of device ``unit``; its universe is
    0, which is none, and its address 1."""

    name: str
    profile: Profile
    personality: Personality
    mode: str
    universe: int
    address: int
    role: str
    footprint: int
    bus: str = ""
    unit: int = 1
    channel: int = 1

    @property
    def last(self) -> int:
        """Its last slot, 1-based."""
        return self.address + self.footprint - 1


class Patch(Mapping[str, Patched]):
    """Fixture name → where it sits. Immutable. ``library``: the profiles it was made with."""

    def __init__(self, fixtures: Mapping[str, Patched], profiles: Library | None = None) -> None:
        self._fixtures = MappingProxyType(dict(fixtures))
        self.library = profiles or Library(())

    def __getitem__(self, name: str) -> Patched:
        return self._fixtures[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fixtures)

    def __len__(self) -> int:
        return len(self._fixtures)

    def universe(self, number: int) -> tuple[Patched, ...]:
        """The lights of one universe, by address."""
        return tuple(sorted((f for f in self.values() if f.universe == number), key=lambda f: f.address))


def patch(config: StudioConfig, folders: Sequence[Path] = (), file: str = "configuration") -> Patch:
    """The patch of a configuration. ``folders`` come before the configuration's own ``agent.profile_dirs``.

    Raises ConfigError, naming ``file``, with all that :func:`survey` found.
    """
    made, problems = survey(config, folders)
    if problems:
        raise ConfigError(file, problems)
    return made


def survey(
    config: StudioConfig, folders: Sequence[Path] = (), lost: Collection[Place] = ()
) -> tuple[Patch, list[Problem]]:
    """Everything that can be patched, and everything that is wrong: profiles, modes, addresses, universes, looks,
    exposure. Needs no hardware. A broken profile file is a problem here only where a fixture needs it: its own
    faults are in ``Patch.library``.

    ``lost`` (:class:`config.load.Reading`) names the keys whose values in ``config`` are not the file's: nothing that
    follows from them is a further problem.
    """
    profiles = library.load((*folders, *config.agent.profile_dirs))
    absent = [folder for folder in config.agent.profile_dirs if not library.is_folder(folder)]
    problems = [
        Problem("agent.profile_dirs", f"there is no folder {folder}", "create it or correct the path")
        for folder in absent
    ]
    fixtures: dict[str, Patched] = {}
    for name, section in config.fixtures.items():
        place, wrong = _place(name, section, profiles, lost)
        unsure = touches(lost, "agent", "profile_dirs") or bool(absent)
        problems += [problem for problem in wrong if not (unsure and _elsewhere(problem, section, profiles))]
        if place is not None:
            fixtures[name] = place
    made = Patch(fixtures, profiles)
    dmx = {name: light for name, light in made.items() if not light.bus}
    placed = Patch({name: light for name, light in dmx.items() if not touches(lost, "fixtures", name, "address")})
    problems += _beyond(placed)
    problems += _overlaps(
        Patch({name: light for name, light in placed.items() if not touches(lost, "fixtures", name, "universe")})
    )
    if not any(one[0] == "outputs" and (len(one) <= 2 or one[2] == "universes") for one in lost):
        problems += _carried(config)
    problems += _on_buses(config, lost)
    problems += _groups(config, lost)
    problems += _looks(config, made, lost)
    problems += _cues(config, made, lost)
    problems += _exposure(config, made, lost)
    return made, problems


def _is_there(section: str, name: str, known: Collection[str], lost: Collection[Place]) -> bool:
    return name in known or (section,) in lost or (section, name) in lost


def _elsewhere(problem: Problem, section: FixtureSection, profiles: Library) -> bool:
    """Whether the problem is that of a profile which may be in the folder that is not there."""
    known = profiles.names()
    unlike = section.profile not in known and not get_close_matches(section.profile, known)
    return problem.where.endswith(".profile") and unlike


def _place(
    name: str, section: FixtureSection, profiles: Library, lost: Collection[Place]
) -> tuple[Patched | None, list[Problem]]:
    """The light in its place, unless its profile or mode is wrong or lost, and what is wrong with these."""
    problems: list[Problem] = []
    is_version = True
    if section.firmware is not None:
        try:
            versions.parse(section.firmware)
        except ValueError as error:
            is_version = False
            problems.append(Problem(f"fixtures.{name}.firmware", str(error), library.VERSION))
    if touches(lost, "fixtures", name, "profile"):
        return None, problems
    choice = profiles.named(section.profile)
    profile: Profile | None = None
    if not choice or (is_version and not touches(lost, "fixtures", name, "firmware")):
        try:
            profile = profiles.find(section.profile, section.firmware if is_version else None)
        except ProfileMissing as missing:
            return None, [*problems, Problem(f"fixtures.{name}.profile", missing.why, missing.right)]
        choice = [profile]
    if touches(lost, "fixtures", name, "personality"):
        return None, problems
    modes = {mode for each in choice for mode in each.personalities}
    if section.personality not in modes:
        why = f"{section.profile} has no personality {quoted(section.personality)}"
        problems.append(Problem(f"fixtures.{name}.personality", why, nearest(section.personality, sorted(modes))))
    personality = profile.personalities.get(section.personality) if profile is not None else None
    if profile is None or personality is None:
        return None, problems
    made = Patched(
        name=name,
        profile=profile,
        personality=personality,
        mode=section.personality,
        universe=section.universe or 0,
        address=section.address or 1,
        role=section.role,
        footprint=personality.footprint,
        bus=section.bus or "",
        unit=section.unit or 1,
        channel=section.channel or 1,
    )
    if bool(made.bus) != (personality.wire is not None) and not touches(lost, "fixtures", name, "bus"):
        why = "has DMX: it is in a universe" if made.bus else "has no DMX: it is on a bus"
        right = "universe = … and address = …" if made.bus else "bus = … instead of universe and address"
        return None, [*problems, Problem(f"fixtures.{name}.personality", f"{section.personality} {why}", right)]
    return made, problems


def _beyond(made: Patch) -> Iterator[Problem]:
    for light in made.values():
        if light.last > SLOTS:
            why = f"its {light.footprint} slots end at {light.last}, past the universe's last slot {SLOTS}"
            yield Problem(f"fixtures.{light.name}.address", why, f"{SLOTS - light.footprint + 1} or lower")


def _overlaps(made: Patch) -> Iterator[Problem]:
    for number in sorted({light.universe for light in made.values()}):
        # Sorted by address, a light can overlap several that follow it: compare with the one reaching furthest.
        furthest: Patched | None = None
        for light in made.universe(number):
            if furthest is not None and light.address <= furthest.last:
                why = (
                    f"slots {light.address}…{light.last} of universe {number} overlap with "
                    f"{furthest.name} ({furthest.address}…{furthest.last})"
                )
                yield Problem(f"fixtures.{light.name}.address", why, _room(made, light))
            if furthest is None or light.last > furthest.last:
                furthest = light


def _room(made: Patch, light: Patched) -> str:
    """The first place in the universe where ``light`` fits beside all others."""
    others = [other for other in made.universe(light.universe) if other is not light]
    taken = sorted([(0, 0), *((other.address, other.last) for other in others), (SLOTS + 1, SLOTS + 1)])
    end = 0
    for (_, last), (address, _) in pairwise(taken):
        end = max(end, last)
        if address - end - 1 >= light.footprint:
            return f"{end + 1} is free"
    return "another universe: this one has no room for it"


def _carried(config: StudioConfig) -> Iterator[Problem]:
    carried = sorted({number for output in config.outputs.values() for number in output.universes})
    for name, section in config.fixtures.items():
        if section.bus is None and section.universe not in carried:
            right = f"one of: {', '.join(map(str, carried))}; or add it to an output's universes"
            right = right if carried else f"an output with universes = [{section.universe}]"
            yield Problem(f"fixtures.{name}.universe", f"no output carries universe {section.universe}", right)


def _on_buses(config: StudioConfig, lost: Collection[Place]) -> Iterator[Problem]:
    taken: dict[tuple[str, int, int], str] = {}
    for name, section in config.fixtures.items():
        if section.bus is None:
            continue
        if not _is_there("buses", section.bus, config.buses, lost):
            yield Problem(
                f"fixtures.{name}.bus", f"there is no bus {section.bus!r}", nearest(section.bus, list(config.buses))
            )
        place = (section.bus, section.unit or 1, section.channel or 1)
        other = taken.setdefault(place, name)
        if other != name and not any(touches(lost, "fixtures", name, key) for key in ("bus", "unit", "channel")):
            why = f"{other} is unit {place[1]}, channel {place[2]} of {section.bus} already"
            yield Problem(f"fixtures.{name}.channel", why, "another unit or channel")


def _looks(config: StudioConfig, made: Patch, lost: Collection[Place]) -> Iterator[Problem]:
    for look, section in config.looks.items():
        yield from _levels(section.levels, f"looks.{look}.levels", config, made, lost)
    start = config.lighting.start_look
    if start is not None and not _is_there("looks", start, config.looks, lost):
        yield Problem("lighting.start_look", f"there is no look {start!r}", nearest(start, list(config.looks)))


def _levels(
    levels: Mapping[str, Levels], where: str, config: StudioConfig, made: Patch, lost: Collection[Place]
) -> Iterator[Problem]:
    for name, wanted in levels.items():
        if not _is_there("fixtures", name, config.fixtures, lost):
            yield Problem(f"{where}.{name}", f"there is no fixture {name!r}", nearest(name, list(config.fixtures)))
        elif name in made:
            yield from check_levels(made[name].personality, wanted, f"{where}.{name}")


def _groups(config: StudioConfig, lost: Collection[Place]) -> Iterator[Problem]:
    for group, section in config.groups.items():
        for name in section.fixtures:
            if not _is_there("fixtures", name, config.fixtures, lost):
                why = f"there is no fixture {name!r}"
                yield Problem(f"groups.{group}.fixtures", why, nearest(name, list(config.fixtures)))


def _cues(config: StudioConfig, made: Patch, lost: Collection[Place]) -> Iterator[Problem]:
    for cues, section in config.cues.items():
        for place, cue in enumerate(section.cues):
            where = f"cues.{cues}.cues[{place}]"
            if cue.look is not None and not _is_there("looks", cue.look, config.looks, lost):
                yield Problem(f"{where}.look", f"there is no look {cue.look!r}", nearest(cue.look, list(config.looks)))
            yield from _levels(cue.levels, f"{where}.levels", config, made, lost)


def _exposure(config: StudioConfig, made: Patch, lost: Collection[Place]) -> Iterator[Problem]:
    loop = config.exposure
    if loop is None:
        return
    if not _is_there("cameras", loop.camera, config.cameras, lost):
        why = f"there is no camera {loop.camera!r}"
        yield Problem("exposure.camera", why, nearest(loop.camera, list(config.cameras)))
    for name in loop.fixtures:
        if not _is_there("fixtures", name, config.fixtures, lost):
            why = f"there is no fixture {name!r}"
            yield Problem("exposure.fixtures", why, nearest(name, list(config.fixtures)))
        elif name in made and not (EMITTERS | {Attribute.INTENSITY}) & set(made[name].personality.attributes):
            why = f"the mode of {name!r} has nothing that changes its brightness"
            yield Problem("exposure.fixtures", why, "a light with intensity")
