"""A test card in even light before a virtual camera: what should be in its pictures is known without rendering."""

import threading

import numpy as np

from config.units import Attribute
from drivers.base import Picture
from drivers.virtual.camera import VirtualCamera
from drivers.virtual.clock import ManualClock
from drivers.virtual.relief import Floats, Point, Relief, SceneMaker
from drivers.virtual.sensor import CALIBRATION
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.world import HOMES, Lamp, World
from firmware_profiles.library import find
from firmware_profiles.render import render

DIMMER = find("generic/dimmer").personalities["16bit"]
FPS = 25.0


class Card(Relief):
    """Grey, from black at the left to white at the right; a figure in its middle. Every lamp lights all of it alike."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__(width, height)
        self._normal[2] = 1.0
        grey = np.tile((np.arange(width) + 0.5) / width, (height, 1)).astype(np.float32)
        self.albedo = np.repeat(grey.reshape(-1, 1), 3, axis=1)
        self.figure[height // 4 : 3 * height // 4, width // 3 : 2 * width // 3] = 1.0

    def field(self, role: str, place: Point) -> Floats:
        return np.ones(self.width * self.height, np.float32)

    def daylight(self) -> Floats:
        return np.ones(self.width * self.height, np.float32)


class Sides(Card):
    """Even grey; the key lights the left half, every other lamp the right."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__(width, height)
        self.albedo = np.full((height * width, 3), 0.5, np.float32)

    def field(self, role: str, place: Point) -> Floats:
        side: Floats = self._x < 0 if role == "key" else self._x >= 0
        return side.astype(np.float32).ravel()


class Stand:
    """A camera before a card, a dimmed lamp of each role, and daylight of the camera's own white."""

    def __init__(
        self,
        scene: SceneMaker = Card,
        size: tuple[int, int] = (160, 90),
        latency: int = 2,
        roles: tuple[str, ...] = ("key",),
    ) -> None:
        self.clock = ManualClock()
        self.studio = VirtualStudio(self.clock)
        lamps = [Lamp(role, 1, 1 + 2 * n, DIMMER, role, HOMES[role][0], lag=0.0) for n, role in enumerate(roles)]
        self.world = World(self.clock, lamps, daylight=0.0)
        self.world.daylight_cct = 5600.0
        self.camera = VirtualCamera(self.studio, self.world, "cam", size, FPS, latency, scene=scene)
        self.camera.plug("cam")
        self.source = self.studio.camera("cam")

    def light(self, **levels: float) -> None:
        """Shares of full light, by role; those not named go dark."""
        slots = (render(DIMMER, {Attribute.INTENSITY: levels.get(lamp, 0.0)}) for lamp in self.world.lamps)
        self.world.hear(1, b"".join(slots))

    def picture(self, after: int = 1) -> Picture:
        """The picture that comes that many picture intervals from now."""
        due = (int(self.clock.now() * FPS + 1e-6) + after) / FPS
        with (nobody := threading.Condition()):
            self.clock.wait(nobody, due)
        return self.source.read(1.0)[0]

    def seen(self, after: int = 1) -> float:
        """Its mean linear light."""
        return float(self.linear(self.picture(after)).mean())

    def linear(self, picture: Picture) -> Floats:
        decoded = self.camera.sensor.response.decode(np.arange(256) / 255)
        return np.asarray(decoded[picture], np.float32)

    def control(self, **values: int) -> None:
        for name, value in values.items():
            self.camera.controls.write(name, value)

    def shown(self, name: str) -> int:
        return self.camera.controls.read(name)


def daylight_for(light: float) -> float:
    """Daylight under which white is that bright at 1/50 s and 0 dB."""
    return light / CALIBRATION
