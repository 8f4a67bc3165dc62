"""The last look on disk: what brings the lights back after a crash, a restart or a power cut."""

from pathlib import Path
from typing import Literal

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.runtime.files import put_aside, replace_file
from config.show import CueSection
from config.units import Attribute, Level, Name

log = structlog.get_logger(__name__)


class HeldClaim(BaseModel):
    """A person's hold on a light, or a cue list's, that outlives a restart."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    owner: str
    priority: Literal["manual", "schedule"] = "manual"
    levels: dict[Attribute, float]
    fixture: Name
    until: float | None = None
    """End of the lease, seconds of the wall clock."""
    left: float | None = None
    """Seconds it had left when this was written: no more are left, whatever the clock says later."""

    def lease(self, wall: float) -> float | None:
        """Seconds that are left now; ``None``: it has no end."""
        if self.until is None:
            return None
        return self.until - wall if self.left is None else min(self.until - wall, self.left)


class PlayedCue(BaseModel):
    """Where a cue list stands: its cue as it was gone to ``at`` this time; when its fades begin and when the next goes
    by itself, if that is to come. Seconds of the wall clock."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    cue: CueSection
    at: float
    starts: float | None = None
    follow: float | None = None


class LastLook(BaseModel):
    """What the lights showed, where they were going, what a person had chosen, and what a person held."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    shown: dict[Name, dict[Attribute, float]] = Field(default_factory=dict)
    going: dict[Name, dict[Attribute, float]] = Field(default_factory=dict)
    look: dict[Name, dict[Attribute, float]] = Field(default_factory=dict)
    held: tuple[HeldClaim, ...] = ()
    cues: dict[Name, PlayedCue] = Field(default_factory=dict)
    master: Level = 1.0
    submasters: dict[Name, Level] = Field(default_factory=dict)
    """Those that are not full, by group."""
    blackout: str = ""
    """Who has called for it; "" while there is none."""
    stopped: str = ""
    """Who has stopped the lights; "" while they are not stopped."""
    withdrawn: tuple[Name, ...] = ()
    """Lights taken out of the exposure loop by hand: a restart does not hand them back."""


class LookFile:
    """Reads and replaces the file; each write is atomic and on the disk when it returns."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> LastLook | None:
        """The stored look; ``None`` when there is none. A damaged file is put aside and said, never fatal."""
        try:
            return LastLook.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            put_aside(self.path, "look", error)
            return None

    def write(self, look: LastLook) -> None:
        """Raises OSError when the disk refuses."""
        replace_file(self.path, look.model_dump_json(exclude_defaults=True).encode())
