"""What people save while the agent runs: looks and cue lists, each with its versions. Blocking; for the disk's lane.

state_dir/show/look.NAME.json     one look, its versions from the oldest to the newest
               cues.NAME.json     one cue list

Whatever of the same name stands in the configuration file is its base: it is never written, it shows again when the
saved one is deleted. A deletion is a version too, so that it can be taken back.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Literal, TypeVar

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

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
class Shelf(Generic[B]):
    """All things of one kind. ``base`` gives those of the configuration in force; ``model`` is ``Kept[…]``."""

    folder: Path
    kind: str
    model: type[Kept[B]]
    base: Callable[[], Mapping[str, B]]
    _kept: dict[str, tuple[Version[B], ...]] = field(default_factory=dict)

    def read(self) -> None:
        """Take up what is on the disk. A damaged file is put aside and said, never fatal."""
        for path in sorted(self.folder.glob(f"{self.kind}.*.json")):
            name = path.name.removeprefix(f"{self.kind}.").removesuffix(".json")
            try:
                self._kept[_name(name)] = self.model.model_validate_json(path.read_bytes()).versions
            except (OSError, ValidationError) as error:
                put_aside(path, "show", error)

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
        text = self.model(versions=versions).model_dump_json(exclude_defaults=True)
        replace_file(self._file(name), text.encode())
        if name not in self._kept and len(self._kept) >= MOST and (gone := self._longest_gone()) is not None:
            self._file(gone).unlink(missing_ok=True)

    def take(self, name: str, versions: tuple[Version[B], ...]) -> None:
        """What is on the disk counts."""
        if name not in self._kept and len(self._kept) >= MOST and (gone := self._longest_gone()) is not None:
            del self._kept[gone]
        self._kept[name] = versions

    def _file(self, name: str) -> Path:
        return self.folder / f"{self.kind}.{_name(name)}.json"

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

    def read(self) -> None:
        """See :meth:`Shelf.read`."""
        self.looks.read()
        self.lists.read()


class _Named(BaseModel):
    name: Name


def _name(name: str) -> str:
    """A file's name is a name of ours, whatever lies in the folder. Raises ValidationError."""
    return _Named(name=name).name
