"""What people save while the agent runs: looks and cue lists, each with its versions. Blocking; for the disk's lane.

state_dir/show/look.NAME.json     one look, its versions from the oldest to the newest
               cues.NAME.json     one cue list
               NAME.json.damaged-N        put aside, what was whole of it is in NAME.json again
               NAME.json.damaged-N.seen   and a person has saved it anew, or acknowledged the alert

Whatever of the same name stands in the configuration file is its base: it is never written, it shows again when the
saved one is deleted. A deletion is a version too, so that it can be taken back.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.lighting.salvage import objects
from agent.runtime.files import put_aside, replace_file
from config.section import Section
from config.show import CueListSection, LookSection
from config.units import Name

log = structlog.get_logger(__name__)

KEEP = 20
"""Versions of one thing."""
MOST = 200
"""Things of one kind. A deleted one makes room for a new one."""
MAX_BYTES = 64_000
"""Of one version, as JSON."""

B = TypeVar("B", bound=Section)


class Full(Exception):
    """It cannot be saved; the text says what is too much."""


class Version(BaseModel, Generic[B]):
    """``body`` is ``None`` where it was deleted; ``at``: wall clock, ISO 8601 UTC; ``why``: as it was given."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    number: int = Field(ge=1)
    at: str
    by: str
    why: str = ""
    body: B | None


class Kept(BaseModel, Generic[B]):
    """All versions of one thing, the oldest first; as it stands in the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    versions: tuple[Version[B], ...] = Field(min_length=1, max_length=KEEP)


@dataclass(frozen=True)
class Found(Generic[B]):
    """What counts under a name now. ``version``: the saved one's. ``shadows``: the configuration file has one, too."""

    body: B
    origin: Literal["config", "saved"]
    version: Version[B] | None = None
    shadows: bool = False


@dataclass
class Damage:
    """Of one thing's file. ``kept_as``: the damaged one's name now; ``fresh``: it was found at this start; ``over``: a
    person has seen to it."""

    kept_as: str
    fresh: bool
    over: bool = False


