"""What a virtual camera takes its pictures with: set by hand over its controls, or by its automatics."""

import math
import threading
from abc import ABC, abstractmethod

from drivers.virtual.automatic import CATCH_UP, SLOWEST, Automatic, Setting
from drivers.virtual.controls import APERTURE_PRIORITY, MANUAL, Controls
from drivers.virtual.sensor import BEST_FOCUS, Sensor


class Body(ABC):
    """A camera without its cable: ``sensor``, ``automatic`` and ``controls`` are there to be set. A subclass says what
    time it is and which picture is the newest. ``fps`` in hertz, ``latency`` in pictures."""

    def __init__(self, sensor: Sensor, fps: float, latency: int) -> None:
        self.sensor, self.fps, self.latency = sensor, fps, latency
        self.automatic = Automatic()
        self.controls = Controls(self._time, self._live)
        self.pace = 1
        """Picture intervals from one picture to the next: more when it slows down in the dark."""
        self._rendering = threading.RLock()
        self._next: int | None = None
        """The first picture that the automatics have not seen."""
        self._delivered: dict[str, int] = {}
        """What those controls were that somebody has written to."""

    @abstractmethod
    def _time(self) -> float:
        """The studio's, or a DriverError when the camera is not there."""

    @abstractmethod
    def newest(self, now: float) -> tuple[int, float]:
        """The number of the newest picture that has come out by then, and when it came."""

    def begin(self) -> None:
        """Pictures begin to come out: the automatics are quick once more."""
        with self._rendering:
            self.automatic.begin()
            self._next = self.newest(self._time())[0] - self.latency

    def restart(self) -> None:
        """It was without power: what was written to its controls is gone."""
        with self._rendering:
            self.controls.forget()
            for name, value in self._delivered.items():
                self._put(name, value)
            self._delivered.clear()

    def follow(self, frame: int) -> Setting:
        """Bring controls and automatics up to a picture of the sensor; what it is taken with. Under ``_rendering``."""
        if self._next is None:
            self._next = frame
        for each in range(max(self._next, frame - CATCH_UP), frame):
            self._obey(each)
            if each % self.pace == 0:
                self._watch(each)
        self._next = max(self._next, frame)
        self._obey(frame)
        setting = self.automatic.setting(self._manual(), 1 / self.fps)
        self.pace = max(1, math.ceil(setting.shutter * self.fps - 1e-6))
        return setting

    def _watch(self, frame: int) -> None:
        """The automatics see a picture."""
        if self.automatic.exposure or self.automatic.white:
            self.automatic.step(self.sensor.points(frame / self.fps), self._manual(), 1 / self.fps)
        else:
            self.automatic.rest()

    def _manual(self) -> Setting:
        """As set by hand. No exposure outlasts its picture, unless the camera may slow down."""
        by_hand = self.sensor.setting
        longest = (SLOWEST if self.automatic.dynamic else 1) / self.fps
        return Setting(min(by_hand.shutter, longest), by_hand.gain, by_hand.kelvin)

    def _obey(self, frame: int) -> None:
        """Controls that have been written by then take effect."""
        for name, value in self.controls.due(frame / self.fps):
            self._delivered.setdefault(name, self._value(name, self._manual()))
            self._put(name, value)

    def _restart(self) -> None:
        """It was without power: what was written to its controls is gone."""
        with self._rendering:
            self.controls.forget()
            for name, value in self._delivered.items():
                self._put(name, value)
            self._delivered.clear()

    def _live(self, name: str) -> int:
        """What a control really is, as of the newest picture."""
        with self._rendering:
            return self._value(name, self.follow(self.newest(self._time())[0] - self.latency))

    def _value(self, name: str, setting: Setting) -> int:
        sensor, automatic = self.sensor, self.automatic
        values: dict[str, float] = {
            "auto_exposure": APERTURE_PRIORITY if automatic.exposure else MANUAL,
            "exposure_time_absolute": setting.shutter * 1e4,
            "exposure_dynamic_framerate": automatic.dynamic,
            "gain": setting.gain * 10,
            "power_line_frequency": automatic.mains // 10 - 4 if automatic.mains else 0,
            "white_balance_automatic": automatic.white,
            "white_balance_temperature": setting.kelvin,
            "focus_automatic_continuous": sensor.autofocus,
            "focus_absolute": BEST_FOCUS if sensor.autofocus else sensor.focus,
        }
        return round(values[name])

    def _put(self, name: str, value: int) -> None:
        sensor, automatic = self.sensor, self.automatic
        if name == "auto_exposure":
            automatic.exposure = value == APERTURE_PRIORITY
        elif name == "exposure_time_absolute":
            sensor.shutter = value / 1e4
        elif name == "exposure_dynamic_framerate":
            automatic.dynamic = bool(value)
        elif name == "gain":
            sensor.gain = value / 10
        elif name == "power_line_frequency":
            automatic.mains = (0, 50, 60)[value]
        elif name == "white_balance_automatic":
            automatic.white = bool(value)
        elif name == "white_balance_temperature":
            sensor.kelvin = float(value)
        elif name == "focus_automatic_continuous":
            sensor.autofocus = bool(value)
        elif name == "focus_absolute":
            sensor.focus = value
