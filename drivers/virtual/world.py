"""The light of the small world: lamps that hear DMX, age, warm up, flicker and fail, and the day outside.

    output twin --studio.took(universe, frame)--> World.hear --profile's decode--> Lamp --lag, droop, faults--> light
                                                                                     '--field (scene.py)--> picture

Light is linear RGB as a camera balanced for 5600 K sees it; (1, 1, 1) is a lamp's full white. Nothing here has a
thread: the light at a time is computed from the last changes when a camera asks.
"""

import math
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from config.units import SLOTS, Attribute, Levels
from drivers.virtual.clock import Clock
from drivers.virtual.daylight import Day
from drivers.virtual.relief import Point, Rgb
from drivers.virtual.ripple import Ripple
from firmware_profiles.hue import rgb
from firmware_profiles.locus import rec709
from firmware_profiles.model import Personality
from firmware_profiles.render import decode, footprint

BALANCE = 5600.0
"""Kelvin the virtual cameras are balanced for."""
LEAST_DUTY = 0.002
HISTORY = 128
"""Changes a lamp remembers, so that a camera can look at a moment ago (its latency)."""

EMITTER_COLOURS: dict[Attribute, Rgb] = {
    Attribute.RED: (1.0, 0.03, 0.01),
    Attribute.GREEN: (0.05, 1.0, 0.08),
    Attribute.BLUE: (0.02, 0.05, 1.0),
    Attribute.AMBER: (0.9, 0.4, 0.02),
    Attribute.WHITE: (1.0, 1.0, 1.0),
}

HOMES: dict[str, tuple[Point, ...]] = {
    "key": ((-1.5, -0.9, 1.9), (-1.9, -0.5, 1.5), (-1.0, -1.3, 2.2)),
    "fill": ((1.8, -0.5, 2.2), (2.1, -0.2, 1.8), (1.3, -1.0, 2.4)),
    "back": ((0.7, -1.1, -0.8), (-0.7, -1.1, -0.8), (0.0, -1.4, -0.9)),
    "practical": ((1.34, -0.12, -1.1), (-1.5, -0.75, -1.1), (0.85, -0.8, -1.1), (-0.8, 0.2, -1.1)),
}
"""Where lamps of a role stand; the list starts over for more of them."""


class LampFault(StrEnum):
    DEAD = "dead"
    DIM = "dim"
    STUCK = "stuck"
    FLICKER = "flicker"


@lru_cache(maxsize=512)
def filters(kelvin: float) -> Rgb:
    """What a camera multiplies red, green and blue with when it is balanced for another temperature than ``BALANCE``;
    green stays."""
    r, g, b = (base / other for base, other in zip(_planck(BALANCE), _planck(kelvin), strict=True))
    return r / g, 1.0, b / g


@lru_cache(maxsize=512)
def white(kelvin: float, balance: float = BALANCE) -> Rgb:
    """Linear Rec.709 colour of a black body of that temperature, luminance 1, seen by a camera balanced for another.

    Chromaticity by Kim et al.'s cubic splines of the Planckian locus (US patent 7024034; 1667...25000 K).
    """
    return _balanced(_planck(kelvin), balance)


def _balanced(seen: Rgb, balance: float) -> Rgb:
    r, g, b = (one / other for one, other in zip(seen, _planck(balance), strict=True))
    luminance = 0.2126 * r + 0.7152 * g + 0.0722 * b
    return r / luminance, g / luminance, b / luminance


def _planck(kelvin: float) -> Rgb:
    t = 1000.0 / min(25000.0, max(1667.0, kelvin))
    if kelvin <= 4000:
        x = -0.2661239 * t**3 - 0.2343589 * t**2 + 0.8776956 * t + 0.179910
    else:
        x = -3.0258469 * t**3 + 2.1070379 * t**2 + 0.2226347 * t + 0.240390
    if kelvin <= 2222:
        y = -1.1063814 * x**3 - 1.34811020 * x**2 + 2.18555832 * x - 0.20219683
    elif kelvin <= 4000:
        y = -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
    else:
        y = 3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483
    return _seen((x, y))


