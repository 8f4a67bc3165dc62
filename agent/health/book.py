"""What people said about alerts: looked after, silenced. Small, on the disk, over a restart."""

import os
from collections.abc import Collection
from fnmatch import fnmatchcase
from pathlib import Path

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

log = structlog.get_logger(__name__)


class Silence(BaseModel):
    """``until``: seconds since 1970."""

    model_config = ConfigDict(frozen=True)
    by: str
    until: float


class _Content(BaseModel):
    acknowledged: dict[str, str] = Field(default_factory=dict)
    silenced: dict[str, Silence] = Field(default_factory=dict)


class Book:
    """Read at the first use. What the disk does not take holds until the end of this program, and is logged."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: _Content | None = None

    def acknowledged(self, key: str) -> str:
        """Who looks after it; "" nobody."""
        return self._read().acknowledged.get(key, "")

    def acknowledge(self, key: str, by: str) -> None:
        self._read().acknowledged[key] = by
        self._write()

    def over(self, keys: Collection[str]) -> None:
        """These alerts are no more, and what was said about them neither."""
        known = self._read().acknowledged
        if gone := known.keys() & set(keys):
            for key in gone:
                del known[key]
            self._write()

    def silence(self, pattern: str, by: str, until: float) -> None:
        self._read().silenced[pattern] = Silence(by=by, until=until)
        self._write()

    def unsilence(self, pattern: str) -> bool:
        """Whether it was silenced."""
        found = self._read().silenced.pop(pattern, None)
        if found is not None:
            self._write()
        return found is not None

    def silenced(self, key: str, wall: float) -> Silence | None:
        """The silence over this alert that lasts longest."""
        over = [s for pattern, s in self._read().silenced.items() if s.until > wall and fnmatchcase(key, pattern)]
        return max(over, key=lambda silence: silence.until, default=None)

    def patterns(self) -> list[str]:
        """What is silenced."""
        return sorted(self._read().silenced)

    def lapse(self, wall: float) -> list[str]:
        """Patterns whose silence has just ended."""
        known = self._read().silenced
        ended = [pattern for pattern, silence in known.items() if silence.until <= wall]
        for pattern in ended:
            del known[pattern]
        if ended:
            self._write()
        return ended

    def _read(self) -> _Content:
        if self._known is None:
            self._known = _Content()
            try:
                self._known = _Content.model_validate_json(self._path.read_bytes())
            except FileNotFoundError:
                pass
            except (OSError, ValidationError) as error:
                log.error("alerts.book-unreadable", file=str(self._path), why=str(error).splitlines()[0])
        return self._known

    def _write(self) -> None:
        fresh = self._path.with_suffix(".new")
        try:
            with fresh.open("w", encoding="utf-8") as out:
                out.write(self._read().model_dump_json())
                out.flush()
                os.fsync(out.fileno())
            fresh.replace(self._path)
        except OSError as error:
            log.error("alerts.book-not-saved", file=str(self._path), why=str(error), next="free space")
