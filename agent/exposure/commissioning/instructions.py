"""What commissioning is given, what it asks for, and what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agent.exposure.transport.matrix import Shot, Transport


@dataclass(frozen=True, slots=True)
class Light:
    """A light of the loop: ``look`` is its level there, ``low``…``high`` what it may take; ``kelvin``: its colour
    temperature in the look, where it can be told one, and ``kelvins`` what it can."""

    name: str
    look: float
    key: bool = False
    low: float = 0.0
    high: float = 1.0
    kelvin: float | None = None
    kelvins: tuple[float, float] = (2700.0, 6500.0)


@dataclass(frozen=True, slots=True)
class Terms:
    """``rate``: pictures a second; ``slew``: stops a second; ``slowest``: seconds from command to picture to reckon
    with until it is measured; ``empty``: nobody is on the set; ``automatic``: controls of the camera that read back as
    automatic; ``controls``: its controls as locked."""

    camera: str
    at: str
    rate: float = 8.0
    slew: float = 0.5
    slowest: float = 1.0
    empty: bool = False
    automatic: tuple[str, ...] = ()
    controls: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Set:
    """Bring these lights to these levels in ``fade`` seconds (or longer, as the slew limit wants)."""

    levels: Mapping[str, float]
    fade: float
    kelvin: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Watch:
    """Hand over the next so many pictures, or those that came ``within`` so many seconds."""

    pictures: int
    within: float


@dataclass(frozen=True, slots=True)
class Moved:
    """When a fade began and when it arrives on the wire, monotonic."""

    began: float
    arrived: float


@dataclass(frozen=True, slots=True)
class Commissioned:
    """``flatness``: stops between the darkest and the brightest tenth of the reference zones; ``drift``: stops the
    room's light moved at most in a step; ``late``: seconds by which a light's answer was later than the delay."""

    transport: Transport
    flatness: float
    drift: float
    late: Mapping[str, float]


Instruction = Set | Watch
Reply = Moved | Sequence[Shot]
