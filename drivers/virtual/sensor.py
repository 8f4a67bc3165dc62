"""The sensor of a virtual camera: a world goes in, pictures of one size come out.

    fields x lamps' light --exposure, white balance--> linear light --focus, movement--> + shot and read noise
      --> full well --> response curve --> 8 bit (--> JPEG and back)

Light 1.0 is the camera's white. A picture is rendered when somebody asks for it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from drivers.base import Picture
from drivers.virtual.automatic import Setting
from drivers.virtual.optics import Optics, cv2
from drivers.virtual.relief import Floats, Point, Relief, Rgb, SceneMaker
from drivers.virtual.response import RESPONSES, STEPS, Response, Values
from drivers.virtual.ripple import Ripple
from drivers.virtual.scene import Scene
from drivers.virtual.world import BALANCE, Lamp, World, filters

CALIBRATION = 1.35
"""Picture light per scene light at 1/50 s and 0 dB: key 0.7, fill 0.4, back 0.5, daylight 0.1 give a mean of 0.18."""
ELECTRONS = 16_700
"""In a pixel that sees white at 0 dB: noise of one 8-bit code in the middle of the sRGB curve, as webcams have it."""
READ_NOISE = 3.0
"""Electrons, standard deviation."""
READ_OUT = 0.02
"""Seconds from the first to the last row (rolling shutter); it draws the bands of a flickering lamp."""
BEST_FOCUS = 100
DEFOCUS = 1e-4
"""Blur for each step away from the best focus, in picture heights."""
POINTS_ACROSS = 48
"""Of the grid that the camera's automatics look at."""
MARGIN = 64
_ALL = 2**64 - 1
ONE_CORE = 2**18
"""Multiplications up to which a matrix product stays on the calling thread (OpenBLAS). A larger one is spread over all
cores and waits for the busiest: beside other programs it takes ten times as long. Small blocks suit the cache, too."""
BLOCK = 2**16
"""Numbers that are worked on at once, for the same reason."""


