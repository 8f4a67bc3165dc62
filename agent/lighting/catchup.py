"""Catching up: an output that missed a piece of the scene, or got another patch, is led there, not thrown."""

from agent.lighting.scene import Scene
from config.units import Attribute
from firmware_profiles.render import decode

UNOWNED = 0.1
"""Share of full per second at which a slot goes out that no light has any more: below every usual slew limit."""


class CatchUp:
    """Levels of one universe's lights as they were last sent, led towards the scene beat by beat; slots of lights that
    are no more go out by and by.

    The only stateful limiter there is: a scene is continuous in time, but an output can miss a piece of it.
    """

    def __init__(self, scene: Scene, universe: int, frame: bytes, now: float) -> None:
        self._universe = universe
        self._at = now
        self._levels: dict[str, dict[Attribute, float]] = {
            light.name: decode(light.personality, frame[light.address - 1 : light.last])
            for light in scene.lights(universe)
        }
        owned = {slot for light in scene.lights(universe) for slot in range(light.address - 1, light.last)}
        self._unowned = {slot: float(value) for slot, value in enumerate(frame) if value and slot not in owned}

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
        frame = bytearray(scene.render(self._universe, self._levels.__getitem__))
        left = {slot: value - 255 * UNOWNED * passed for slot, value in self._unowned.items()}
        self._unowned = {slot: value for slot, value in left.items() if value >= 1.0}
        for slot, value in self._unowned.items():
            frame[slot] = int(value)
        return bytes(frame), there and not self._unowned
