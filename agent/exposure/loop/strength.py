"""How strong the lights' own pattern is in the picture, against what they show. A lamp does not change by itself within
seconds, all lamps even less: when the whole pattern becomes stronger or weaker, the camera's exposure has changed.

    zones(now) = a · lights' pattern(now) + b · what else there was a few seconds ago

    a = 1               a locked camera, whatever the room's light does (b)
    a = b, not 1        a camera that has changed its exposure: it dims both alike

Pure."""

import math
from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from agent.exposure.transport.matrix import Transport, Zones

EVERY = 0.2
"""Seconds between two pictures that are looked at."""
LATELY = 0.7
"""Seconds that are now."""
AGO = (2.5, 4.5, 7.0)
"""Seconds from then to now: a camera that answers a cloud at once, and one that takes back what lights creep."""
ASKED = 0.5
"""Seconds between two looks: one takes 2 ms of a computer."""
FEWEST = 3
"""Pictures on either side."""
CHANGED, SURE = 0.06, 5.0
"""Stops that are a change, and standard errors; more is needed ..."""
LAG, CURVE = 0.3, 0.1
"""... while the lights are on their way, by which they may be so many seconds late, for the part of it which a camera's
curve may bend, ..."""
MISLED = 6.0
"""... and for light that comes in a new pattern: stops, times the relative misfit of the zones."""
ALIKE = 1.8
"""Times by which the lights' change and the room's may differ."""
ZONES_NEEDED = 24


class _Seen(NamedTuple):
    at: float
    zones: Zones
    lit: Zones


class Strength:
    """See the module."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        usual = transport.predict(transport.levels({}))
        with np.errstate(invalid="ignore"):
            self._known = transport.known & (usual > 0)
        self._asked, self._found = -math.inf, 0.0
        self._seen: deque[_Seen] = deque(maxlen=round((AGO[-1] + 2 * LATELY) / EVERY))

    def forget(self) -> None:
        """Something else moved the picture, or it has been looked into."""
        self._seen.clear()
        self._found = 0.0

    def seen(self, captured: float, zones: Zones, levels: Mapping[str, float]) -> None:
        """A sound picture, and what the lights showed in it."""
        if not self._seen or captured >= self._seen[-1].at + EVERY - 0.01:
            self._seen.append(_Seen(captured, zones, self._transport.matrix @ self._transport.levels(levels)))

    def changed(self, now: float) -> float:
        """Stops by which it has become stronger or weaker, seen twice in succession; 0.0 where it has not, nobody can
        tell, or it was asked just before."""
        if now < self._asked + ASKED:
            return 0.0
        before, self._found = self._found, next((found for ago in AGO if (found := self._since(ago))), 0.0)
        self._asked = now
        return self._found if before * self._found > 0 else 0.0

    def _since(self, ago: float) -> float:
        if not self._seen:
            return 0.0
        now = self._seen[-1].at
        late = [each for each in self._seen if each.at > now - LATELY]
        past = [each for each in self._seen if abs(each.at - (now - ago)) <= LATELY / 2]
        if len(late) < FEWEST or len(past) < FEWEST:
            return 0.0
        then, zones = (np.median([each.zones for each in some], axis=0) for some in (past, late))
        before, lit = (np.mean([each.lit for each in some], axis=0) for some in (past, late))
        with np.errstate(invalid="ignore"):
            known = self._known & (np.minimum(then, zones) > 0)
        if known.sum() < ZONES_NEEDED:
            return 0.0
        before, lit, then, zones = before[known], lit[known], then[known], zones[known]
        was = _fitted(np.column_stack([before, self._transport.ambient[known]]), then)
        if was.share <= 0:
            return 0.0
        found = _fitted(np.column_stack([lit, then - was.share * before]), zones)
        if found.share <= 0:
            return 0.0
        change, room = math.log2(found.share / was.share), math.log2(max(found.rest, 1e-3))
        ways = np.log2([max(float(each.lit[known].mean()), 1e-6) for each in self._seen])
        limit = CHANGED + LAG * float(np.ptp(ways[-len(late) :])) / LATELY + CURVE * float(np.ptp(ways))
        limit = max(limit + MISLED * found.misfit, SURE * found.error / found.share / math.log(2))
        return change if abs(change) > limit and 1 / ALIKE < room / change < ALIKE else 0.0


class _Fit(NamedTuple):
    """Times each column is in it, the standard error of the first, and the relative misfit of the zones (the upper
    quartile's, so that somebody who covers a quarter of them counts)."""

    share: float
    rest: float
    error: float
    misfit: float


def _fitted(columns: Zones, zones: Zones) -> _Fit:
    """By least absolute deviations: somebody who moves is no evidence."""
    rows, ones = columns / zones[:, None], np.ones(len(zones))
    weight = ones
    for _ in range(5):
        fit = np.linalg.lstsq(rows * weight[:, None], weight, rcond=None)[0]
        off = np.abs(rows @ fit - ones)
        weight = 1 / np.sqrt(np.maximum(off, 1e-3))
    misfit = float(np.quantile(off, 0.75)) / 1.7
    spread = math.sqrt(max(float(np.linalg.pinv(rows.T @ rows)[0, 0]), 0.0))
    return _Fit(float(fit[0]), float(fit[1]), spread * max(1.5 * misfit, 1e-3), misfit)
