"""Locking a camera, so that nothing but light moves its picture; shown by what the picture does, not by read-back.

    automatic exposure off -> exposure as the automatic had it -> gain -> half the exposure: a stop less, and it stays
    white balance off -> kelvin -> another kelvin: another colour, and it stays -> mains frequency -> focus

What a control *says* is not trusted: while the automatic has it the value may be an old one, and some cameras take
every value and go on as before. A light loop on such a camera runs away within seconds. What cannot be shown is refused
with the reason, and everything is put back as it was.

``look()`` gives the next picture's :class:`Look`, eight times a second or more; a scene with people in it will do, one
that is cut or lit anew meanwhile will not.
"""

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from statistics import median

from drivers.camera.locked import MANUAL, ORDER, SWITCHES, Locked
from drivers.errors import DriverError, NotSupported, Refused, Why
from drivers.host import Control, Controls

EXPOSURE, KELVIN = "exposure_time_absolute", "white_balance_temperature"
WINDOW = 4
"""Looks that make one value: their median."""
LATENCY = 0.6
"""Seconds after which a change has come through (cameras are 2 to 6 pictures late)."""
HELD = 1.5
"""Seconds a change must stay, in which any automatic has begun to move."""
RESTLESS = 0.25
"""Stops between looks at a scene nobody touches, above which nothing can be shown."""
ANSWER = (0.5, 1.6)
"""How much of the asked step the picture may show: its curve is not known, and sRGB is up to 0.2 stop per stop off."""
GIVES = 0.25
"""Share of a step that may be gone again after ``HELD``."""
WARMER = 0.03
"""log2 of red over blue that another white balance must make at least."""
ALIKE = 0.1
"""Stops within which manual exposure is as the automatic had it."""

_ELSEWHERE = "switch it off in the camera's own menu or program, or use a camera that lets it be switched off"


@dataclass(frozen=True, slots=True)
class Look:
    """``light``: linear, 1.0 = white, of as much of the picture as stands still. ``warmth``: log2 of linear red over
    blue."""

    light: float
    warmth: float
    time: float
    """When it was captured, seconds."""


Looks = Callable[[], Look]


def lock(
    camera: str, controls: Controls, look: Looks, wanted: Mapping[str, int] | None = None, mains: int = 0
) -> Locked:
    """Lock it and show that it is. ``camera``: its stable name. ``wanted``: values to have, else those the automatics
    have found. ``mains``: 50 or 60 Hz, where lamps flicker with it: exposure becomes whole periods. Takes 10 to 15 s,
    in which the picture darkens once. Refused, with the reason and what to do, and then all is as before."""
    there = {control.name: control for control in controls.list()}
    for name, value in (wanted or {}).items():
        if name not in there:
            raise NotSupported(f"the camera has no control {name}", f"it has: {', '.join(there)}")
        if not there[name].minimum <= value <= there[name].maximum:
            raise Refused(
                f"{name} goes from {there[name].minimum} to {there[name].maximum}, not {value}", why=Why.NO_VALUE
            )
    before = {name: controls.read(name) for name in ORDER if name in there}
    try:
        return _Locking(controls, look, there, dict(wanted or {}), mains).run(camera)
    except DriverError:
        _put_back(controls, before)
        raise


def _put_back(controls: Controls, before: Mapping[str, int]) -> None:
    """Values first, what is automatic last: then values may be written no more."""
    for name in (*(each for each in reversed(ORDER) if each not in (MANUAL, *SWITCHES)), *SWITCHES, MANUAL):
        if name in before:
            with suppress(DriverError):
                controls.write(name, before[name])


def _unlockable(reason: str) -> Refused:
    return Refused(reason, _ELSEWHERE, why=Why.NOT_LOCKABLE)


