"""What is said of sound studios (``tests/scenes.py``): the camera's lane, all it judges by, and nothing wrong with any.

Time is simulated: a minute of a scene is about ten seconds of a computer, nearly all of it for drawing.
``STUDIO_SCENES=FIRST:LAST`` plays other seeds of every kind, ``STUDIO_SCENES_ONLY=KIND,KIND`` some kinds. Clips in the
folder ``STUDIO_BENCH_CLIPS`` are played to and fro for half a minute; nobody knows what is right, so it is only told.
"""

import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from agent.exposure.camera.insight import Columns, Insights
from agent.exposure.camera.watch import CameraWatch, Sight
from drivers.base import Identity, Image, Picture, Stamp
from drivers.camera.attribution import Change
from drivers.camera.baseline import Baseline, seen, take
from drivers.camera.metrics import sample
from drivers.errors import ReplyTimeout
from tests.benchmarks.row import Row
from tests.scenes import SCENES, Scene, scene
from tests.stage import Levels

RATE = 8.0
TAKEN = 4.0
"""Seconds after which the reference picture is taken."""


class Feed:
    """A network camera on time that only goes on when it is asked."""

    def __init__(self, shown: Scene, seed: int) -> None:
        self.now = 0.0
        self._scene = shown
        self._coming = self._arrivals(np.random.default_rng([seed, 99]))
        self._next = next(self._coming)
        self._newest: tuple[float, float] | None = None
        self._stamps: list[Stamp] = []
        self._number = 0
        self.came = 0.0

    def _arrivals(self, random: np.random.Generator) -> Iterator[tuple[float, float]]:
        """When each picture is whole here, and when it was taken."""
        number, last = 0, 0.0
        while True:
            number += 1
            taken = number / self._scene.fps
            came = taken + 0.02 + float(random.gamma(1.5, 0.003))
            for begins, lasts in self._scene.hiccups:
                came = begins + lasts if begins <= came < begins + lasts else came
            last = max(came, last + 0.0002)
            yield last, taken

    def _pump(self) -> None:
        while self._next[0] <= self.now:
            self._newest = self._next
            self._stamps.append(Stamp(self._next[0], mark=len(self._stamps) + self._number * 1000 + 1))
            self._next = next(self._coming)

    def open(self) -> Identity:
        return Identity("camera", details={"source": "http://camera/stream"})

    def watch(self, until: float) -> None:
        self.now = max(self.now, until)
        self._pump()

    def stamps(self) -> Sequence[Stamp]:
        self._pump()
        given, self._stamps = self._stamps, []
        return given

    def grab(self) -> Image:
        self._pump()
        while self._newest is None:
            if self._next[0] > self.now + 1.0:
                self.now += 1.0
                raise ReplyTimeout("no picture for 1 s")
            self.now = self._next[0]
            self._pump()
        (came, taken), self._newest = self._newest, None
        self.came = self.now
        self._number += 1
        return Image(self._scene.stage.picture(taken), came, self._number)

    def close(self) -> None: ...


@dataclass
class Said:
    """``faults``: when each was named; ``changes``: when each was told."""

    pictures: int = 0
    faults: list[tuple[float, str]] = field(default_factory=list)
    changes: list[tuple[float, Change]] = field(default_factory=list)


