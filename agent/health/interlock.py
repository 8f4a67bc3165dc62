"""Are we on air? Unknown and stale always count as yes."""

import time
from collections.abc import Callable
from pathlib import Path

from config.model import AirSection


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

    def tell(self, on_air: bool, source: str, now: float) -> None:
        """The mqtt source speaks. Ignored (but remembered as refused by the caller) for other sources."""
        if self._section.source != "mqtt":
            return
        self.told_by = source
        self._off_until = -1.0 if on_air else now + self._section.fresh

    @property
    def listens(self) -> bool:
        """Whether the air topic is what this studio goes by."""
        return self._section.source == "mqtt"

    def on_air(self, now: float) -> bool:
        section = self._section
        if section.source == "never":
            return False
        if section.source == "file":
            return self._tally(section.file)
        return now >= self._off_until

    def why(self, now: float) -> str:
        """One line on where the state comes from, for people."""
        section = self._section
        if section.source == "never":
            return "configured as never on air"
        if section.source == "file":
            return f"tally file {section.file}"
        if now < self._off_until:
            return f"off air, said by {self.told_by or 'unknown'}, good for {self._off_until - now:.0f} s"
        return f"on air, said by {self.told_by}" if self.told_by else "nobody says off air, so on air"

    def _tally(self, file: Path | None) -> bool:
        """Off air only while the file holds ``0`` and was written no longer than ``fresh`` seconds ago."""
        try:
            if file is None or file.read_text().strip() != "0":
                return True
            return abs(self._wall() - file.stat().st_mtime) > self._section.fresh
        except (OSError, UnicodeDecodeError):
            return True
