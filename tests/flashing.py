"""A studio under hostile commands, and what a photosensitive viewer would see of it.

The commands go the way all commands go (rig, scene, score, part, pump), by a clock of their own; the wire is a list.
One show runs on from stream to stream, so that what one leaves behind meets the next. The analysis reads only frames.
"""

import os
import random
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from multiprocessing import get_context

import numpy as np
import numpy.typing as npt

from agent.lighting.claims import Priority
from agent.lighting.console import Console
from agent.lighting.part import Part
from agent.lighting.pump import GRACE, Pump
from agent.lighting.rig import Rig
from agent.lighting.scene import Scene
from agent.lighting.score import Score
from config.units import Attribute
from drivers.base import Identity, Refresh
from firmware_profiles.library import load
from firmware_profiles.patch import Patched
from tests.flashes import densest, reversals

ON_AIR, OFF_AIR = 0.35, 0.6
PERIOD = 1 / 44
AHEAD = PERIOD + GRACE
"""Seconds a frame looks ahead at most: to the next beat, and a beat may be met early by so much."""
LIGHT, COLOURS = Attribute.INTENSITY, (Attribute.RED, Attribute.GREEN, Attribute.BLUE, Attribute.WHITE)
FIXED = {21: 0}
"""Slots (0-based) that a profile fixes: the strobe of the panel."""
USED = 26


OFTEN = {"set": 40, "loop": 8, "cue": 6, "playbook": 4, "look": 8, "release": 6, "master": 5, "sub": 3, "black": 3}
OFTEN |= {"stop": 3, "air": 3, "lost": 2, "desk": 2, "test": 2, "lapse": 3, "reload": 0.5}
"""What is done how often, in shares."""

WORDS, SHARES = tuple(OFTEN), tuple(accumulate(OFTEN.values()))

GROUPS = {"all": ["fine", "panel"]}


def lights(coarse: int = 11, called: str = "coarse") -> dict[str, Patched]:
    """An 8-bit and a 16-bit dimmer, and a panel with intensity, four colours and a strobe slot."""
    library = load()

    def at(name: str, profile: str, mode: str, address: int) -> Patched:
        found = library.find(profile)
        personality = found.personalities[mode]
        return Patched(name, found, personality, mode, 1, address, "key", personality.footprint)

    return {
        "fine": at("fine", "generic/dimmer", "16bit", 1),
        called: at(called, "generic/dimmer", "8bit", coarse),
        "panel": at("panel", "generic/rgbw-panel", "6ch-strobe", 21),
    }


