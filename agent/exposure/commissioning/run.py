"""Carries a commissioning, or a proof, out: does what the plan says on the rig, and hands it the pictures.

Everything is claimed at TEST priority with a lease, under one owner: one release brings the look back, whatever
happens, at the slew limit. It is broken off at once by *on air*, by a hand on one of its lights, by a stop.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from agent.exposure.commissioning.instructions import Light, Moved, Set, Watch
from agent.exposure.commissioning.plan import Plan
from agent.exposure.commissioning.refusals import Ending, Refused, refuse
from agent.exposure.transport.matrix import Shot
from agent.lighting.claims import Priority
from agent.lighting.rig import Rig
from config.units import Attribute, Levels
from firmware_profiles.render import limits

R = TypeVar("R")

OWNER = "commissioning"
LEASE = 10.0
"""Seconds after which the look comes back by itself if this code has died."""
BEAT = 0.05
"""Seconds between two looks at what might break it off."""
SETTLED = 0.5
"""Seconds the lights have been at the look before the first picture counts."""


def lights_of(rig: Rig, names: Sequence[str]) -> list[Light]:
    """These lights, as a commissioning wants to know them: at the operator's look."""
    found = []
    for name in names:
        fixture, look = rig.fixtures[name], rig.look(name)
        kelvin = look.get(Attribute.CCT)
        kelvins = limits(fixture.personality, Attribute.CCT) if kelvin is not None else (2700.0, 6500.0)
        found.append(Light(name, look[Attribute.INTENSITY], fixture.role == "key", kelvin=kelvin, kelvins=kelvins))
    return found


class Run:
    """One of them. ``hear`` is given every measured picture while it runs, on the loop's thread."""

    def __init__(self, rig: Rig, now: Callable[[], float], on_air: Callable[[], bool]) -> None:
        self._rig = rig
        self._now = now
        self._on_air = on_air
        self._shots: asyncio.Queue[Shot] = asyncio.Queue()
        self._touched: Mapping[str, float] = {}
        self._levels: dict[str, dict[Attribute, float]] = {}

    def hear(self, shot: Shot) -> None:
        """A picture was measured."""
        self._shots.put_nowait(shot)

    async def of(self, plan: Plan[R], tell: Callable[[float], None]) -> R | Refused:
        """``tell`` is told how much is done, 0…1. Cancelled: the look comes back all the same."""
        rig, begun = self._rig, self._now()
        self._touched = {light.name: rig.touched.get(light.name, 0.0) for light in plan.lights}
        try:
            self._levels = {light.name: _look(light) for light in plan.lights}
            arrived = self._claim()
            why = await self._until(lambda: self._now() >= arrived + SETTLED)
            while why is None and plan.instruction is not None:
                todo = plan.instruction
                if isinstance(todo, Set):  # done at once: what is worth telling is the look after it
                    plan.reply(self._set(todo))
                    continue
                tell(min(0.99, (self._now() - begun) / plan.expected_seconds))
                shots, why = await self._watch(todo)
                if why is None:
                    plan.reply(shots)
            if why is not None:
                plan.abort(why)
                return refuse(why, {})
            back = self._claim()
            await self._until(lambda: self._now() >= back)
            assert plan.result is not None
            return plan.result
        finally:
            rig.release(self._now(), owner=OWNER)

    def _set(self, todo: Set) -> Moved:
        for name, level in todo.levels.items():
            self._levels[name][Attribute.INTENSITY] = level
        for name, kelvin in todo.kelvin.items():
            self._levels[name][Attribute.CCT] = kelvin
        began = self._now()
        return Moved(began, self._claim(todo.fade))

    def _claim(self, fade: float = 0.0) -> float:
        wanted: dict[str, Levels] = dict(self._levels)
        return self._rig.claim(OWNER, Priority.TEST, wanted, now=self._now(), fade=fade, lease=LEASE)

    async def _watch(self, todo: Watch) -> tuple[list[Shot], Ending | None]:
        """The next pictures, from now on."""
        while not self._shots.empty():
            self._shots.get_nowait()
        shots: list[Shot] = []
        until = self._now() + todo.within

        def enough() -> bool:
            while not self._shots.empty() and len(shots) < todo.pictures:
                shots.append(self._shots.get_nowait())
            return len(shots) >= todo.pictures or self._now() >= until

        return shots, await self._until(enough)

    async def _until(self, done: Callable[[], bool]) -> Ending | None:
        """Until it is so. Why it never will be, if something comes between."""
        renewed = self._now()
        while not done():
            if self._on_air():
                return "on-air"
            if self._rig.stopped:
                return "stopped"
            if any(self._rig.touched.get(name, 0.0) != at for name, at in self._touched.items()):
                return "touched"
            if self._now() > renewed + LEASE / 3:
                renewed = self._now()
                self._claim()
            await asyncio.sleep(BEAT)
        return None


def _look(light: Light) -> dict[Attribute, float]:
    levels = {Attribute.INTENSITY: light.look}
    return levels | ({Attribute.CCT: light.kelvin} if light.kelvin is not None else {})
