"""The kinds of driver and the words they answer in: Output, Input, Bus with its Lamps, Camera, Probe.

Every driver is plain blocking code, used by one thread at a time. No call outlives its time limit (0.5 s unless its
options say otherwise); only a :class:`~drivers.errors.DriverError` or a bug leaves it. Constructing is silent:
``open()`` is the first to talk. ``close()`` may come from another thread, twice, or before ``open()``, and ends a
pending call.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from config.units import SILENT, Levels, Text

if TYPE_CHECKING:
    from firmware_profiles.model import Personality

Picture = npt.NDArray[np.uint8]
"""Height x width x 3, blue-green-red, 8 bit."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who answered: enough to tell this device from its twin sister and to choose a firmware profile."""

    model: str
    firmware: str = ""
    serial: str = ""
    details: Mapping[str, str] = field(default_factory=dict)


class Quality(StrEnum):
    GOOD = "good"
    UNCERTAIN = "uncertain"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Reading:
    """One measured number. ``time`` is the host's monotonic clock in seconds; a MISSING reading has value NaN."""

    name: str
    value: float
    unit: str
    time: float
    quality: Quality = Quality.GOOD


@dataclass(frozen=True, slots=True)
class Refresh:
    """How an output wants to be fed.

    ``max_hz``: the beat while something moves. ``keepalive``: seconds after which an unchanged frame is sent again.
    ``repeats``: how often a changed frame is sent in all before the keep-alive takes over (sACN: 3, E1.31 6.6.2).
    ``min_gap``: seconds between two frames at the very least; 0: one beat. A device that times the line itself can
    take a change between two beats, so a command need not wait for the next one.
    """

    max_hz: float
    keepalive: float
    repeats: int = 1
    min_gap: float = 0.0


@dataclass(frozen=True, slots=True)
class Image:
    """A camera's picture and the host's monotonic time at which it came in."""

    pixels: Picture
    captured: float
    number: int


@dataclass(frozen=True, slots=True)
class Stamp:
    """One packet of a camera: a picture that came in, whether anybody looked at it or not.

    ``time``: when it was captured, where the driver says it, else when it was whole here; the host's monotonic
    seconds. ``size``: bytes, 0 where it is not known. ``mark``: a checksum of the packet, 0 where there is none; the
    same twice in a row is the same picture twice. ``sequence``: the device's own count, -1 where it has none; what is
    missing between two was dropped. ``warming``: within the first two seconds of a network stream, which come in a
    burst: no cadence is to be read from them. ``key``: whether the picture was coded by itself (an I picture of H.264);
    those between repeat what stands still bit for bit, and so does a sound camera's picture then. ``None``: not known.
    """

    time: float
    size: int = 0
    mark: int = 0
    sequence: int = -1
    warming: bool = False
    key: bool | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """What others now send of one universe, merged as the protocol says.

    ``slots``: 0…512 levels (start code 0 only; longer than any source sends: cut), ``b""`` when nobody sends any more.
    ``priority`` 0…200 as in E1.31 (a protocol without priorities takes its input's option); ``priorities``: one byte a
    slot where a source says so (start code 0xDD), 0 meaning *not mine*, else ``b""``. ``sources``: names of those it
    comes from, the strongest first; ``shares``: which slots each of them has, a byte a slot, not 0 where it is its;
    ``()`` when all of them have all. ``ended``: why nobody sends, "terminated" (said so) or "lost" (fell silent).
    """

    universe: int
    slots: bytes
    priority: int = 100
    priorities: bytes = b""
    sources: tuple[str, ...] = ()
    ended: Literal["", "terminated", "lost"] = ""
    shares: tuple[bytes, ...] = ()


# --- self-test words -----------------------------------------------------------------------------------------


class Impact(StrEnum):
    """What running a check does to the show, from nothing to putting a device out of service for a while. On air only
    PASSIVE and INVISIBLE ones run."""

    PASSIVE = "passive"
    INVISIBLE = "invisible"
    LOADS_UPLINK = "loads-uplink"
    VISIBLE = "visible"
    DISRUPTIVE = "disruptive"


