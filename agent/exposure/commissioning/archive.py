"""What commissionings found, on the disk: one file each, the newest that is whole counts. Blocking."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from agent.exposure.transport import file as transport_file
from agent.exposure.transport.matrix import Transport
from agent.runtime.files import replace_file

FOLDER = "commissioning"
KEPT = 20
"""Of one camera; the oldest go."""


@dataclass(frozen=True, slots=True)
class Found:
    """The newest whole one, and what is wrong with files that are not."""

    transport: Transport | None
    file: Path | None = None
    damaged: dict[str, str] = field(default_factory=dict)


class Archive:
    """Of one camera. ``state``: the agent's state folder."""

    def __init__(self, state: Path, camera: str) -> None:
        self.folder = state / FOLDER / camera

    def save(self, transport: Transport, page: str) -> Path:
        """The light transport, and beside it the page that shows it. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        stem = re.sub(r"[^0-9T]", "", transport.at.split(".")[0])
        file = self.folder / f"{stem}.json"
        replace_file(file.with_suffix(".html"), page.encode())
        replace_file(file, transport_file.write(transport))
        for old in self._files()[KEPT:]:
            old.unlink(missing_ok=True)
            old.with_suffix(".html").unlink(missing_ok=True)
        return file

    def newest(self) -> Found:
        """What counts now. Raises OSError when the folder cannot be read."""
        damaged: dict[str, str] = {}
        for file in self._files():
            try:
                return Found(transport_file.read(file.read_bytes()), file, damaged)
            except (OSError, transport_file.BadTransport) as error:
                damaged[file.name] = str(error)
        return Found(None, None, damaged)

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("*.json"), reverse=True) if self.folder.is_dir() else []
