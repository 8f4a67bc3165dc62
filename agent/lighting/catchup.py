"""Catching up: an output that was away while the lights went elsewhere is led there, not thrown."""

from agent.lighting.scene import Scene
from config.units import Attribute
from firmware_profiles.render import decode


class CatchUp:
    """Levels of one universe's lights as they were last sent, led towards the scene beat by beat.

    The only stateful limiter there is: a scene is continuous in time, but an output can miss a piece of it.
    """

    def __init__(self, scene: Scene, universe: int, frame: bytes, now: float) -> None:
        self._universe = universe
        self._at = now
        self._levels: dict[str, dict[Attribute, float]] = {
            light.name: decode(light.personality, frame[light.address - 1 : light.last])
            for light in scene.lights(universe)
        }

    def frame(self, scene: Scene, now: float) -> tuple[bytes, bool]:
        """The frame to send at ``now``, and whether everything has arrived where the scene has it."""
        passed, self._at = max(0.0, now - self._at), max(now, self._at)
        there = True
        for light in scene.lights(self._universe):
            goal = scene.levels(light.name, now)
            shown = self._levels.setdefault(light.name, dict(goal))
            for attribute, level in goal.items():
                most = scene.rate_of((light.name, attribute)) * passed
                before = shown.get(attribute, level)
                shown[attribute] = min(max(level, before - most), before + most)
                there &= shown[attribute] == level
        return scene.render(self._universe, self._levels.__getitem__), there
