"""Moving pictures of real photographs through a rolling-shutter camera, with lamps that flicker by a known amount.

    photograph, moved + a cut-out of another, moving --linear light--> x lamp, row by row --> sRGB curve --> + noise
                                                                                 --> 8 bit --> JPEG or MPEG-4 --> frames

Everything is seeded: the same ``Clip`` gives the same pictures.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import skimage

from drivers.base import Picture
from drivers.camera.metrics import SRGB, linear_to_srgb

Floats = npt.NDArray[np.float32]

PHOTOGRAPHS = (
    *("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png"),
    *("gravel.png", "ihc.png", "retina.jpg", "grass.png", "motorcycle_right.png"),
)
"""Carried by scikit-image."""
MOVES = ("presenter", "pan", "zoom", "rotate", "shake", "tilt", "cut", "exposure")

_CODES = np.round(255 * 16 * linear_to_srgb(np.arange(65536) / 65535)).astype(np.float32) / 16


@dataclass(frozen=True)
class Lamp:
    """``modulation``: of a sine, (max - min) / (max + min). ``duty``: a pulse-width dimmer's instead, then
    ``modulation`` is the share of the light that is pulsed."""

    frequency: float
    modulation: float = 0.01
    duty: float = 0.0
    phase: float = 0.3

    def seen(self, begins: npt.NDArray[np.float64], exposure: float) -> npt.NDArray[np.float64]:
        """Mean light of exposures that begin then; 1.0 on average."""
        cycle = begins * self.frequency + self.phase
        if self.duty:
            on = self._lit(cycle + exposure * self.frequency) - self._lit(cycle)
            pulsed = on / (exposure * self.frequency * self.duty)
            return 1 + self.modulation * (pulsed - 1)
        wave = np.sin(2 * np.pi * (cycle + exposure * self.frequency / 2))
        return 1 + self.modulation * np.sinc(exposure * self.frequency) * wave

    def _lit(self, cycle: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        whole = np.floor(cycle)
        return whole * self.duty + np.minimum(cycle - whole, self.duty)


@dataclass(frozen=True)
class Fixture:
    """A cone of light from one side, with the edge of a shadow in it; ``across`` and ``down``: where it points, 0...1.
    ``lamp``: how it flickers, if it does."""

    level: float = 1.0
    lamp: Lamp | None = None
    across: float = 0.5
    down: float = 0.4
    width: float = 0.5


@dataclass(frozen=True)
class Clip:
    """``readout``: seconds from the first row to the last. ``jitter``: sd in seconds of what is *stamped*, not of when
    pictures are taken. ``drops``: share of the frames that get lost. ``every``: only each so manieth frame is given,
    the distance drawn anew each time from these. ``rig``: fixtures instead of even light; a tenth of that stays as
    ambient."""

    move: str = "presenter"
    photograph: int = 0
    lamp: Lamp | None = None
    fps: float = 30.0
    frames: int = 46
    readout: float = 0.02
    exposure: float = 1 / 250
    size: tuple[int, int] = (640, 360)
    noise: float = 1.0
    coding: str = "jpeg"
    jitter: float = 0.0
    drops: float = 0.0
    every: tuple[int, ...] = (1,)
    seed: int = 0
    level: float = 1.0
    """Linear gain on the whole."""
    rig: tuple[Fixture, ...] = ()


def play(clip: Clip) -> Iterator[tuple[Picture, float]]:
    """The frames and their stamps (seconds)."""
    random = np.random.default_rng((clip.seed, clip.photograph, MOVES.index(clip.move) if clip.move in MOVES else 99))
    numbers, number = [], 0
    while len(numbers) < clip.frames:
        if random.random() >= clip.drops:
            numbers.append(number)
        number += int(random.choice(clip.every))
    taken = 100.0 + np.array(numbers) / clip.fps
    if clip.coding == "mpeg4":
        raise ValueError("MPEG-4 needs a file: encoded()")
    for light, when in zip(_scene(clip, taken, random), taken.tolist(), strict=True):
        yield _coded(_shot(clip, light, when, random), clip), when + clip.jitter * random.standard_normal()


def encoded(clip: Clip, folder: Path) -> list[tuple[Picture, float]]:
    """The same through an MPEG-4 encoder at its usual bit rate, with all it makes of still and moving blocks."""
    raw = Clip(**{**{f: getattr(clip, f) for f in clip.__dataclass_fields__}, "coding": "raw"})
    given = list(play(raw))
    path = folder / "clip.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), clip.fps, clip.size)
    for pixels, _ in given:
        writer.write(pixels)
    writer.release()
    reader = cv2.VideoCapture(str(path))
    return [(reader.read()[1], when) for _, when in given]


# --- inside ----------------------------------------------------------------------------------------------------------


@cache
def photograph(number: int, width: int, height: int) -> Floats:
    """Linear light, a third wider than asked on every side's behalf, so that it can be moved."""
    name = PHOTOGRAPHS[number % len(PHOTOGRAPHS)]
    pixels = cv2.imread(str(Path(skimage.__file__).parent / "data" / name), cv2.IMREAD_COLOR)
    assert pixels is not None, name
    factor = 1.35 * max(width / pixels.shape[1], height / pixels.shape[0])
    return cv2.resize(SRGB[pixels], None, fx=factor, fy=factor, interpolation=cv2.INTER_LINEAR)


