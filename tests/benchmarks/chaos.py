"""A studio of real processes that are killed, stopped and unplugged for a while, and what its lights saw of it."""

from pathlib import Path

from tests.benchmarks.row import Row
from tests.chaos import Chaos

SECONDS = 60.0
SEED = 7


def run(folder: Path) -> list[Row]:
    studio = Chaos(folder, SEED)
    settled = False
    try:
        studio.ready()
        studio.run(SECONDS)
        studio.settle()
        settled = True
    finally:
        seen = studio.verdict()
        studio.close()
    acts = ", ".join(f"{count} × {name}" for name, count in studio.acts.items())
    return [
        Row(
            "everything killed, stopped and unplugged at random",
            f"{seen.dark} dark, {seen.doubled} doubled, {seen.jumped} left out; settled: {'yes' if settled else 'no'}",
            "0 of each; yes",
            settled and not (seen.dark or seen.doubled or seen.jumped),
            f"{seen.frames} frames, {seen.takeovers} takeovers; {acts}",
        ),
        Row(
            "… steps of light",
            f"{seen.steepest:.1f} of the limit; {seen.takeover:.0%} of full at a takeover",
            "",
            None,
            f"silent at most {seen.silent:.1f} s; an engine's end until its heir: {max(seen.away, default=0):.2f} s",
        ),
    ]
