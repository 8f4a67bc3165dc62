"""Photographs lit again by lamps of our own and looked at through a camera model: sums of linear light, exposure, white
balance, sRGB, noise, 8 bits, JPEG. Seeded, so that every trial can be had again."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt
from skimage import data

from drivers.base import Picture
from drivers.camera.attribution import View
from drivers.camera.light import channels, logs
from drivers.camera.metrics import linear_to_srgb, sample, srgb_to_linear
from drivers.camera.shift import thumbnail

Floats = npt.NDArray[np.float32]

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket", "coins", "camera", "retina")
WIDTH, HEIGHT = 160, 90
MARGIN = 16
"""Pixels the camera may be turned to either side."""


@cache
def photograph(name: str, width: int = WIDTH + 2 * MARGIN, height: int = HEIGHT + 2 * MARGIN) -> Floats:
    """What the things in it reflect: linear blue, green, red."""
    picture = getattr(data, name)()
    picture = np.stack([picture] * 3, axis=-1) if picture.ndim == 2 else picture[..., :3]
    tall, wide = picture.shape[:2]
    if wide * height > tall * width:
        cut = (wide - tall * width // height) // 2
        picture = picture[:, cut : wide - cut]
    else:
        cut = (tall - wide * height // width) // 2
        picture = picture[cut : tall - cut]
    small = cv2.resize(picture[..., ::-1], (width, height), interpolation=cv2.INTER_AREA)
    return srgb_to_linear(small / 255).astype(np.float32)


@dataclass(frozen=True)
class Room:
    """``albedo``: HEIGHT x WIDTH x 3 and a margin; ``fields``: light of each lamp at full on every pixel, ``day``: the
    window's."""

    albedo: Floats
    fields: Mapping[str, Floats]
    day: Floats

    @classmethod
    def made(cls, random: np.random.Generator, lamps: int = 4, name: str = "") -> "Room":
        albedo = photograph(name or str(random.choice(PHOTOGRAPHS)))
        y, x = np.mgrid[0 : albedo.shape[0], 0 : albedo.shape[1]] / np.float32(albedo.shape[0])
        fields = {}
        for number in range(lamps):
            across, down, wide = random.uniform(-0.1, 1.6), random.uniform(-0.3, 0.9), random.uniform(0.3, 0.8)
            light = 0.04 + np.exp(-((x - across) ** 2 + (y - down) ** 2) / (2 * wide**2))
            fields[f"lamp-{number}"] = (0.8 * light).astype(np.float32)
        side = x if random.random() < 0.5 else x.max() - x
        day = 0.08 + 0.5 * np.exp(-side / random.uniform(0.4, 0.9)) * (0.7 + 0.3 * y)
        return cls(albedo, fields, day.astype(np.float32))


@dataclass(frozen=True)
class Moment:
    """How the room is lit and the camera set. ``gain``: of exposure; ``white``: blue, green, red gains; ``aim``: pixels
    right and down; ``noise``: codes."""

    levels: Mapping[str, float]
    day: float = 0.4
    gain: float = 1.0
    white: tuple[float, float, float] = (1.0, 1.0, 1.0)
    aim: tuple[int, int] = (0, 0)
    person: tuple[int, int] | None = None
    noise: float = 1.0

    def but(self, **changes: object) -> "Moment":
        return replace(self, **changes)  # type: ignore[arg-type]


def shoot(room: Room, moment: Moment, random: np.random.Generator) -> Picture:
    """One picture."""
    light = room.day * moment.day
    for name, level in moment.levels.items():
        light = light + room.fields[name] * level
    scene = room.albedo * light[..., None]
    right, down = MARGIN + moment.aim[0], MARGIN + moment.aim[1]
    scene = scene[down : down + HEIGHT, right : right + WIDTH] * (moment.gain * np.array(moment.white, np.float32))
    if moment.person is not None:
        left, top = moment.person
        scene[top:, left : left + 34] = 0.12 * light[MARGIN + top : MARGIN + HEIGHT, left : left + 34, None]
    codes = linear_to_srgb(np.clip(scene, 0, 1)) * 255 + random.normal(0, moment.noise, scene.shape)
    pixels = np.clip(np.rint(codes), 0, 255).astype(np.uint8)
    encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 88])[1]
    decoded: Picture = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    return decoded


def light(pixels: Picture) -> Floats:
    """log2 of its zones, 3 x ROWS x COLUMNS."""
    return logs(channels(sample(pixels)))


def view(pictures: list[Picture]) -> View:
    """The mean of some pictures."""
    return View(np.mean([light(each) for each in pictures], axis=0), thumbnail(sample(pictures[-1])))


def noise(pictures: list[Picture], others: int = 3) -> Floats:
    """Of the difference of the mean of these and of ``others`` more: from the spread of these."""
    spread = np.std([light(each) for each in pictures], axis=0, ddof=1)
    floor = np.nanmedian(spread)
    return np.maximum(spread, 0.7 * floor) * np.float32((1 / len(pictures) + 1 / others) ** 0.5)


def column(room: Room, name: str, moment: Moment) -> npt.NDArray[np.float64]:
    """The lamp's transport column, as commissioning finds it: ROWS x COLUMNS of luminance at level 1 ("": daylight)."""
    field = room.fields[name] if name else room.day
    scene = room.albedo * field[..., None] * moment.gain * np.array(moment.white, np.float32)
    scene = scene[MARGIN : MARGIN + HEIGHT, MARGIN : MARGIN + WIDTH]
    light = scene @ np.array([0.0722, 0.7152, 0.2126], np.float32)
    return light.reshape(9, HEIGHT // 9, 16, WIDTH // 16).mean(axis=(1, 3)).astype(np.float64)
