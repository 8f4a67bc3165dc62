"""Virtual cameras: a sensor in front of the scene, and the twin of the production camera driver.

    fields x lamps' light --> linear light --exposure--> sRGB curve --> + noise --> clip --> 8 bit

Exposure and gain stay as set: there is no auto exposure. A picture is rendered when somebody reads it, for the moment
``latency`` pictures ago; pictures nobody reads cost nothing.
"""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from drivers.base import Picture, Stamp
from drivers.errors import BadReply, DeviceMissing, LinkLost, ReplyTimeout
from drivers.host import STAMPS, FrameSource, VideoDevice
from drivers.virtual.scene import Floats, Point, Scene
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twin import Fault
from drivers.virtual.world import Lamp, World

CALIBRATION = 1.36
"""Picture light per scene light at 1/50 s and 0 dB: key 0.7, fill 0.4, back 0.5, daylight 0.1 give a mean of 0.18."""
FINE = 16
"""Steps of one 8-bit code inside the sensor."""
STEPS, REACH = 2048, 4
"""The tone table has ``STEPS`` entries per unit of *root* light, up to ``REACH`` times white. It is indexed by the
root because there the sRGB curve is nearly straight: even the darkest codes get entries of their own."""
READ_OUT = 0.02
"""Seconds from the first to the last row (rolling shutter); it draws the bands of a flickering lamp."""
MARGIN = 64
ONE_CORE = 2**18
"""Multiplications up to which a matrix product stays on the calling thread (OpenBLAS). A larger one is spread over all
cores and waits for the busiest: beside other programs it takes ten times as long. Small blocks suit the cache, too."""


def _tone_table() -> npt.NDArray[np.int16]:
    light = (np.arange(STEPS * int(REACH**0.5) + 1) / STEPS) ** 2
    code = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.round(code * 255 * FINE), np.int16)


