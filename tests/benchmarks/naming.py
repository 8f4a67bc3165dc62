"""Which of 12 lamps answered a small step, told from noisy pictures of real photographs lit lamp by lamp.

    photograph, linear = albedo;  disparity or relief = normals;  12 lamps = Lambert x inverse square
      └─▶ sum in linear light ─▶ shot and read noise ─▶ sRGB ─▶ 8 bit ─▶ JPEG 85 ─▶ the product's metering, 16 x 9 zones

The columns it is compared with come from a commissioning through the same camera (one step of 15 % of each lamp's
light, 16 pictures a level), never from the truth. A step is a share of what the lamp shows, half of its full light.
"""

import math
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from skimage import data

from agent.exposure.transport.matrix import (
    ZONES,
    Delay,
    Reach,
    Series,
    Shot,
    Transport,
    change_of,
    noise_of,
    series,
    zones_of,
)
from agent.exposure.transport.unmixing import unmix
from drivers.camera.metrics import linear_to_srgb, measure, srgb_to_linear
from tests.benchmarks.row import Row

LAMPS = 12
SIZE = (640, 360)
"""Pixels. In a smaller picture a zone has so few JPEG blocks that their rounding shows (sd 1.4 % at 320 x 180)."""
LEVEL = 0.5
MEAN = 0.18
"""Mean linear light of the picture."""
WELL, READ = 8000.0, 4.0
"""Electrons at white, and of read noise: a small sensor."""
COMMISSIONED, PICTURES = 0.15, 16
SCENES = ("motorcycle", "astronaut", "chelsea", "coffee")

Light = npt.NDArray[np.float32]


class Ask(NamedTuple):
    step: float
    frames: int
    trials: int


ASKED = (Ask(0.02, 4, 192), Ask(0.05, 16, 48), Ask(0.10, 16, 1008))


class Scene:
    """A photograph as an object that lamps light: each lamp's light at full, height x width x 3 (BGR)."""

    def __init__(self, name: str, size: tuple[int, int] = SIZE) -> None:
        albedo, height = photograph(name, size)
        normals = normals_of(height)
        rows, columns = np.mgrid[: size[1], : size[0]].astype(np.float32)
        place = np.stack([columns / size[0] - 0.5, (rows - size[1] / 2) / size[0], height * 0.05], axis=2)
        lit = []
        for lamp in range(LAMPS):
            ring, turn = (0.55, 0.0) if lamp < 6 else (1.1, math.pi / 6)
            angle = turn + math.tau * (lamp % 6) / 6
            way = np.array([ring * math.cos(angle), ring * math.sin(angle), 0.8], np.float32) - place
            far = np.linalg.norm(way, axis=2)
            lambert = np.clip((normals * way).sum(axis=2) / far, 0.0, None)
            lit.append(albedo * (lambert / far**2)[..., None])
        whole = sum(lit)
        top = float(np.quantile(whole, 0.99))
        gain = min(MEAN / float(whole.mean()), 0.85 / top) / LEVEL
        self.lamps = [(each * gain).astype(np.float32) for each in lit]
        self.look = (sum(self.lamps) * LEVEL).astype(np.float32)


class Camera:
    """Noise, curve, 8 bit, JPEG. Noise is cut out of one long row of it, each time from another place."""

    def __init__(self, seed: int, size: tuple[int, int]) -> None:
        self._random = np.random.default_rng(seed)
        self._noise = self._random.standard_normal(9 * size[0] * size[1], np.float32)

    def shots(self, light: Light, count: int, at: float = 0.0) -> Series:
        sd = np.sqrt(light / WELL + (READ / WELL) ** 2)
        codes = linear_to_srgb(light.astype(np.float64)) * 255
        above = linear_to_srgb(light.astype(np.float64) + sd) * 255
        # noise is laid on in codes, by the curve's slope: the same to first order, in a third of the time
        return self._coded(codes.astype(np.float32), (above - codes).astype(np.float32), count, at)

    def _coded(self, codes: Light, sd: Light, count: int, at: float) -> Series:
        return series([Shot(at + 0.1 * number, self._one(codes, sd)) for number in range(count)])

    def _one(self, codes: Light, sd: Light) -> npt.NDArray[np.float64]:
        start = int(self._random.integers(0, self._noise.size - codes.size))
        noisy = self._noise[start : start + codes.size].reshape(codes.shape) * sd
        noisy += codes
        picture = cv2.convertScaleAbs(np.maximum(noisy, 0, out=noisy))
        _, packed = cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, 85))
        return zones_of(measure(cv2.imdecode(packed, cv2.IMREAD_COLOR), 1.0))


