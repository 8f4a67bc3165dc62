"""What is known of one camera beyond its pictures, on the disk: its locked controls, its reference picture, its curve.
Blocking; used on the camera's lane. A damaged file is said and does without."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import structlog

from agent.runtime.files import replace_file
from drivers.base import Camera
from drivers.camera import locked, response_file
from drivers.camera.baseline import Baseline
from drivers.camera.baseline_file import from_json, to_json
from drivers.camera.locked import Locked
from drivers.camera.response import Response
from drivers.errors import DriverError
from drivers.host import Controls

log = structlog.get_logger(__name__)

T = TypeVar("T")

FOLDER = "cameras"
MANUAL = "auto_exposure"
AUTOMATIC = {"white_balance_automatic": 1, "gain_automatic": 1}
"""Switches that move the picture by themselves, and where they do, besides ``auto_exposure``."""


class CameraFiles:
    """Of the camera of this name. ``state``: the agent's state folder."""

    def __init__(self, state: Path, name: str) -> None:
        self.folder = state / FOLDER
        self.name = name

    def reference(self) -> Baseline | None:
        """The show's reference picture."""
        return self._read(self._file("reference"), lambda file: from_json(file.read_text(encoding="utf-8")))

    def response(self) -> Response | None:
        """The camera's own curve."""
        return self._read(self._file("response"), response_file.load)

    def locked(self, stable: str) -> Locked | None:
        """What the camera with this lasting name was locked to."""
        return self._read(self._locked(stable), lambda file: locked.from_json(file.read_bytes()))

    def keep_reference(self, reference: Baseline) -> None:
        """Raises OSError, as the others."""
        self.folder.mkdir(parents=True, exist_ok=True)
        replace_file(self._file("reference"), to_json(reference).encode())

    def keep_response(self, response: Response) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        response_file.save(response, self._file("response"))

    def keep_locked(self, found: Locked) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        replace_file(self._locked(found.camera), locked.to_json(found))

    def restore(self, camera: Camera) -> None:
        """Put the camera's controls back to what they were locked to, if they were."""
        stable, reach = getattr(camera, "stable", ""), getattr(camera, "controls", None)
        known = self.locked(stable) if stable else None
        if known is None or reach is None:
            return
        try:
            wrong = locked.restore(reach(), known)
        except DriverError as error:
            log.warning("camera.not-restored", camera=self.name, why=str(error))
            return
        log.info("camera.restored", camera=self.name, controls=len(known.values), differences=list(wrong))

    def _file(self, what: str) -> Path:
        return self.folder / f"{self.name}.{what}.json"

    def _locked(self, stable: str) -> Path:
        return self.folder / locked.file_name(stable)

    def _read(self, file: Path, read: Callable[[Path], T]) -> T | None:
        try:
            return read(file)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            log.error("camera.damaged-file", camera=self.name, file=str(file), why=str(error), next="take it again")
            return None


def automatics(controls: Controls) -> tuple[str, ...]:
    """Controls that read back as automatic and move the picture. Any thread. Raises DriverError."""
    there = {control.name: control for control in controls.list()}
    found = []
    if MANUAL in there:
        manual = [value for value, label in there[MANUAL].menu.items() if "manual" in label.lower()] or [1]
        if controls.read(MANUAL) not in manual:
            found.append(MANUAL)
    return (*found, *(name for name, on in AUTOMATIC.items() if name in there and controls.read(name) == on))
