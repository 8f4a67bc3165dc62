"""A studio as its camera sees it, for as long as one likes: a photograph relit by lamps and a window, people before it.

    albedo of a photograph, people cut out of others --x light of lamps and window--> exposure, white balance
                            --> sRGB --> noise --> 8 bits --> JPEG (``Stage.picture``)

Everything is a function of time and of the seed. Lamps follow what they are told within a tenth of a second.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import skimage

from drivers.base import Picture
from drivers.camera.metrics import SRGB, linear_to_srgb
from tests.moving_pictures import Lamp, cutout

Floats = npt.NDArray[np.float32]
Levels = Mapping[str, float]
Over = Callable[[float, Floats, Floats, npt.NDArray[np.float64]], Floats]
"""Of the time, the light of the picture, what shines on each point and when each row is exposed: the picture with
something more in it."""

WIDTH, HEIGHT = 480, 270
MARGIN = (96, 54)
"""Points across and down by which the camera can be panned."""
PHOTOGRAPHS = (
    *("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"),
    *("motorcycle_left.png", "motorcycle_right.png", "retina.jpg", "ihc.png"),
)
LAG = 0.1
"""Seconds in which a lamp does two thirds of what it is told."""
READOUT = 0.02
WHITE = (1.0, 1.0, 1.0)
_CODES = (255 * linear_to_srgb(np.arange(8192) / 8191)).astype(np.float32)


@cache
def albedo(name: str, width: int = WIDTH + 2 * MARGIN[0], height: int = HEIGHT + 2 * MARGIN[1]) -> Floats:
    """What a photograph reflects, cut to that size: linear blue, green, red."""
    pixels = cv2.imread(str(Path(skimage.__file__).parent / "data" / name), cv2.IMREAD_COLOR)
    assert pixels is not None, name
    factor = max(width / pixels.shape[1], height / pixels.shape[0])
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    pixels = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=way)
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return SRGB[pixels[top : top + height, left : left + width]].astype(np.float32)


@dataclass(frozen=True)
class Person:
    """Cut out of a photograph. ``x``: the middle, in widths of the picture, NaN: not there; ``y``: in heights."""

    photograph: str
    x: Callable[[float], float]
    y: Callable[[float], float] = lambda now: 0.62
    size: float = 1.1
    turn: Callable[[float], float] = lambda now: 0.0


@dataclass
class Stage:
    """``fields``: light of each lamp at full on every point; ``window``: of the day at 1. ``ripple``: lamps whose light
    is not steady, seen with an exposure of ``exposure`` seconds. ``aim``: points right, points down, zoom."""

    scene: Callable[[float], str]
    fields: Mapping[str, Floats]
    window: Floats
    levels: Callable[[float], Levels]
    day: Callable[[float], float] = lambda now: 0.3
    tint: Callable[[float], tuple[float, float, float]] = lambda now: WHITE
    people: tuple[Person, ...] = ()
    gain: Callable[[float], float] = lambda now: 1.0
    white: Callable[[float], tuple[float, float, float]] = lambda now: WHITE
    aim: Callable[[float], tuple[float, float, float]] = lambda now: (0.0, 0.0, 1.0)
    noise: float = 1.0
    jpeg: int = 85
    ripple: Mapping[str, Lamp] = field(default_factory=dict)
    exposure: float = 0.01
    over: Over | None = None
    seed: int = 0
    base: float = 1.0

    def __post_init__(self) -> None:
        self._random = np.random.default_rng(self.seed)
        self._tile = self._random.standard_normal((HEIGHT + 64, WIDTH + 64, 3), dtype=np.float32)
        self._shown: dict[str, float] = {}
        self._last = 0.0
        self._ground: tuple[object, Floats] | None = None

    def light(self, now: float) -> tuple[Floats, npt.NDArray[np.float64]]:
        """What shines on every point (rows x columns x colours), and when each row is exposed."""
        begins = now + np.arange(HEIGHT) / HEIGHT * READOUT
        total = np.zeros((HEIGHT, WIDTH), np.float32)
        for name, level in self._lamps(now).items():
            if name not in self.fields:
                continue
            rows = self.ripple[name].seen(begins, self.exposure) if name in self.ripple else np.ones(HEIGHT)
            total += self.fields[name] * (level * rows).astype(np.float32)[:, None]
        outside = np.float32(self.day(now)) * np.array(self.tint(now), np.float32)
        return total[:, :, None] + self.window[:, :, None] * outside, begins

    def picture(self, now: float) -> Picture:
        shone, begins = self.light(now)
        light = self._scene(now) * shone
        if self.over is not None:
            light = self.over(now, light, shone, begins)
        light = light * (np.array(self.white(now), np.float32) * np.float32(self.base * self.gain(now)))
        codes = _CODES.take((light * 8191).astype(np.int32), mode="clip")
        if self.noise > 0:
            row, column = self._random.integers(0, 64, 2)
            codes = codes + self._tile[row : row + HEIGHT, column : column + WIDTH] * np.float32(self.noise)
        pixels = np.clip(codes + np.float32(0.5), 0, 255).astype(np.uint8)
        if not self.jpeg:
            return pixels
        _, coded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, self.jpeg])
        return cv2.imdecode(coded, cv2.IMREAD_COLOR)

    def columns(self) -> tuple[dict[str, npt.NDArray[np.float64]], Floats]:
        """What commissioning finds: of each lamp at full, and of the window; 9 x 16 zones of linear luminance."""
        scene = albedo(self.scene(0.0))[MARGIN[1] : MARGIN[1] + HEIGHT, MARGIN[0] : MARGIN[0] + WIDTH]
        shown = scene @ np.array([0.0722, 0.7152, 0.2126], np.float32) * np.float32(self.base)

        def zones(lit: Floats) -> npt.NDArray[np.float64]:
            return (shown * lit).reshape(9, HEIGHT // 9, 16, WIDTH // 16).mean(axis=(1, 3)).astype(np.float64)

        ambient = zones(self.window * np.float32(self.day(0.0))).astype(np.float32)
        return {name: zones(lit) for name, lit in self.fields.items()}, ambient

    # --- inside ------------------------------------------------------------------------------------------------------

    def _lamps(self, now: float) -> dict[str, float]:
        told = self.levels(now)
        if not self._shown or now < self._last:
            self._shown = dict(told)
        share = 1 - math.exp(-max(0.0, now - self._last) / LAG)
        for name, level in told.items():
            self._shown[name] = self._shown.get(name, level) + share * (level - self._shown.get(name, level))
        self._last = now
        return self._shown

    def _scene(self, now: float) -> Floats:
        aim, name = self.aim(now), self.scene(now)
        if self._ground is None or self._ground[0] != (name, aim):
            right, down, zoom = aim
            whole = albedo(name)
            matrix = np.array(
                [
                    [zoom, 0, WIDTH / 2 - zoom * (whole.shape[1] / 2 + right)],
                    [0, zoom, HEIGHT / 2 - zoom * (whole.shape[0] / 2 + down)],
                ]
            )
            ground = cv2.warpAffine(whole, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)
            self._ground = ((name, aim), ground.astype(np.float32))
        scene = self._ground[1]
        for person in self.people:
            if math.isnan(person.x(now)):
                continue
            seen = albedo(person.photograph, WIDTH // 2, HEIGHT // 2)
            tall, wide = seen.shape[:2]
            matrix = cv2.getRotationMatrix2D((wide / 2, tall / 2), person.turn(now), person.size * HEIGHT / tall)
            matrix[:, 2] += (person.x(now) * WIDTH - wide / 2, person.y(now) * HEIGHT - tall / 2)
            shape = cv2.warpAffine(cutout(wide, tall), matrix, (WIDTH, HEIGHT))[:, :, None]
            scene = scene + shape * (cv2.warpAffine(seen, matrix, (WIDTH, HEIGHT)) - scene)
        return scene


def rig(random: np.random.Generator, lamps: int = 4) -> tuple[dict[str, Floats], Floats]:
    """Light of each lamp, and of a window on one side."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH] / np.float32(HEIGHT)
    fields = {}
    for number in range(lamps):
        across, down, wide = random.uniform(-0.1, 1.8), random.uniform(-0.3, 0.9), random.uniform(0.35, 0.8)
        cone = 0.05 + np.exp(-((x - across) ** 2 + (y - down) ** 2) / (2 * wide**2))
        fields[f"lamp-{number}"] = (0.8 * cone).astype(np.float32)
    side = x if random.random() < 0.5 else x.max() - x
    window = 0.1 + 0.5 * np.exp(-side / random.uniform(0.5, 0.9)) * (0.7 + 0.3 * y)
    return fields, window.astype(np.float32)


