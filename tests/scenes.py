"""What sound studios look like, by kind and seed, and what may rightly be said of it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from drivers.virtual.daylight import clouds, ramp
from tests.moving_pictures import Lamp
from tests.stage import HEIGHT, PHOTOGRAPHS, WIDTH, Floats, Levels, Person, Stage, albedo, presenter, rig, stage

SOMEBODY = frozenset({"somebody"})


@dataclass(frozen=True)
class Scene:
    """``faults`` and ``causes`` that are no false ones. ``hiccups``: begin and length of pauses on the network."""

    stage: Stage
    causes: frozenset[str] = SOMEBODY
    faults: frozenset[str] = frozenset()
    seconds: float = 60.0
    hiccups: tuple[tuple[float, float], ...] = ()
    fps: float = 25.0
    told: Callable[[float], Levels] | None = None
    """What the lamps were told as far as the agent knows, if not ``stage.levels``."""
    known: bool = True
    """Commissioned."""


Made = Callable[[np.random.Generator, int], Scene]
LIGHT = frozenset({"over", "under", "clipped", "white-balance"})
"""Of pictures that are truly too bright, too dark or of another colour than the reference."""


def _name(seed: int) -> str:
    return PHOTOGRAPHS[seed % len(PHOTOGRAPHS)]


def _some(random: np.random.Generator, seed: int) -> tuple[Person, ...]:
    """Somebody, in every second one."""
    return (presenter(random),) if seed % 2 else ()


def people(random: np.random.Generator, seed: int) -> Scene:
    """One to three, over all qualities of JPEG and all noise of cameras."""
    crowd = tuple(presenter(random, 1 + 0.8 * number) for number in range(1 + seed % 3))
    jpeg, noise = int(random.integers(40, 96)), float(random.uniform(0.4, 2))
    return Scene(stage(random, _name(seed), people=crowd, jpeg=jpeg, noise=noise))


def empty(random: np.random.Generator, seed: int) -> Scene:
    return Scene(stage(random, _name(seed), jpeg=(0, 95, 85, 60, 40)[seed % 5]), frozenset())


def at_night(random: np.random.Generator, seed: int) -> Scene:
    """Nobody there; daylight drifts by a fiftieth."""
    found = stage(random, _name(seed), day=lambda now: 0.3 * (1 + 0.02 * math.sin(now / 40)), noise=0.7, jpeg=70)
    return Scene(found, frozenset({"daylight"}))


def cloudy(random: np.random.Generator, seed: int) -> Scene:
    day = clouds(0.6, seed, float(random.uniform(0.3, 0.8)), (3.0, 8.0, 20.0, 60.0)[seed % 4])
    found = stage(random, _name(seed), day=day, people=_some(random, seed))
    return Scene(found, SOMEBODY | {"daylight", "other-light"}, LIGHT)


def sunset(random: np.random.Generator, seed: int) -> Scene:
    """Five stops in 90 s, and redder."""
    found = stage(
        random,
        _name(seed),
        day=ramp(0.6, 0.02, 10, 90),
        tint=lambda now: (1 - 0.004 * min(now, 100), 1.0, 1 + 0.002 * min(now, 100)),
        people=_some(random, seed),
    )
    return Scene(found, SOMEBODY | {"daylight"}, LIGHT)


def fades(random: np.random.Generator, seed: int) -> Scene:
    """Cues: some of the lamps, within half a second to ten."""
    fields, window = rig(random)
    looks: list[tuple[float, dict[str, float]]] = [(0.0, {lamp: float(random.uniform(0.2, 0.6)) for lamp in fields})]
    now = 8.0
    while now < 56:
        takes = float(np.exp(random.uniform(math.log(0.5), math.log(10))))
        chosen = [lamp for lamp in fields if random.random() < 0.5] or ["lamp-0"]
        looks += [(now, looks[-1][1])]
        looks += [(now + takes, {**looks[-1][1], **{lamp: float(random.uniform(0.05, 0.9)) for lamp in chosen}})]
        now += takes + float(random.uniform(1, 6))

    def levels(now: float) -> Levels:
        for (begins, start), (ends, then) in pairwise(looks):
            if now < ends:
                share = (now - begins) / (ends - begins)
                return {lamp: level + share * (then[lamp] - level) for lamp, level in start.items()}
        return looks[-1][1]

    found = stage(random, _name(seed), fields=fields, window=window, levels=levels, people=_some(random, seed))
    return Scene(found, SOMEBODY | {"lamp"}, frozenset({"clipped"}))


def master(random: np.random.Generator, seed: int) -> Scene:
    """All lamps by one factor, told; nearly no daylight: to the picture it is an auto exposure."""
    fields, window = rig(random)
    factor = float(random.uniform(0.6, 0.9))

    def levels(now: float) -> Levels:
        return dict.fromkeys(fields, 0.5 * (factor if int(now / 7) % 2 else 1.0))

    found = stage(
        random,
        _name(seed),
        fields=fields,
        window=window,
        levels=levels,
        day=lambda now: 0.02,
        people=_some(random, seed),
    )
    return Scene(found, SOMEBODY | {"lamp"})


def blackouts(random: np.random.Generator, seed: int) -> Scene:
    fields, window = rig(random)

    def levels(now: float) -> Levels:
        return dict.fromkeys(fields, 0.0 if 15 < now % 45 < 30 else 0.5)

    found = stage(random, _name(seed), fields=fields, window=window, levels=levels, day=lambda now: 0.01, noise=0.8)
    return Scene(found, SOMEBODY | {"lamp"})


def colour(random: np.random.Generator, seed: int) -> Scene:
    """Light that is told to be warmer or colder: to the picture it is an auto white balance."""

    def told(now: float) -> float:
        return 0.5 + 0.4 * math.sin(0.3 * math.floor(now / 6))

    found = stage(
        random,
        _name(seed),
        people=_some(random, seed),
        white=lambda now: (1 + 0.3 * (told(now) - 0.5), 1.0, 1 - 0.3 * (told(now) - 0.5)),
    )
    levels = found.levels
    return Scene(found, SOMEBODY | {"lamp"}, told=lambda now: {**levels(now), "lamp-0.cct": told(now)})


def cuts(random: np.random.Generator, seed: int) -> Scene:
    """Three cameras into one capture: after 2 to 9 s another picture."""
    times, pictures = np.cumsum(random.uniform(2, 9, 30)), random.permutation(8)
    found = stage(random, _name(seed), people=(presenter(random),))
    found.scene = lambda now: PHOTOGRAPHS[int(pictures[int(np.searchsorted(times, now)) % 3 + seed % 5])]
    faults = LIGHT | {"moved", "defocus", "noise"}
    return Scene(found, SOMEBODY | {"cut"}, faults)


def pan(random: np.random.Generator, seed: int) -> Scene:
    """An operator pans, tilts or zooms for 6 s and rests for 6."""
    a, b, c = random.uniform(0, 6.28, 3)

    def aim(now: float) -> tuple[float, float, float]:
        went = 6 * math.floor(now / 12) + min(6.0, now % 12) if now > 6 else 6.0
        right = 70 * math.sin(0.25 * went + a) if seed % 3 != 1 else 0.0
        down = 40 * math.sin(0.3 * went + b) if seed % 3 != 0 else 0.0
        return right, down, 1.15 + 0.14 * math.sin(0.35 * went + c) if seed % 3 == 2 else 1.0

    found = stage(random, _name(seed), aim=aim, people=(presenter(random),))
    return Scene(found, SOMEBODY | {"camera-moved", "cut"}, LIGHT | {"moved", "defocus"})


def leaves(random: np.random.Generator, seed: int) -> Scene:
    """The presenter goes out of the picture and comes back."""
    one = presenter(random)

    def x(now: float) -> float:
        at = now % 20
        if at < 10:
            return one.x(now) + max(0.0, at - 8) * 0.5
        return math.nan if at < 17 else one.x(now) + (20 - at) / 3

    gone = Person(one.photograph, x, one.y, 1.5, one.turn)
    return Scene(stage(random, _name(seed), people=(gone,)), SOMEBODY, frozenset({"clipped"}))


def crowd(random: np.random.Generator, seed: int) -> Scene:
    """Seven who move everywhere."""
    everybody = []
    for number in range(7):
        one = presenter(random, 2)

        def x(now: float, one: Person = one, number: int = number) -> float:
            return one.x(now) + (number - 3) / 7

        def y(now: float, one: Person = one, number: int = number) -> float:
            return one.y(now) + 0.1 * (number % 3 - 1)

        everybody.append(Person(PHOTOGRAPHS[int(random.integers(8))], x, y, 0.8, one.turn))
    return Scene(stage(random, _name(seed), people=tuple(everybody)), SOMEBODY, frozenset({"clipped"}))


def paper(random: np.random.Generator, seed: int) -> Scene:
    """A white sheet, a dark book or a bright telephone is held up to the lens, now and then."""
    size, shade = float(random.uniform(0.35, 0.8)), (0.9, 0.03, 1.6)[seed % 3]

    def over(now: float, light: Floats, shone: Floats, begins: npt.NDArray[np.float64]) -> Floats:
        near = min(1.0, (now % 12 - 6) / 0.4, (12 - now % 12) / 0.4)
        tall, wide = int(HEIGHT * size * near), int(WIDTH * size * near)
        if tall < 2 or wide < 2:
            return light
        top, left = (HEIGHT - tall) // 2 + int(3 * math.sin(5 * now)), (WIDTH - wide) // 2 + int(6 * math.sin(3 * now))
        place = slice(max(0, top), top + tall), slice(left, left + wide)
        light = light.copy()
        light[place] = shade * np.broadcast_to(shone, light.shape)[place] if seed % 3 < 2 else (0.42, 0.35, 0.31)
        return light

    found = stage(random, _name(seed), 0.12, over=over, people=(presenter(random),))
    return Scene(found, SOMEBODY, LIGHT | {"defocus"})


def close(random: np.random.Generator, seed: int) -> Scene:
    """A presenter who fills most of the picture."""
    return Scene(stage(random, _name(seed), people=(presenter(random, 1.3, 2.2),)))


def dim(random: np.random.Generator, seed: int) -> Scene:
    """Little light, much gain."""
    noise, mean = float(random.uniform(3, 8)), float(random.uniform(0.02, 0.06))
    found = stage(random, _name(seed), mean, noise=noise, people=_some(random, seed), jpeg=int(random.integers(40, 96)))
    return Scene(found, SOMEBODY if seed % 2 else frozenset(), frozenset({"under"}))


def flashes(random: np.random.Generator, seed: int) -> Scene:
    """A photographer in the room."""
    times = np.cumsum(random.uniform(1, 6, 40))

    def gain(now: float) -> float:
        return 4.0 if np.abs(times - now).min() < 0.02 else 1.0

    found = stage(random, _name(seed), gain=gain, people=(presenter(random),))
    return Scene(found, SOMEBODY | {"other-light"}, frozenset({"clipped"}))


def dimmers(random: np.random.Generator, seed: int) -> Scene:
    """Lamps dimmed by switching at 1...25 kHz, and a shutter that hides it."""
    fields, window = rig(random)
    hertz = (1000, 4000, 2000, 25000)[seed % 4]
    shutter = round((1 / 50, 1 / 100, 1 / 50, 1 / 60)[seed % 4] * hertz) / hertz
    ripple = {lamp: Lamp(hertz, 1.0, duty=0.5) for lamp in fields}
    found = stage(
        random,
        _name(seed),
        fields=fields,
        window=window,
        ripple=ripple,
        exposure=shutter,
        people=(presenter(random),),
    )
    return Scene(found, SOMEBODY, frozenset({"clipped"}), fps=(25.0, 30.0, 50.0, 25.0)[seed % 4])


def monitor(random: np.random.Generator, seed: int) -> Scene:
    """A screen in the picture that flickers by itself (that may be said)."""
    wide, tall = int(WIDTH * random.uniform(0.2, 0.4)), int(HEIGHT * random.uniform(0.3, 0.6))
    left, top = int(random.uniform(0, WIDTH - wide)), int(random.uniform(0, HEIGHT - tall))
    lamp = Lamp((60, 75, 240, 1920, 3840)[seed % 5], 0.6, duty=(0.5, 0.3, 0)[seed % 3])
    film = albedo(_name(seed + 3), 200, 120)

    def over(now: float, light: Floats, shone: Floats, begins: npt.NDArray[np.float64]) -> Floats:
        light = light.copy()
        shown = 0.6 * cv2.resize(np.roll(film, int(20 * now), axis=1), (wide, tall))
        rows = lamp.seen(begins, 1 / 200)[top : top + tall, None, None].astype(np.float32)
        light[top : top + tall, left : left + wide] = shown * rows
        return light

    found = stage(random, _name(seed), over=over, people=(presenter(random),))
    return Scene(found, SOMEBODY | {"flicker"}, frozenset({"flicker", "clipped"}))


def wall(random: np.random.Generator, seed: int) -> Scene:
    """A video wall behind the presenter that plays cuts: light and pictures of its own."""
    wide, tall = int(WIDTH * random.uniform(0.4, 0.75)), int(HEIGHT * random.uniform(0.4, 0.7))
    left, top = (WIDTH - wide) // 2, int(HEIGHT * 0.05)
    times, pictures = np.cumsum(random.uniform(0.8, 4, 100)), random.permutation(8)

    def over(now: float, light: Floats, shone: Floats, begins: npt.NDArray[np.float64]) -> Floats:
        light = light.copy()
        shown = albedo(PHOTOGRAPHS[int(pictures[int(np.searchsorted(times, now)) % 8])])
        light[top : top + tall, left : left + wide] = 0.5 * cv2.resize(shown, (wide, tall))
        return light

    found = stage(random, _name(seed), over=over, people=(presenter(random),))
    return Scene(found, SOMEBODY | {"cut", "other-light", "unknown"}, frozenset({"clipped"}))


def hiccups(random: np.random.Generator, seed: int) -> Scene:
    """Pauses of 0.3 to 1.3 s on the network, after which everything comes at once."""
    begins = np.cumsum(random.uniform(4, 12, 8)) + 5
    pauses = tuple((float(at), float(random.uniform(0.3, 1.3))) for at in begins)
    found = stage(random, _name(seed), people=(presenter(random),))
    return Scene(found, SOMEBODY, frozenset({"clipped"}), hiccups=pauses, fps=(25.0, 30.0, 50.0, 60.0)[seed % 4])


SCENES: Mapping[str, Made] = {
    made.__name__: made
    for made in (
        *(people, empty, at_night, cloudy, sunset, fades, master, blackouts, colour, cuts, pan, leaves, crowd, close),
        *(paper, dim, flashes, dimmers, monitor, wall, hiccups),
    )
}


def scene(kind: str, seed: int) -> Scene:
    """The one of that kind and seed."""
    return SCENES[kind](np.random.default_rng([seed, list(SCENES).index(kind)]), seed)
