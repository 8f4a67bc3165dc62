"""The keeper of the last look: takes it up at the start, writes down every change."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal

import structlog

from agent.engine.messages import Playing
from agent.lighting.claims import Priority
from agent.lighting.looks import fitting
from agent.lighting.masters import GRAND
from agent.lighting.memory import HeldClaim, LastLook, LookFile, PlayedCue
from agent.lighting.rig import Rig
from agent.lighting.scene import Scene
from config.model import StudioConfig
from config.show import LookSection
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


LED = 1.0
"""Seconds between two looks at lights that a console has: it may move them for hours, and a disk wears."""


LASTING: Mapping[Literal["manual", "schedule"], Priority] = {
    "schedule": Priority.SCHEDULE,
    "manual": Priority.MANUAL,
}
"""Claims that outlive a restart or a reload."""


Sent = tuple[Mapping[int, bytes], Mapping[str, Levels]]
"""Frames of universes, and levels of lamps, that may be others than the scene's."""


class LookKeeper:
    """``rig`` gives the present rig; ``disk`` runs blocking work on the disk lane."""

    def __init__(
        self,
        file: LookFile,
        rig: Callable[[], Rig],
        disk: Callable[[Callable[[], Any]], Awaitable[Any]],
        now: Callable[[], float],
        cues: Callable[[], Mapping[str, PlayedCue]],
        wall: Callable[[], float],
        sent: Callable[[], "Sent"] = lambda: ({}, {}),
    ) -> None:
        """``sent``: see :func:`present`."""
        self._file = file
        self._rig = rig
        self._disk = disk
        self._now = now
        self._cues = cues
        self._wall = wall
        self._sent = sent
        self._dirty = asyncio.Event()
        self.health = ""
        """Empty when all is well; else why the present look is not on the disk, for people."""
        self._frames: Mapping[int, bytes] = {}
        """What lights that are led, or a console's, had been sent when this was looked at last."""
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
                async with asyncio.timeout(AGAIN if self.health else LED if self._frames else None):
                    await self._dirty.wait()
            if (frames := self._sent()[0]) != self._frames:
                self._frames = frames
                self.changed()
            if self._dirty.is_set():
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
        look = present(rig, now, self._wall(), self._cues(), self._sent())
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


def present(
    rig: Rig, now: float, wall: float, cues: Mapping[str, PlayedCue], sent: Sent = (MappingProxyType({}),) * 2
) -> LastLook:
    """What is worth remembering: tests are not. Leases end by the ``wall`` clock while nothing runs. ``sent``: what of
    it lights are not at yet, because they are led or a console's: a restart goes on from where they are."""
    frames, lamps = sent
    showing = as_sent(shown(rig, now), rig.fixtures, frames)
    for name, levels in lamps.items():
        if name in showing and levels.keys() == showing[name].keys():
            showing[name] = dict(levels)
    return LastLook(
        shown=showing,
        going={name: rig.resting(name) for name in rig.fixtures},
        look={name: rig.look(name) for name in rig.fixtures},
        held=tuple(
            HeldClaim(
                owner=c.owner,
                priority=word,
                fixture=c.fixture,
                levels={c.attribute: c.level},
                until=None if c.until is None else wall + c.until - now,
                left=None if c.until is None else c.until - now,
            )
            for word, priority in LASTING.items()
            for c in rig.claims(priority)
        ),
        cues=dict(cues),
        **_masters(rig),
        stopped=rig.stopped,
        withdrawn=tuple(sorted(rig.withdrawn)),
    )


def begin(rig: Rig, last: LastLook | None, first: LookSection | None, now: float, wall: float) -> None:
    """Give a fresh rig (made with the last look's ``shown`` and ``master``) the rest of the last look; at the first
    start of all, the configured one, faded in."""
    if last is not None:
        rig.recall(fitting(last.look, rig.fixtures)[0])
        rig.go_on(fitting(last.going, rig.fixtures)[0], now)
        for held in last.held:
            lease = held.lease(wall)
            levels, _ = fitting({held.fixture: held.levels}, rig.fixtures)
            if lease is None or lease > 0:
                rig.claim(held.owner, LASTING[held.priority], levels, now=now, lease=lease)
        rig.withdrawn = {name for name in last.withdrawn if name in rig.fixtures}
        if last.stopped:
            rig.freeze(last.stopped, now)
        log.info("look.restored", fixtures=sorted(last.shown), stopped_by=last.stopped or None)
    elif first is not None:
        rig.apply_look(first.levels, now=now, fade=first.fade)
        log.info("look.first")
    else:
        log.warning("look.none", why="none is stored and lighting.start_look is not set", lights="at their defaults")