class Sensor:
    """``shutter`` in seconds, ``gain`` in decibels, ``kelvin`` it is balanced for; used by one thread.

    ``noise``: shot and read noise times this. ``response``: one of ``RESPONSES``, or any other. ``jpeg``: quality of a
    round trip through JPEG, 0: none. ``scene`` makes what it looks at.
    """

    def __init__(
        self,
        world: World,
        width: int = 640,
        height: int = 360,
        *,
        seed: int = 0,
        noise: float = 1.0,
        scene: SceneMaker = Scene,
        response: str | Response = "srgb",
        jpeg: int = 0,
        read_out: float = READ_OUT,
    ) -> None:
        self.world = world
        self.width, self.height = width, height
        self.shutter = 1 / 50
        self.gain = 0.0
        self.kelvin = BALANCE
        self.focus = BEST_FOCUS
        self.autofocus = True
        self.noise = noise
        self.grain = 1.0
        """A fault of the sensor: noise times this."""
        self.jpeg = jpeg
        self.read_out = read_out
        self.response = RESPONSES[response] if isinstance(response, str) else response
        self.optics = Optics(seed)
        self._seed = seed
        self._scene = scene
        self._stage: _Stage | None = None
        self._table = self.response.table()
        self._tile: Floats | None = None
        self._last: tuple[object, Floats] | None = None

    @property
    def setting(self) -> Setting:
        """As set by hand."""
        return Setting(self.shutter, self.gain, self.kelvin)

    def render(self, now: float, number: int, setting: Setting | None = None) -> Picture:
        """The world at ``now``. Same world, time, number and setting give the same picture, noise included."""
        setting = setting or self.setting
        light = self.light(now, setting)
        picture = self._digital(light, number, float(10 ** (setting.gain / 20)))
        if self.jpeg:
            lib = cv2()
            _, data = lib.imencode(".jpg", picture, (lib.IMWRITE_JPEG_QUALITY, self.jpeg))
            picture = lib.imdecode(data, lib.IMREAD_COLOR)
        return picture

    def light(self, now: float, setting: Setting | None = None) -> Floats:
        """The same before noise and curve: linear light, height x width x 3. Not to be written to: it is kept while the
        light stands still."""
        setting = setting or self.setting
        lights = self.world.lights(now)
        stage = self._prepared([lamp for lamp, _ in lights])
        colours = self._colours(now, [light for _, light in lights], setting)
        ripples = [lamp.ripple(now) for lamp, _ in lights]
        blur = 0.0 if self.autofocus else DEFOCUS * abs(self.focus - BEST_FOCUS)
        key = None if any(ripples) else (colours.tobytes(), stage.key, blur, self.optics.blur)
        if key is None or self._last is None or self._last[0] != key:
            bands = [None if each is None else self._bands(each, now, setting.shutter) for each in ripples]
            light = self._transported(stage, colours, [None, *bands])
            self._last = (key, self.optics.focused(light, blur))
        return self.optics.moved(self._last[1], stage.scene.figure, now)

    def points(self, now: float) -> Floats:
        """The light of a thousand points for an exposure of a second at 0 dB, balanced for ``BALANCE``: rows x columns
        x blue, green, red."""
        lights = self.world.lights(now)
        stage = self._prepared([lamp for lamp, _ in lights])
        colours = self._colours(now, [light for _, light in lights], Setting(1.0, 0.0))
        light: Floats = (stage.some.T @ colours).reshape(stage.points.shape) * stage.points
        return light

    def _colours(self, now: float, lights: list[Rgb], setting: Setting) -> Floats:
        """Picture light of daylight and lamps at full on a white surface, blue first, a row each."""
        factor = CALIBRATION * 50 * setting.total
        balance = np.array(filters(round(setting.kelvin)), np.float32)
        colours: Floats = np.array([self.world.day(now), *lights], np.float32) * (balance * np.float32(factor))
        return np.ascontiguousarray(colours[:, ::-1])

    def _prepared(self, lamps: list[Lamp]) -> "_Stage":
        """The drawing takes 0.1 s: not before it is needed."""
        key = tuple((lamp.role, lamp.place) for lamp in lamps)
        if self._stage is None or self._stage.key != key:
            scene = self._stage.scene if self._stage is not None else self._scene(self.width, self.height)
            fields = np.stack([scene.daylight(), *(scene.field(*one) for one in key)])
            fields = fields.reshape(len(fields), self.height, self.width)
            albedo = scene.albedo.reshape(self.height, self.width, 3)
            step = max(1, min(self.width // POINTS_ACROSS, self.height))
            grid = slice(step // 2, None, step)
            some = np.ascontiguousarray(fields[:, grid, grid]).reshape(len(fields), -1)
            self._stage = _Stage(key, scene, fields, albedo, some, np.ascontiguousarray(albedo[grid, grid]))
        return self._stage

    def _bands(self, ripple: Ripple, now: float, shutter: float) -> Values:
        """What the rolling shutter makes of a lamp, for each row of the scene. The row that is read out at ``now`` has
        been exposed until then; a picture that has moved down shows the scene's rows later."""
        down = self.optics.offset(now)[1] * self.height
        read = now + (np.arange(self.height) + down) / self.height * self.read_out
        return ripple.mean(read - shutter, shutter)

    def _transported(self, stage: "_Stage", colours: Floats, bands: Sequence[Values | None]) -> Floats:
        """Linear light of the whole picture, a block of rows at a time."""
        count = len(stage.fields)
        light = np.empty((self.height, self.width, 3), np.float32)
        rows = max(1, ONE_CORE // (3 * count * self.width))
        for top in range(0, self.height, rows):
            part = slice(top, top + rows)
            fields = stage.fields[:, part]
            if any(each is not None for each in bands):
                waves = [np.ones(self.height) if each is None else each for each in bands]
                fields = fields * np.array([wave[part] for wave in waves], np.float32)[:, :, None]
            flat = light[part].reshape(-1, 3)
            np.matmul(fields.reshape(count, -1).T, colours, out=flat)
            flat *= stage.albedo[part].reshape(-1, 3)
        return light

    def _digital(self, light: Floats, number: int, gain: float) -> Picture:
        """Electrons are counted, amplified and coded. Noise is a cut from one large tile, elsewhere in every picture:
        variance in light = gain x light / ELECTRONS + (gain x READ_NOISE / ELECTRONS)^2."""
        if self._tile is None:
            random = np.random.default_rng(self._seed)
            self._tile = random.standard_normal((self.height + MARGIN, self.width + MARGIN, 3), np.float32)
        spot = _scattered(self._seed * 7919 + number)
        down, right = spot % MARGIN, (spot >> 20) % MARGIN
        noise = self.noise * self.grain
        shot = np.float32(noise**2 * gain / ELECTRONS)
        read = np.float32((noise * gain * READ_NOISE / ELECTRONS) ** 2)
        full = np.float32(self.response.reach * min(gain, 1.0))
        picture = np.empty((self.height, self.width, 3), np.uint8)
        rows = max(1, BLOCK // (3 * self.width))
        for top in range(0, self.height, rows):
            part = light[top : top + rows]
            seen = part * shot
            seen += read
            np.sqrt(seen, out=seen)
            seen *= self._tile[down + top : down + top + len(part), right : right + self.width]
            seen += part
            np.clip(seen, 0, full, out=seen)
            np.sqrt(seen, out=seen)
            seen *= STEPS
            self._table.take(seen.astype(np.uint16), out=picture[top : top + rows], mode="clip")
        return picture


def _scattered(number: int) -> int:
    """64 bits without any beat in them from one picture to the next (the finaliser of splitmix64, Steele, Lea and Flood
    2014): a tile that goes round by even steps is bands to whoever looks for flicker."""
    mixed = (number * 0x9E3779B97F4A7C15) & _ALL
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _ALL
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _ALL
    return mixed ^ (mixed >> 31)


class _Stage(NamedTuple):
    """The scene and what is kept of it: ``fields`` (daylight and lamps x height x width), ``albedo`` (height x width x
    3), and of some points ``some`` (fields x points) and ``points`` (albedo, rows x columns x 3)."""

    key: tuple[tuple[str, Point], ...]
    scene: Relief
    fields: Floats
    albedo: Floats
    some: Floats
    points: Floats
