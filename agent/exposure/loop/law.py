"""The exposure loop's law: one pure step. No clock, no camera, no lamp: only numbers.

Light is handled as log2 ("stops"). Every light has a *trim*: how far the loop has moved it from where it took it over;
and a *wish*: how far it should still go, as :mod:`agent.exposure.loop.aim` finds it. Per sample the trim takes the part
K = 1/(2(d+1)) of the wish, for a picture that answers d samples late: at most 2 % overshoot for d = 1…8 (the integral
loop is stable below 2 sin(π/(2(2d+1)))). The picture follows a light by its share of it, which is at most 1: a light
that is only part of the picture makes the loop slower, never less stable.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

START = 0.10
"""Stops of error at which the loop begins to act …"""
STOP = 0.03
"""… and below which it rests: the hysteresis that keeps it from fidgeting."""

APART = 0.2
"""Stops one light may be from where its zones want it before the loop acts though the whole is right."""

SLEW_ON_AIR = 0.05
SLEW_OFF_AIR = 0.5
"""Stops per second."""
RAMP = 4.0
"""Seconds after a hand-over in which the slew limit opens: a loop takes hold gently."""

STALE = 0.5
"""Seconds after which a picture is too old to act on."""
LEAST = 1e-6
"""Stops that count as a move."""


@dataclass(frozen=True, slots=True)
class Law:
    """What commissioning fixes: ``delay`` in camera samples from a command to its picture; ``start``: stops of error at
    which it begins to act, more where a light's own steps on the wire are coarser."""

    delay: int
    start: float = START

    @property
    def gain(self) -> float:
        return 1.0 / (2.0 * (self.delay + 1))


@dataclass(frozen=True, slots=True)
class Room:
    """Stops a light may still go ``down`` and ``up`` before the end of what it can or what the loop may."""

    down: float = 20.0
    up: float = 20.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What the camera says. ``error``: stops the picture is too dark (+) or too bright (−); ``wishes``: stops each
    light should still go; ``missing``: stops of the error that no light can make good, and ``where``; ``apart``:
    stops a light still has to go though the whole may be right (where lights go their own ways); ``fault``: why not to
    act on this picture."""

    error: float
    captured: float
    wishes: Mapping[str, float] = field(default_factory=dict)
    room: Mapping[str, Room] = field(default_factory=dict)
    missing: float = 0.0
    where: str = ""
    apart: float = 0.0
    fault: str = ""


@dataclass(frozen=True, slots=True)
class LoopState:
    """``why`` says in one word what the loop is doing: resting, acting, frozen, or at its limit; ``since``: when it
    took hold; ``moved``: stops by which the last step moved each light."""

    trims: Mapping[str, float] = field(default_factory=dict)
    moved: Mapping[str, float] = field(default_factory=dict)
    acting: bool = False
    why: str = "resting"
    detail: str = ""
    captured: float = -1.0
    at: float = 0.0
    since: float = -math.inf


def step(state: LoopState, seen: Seen, law: Law, now: float, on_air: bool) -> LoopState:
    """One turn. Freezes (trims kept) on a stale, repeated or faulty picture."""
    if seen.fault:
        return replace(state, moved={}, acting=False, why="frozen", detail=seen.fault, at=now)
    if now - seen.captured > STALE:
        return replace(state, moved={}, acting=False, why="frozen", detail="picture too old", at=now)
    if seen.captured <= state.captured:
        return replace(state, moved={})
    elapsed = min(max(now - state.at, 0.0), 1.0) if state.captured >= 0 else 0.0
    state = replace(state, captured=seen.captured, at=now, moved={}, detail="")
    begins = abs(seen.error) > law.start or seen.apart > APART
    acting = begins if not state.acting else abs(seen.error) >= STOP or seen.apart >= APART / 4
    if not acting:
        return replace(state, acting=False, why="resting")
    ramp = min(1.0, max(0.0, (now - state.since) / RAMP))
    most = slew(on_air) * elapsed * ramp
    moved = {}
    for name, wish in seen.wishes.items():
        room = seen.room.get(name, Room())
        move = min(max(law.gain * wish, -most), most)
        moved[name] = min(max(move, -max(0.0, room.down)), max(0.0, room.up))
    trims = {name: state.trims.get(name, 0.0) + move for name, move in moved.items()}
    if seen.missing > STOP and all(abs(move) < LEAST for move in moved.values()):
        where = f" ({seen.where})" if seen.where else ""
        detail = f"{seen.missing:.2f} stop not reachable{where}"
        return replace(state, trims=trims, moved=moved, acting=True, why="at-limit", detail=detail)
    return replace(state, trims=trims, moved=moved, acting=True, why="acting")


def slew(on_air: bool) -> float:
    """The most a light may be moved, stops per second."""
    return SLEW_ON_AIR if on_air else SLEW_OFF_AIR


def trimmed(level: float, trim: float) -> float:
    """A light level (linear share) moved by ``trim`` stops, inside 0…1."""
    return min(1.0, max(0.0, level * math.exp2(trim)))


def stops(level: float, other: float, darkest: float) -> float:
    """How far ``level`` is above ``other``; neither counts as less than ``darkest``."""
    return math.log2(max(level, darkest) / max(other, darkest))
