"""A studio under hostile commands, faults and reloads; what a viewer would see of it is judged by tests/flash_judge.py.

The commands go the way all commands go (rig, cue lists, scene, score, part, pumps), by a clock of their own; the wires
are lists. One show runs on from stream to stream, so that what one leaves behind meets the next. What the network and
the machine do to a studio is in tests/hostile_acts.py.
"""

import math
import os
import random
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from agent.app import keeper
from agent.lighting.console import Console
from agent.lighting.cues import Playback
from agent.lighting.lamps import LampPump
from agent.lighting.part import Part
from agent.lighting.pump import Pump
from agent.lighting.scene import Scene
from agent.lighting.score import Score
from agent.lighting.showfile import ShowFile
from config.model import AgentSection, FixtureSection, OutputSection, SafetySection, StudioConfig
from config.show import CueListSection, GroupSection, LookSection
from drivers.base import Identity, Refresh
from drivers.errors import Refused, ReplyTimeout
from firmware_profiles.library import load
from firmware_profiles.patch import Patch, Patched
from tests.flash_judge import OFF_AIR, ON_AIR, USED, Frame, Seen, Sent

UNIVERSES = (1, 2)
NOBODY: Any = None

PLACES = ((1, 11), (1, 13), (2, 5))
"""Where the 8-bit dimmer may be patched; the last one is another universe."""
ODD = ("1-white", "1-colour")
"""Modes of a shipped light at 2.11: its crossfade is a slot that one fixes at 0, the other at 255."""


@cache
def patched(coarse: int = 0, called: str = "coarse", odd: int = 0, lamps: int = 0, few: bool = False) -> Patch:
    """A 16-bit and an 8-bit dimmer, a panel with a strobe slot, a shipped light with modes, one told by
    CIE xy, one by hue, and two lamps on a bus.
    ``coarse``: which of PLACES; ``lamps``: 1 where these have changed places; ``few``: two lights only."""
    library = load()

    def at(name: str, profile: str, mode: str, universe: int, address: int) -> Patched:
        found = library.find(profile)
        personality = found.personalities[mode]
        return Patched(name, found, personality, mode, universe, address, "key", personality.footprint)

    def on_bus(name: str, unit: int) -> Patched:
        found = library.find("generic/modbus-dimmer")
        return Patched(name, found, found.personalities["0-1000"], "0-1000", 0, 1, "back", 0, "bus", unit)

    lights = [
        at("fine", "generic/dimmer", "16bit", 1, 1),
        at("panel", "generic/rgbw-panel", "6ch-strobe", 1, 21),
    ]
    if not few:
        lights += [
            at(called, "generic/dimmer", "8bit", *PLACES[coarse]),
            at("odd", "amaran/f22c", ODD[odd], 2, 11),
            at("mixed", "generic/rgbw", "8ch-xy", 2, 21),
            at("hsi", "nanlite/forza-60c", "hsi-16bit", 1, 27),
            on_bus("lamp", 1 + lamps),
            on_bus("lamp2", 2 - lamps),
        ]
    return Patch({light.name: light for light in lights}, library)


class Wire:
    """An output: some of the universes, its score and its pump."""

    refresh = Refresh(max_hz=44.0, keepalive=0.9, repeats=3, min_gap=0.0013)

    def __init__(
        self, show: "Hostile", universes: tuple[int, ...], before: Mapping[int, bytes], fixed: Mapping[int, Any]
    ) -> None:
        self.show, self.universes = show, universes
        self.score = Score(show.rig.scene, universes, fixed)
        self.begin(before)

    def begin(self, before: Mapping[int, bytes]) -> None:
        """A pump of its own, that goes on from these frames."""
        self.part = self.score.whole()
        self.pump = Pump(self, self.part, before)
        self.pump.opened(Identity("wire"), self.show.now)
        for universe in self.universes:
            if (console := self.show.consoles.get(universe)) is not None:
                self.pump.follow(universe, console)
        self.due = self.show.now
        self.dead = False

    def play(self, scene: Scene) -> None:
        news = self.score.follow(scene)
        if news is not None:
            self.part = news if isinstance(news, Part) else self.part.changed(news, self.show.now)
            self.pump.play(self.part)
        self.due = 1e12 if self.dead else self.show.now

    def send(self, universe: int, frame: bytes) -> None:
        show = self.show
        sent = show.sent.wires[universe]
        since = sent[-1].at if sent else 0.0  # off air may have been over before a frame went out
        limit = OFF_AIR if show.off_until > since else show.rate
        sent.append(Frame(show.now, show.rate, limit, frame[:USED]))


