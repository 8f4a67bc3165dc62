"""The watchdog that does not trust the loop: it sees only what the lights and the picture did. Pure."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from agent.exposure.loop.own_moves import OwnMoves
from agent.exposure.loop.strength import Strength
from agent.exposure.transport.matrix import Transport, Zones

JUMP = 0.15
"""Stops between two pictures that no loop can have made: a curtain, a cut. They are not counted as its effect."""
ANSWERED = 2.0
"""Seconds after one, or after a probe, in which a camera brings the picture back, or the cloud does: not counted as an
effect of small moves either."""
BACK, BACK_WITHIN = 0.5, (0.8, 2.5)
"""Part of a jump that the picture loses again within so many seconds though the lights did not do it: somebody put on a
flash, or the camera corrects it."""
HELD = 0.2
"""Stops from target below which the picture is held, whatever that takes: a loop that follows the sun has its effect
eaten up by it."""
REVERSALS = 6
"""So many changes of direction in a minute that the room's light did not make are hunting (house default)."""
SWING = 0.02
"""Stops the lights, or the room's, must go back for it to be a change of direction: less is noise, and not seen."""
BURNT = 10.0
"""Seconds the picture may be clipped while the loop works: what it does about it takes no longer."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What effect must be seen. ``asked``: stops of move before any is demanded, within ``window`` seconds, or within
    ``LONGER`` where the lights are slow; ``share``: least part of it that must show; ``lasting``: seconds it must be
    missing."""

    asked: float
    share: float
    window: float = 4.0
    lasting: float = 1.0


FIGHTS, SUSPECTED = "camera-auto-exposure", "suspected"
"""Verdicts; what is only suspected is no reason to let go, but for a probe."""
LONGER = (8.0, 24.0)
"""Seconds. On air, at 0.05 stop a second, nothing much is asked within one window: a loop that is fought there goes to
its limit all the same, only slower."""
CREEP, AT_ALL = 0.4, 0.05
"""Stops of the picture that the lights were moved and did not bring it nearer, though it is so far from its target: it
may be the sun that they follow, or a camera that takes back whatever they do, all the way to their limit."""
CREEPING = (4.0, 20.0)
"""Seconds in which that is looked for."""
UNKNOWN = Demand(asked=0.6, share=0.04)
"""Moves in stops of the lights, whose part of the picture nobody has measured. In bright daylight dimmed lamps are a
small part of it, but not nothing; a camera that corrects them away leaves nothing."""
DOUBT = Demand(asked=0.35, share=0.1, window=1.6, lasting=0.2)
"""Where a probe can tell: it costs two seconds of waiting, so it is made before much has been moved."""
PREDICTED = Demand(asked=0.2, share=0.4, window=1.6, lasting=0.2)
"""Likewise, with moves in stops of the picture, as commissioning predicts them."""


@dataclass(slots=True)
class _Way:
    """Counts the turns of something that goes up and down."""

    turns: deque[float] = field(default_factory=lambda: deque(maxlen=64))
    """When."""
    _furthest: float | None = None
    """The last turning point, or how far it has gone since."""
    _direction: int = 0

    def feed(self, now: float, at: float) -> None:
        if self._furthest is None:
            self._furthest = at
        back = at - self._furthest
        if self._direction * back > 0:
            self._furthest = at
        elif abs(back) >= SWING:
            if self._direction:
                self.turns.append(now)
            self._direction, self._furthest = (1 if back > 0 else -1), at

    def lately(self, now: float) -> int:
        return sum(1 for when in self.turns if when > now - 60.0)


class _Turn(NamedTuple):
    at: float
    trim: float
    ev: float
    disturbed: bool


