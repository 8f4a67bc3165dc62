"""What people said about alerts: looked after, silenced. Small, on the disk, over a restart."""

from collections.abc import Callable, Collection
from fnmatch import fnmatchcase
from pathlib import Path

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.runtime.files import replace_file

log = structlog.get_logger(__name__)


class Silence(BaseModel):
    """``until``: seconds since 1970."""

    model_config = ConfigDict(frozen=True)
    by: str
    until: float
    reason: str = ""


class _Content(BaseModel):
    acknowledged: dict[str, str] = Field(default_factory=dict)
    silenced: dict[str, Silence] = Field(default_factory=dict)


class Book:
    """What the disk does not take holds until the end of this program, and is logged. Only :meth:`load` and what
    :meth:`save` gives touch the disk, and block."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = _Content()
        self._changed = False

    def load(self) -> None:
        """Once, before anything else; never raises."""
        try:
            self._known = _Content.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            pass
        except (OSError, ValidationError) as error:
            log.error("alerts.book-unreadable", file=str(self._path), why=str(error).splitlines()[0])

    def save(self) -> Callable[[], None]:
        """What has changed since the last time, as work for the disk's lane. It never raises."""
        content = self._known.model_dump_json().encode() if self._changed else b""
        self._changed = False
        return lambda: self._write(content)

    def acknowledged(self, key: str) -> str:
        """Who looks after it; "" nobody."""
        return self._known.acknowledged.get(key, "")

    def acknowledge(self, key: str, by: str) -> None:
        self._known.acknowledged[key] = by
        self._changed = True

    def over(self, keys: Collection[str]) -> None:
        """These alerts are no more, and what was said about them neither."""
        known = self._known.acknowledged
        if gone := known.keys() & set(keys):
            for key in gone:
                del known[key]
            self._changed = True

    def silence(self, pattern: str, by: str, until: float, reason: str) -> None:
        self._known.silenced[pattern] = Silence(by=by, until=until, reason=reason)
        self._changed = True

    def unsilence(self, pattern: str) -> bool:
        """Whether it was silenced."""
        found = self._known.silenced.pop(pattern, None)
        if found is not None:
            self._changed = True
        return found is not None

    def silenced(self, key: str, wall: float) -> Silence | None:
        """The silence over this alert that lasts longest."""
        over = [s for pattern, s in self._known.silenced.items() if s.until > wall and fnmatchcase(key, pattern)]
        return max(over, key=lambda silence: silence.until, default=None)

    def patterns(self) -> list[str]:
        """What is silenced."""
        return sorted(self._known.silenced)

    def lapse(self, wall: float) -> list[str]:
        """Patterns whose silence has just ended."""
        known = self._known.silenced
        ended = [pattern for pattern, silence in known.items() if silence.until <= wall]
        for pattern in ended:
            del known[pattern]
        if ended:
            self._changed = True
        return ended

    def _write(self, content: bytes) -> None:
        if not content:
            return
        try:
            replace_file(self._path, content)
        except OSError as error:
            log.error("alerts.book-not-saved", file=str(self._path), why=str(error), next="free space")
