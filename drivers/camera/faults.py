"""What is wrong with the pictures, as against with the light. Pure: one step per measured picture.

| fault | what it is | how it is seen |
| --- | --- | --- |
| gone, stale | the source ended; no picture comes | the lane says so; age of the last picture |
| black | lens cap, iris, no input | 99 % of the points below code 16 |
| bars | a generator's colour bars | `bars.py` |
| frozen | the encoder repeats itself; a sensor always has noise | change < 0.05 code, equal packets; `KEYS_ALIKE` |
| too-fast, dropped, doubled, uneven | the stream's rhythm | `cadence.py`, on every packet |
| moved, defocus, noise, white-balance, over, under | against the show's reference picture | `baseline.py` |
| auto-exposure, auto-white-balance, flicker | the camera or a lamp moves the picture | told by whoever judges them |
| clipped, over, under | too much or too little light | 5 % of the area; median and 99th percentile |

Faults stand in the order of :class:`PictureFault`: each makes those below it doubtful. The first one is *the* fault,
all that hold are listed. Nothing flaps: a fault is named when it has held without a break for the time of its kind of
source, and taken back when it has not held for ``Patience.clear``; limits are easier to leave than to reach.

Figures: live pictures change by 0.09 codes and more from one to the next, a repeated one, even newly encoded, by 0.012
at most.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from drivers.base import Picture
from drivers.camera.bars import bars
from drivers.camera.metrics import Metrics, difference

KEYS_ALIKE = 0.5
"""Codes (mean) two pictures coded by themselves differ at most if they are of the same picture. x264, 720p, GOP of 2 s,
noise of 0.15...3 codes: 1.2 and more in a sound stream, 0.2...1.0 and ever less in a frozen one (constant quality; at a
constant bit rate the encoder goes on improving it and it is not found)."""
FROZEN_BELOW = 0.05
"""Codes, mean over the points."""
DARK_BELOW = 16
"""Code of the 99th percentile."""
CLIPPED_ABOVE = 5.0
"""Per cent of the area."""
UNDER_BELOW = 70
"""Code of the 99th percentile: nothing in the picture reaches 6 % of white."""
OVER_ABOVE = 225
"""Code of the median: half of the picture is above 75 % of white."""
FORGOTTEN = 3.0
"""Seconds after which a fault is dropped that nobody judges any more."""
EASIER = 0.8
"""Share of its limit below which a named fault counts as over."""


class PictureFault(StrEnum):
    """Each makes those below it doubtful."""

    GONE = "gone"
    STALE = "stale"
    BLACK = "black"
    BARS = "bars"
    FROZEN = "frozen"
    TOO_FAST = "too-fast"
    MOVED = "moved"
    AUTO_EXPOSURE = "auto-exposure"
    AUTO_WHITE_BALANCE = "auto-white-balance"
    FLICKER = "flicker"
    DROPPED = "dropped"
    DOUBLED = "doubled"
    UNEVEN = "uneven"
    DEFOCUS = "defocus"
    NOISE = "noise"
    WHITE_BALANCE = "white-balance"
    CLIPPED = "clipped"
    OVER = "over"
    UNDER = "under"


BLINDING = frozenset(list(PictureFault)[: list(PictureFault).index(PictureFault.DROPPED)])
"""With one of these nothing should act on the picture. The others make it worse, not untrue: a burnt-out picture asks
for less light."""

_ORDER = {fault: number for number, fault in enumerate(PictureFault)}
_CADENCE = {PictureFault.TOO_FAST, PictureFault.DROPPED, PictureFault.DOUBLED, PictureFault.UNEVEN}


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds a fault must hold before it is named, and must not hold before it is taken back. Measured at 8 pictures/s
    add up to 0.13 s for the picture in which it is first seen."""

    stale: float
    frozen: float
    picture: float
    """Black, bars, and all that one picture shows by itself or against the reference."""
    cadence: float
    """On top of the window the rhythm is measured in."""
    slight: float
    """What is so little that only its lasting makes it a fault (:class:`Judged`)."""
    clear: float

    def confirm(self, fault: PictureFault) -> float:
        """Of this fault."""
        if fault is PictureFault.FROZEN:
            return self.frozen
        return self.cadence if fault in _CADENCE else self.picture


