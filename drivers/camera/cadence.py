"""The rhythm of a stream, judged on *every* packet, decoded or not. Pure: stamps in, faults out.

    packet ... packet ... packet ...    T = one picture interval (declared, configured or learned)
       \\------ window ------/           expected = span / T, lost = 1 - came / expected

| fault | seen in the window |
| --- | --- |
| dropped | 15 % of the pictures did not come; with true stamps: gaps are whole multiples of T |
| doubled | 15 % of the packets equal the one before, others do not |
| too-fast | 10 pictures/s above the set rate and a quarter: a broken stream that repeats itself (frigate's limit) |
| uneven | nothing is lost, but 1 gap in 20 is 3 T (network: 8 T) long |
| frozen | all packets are equal: :attr:`CadenceState.repeated_since` |

Stamps are the best the source has: V4L2 buffer time (sd 1 ms), else arrival. HTTP MJPEG and files make stamps up (25/s
for a stream of 30): there only arrival counts. The first 2 s of a stream are not judged: RTSP delivers a burst first.
Packets that come in batches (one read drains several) share an arrival time: rates are then true to one picture a
window, gaps are not judged.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median
from typing import NamedTuple, Protocol

from drivers.camera.faults import Judged, PictureFault

IGNORED = 2.0
"""Seconds at the beginning of a stream."""
LEARNING = 1.5
"""Seconds of packets the rate is learned from, where nobody says it."""
LOST = 0.15
"""Share of the pictures that did not come."""
DOUBLED = 0.15
"""Share of the packets that repeat the one before."""
FASTER = 10.0
"""Pictures/s above the set rate ..."""
FASTER_SHARE = 1.25
"""... and at least this many times as many (for sources of high rates)."""
EASIER = 0.6
"""Share of its limit below which a named fault counts as over."""
TOGETHER = 0.1
"""Share of T below which two packets came in one batch."""
MOST = 1024
"""Packets kept, whatever a stream does."""


class Stamp(Protocol):
    """One packet as it came in, whether anybody looked at it or not."""

    @property
    def time(self) -> float:
        """When it was captured where the source truly says so, else when it came; the host's monotonic seconds."""

    @property
    def mark(self) -> int:
        """Checksum of its bytes, 0: not known."""

    @property
    def sequence(self) -> int:
        """The device's own count, -1 where it has none."""

    @property
    def warming(self) -> bool:
        """Of the burst a network stream begins with."""

    @property
    def key(self) -> bool | None:
        """Whether the picture was coded by itself; ``None``: not known."""


class Packet(NamedTuple):
    """The plainest :class:`Stamp`."""

    time: float
    mark: int = 0
    sequence: int = -1
    warming: bool = False
    key: bool | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """How a kind of source is judged."""

    window: float
    """Seconds over which the rhythm is measured."""
    uneven: float
    """Gaps of so many T are uneven."""


LOCAL = Pace(window=0.7, uneven=3.0)
NETWORK = Pace(window=1.5, uneven=8.0)


@dataclass(frozen=True, slots=True)
class CadenceState:
    """``rate``: pictures/s that should come, 0: not known yet; ``said``: by configuration or source, so not learned."""

    began: float
    rate: float = 0.0
    said: bool = False
    packets: tuple[Stamp, ...] = ()
    """Of the window, and one before."""
    repeated_since: float | None = None
    """Since when all packets have had the same bytes; ``None``: they differ, or nobody knows."""
    keyed: bool | None = None
    """Whether a picture coded by itself came with the last call; ``None``: so are all, as far as is known."""
    learned: tuple[float, ...] = ()
    """Times of the packets the rate is being learned from."""


def start(now: float, rate: float = 0.0) -> CadenceState:
    """A stream was opened. ``rate``: as configured or as the source says (only where that is true), 0: learn it."""
    return CadenceState(now, rate, said=rate > 0)


def feed(state: CadenceState, packets: Iterable[Stamp], now: float, pace: Pace = LOCAL) -> CadenceState:
    """The packets since the last call, oldest first."""
    repeated, last = state.repeated_since, state.packets[-1] if state.packets else None
    kept, keyed, between = list(state.packets), False, state.keyed is not None
    for packet in packets:
        keyed, between = keyed or packet.key is True, between or packet.key is False
        if last is not None and packet.mark and packet.mark == last.mark:
            repeated = packet.time if repeated is None else repeated
        else:
            repeated = None
        last = packet
        if packet.time >= state.began + IGNORED and not packet.warming:
            kept.append(packet)
    after = [packet for packet in kept[-MOST:] if packet.time >= now - pace.window]
    before = kept[: len(kept) - len(after)][-1:]
    state = replace(state, packets=(*before, *after), repeated_since=repeated, keyed=keyed if between else None)
    return state if state.rate else _learn(state, [packet.time for packet in after])


