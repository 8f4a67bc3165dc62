"""The profiles there are: the site's own folders, then third parties' packages, then those shipped with the agent.

The first of the three that has a fitting profile gives it; within one of them the most specific firmware range wins,
and a tie is an error. A broken file is one clear error, and the others still load.
"""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from config import source
from config.check import validate
from config.forms import plain_name
from config.lines import numbered
from config.problems import ConfigError, Problem, nearest, quoted
from firmware_profiles.match import most_specific
from firmware_profiles.model import Profile

GROUP = "studio_agent.profiles"
"""Entry points: a callable that gives profiles and folders of profile files (``Iterable[Profile | Path]``)."""

VERSION = "the version as the light's display shows it, or leave it out"
"""What would be right where a firmware version is none."""

SHIPPED = Path(__file__).parent / "data"


class ProfileMissing(LookupError):
    """No profile of that name fits; ``right`` says what would."""

    def __init__(self, why: str, right: str) -> None:
        super().__init__(f"{why} – {right}" if right else why)
        self.why = why
        self.right = right


@dataclass(frozen=True)
class Broken:
    """A file that could not be used, and whose profile it would have been (``vendor/model``), if it says so."""

    error: ConfigError
    name: str | None = None

    def may_be(self, name: str) -> bool:
        """Whether the profile of that name is the one in this file."""
        if self.name is not None:
            return self.name == name
        return Path(self.error.file).suffix == ".toml" and Path(self.error.file).stem == name.rpartition("/")[2]


@dataclass(frozen=True)
class Shelf:
    """Profiles of one origin, with what is wrong with the files that could not be read."""

    origin: str
    profiles: tuple[Profile, ...]
    broken: tuple[Broken, ...] = ()
    is_site: bool = False
    """One of the site's own folders."""


@dataclass(frozen=True)
class Library:
    """Shelves, the strongest first."""

    shelves: tuple[Shelf, ...]

    def names(self) -> list[str]:
        """``vendor/model`` of every profile, sorted."""
        return sorted({profile.name for shelf in self.shelves for profile in shelf.profiles})

    def named(self, name: str) -> list[Profile]:
        """All profiles of ``vendor/model``, for whatever firmware."""
        return [profile for shelf in self.shelves for profile in shelf.profiles if profile.name == name]

    @property
    def site_broken(self) -> list[ConfigError]:
        """One error for each file in the site's own folders that could not be used."""
        found = [broken.error for shelf in self.shelves if shelf.is_site for broken in shelf.broken]
        return list({error.file: error for error in found}.values())  # folders may lie within one another

    @property
    def broken(self) -> list[ConfigError]:
        """One error for each file that could not be used."""
        return [broken.error for shelf in self.shelves for broken in shelf.broken]

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
                raise ProfileMissing(str(error), VERSION) from None
            if len(best) > 1:
                why = (
                    f"{len(best)} profiles of {name} in {shelf.origin} fit firmware {firmware or '(not known)'} equally"
                )
                raise ProfileMissing(why, "make one range narrower, or remove one")
            if best:
                return best[0]
            for broken in shelf.broken:
                if broken.may_be(name):  # a weaker shelf's light may have other slots: it is no replacement
                    raise ProfileMissing(
                        f"the file of this profile is broken: {broken.error.first()}", "mend that file"
                    )
        if known:
            why = f"no profile of {name} is for firmware {firmware or '(not known)'}"
            raise ProfileMissing(why, "give the light's firmware version" if firmware is None else self._ranges(name))
        raise ProfileMissing(f"there is no profile {quoted(name)}", nearest(name, self.names()))

    def _ranges(self, name: str) -> str:
        ranges = [
            f"{range_.since or 'the first'} up to before {range_.before or 'any later'}"
            for shelf in self.shelves
            for profile in shelf.profiles
            if profile.name == name
            for range_ in profile.match.firmware
        ]
        return f"there are profiles for {'; '.join(ranges)}"


def load(folders: Sequence[Path] = ()) -> Library:
    """Read everything. The site's folders are read anew each time, the rest once."""
    site = tuple(_shelf(str(folder), [folder], is_site=True) for folder in folders)
    return Library((*site, *_installed()))


def find(name: str, firmware: str | None = None, folders: Sequence[Path] = ()) -> Profile:
    """:meth:`Library.find` in a library loaded for the purpose."""
    return load(folders).find(name, firmware)


def names(folders: Sequence[Path] = ()) -> list[str]:
    """:meth:`Library.names` of a library loaded for the purpose."""
    return load(folders).names()


def read(file: Path) -> Profile:
    """One profile file. Raises ConfigError with everything that is wrong with it, by line."""
    read_in = _read(file)
    if isinstance(read_in, Broken):
        raise read_in.error
    return read_in


def _read(file: Path) -> Profile | Broken:
    text, unreadable = source.read(file)
    data, not_toml = ({}, None) if unreadable else source.parse(text)
    wrong = unreadable or not_toml
    profile, problems = (None, [wrong]) if wrong else validate(Profile, data)
    if profile is not None:
        return profile
    found = sorted(numbered(text, problems), key=lambda problem: problem.at or 0)
    said = [data.get(key) or _written(text, key) for key in ("vendor", "model")]
    named = all(isinstance(word, str) and plain_name(word) == word for word in said)
    return Broken(ConfigError(str(file), found), "/".join(map(str, said)) if named else None)


def _written(text: str, key: str) -> str | None:
    """What a text that is not TOML as a whole gives for a key."""
    found = re.search(rf"""^\s*{key}\s*=\s*["']([^"']+)["']""", text, re.MULTILINE)
    return found[1] if found else None


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
        error_of_theirs = ConfigError(origin, [Problem(GROUP, why, "update or remove the package")])
        return Shelf(origin, (), (Broken(error_of_theirs),))


def _shelf(origin: str, content: Iterable[Profile | Path], is_site: bool = False) -> Shelf:
    profiles: list[Profile] = []
    broken: list[Broken] = []
    for item in content:
        if isinstance(item, Profile):
            profiles.append(item)
            continue
        for file in _files(item, broken):
            one = _read(file)
            if isinstance(one, Profile):
                profiles.append(one)
            else:
                broken.append(one)
    return Shelf(origin, tuple(profiles), tuple(broken), is_site)


def is_folder(path: Path) -> bool:
    """Whether there is a folder; False, not an OSError, for a path that cannot be one or be looked at."""
    return os.path.isdir(path)  # noqa: PTH112 - Path.is_dir() raises for a name that is too long


def _files(folder: Path, broken: list[Broken]) -> list[Path]:
    problem = Problem("folder", "is not there", "create it or correct the path")
    try:
        if is_folder(folder):
            return sorted(folder.rglob("*.toml"))
    except OSError as error:
        problem = Problem("folder", f"cannot be read: {error.strerror}", "a folder this user may read")
    broken.append(Broken(ConfigError(str(folder), [problem])))
    return []