class Verdict(StrEnum):
    """The answer of a check. ERROR means *could not measure*; neither it nor SKIPPED ever counts as PASS."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    MARGINAL = "marginal"
    FAIL = "fail"
    ERROR = "error"
    SKIPPED = "skipped"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class Limits:
    """Warn and fail limits of one quantity. ``below=True`` when smaller is worse."""

    warn: float | None = None
    fail: float | None = None
    below: bool = False

    def judge(self, value: float) -> Verdict:
        """PASS, MARGINAL (at or past ``warn``) or FAIL (at or past ``fail``); a value that is no number is ERROR."""
        if value != value:
            return Verdict.ERROR
        if self._reached(self.fail, value):
            return Verdict.FAIL
        if self._reached(self.warn, value):
            return Verdict.MARGINAL
        return Verdict.PASS

    def _reached(self, limit: float | None, value: float) -> bool:
        if limit is None:
            return False
        return value <= limit if self.below else value >= limit


@dataclass(frozen=True, slots=True)
class Result:
    """What one check found. ``said`` is the finding, ``remedy`` the first thing to do, both bilingual."""

    verdict: Verdict
    said: Text
    remedy: Text = SILENT
    value: float | None = None
    unit: str = ""
    limits: Limits = Limits()
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Check:
    """One self-test step: ``id`` from the catalogue (``WID-01``), ``subject`` the device or fixture it is about.

    ``run`` blocks at most ``deadline`` seconds on the device's own lane; an exception out of it is ERROR, never FAIL.
    """

    id: str
    subject: str
    title: Text
    run: Callable[[], Result]
    impact: Impact = Impact.PASSIVE
    deadline: float = 5.0


# --- the kinds of driver -------------------------------------------------------------------------------------


class Device(Protocol):
    """What every driver has."""

    def open(self) -> Identity:
        """Find the device and ask who it is. Raises DeviceMissing when nothing is there, StillOpening where that takes
        longer than a lane may be blocked (2 s): call again."""

    def close(self) -> None:
        """Let go. Idempotent, callable from another thread, ends a pending call within 1 s."""

    def checks(self) -> Sequence[Check]:
        """The self-test steps this device can do on itself."""


class Output(Device, Protocol):
    """Carries whole universes."""

    @property
    def refresh(self) -> Refresh: ...

    def send(self, universe: int, frame: bytes) -> None:
        """Put 1…512 slots of one universe on the wire."""


@runtime_checkable
class Beat(Protocol):
    """What an output may have besides: receivers of several universes then change together.

    Whoever feeds it calls ``flush()`` after the frames that belong together, repeats and keep-alives included, and
    ``show()`` at the time that gives; an output that is not told goes on as if it had none. Both raise what ``send``
    raises."""

    def flush(self) -> float:
        """What is to be shown together is sent. When ``show`` is due, on the host's clock; infinity: not at all. It
        holds until the next ``flush``, whose time may be another."""

    def show(self) -> None:
        """Have receivers show it."""


@runtime_checkable
class Many(Protocol):
    """What an output may have besides: the frames of many universes in one go, for less than one by one."""

    def send_rows(self, universes: Sequence[int], frames: npt.NDArray[np.uint8], rows: npt.NDArray[np.intp]) -> None:
        """``send`` for these rows of ``frames`` (universes x 512), in this order. Raises what ``send`` raises."""


class Input(Device, Protocol):
    """Hears universes that others send (a lighting console)."""

    @property
    def lost_after(self) -> float:
        """Seconds a source may be silent before it is lost. So long after ``open()`` all who send have been heard."""

    def listen(self, timeout: float) -> Sequence[Heard]:
        """The universes of which something changed, each once: at once when there are any, else empty after
        ``timeout`` seconds at the latest. A source that falls silent or says goodbye is a change. Packets that are
        malformed or of no concern change nothing. Silence is no error."""


class Lamp(Protocol):
    """A light addressed by attribute, not by universe, on a bus (Modbus, a maker's own protocol)."""

    @property
    def gap(self) -> float:
        """Seconds it needs between two calls of :meth:`apply`; earlier ones wait that long."""

    @property
    def keepalive(self) -> float | None:
        """Seconds after which it wants to be told again though nothing has changed; ``None``: never."""

    def apply(self, levels: Levels) -> None:
        """Show this; what is not given takes its default. NotSupported, and nothing sent, for levels it cannot have."""

    def read(self) -> Levels | None:
        """What it says it was told, as far as it can say; ``None``: it cannot."""

    def sample(self) -> Iterable[Reading]:
        """What it measures of itself."""

    def renew(self) -> None:
        """Whatever a power cycle would have made it forget is said again with the next :meth:`apply`."""


class Bus(Device, Protocol):
    """A wire with lamps on it. ``open()`` asks those that can answer: it fails when none does."""

    def lamp(self, name: str, personality: "Personality", unit: int = 1, channel: int = 1) -> Lamp:
        """The lamp in this place; to be asked for before ``open()``. Raises NotSupported for one that speaks
        something else, or that needs the wire set differently from the others."""


class Camera(Device, Protocol):
    """A picture source."""

    def grab(self, detail: bool | None = None) -> Image:
        """The next picture. ``detail``: at its full size, whatever that costs; ``None``: as its options say. Raises
        ReplyTimeout when none came in time, LinkLost when none will."""

    def watch(self, until: float) -> None:
        """Wait for that time of the host's clock and take in, undecoded, what comes meanwhile, so that every packet
        has its own :class:`Stamp`. Raises LinkLost."""

    def stamps(self) -> Sequence[Stamp]:
        """Every packet since the last call, oldest first; the newest thousand if nobody asked for so long."""


class Probe(Device, Protocol):
    """Something that measures."""

    def sample(self) -> Iterable[Reading]:
        """One measurement. A probe packet that got no answer is a MISSING reading, not an exception."""