def judge(
    state: CadenceState, now: float, pace: Pace = LOCAL, named: Collection[PictureFault] = ()
) -> Mapping[PictureFault, Judged]:
    """What the window shows; empty while it is not full or the rate is not known. ``named``: faults that are named now
    (they are let go of later than they are taken up)."""
    packets = state.packets
    if not state.rate or len(packets) < 3 or now < state.began + IGNORED + pace.window:
        return {}
    times = [packet.time for packet in packets]
    span = times[-1] - times[0]
    if span < 0.5 * pace.window:
        return {}
    came, expected = (len(times) - 1) / span, state.rate
    lost = max(0.0, 1.0 - came / expected)
    counted = packets[-1].sequence - packets[0].sequence
    if packets[0].sequence >= 0 and counted >= len(packets) - 1:
        lost = 1.0 - (len(packets) - 1) / counted  # the device counts: no rate is needed to know
    repeats = [b.mark == a.mark for a, b in pairwise(packets) if a.mark and b.mark]
    doubled = sum(repeats) / len(repeats) if repeats else 0.0
    gaps = _gaps(times, expected)
    figures = {"rate": came, "nominal": expected}

    def over(fault: PictureFault, value: float, limit: float) -> bool:
        return value >= limit * (EASIER if fault in named else 1.0)

    fast = min((came - expected) / FASTER, (came / expected - 1) / (FASTER_SHARE - 1))
    all_the_same = state.repeated_since is not None and state.repeated_since <= times[0]
    return {
        PictureFault.TOO_FAST: Judged(over(PictureFault.TOO_FAST, fast, 1.0), figures),
        PictureFault.DROPPED: Judged(
            over(PictureFault.DROPPED, lost, LOST), {"lost_percent": 100 * lost, **figures, **_multiples(gaps)}
        ),
        PictureFault.DOUBLED: Judged(
            not all_the_same and over(PictureFault.DOUBLED, doubled, DOUBLED),
            {"doubled_percent": 100 * doubled, **figures},
        ),
        PictureFault.UNEVEN: Judged(
            lost < LOST and bool(gaps) and over(PictureFault.UNEVEN, _p95(gaps), pace.uneven),
            {"gap_p95_intervals": _p95(gaps), **figures},
        ),
    }


# --- inside ----------------------------------------------------------------------------------------------------------


def _learn(state: CadenceState, times: list[float]) -> CadenceState:
    """The rate from a stream's third and fourth second. Where gaps can be trusted, those about as long as the usual one
    count, so that a stream that drops from the beginning is not taken for a slow one."""
    new = [time for time in times if not state.learned or time > state.learned[-1]]
    learned = (*state.learned, *new)[-MOST:]
    state = replace(state, learned=learned)
    if len(learned) < 4 or learned[-1] - learned[0] < LEARNING:
        return state
    mean = (learned[-1] - learned[0]) / (len(learned) - 1)
    gaps = [b - a for a, b in pairwise(learned)]
    usual = median(gaps)
    together = sum(gap < TOGETHER * mean for gap in gaps)
    like = [gap for gap in gaps if 0.75 * usual < gap < 1.25 * usual]
    if not together and len(like) > 0.6 * len(gaps):
        mean = sum(like) / len(like)
    return replace(state, rate=1.0 / mean, learned=())


def _gaps(times: list[float], rate: float) -> list[float]:
    """In picture intervals; empty where packets came in batches, so that gaps mean nothing."""
    gaps = [(b - a) * rate for a, b in pairwise(times)]
    return [] if sum(gap < TOGETHER for gap in gaps) > 0.2 * len(gaps) else gaps


def _multiples(gaps: list[float]) -> Mapping[str, float]:
    """Share of the long gaps that are whole multiples of the interval: drops, not a slow network."""
    long = [gap for gap in gaps if gap > 1.5]
    return {"whole_percent": 100 * sum(abs(gap - round(gap)) < 0.2 for gap in long) / len(long)} if long else {}


def _p95(gaps: list[float]) -> float:
    return sorted(gaps)[int(0.95 * (len(gaps) - 1) + 0.5)] if gaps else 0.0
