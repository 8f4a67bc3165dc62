"""A virtual camera's controls, as V4L2 and UVC have them: names, ranges, refusals, and the ways in which they lie.

A written value holds from the next picture the sensor takes; it is seen in what leaves the camera ``latency`` pictures
later. Exposure is in units of 100 us, gain in tenths of a decibel, white balance in kelvin.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from drivers.errors import NotSupported, Refused
from drivers.host import Control

MANUAL, APERTURE_PRIORITY = 1, 3
"""Of ``auto_exposure``: the only two that webcams have."""
MAINS = {0: "Disabled", 1: "50 Hz", 2: "60 Hz"}


def fitted(control: Control, value: int) -> int:
    """The value a driver makes of it: within the range, on a step."""
    if control.kind == "bool":
        return int(bool(value))
    value = min(control.maximum, max(control.minimum, value))
    return control.minimum + (value - control.minimum) // control.step * control.step


_ALL = (
    Control("white_balance_automatic", "bool", 0, 1, 1, 0),
    Control("gain", "int", 0, 240, 1, 0),
    Control("power_line_frequency", "menu", 0, 2, 1, 1, MAINS),
    Control("white_balance_temperature", "int", 2500, 10000, 10, 5600),
    Control("auto_exposure", "menu", 0, 3, 1, MANUAL, {1: "Manual Mode", 3: "Aperture Priority Mode"}),
    Control("exposure_time_absolute", "int", 1, 5000, 1, 200),
    Control("exposure_dynamic_framerate", "bool", 0, 1, 1, 0),
    Control("focus_absolute", "int", 0, 255, 1, 100),
    Control("focus_automatic_continuous", "bool", 0, 1, 1, 1),
)

_HELD_BY = {
    "exposure_time_absolute": ("auto_exposure", APERTURE_PRIORITY),
    "white_balance_temperature": ("white_balance_automatic", 1),
    "focus_absolute": ("focus_automatic_continuous", 1),
}
"""Which automatic has a control in hand, and at which of its values."""


class Controls:
    """See the module. ``live(name)``: what the camera really does now; ``now``: the studio's time. Both raise a
    DriverError when the camera is gone, and so does everything here.

    Defects, to be set: ``stale``: while something automatic has a control in hand, reading it gives the value that was
    last written. ``lying``: names of controls that take every value and do nothing with it. ``missing``: names of
    controls this camera does not have.
    """

    def __init__(self, now: Callable[[], float], live: Callable[[str], int]) -> None:
        self.stale = False
        self.lying: set[str] = set()
        self.missing: set[str] = set()
        self._now, self._live = now, live
        self._written: dict[str, int] = {}
        self._due: list[tuple[float, str, int]] = []
        self._lock = threading.Lock()

    def list(self) -> tuple[Control, ...]:
        """All there are, in their present state."""
        self._now()
        return tuple(replace(one, inactive=self._held(one.name)) for one in _ALL if one.name not in self.missing)

    def read(self, name: str) -> int:
        """The present value. NotSupported: there is no such control."""
        control = self._find(name)
        if name in self.lying or (self.stale and self._held(name)):
            return self._written.get(name, control.default)
        with self._lock:
            waiting = [value for _, which, value in self._due if which == name]
        return waiting[-1] if waiting else self._live(name)

    def write(self, name: str, value: int) -> None:
        """Set it; what is out of range is brought into it, as V4L2 does. Refused: something automatic has it in hand,
        or the menu has no such entry. NotSupported: there is no such control."""
        control = self._find(name)
        if control.menu and value not in control.menu:
            raise Refused(f"{name}: invalid argument ({value})", f"one of: {', '.join(map(str, control.menu))}")
        if self._held(name):
            switch = _HELD_BY[name][0]
            raise Refused(f"{name}: permission denied while {switch} is on", f"switch {switch} off first")
        value = fitted(control, value)
        with self._lock:
            self._written[name] = value
            if name not in self.lying:
                self._due.append((self._now(), name, value))

    def due(self, until: float) -> Sequence[tuple[str, int]]:
        """What has been written until then and was not given here before (for the camera)."""
        with self._lock:
            count = next((i for i, (at, _, _) in enumerate(self._due) if at > until), len(self._due))
            given, self._due = self._due[:count], self._due[count:]
        return [(name, value) for _, name, value in given]

    def forget(self) -> None:
        """The camera was unplugged: it comes back as it is delivered."""
        with self._lock:
            self._written.clear()
            self._due.clear()

    def _held(self, name: str) -> bool:
        switch, value = _HELD_BY.get(name, ("", 0))
        return bool(switch) and switch not in self.missing and self.read(switch) == value

    def _find(self, name: str) -> Control:
        self._now()
        for one in _ALL:
            if one.name == name and name not in self.missing:
                return one
        raise NotSupported(f"there is no control {name!r}", f"one of: {', '.join(one.name for one in self.list())}")
