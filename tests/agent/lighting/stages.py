"""A rig, saved looks and cue lists on a clock that is moved by hand."""

from pathlib import Path
from typing import Any

from agent.app import keeper
from agent.lighting.cues import Playback
from agent.lighting.masters import GRAND
from agent.lighting.rig import Rig
from agent.lighting.showfile import ShowFile
from config.show import CueListSection, LookSection
from config.units import Attribute
from tests.agent.lighting.rooms import fixtures

LIGHT, CCT, RED = Attribute.INTENSITY, Attribute.CCT, Attribute.RED
FIXTURES = fixtures()
LOOK = {"key": {LIGHT: 0.7, CCT: 5600.0}, "fill": {LIGHT: 0.4, CCT: 5600.0}, "back": {LIGHT: 0.5}}
GROUPS = {"front": ("key", "fill"), "room": ("fill", "back", "colour")}
WALL = 1_900_000_000.0
"""The wall clock when the monotonic one is at 0."""


class Stage:
    """``cues``: rows of a list called main, as dictionaries."""

    def __init__(self, *cues: dict[str, Any], folder: Path = Path("/nowhere"), rate: float = 0.6, **looks: Any) -> None:
        self.now = 0.0
        self.rate = rate
        self.wall = WALL
        self.scenes = 0
        self.looks = {name: LookSection(levels=levels) for name, levels in looks.items()}
        self.lists = {"main": CueListSection.model_validate({"cues": cues})} if cues else {}
        self.show = ShowFile(folder, lambda: self.looks, lambda: self.lists)
        self.rig = self.made(present=LOOK)
        self.playback = self.played()

    def made(self, **more: Any) -> Rig:
        return Rig(FIXTURES, rate=self.rate, show=self._seen, groups=GROUPS, **more)

    def played(self) -> Playback:
        return Playback(self.show, lambda: self.rig, lambda: self.wall + self.now, lambda: None)

    def at(self, name: str = "key", attribute: Attribute = LIGHT, now: float | None = None) -> float:
        return self.rig.scene.levels(name, self.now if now is None else now)[attribute]

    def all(self) -> dict[str, dict[Attribute, float]]:
        return {name: self.rig.scene.levels(name, self.now) for name in FIXTURES}

    def light(self, name: str) -> float:
        """The share of full light it gives: of a colour light, times the mix of its emitters."""
        levels = self.rig.scene.levels(name, self.now)
        emitters = [level for a, level in levels.items() if a not in (LIGHT, CCT)]
        return levels[LIGHT] * (sum(emitters) / len(emitters) if emitters else 1.0)

    def wait(self, seconds: float) -> None:
        """Time passes; what is due begins when it is due."""
        end = self.now + seconds
        while (due := self.playback.due) is not None and due <= end:
            self.now = max(self.now, due)
            self.playback.turn(self.now)
        self.now = end

    def restart(self, after: float = 0.0, clock: float = 0.0) -> None:
        """Through what is on the disk, ``after`` seconds in which nothing ran; the wall clock was set by ``clock``."""
        last = keeper.present(self.rig, self.now, self.wall + self.now, self.playback.remembered())
        last = type(last).model_validate_json(last.model_dump_json(exclude_defaults=True))
        self.now += after
        self.wall += clock
        masters = {GRAND: last.master, **last.submasters}
        self.rig = self.made(present=last.shown, masters=masters, blackout=last.blackout)
        keeper.begin(self.rig, last, None, self.now, self.wall + self.now)
        self.playback = self.played()
        self.playback.recall(last.cues, self.now)

    def _seen(self, scene: Any) -> None:
        self.scenes += 1
