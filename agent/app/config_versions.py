"""Configurations that were in force, the one being tried, the one proposed. Blocking; for the disk's lane.

state_dir/config/000007.toml 000007.json   a version, and who put it in force when
                 proposed.toml             laid there by config.propose
                 before.toml               there while a trial runs: what a crash goes back to
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from agent.runtime.files import replace_file
from config.load import read
from config.model import StudioConfig

KEEP = 20


class Version(BaseModel):
    """``why``: what put it in force."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    number: int
    sha256: str
    at: str
    by: str
    why: str


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class ConfigVersions:
    """See the module. Everything may raise OSError."""

    state_dir: Path

    @property
    def folder(self) -> Path:
        return self.state_dir / "config"

    @property
    def before(self) -> Path:
        return self.folder / "before.toml"

    def all(self) -> list[Version]:
        """The newest first."""
        found = []
        for path in sorted(self.folder.glob("[0-9]*.json"), reverse=True):
            try:
                found.append(Version.model_validate_json(path.read_bytes()))
            except (OSError, ValidationError):
                continue
        return found

    def text(self, number: int) -> str:
        return (self.folder / f"{number:06d}.toml").read_text(encoding="utf-8")

    def keep(self, text: str, at: str, by: str, why: str) -> Version:
        """Keep it as the newest, unless it is that already."""
        known = self.all()
        if known and known[0].sha256 == digest(text):
            return known[0]
        number = known[0].number + 1 if known else 1
        version = Version(number=number, sha256=digest(text), at=at, by=by, why=why)
        self._put(f"{number:06d}.toml", text)
        self._put(f"{number:06d}.json", version.model_dump_json())
        for old in known[KEEP - 1 :]:
            for end in ("json", "toml"):
                (self.folder / f"{old.number:06d}.{end}").unlink(missing_ok=True)
        return version

    def propose(self, text: str) -> None:
        self._put("proposed.toml", text)

    def proposed(self) -> str:
        """ "" when nothing is."""
        try:
            return (self.folder / "proposed.toml").read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    def try_out(self, file: Path, text: str, before: str) -> None:
        """Write the new file, after what to go back to."""
        self._put(self.before.name, before)
        write(file, text)

    def go_back(self, file: Path) -> None:
        """The file as it was before the trial."""
        write(file, self.text_before())
        self.before.unlink()

    def text_before(self) -> str:
        return self.before.read_text(encoding="utf-8")

    def proven(self) -> None:
        self.before.unlink(missing_ok=True)

    def _put(self, name: str, text: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.folder / name
        replace_file(path, text.encode())
        path.chmod(0o600)


def first(file: Path, config: StudioConfig, environ: Mapping[str, str]) -> StudioConfig:
    """What to start with, ``config`` being what the file says: after a trial that was cut off, what was in force before
    it. The new one may be what cut it off, and would again."""
    try:
        before = ConfigVersions(config.agent.state_dir).text_before()
    except OSError:
        return config
    reading = read(file, environ, before)
    return config if reading.config is None or reading.error() else reading.config


def write(file: Path, text: str) -> None:
    """Replace the file in one step, with the rights it had; through a link, where it points."""
    file = Path(os.path.realpath(file))
    mode = file.stat().st_mode
    fresh = file.with_name(file.name + ".new")
    fresh.touch(mode=0o600)
    fresh.chmod(mode & 0o777)
    replace_file(file, text.encode())
