"""Steps the lights, one at a time, and takes the pictures. Everything is claimed at TEST priority with a lease, under
one owner, so that one release brings the look back; the slew limit holds here as everywhere.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cached_property

import numpy as np
import structlog

from agent.exposure.camera.watch import CameraUnit
from agent.lighting.claims import Priority
from agent.messaging.header import iso
from agent.selftest import baseline
from agent.selftest.checks.bands import Bands, Seen, own, seen, worst_of
from agent.selftest.checks.optics import LEAST, LightSeen, Reference, Shots, analyse, crossing
from agent.selftest.desk import Desk
from agent.selftest.report import Outcome
from config.units import CIE_SPAN, EMITTERS, HUE_SPAN, Attribute, Levels
from drivers.base import Camera
from drivers.camera.metrics import measure
from drivers.errors import Refused
from firmware_profiles.model import Personality
from firmware_profiles.render import limits

log = structlog.get_logger(__name__)

OWNER = "selftest"
LEASE = 30.0
"""Seconds after which the look comes back by itself if this code has died."""
LEVELS = (0.25, 0.5, 0.75, 1.0)
FRAMES = 8
"""Pictures per level."""
MANY = 12
"""Pictures at full, where flicker is looked for."""
UNKNOWN = 0.5
"""Seconds from wire to picture to reckon with before it has been measured."""
MARGIN = 0.15
"""Seconds on top of the measured ones: the lamp's own settling."""
SENT_WITHIN = 2.0
"""Seconds an output may take to send what the lights have arrived at."""
WAIT_FOR_PICTURE = 1.5
"""Seconds a light may take to show in the picture before it counts as not reacting."""
DARK = 0.02
"""Share of light below which a light is as good as off."""
BANDS_WITHIN = 20.0
"""Seconds for the pictures of consecutive beats, at two exposures more."""
GRAB_WITHIN = 8.0
"""Seconds for the pictures of one level."""
WHITE = 5600.0
"""Kelvin at which lights are compared, whatever the look's colour."""


class Bench:
    """One per run. A light is measured once, however many checks ask about it. ``forget``: without a baseline."""

    def __init__(self, desk: Desk, forget: bool = False) -> None:
        self.desk = desk
        self.forget = forget
        self.around = desk.around
        self.camera = _eye(desk)
        self.seen: dict[str, LightSeen] = {}
        self.broken: dict[str, str] = {}
        """Lights that could not be measured, and why."""
        self._dark: Shots | None = None
        self._room: Seen | None = None
        scene = self.around.rig.scene
        self._found = {name: scene.targets(name).get(Attribute.INTENSITY, 1.0) for name in self.around.rig.fixtures}
        """Where the lights were: pulse-width dimmers flicker at what they are dimmed to, and not at full."""
        self._latency = UNKNOWN

    @cached_property
    def reference(self) -> Reference | None:
        """The baseline, if there is one for this camera."""
        if self.camera is None or self.forget:
            return None
        return baseline.read(self.around.state_dir, self.camera.name).reference()

    async def of(self, name: str) -> LightSeen:
        """What the camera sees of this light."""
        if name not in self.seen:
            try:
                self.seen[name] = await self._measure(name)
            except Exception as error:
                self.broken[name] = getattr(error, "reason", "") or str(error)
                raise
        return self.seen[name]

    async def bands(self, name: str) -> Bands:
        """What bands this light draws, alone, at full and where it was."""
        room = await self._dark_room(name)
        looks = []
        for level in dict.fromkeys((LEVELS[-1], self._found[name])):
            if level > DARK:
                await self._show(name, level)
                looks.append(replace(own(await self._bands(), room), level=level))
        return worst_of(looks)

    async def room_bands(self) -> Bands:
        """What bands are there with all lights dark. One is lit again afterwards."""
        return (await self._dark_room(next(iter(self.around.rig.fixtures)))).bands

    async def _dark_room(self, name: str) -> Seen:
        if self._room is None:
            await self._show(name, 0.0)
            self._room = await self._bands()
            await self._show(name, LEVELS[-1])  # else the black picture would be a reason to look at no light
        return self._room

    async def _bands(self) -> Seen:
        camera = self._eye
        return await camera.lane.call(lambda: seen(camera.driver), BANDS_WITHIN)

    async def accept(self, report: str, outcomes: Iterable[Outcome]) -> tuple[str, ...]:
        """Take the lights with which nothing is wrong into the baseline; their names. None without a camera, or when
        the disk refuses."""
        seen = baseline.measured(outcomes)
        good, replaced = tuple(seen.lights), tuple(self.seen) if self.forget else ()
        folder, at = self.around.state_dir, iso(self.around.host.wall())
        if not good:
            return ()
        try:
            await self.desk.lane.call(lambda: baseline.accept(folder, at, report, seen, good, replaced), 5.0)
        except OSError as error:
            log.error("baseline.not_written", folder=str(folder), error=str(error))
            return ()
        return good

    # --- one light -------------------------------------------------------------------------------------------

    async def _measure(self, name: str) -> LightSeen:
        if self._dark is None:
            await self._show(name, 0.0)
            self._dark = await self._shots(FRAMES)
        dark = self._dark
        answers, latency = await self._first_rise(name, dark)
        if latency is not None:
            self._latency = latency
        steps = []
        for level in LEVELS if answers else LEVELS[-1:]:
            await self._show(name, level)
            steps.append((level, await self._shots(MANY if level == LEVELS[-1] else FRAMES)))
        await self._show(name, 0.0)
        self._dark = await self._shots(FRAMES)
        return analyse(dark, steps, self._dark, latency)

    async def _first_rise(self, name: str, dark: Shots) -> tuple[bool, float | None]:
        """Up to the first level: does the picture follow, and how long after the command (half way up)?"""
        camera, now = self._eye, self.around.now
        floor = float(dark.mean.mean())
        trembling = float(dark.zones.mean(axis=(1, 2)).std())
        began = now()
        arrived = self._claim(name, LEVELS[0])
        until = arrived + WAIT_FOR_PICTURE
        shots = await camera.lane.call(
            lambda: _rise(camera.driver, until, arrived, floor, 6 * trembling + LEAST / 2, now),
            until - began + GRAB_WITHIN,
        )
        answers = float(shots.zones[-3:].mean()) - floor > 6 * trembling + LEAST / 2
        middle = crossing(shots, floor) if answers else None
        return answers, None if middle is None else max(0.0, middle - (began + arrived) / 2)

    async def _show(self, name: str, level: float) -> None:
        """This light at that level, all others dark; returns when the picture shows it."""
        around = self.around
        arrived = self._claim(name, level)
        await asyncio.sleep(max(0.0, arrived - around.now()))
        until = around.now() + SENT_WITHIN
        while around.now() < until and not all(
            unit.has_shown(around.rig.scene, around.now()) for unit in around.devices.lighting()
        ):
            await asyncio.sleep(0.005)  # a busy machine may be slow to send: else the rise would pass for flicker
        await asyncio.sleep(self._latency + MARGIN)

    def _claim(self, name: str, level: float) -> float:
        rig = self.around.rig
        wanted = {other: shown(fixture.personality, 0.0) for other, fixture in rig.fixtures.items()}
        wanted[name] = shown(rig.fixtures[name].personality, level)
        arrived = rig.claim(OWNER, Priority.TEST, wanted, now=self.around.now(), lease=LEASE)
        targets = rig.scene.targets(name)
        if any(targets[attribute] != value for attribute, value in wanted[name].items()):
            holder = rig.holder(name)
            raise Refused(f"{name} is held by {holder.owner if holder else 'somebody'}, who is stronger than a test")
        return arrived

    async def _shots(self, count: int) -> Shots:
        camera = self._eye
        return await camera.lane.call(lambda: _grab(camera.driver, count), GRAB_WITHIN)

    @property
    def _eye(self) -> CameraUnit:
        if self.camera is None:
            raise Refused("there is no camera to see the light with")
        return self.camera


