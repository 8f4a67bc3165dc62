"""What is said of the automatic fill light. Pure."""

from typing import Literal

from pydantic import Field

from agent.messaging.header import Part, Payload, Say


class ExposureMove(Part):
    """What the loop last did, and the evidence. ``error``: stops the picture was off then; ``lights``: stops by which
    it moved each; ``age_ms``: age of the picture it went by; ``began_at``, ``began_with``: when this correction began,
    and the error then."""

    at: str
    error: float
    lights: dict[str, float]
    age_ms: float
    began_at: str
    began_with: float


class ExposureState(Payload):
    """The exposure loop of one camera. ``error`` in stops from target; ``reason`` what it is doing and why, and
    ``said`` the same for people; ``advice`` what it would do or does; ``trims`` stops each of its lights is from
    the operator's look; ``out`` lights in a person's or a console's hands until they are handed back; ``probe``
    what the last look showed whether the picture follows the lights; ``commissioned`` when its lights were measured
    ("": never; it goes by the whole picture); ``unreachable`` what they cannot do; ``white`` mired the picture is
    too warm against what is held; ``coarse`` a light that cannot be moved smoothly where it is."""

    mode: Literal["watch", "advise", "hold"]
    target: float
    error: float | None = None
    holding: bool = False
    reason: str = ""
    said: Say | None = None
    advice: Say | None = None
    trims: dict[str, float] = Field(default_factory=dict)
    out: tuple[str, ...] = ()
    move: ExposureMove | None = None
    probe: dict[str, float] = Field(default_factory=dict)
    commissioned: str = ""
    unreachable: Say | None = None
    coarse: Say | None = None
    white: float | None = None