@dataclass
class Shelf(Generic[B]):
    """All things of one kind. ``base`` gives those of the configuration in force; ``model`` is ``Kept[…]``."""

    folder: Path
    kind: str
    model: type[Kept[B]]
    base: Callable[[], Mapping[str, B]]
    damaged: dict[str, Damage] = field(default_factory=dict)
    """By the thing's name."""
    _kept: dict[str, tuple[Version[B], ...]] = field(default_factory=dict)

    def read(self) -> None:
        """Take up what is on the disk. A damaged file is put aside and said, never fatal; the versions in it that are
        whole are used."""
        fresh = set()
        for path in sorted(self.folder.glob(f"{self.kind}.*.json")):
            name = path.name.removeprefix(f"{self.kind}.").removesuffix(".json")
            try:
                self._kept[_name(name)] = self.model.model_validate_json(path.read_bytes()).versions
            except (OSError, ValidationError) as error:
                put_aside(path, "show", error)
                fresh.add(name)
        for name in sorted({path.name.split(".")[1] for path in self.folder.glob(f"{self.kind}.*.json.damaged-*")}):
            with contextlib.suppress(ValidationError):  # no name of ours
                if aside := self._aside(name):
                    self.damaged[name] = Damage(aside[0].name, name in fresh)
                    if name not in self._kept:
                        self._rescue(name, aside)

    def all(self) -> dict[str, Found[B]]:
        """What there is, by name."""
        base = self.base()
        found = {name: Found(body, "config") for name, body in base.items()}
        for name, versions in self._kept.items():
            newest = versions[-1]
            if newest.body is not None:
                found[name] = Found(newest.body, "saved", newest, shadows=name in base)
        return dict(sorted(found.items()))

    def get(self, name: str) -> Found[B] | None:
        """What counts under this name."""
        newest = self._kept[name][-1] if name in self._kept else None
        base = self.base().get(name)
        if newest is not None and newest.body is not None:
            return Found(newest.body, "saved", newest, shadows=base is not None)
        return None if base is None else Found(base, "config")

    def versions(self, name: str) -> tuple[Version[B], ...]:
        """The saved ones, the oldest first."""
        return self._kept.get(name, ())

    def next(self, name: str, body: B | None, *, at: str, by: str, why: str) -> tuple[Version[B], ...]:
        """The versions with this one on top. Raises Full. Changes nothing: :meth:`write`, then :meth:`take`."""
        known = self.versions(name)
        if not known and len(self._kept) >= MOST and self._longest_gone() is None:
            raise Full(f"{MOST} are saved already")
        number = known[-1].number + 1 if known else 1
        version: Version[B] = Version(number=number, at=at, by=by, why=why, body=body)
        if (size := len(version.model_dump_json().encode())) > MAX_BYTES:
            raise Full(f"{size} bytes of {MAX_BYTES}")
        return (*known, version)[-KEEP:]

    def write(self, name: str, versions: tuple[Version[B], ...]) -> None:
        """On the disk, in one step. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._replace(name, versions)
        if name not in self._kept and len(self._kept) >= MOST and (gone := self._longest_gone()) is not None:
            self._file(gone).unlink(missing_ok=True)
        self._put_away(name)

    def take(self, name: str, versions: tuple[Version[B], ...]) -> None:
        """What is on the disk counts."""
        if name not in self._kept and len(self._kept) >= MOST and (gone := self._longest_gone()) is not None:
            del self._kept[gone]
        self._kept[name] = versions
        self.seen(name)

    def seen(self, name: str) -> None:
        """A person knows of the damage, if there was one."""
        if name in self.damaged:
            self.damaged[name].over = True

    def settle(self, name: str) -> None:
        """A person has acknowledged that its file was damaged: what was whole of it is in its place, the damaged one is
        kept, and says no more that something is to be done. Raises OSError."""
        if versions := self.versions(name):
            self.write(name, versions)
        else:
            self._put_away(name)

    def _replace(self, name: str, versions: tuple[Version[B], ...]) -> None:
        text = self.model(versions=versions).model_dump_json(exclude_defaults=True)
        replace_file(self._file(name), text.encode())

    def _file(self, name: str) -> Path:
        return self.folder / f"{self.kind}.{_name(name)}.json"

    def _aside(self, name: str) -> list[Path]:
        """Its damaged files nobody has seen to, the latest first."""
        found = self.folder.glob(f"{self.kind}.{_name(name)}.json.damaged-*")
        return sorted((path for path in found if path.suffix != ".seen"), key=_age, reverse=True)

    def _put_away(self, name: str) -> None:
        for aside in self._aside(name):
            with contextlib.suppress(OSError):  # the alert comes again at the next start: nothing worse
                aside.replace(aside.with_name(f"{aside.name}.seen"))

    def _rescue(self, name: str, aside: list[Path]) -> None:
        """Take up the versions that are whole in the latest damaged file that has any, and write them where they
        belong; where the disk declines, they are found again at the next start."""
        for path in aside:
            if versions := tuple(self._whole(path))[-KEEP:]:
                self._kept[name] = versions
                log.info("show.rescued", file=str(path), versions=[each.number for each in versions])
                with contextlib.suppress(OSError):
                    self._replace(name, versions)
                return

    def _whole(self, path: Path) -> Iterator[Version[B]]:
        """The versions that can be read of a damaged file, each later than the one before."""
        last = 0
        with contextlib.suppress(OSError):
            for text in objects(path.read_bytes()):
                with contextlib.suppress(ValidationError):
                    (version,) = self.model.model_validate_json(f'{{"versions":[{text}]}}').versions
                    if version.number > last:
                        last = version.number
                        yield version

    def _longest_gone(self) -> str | None:
        gone = [name for name, versions in self._kept.items() if versions[-1].body is None]
        return min(gone, key=lambda name: self._kept[name][-1].at, default=None)


class ShowFile:
    """The saved looks and cue lists of a studio, over those of its configuration."""

    def __init__(
        self,
        state_dir: Path,
        looks: Callable[[], Mapping[str, LookSection]],
        lists: Callable[[], Mapping[str, CueListSection]],
    ) -> None:
        folder = state_dir / "show"
        self.looks: Shelf[LookSection] = Shelf(folder, "look", Kept[LookSection], looks)
        self.lists: Shelf[CueListSection] = Shelf(folder, "cues", Kept[CueListSection], lists)

    @property
    def shelves(self) -> tuple[Shelf[Any], ...]:
        """Both."""
        return self.looks, self.lists

    def read(self) -> None:
        """See :meth:`Shelf.read`."""
        for shelf in self.shelves:
            shelf.read()


def _age(aside: Path) -> int:
    number = aside.name.rpartition("-")[2]
    return int(number) if number.isdecimal() else 0


class _Named(BaseModel):
    name: Name


def _name(name: str) -> str:
    """A file's name is a name of ours, whatever lies in the folder. Raises ValidationError."""
    return _Named(name=name).name
