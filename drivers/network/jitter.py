"""What a minute of round trips says: percentiles, jitter, loss, outages. Pure; times and values are arguments."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

RFC3550_GAIN = 1 / 16
"""J += (|D| - J) / 16 (RFC 3550 6.4.1)."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of the probes in the window; values that nothing supports are NaN. Milliseconds, percent, seconds.

    ``jitter`` is RFC 3550's running estimate over consecutive round trips, ``spread`` p95 - p50 (RFC 5481 style),
    ``outage`` the longest time without any reply, ``outage_now`` how long the present one lasts already."""

    count: int
    lost: int
    loss: float
    p50: float
    p95: float
    p99: float
    max: float
    jitter: float
    spread: float
    outage: float
    outage_now: float


class Window:
    """The probes of the last ``seconds``, at most ``capacity`` of them. Not for several threads."""

    def __init__(self, seconds: float = 60.0, capacity: int = 6000) -> None:
        self._seconds = seconds
        self._capacity = capacity
        self._probes: deque[tuple[float, float]] = deque()
        self._last: float | None = None
        self._jitter = 0.0
        self._moves = 0
        self._known: Statistics | None = None

    def add(self, time: float, rtt: float | None) -> None:
        """One probe that ended at ``time`` (seconds, not before the one before): its ms, or ``None`` for lost.

        NaN counts as lost, so that a MISSING reading can be handed over as it is."""
        value = math.nan if rtt is None else rtt
        self._probes.append((time, value))
        while len(self._probes) > self._capacity or self._probes[0][0] <= time - self._seconds:
            self._probes.popleft()
        if not math.isnan(value):
            if self._last is not None:
                self._jitter += (abs(value - self._last) - self._jitter) * RFC3550_GAIN
                self._moves += 1
            self._last = value
        self._known = None

    def statistics(self) -> Statistics:
        """Computed once per :meth:`add`."""
        if self._known is None:
            self._known = self._computed()
        return self._known

    def _computed(self) -> Statistics:
        values = sorted(value for _, value in self._probes if not math.isnan(value))
        count = len(self._probes)
        lost = count - len(values)
        p50, p95, p99 = (percentile(values, share) for share in (0.50, 0.95, 0.99))
        longest, present = self._outages()
        return Statistics(
            count=count,
            lost=lost,
            loss=100 * lost / count if count else math.nan,
            p50=p50,
            p95=p95,
            p99=p99,
            max=values[-1] if values else math.nan,
            jitter=self._jitter if self._moves else math.nan,
            spread=p95 - p50,
            outage=longest if count else math.nan,
            outage_now=present,
        )

    def _outages(self) -> tuple[float, float]:
        """(longest, present): from the last reply before a run of losses to the first one after it, or to now."""
        longest = present = 0.0
        good: float | None = None
        broken = False
        for time, value in self._probes:
            since = time if good is None else good
            missing = math.isnan(value)
            if missing or broken:
                longest = max(longest, time - since)
            broken = missing
            present = time - since if missing else 0.0
            good = since if missing else time
        return longest, present


def percentile(ordered: Sequence[float], share: float) -> float:
    """Of values in rising order, between ranks linearly; NaN of none. ``share`` 0…1."""
    if not ordered:
        return math.nan
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def surely(lost: int, sent: int, confidence: float = 0.95) -> float:
    """The loss share that ``lost`` of ``sent`` prove: its one-sided lower bound (Clopper and Pearson 1934).

    One probe lost of twenty is 5 % measured, but proves only 0.26 %."""
    if lost <= 0 or sent <= 0:
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        fewer = sum(math.comb(sent, k) * middle**k * (1 - middle) ** (sent - k) for k in range(lost))
        if 1 - fewer > 1 - confidence:
            high = middle
        else:
            low = middle
    return low