def shown(personality: Personality, level: float) -> Levels:
    """What to tell a light so that it gives this share of white light at the colour lights are compared at."""
    has = personality.attributes
    emitters = [Attribute.WHITE] if Attribute.WHITE in has else [each for each in has if each in EMITTERS]
    levels: dict[Attribute, float] = {}
    for attribute in has:
        if attribute is Attribute.INTENSITY:
            levels[attribute] = level
        elif attribute in EMITTERS:
            on = 1.0 if Attribute.INTENSITY in has else level
            levels[attribute] = on if attribute in emitters else 0.0
        elif attribute is Attribute.CCT:
            low, high = limits(personality, attribute)
            levels[attribute] = min(high, max(low, WHITE))
        elif attribute is Attribute.TINT or attribute in HUE_SPAN:
            levels[attribute] = 0.0  # no tint; no saturation: white
        elif attribute in CIE_SPAN:
            levels[attribute] = personality.defaults()[attribute]  # its white
    return levels


def lightable(personality: Personality) -> bool:
    """Whether it has anything that makes light."""
    return bool((EMITTERS | {Attribute.INTENSITY}) & set(personality.attributes))


def _eye(desk: Desk) -> CameraUnit | None:
    """The camera of the exposure loop, else the first by name."""
    cameras: Mapping[str, CameraUnit] = desk.around.devices.cameras
    loop = desk.around.config.exposure
    if loop is not None and loop.camera in cameras:
        return cameras[loop.camera]
    return cameras[min(cameras)] if cameras else None


# --- on the camera's lane --------------------------------------------------------------------------------------


def _grab(camera: Camera, count: int) -> Shots:
    times, zones = [], []
    for _ in range(count):
        image = camera.grab()
        times.append(image.captured)
        zones.append(measure(image.pixels, 1.0).zones)
    return Shots(tuple(times), np.array(zones, np.float64))


def _rise(camera: Camera, until: float, arrived: float, floor: float, least: float, now: Callable[[], float]) -> Shots:
    """Pictures until the light stands still above ``floor`` + ``least``, at most to ``until``; but so many at least
    that it is the light that did not come, not the pictures."""
    times, zones = [], []
    means: list[float] = []
    while now() < until or len(means) < FRAMES:
        image = camera.grab()
        times.append(image.captured)
        zones.append(measure(image.pixels, 1.0).zones)
        means.append(float(zones[-1].mean()))
        last = means[-5:]
        rise = last[-1] - floor
        if now() > arrived and len(last) == 5 and min(last) - floor > least and max(last) - min(last) < 0.05 * rise:
            break
    return Shots(tuple(times), np.array(zones, np.float64))
