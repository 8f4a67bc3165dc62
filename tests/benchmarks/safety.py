"""A million hostile streams of commands, and what of it a photosensitive viewer would see."""

import time
from pathlib import Path

from tests.benchmarks.row import Row
from tests.flashing import campaigns

STREAMS = 1_000_000
SEED = 11


def run(folder: Path) -> list[Row]:
    begun = time.perf_counter()
    seen = campaigns(SEED, STREAMS)
    took = time.perf_counter() - begun
    return [
        Row(
            "hostile streams of commands: steepest change of any light",
            f"{seen.slope:.2f} of the limit; flashes/s ≤ {seen.flashes:g}, on air ≤ {seen.flashes_on_air:g}",
            "≤ 1; ≤ 3, < 2",
            seen.safe and seen.streams >= STREAMS,
            f"{seen.streams:,} streams, {seen.frames:,} frames in {took:.0f} s; strobe slots moved: {seen.moved}"
            + seen.where,
        )
    ]
