"""Virtual cameras: a sensor in front of the scene, automatics, controls, faults, and the twin of the camera driver.

    World --sensor.py--> picture n - latency --faults--> reader
             ^ setting: by hand or automatic, body.py

A picture is rendered when somebody reads it, for the moment ``latency`` pictures ago; pictures nobody reads cost
nothing (with an automatic on: 0.2 ms each). Same world, settings, time and number: same picture.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from drivers.base import Picture, Stamp
from drivers.errors import BadReply, DeviceMissing, LinkLost, ReplyTimeout
from drivers.host import STAMPS, FrameSource, VideoDevice
from drivers.virtual.body import Body
from drivers.virtual.relief import SceneMaker
from drivers.virtual.scene import Scene
from drivers.virtual.sensor import Sensor
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twin import Fault
from drivers.virtual.world import World

DROPPED = 0.3
"""Share of pictures that are lost under DROP."""
HURRY = 4
"""How many times too fast a stream is under FAST. It repeats each picture so often."""
BUMPED = 0.04
SHAKEN = 0.004
DEFOCUSED = 0.012
"""Picture heights."""
GRAINY = 4.0
"""Times the usual noise."""
CAST = 3800.0
"""Kelvin it is balanced for when its white balance has failed."""
BARS = ((191, 191, 191), (0, 191, 191), (191, 191, 0), (0, 191, 0), (191, 0, 191), (0, 0, 191), (191, 0, 0))
"""75 % colour bars, left to right, blue first."""


class VirtualCamera(Body):
    """A camera of the virtual studio, and its twin's fault half. ``latency`` in pictures, ``fps`` in hertz. ``scene``
    makes what it looks at (``photograph.photo``).

    Faults, beside those of every twin: ``bars``, ``drop`` (pictures are lost), ``double`` (each comes twice), ``fast``
    (each comes four times, as fast), ``bump`` (moved for good), ``shake``, ``defocus``, ``grain`` (noise), ``cast``
    (white balance). ``at`` > 0 is their strength in per cent of the usual one.
    """

    firmware = "1.4"

    def __init__(
        self,
        studio: VirtualStudio,
        world: World,
        source: str,
        size: tuple[int, int] = (640, 360),
        fps: float = 25.0,
        latency: int = 2,
        *,
        scene: SceneMaker = Scene,
    ) -> None:
        self.source, self.studio = source, studio
        super().__init__(Sensor(world, *size, seed=studio.seed, scene=scene), fps, latency)
        self.plugged = True
        self.present: Fault | None = None
        self.strength = 1.0
        self.changed = threading.Condition()
        """Notified when a fault or a close ends somebody's waiting."""
        self.left: int | None = None
        """Pictures until the plug comes out."""
        self._kept: Picture | None = None
        self._sources: list[VirtualSource] = []

    def plug(self, name: str) -> None:
        """Put it into the studio, breakable by that name."""
        device = None
        if self.source.startswith("/dev/"):
            device = VideoDevice(self.source, f"/dev/v4l/by-id/virtual-{name}", "Virtual camera")
        self.studio.place_camera(self.source, self._open, device, self.controls)
        self.studio.add(name, self)

    # --- faults --------------------------------------------------------------------------------------------------

    def fault(self, fault: Fault, at: int = 0) -> None:
        """UNPLUG with ``at`` > 0: after that many more pictures."""
        with self.changed:
            if fault is not Fault.UNPLUG:
                self._mend()
                self.present, self.strength = fault, at / 100 if at > 0 else 1.0
                self._spoil(fault)
            elif at > 0:
                self.left = at
            else:
                self.unplug()
            self.changed.notify_all()

    def heal(self) -> None:
        with self.changed:
            self._mend()
            self.present, self.left, self.plugged, self._kept = None, None, True, None

    def _spoil(self, fault: Fault) -> None:
        sensor, much = self.sensor, self.strength
        if fault is Fault.BUMP:
            sensor.optics.shift = (BUMPED * much, 0.4 * BUMPED * much)
        elif fault is Fault.SHAKE:
            sensor.optics.shake = SHAKEN * much
        elif fault is Fault.DEFOCUS:
            sensor.optics.blur = DEFOCUSED * much
        elif fault is Fault.GRAIN:
            sensor.grain = GRAINY * much

    def _mend(self) -> None:
        """Take back what the present fault did to lens and sensor, and nothing else."""
        if self.present is Fault.BUMP:
            self.sensor.optics.shift = (0.0, 0.0)
        elif self.present is Fault.SHAKE:
            self.sensor.optics.shake = 0.0
        elif self.present is Fault.DEFOCUS:
            self.sensor.optics.blur = 0.0
        elif self.present is Fault.GRAIN:
            self.sensor.grain = 1.0

    def unplug(self) -> None:
        """Pull the plug: whoever has it open has lost it for good, and must open it anew."""
        with self.changed:
            self.plugged, self.left = False, None
            for source in self._sources:
                source.lose()
            self._sources.clear()
            self.restart()
            self.changed.notify_all()

    def forget(self, source: "VirtualSource") -> None:
        """That reader was closed."""
        with self.changed:
            self._sources = [each for each in self._sources if each is not source]

    # --- pictures ------------------------------------------------------------------------------------------------

    def newest(self, now: float) -> tuple[int, float]:
        """The number of the newest picture that has come out by then, and when it came."""
        if self.present is Fault.FAST:
            count = int(now * self._rate + 1e-6)
            return count // HURRY, count / self._rate
        number = int(now * self.fps + 1e-6)
        number -= number % self.pace
        while self.present is Fault.DROP and self.lost(number):
            number -= self.pace
        return number, number / self.fps

    def following(self, now: float) -> float:
        """When the next picture comes out, unless it is lost."""
        rate = self._rate
        return (int(now * rate + 1e-6) + 1) / rate

    def came(self, since: float, until: float) -> int:
        """How many pictures have come out in that time."""
        first, last = (int(time * self._rate + 1e-6) for time in (since, until))
        if self.present is Fault.SILENCE:
            return 0
        if self.present is Fault.DROP:
            return sum(not self.lost(number) for number in range(first + 1, last + 1))
        return last // self.pace - first // self.pace

    def packets(self, since: float, until: float) -> list[Stamp]:
        """What came in that time, picture by picture."""
        if self.present is Fault.SILENCE:
            return []
        rate, found = self._rate, []
        first, last = (int(time * rate + 1e-6) for time in (since, until))
        for number in range(max(first, last - STAMPS) + 1, last + 1):
            shown = number // HURRY if self.present is Fault.FAST else number
            if self.present is not Fault.FAST and number % self.pace:
                continue
            if self.present is Fault.DROP and self.lost(number):
                continue
            if self.present is Fault.DOUBLE:
                shown -= shown % 2
            mark = 1 if self.present is Fault.FREEZE else shown + 2
            found.append(Stamp(min(number / rate, until), mark=mark, sequence=number))
        return found

    @property
    def _rate(self) -> float:
        return self.fps * (HURRY if self.present is Fault.FAST else 1)

    def lost(self, number: int) -> bool:
        """Whether that picture is lost under DROP: by its number, so again in every run."""
        mixed = number * 0x9E3779B97F4A7C15 % 2**64
        mixed = (mixed ^ mixed >> 29) * 0xBF58476D1CE4E5B9 % 2**64  # as splitmix64 does
        return (mixed >> 32) < DROPPED * min(self.strength, 3.0) * 2**32

    def take(self, number: int) -> Picture:
        """Picture ``number`` as it leaves the camera now, faults and all."""
        fault = self.present
        if fault in (Fault.NOISE, Fault.CUT):
            raise BadReply(f"{self.source} sent a picture that cannot be decoded", "check the cable")
        with self.changed:
            if self.left is not None:
                self.left -= 1
                if self.left < 0:
                    self.unplug()
                    raise LinkLost(f"{self.source} is gone", "plug the camera in")
        with self._rendering:
            if fault is Fault.FREEZE and self._kept is not None:
                return self._kept.copy()
            if fault is Fault.BLACK:
                return np.zeros((self.sensor.height, self.sensor.width, 3), np.uint8)
            if fault is Fault.BARS:
                return self._bars()
            if fault is Fault.DOUBLE:
                number -= number % 2
            frame = number - self.latency
            setting = self.follow(frame)
            if fault is Fault.CAST:
                kelvin = setting.kelvin + (CAST - setting.kelvin) * self.strength
                setting = replace(setting, kelvin=kelvin)
            picture = self.sensor.render(frame / self.fps, number, setting)
            self._kept = picture
            return picture

    def _bars(self) -> Picture:
        columns = np.arange(self.sensor.width) * len(BARS) // self.sensor.width
        return np.tile(np.array(BARS, np.uint8)[columns], (self.sensor.height, 1, 1))

    def _time(self) -> float:
        """The studio's, while the camera is there to be asked."""
        if not self.plugged:
            raise DeviceMissing(f"{self.source}: no such video source", "plug the camera in")
        return self.studio.now()

    def _open(self) -> FrameSource:
        with self.changed:
            self._time()
            source = VirtualSource(self)
            if not self._sources:
                self.begin()
            self._sources.append(source)
            return source