def _seen(xy: tuple[float, float]) -> Rgb:
    r, g, b = rec709(xy)
    return max(r, 1e-3), max(g, 1e-3), max(b, 1e-3)


def colour(levels: Levels) -> Rgb:
    """The light of decoded levels: of a chromaticity, a hue, emitters mixed, or white of the temperature; dimmed."""
    emitters = [attribute for attribute in levels if attribute in EMITTER_COLOURS]
    if Attribute.CIE_X in levels and Attribute.CIE_Y in levels:
        mixed = list(_balanced(_seen((levels[Attribute.CIE_X], levels[Attribute.CIE_Y])), BALANCE))
    elif Attribute.HUE in levels or Attribute.SATURATION in levels:
        shares = rgb(levels.get(Attribute.HUE, 0.0), levels.get(Attribute.SATURATION, 0.0))
        base = white(round(levels.get(Attribute.CCT, BALANCE)))
        mixed = [part * share for part, share in zip(base, shares, strict=True)]
    elif emitters:
        mixed = [sum(levels[one] * EMITTER_COLOURS[one][channel] for one in emitters) for channel in range(3)]
    else:
        mixed = list(white(round(levels.get(Attribute.CCT, BALANCE))))
    intensity = levels.get(Attribute.INTENSITY, 1.0)
    tint = 1.0 + 0.15 * levels.get(Attribute.TINT, 0.0)
    return mixed[0] * intensity, mixed[1] * intensity * tint, mixed[2] * intensity


@dataclass(frozen=True, slots=True)
class _Change:
    """At ``time`` the lamp gave ``light`` and was told ``target``."""

    time: float
    light: Rgb
    target: Rgb


class Lamp:
    """One light of the room. ``gain``: ageing, 1 = new. ``lag``: seconds its driver takes for 63 % of a step."""

    def __init__(
        self,
        name: str,
        universe: int,
        address: int,
        personality: Personality,
        role: str,
        place: Point,
        *,
        lag: float = 0.04,
        droop: float = 0.0,
        pwm: float = 0.0,
    ) -> None:
        self.name, self.role, self.place = name, role, place
        self.universe, self.address, self.personality = universe, address, personality
        self.lag = lag
        self.droop = droop
        """Share of its light it loses when warm (5 minutes)."""
        self.pwm = pwm
        """Hertz at which it is dimmed by switching: on for as much of the time as its level says. 0: it is not."""
        self.gain = 1.0
        self.dead = self.stuck = False
        self.flicker: Ripple | None = None
        """A fault of its supply."""
        self._changes: deque[_Change] = deque([_Change(-math.inf, (0, 0, 0), (0, 0, 0))], maxlen=HISTORY)
        self._lit_since: float | None = None

    def hear(self, frame: bytes, now: float) -> None:
        """A frame of its universe. Short frames leave the missing slots at 0, as on the wire."""
        if self.stuck:
            return
        size = footprint(self.personality)
        slots = frame.ljust(SLOTS, b"\0")[self.address - 1 : self.address - 1 + size]
        target = colour(decode(self.personality, slots.ljust(size, b"\0")))
        if target != self._changes[-1].target:
            self._changes.append(_Change(now, self._driven(now), target))
            if max(target) > 0 and self._lit_since is None:
                self._lit_since = now

    def light(self, now: float) -> Rgb:
        """What it gives at that time (``now`` may lie a little in the past)."""
        if self.dead:
            return (0.0, 0.0, 0.0)
        warm = 0.0 if self._lit_since is None else 1 - math.exp(-max(0.0, now - self._lit_since) / 100.0)
        share = self.gain * (1 - self.droop * warm)
        r, g, b = self._driven(now)
        return r * share, g * share, b * share

    def ripple(self, now: float) -> Ripple | None:
        """How its light ripples; ``None``: it is steady, or dark."""
        level = max(self._driven(now))
        if self.dead or level <= 0:
            return None
        if self.flicker is not None or self.pwm <= 0 or level >= 1:
            return self.flicker
        return Ripple(self.pwm, duty=max(level, LEAST_DUTY))

    def _driven(self, now: float) -> Rgb:
        change = next((change for change in reversed(self._changes) if change.time <= now), self._changes[0])
        if change.time == -math.inf:
            return change.target
        left = math.exp(-(now - change.time) / self.lag) if self.lag > 0 else 0.0
        r, g, b = (aim + (was - aim) * left for was, aim in zip(change.light, change.target, strict=True))
        return r, g, b


