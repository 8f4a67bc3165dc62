"""What a photosensitive viewer would see of frames that were sent. Knows no rig, no scene, no pump: only the wire."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tests.flashes import TO_XYZ, densest, red_reversals, reversals

ON_AIR, OFF_AIR = 0.35, 0.6
PERIOD = 1 / 44
AHEAD = PERIOD + 0.0005
"""Seconds a frame looks ahead at most: to the next beat, and a beat may be met early by so much."""
COUNTS = 0.05 + PERIOD
"""Seconds between two frames for which a light may be moved: while nothing was sent the eye saw nothing move, so there
is nothing to make up for. What is led moves for 0.05 s at most, and a beat's move before may not have been sent."""
SPAN = 22
"""Frames, half a second of them."""

LEADS = 3

Numbers = npt.NDArray[np.float64]

LIGHTS = {1: ("fine", "coarse", "panel", "moved", "hsi"), 2: ("elsewhere", "odd", "mixed")}
ROUNDED = {1: np.array([2 / 65535, 1 / 255, 2 / 255, 1 / 255, 8 / 65535]), 2: np.array([1 / 255, 1 / 255, 8 / 65535])}
"""What rounding to slots makes of a change, at most, light by light."""
PRODUCT = {1: np.array([0.0, 0.0, 0.25, 0.0, 0.25]), 2: np.array([0.0, 0.0, 0.25])}
"""The light of what has a colour is a product; each factor has half the limit, so their changes multiplied are more."""

EMITTED = np.array([0.45, 0.85, 0.2, 1.0])
"""Light of the four emitters of "mixed", as a share of the most that it gives: its white alone is that."""
HSI = (26, 28, 30)
"""Where the intensity, hue and saturation of "hsi" are."""

USED = 32
"""Slots of a universe that anything listens to."""
STROBE = 21
"""Slot (0-based) of universe 1 that a profile fixes at 0 whatever the patch: the strobe of the panel."""
ODD = slice(10, 20)
"""Slots of universe 2 with the light whose profile is changed by reloads …"""
MODES = (12, 13, 17, 18, 19)
"""… and those of them that each of its profiles fixes: at other values, the crossfade between white and colour, too."""


def shown(universe: int, frames: npt.NDArray[np.uint8]) -> Numbers:
    """Luminance in share of full of whatever listens on these frames, one row a frame."""
    wide = frames.astype(np.float64)
    if universe == 2:
        return np.stack([wide[:, 4] / 255, wide[:, 10] / 255, mixed(wide) @ EMITTED], axis=1)
    return np.stack(
        [
            (wide[:, 0] * 256 + wide[:, 1]) / 65535,
            wide[:, 10] / 255,
            wide[:, 20] / 255 * wide[:, 22:26].mean(axis=1) / 255,
            wide[:, 12] / 255,
            hsi(wide) @ TO_XYZ[1],
        ],
        axis=1,
    )


def mixed(wide: Numbers) -> Numbers:
    """Shares of the red, green, blue and white of the light that is told by CIE xy, 16 bits each."""
    return (wide[:, 20:28:2] * 256 + wide[:, 21:29:2]) / 65535


def hsi(wide: Numbers) -> Numbers:
    """Shares of the red, green and blue of the light that is told intensity, hue and saturation, 16 bits each."""
    light, hue, saturation = ((wide[:, at] * 256 + wide[:, at + 1])[:, None] / 65535 for at in HSI)
    lit = np.clip(np.abs((hue * 6 + np.array([0.0, 4.0, 2.0])) % 6 - 3) - 1, 0.0, 1.0)
    return np.asarray(light * (1 - saturation * (1 - lit)))


@dataclass
class Seen:
    """The worst of it: ``slope`` relative to the limit, flashes in any second, also on air, red ones, held slots that
    moved."""

    slope: float = 0.0
    flashes: float = 0.0
    flashes_on_air: float = 0.0
    red: float = 0.0
    moved: int = 0
    frames: int = 0
    streams: int = 0
    where: str = ""
    which: str = ""
    """Which light had the steepest change."""

    @property
    def safe(self) -> bool:
        calm = self.flashes <= 3 and self.flashes_on_air < 2 and self.red <= 3
        return calm and self.slope <= 1.0 and not self.moved

    def steeper(self, slope: float, which: str) -> None:
        if slope > self.slope:
            self.slope, self.which = slope, which


class Frame(NamedTuple):
    """What went out ``at`` that time, the ``rate`` in force then, and the loosest ``limit`` since the one before."""

    at: float
    rate: float
    limit: float
    slots: bytes


