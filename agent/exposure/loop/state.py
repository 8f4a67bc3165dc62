"""What the loop says of itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from config.units import Text

Mode = Literal["watch", "advise", "hold"]


@dataclass(frozen=True, slots=True)
class Move:
    """What the loop last did and why. ``at``: when (times are monotonic); ``error``: stops the picture was off when it
    decided; ``lights``: stops by which it moved each; ``captured``: when the picture was taken; ``since``: when this
    correction began; ``began_with``: the error then."""

    at: float
    error: float
    lights: Mapping[str, float]
    captured: float
    since: float
    began_with: float


@dataclass(frozen=True, slots=True)
class ExposureNow:
    """What the loop says of itself. ``ev`` stops from target, negative = too dark; ``trim`` stops from the look, by
    light in ``trims``; ``out``: lights in a person's hands until they are handed back."""

    mode: Mode
    target: float
    ev: float | None = None
    trim: float = 0.0
    holding: tuple[str, ...] = ()
    why: str = "no picture yet"
    advice: Text | None = None
    tripped: str = ""
    trims: Mapping[str, float] | None = None
    out: tuple[str, ...] = ()
    move: Move | None = None
    evidence: Mapping[str, float] | None = None
    """Of the last probe, or of what the loop's own moves said of the camera."""
    commissioned: str = ""
    """When; "" when the loop goes by the whole picture."""
    unlearned: Text | None = None
    """Why what was once commissioned is not gone by, or not the last of it, or not all of it."""
    unreachable: Text | None = None
    """What the lights cannot do."""
    white: float | None = None
    """Mired the picture is too warm against what it was when the loop took hold; ``None``: not held."""
    coarse: Text | None = None
    """A light whose single steps on the wire are seen where it stands."""
