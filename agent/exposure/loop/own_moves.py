"""What the loop's own moves say of the camera. They are the one thing in the picture that is known exactly, and neither
clouds nor people know of them. So, of the last half minute:

    zones(t) = lit(t) · lights' pattern + still(t) · room as it was + cloud(t) · how the room changes

    lit, still both constant             a locked camera, whatever the clouds do
    lit and still fall as the lights     the camera takes back what they do: its exposure is the only thing that dims
    go up, alike, a little later         zones which these lights do not reach because these lights go up
    lit is less, still constant          an old lamp, a wrong matrix: not the camera

How the room changes is learned from the pictures themselves: a lamp that stands still is part of the room, so what
daylight changes is another pattern than the room's as commissioned. Pure: numbers in, words out.
"""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from agent.exposure.transport.matrix import Transport, Zones

WINDOW, EVERY = 30.0, 0.3
"""Seconds of pictures that are looked at, and between two of them: an auto exposure answers within seconds."""
PICTURES, ZONES_SEEN = 40, 48
"""So many pictures are needed; so many zones are asked, evenly over the known ones."""
ASKED = 3.0
"""Seconds between two looks: one takes 5 ms of a computer."""
DIM, SEEN = 0.003, 0.8
"""Linear light of a zone below which it says nothing, and share of the pictures in which it must not be clipped."""
MOVED = 0.08
"""Stops by which the lights must have moved the picture to and fro: less says nothing."""
LAGS = (0.3, 1.0, 3.0)
"""Seconds an auto exposure may take for most of its way."""
LONG = 2.0
"""Seconds in which what is left unexplained repeats itself: so many pictures count as one."""
PART, WHOLE, SURE, ALIKE = 0.15, 1.25, 2.5, 1.7
"""Least and most part of the moves that a camera takes back; standard errors of it that count; times by which lights
and room may differ in it."""
TWICE = 600.0
"""Seconds within which it must be seen in two windows that share no picture, to be certain."""
ANSWERS, STEADY = 0.4, 0.1
"""Stops by which the lights' pattern may be weaker than commissioned, and wander, where moves have their effect, ..."""
CLEARLY = 1.5
"""... in standard errors of the part that was lost, which must be less than half, ..."""
WANDERS = 0.3
"""... in nine tenths of the window: daylight that an auto exposure took away, and the lights' way down after it, leave
the pattern as strong in the end as it was."""


class Answer(NamedTuple):
    """``lights``, ``room``: part of the lights' moves that each of them lost again, and how many standard errors that
    is; ``moved``: stops by which the lights moved the picture; ``answers``: whether their pattern follows them."""

    lights: float
    lights_sure: float
    room: float
    room_sure: float
    moved: float
    answers: bool

    @property
    def taken_back(self) -> bool:
        """Whether the camera does it."""
        least, most = sorted((self.lights, self.room))
        sure = min(self.lights_sure, self.room_sure) > SURE
        return sure and least > PART and most < min(WHOLE, ALIKE * least)

    @property
    def evidence(self) -> Mapping[str, float]:
        return {
            "moved": round(self.moved, 3),
            "lights_lost": round(self.lights, 3),
            "room_lost": round(self.room, 3),
            "errors": round(min(self.lights_sure, self.room_sure), 1),
        }