def rig(
    config: StudioConfig, fixtures: Mapping[str, Patched], show: Callable[[Scene], None], last: LastLook | None
) -> Rig:
    """The rig of a configuration, lights and masters as they were last."""
    was = last or LastLook()
    return Rig(
        fixtures,
        rate=config.safety.slew_on_air,
        present=fitting(was.shown, fixtures)[0],
        show=show,
        groups={name: group.fixtures for name, group in config.groups.items()},
        masters={GRAND: was.master, **was.submasters},
        blackout=was.blackout,
    )


def frames(rig: Rig, now: float) -> dict[int, bytes]:
    """Every universe's frame as the scene has it now."""
    universes = {light.universe for light in rig.fixtures.values() if not light.bus}
    return {universe: rig.scene.frame(universe, now) for universe in universes}


def successor(old: Rig, config: StudioConfig, fixtures: Patch, show: Callable[[Scene], None], now: float) -> Rig:
    """The rig of another configuration, its lights where this one has them, with what people and cue lists hold. It
    shows nothing yet: outputs and buses of the old one could not play a scene whose lights they do not have."""
    was = LastLook(shown=taken_over(old, fixtures, now), **_masters(old))
    made = rig(config, fixtures, lambda scene: None, was)
    carry(old, made, now)
    made.limit(old.rate, now, old.scene.on_air)
    made.show = show
    return made


def _masters(rig: Rig) -> dict[str, Any]:
    full = {name: level for name, level in rig.masters.levels.items() if name != GRAND and level < 1.0}
    return {"master": rig.master, "submasters": full, "blackout": rig.masters.blackout}


def seen(last: LastLook, fixtures: Mapping[str, Patched], outputs: Mapping[str, Playing], patch: str) -> LastLook:
    """``last`` with what lights do show instead of what was written last, as far as an output engine that outlived the
    last agent sends frames of the same ``patch``: it went on with the fades."""
    frames = {u: frame for each in outputs.values() if each.patch == patch for u, frame in each.wires.items() if frame}
    return last.model_copy(update={"shown": as_sent(last.shown, fixtures, frames)})


def as_sent(
    shown: Mapping[str, dict[Attribute, float]], fixtures: Mapping[str, Patched], frames: Mapping[int, bytes]
) -> dict[str, dict[Attribute, float]]:
    """``shown``, but what these frames have where they have something else."""
    found = dict(shown)
    for name, light in fixtures.items():
        if frame := frames.get(light.universe):
            slots = frame[light.address - 1 : light.last]
            if render(light.personality, found.get(name, {})) != slots:  # else it is known better than slots tell
                found[name] = decode(light.personality, slots)
    return found


def sent_levels(scene: Scene, now: float, frames: Mapping[int, bytes]) -> dict[str, float]:
    """What every light is sent now: share of full light by name, else by ``name.attribute``. ``frames``: of universes
    that a console has, or that are led."""
    shown: dict[str, dict[Attribute, float]] = {name: {} for name in scene.fixtures}
    for (name, attribute), fade in scene.fades.items():
        shown[name][attribute] = fade.at(now)
    told = as_sent(shown, scene.fixtures, frames) if frames else shown
    return {n if a is Attribute.INTENSITY else f"{n}.{a}": level for n, has in told.items() for a, level in has.items()}


def carry(old: Rig, new: Rig, now: float) -> None:
    """Take people's holds and cue lists' over to the rig of another configuration, as far as its lights still can."""
    new.go_on({name: old.resting(name) for name in old.fixtures if name in new.fixtures}, now)
    new.recall({name: old.look(name) for name in old.fixtures})
    for claim in (claim for priority in LASTING.values() for claim in old.claims(priority)):
        fixture = new.fixtures.get(claim.fixture)
        if fixture is not None and claim.attribute in fixture.personality.attributes:
            lease = None if claim.until is None else claim.until - now
            levels: Mapping[str, Levels] = {claim.fixture: {claim.attribute: claim.level}}
            new.claim(claim.owner, claim.priority, levels, now=now, lease=lease)
    new.withdrawn = {name for name in old.withdrawn if name in new.fixtures}
    if old.stopped:
        new.freeze(old.stopped, now)
