"""Metering of one decoded frame, beside touching every byte once (the floor no metering of the whole can beat)."""

import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from drivers.camera.metrics import measure
from tests.benchmarks.row import Row, p50

COPIES = 24


def run(folder: Path) -> list[Row]:
    cv2.setNumThreads(1)
    frames = [np.random.default_rng(i).integers(0, 256, (1080, 1920, 3), dtype=np.uint8) for i in range(COPIES)]
    ours = each(frames, lambda frame: measure(frame, 0.18))
    touch = each(frames, lambda frame: cv2.norm(frame, cv2.NORM_L1))
    full = each(frames[:8], lambda frame: cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY).mean())
    return [
        Row(
            "metering a 1080p frame",
            f"{p50(ours):.2f} ms",
            "",
            None,
            f"median of {len(ours)}; touching every byte {p50(touch):.2f} ms, grey mean {p50(full):.2f} ms",
        )
    ]


def each(frames: list[np.ndarray], work: Callable[[np.ndarray], object], rounds: int = 5) -> list[float]:
    """Milliseconds of each call; frames are cycled through more memory than the caches hold."""
    took = []
    for _ in range(rounds):
        for frame in frames:
            begun = time.perf_counter()
            work(frame)
            took.append((time.perf_counter() - begun) * 1e3)
    return took