@dataclass(slots=True)
class Watchdog:
    """Feed it every turn; :meth:`verdict` is "" while all is well, else why the loop must let go."""

    demand: Demand = UNKNOWN
    own: OwnMoves | None = None
    """What the loop's own moves say of the camera, where the light transport has been measured; ..."""
    strength: Strength | None = None
    """... and what the lights' pattern says of it at once."""
    _turns: deque[_Turn] = field(default_factory=lambda: deque(maxlen=1500))
    _lights: _Way = field(default_factory=_Way)
    _room: _Way = field(default_factory=_Way)
    _missing_since: float | None = None
    _burnt_since: float | None = None

    def know(self, transport: Transport | None) -> None:
        """The light transport, or that there is none."""
        self.own = None if transport is None else OwnMoves(transport)
        self.strength = None if transport is None else Strength(transport)

    def feed(
        self,
        now: float,
        trim: float,
        ev: float,
        *,
        predicted: float | None = None,
        disturbed: bool = False,
        clipped: bool = False,
        room: float | None = None,
    ) -> None:
        """``trim``: stops the lights were really moved so far; ``predicted``: what that should have done to the
        picture, where that is known; ``ev``: stops the picture is from its target (dark is negative). ``disturbed``:
        somebody else's light is moving, so this picture proves nothing. ``room``: stops of the picture that the room's
        light does by itself, where that is known: who follows clouds turns as often as they do, and does not hunt."""
        self._burnt_since = (now if self._burnt_since is None else self._burnt_since) if clipped else None
        self._lights.feed(now, trim)
        if room is not None:
            self._room.feed(now, room)
        self._turns.append(_Turn(now, trim if predicted is None else predicted, ev, disturbed))

    def see(self, captured: float, zones: Zones, levels: Mapping[str, float], disturbed: bool) -> None:
        """A sound picture of the set as it was commissioned, and what the lights showed in it."""
        for each in (self.own, self.strength):
            if each is not None:
                each.forget() if disturbed else each.seen(captured, zones, levels)

    @property
    def answers(self) -> bool:
        """Whether the lights' own pattern surely follows what they were told, whatever else goes on."""
        answer = None if self.own is None else self.own.ask()
        return answer is not None and answer.answers

    def verdict(self, now: float) -> str:
        found = self._verdict(now)
        if found == "no-effect" and self.answers:
            self._turns.clear()  # it is the clouds that eat it up
            self._missing_since = None
            return ""
        if found or self.own is None:
            return found
        against = self.own.against(now)
        if not against and ((self.strength is not None and self.strength.changed(now)) or self._came_back(now)):
            against = 1
        if not against and any(self._without_effect(now, each, CREEP, AT_ALL, ANSWERED) for each in CREEPING):
            against = int(not self.answers)
        return ("", SUSPECTED, FIGHTS)[against]

    def _verdict(self, now: float) -> str:
        if self._lights.lately(now) - self._room.lately(now) >= REVERSALS:
            return "hunting"
        if self._burnt_since is not None and now - self._burnt_since >= BURNT:
            return "clipped"
        if not self._ineffective(now):
            self._missing_since = None
            return ""
        self._missing_since = now if self._missing_since is None else self._missing_since
        return "no-effect" if now - self._missing_since >= self.demand.lasting else ""

    def _ineffective(self, now: float) -> bool:
        asked = self.demand.asked
        return any(self._without_effect(now, window, asked, HELD) for window in (self.demand.window, *LONGER))

    def _without_effect(self, now: float, window: float, least: float, off: float, answered: float = 0.0) -> bool:
        """Whether ``least`` stops and more were asked for within it and hardly anything came, and the picture is still
        ``off`` its target. ``answered``: seconds after a jump, or at the start, that say
        nothing."""
        if not self._turns or abs(self._turns[-1].ev) < off:
            return False
        recent = [turn for turn in self._turns if turn.at >= now - window]
        if len(recent) < 2 or recent[-1].at - recent[0].at < window * 0.75:
            return False
        jumps = [b.at for a, b in pairwise(recent) if abs(b.ev - a.ev) >= JUMP]
        jumps.append(self._turns[0].at)  # just after a probe, which moved the picture, too
        steps = [
            (b.trim - a.trim, b.ev - a.ev)
            for a, b in pairwise(recent)
            if not b.disturbed and not any(at <= b.at < at + answered for at in jumps)
        ]
        asked = sum(move for move, _ in steps)
        got = sum(change for _, change in steps if abs(change) < JUMP)
        return abs(asked) >= least and got * (1 if asked > 0 else -1) < self.demand.share * abs(asked)

    def _came_back(self, now: float) -> bool:
        """Whether the picture went back from a jump without the lights."""
        recent = [turn for turn in self._turns if turn.at >= now - BACK_WITHIN[1]]
        for before, after in pairwise(recent):
            if abs(after.ev - before.ev) < JUMP or after.at > now - BACK_WITHIN[0]:
                continue
            rest = [turn for turn in recent if turn.at >= after.at]
            if any(turn.disturbed for turn in rest):
                return False
            high = max(rest[:5], key=lambda turn: abs(turn.ev - before.ev))
            jump, last = high.ev - before.ev, rest[-1]
            back = (high.ev - last.ev) - (high.trim - last.trim)
            return back * jump > 0 and abs(back) > max(BACK * abs(jump), JUMP)
        return False

    def begin(self) -> None:
        """Other lights, another look, another hold: nothing of before counts."""
        self.forget()
        if self.own is not None:
            self.own.forget()

    def forget(self) -> None:
        """Start afresh with what was asked for and seen."""
        if self.strength is not None:
            self.strength.forget()
        self._turns.clear()
        self._lights, self._room = _Way(), _Way()
        self._missing_since = self._burnt_since = None