LOCAL = Patience(stale=0.7, frozen=0.6, picture=0.45, cadence=0.1, slight=4.0, clear=0.5)
"""Devices and files of this machine: named within 1 s, what is slight within 5."""
NETWORK = Patience(stale=1.5, frozen=1.4, picture=1.2, cadence=0.2, slight=4.0, clear=1.0)
"""Streams, where a breath of 1 s is normal: named within 2 s, what is slight within 5."""


class Judged(NamedTuple):
    """What somebody says of one fault now. ``holds=None``: cannot be said at present, nothing changes. ``slight``: so
    little that it must last (``Patience.slight``) to be a fault, and that the picture is as true as before."""

    holds: bool | None
    evidence: Mapping[str, float] = {}
    slight: bool = False


@dataclass(frozen=True, slots=True)
class Named:
    """A fault that holds. ``since``: when it began, not when it was named. ``slight``: as :class:`Judged`."""

    fault: PictureFault
    since: float
    evidence: Mapping[str, float]
    slight: bool = False

    @property
    def blinding(self) -> bool:
        """Whether nothing should act on the picture."""
        return self.fault in BLINDING and not self.slight


@dataclass(frozen=True, slots=True)
class _Mark:
    """A condition that holds, or held a moment ago."""

    since: float
    last: float
    named: bool
    evidence: Mapping[str, float]
    plain: float | None = None
    """Since when it is more than slight; ``None``: it is not."""
    heavy: float = -math.inf
    """When it last had been so for long enough."""
    slight: bool = False


@dataclass(frozen=True, slots=True)
class FaultState:
    """What is known after the last step. Times are the caller's monotonic seconds; ``None``: not so at present."""

    faults: tuple[Named, ...] = ()
    """All that hold, in order."""
    seen: float | None = None
    """When the last picture came."""
    changed: float | None = None
    """When the last picture came that differed from the one before: the picture's true age counts from here."""
    points: Picture | None = None
    key: tuple[float, Picture] | None = None
    """When the last picture came that was coded by itself, of a stream that has others too, and what it showed; ..."""
    alike: float | None = None
    """... since when those are the same, ``None``: they are not."""
    marks: Mapping[PictureFault, _Mark] = field(default_factory=dict)

    @property
    def fault(self) -> PictureFault | None:
        """The first that holds."""
        return self.faults[0].fault if self.faults else None

    @property
    def evidence(self) -> Mapping[str, float]:
        """The first one's."""
        return self.faults[0].evidence if self.faults else {}

    @property
    def named(self) -> frozenset[PictureFault]:
        """All that hold. Whoever judges a fault should let go of it later than take it up."""
        return frozenset(each.fault for each in self.faults)

    @property
    def by_plan(self) -> frozenset[PictureFault]:
        """What would be faults if it were not expected."""
        return frozenset(fault for fault, mark in self.marks.items() if mark.named) - self.named

    @property
    def untrusted(self) -> PictureFault | None:
        """The first that forbids to act on the picture."""
        return next((each.fault for each in self.faults if each.blinding), None)


def start(now: float) -> FaultState:
    """Nothing seen yet; the first picture is due from ``now`` on."""
    return FaultState(seen=now, changed=now)


def gone(state: FaultState, now: float) -> FaultState:
    """The source has ended. Nothing is known of its picture until :func:`start`."""
    since = now if state.seen is None else state.seen
    return FaultState((Named(PictureFault.GONE, since, {"age": now - since}),), since, state.changed)


def aged(state: FaultState, now: float, patience: Patience = LOCAL) -> FaultState:
    """The state when no picture has come up to ``now``. Any thread may ask: a lane that hangs in a read need not."""
    if PictureFault.GONE in state.named:
        return state
    seen = now if state.seen is None else state.seen
    if now - seen < patience.stale:
        return state
    return FaultState((Named(PictureFault.STALE, seen, {"age": now - seen}),), seen, state.changed)


