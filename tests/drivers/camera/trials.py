"""Changes of a picture whose cause is known, by seed: what the unit test and the benchmark judge the judge by."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from drivers.camera.attribution import Cause, Change, Lamps, attribute
from drivers.camera.metrics import measure
from tests.drivers.camera.relit import Moment, Room, column, noise, shoot, view

PICTURES = 3
MEAN = 0.15
"""Linear light the camera is set to."""


class Case(NamedTuple):
    """A room, how it is lit before and after, what was commanded, how long it took, and why it really changed."""

    room: Room
    before: Moment
    after: Moment
    moved: Mapping[str, tuple[float, float]]
    seconds: float
    cause: Cause
    lamps: tuple[str, ...] = ()
    then: Room | None = None
    """Another scene, after a cut."""


Made = Callable[[np.random.Generator, Room, Moment], Case]


def either(random: np.random.Generator, low: float, high: float) -> float:
    """A factor of ``low`` to ``high`` stops up or down."""
    return float(2 ** (random.choice([-1, 1]) * random.uniform(low, high)))


def _lamp(random: np.random.Generator, room: Room, at: Moment, commanded: bool) -> Case:
    name = str(random.choice(list(room.fields)))
    level = at.levels[name] * either(random, 0.15 if commanded else 0.4, 0.6 if commanded else 1.0)
    after = at.but(levels={**at.levels, name: level})
    moved = {name: (at.levels[name], level)} if commanded else {}
    return Case(room, at, after, moved, random.uniform(0.1, 0.9), Cause.LAMP, (name,))


def _exposure(random: np.random.Generator, room: Room, at: Moment, person: bool) -> Case:
    after = at.but(gain=at.gain * either(random, 0.06, 0.5))
    if person:
        after = after.but(person=(int(random.integers(40, 90)), int(random.integers(20, 40))))
    return Case(room, at, after, {}, random.uniform(0.1, 0.9), Cause.AUTO_EXPOSURE)


def _white(random: np.random.Generator, room: Room, at: Moment) -> Case:
    after = at.but(white=(either(random, 0.06, 0.3), 1.0, either(random, 0.06, 0.3)))
    return Case(room, at, after, {}, random.uniform(0.1, 0.9), Cause.AUTO_WHITE_BALANCE)


def _day(random: np.random.Generator, room: Room, at: Moment) -> Case:
    at = at.but(day=max(at.day, 0.3))
    after = at.but(day=at.day * either(random, 0.6, 1.2))
    return Case(room, at, after, {}, 2.0, Cause.DAYLIGHT)


def _cut(random: np.random.Generator, room: Room, at: Moment) -> Case:
    other = room
    while other.albedo is room.albedo:
        other = Room.made(random)
    after = Moment({name: random.uniform(0.15, 0.5) for name in other.fields}, gain=at.gain)
    return Case(room, at, after, {}, 0.1, Cause.CUT, then=other)


def _turned(random: np.random.Generator, room: Room, at: Moment) -> Case:
    right, down = int(random.choice([-1, 1]) * random.integers(4, 12)), int(random.integers(-4, 5))
    return Case(room, at, at.but(aim=(right, down)), {}, random.uniform(0.1, 0.9), Cause.CAMERA_MOVED)


def _somebody(random: np.random.Generator, room: Room, at: Moment) -> Case:
    left, top = int(random.integers(30, 60)), int(random.integers(20, 40))
    after = at.but(person=(left + int(random.integers(8, 40)), top))
    return Case(room, at.but(person=(left, top)), after, {}, random.uniform(0.1, 0.9), Cause.SOMEBODY)


KINDS: Mapping[str, Made] = {
    "a lamp, commanded": lambda random, room, at: _lamp(random, room, at, True),
    "a lamp by itself": lambda random, room, at: _lamp(random, room, at, False),
    "auto exposure": lambda random, room, at: _exposure(random, room, at, False),
    "auto exposure, somebody comes": lambda random, room, at: _exposure(random, room, at, True),
    "auto white balance": _white,
    "daylight": _day,
    "cut": _cut,
    "camera turned": _turned,
    "somebody": _somebody,
    "nothing": lambda random, room, at: Case(room, at, at, {}, 0.5, Cause.NOTHING),
}


def trial(kind: str, random: np.random.Generator) -> tuple[Case, Change]:
    """One change and what is said of it."""
    room = Room.made(random)
    at = Moment({name: random.uniform(0.15, 0.5) for name in room.fields}, day=random.uniform(0.1, 0.6))
    at = at.but(gain=MEAN / max(measure(shoot(room, at, random), 0.18).mean, 1e-3))
    case = KINDS[kind](random, room, at)
    lamps = Lamps(
        {name: column(room, name, case.before) for name in room.fields}, column(room, "", case.before), case.moved
    )
    before = [shoot(room, case.before, random) for _ in range(2 * PICTURES)]
    after = [shoot(case.then or room, case.after, random) for _ in range(PICTURES)]
    return case, attribute(view(before), view(after), lamps, noise(before, PICTURES), case.seconds)


def confusion(kind: str, trials: int, seed: int) -> Counter[str]:
    """How often each cause was said; the right one, with the right lamp, is "right"."""
    random = np.random.default_rng(seed)
    said: Counter[str] = Counter()
    for _ in range(trials):
        case, found = trial(kind, random)
        right = found.cause is case.cause and found.lamps == case.lamps and found.commanded == bool(case.moved)
        said["right" if right else f"{found.cause} {' '.join(found.lamps)}".strip()] += 1
    return said
