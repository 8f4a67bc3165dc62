"""Whole shows on the closed studio (``tests/shows.py``): clouds, people, hands, looks (``tests/acts.py``), lamps and
cameras that fail (``tests/mishaps.py``), masters, stops, cues (``tests/interventions.py``), in an order the seed says,
and a judge who does not listen to the loop. ``STUDIO_SHOWS=FIRST:LAST`` plays other seeds; each is about half an hour
of a show and a minute or two of a computer."""

import os
import time
from collections import Counter
from pathlib import Path

import numpy as np
import structlog

from agent.exposure.commissioning.instructions import Commissioned
from tests.acts import ACTS
from tests.benchmarks.row import Row
from tests.interventions import INTERVENTIONS
from tests.mishaps import MISHAPS
from tests.shows import Show

LONGEST = 180.0
"""Seconds of a computer after which no further show begins."""
SEEDS = (0, 4)
FOUR = {"key": 0.25, "key2": 0.2, "fill": 0.3, "back": 0.25}
KINDS: tuple[dict[str, object], ...] = (
    {},
    {"look": FOUR, "fixtures": tuple(FOUR)},
    {"lights": ("generic/dimmer", "8bit")},
    {"keep_ratio": False},
    {"lights": ("generic/bicolour-panel", "4ch")},
    {"lights": ("generic/bicolour-panel", "2ch")},
)

ALL = (*ACTS, *MISHAPS, *INTERVENTIONS)


def play(seed: int) -> Show:
    """One show, on air or not, with lights of one kind and a camera of one delay."""
    dice = np.random.default_rng(seed)
    delay, authority = int(dice.choice([2, 4, 6])), float(dice.choice([1.0, 2.0]))
    show = Show(delay, authority=authority, **KINDS[seed % len(KINDS)])
    found = show.commission()
    assert isinstance(found, Commissioned), found
    show.teach()
    show.on_air = bool(dice.random() < 0.4)
    show.hold()
    show.run(8)
    acts = [*ALL]
    dice.shuffle(acts)  # type: ignore[arg-type]
    for act in acts:
        show.judge.begin(act.__name__)
        act(show, dice)
    return show


def run(folder: Path) -> list[Row]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    first, _, last = os.environ.get("STUDIO_SHOWS", "").partition(":")
    seeds = range(int(first or SEEDS[0]), int(last or SEEDS[1]))
    begun, hours, played = time.monotonic(), 0.0, 0
    failures: Counter[str] = Counter()
    try:
        for seed in seeds:
            if time.monotonic() - begun > LONGEST and not first:
                break
            show = play(seed)
            hours, played = hours + (show.now - 1000.0) / 3600, played + 1
            failures.update(f"{each.kind} ({each.act.partition(' ')[0]})" for each in show.failures)
    finally:
        structlog.reset_defaults()
    worst = ", ".join(f"{count} x {what}" for what, count in failures.most_common(3))
    return [
        Row(
            "whole shows held",
            f"{failures.total()} failures in {hours:.1f} h{': ' if worst else ''}{worst}",
            "0",
            not failures,
            f"{played} seeds, {len(ALL)} acts each, simulated in {time.monotonic() - begun:.0f} s",
        )
    ]