def step(
    state: FaultState,
    metrics: Metrics | None,
    points: Picture | None,
    now: float,
    *,
    patience: Patience = LOCAL,
    judged: Mapping[PictureFault, Judged] | None = None,
    expected: Collection[PictureFault] = (),
    repeated_since: float | None = None,
    keyed: bool | None = None,
) -> FaultState:
    """One turn. ``metrics`` and ``points`` (``metrics.points``) are ``None`` when no picture came.

    ``judged``: what cadence, baseline, attribution and flicker say (it counts more than what is seen here).
    ``expected``: faults that are so by plan (black while the lights are out by cue). ``repeated_since``: since when all
    packets have been equal, where the source tells packets. ``keyed``: whether a picture that was coded by itself came
    since the last turn; ``None``: all are. What is coded by what came before repeats a scene that stands still bit for
    bit, so of such a stream only the others are compared.
    """
    if metrics is None or points is None:
        return aged(state if state.seen is not None else start(now), now, patience)
    if state.faults and state.faults[0].fault in (PictureFault.GONE, PictureFault.STALE):
        state = replace(state, faults=(), points=None)
    change = None if state.points is None else difference(state.points, points)
    key, alike = state.key, state.alike
    if keyed is None:
        moved = change is None or change >= FROZEN_BELOW or state.changed is None
        changed = now if moved or state.changed is None else state.changed
    else:
        if keyed:
            since, shown = key or (now, None)
            same = shown is not None and difference(shown, points) < KEYS_ALIKE
            key, alike = (now, points), (since if alike is None else alike) if same else None
        changed = now if alike is None else alike
    seen = _seen(state, metrics, points) | dict(judged or {})
    if seen[PictureFault.BLACK].holds or seen[PictureFault.BARS].holds:
        # neither has noise to tell it from a frozen one, and the better word is the one that says more
        changed = now
        for fault in (PictureFault.UNDER, PictureFault.OVER, PictureFault.CLIPPED):
            seen[fault] = Judged(False)
    still = min(changed, repeated_since if repeated_since is not None else changed)
    seen[PictureFault.FROZEN] = Judged(still < now, {"change": change or 0.0, "same_for": now - still})
    marks = {fault: mark for fault, mark in state.marks.items() if fault not in seen and now - mark.last < FORGOTTEN}
    for fault, says in seen.items():
        mark = _marked(state.marks.get(fault), says, now, patience, fault)
        if mark is not None:
            marks[fault] = mark
    if (frozen := marks.get(PictureFault.FROZEN)) is not None and still < now:
        since = min(still, frozen.since)
        named = frozen.named or now - since >= patience.frozen
        marks[PictureFault.FROZEN] = replace(frozen, since=since, named=named)
    faults = tuple(
        Named(fault, mark.since, mark.evidence, mark.slight)
        for fault, mark in sorted(marks.items(), key=lambda item: _ORDER[item[0]])
        if mark.named and fault not in expected
    )
    return FaultState(faults, now, changed, points, key, alike, marks)


def _seen(state: FaultState, metrics: Metrics, points: Picture) -> dict[PictureFault, Judged]:
    """What one picture shows by itself."""
    named = state.named
    clipped = CLIPPED_ABOVE * (EASIER if PictureFault.CLIPPED in named else 1.0)
    under = UNDER_BELOW / (EASIER if PictureFault.UNDER in named else 1.0)
    over = OVER_ABOVE - (10 if PictureFault.OVER in named else 0)
    dark = DARK_BELOW + (4 if PictureFault.BLACK in named else 0)
    test = bars(points)
    return {
        PictureFault.BLACK: Judged(metrics.p99 < dark, {"p99": metrics.p99, "dark_percent": metrics.dark}),
        PictureFault.BARS: Judged(bool(test), test),
        PictureFault.CLIPPED: Judged(metrics.clipped >= clipped, {"clipped_percent": metrics.clipped}),
        PictureFault.OVER: Judged(metrics.p50 >= over, {"p50": metrics.p50}),
        PictureFault.UNDER: Judged(metrics.p99 < under, {"p99": metrics.p99}),
    }


def _marked(mark: _Mark | None, says: Judged, now: float, patience: Patience, fault: PictureFault) -> _Mark | None:
    """A condition one step later."""
    if says.holds is None:  # what has not been named is forgotten: else two moments far apart were one long one
        return mark if mark is not None and (mark.named or now - mark.last < FORGOTTEN) else None
    if says.holds:
        since = now if mark is None else mark.since
        plain = None if says.slight else now if mark is None or mark.plain is None else mark.plain
        heavy = mark.heavy if mark is not None else -math.inf
        if plain is not None and now - plain >= patience.confirm(fault):
            heavy = now
        lasting = says.slight and now - since >= patience.slight
        named = heavy == now or lasting or (mark is not None and mark.named)
        slight = (says.slight or (mark is not None and mark.slight)) and now - heavy >= patience.clear
        return _Mark(since, now, named, says.evidence, plain, heavy, slight)
    if mark is not None and mark.named and now - mark.last < patience.clear:
        return mark
    return None
