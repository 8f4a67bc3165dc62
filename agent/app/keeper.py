"""The keeper of the last look: takes it up at the start, writes down every change."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from agent.lighting.claims import Priority
from agent.lighting.memory import HeldClaim, LastLook, LookFile
from agent.lighting.rig import Rig
from config.model import LookSection
from config.units import Levels

log = structlog.get_logger(__name__)

PAUSE = 0.25
"""Seconds between two writes while lights keep changing."""


class LookKeeper:
    """``rig`` gives the present rig; ``disk`` runs blocking work on the disk lane."""

    def __init__(
        self, file: LookFile, rig: Callable[[], Rig], disk: Callable[[Callable[[], Any]], Awaitable[Any]]
    ) -> None:
        self._file = file
        self._rig = rig
        self._disk = disk
        self._dirty = asyncio.Event()
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
            await self._dirty.wait()
            self._dirty.clear()
            told()
            await self.remembered()
            await asyncio.sleep(PAUSE)

    async def remembered(self) -> None:
        """Returns once the present look is on the disk, or the disk has refused (which is said)."""
        if self._saved >= self._changes:
            return
        saving = self._changes
        look = present(self._rig())
        try:
            await self._disk(lambda: self._file.write(look))
        except OSError as error:
            # the lights are as they should be; only a restart would bring an older look back
            log.error("look.not-saved", path=str(self._file.path), reason=str(error))
            return
        self._saved = max(self._saved, saving)


def present(rig: Rig) -> LastLook:
    """What is worth remembering: tests and leases are not."""
    held = (claim for claim in rig.claims(Priority.MANUAL) if claim.until is None)
    return LastLook(
        shown={name: rig.resting(name) for name in rig.fixtures},
        look={name: rig.look(name) for name in rig.fixtures},
        held=tuple(HeldClaim(owner=c.owner, fixture=c.fixture, levels={c.attribute: c.level}) for c in held),
    )


def begin(rig: Rig, last: LastLook | None, first: LookSection | None, now: float) -> None:
    """Give a fresh rig (made with ``present=last.shown``) the rest of the last look; at the very first start, the
    configured one, faded in."""
    if last is not None:
        rig.recall(last.look)
        for held in last.held:
            if held.fixture in rig.fixtures:
                able = set(rig.fixtures[held.fixture].personality.attributes)
                levels: Mapping[str, Levels] = {held.fixture: {a: v for a, v in held.levels.items() if a in able}}
                rig.claim(held.owner, Priority.MANUAL, levels, now=now)
        log.info("look.restored", fixtures=sorted(last.shown))
    elif first is not None:
        rig.apply_look(first.levels, now=now, fade=first.fade)
        log.info("look.first")
    else:
        log.warning("look.none", why="none is stored and lighting.start_look is not set", lights="at their defaults")


def carry(old: Rig, new: Rig, now: float) -> None:
    """Take people's holds over to the rig of another configuration, as far as its lights still can."""
    new.recall({name: old.look(name) for name in old.fixtures})
    for claim in old.claims(Priority.MANUAL):
        fixture = new.fixtures.get(claim.fixture)
        if fixture is not None and claim.attribute in fixture.personality.attributes:
            lease = None if claim.until is None else claim.until - now
            levels: Mapping[str, Levels] = {claim.fixture: {claim.attribute: claim.level}}
            new.claim(claim.owner, Priority.MANUAL, levels, now=now, lease=lease)