class VirtualSource:
    """One opened virtual camera (:class:`drivers.host.FrameSource`). Picture n is due at n / fps of the clock."""

    def __init__(self, camera: VirtualCamera) -> None:
        self._camera = camera
        self._counted = camera.studio.now()
        self._shown = camera.newest(self._counted)[1]
        self._stamped = self._counted
        self._frames = 0
        self._gone = ""

    def read(self, timeout: float, detail: bool = True) -> tuple[Picture, float]:
        camera, clock = self._camera, self._camera.studio.clock
        until = clock.now() + timeout
        with camera.changed:
            while True:
                if self._gone:
                    raise LinkLost(f"{camera.source} {self._gone}")
                now, silent = clock.now(), camera.present is Fault.SILENCE
                number, stamp = camera.newest(now)
                if stamp > self._shown and not silent:
                    break
                if now >= until:
                    raise ReplyTimeout(f"{camera.source} sent no picture for {timeout:g} s")
                clock.wait(camera.changed, until if silent else min(until, camera.following(now)))
            self._count(now)
        self._shown = stamp
        return camera.take(number), min(stamp, clock.now())

    def _count(self, now: float) -> None:
        self._frames += self._camera.came(self._counted, now)
        self._counted = now

    def watch(self, until: float) -> None:
        with self._camera.changed:
            while not self._gone and self._camera.studio.clock.now() < until:
                self._camera.studio.clock.wait(self._camera.changed, until)

    def stamps(self) -> Sequence[Stamp]:
        now = self._camera.studio.now()
        since, self._stamped = self._stamped, now
        return self._camera.packets(since, now)

    def describe(self) -> dict[str, str]:
        camera = self._camera
        self._count(camera.studio.now())
        return {
            "name": "Virtual camera",
            "backend": "virtual",
            "firmware": camera.firmware,
            "size": f"{camera.sensor.width}x{camera.sensor.height}",
            "fps": f"{camera.fps:g}",
            "frames": str(self._frames),
        }

    def lose(self) -> None:
        """The camera was unplugged."""
        self._gone = self._gone or "is gone"

    def close(self) -> None:
        with self._camera.changed:
            self._gone = "is closed"
            self._camera.forget(self)
            self._camera.changed.notify_all()


def camera_twin(studio: VirtualStudio, options: Any, name: str) -> VirtualCamera:
    """A virtual camera behind ``options.source`` (or ``options["source"]``), in a room lit by daylight alone."""
    source = options["source"] if isinstance(options, Mapping) else options.source
    camera = VirtualCamera(studio, World(studio.clock, daylight=0.8), str(source))
    camera.plug(name)
    return camera
