"""The exposure loop's law: one pure step. No clock, no camera, no lamp: only numbers.

Light is handled as log2 ("stops"). ``trim`` is how far the loop has moved its lights from where it took them over.
Gain and dead band follow the measured rule K = 1/(2(d+1)) for a picture that answers d samples late: at most 2 %
overshoot for d = 1…8.
"""

import math
from dataclasses import dataclass, replace

START = 0.10
"""Stops of error at which the loop begins to act …"""
STOP = 0.03
"""… and below which it rests: the hysteresis that keeps it from fidgeting."""

SLEW_ON_AIR = 0.05
SLEW_OFF_AIR = 0.5
"""Stops per second."""

STALE = 0.5
"""Seconds after which a picture is too old to act on."""


@dataclass(frozen=True, slots=True)
class Law:
    """What commissioning fixes: ``delay`` in camera samples from a command to its picture."""

    delay: int

    @property
    def gain(self) -> float:
        return 1.0 / (2.0 * (self.delay + 1))


@dataclass(frozen=True, slots=True)
class Seen:
    """What the camera says: ``error`` = stops the picture is too dark (+) or too bright (−); ``room_up`` and
    ``room_down`` = stops the lights may still go either way before the end of what they can or what the loop may."""

    error: float
    captured: float
    room_up: float = 20.0
    room_down: float = 20.0
    fault: str = ""


@dataclass(frozen=True, slots=True)
class LoopState:
    """``why`` says in one word what the loop is doing: resting, acting, frozen, or at its limit."""

    trim: float = 0.0
    acting: bool = False
    why: str = "resting"
    detail: str = ""
    captured: float = -1.0
    at: float = 0.0


def step(state: LoopState, seen: Seen, law: Law, now: float, on_air: bool) -> LoopState:
    """One turn. Freezes (trim kept) on a stale, repeated or faulty picture."""
    if seen.fault:
        return replace(state, acting=False, why="frozen", detail=seen.fault, at=now)
    if now - seen.captured > STALE:
        return replace(state, acting=False, why="frozen", detail="picture too old", at=now)
    if seen.captured <= state.captured:
        return state
    elapsed = min(max(now - state.at, 0.0), 1.0) if state.captured >= 0 else 0.0
    state = replace(state, captured=seen.captured, at=now)
    acting = abs(seen.error) > START if not state.acting else abs(seen.error) >= STOP
    if not acting:
        return replace(state, acting=False, why="resting", detail="")
    most = (SLEW_ON_AIR if on_air else SLEW_OFF_AIR) * elapsed
    move = min(max(law.gain * seen.error, -most), most)
    allowed = min(max(move, -max(0.0, seen.room_down)), max(0.0, seen.room_up))
    trim = state.trim + allowed
    blocked = abs(allowed) < abs(move) - 1e-9
    if blocked:
        missing = abs(seen.error)
        return replace(state, trim=trim, acting=True, why="at-limit", detail=f"{missing:.2f} stop not reachable")
    return replace(state, trim=trim, acting=True, why="acting", detail="")


def trimmed(level: float, trim: float) -> float:
    """A light level (linear share) moved by ``trim`` stops, inside 0…1."""
    return min(1.0, max(0.0, level * math.exp2(trim)))