class World:
    """All lamps of the room and the day outside. Safe from several threads."""

    def __init__(self, clock: Clock, lamps: Iterable[Lamp] = (), daylight: float | Day = 0.1) -> None:
        self.clock = clock
        self.lamps: dict[str, Lamp] = {lamp.name: lamp for lamp in lamps}
        self._daylight = daylight
        self.daylight_cct = 6500.0
        self._lock = threading.Lock()

    @property
    def daylight(self) -> float:
        """Light from the window now, 0 = night; 1 = as much on the presenter as a full key light. May be set to a
        function of the studio's time, too (``daylight.py``)."""
        return self.daylight_at(self.clock.now())

    @daylight.setter
    def daylight(self, light: float | Day) -> None:
        self._daylight = light

    def daylight_at(self, now: float) -> float:
        """The same at another time."""
        day = self._daylight
        return day(now) if callable(day) else day

    def hear(self, universe: int, frame: bytes) -> None:
        """A frame reached the fixtures of a universe (a listener for ``studio.frame_listeners``)."""
        now = self.clock.now()
        with self._lock:
            for lamp in self.lamps.values():
                if lamp.universe == universe:
                    lamp.hear(frame, now)

    def hear_lamp(self, name: str, slots: bytes) -> None:
        """A lamp on a bus shows this (a listener for ``studio.lamp_listeners``)."""
        lamp, now = self.lamps.get(name), self.clock.now()
        if lamp is not None:
            with self._lock:
                lamp.hear(slots, now)

    def lights(self, now: float) -> list[tuple[Lamp, Rgb]]:
        """Every lamp with the light it gives at that time."""
        with self._lock:
            return [(lamp, lamp.light(now)) for lamp in self.lamps.values()]

    def day(self, now: float) -> Rgb:
        """The daylight's colour times its level at that time."""
        r, g, b = white(self.daylight_cct)
        level = self.daylight_at(now)
        return r * level, g * level, b * level

    def fault(
        self,
        name: str,
        fault: LampFault | str,
        *,
        gain: float = 0.6,
        hertz: float = 100,
        depth: float = 0.3,
        duty: float | None = None,
    ) -> None:
        """Break a lamp. ``gain`` is for dim, the rest for flicker: a sine, or with ``duty`` a square wave that is on
        for that share of its period. KeyError: no such lamp."""
        lamp, fault = self.lamps[name], LampFault(fault)
        with self._lock:
            lamp.dead |= fault is LampFault.DEAD
            lamp.stuck |= fault is LampFault.STUCK
            if fault is LampFault.DIM:
                lamp.gain = gain
            elif fault is LampFault.FLICKER:
                lamp.flicker = Ripple(hertz, depth, duty)

    def swap(self, one: str, other: str) -> None:
        """Somebody mixed up two lights' start addresses. A second swap undoes it."""
        a, b = self.lamps[one], self.lamps[other]
        with self._lock:
            (a.universe, a.address), (b.universe, b.address) = (b.universe, b.address), (a.universe, a.address)

    def heal(self, name: str) -> None:
        """A new lamp in its place (a swap stays). It answers from the next frame on."""
        lamp = self.lamps[name]
        with self._lock:
            lamp.dead = lamp.stuck = False
            lamp.gain, lamp.flicker = 1.0, None