class Sensor:
    """Turns a world into pictures of one size. ``shutter`` in seconds, ``gain`` in decibels; used by one thread."""

    def __init__(self, world: World, width: int = 640, height: int = 360, *, seed: int = 0, noise: float = 1.0) -> None:
        self.world = world
        self.width, self.height = width, height
        self.shutter = 1 / 50
        self.gain = 0.0
        self.noise = noise
        """Standard deviation in codes at 0 dB. Shot noise grows with the root of light, and the sRGB curve nearly
        takes the root: in codes it is the same everywhere."""
        self._seed = seed
        self._stage: tuple[tuple[tuple[str, Point], ...], Scene, Floats] | None = None
        self._table = _tone_table()
        self._tile: tuple[float, npt.NDArray[np.int16]] | None = None
        self._last: tuple[object, npt.NDArray[np.int16]] | None = None

    def render(self, now: float, number: int) -> Picture:
        """The world at ``now``. Same world, time and number give the same picture, noise included."""
        fine = self._codes(now) + self._noise(number)
        np.clip(fine, 0, 255 * FINE, out=fine)
        fine //= FINE
        return fine.astype(np.uint8)

    def _codes(self, now: float) -> npt.NDArray[np.int16]:
        """The picture without noise, height x width x 3, in 1/FINE codes; kept while the light stands still."""
        lights = self.world.lights(now)
        factor = CALIBRATION * self.shutter * 50 * float(10 ** (self.gain / 20))
        day = self.world.day()
        flickers = any(lamp.flicker[1] > 0 and max(light) > 0 for lamp, light in lights)
        key = (factor, day, tuple((lamp.name, *(round(part, 5) for part in light)) for lamp, light in lights))
        if self._last is not None and self._last[0] == key and not flickers:
            return self._last[1]
        scene, fields = self._prepared([lamp for lamp, _ in lights])
        if flickers:
            fields = np.stack(
                [
                    fields[0],
                    *(self._banded(lamp, field, now) for (lamp, _), field in zip(lights, fields[1:], strict=True)),
                ]
            )
        colours = np.array([day, *(light for _, light in lights)], np.float32)[:, ::-1] * (factor * STEPS**2)
        codes: npt.NDArray[np.int16] = np.empty(scene.albedo.shape, np.int16)
        block = max(1, ONE_CORE // (3 * len(fields)))
        for start in range(0, len(codes), block):
            part = slice(start, start + block)
            root = fields[:, part].T @ colours
            root *= scene.albedo[part]
            np.sqrt(root, out=root)
            np.minimum(root, len(self._table) - 1, out=root)
            self._table.take(root.astype(np.uint16), out=codes[part], mode="clip")
        codes = codes.reshape(self.height, self.width, 3)
        self._last = (key, codes)
        return codes

    def _prepared(self, lamps: list[Lamp]) -> tuple[Scene, Floats]:
        """The scene, and the fields of daylight and lamps as rows. The drawing takes 0.1 s: not before it is needed."""
        key = tuple((lamp.role, lamp.place) for lamp in lamps)
        if self._stage is None or self._stage[0] != key:
            scene = self._stage[1] if self._stage is not None else Scene(self.width, self.height)
            self._stage = (key, scene, np.stack([scene.daylight(), *(scene.field(*one) for one in key)]))
        return self._stage[1:]

    def _banded(self, lamp: Lamp, field: Floats, now: float) -> Floats:
        """A lamp's field; a flickering one's with the bands a rolling shutter sees."""
        hertz, depth = lamp.flicker
        if depth == 0:
            return field
        rows = now + np.arange(self.height) / self.height * READ_OUT
        seen = depth * np.sinc(hertz * self.shutter)  # an exposure of whole periods sees no flicker
        bands = (1 + seen * np.sin(2 * np.pi * hertz * rows)).astype(np.float32)
        return (field.reshape(self.height, self.width) * bands[:, None]).ravel()

    def _noise(self, number: int) -> npt.NDArray[np.int16]:
        """A cut from one large tile, elsewhere for every picture."""
        sigma = self.noise * float(10 ** (self.gain / 40)) * FINE
        if self._tile is None or self._tile[0] != sigma:
            random = np.random.default_rng(self._seed)
            shape = (self.height + MARGIN, self.width + MARGIN, 3)
            tile = np.round(random.standard_normal(shape, np.float32) * sigma).astype(np.int16)
            self._tile = (sigma, tile)
        spot = (self._seed * 7919 + number * 2654435761) & 0xFFFFFFFF
        down, right = (spot >> 8) % MARGIN, (spot >> 20) % MARGIN
        return self._tile[1][down : down + self.height, right : right + self.width]


class VirtualCamera:
    """A camera of the virtual studio, and its twin's fault half. ``latency`` in pictures, ``fps`` in hertz."""

    firmware = "1.4"

    def __init__(
        self,
        studio: VirtualStudio,
        world: World,
        source: str,
        size: tuple[int, int] = (640, 360),
        fps: float = 25.0,
        latency: int = 2,
    ) -> None:
        self.source, self.fps, self.latency = source, fps, latency
        self.sensor = Sensor(world, *size, seed=studio.seed)
        self.studio = studio
        self.plugged = True
        self.present: Fault | None = None
        self.changed = threading.Condition()
        """Notified when a fault or a close ends somebody's waiting."""
        self.left: int | None = None
        """Pictures until the plug comes out."""
        self._rendering = threading.Lock()
        self._kept: Picture | None = None
        self._sources: list[VirtualSource] = []

    def plug(self, name: str) -> None:
        """Put it into the studio, breakable by that name."""
        device = None
        if self.source.startswith("/dev/"):
            device = VideoDevice(self.source, f"/dev/v4l/by-id/virtual-{name}", "Virtual camera")
        self.studio.place_camera(self.source, self._open, device)
        self.studio.add(name, self)

    def fault(self, fault: Fault, at: int = 0) -> None:
        """UNPLUG with ``at`` > 0: after that many more pictures."""
        with self.changed:
            if fault is not Fault.UNPLUG:
                self.present = fault
            elif at > 0:
                self.left = at
            else:
                self.unplug()
            self.changed.notify_all()

    def heal(self) -> None:
        with self.changed:
            self.present, self.left, self.plugged, self._kept = None, None, True, None

    def unplug(self) -> None:
        """Pull the plug: whoever has it open has lost it for good, and must open it anew."""
        with self.changed:
            self.plugged, self.left = False, None
            for source in self._sources:
                source.lose()
            self._sources.clear()
            self.changed.notify_all()

    def forget(self, source: "VirtualSource") -> None:
        """That reader was closed."""
        with self.changed:
            self._sources = [each for each in self._sources if each is not source]

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
            picture = self.sensor.render((number - self.latency) / self.fps, number)
            self._kept = picture
            return picture

    def _open(self) -> FrameSource:
        with self.changed:
            if not self.plugged:
                raise DeviceMissing(f"{self.source}: no such video source", "plug the camera in")
            source = VirtualSource(self)
            self._sources.append(source)
            return source


class VirtualSource:
    """One opened virtual camera (:class:`drivers.host.FrameSource`). Picture n is due at n / fps of the clock."""

    def __init__(self, camera: VirtualCamera) -> None:
        self._camera = camera
        self._shown = self._started = self._stamped = self._due(camera.studio.now())
        self._gone = ""

    def _due(self, now: float) -> int:
        return int(now * self._camera.fps + 1e-6)

    def read(self, timeout: float, detail: bool = True) -> tuple[Picture, float]:
        camera, clock = self._camera, self._camera.studio.clock
        until = clock.now() + timeout
        with camera.changed:
            while True:
                if self._gone:
                    raise LinkLost(f"{camera.source} {self._gone}")
                number, silent = self._due(clock.now()), camera.present is Fault.SILENCE
                if number > self._shown and not silent:
                    break
                if clock.now() >= until:
                    raise ReplyTimeout(f"{camera.source} sent no picture for {timeout:g} s")
                clock.wait(camera.changed, until if silent else min(until, (number + 1) / camera.fps))
        self._shown = number
        if camera.present is Fault.DOUBLE:
            number -= number % 2
        return camera.take(number), min(number / camera.fps, clock.now())

    def watch(self, until: float) -> None:
        with self._camera.changed:
            while not self._gone and self._camera.studio.clock.now() < until:
                self._camera.studio.clock.wait(self._camera.changed, until)

    def stamps(self) -> Sequence[Stamp]:
        """Of every picture due since the last call: none is lost here, and none doubled."""
        now = self._camera.studio.now()
        first, self._stamped = self._stamped, self._due(now)
        numbers = range(max(first, self._stamped - STAMPS) + 1, self._stamped + 1)
        return [Stamp(min(number / self._camera.fps, now), sequence=number) for number in numbers]

    def describe(self) -> dict[str, str]:
        camera = self._camera
        return {
            "name": "Virtual camera",
            "backend": "virtual",
            "firmware": camera.firmware,
            "size": f"{camera.sensor.width}x{camera.sensor.height}",
            "fps": f"{camera.fps:g}",
            "frames": str(self._due(camera.studio.now()) - self._started),
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