def _scene(clip: Clip, taken: npt.NDArray[np.float64], random: np.random.Generator) -> Iterator[Floats]:
    """Linear light of each frame."""
    width, height = clip.size
    wide = photograph(clip.photograph, width, height)
    other = photograph(clip.photograph + 3, width, height)
    person = photograph(clip.photograph + 1, width // 2, height // 2)
    mask = cutout(person.shape[1], person.shape[0])
    a, b, c, d = random.uniform(0, 6.28, 4)
    speed = random.uniform(0.6, 1.4)
    steps = random.standard_normal((len(taken), 2))
    jump = random.integers(8, 20)
    for index, now in enumerate(taken - taken[0]):
        angle, zoom, x, y, gain = 0.0, 1.0, 0.0, 0.0, 1.0
        ground = wide
        if clip.move == "pan":
            x = 0.09 * width * speed * (now - 1)
        elif clip.move == "tilt":
            y = 0.06 * height * speed * (now - 1)
        elif clip.move == "zoom":
            zoom = 1 + 0.06 * speed * now
        elif clip.move == "rotate":
            angle = 4 * speed * (now - 1)
        elif clip.move == "shake":
            x = 4 * math.sin(7 * now + a) + 2 * math.sin(23 * now + b) + 0.7 * steps[index, 0]
            y = 3 * math.sin(9 * now + c) + 2 * math.sin(29 * now + d) + 0.7 * steps[index, 1]
        elif clip.move == "cut" and index // jump % 2:
            ground = other
        elif clip.move == "exposure":
            gain = 2 ** (0.25 * math.sin(2 * math.pi * 0.8 * speed * now + a) + 0.3 * min(1, max(0, now - 0.7)))
        moved = _moved(ground, width, height, x, y, zoom, angle)
        across = width * (0.5 + 0.18 * math.sin(2.1 * speed * now + a) + 0.02 * math.sin(9 * now + b))
        down = height * (0.62 + 0.05 * math.sin(3.3 * speed * now + c) + 0.01 * math.sin(11 * now + d))
        turned = 6 * math.sin(2.7 * now + b)
        size = (1 + 0.04 * math.sin(1.7 * now + d)) * clip.size[1] / 360 * 1.1 * 360 / person.shape[0]
        matrix = cv2.getRotationMatrix2D((person.shape[1] / 2, person.shape[0] / 2), turned, size)
        matrix[:, 2] += (across - person.shape[1] / 2, down - person.shape[0] / 2)
        cut = cv2.warpAffine(person, matrix, clip.size)
        shape = cv2.warpAffine(mask, matrix, clip.size)[:, :, None]
        yield (moved + shape * (cut - moved)) * np.float32(gain * clip.level)


def _moved(ground: Floats, width: int, height: int, x: float, y: float, zoom: float, angle: float) -> Floats:
    matrix = cv2.getRotationMatrix2D((ground.shape[1] / 2, ground.shape[0] / 2), angle, zoom)
    matrix[:, 2] += ((width - ground.shape[1]) / 2 + x, (height - ground.shape[0]) / 2 + y)
    return cv2.warpAffine(ground, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)


@cache
def cutout(width: int, height: int) -> Floats:
    """Head and shoulders."""
    mask = np.zeros((height, width), np.uint8)
    cv2.ellipse(mask, (width // 2, height // 3), (width // 7, height // 4), 0, 0, 360, 255, -1)
    cv2.ellipse(mask, (width // 2, height), (width * 2 // 7, height // 2), 0, 0, 360, 255, -1)
    return cv2.GaussianBlur(mask, (0, 0), 1.2).astype(np.float32) / 255


@cache
def _cone(across: float, down: float, size: float, width: int, height: int) -> Floats:
    x, y = (np.arange(width) / width - across) / size, (np.arange(height) / height - down)[:, None] / size
    cone = np.exp(-(x**2) - y**2)
    edge = np.where((np.arange(height)[:, None] > height * (0.55 + 0.2 * across)) & (x > 0.1), 0.5, 1.0)
    return (cone * edge).astype(np.float32)


def _shot(clip: Clip, light: Floats, when: float, random: np.random.Generator) -> Picture:
    height = len(light)
    begins = when + np.arange(height) / height * clip.readout
    if clip.rig:
        shone = np.full(light.shape[:2], 0.1, np.float32)
        for fixture in clip.rig:
            cone = fixture.level * _cone(fixture.across, fixture.down, fixture.width, *clip.size)
            if fixture.lamp is not None:
                cone = cone * fixture.lamp.seen(begins, clip.exposure).astype(np.float32)[:, None]
            shone += cone
        light = light * shone[:, :, None]
    if clip.lamp is not None:
        light = light * clip.lamp.seen(begins, clip.exposure).astype(np.float32)[:, None, None]
    codes = _CODES.take((light * np.float32(65535)).astype(np.int32), mode="clip")
    codes = codes + random.standard_normal(codes.shape, np.float32) * np.float32(clip.noise)
    return np.clip(codes + np.float32(0.5), 0, 255).astype(np.uint8)


def _coded(pixels: Picture, clip: Clip) -> Picture:
    if clip.coding != "jpeg":
        return pixels
    done, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 85])
    assert done
    return cv2.imdecode(data, cv2.IMREAD_COLOR)