def watched(shown: Scene, seed: int) -> Said:
    """The camera's lane over the scene's time, with a reference picture and, where it is known, commissioned."""
    feed, said, named = Feed(shown, seed), Said(), frozenset[str]()

    def told(_: str, sight: Sight) -> None:
        nonlocal named
        holds = frozenset(str(each.fault) for each in sight.faults)
        said.faults += [(feed.now, fault) for fault in holds - named]
        named = holds
        said.pictures += 1
        change = sight.insight.change
        if change is not None and (not said.changes or said.changes[-1][1] is not change):
            said.changes.append((feed.now, change))

    levels = shown.told or shown.stage.levels
    insights = Insights(False, lambda: levels(feed.now))
    watch = CameraWatch("front", feed, RATE, told, lambda: feed.now, insights)
    watch.opened(feed.open(), feed.now)
    if shown.known:
        insights.know(Columns(*shown.stage.columns(), np.ones((9, 16), bool)))
    while feed.now < shown.seconds:
        if watch.reference is None and feed.now >= TAKEN:
            watch.reference = reference(feed)
            watch.taken_with = dict(levels(feed.now))
        before = feed.now
        try:
            watch.turn(feed.now)
        except ReplyTimeout:
            continue
        if feed.now == before:
            feed.now += 0.0005
    return said


def reference(feed: Feed) -> Baseline:
    """Of seven pictures, as the show's is taken."""
    found, before = [], None
    for _ in range(8):
        pixels = feed.grab().pixels
        points = sample(pixels)
        found.append(seen(pixels, points, before))
        before = points
    return take(found[1:], "")


class Clip:
    """A video file as a stage: played to its end, back to its beginning, and so on."""

    def __init__(self, path: Path) -> None:
        capture = cv2.VideoCapture(str(path))
        self.fps = capture.get(cv2.CAP_PROP_FPS)
        self.frames: list[Picture] = []
        while (read := capture.read())[0]:
            self.frames.append(read[1])

    def picture(self, now: float) -> Picture:
        last = len(self.frames) - 1
        at = round(now * self.fps) % max(1, 2 * last)
        return self.frames[min(at, 2 * last - at)]

    def levels(self, now: float) -> Levels:
        return {}


def clips() -> list[Row]:
    """What is said of real ones."""
    rows = []
    for path in sorted(Path(os.environ.get("STUDIO_BENCH_CLIPS", os.devnull)).glob("*.m*")):
        clip = Clip(path)
        if not clip.frames:  # no film
            continue
        shown = Scene(clip, fps=clip.fps, seconds=30.0, known=False)  # type: ignore[arg-type]
        said = watched(shown, 0)
        faults = [fault for _, fault in said.faults]
        causes = Counter(str(change.cause) for _, change in said.changes)
        rows.append(Row(f"clip {path.stem}", f"faults {faults or 'none'}", how=f"causes {dict(causes)}"))
    return rows


def run(folder: Path) -> list[Row]:
    first, _, last = os.environ.get("STUDIO_SCENES", "0:1").partition(":")
    kinds = os.environ.get("STUDIO_SCENES_ONLY", ",".join(SCENES)).split(",")
    wrong: dict[str, Counter[str]] = {"faults": Counter(), "causes": Counter()}
    right: Counter[str] = Counter()
    seconds, pictures = 0.0, 0
    for kind in kinds:
        for seed in range(int(first), int(last)):
            shown = scene(kind, seed)
            said = watched(shown, seed)
            faults = [fault for _, fault in said.faults if fault not in shown.faults]
            causes = [str(change.cause) for _, change in said.changes]
            wrong["faults"].update(f"{fault} ({kind} {seed})" for fault in faults)
            wrong["causes"].update(f"{cause} ({kind} {seed})" for cause in causes if cause not in shown.causes)
            right.update(cause for cause in causes if cause in shown.causes)
            seconds, pictures = seconds + shown.seconds, pictures + said.pictures
            print(f"  {kind} {seed}: {faults} {dict(Counter(causes))}", file=sys.stderr, flush=True)
    rightly = "; rightly: " + ", ".join(f"{cause} {times}" for cause, times in right.most_common())
    return [
        Row(
            f"sound scenes, {len(kinds)} kinds, {seconds / 60:.0f} min: {what}",
            f"{found.total()} wrong",
            "0",
            found.total() == 0,
            f"{pictures} pictures; {dict(found.most_common(6)) or ''}{rightly if what == 'causes' else ''}",
        )
        for what, found in wrong.items()
    ] + clips()