def stage(random: np.random.Generator, name: str, mean: float = 0.15, **more: object) -> Stage:
    """One with four lamps, the camera set to a mean of ``mean`` and no more than 3 % of it clipped."""
    fields, window = rig(random)
    level = {lamp: float(random.uniform(0.3, 0.6)) for lamp in fields}
    given: dict[str, object] = {
        "fields": fields,
        "window": window,
        "levels": lambda now: level,
        "scene": lambda now: name,
    }
    found = Stage(**{**given, "seed": int(random.integers(1 << 30)), **more})  # type: ignore[arg-type]
    shone, _ = found.light(0.0)
    lit = albedo(found.scene(0.0))[MARGIN[1] : MARGIN[1] + HEIGHT, MARGIN[0] : MARGIN[0] + WIDTH] * shone
    brightest = float(np.quantile(lit.max(axis=2), 0.97))
    found.base = min(mean / max(1e-4, float(lit.mean())), 0.85 / max(brightest, 1e-4))
    return found


def presenter(random: np.random.Generator, restless: float = 1.0, size: float = 1.1) -> Person:
    """Head and shoulders, never quite still."""
    a, b, c, d = random.uniform(0, 6.28, 4)
    speed = random.uniform(0.6, 1.4) * restless

    def x(now: float) -> float:
        return float(
            0.5 + 0.12 * math.sin(0.9 * speed * now + a) * math.sin(0.13 * now + c) + 0.015 * math.sin(5 * now + b)
        )

    def y(now: float) -> float:
        return 0.62 + 0.03 * math.sin(1.9 * speed * now + c) + 0.008 * math.sin(7 * now + d)

    name = PHOTOGRAPHS[int(random.integers(3))]
    return Person(name, x, y, size, lambda now: 5 * math.sin(1.7 * now + b))
