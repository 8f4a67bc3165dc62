"""A virtual studio with real lanes for the self-test: a widget, three lights, a camera, a probe."""

from contextlib import asynccontextmanager
from pathlib import Path

from agent.app.devices import Devices
from agent.lighting.claims import Priority
from agent.lighting.rig import Rig
from agent.selftest.surroundings import Surroundings
from config.model import StudioConfig
from config.units import Attribute
from drivers.base import Verdict
from drivers.virtual.camera import Sensor
from drivers.virtual.furnish import furnish
from firmware_profiles.patch import patch
from tests.waiting import until

LIGHT, CCT = Attribute.INTENSITY, Attribute.CCT
LOOK = {"key": {LIGHT: 0.7, CCT: 5600.0}, "fill": {LIGHT: 0.4, CCT: 5600.0}, "back": {LIGHT: 0.5}}
CAMERA = "/dev/video0"
FPS = 50.0
QUICK = 20.0
"""Slew of the tests' rig, share of full light per second: fifty times what a real one may do."""


def config(state_dir: Path, **more) -> StudioConfig:
    def light(profile: str, personality: str, address: int, role: str) -> dict:
        return {"profile": profile, "personality": personality, "universe": 1, "address": address, "role": role}

    tables = {
        "agent": {"site": "test", "name": "room", "state_dir": str(state_dir)},
        "air": {"source": "never"},
        "outputs": {"widget": {"driver": "enttec-pro", "universes": [1], "options": {"port": "/dev/ttyUSB0"}}},
        "fixtures": {
            "key": light("generic/bicolour-panel", "2ch", 1, "key"),
            "fill": light("generic/bicolour-panel", "2ch", 11, "fill"),
            "back": light("generic/dimmer", "16bit", 21, "back"),
        },
        "cameras": {"front": {"options": {"source": CAMERA}}},
        "probes": {"ingest": {"driver": "stamp", "options": {"host": "10.77.0.9"}}},
    }
    return StudioConfig.model_validate({**tables, **more})


class Room:
    """The studio, the rig on real lanes, and a hand on the air switch."""

    def __init__(self, made: StudioConfig, rate: float = QUICK) -> None:
        self.config = made
        self.studio = furnish(made)
        self.world = self.studio.world
        camera = self.studio.twins["front"]
        camera.fps, camera.sensor = FPS, Sensor(self.world, 320, 180)
        self.on_air = False
        self.scenes = []
        self.bugs = []
        self.devices = Devices(
            self.studio, lambda *_: None, lambda name, error: self.bugs.append((name, error)), lambda *_: None
        )
        self.rig = Rig(patch(made), rate=rate, present=LOOK, show=self._show)
        self.around = Surroundings(
            host=self.studio,
            config=made,
            rig=self.rig,
            devices=self.devices,
            on_air=lambda: self.on_air,
            state_dir=made.agent.state_dir,
            version="0.0.test",
        )

    def _show(self, scene) -> None:
        self.scenes.append(scene)
        self.devices.show(scene)

    @property
    def test_claims(self) -> list:
        return self.rig.claims(Priority.TEST)

    @property
    def targets(self) -> dict:
        return {name: self.rig.scene.targets(name) for name in self.rig.fixtures}


@asynccontextmanager
async def room(state_dir: Path, rate: float = QUICK, **more):
    """All lanes up and the camera seen a picture; all of them ended afterwards."""
    made = Room(config(state_dir, **more), rate)
    made.devices.adopt(made.config, made.rig.scene)
    try:
        await until(lambda: all(unit.lane.health.state == "ok" for _, unit in made.devices.all()))
        await until(lambda: all(c.watch.latest is not None for c in made.devices.cameras.values()))
        await until(lambda: all(o.lane.wire(1) != b"" for o in made.devices.outputs.values()))
        yield made
        assert made.bugs == []
    finally:
        for _, unit in made.devices.all():
            unit.lane.request_stop()
        stuck = [unit.name for _, unit in made.devices.all() if not unit.lane.join()]
        assert stuck == []


def verdicts(report) -> dict:
    return {f"{check.id}:{check.name}": check.verdict for check in report.checks}


def failed(report) -> set:
    return {name for name, verdict in verdicts(report).items() if verdict is Verdict.FAIL}