def shown(frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Luminance of the three lights in each frame, in share of full; the 8-bit dimmer at both its places."""
    wide = frames.astype(np.float64)
    return np.stack(
        [
            (wide[:, 0] * 256 + wide[:, 1]) / 65535,
            wide[:, 10] / 255,
            wide[:, 20] / 255 * wide[:, 22:26].mean(axis=1) / 255,
            wide[:, 12] / 255,
        ],
        axis=1,
    )


@dataclass
class Seen:
    """The worst of it: ``slope`` relative to the limit, flashes in any second, also on air, strobe slots that moved."""

    slope: float = 0.0
    flashes: float = 0.0
    flashes_on_air: float = 0.0
    moved: int = 0
    frames: int = 0
    streams: int = 0
    where: str = ""

    @property
    def safe(self) -> bool:
        return self.slope <= 1.0 and self.flashes <= 3 and self.flashes_on_air < 2 and not self.moved


class Hostile:
    """``seed`` makes the same show again. ``faster``: a broken limiter, for the test of the test."""

    refresh = Refresh(max_hz=44.0, keepalive=0.9, repeats=3, min_gap=0.0013)

    def __init__(self, seed: int, faster: float = 1.0) -> None:
        self.chance = random.Random(seed)
        self.now = self.due = 1.0
        self.faster = faster
        self.rate = OFF_AIR
        self.sent: list[tuple[float, float, bytes]] = []
        self.last: list[str] = []
        self.rig = Rig(lights(), rate=self.rate * faster, present={}, show=self._show, groups=GROUPS)
        self._begin({})

    def _begin(self, before: Mapping[int, bytes]) -> None:
        self.score = Score(self.rig.scene, (1,))
        self.part = self.score.whole()
        self.pump = Pump(self, self.part, before)
        self.pump.opened(Identity("wire"), self.now)

    def _show(self, scene: Scene) -> None:
        news = self.score.follow(scene)
        if news is not None:
            self.part = news if isinstance(news, Part) else self.part.changed(news, self.now)
            self.pump.play(self.part)
        self.due = self.now

    def send(self, universe: int, frame: bytes) -> None:
        self.sent.append((self.now, self.rate, frame[:USED]))

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while self.due <= until:
            self.now = max(self.now, self.due)
            self.due = self.pump.turn(self.now)
        self.now = until

    # --- what the network does ----------------------------------------------------------------------------------------

    def stream(self) -> None:
        """A few commands, within 80 ms."""
        chance = self.chance
        left = 0.08
        self.last.clear()
        for _ in range(chance.randint(2, 5)):
            pause = chance.choice((0.0, 0.0, 0.001, PERIOD, chance.uniform(0, 0.05)))
            self.run(min(pause, left))
            left = max(0.0, left - pause)
            self.one()
        self.run(left)

    def levels(self) -> dict[str, dict[Attribute, float]]:
        chance = self.chance
        wanted: dict[str, dict[Attribute, float]] = {}
        here = sorted(self.rig.fixtures)
        for name in chance.sample(here, chance.randint(1, len(here))):
            wanted[name] = {LIGHT: chance.choice((0.0, 1.0, chance.random()))}
            if name == "panel":
                wanted[name] |= {each: chance.choice((0.0, 1.0, chance.random())) for each in COLOURS}
        return wanted

    def one(self) -> None:
        """One command, as wild as the checks before the rig let it be."""
        chance, rig, now = self.chance, self.rig, self.now
        fade = chance.choice((0.0, 0.0, 0.0, 1e-9, 0.05, 1.0, 30.0))
        what = chance.choices(WORDS, cum_weights=SHARES)[0]
        self.last.append(f"{now:.4f} {what} fade={fade:g}")
        owner = chance.choice("ab")
        if what in ("set", "loop", "playbook", "test"):
            priority = {"set": Priority.MANUAL, "loop": Priority.LOOP, "playbook": Priority.PLAYBOOK}.get(what)
            if priority is None and self.rate == ON_AIR:
                return  # tests are for off air
            lease = chance.choice((None, 0.05, 1.0))
            rig.claim(owner, priority or Priority.TEST, self.levels(), now=now, fade=fade, lease=lease)
        elif what == "cue":
            rig.cue("list", self.levels(), now=now, up=fade, down=chance.choice((0.0, 2.0)))
        elif what == "look":
            rig.apply_look(self.levels(), now=now, fade=fade)
        elif what == "release":
            rig.release(now, owner=chance.choice((None, owner)), fade=fade)
        elif what == "master":
            rig.dim(chance.choice((0.0, 1.0, chance.random())), now=now, fade=fade)
        elif what == "sub":
            rig.dim(chance.choice((0.0, 1.0)), now=now, fade=fade, group="all")
        elif what == "black":
            (rig.restore(now=now, fade=fade) if rig.masters.blackout else rig.black_out("a", now=now, fade=fade))
        elif what == "stop":
            (rig.reset(now, fade) if rig.stopped else rig.stop("a", now))
        elif what == "air":
            self.rate = ON_AIR if self.rate == OFF_AIR else OFF_AIR
            rig.limit(self.rate * self.faster, now)
        elif what == "lost":
            self.now += chance.uniform(0, 3)
            self.pump.opened(Identity("wire"), self.now)
            self.due = self.now
        elif what == "desk":
            slots = bytes(chance.choice((0, 255, chance.randrange(256))) for _ in range(64))
            self.pump.follow(1, chance.choice((None, Console("in", "desk", 150, slots, b"\1" * 64))))
            self.due = now
        elif what == "lapse":
            rig.lapse(now)
        else:
            self._reload()

    def _reload(self) -> None:
        """A configuration in which lights have changed places, or are there again."""
        chance = self.chance
        here = lights(chance.choice((11, 11, 13)), chance.choice(("coarse", "coarse", "renamed")))
        present = {name: self.rig.scene.levels(name, self.now) for name in here if name in self.rig.fixtures}
        if chance.random() < 0.3:
            here = {name: here[name] for name in ("fine", "panel")}
        self.rig = Rig(here, rate=self.rate * self.faster, present=present, show=self._show, groups=GROUPS)
        if chance.random() < 0.5:
            self._begin({1: self.pump.wire(1)})
        self._show(self.rig.scene)
        if len(here) == 2:
            self.run(0.5)
            self.rig = Rig(
                lights(),
                rate=self.rate * self.faster,
                present=present,
                show=self._show,
                groups=GROUPS,
            )
            self._show(self.rig.scene)

    def settle(self) -> bool:
        """Nobody commands any more: whether the frame comes to be exactly the scene's."""
        self.pump.follow(1, None)
        self.due = self.now
        for _ in range(60):
            self.rig.lapse(self.now)
            self.run(1.0)
        return self.pump.wire(1)[:USED] == self.rig.scene.frame(1, self.now)[:USED]

    # --- what is seen -------------------------------------------------------------------------------------------------

    def judge(self, seen: Seen) -> None:
        """Look at the frames sent since the last time; the last second is looked at again."""
        times = np.array([when for when, _, _ in self.sent])
        rates = np.array([rate for _, rate, _ in self.sent])
        frames = np.frombuffer(b"".join(frame for _, _, frame in self.sent), np.uint8).reshape(-1, USED)
        levels = shown(frames)
        change = np.abs(np.diff(levels, axis=0))
        # Either frame looks ahead, each slot is rounded, and the limit may have been the other one.
        recent = np.maximum.reduce([np.roll(rates, shift) for shift in range(4)])
        way = np.maximum(recent[1:], recent[:-1])[:, None] * (np.diff(times) + 2 * AHEAD)[:, None]
        most = way + ROUNDED + PRODUCT * way**2
        slope = change / most
        seen.slope = max(seen.slope, float(slope.max(initial=0.0)))
        for slot, value in FIXED.items():
            seen.moved += int((frames[:, slot] != value).sum())
        seen.slope = max(seen.slope, long_slope(times, rates, levels))
        for level in (*levels.T, levels.mean(axis=1)):
            turns = reversals(times, level)
            seen.flashes = max(seen.flashes, densest(turns) / 2)
            quiet = [turn for turn in turns if on_air(times, rates, turn)]
            seen.flashes_on_air = max(seen.flashes_on_air, densest(quiet) / 2)
        seen.frames += len(times)
        self.sent = [each for each in self.sent if each[0] > self.now - 1.5]


def long_slope(
    times: npt.NDArray[np.float64], rates: npt.NDArray[np.float64], levels: npt.NDArray[np.float64]
) -> float:
    """The steepest change over SPAN frames, relative to the limit: so long that looking ahead hides little."""
    if len(times) <= SPAN:
        return 0.0
    most = np.lib.stride_tricks.sliding_window_view(np.concatenate([rates[:1].repeat(3), rates]), SPAN + 4).max(axis=1)
    way = most[:, None] * (times[SPAN:] - times[:-SPAN] + 2 * AHEAD)[:, None]
    return float((np.abs(levels[SPAN:] - levels[:-SPAN]) / (way + ROUNDED)).max())


SPAN = 22
"""Frames, half a second of them."""


ROUNDED = np.array([2 / 65535, 1 / 255, 2 / 255, 1 / 255])
"""What rounding to slots makes of a change, at most, light by light."""


PRODUCT = np.array([0.0, 0.0, 0.25, 0.0])
"""The panel's light is a product; each factor has half the limit, so their changes multiplied are on top of it."""


def on_air(times: npt.NDArray[np.float64], rates: npt.NDArray[np.float64], turn: float) -> bool:
    """Whether the second before, and the change itself, were on air."""
    within = (times > turn - 1.5) & (times <= turn)
    return bool((rates[within] == ON_AIR).all())


def campaign(seed: int, streams: int, faster: float = 1.0, at_a_time: int = 500) -> Seen:
    """So many streams, one after the other; ends at the first that is not safe, and says which."""
    show, seen = Hostile(seed, faster), Seen()
    while seen.streams < streams:
        for _ in range(at_a_time):
            show.stream()
        seen.streams += at_a_time
        show.judge(seen)
        if not seen.safe:
            seen.where = f"seed {seed}, before stream {seen.streams}: {show.last}"
            break
    return seen


def campaigns(seed: int, streams: int) -> Seen:
    """The same on every processor, each with a seed of its own; the worst of all."""
    count = os.cpu_count() or 1
    with ProcessPoolExecutor(count, get_context("spawn")) as pool:
        shows = list(pool.map(campaign, range(seed, seed + count), [-(-streams // count)] * count))
    return Seen(
        slope=max(each.slope for each in shows),
        flashes=max(each.flashes for each in shows),
        flashes_on_air=max(each.flashes_on_air for each in shows),
        moved=sum(each.moved for each in shows),
        frames=sum(each.frames for each in shows),
        streams=sum(each.streams for each in shows),
        where="; ".join(each.where for each in shows if each.where),
    )