class _Locking:
    def __init__(
        self, controls: Controls, look: Looks, there: Mapping[str, Control], wanted: dict[str, int], mains: int
    ) -> None:
        self._controls, self._look, self._there, self._wanted, self._mains = controls, look, there, wanted, mains
        self._values: dict[str, int] = {}
        self._notes: list[str] = []

    def run(self, camera: str) -> Locked:
        if MANUAL not in self._there or EXPOSURE not in self._there:
            missing = MANUAL if MANUAL not in self._there else EXPOSURE
            raise _unlockable(f"the camera's exposure cannot be locked from here: it has no {missing}")
        menu = self._there[MANUAL].menu
        manual = next((value for value, label in menu.items() if "manual" in label.lower()), 1)
        if menu and manual not in menu:
            raise _unlockable(f"auto_exposure has no manual mode: {', '.join(menu.values())}")
        as_it_was = self._still()
        self._set(MANUAL, manual, exactly=True)
        self._exposure(as_it_was.light)
        if "gain" in self._there:
            self._set("gain", self._wanted.get("gain", self._controls.read("gain")))
        self._step_exposure(self._values[EXPOSURE])
        self._white_balance(as_it_was.warmth)
        self._mains_frequency()
        self._switch_off("focus_automatic_continuous")
        for name in ORDER:  # whatever else makes the picture stays as it is now, and comes back with it
            if name in self._wanted and name not in self._values:
                self._set(name, self._wanted[name])
            elif name in self._there and name not in self._values:
                self._values[name] = self._controls.read(name)
        return Locked(camera, {name: self._values[name] for name in ORDER if name in self._values}, tuple(self._notes))

    # --- exposure ----------------------------------------------------------------------------------------------------

    def _exposure(self, light: float) -> None:
        for name in ("gain_automatic", "brightness_automatic", "exposure_dynamic_framerate"):
            self._switch_off(name)
        if EXPOSURE in self._wanted:
            self._set(EXPOSURE, self._wanted[EXPOSURE])
            return
        # What is read now may be what was set last, not what the automatic used: the picture tells.
        self._set(EXPOSURE, self._controls.read(EXPOSURE))
        for _ in range(4):
            stops = math.log2(light / self._settled().light)
            better = self._bounded(EXPOSURE, self._values[EXPOSURE] * 2**stops)
            if abs(stops) <= ALIKE or better == self._values[EXPOSURE]:
                break
            self._set(EXPOSURE, better)
        whole = self._whole_periods(self._values[EXPOSURE])
        if whole != self._values[EXPOSURE]:
            self._set(EXPOSURE, whole)
        stops = math.log2(self._settled().light / light)
        if abs(stops) > 2 * ALIKE:
            self._notes.append(f"the picture is {stops:+.1f} stop against the automatic's: correct gain, iris or light")

    def _whole_periods(self, exposure: int) -> int:
        """Down to whole half-waves of the mains (exposure is in units of 100 µs), if it is as long as one."""
        period = {50: 100.0, 60: 250 / 3}.get(self._mains, 0.0)
        if not period or exposure < period:
            return exposure
        return self._bounded(EXPOSURE, math.floor(exposure / period + 1e-9) * period)

    def _step_exposure(self, exposure: int) -> None:
        """Half of it (or twice, where half is not to be had) must give a stop less, stay so, and come back."""
        before = self._still()
        other = self._bounded(EXPOSURE, exposure / 2)
        if other * 1.5 > exposure:
            other = self._bounded(EXPOSURE, exposure * 2)
        if other == exposure:
            raise _unlockable(f"{EXPOSURE} has no other value near {exposure}: it cannot be shown to work")
        asked = math.log2(other / exposure)
        try:
            self._controls.write(EXPOSURE, other)
            answer = [math.log2(each.light / before.light) for each in self._looks(LATENCY)]
            moved = max(answer, key=lambda stops: stops / asked)  # a fast automatic has it back in half a second
            self._looks(HELD)
            stayed = math.log2(self._value().light / before.light)
        finally:
            with suppress(DriverError):
                self._controls.write(EXPOSURE, exposure)
        share, kept = moved / asked, stayed / asked
        if share - kept > GIVES:
            raise Refused(
                f"the camera moves its picture back: {EXPOSURE} {exposure} to {other} gave {moved:+.2f} stop, "
                f"and {stayed:+.2f} a moment later, though {MANUAL} says manual",
                f"its automatic exposure or gain still works: {_ELSEWHERE}",
                why=Why.FIGHTS,
            )
        if not ANSWER[0] <= kept <= ANSWER[1]:
            raise Refused(
                f"{EXPOSURE} does not do what it says: {exposure} to {other} is {asked:+.2f} stop, "
                f"the picture moved {stayed:+.2f}",
                f"its automatic still works, or the picture is clipped or black: correct that, or {_ELSEWHERE}",
                why=Why.FIGHTS,
            )
        back = math.log2(self._settled().light / before.light)
        if abs(back) > RESTLESS:
            raise Refused(
                f"the picture did not come back: {back:+.2f} stop after exposure was put back",
                "the light or the scene changed meanwhile: try again when it is at rest",
                why=Why.RESTLESS,
            )

    # --- colour, mains, focus ----------------------------------------------------------------------------------------

    def _white_balance(self, warmth: float) -> None:
        self._switch_off("white_balance_automatic")
        self._switch_off("hue_automatic")
        if "white_balance_automatic" not in self._there and KELVIN not in self._there:
            self._notes.append("white balance cannot be locked from here: do it in the camera's own menu")
            return
        if KELVIN not in self._there:
            self._notes.append("white balance is switched to manual, but has no value to show it by")
            return
        kelvin = self._wanted.get(KELVIN, self._controls.read(KELVIN))
        self._set(KELVIN, kelvin)
        kelvin = self._values[KELVIN]
        before, control = self._settled().warmth, self._there[KELVIN]
        if KELVIN not in self._wanted and abs(before - warmth) > ALIKE:
            self._notes.append(f"colours are {before - warmth:+.2f} stop of red over blue against the automatic's")
        reach = (control.maximum - control.minimum) / 4
        other = self._bounded(KELVIN, kelvin + (reach if kelvin + reach <= control.maximum else -reach))
        try:
            self._controls.write(KELVIN, other)
            moved = max((each.warmth - before for each in self._looks(LATENCY)), key=abs)
            self._looks(HELD)
            stayed = self._value().warmth - before
        finally:
            with suppress(DriverError):
                self._controls.write(KELVIN, kelvin)
        if abs(moved) < WARMER:
            raise _unlockable(f"{KELVIN} does nothing: {kelvin} to {other} K moved no colour")
        if stayed / moved < 1 - 2 * GIVES:
            raise Refused(
                f"the camera moves its colours back: {kelvin} to {other} K gave {moved:+.2f} stop of red over blue, "
                f"and {stayed:+.2f} a moment later",
                f"its automatic white balance still works: {_ELSEWHERE}",
                why=Why.FIGHTS,
            )
        self._settled()

    def _mains_frequency(self) -> None:
        name = "power_line_frequency"
        if name in self._there and self._mains and name not in self._wanted:
            menu = self._there[name].menu
            value = next((each for each, label in menu.items() if label.startswith(str(self._mains))), None)
            if value is None:
                self._notes.append(f"{name} has no {self._mains} Hz")
            else:
                self._set(name, value)

    def _switch_off(self, name: str) -> None:
        if name in self._there:
            self._set(name, 0, exactly=True)

    # --- inside ------------------------------------------------------------------------------------------------------

    def _bounded(self, name: str, value: float) -> int:
        control = self._there[name]
        step = max(1, control.step)
        near = control.minimum + round((value - control.minimum) / step) * step
        return min(control.maximum, max(control.minimum, near))

    def _set(self, name: str, value: int, *, exactly: bool = False) -> None:
        """The camera's own word for it is kept: some know certain values only."""
        self._controls.write(name, value)
        said = self._controls.read(name)
        if exactly and said != value:
            raise _unlockable(f"{name} was set to {value}, the camera says {said}")
        self._values[name] = said

    def _value(self) -> Look:
        looks = [self._look() for _ in range(WINDOW)]
        light, warmth = median(each.light for each in looks), median(each.warmth for each in looks)
        return Look(max(1e-6, light), warmth, looks[-1].time)

    def _looks(self, seconds: float) -> list[Look]:
        """All of so long, at least one."""
        looks = [self._look()]
        while looks[-1].time - looks[0].time < seconds:
            looks.append(self._look())
        return [Look(max(1e-6, each.light), each.warmth, each.time) for each in looks]

    def _settled(self) -> Look:
        """After whatever was written last has come through."""
        self._looks(LATENCY)
        return self._value()

    def _still(self) -> Look:
        """Of a scene at rest. Refused when it is not."""
        looks = [self._value() for _ in range(3)]
        spread = math.log2(max(each.light for each in looks) / min(each.light for each in looks))
        if spread > RESTLESS:
            raise Refused(
                f"the picture moves by {spread:.2f} stop by itself",
                "lock the camera when light and scene are at rest",
                why=Why.RESTLESS,
            )
        return looks[-1]
