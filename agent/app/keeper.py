"""The keeper of the last look: takes it up at the start, writes down every change."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from agent.engine.messages import Playing
from agent.lighting.claims import Priority
from agent.lighting.memory import HeldClaim, LastLook, LookFile
from agent.lighting.rig import Rig
from config.model import LookSection
from config.units import Attribute, Levels
from drivers.errors import DriverError
from firmware_profiles.patch import Patch, Patched
from firmware_profiles.render import decode, render

log = structlog.get_logger(__name__)

PAUSE = 0.15
"""Seconds between two writes while lights keep moving: at the slew limit they come less than 10 % further, so even a
restart in the middle of a fade is no flash."""

AGAIN = 5.0
"""Seconds between two attempts while the disk refuses and no light moves."""


class LookKeeper:
    """``rig`` gives the present rig; ``disk`` runs blocking work on the disk lane."""

    def __init__(
        self,
        file: LookFile,
        rig: Callable[[], Rig],
        disk: Callable[[Callable[[], Any]], Awaitable[Any]],
        now: Callable[[], float],
    ) -> None:
        self._file = file
        self._rig = rig
        self._disk = disk
        self._now = now
        self._dirty = asyncio.Event()
        self.health = ""
        """Empty when all is well; else why the present look is not on the disk, for people."""
        self._changes = 0
        self._saved = 0

    async def read(self) -> LastLook | None:
        """The stored look, if there is one."""
        stored: LastLook | None = await self._disk(self._file.read)
        return stored

    def changed(self) -> None:
        """The lights go somewhere else from now on."""
        self._changes += 1
        self._dirty.set()

    async def run(self, told: Callable[[], None]) -> None:
        """Until cancelled: write down what changed, and have it ``told``."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(AGAIN if self.health else None):
                    await self._dirty.wait()
            self._dirty.clear()
            told()
            await self.remembered()
            await asyncio.sleep(PAUSE)
            if not self._rig().unmoved(self._now() - PAUSE):
                self.changed()  # where they are now is worth knowing, too: it is where a restart begins

    async def remembered(self) -> None:
        """Returns once the present look is on the disk, or the disk has refused (which is said)."""
        if self._saved >= self._changes:
            return
        saving, rig, now = self._changes, self._rig(), self._now()
        look = present(rig, now)
        try:
            await self._disk(lambda: self._file.write(look))
        except (OSError, DriverError) as error:  # DriverError: the disk's lane got no answer in time
            # the lights are as they should be; only a restart would bring an older look back
            health = f"the last look {self._file.path} cannot be written ({getattr(error, 'strerror', None) or error})"
            if health != self.health:
                log.error("look.not-saved", path=str(self._file.path), reason=str(error), next="free space")
            self.health = health
            return
        self.health = ""
        if rig.unmoved(now):  # lights on their way are not where they will be: who asks after them has it written anew
            self._saved = max(self._saved, saving)


def shown(rig: Rig, now: float) -> dict[str, dict[Attribute, float]]:
    """What every light shows; of one that is being tested, what it goes back to."""
    tested = {claim.fixture for claim in rig.claims(Priority.TEST)}
    return {name: rig.home(name) if name in tested else rig.scene.levels(name, now) for name in rig.fixtures}


def taken_over(old: Rig, fixtures: Patch, now: float) -> dict[str, dict[Attribute, float]]:
    """What the lights of another configuration show: those of the same name what they showed, one under a new name
    what its slots were sent."""
    found = {name: levels for name, levels in shown(old, now).items() if name in fixtures}
    owned = {(f.universe, slot) for f in old.fixtures.values() if not f.bus for slot in range(f.address, f.last + 1)}
    on_buses = {(f.bus, f.unit, f.channel): f for f in old.fixtures.values() if f.bus}
    for name, light in fixtures.items():
        was = on_buses.get((light.bus, light.unit, light.channel))
        if name not in found and was is not None and was.personality == light.personality:
            found[name] = shown(old, now)[was.name]
        elif (
            name not in found
            and not light.bus
            and any((light.universe, slot) in owned for slot in range(light.address, light.last + 1))
        ):
            frame = old.scene.frame(light.universe, now)
            found[name] = decode(light.personality, frame[light.address - 1 : light.last])
    return found


def present(rig: Rig, now: float) -> LastLook:
    """What is worth remembering: tests and leases are not."""
    held = (claim for claim in rig.claims(Priority.MANUAL) if claim.until is None)
    return LastLook(
        shown=shown(rig, now),
        going={name: rig.resting(name) for name in rig.fixtures},
        look={name: rig.look(name) for name in rig.fixtures},
        held=tuple(HeldClaim(owner=c.owner, fixture=c.fixture, levels={c.attribute: c.level}) for c in held),
        master=rig.master,
        stopped=rig.stopped,
    )


def begin(rig: Rig, last: LastLook | None, first: LookSection | None, now: float) -> None:
    """Give a fresh rig (made with the last look's ``shown`` and ``master``) the rest of the last look; at the first
    start of all, the configured one, faded in."""
    if last is not None:
        rig.recall(last.look)
        rig.go_on(last.going, now)
        for held in last.held:
            if held.fixture in rig.fixtures:
                able = set(rig.fixtures[held.fixture].personality.attributes)
                levels: Mapping[str, Levels] = {held.fixture: {a: v for a, v in held.levels.items() if a in able}}
                rig.claim(held.owner, Priority.MANUAL, levels, now=now)
        if last.stopped:
            rig.freeze(last.stopped, now)
        log.info("look.restored", fixtures=sorted(last.shown), stopped_by=last.stopped or None)
    elif first is not None:
        rig.apply_look(first.levels, now=now, fade=first.fade)
        log.info("look.first")
    else:
        log.warning("look.none", why="none is stored and lighting.start_look is not set", lights="at their defaults")


def seen(last: LastLook, fixtures: Mapping[str, Patched], outputs: Mapping[str, Playing], patch: str) -> LastLook:
    """``last`` with what lights do show instead of what was written last, as far as an output engine that outlived the
    last agent sends frames of the same ``patch``: it went on with the fades."""
    frames = {u: frame for each in outputs.values() if each.patch == patch for u, frame in each.wires.items() if frame}
    shown = dict(last.shown)
    for name, light in fixtures.items():
        if light.universe in frames:
            slots = frames[light.universe][light.address - 1 : light.last]
            if render(light.personality, shown.get(name, {})) != slots:  # else it is known better than slots tell
                shown[name] = decode(light.personality, slots)
    return last.model_copy(update={"shown": shown})


def carry(old: Rig, new: Rig, now: float) -> None:
    """Take people's holds over to the rig of another configuration, as far as its lights still can."""
    new.go_on({name: old.resting(name) for name in old.fixtures if name in new.fixtures}, now)
    new.recall({name: old.look(name) for name in old.fixtures})
    for claim in old.claims(Priority.MANUAL):
        fixture = new.fixtures.get(claim.fixture)
        if fixture is not None and claim.attribute in fixture.personality.attributes:
            lease = None if claim.until is None else claim.until - now
            levels: Mapping[str, Levels] = {claim.fixture: {claim.attribute: claim.level}}
            new.claim(claim.owner, Priority.MANUAL, levels, now=now, lease=lease)
    if old.stopped:
        new.freeze(old.stopped, now)
