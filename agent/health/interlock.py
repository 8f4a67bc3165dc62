"""Are we on air? Unknown and stale always count as yes."""

import time
from collections.abc import Callable
from pathlib import Path

import structlog

from config.model import AirSection

log = structlog.get_logger(__name__)


class Interlock:
    """Knows the air state from the one source the configuration names.

    An *off air* message counts for ``fresh`` seconds of the monotonic clock from its arrival; an *on air* one until
    told otherwise.
    """

    def __init__(self, section: AirSection, wall: Callable[[], float] = time.time) -> None:
        self._section = section
        self._wall = wall
        self._off_until = -1.0
        self.told_by = ""

    def hear(self, on_air: bool, source: str, said: float, now: float) -> bool:
        """Somebody says so, or said so at ``said`` (seconds since 1970). *Off air* counts from then: an old or retained
        message opens nothing. Whether it was believed."""
        age, fresh = self._wall() - said, self._section.fresh
        if not on_air and not -fresh <= age <= fresh:
            log.warning("air.stale", source=source, age=round(age, 1), fresh=fresh)
            return False
        self.tell(on_air, source, now - max(0.0, age))
        return True

    def tell(self, on_air: bool, source: str, now: float) -> None:
        """The mqtt source speaks. Ignored (but remembered as refused by the caller) for other sources."""
        if self._section.source != "mqtt":
            return
        self.told_by = source
        self._off_until = -1.0 if on_air else now + self._section.fresh

    def use(self, section: AirSection) -> None:
        """Another configuration; what was said so far counts no more if the source is another one."""
        if section != self._section:
            self._section, self._off_until, self.told_by = section, -1.0, ""

    @property
    def source(self) -> str:
        """Who is believed."""
        return self.told_by or self._section.source

    def known(self, now: float) -> bool:
        """Whether somebody has said so lately (or it is configured): an unknown state counts as on air."""
        if self._section.source == "mqtt":
            return now < self._off_until or (bool(self.told_by) and self._off_until < 0)
        return True

    def on_air(self, now: float) -> bool:
        section = self._section
        if section.source == "never":
            return False
        if section.source == "file":
            return self._tally(section.file)
        return now >= self._off_until

    def _tally(self, file: Path | None) -> bool:
        """Off air only while the file holds ``0`` and was written no longer than ``fresh`` seconds ago."""
        try:
            if file is None or file.read_text().strip() != "0":
                return True
            return abs(self._wall() - file.stat().st_mtime) > self._section.fresh
        except (OSError, UnicodeDecodeError):
            return True