class BusWire:
    """A bus whose lamps take what they are told, most of the time."""

    gap, keepalive = 0.0, 1.0

    def __init__(self, show: "Hostile", unit: str = "") -> None:
        self.show, self.unit = show, unit

    def lamp(self, name: str, personality: Any, unit: int = 1, channel: int = 1) -> "BusWire":
        return BusWire(self.show, f"unit {unit}")

    def apply(self, levels: Mapping[Any, float]) -> None:
        show = self.show
        if show.chance.random() < 0.01:
            raise show.chance.choice((ReplyTimeout("lost", ""), Refused("busy", "")))
        (level,) = levels.values()
        show.sent.lamps.setdefault(self.unit, []).append((show.now - show.sent.stood, show.loosest, level))

    def read(self) -> None:
        return None

    def sample(self) -> tuple[()]:
        return ()

    def renew(self) -> None:
        pass


class Hostile:
    """``seed`` makes the same show again. ``faster``: a broken limiter, for the test of the test."""

    def __init__(self, seed: int, faster: float = 1.0) -> None:
        self.chance = random.Random(seed)
        self.now = 1.0
        self.wall = 1.9e9
        """What the wall clock is ahead of ours; it jumps."""
        self.faster = faster
        self.rate = OFF_AIR
        self.turned = 0.0
        """When it last went on or off air, or was reloaded."""
        self.off_until = math.inf
        """When it last was off air."""
        self.sent = Sent()
        self.consoles: dict[int, Console | None] = {}
        self.last: list[str] = []
        self.config = StudioConfig(
            agent=AgentSection(site="test", name="hostile"),
            outputs={"out": OutputSection(driver="sacn", universes=UNIVERSES)},
            fixtures={
                name: FixtureSection(profile="generic/dimmer", personality="8bit", universe=1, address=address)
                for name, address in (("fine", 1), ("panel", 21))
            },
            groups={"all": GroupSection(fixtures=("fine", "panel"))},
            safety=SafetySection.model_construct(slew_on_air=ON_AIR * faster, slew_off_air=OFF_AIR * faster),
        )
        self.lists: dict[str, CueListSection] = {}
        self.file = ShowFile(Path("/nowhere"), dict[str, LookSection], lambda: self.lists)
        self.outs: list[Wire] = []
        self.bus: LampPump = NOBODY
        self.told: dict[Any, Any] = {}
        self.patch = patched()
        self.rig = keeper.rig(self.config, self.patch, self.show, None)
        self.playback = self.played()
        self.connect(((1, 2),), {})
        self.fit()
        self.air()

    # --- what the agent does -----------------------------------------------------------------------------------------

    def played(self) -> Playback:
        return Playback(self.file, lambda: self.rig, lambda: self.wall + self.now, lambda: None)

    @property
    def loosest(self) -> float:
        """The limit in force a moment ago, or now: what is led catches up for that moment at the present one."""
        return OFF_AIR if self.now < self.off_until + 0.1 else self.rate

    def air(self) -> None:
        """Agent._air_to_rig."""
        self.off_until = math.inf if self.rate == OFF_AIR else min(self.off_until, self.now)
        self.rig.limit(self.rate * self.faster, self.now, self.rate == ON_AIR)

    def show(self, scene: Scene) -> None:
        """Devices.show."""
        for out in self.outs:
            out.play(scene)
        if self.bus is not None:
            self.bus.show(scene)
            self.bus_due = self.now

    def connect(self, groups: tuple[tuple[int, ...], ...], before: Mapping[int, bytes]) -> None:
        """The universes go over these outputs from now on."""
        fixed = {universe: slots for out in self.outs for universe, slots in out.score.fixed().items()}
        self.outs = [Wire(self, group, before, fixed) for group in groups]

    def fit(self) -> None:
        """The bus is made anew."""
        lamps = tuple(light for light in self.patch.values() if light.bus)
        bus: Any = BusWire(self)
        self.bus = LampPump(bus, lamps, self.rig.scene, lambda: self.now, None, lambda: None, self.told)
        self.bus_open()

    def bus_open(self) -> None:
        self.bus.opened(Identity("bus"), self.now)
        self.bus_due = self.now

    def wires(self) -> dict[int, bytes]:
        """The frames that were sent last."""
        return {universe: out.pump.wire(universe) for out in self.outs for universe in out.universes}

    def not_there(self) -> keeper.Sent:
        """Devices.sent."""
        led = {u: out.pump.wire(u) for out in self.outs if out.pump.led for u in out.universes}
        return led, {name: line.told for name, line in self.bus.lines.items() if line.told is not None}

    def sent_by(self, universe: int, then: float) -> bytes:
        """The frame that was on the wire at that time."""
        sent = self.sent.wires[universe]
        return next((each.slots for each in reversed(sent) if each.at <= then), sent[0].slots).ljust(512, bytes(1))

    def run(self, seconds: float, playing: bool = True) -> None:
        """Time passes; everything that is due is done. ``playing``: the daemon lives, too."""
        until = self.now + seconds
        while True:
            cue = self.playback.due if playing else None
            due = min(self.bus_due, *(out.due for out in self.outs), self.bus_due if cue is None else cue)
            if due > until:
                break
            self.now = now = max(self.now, due)
            if cue is not None and cue <= now:
                self.playback.turn(now)
            for out in self.outs:
                if out.due <= now:
                    out.due = out.pump.turn(now)
            if self.bus_due <= now:
                self.bus_turn()
        self.now = until

    def bus_turn(self) -> None:
        if not self.bus.lines:
            self.bus_due = self.now + 1e9
            return
        try:
            self.bus_due = max(self.bus.turn(self.now), self.now + 0.001)
        except ReplyTimeout:  # all are lost: the lane opens it anew
            self.bus_open()

    def stream(self) -> None:
        """One to three commands, within 25 ms; now and then nobody says anything for a while."""
        from tests.hostile_acts import one

        chance = self.chance
        left = 0.025 if chance.random() < 0.998 else 2.0
        self.last.clear()
        for _ in range(chance.randint(1, 3)):
            pause = chance.choice((0.0, 0.0, 0.001, 0.0227, chance.uniform(0, 0.03)))
            self.run(min(pause, left))
            left = max(0.0, left - pause)
            one(self)
        self.run(left)

    def settle(self) -> bool:
        """Nobody commands any more: whether everything comes to be exactly where the scene is."""
        self.rate = OFF_AIR
        self.air()
        self.playback.playing.clear()
        self.rig.reset(self.now)  # what is stopped stays where it is
        for universe in UNIVERSES:
            self.follow(universe, None)
        for _ in range(100):  # a colour that is led takes so long
            self.rig.lapse(self.now)
            self.run(1.0)
        there = all(wire == self.rig.scene.frame(universe, self.now) for universe, wire in self.wires().items())
        return there and self.bus.has_shown(self.rig.scene, self.now)

    def follow(self, universe: int, console: Console | None) -> None:
        """A console begins, goes on or ends."""
        self.consoles[universe] = console
        for out in self.outs:
            if universe in out.universes:
                out.pump.follow(universe, console)
                out.due = self.now

    def judge(self, seen: Seen) -> None:
        self.sent.judge(seen, self.now)


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
        red=max(each.red for each in shows),
        moved=sum(each.moved for each in shows),
        frames=sum(each.frames for each in shows),
        streams=sum(each.streams for each in shows),
        where="; ".join(each.where for each in shows if each.where),
    )