@dataclass
class Sent:
    """What went out, when, with the limit in force then: frames of universes, and levels to lamps on a bus."""

    wires: dict[int, list[Frame]] = field(default_factory=lambda: {1: [], 2: []})
    lamps: dict[str, list[tuple[float, float, float]]] = field(default_factory=dict)
    stood: float = 0.0
    """Seconds that all stood still in: they are not in the times of lamps, which are told too seldom to see it."""

    def judge(self, seen: Seen, now: float) -> None:
        """Look at what was sent since the last time; what is younger than 1.5 s is looked at again."""
        courses = [_frames(seen, universe, sent) for universe, sent in self.wires.items() if len(sent) > 1]
        for name, told in self.lamps.items():
            if len(told) > 1:
                _lamp(seen, name, *np.array(told).T)
        if len(courses) == len(self.wires):
            times, rates, _ = courses[0]
            whole = [levels[np.searchsorted(when, times, "right") - 1] for when, _, levels in courses]
            _flashes(seen, times, rates, np.concatenate(whole, axis=1).mean(axis=1))
        self.wires = {universe: [each for each in sent if each.at > now - 1.5] for universe, sent in self.wires.items()}
        self.lamps = {
            name: [each for each in told if each[0] > now - self.stood - 1.5] for name, told in self.lamps.items()
        }


def _frames(seen: Seen, universe: int, sent: list[Frame]) -> tuple[Numbers, Numbers, Numbers]:
    times = np.array([each.at for each in sent])
    moved = np.concatenate([[0.0], np.minimum(np.diff(times), COUNTS).cumsum()])
    rates, limits = np.array([each.rate for each in sent]), np.array([each.limit for each in sent])
    frames = np.frombuffer(b"".join(each.slots for each in sent), np.uint8).reshape(-1, USED)
    levels = shown(universe, frames)
    change = np.abs(np.diff(levels, axis=0))
    # Either frame looks ahead, each slot is rounded, and the limit may have been the other one.
    recent = np.maximum.reduce([np.roll(limits, shift) for shift in range(4)])
    way = np.maximum(recent[1:], recent[:-1])[:, None] * (np.diff(moved) + 2 * AHEAD)[:, None]
    slope = (change / (way + ROUNDED[universe] + PRODUCT[universe] * way**2)).max(axis=0)
    slope = np.maximum(slope, _long_slope(moved, limits, levels, ROUNDED[universe]))
    for which, steepest in zip(LIGHTS[universe], slope.tolist(), strict=True):
        seen.steeper(steepest, which)
    seen.moved += int((frames[:, STROBE] != 0).sum()) if universe == 1 else _modes_moved(rates, frames)
    for level in (*levels.T, levels.mean(axis=1)):
        _flashes(seen, times, rates, level)
    _red(seen, times, frames, universe)
    seen.frames += len(times)
    return times, rates, levels


def _lamp(seen: Seen, name: str, times: Numbers, rates: Numbers, levels: Numbers) -> None:
    """A lamp is told levels, not frames: nothing looks ahead, nothing is rounded."""
    recent = np.maximum(rates[1:], rates[:-1])
    way = recent * np.diff(times) + 1e-6
    seen.steeper(float((np.abs(np.diff(levels)) / way).max()), name)
    _flashes(seen, times, rates, levels)


def _red(seen: Seen, times: Numbers, frames: npt.NDArray[np.uint8], universe: int) -> None:
    """Each light's own colour; white has as much red as green and blue."""
    wide = frames.astype(np.float64)
    if universe == 1:
        lights = [wide[:, 20, None] / 255 * (wide[:, 22:25] + wide[:, 25, None]) / 255, hsi(wide)]
    else:
        lights = [mixed(wide)[:, :3] + mixed(wide)[:, 3:]]
    for light in lights:
        turns = red_reversals(times, *np.minimum(light, 1.0).T)
        seen.red = max(seen.red, densest(turns) / 2)


def _flashes(seen: Seen, times: Numbers, rates: Numbers, level: Numbers) -> None:
    turns = reversals(times, level)
    seen.flashes = max(seen.flashes, densest(turns) / 2)
    quiet = [turn for turn in turns if _on_air(times, rates, turn)]
    seen.flashes_on_air = max(seen.flashes_on_air, densest(quiet) / 2)


def _long_slope(times: Numbers, rates: Numbers, levels: Numbers, rounded: Numbers) -> Numbers:
    """The steepest change over SPAN frames, relative to the limit: so long that looking ahead hides little. Whoever is
    led begins at the slots that were sent, so roundings add up when that happens again and again (LEADS times)."""
    if len(times) <= SPAN:
        return np.zeros(levels.shape[1])
    most = np.lib.stride_tricks.sliding_window_view(np.concatenate([rates[:1].repeat(3), rates]), SPAN + 4).max(axis=1)
    way = most[:, None] * (times[SPAN:] - times[:-SPAN] + 2 * AHEAD)[:, None]
    return np.asarray((np.abs(levels[SPAN:] - levels[:-SPAN]) / (way + LEADS * rounded)).max(axis=0))


def _modes_moved(rates: Numbers, two: npt.NDArray[np.uint8]) -> int:
    """How often a slot that selects a mode moved on air. One that was nobody's before, with all around it at 0, may be
    set: what listens there is dark."""
    there = two[:-1, ODD].any(axis=1) & (rates[1:] == ON_AIR)
    moved = two[1:, MODES] != two[:-1, MODES]
    return int((moved & there[:, None]).sum())


def _on_air(times: Numbers, rates: Numbers, turn: float) -> bool:
    """Whether the second before, and the change itself, were on air."""
    within = (times > turn - 1.5) & (times <= turn)
    return bool((rates[within] == ON_AIR).all())
