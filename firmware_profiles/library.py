"""The profiles there are: the site's own folders, then third parties' packages, then those shipped with the agent.

The first of the three that has a fitting profile gives it; within one of them the most specific firmware range wins,
and a tie is an error. A broken file is one clear error, and the others still load.
"""

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from config.check import validate
from config.problems import ConfigError, Problem, nearest
from firmware_profiles.match import most_specific
from firmware_profiles.model import Profile

GROUP = "studio_agent.profiles"
"""Entry points: a callable that gives profiles and folders of profile files (``Iterable[Profile | Path]``)."""

SHIPPED = Path(__file__).parent / "data"


class ProfileMissing(LookupError):
    """No profile of that name fits; ``right`` says what would."""

    def __init__(self, why: str, right: str) -> None:
        super().__init__(f"{why} – {right}" if right else why)
        self.why = why
        self.right = right


@dataclass(frozen=True)
class Shelf:
    """Profiles of one origin, with what is wrong with the files that could not be read."""

    origin: str
    profiles: tuple[Profile, ...]
    broken: tuple[ConfigError, ...] = ()


@dataclass(frozen=True)
class Library:
    """Shelves, the strongest first."""

    shelves: tuple[Shelf, ...]

    def names(self) -> list[str]:
        """``vendor/model`` of every profile, sorted."""
        return sorted({profile.name for shelf in self.shelves for profile in shelf.profiles})

    @property
    def broken(self) -> list[ConfigError]:
        """One error for each file that could not be used."""
        return [error for shelf in self.shelves for error in shelf.broken]

    def find(self, name: str, firmware: str | None = None) -> Profile:
        """The profile of ``vendor/model`` for this firmware (``None``: not known).

        Raises ProfileMissing when there is none of that name, none for that firmware, or two that fit equally well.
        """
        known = False
        for shelf in self.shelves:
            candidates = [profile for profile in shelf.profiles if profile.name == name]
            known = known or bool(candidates)
            try:
                best = most_specific(candidates, firmware)
            except ValueError as error:
                raise ProfileMissing(
                    str(error), "the version as the light's display shows it, or leave it out"
                ) from None
            if len(best) > 1:
                why = (
                    f"{len(best)} profiles of {name} in {shelf.origin} fit firmware {firmware or '(not known)'} equally"
                )
                raise ProfileMissing(why, "make one range narrower, or remove one")
            if best:
                return best[0]
        if known:
            why = f"no profile of {name} is for firmware {firmware or '(not known)'}"
            raise ProfileMissing(why, "give the light's firmware version" if firmware is None else self._ranges(name))
        raise ProfileMissing(f"there is no profile {name!r}", self._hint(name))

    def _ranges(self, name: str) -> str:
        ranges = [
            f"{range_.since or 'the first'} up to before {range_.before or 'any later'}"
            for shelf in self.shelves
            for profile in shelf.profiles
            if profile.name == name
            for range_ in profile.match.firmware
        ]
        return f"there are profiles for {'; '.join(ranges)}"

    def _hint(self, name: str) -> str:
        for error in self.broken:
            if Path(error.file).stem in name:
                return f"its file is broken: {error}"
        return nearest(name, self.names())


def load(folders: Sequence[Path] = ()) -> Library:
    """Read everything. The site's folders are read anew each time, the rest once."""
    site = tuple(_shelf(str(folder), [folder]) for folder in folders)
    return Library((*site, *_installed()))


def find(name: str, firmware: str | None = None, folders: Sequence[Path] = ()) -> Profile:
    """:meth:`Library.find` in a library loaded for the purpose."""
    return load(folders).find(name, firmware)


def names(folders: Sequence[Path] = ()) -> list[str]:
    """:meth:`Library.names` of a library loaded for the purpose."""
    return load(folders).names()


def read(file: Path) -> Profile:
    """One profile file. Raises ConfigError with everything that is wrong with it."""
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(str(file), [Problem("file", f"cannot be read: {error.strerror}")]) from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(str(file), [Problem("file", f"is not valid TOML: {error}")]) from None
    profile, problems = validate(Profile, data)
    if profile is None:
        raise ConfigError(str(file), problems)
    return profile


@cache
def _installed() -> tuple[Shelf, ...]:
    parties = tuple(_third_party(entry.name, entry) for entry in entry_points(group=GROUP))
    return (*parties, _shelf("the shipped profiles", [SHIPPED]))


def _third_party(name: str, entry: Any) -> Shelf:
    origin = f"the package {name!r}"
    try:
        return _shelf(origin, list(entry.load()()))
    except Exception as error:  # a stranger's package must not take ours down
        why = f"its profiles cannot be loaded: {type(error).__name__}: {error}"
        return Shelf(origin, (), (ConfigError(origin, [Problem(GROUP, why, "update or remove the package")]),))


def _shelf(origin: str, content: Iterable[Profile | Path]) -> Shelf:
    profiles: list[Profile] = []
    broken: list[ConfigError] = []
    for item in content:
        if isinstance(item, Profile):
            profiles.append(item)
            continue
        if not item.is_dir():
            broken.append(ConfigError(str(item), [Problem("folder", "is not there", "create it or correct the path")]))
        for file in sorted(item.rglob("*.toml")):
            try:
                profiles.append(read(file))
            except ConfigError as error:
                broken.append(error)
    return Shelf(origin, tuple(profiles), tuple(broken))
