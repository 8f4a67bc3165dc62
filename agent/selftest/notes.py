"""Notes of people who look after the studio: one JSON object a line, each with the SHA-256 of the line before.

None can be changed or taken out of the middle unnoticed; reports carry the latest, and are chained themselves.
"""

import hashlib
import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

LATEST = 20
"""Notes that a report carries."""


class Note(BaseModel):
    """``about``: a light or a device; "" the studio. ``previous``: the line before it."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    at: str
    by: str
    about: str = ""
    text: str
    previous: str = ""


class Notes:
    """The file ``state_dir/reports/notes.jsonl``. Blocking; for the disk's lane."""

    def __init__(self, state_dir: Path) -> None:
        self.path = state_dir / "reports" / "notes.jsonl"

    def append(self, note: Note) -> Note:
        """The note as written; on the disk when this returns. Raises OSError when the disk refuses."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lines = self._lines()
        chained = note.model_copy(update={"previous": _digest(lines[-1]) if lines else ""})
        with self.path.open("ab") as out:
            if out.tell() and not self.path.read_bytes().endswith(b"\n"):
                out.write(b"\n")  # a power cut came into the middle of a line
            out.write(chained.model_dump_json().encode() + b"\n")
            out.flush()
            os.fsync(out.fileno())
        return chained

    def latest(self, most: int = LATEST) -> tuple[Note, ...]:
        """The newest first; a line that cannot be read is left out."""
        found: list[Note] = []
        for line in reversed(self._lines()):
            if len(found) == most:
                break
            try:
                found.append(Note.model_validate_json(line))
            except ValidationError:
                continue
        return tuple(found)

    def verify(self) -> list[str]:
        """What is wrong with the chain; nothing: it is whole."""
        wrong, before = [], b""
        for number, line in enumerate(self._lines(), start=1):
            try:
                note = Note.model_validate_json(line)
            except ValidationError:
                wrong.append(f"note {number} cannot be read")
            else:
                if note.previous != (_digest(before) if before else ""):
                    wrong.append(f"before note {number} something was changed or taken out")
            before = line
        return wrong

    def _lines(self) -> list[bytes]:
        try:
            return [line for line in self.path.read_bytes().splitlines() if line]
        except FileNotFoundError:
            return []


def _digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()