def photograph(name: str, size: tuple[int, int]) -> tuple[Light, Light]:
    """Albedo (linear BGR, 0…0.9) and height (0…1) of one of scikit-image's photographs."""
    if name == "motorcycle":
        picture, disparity = data.stereo_motorcycle()[0], data.stereo_motorcycle()[2]
        depth = np.where(np.isfinite(disparity), disparity, 0.0).astype(np.float32)
        depth = cv2.medianBlur(depth / max(float(depth.max()), 1e-6), 5)
    else:
        picture = getattr(data, name)()
        depth = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255  # bright is near: a relief
    small = cv2.resize(filled(picture, size), size, interpolation=cv2.INTER_AREA)[..., ::-1]
    relief = cv2.resize(filled(depth, size), size, interpolation=cv2.INTER_AREA)
    height = cv2.GaussianBlur(relief, (0, 0), size[0] / 40)
    return (0.9 * srgb_to_linear(small / 255)).astype(np.float32), height


def filled(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The middle of it in this shape."""
    height, width = picture.shape[:2]
    rows, columns = min(height, width * size[1] // size[0]), min(width, height * size[0] // size[1])
    top, left = (height - rows) // 2, (width - columns) // 2
    return picture[top : top + rows, left : left + columns]


def normals_of(height: Light) -> Light:
    """Of a relief about as deep as a third of the picture is wide."""
    down, right = np.gradient(height * (0.3 * height.shape[1]))
    normals = np.stack([-right, -down, np.ones_like(height)], axis=2)
    return (normals / np.linalg.norm(normals, axis=2, keepdims=True)).astype(np.float32)


def commission(scene: Scene, camera: Camera) -> Transport:
    """As the product does it: A–B–A for each lamp, noise from the A."""
    resting = [camera.shots(scene.look, PICTURES, 0.0)]
    changes: list[tuple[Series, Series]] = []
    for number, lamp in enumerate(scene.lamps, start=1):
        step = np.float32(LEVEL * COMMISSIONED)
        stepped = camera.shots(scene.look + lamp * step, PICTURES, 10 * number - 5.0)
        resting.append(camera.shots(scene.look, PICTURES, 10.0 * number))
        changes.append((stepped, resting[-1]))
    noise = np.sqrt(np.mean([noise_of(each) ** 2 for each in resting], axis=0))
    columns = [
        change_of(resting[at], stepped, after, LEVEL * COMMISSIONED, noise).response
        for at, (stepped, after) in enumerate(changes)
    ]
    matrix = np.stack(columns, axis=1)
    return Transport(
        camera="bench",
        at="",
        fixtures=tuple(f"lamp-{number}" for number in range(LAMPS)),
        matrix=matrix,
        ambient=resting[0].mean - matrix.sum(axis=1) * LEVEL,
        noise=noise,
        reference=np.ones(ZONES, bool),
        delay=Delay(1, 0.1),
        reach=tuple(Reach(LEVEL, 0.0, 1.0, 0.0, 0.0, 0.0) for _ in range(LAMPS)),
    )


def trials(scene: Scene, camera: Camera, transport: Transport, ask: Ask, count: int) -> list[tuple[bool, float]]:
    """Lamp after lamp, A–B–A–B–A as a self-test steps them: whether each was named, and its strength (1 = right)."""
    step = LEVEL * ask.step
    found = []
    before = camera.shots(scene.look, ask.frames)
    for number in range(count):
        lamp = number % LAMPS
        stepped = camera.shots(scene.look + scene.lamps[lamp] * np.float32(step), ask.frames, 10 * number + 5.0)
        after = camera.shots(scene.look, ask.frames, 10 * number + 10.0)
        seen = unmix(change_of(before, stepped, after, step, transport.noise), transport)
        name = transport.fixtures[lamp]
        found.append((seen.name == name, seen.levels[name] / step))
        before = after
    return found


def work(job: tuple[str, int, tuple[int, int]], asked: Sequence[Ask] = ASKED) -> list[list[tuple[bool, float]]]:
    """A share of the trials in one scene: by column, one pair for each trial."""
    name, seed, size = job
    cv2.setNumThreads(1)
    scene, camera = Scene(name, size), Camera(seed, size)
    transport = commission(scene, camera)
    return [trials(scene, camera, transport, ask, ask.trials // len(SCENES)) for ask in asked]


def run(folder: Path) -> list[Row]:
    jobs = [(name, seed, SIZE) for seed, name in enumerate(SCENES, start=1)]
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1), get_context("spawn")) as pool:
        done = list(pool.map(work, jobs))
    rows = []
    for at, ask in enumerate(ASKED):
        by_scene = [each[at] for each in done]
        trials = [pair for scene in by_scene for pair in scene]
        named = sum(right for right, _ in trials)
        share = named / len(trials)
        spread = float(np.std([strength for _, strength in trials]) * 100)
        spreads = ", ".join(
            f"{name} {np.std([s for _, s in each]) * 100:.2f}" for name, each in zip(SCENES, by_scene, strict=True)
        )
        strict = ask.step >= 0.1
        rows.append(
            Row(
                f"lamp named, {ask.step * 100:.0f} % step x {ask.frames}, {LAMPS} lamps",
                f"{named}/{len(trials)}, strength sd {spread:.2f} %",
                "≥ 99 %, sd ≤ 1.1 %" if strict else "",
                share >= 0.99 and spread <= 1.1 if strict else None,
                f"strength sd by photograph, %: {spreads}",
            )
        )
    return rows