class OwnMoves:
    """See the module. ``evidence``: of the last time that they spoke against the camera."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        known = np.flatnonzero(transport.known)
        self._zones = known[np.linspace(0, len(known) - 1, min(ZONES_SEEN, len(known))).astype(int)]
        self._kept: deque[tuple[float, Zones, Zones]] = deque(maxlen=round(WINDOW / EVERY))
        self._asked = self._once = -math.inf
        self.evidence: Mapping[str, float] = {}

    def forget(self) -> None:
        """Something else moved the picture."""
        self._kept.clear()

    def seen(self, captured: float, zones: Zones, levels: Mapping[str, float]) -> None:
        """A sound picture, and what the lights showed in it."""
        if self._kept and captured < self._kept[-1][0] + EVERY - 0.01:
            return
        self._kept.append((captured, zones[self._zones], self._transport.levels(levels)))
        while self._kept[0][0] < captured - WINDOW:
            self._kept.popleft()

    def against(self, now: float) -> int:
        """How often they have spoken against the camera: 1 is worth a probe, 2 is certain. 0: nothing new."""
        if now < self._asked + ASKED:
            return 0
        self._asked = now
        answer = self.ask()
        if answer is None or not answer.taken_back:
            return 0
        self.evidence = answer.evidence
        self.forget()
        again, self._once = now - self._once < TWICE, now
        return 2 if again else 1

    def ask(self) -> Answer | None:
        """``None``: the last half minute does not say."""
        if len(self._kept) < PICTURES:
            return None
        times = np.array([at for at, _, _ in self._kept])
        zones = np.stack([each for _, each, _ in self._kept])
        lit = np.stack([each for _, _, each in self._kept]) @ self._transport.matrix[self._zones].T
        seen = np.isfinite(zones)
        known = seen.mean(axis=0) > SEEN
        usual = np.nanmedian(zones[:, known], axis=0)
        known[known] = usual > DIM
        usual = usual[usual > DIM]
        if known.sum() < ZONES_SEEN // 2:
            return None
        zones, lit = np.where(seen, zones, np.nan)[:, known] / usual, lit[:, known] / usual
        zones = np.where(np.isfinite(zones), zones, 1.0)
        room = np.median(zones - lit, axis=0)
        way = np.log2(np.maximum((lit + room).mean(axis=1), 1e-3))
        if np.ptp(way) < MOVED:
            return None
        shares = _shares(zones, [lit, room[None], _change(zones - lit - room)[None]])
        lights, still = np.log2(np.maximum(shares[:2], 1e-2))
        cloud, seconds = shares[2], float(np.median(np.diff(times)))
        lost = [_lost(each, way, cloud, seconds) for each in (lights, still)]
        middle = float(np.median(lights))
        low, high = np.percentile(lights, (5, 95))
        steady = float(np.abs(lights[-6:] - middle).max()) < STEADY and high - low < WANDERS
        part, sure = lost[0]  # that the camera did not take most of it back must be known, not only not known otherwise
        kept = part + CLEARLY * abs(part / (sure or 1e-6)) < 0.5
        answers = bool(abs(middle) < ANSWERS and steady and kept)
        return Answer(*lost[0], *lost[1], float(np.ptp(way)), answers)


def _change(off: Zones) -> Zones:
    """How the room changes, by zone (mean square 1): the pattern that explains most of what is off. Somebody who walks
    by is cut to what the zone usually does."""
    kept, course = off, np.median(off, axis=1)
    for turn in range(6):
        pattern: Zones = kept.T @ course / max(float(course @ course), 1e-12)
        course = kept @ pattern / max(float(pattern @ pattern), 1e-12)
        if turn >= 1:
            explained = np.outer(course, pattern)
            most = 3 * _spread(off - explained)
            kept = explained + np.clip(off - explained, -most, most)
    return pattern / max(float(np.sqrt((pattern**2).mean())), 1e-9)


def _shares(zones: Zones, columns: Sequence[Zones]) -> Zones:
    """By column and picture: how much of it is in the picture. Zones that fit badly count less, and what is far off in
    one picture hardly."""
    weight, count = np.ones(zones.shape, np.float64), len(columns)
    square = np.empty((len(zones), count, count))
    wanted = np.empty((len(zones), count, 1))
    for _ in range(4):
        for row, one in enumerate(columns):
            weighted = weight * one
            wanted[:, row, 0] = (weighted * zones).sum(axis=1)
            for at, other in enumerate(columns):
                square[:, row, at] = (weighted * other).sum(axis=1)
        shares = np.asarray(np.linalg.solve(square + 1e-9 * np.eye(count), wanted)[..., 0].T, np.float64)
        off: Zones = zones.copy()
        for share, one in zip(shares, columns, strict=True):
            off -= share[:, None] * one
        spread = _spread(off)
        weight = np.asarray(1 / np.maximum(1.0, np.abs(off) / spread / 2) / spread**2, np.float64)
    return shares


def _spread(off: Zones) -> Zones:
    spread: Zones = 1.5 * np.median(np.abs(off), axis=0) + 1e-4
    return spread


def _lost(share: Zones, way: Zones, cloud: Zones, seconds: float) -> tuple[float, float]:
    """Part of the lights' ``way`` that ``share`` lost again a little later, and how many standard errors that is. What
    the room did, at once or as late, and an even drift are taken out first."""
    best = (math.inf, 0.0, 0.0)
    for lag in LAGS:
        late = _later(way, lag, seconds)
        drift = np.linspace(-1, 1, len(way))
        rest = np.column_stack([cloud, _later(cloud, lag, seconds), np.ones(len(way)), drift])
        fits = np.linalg.lstsq(rest, np.column_stack([late, share]), rcond=None)[0]
        asked, lost = (np.column_stack([late, share]) - rest @ fits).T
        part = -float(asked @ lost) / max(float(asked @ asked), 1e-12)
        left = float((lost + part * asked).std())
        if left < best[0]:
            error = left / max(float(asked.std()), 1e-6) / math.sqrt(max(len(way) * seconds / LONG, 1.0))
            best = left, part, part / max(error, 1e-6)
    return best[1], best[2]


def _later(values: Zones, lag: float, seconds: float) -> Zones:
    """As a camera follows that has gone most of its way after ``lag`` seconds."""
    part, found = 1 - math.exp(-seconds / lag), values.copy()
    for at in range(1, len(values)):
        found[at] = found[at - 1] + part * (values[at - 1] - found[at - 1])
    return found
