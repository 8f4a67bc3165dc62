"""The RDM lines of the studio: searched when asked or, where the configuration says so, by themselves off air; what was
found is kept on the disk, told as a state, compared with the rig, and its changes are events."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import structlog

from agent.app import rules
from agent.app.house import House
from agent.app.rdm_fits import Fit, fit
from agent.app.rdm_memory import Line, Place, RdmFile, merged
from agent.app.rdm_work import RdmWork, has_rdm
from agent.health.alerts import Condition
from agent.lighting.rig import Rig
from agent.messaging.header import iso
from agent.messaging.lifecycle import Refusal
from agent.messaging.rdm_payloads import RdmLine, RdmState
from config.units import SILENT, Text
from drivers.base import Identity
from drivers.dmx.rdm_changes import Change, changes
from drivers.dmx.rdm_survey import Survey
from drivers.errors import DriverError
from firmware_profiles import library
from firmware_profiles.library import Library

log = structlog.get_logger(__name__)

SHOWN = 24
"""Devices told of a line; its count says how many there are."""
LOOK = 0.5
"""Seconds between looks whether a line is to be searched."""
CALM = 30.0
"""Seconds it must have been off air before a line is searched by itself."""
AGAIN = 300.0
"""Seconds after a search that could not be done."""
HOUR = 3600.0


class Looked(NamedTuple):
    """What came of looking: what was found this time, all that is known since, what is otherwise than before."""

    found: Survey
    known: Line
    news: Sequence[Change]
    searched: bool


class RdmLines:
    """See the module. ``calm``: see :data:`CALM`."""

    def __init__(self, house: House) -> None:
        self.work = RdmWork(house)
        self.calm = CALM
        self._house = house
        self._known: dict[Place, Line] = {}
        self._shelf: Library | None = None
        """The profiles; none: nothing was read yet."""
        self._fits: dict[Place, tuple[tuple[Survey, Rig, Library], list[Fit]]] = {}
        self._reading = asyncio.Lock()
        self._on_air_told: dict[Place, tuple[Change, ...]] = {}
        self._due: dict[Place, float] = {}
        self._seen: dict[str, Identity | None] = {}
        self._off_since: float | None = None

    # --- what is known -----------------------------------------------------------------------------------------------

    async def recall(self) -> None:
        """What was found before the start. A disk that does not answer is tried again at the next search."""
        async with self._reading:
            if self._shelf is not None:
                return
            file, folders = self._file, self._house.config.agent.profile_dirs
            try:
                found, shelf = await self._house.on_disk(lambda: (file.read(), library.load(folders)))
            except DriverError as error:
                log.warning("rdm.not_read", path=str(file.path), reason=str(error))
                return
            self._known, self._shelf = {**found, **self._known}, shelf
        self._house.herald.rdm()

    def fits(self, place: Place, survey: Survey) -> list[Fit]:
        """How each device that was read fits the rig."""
        rig, shelf = self._house.rig, self._shelf or library.load()
        made_of = survey, rig, shelf
        before = self._fits.get(place)
        if before is None or any(one is not other for one, other in zip(before[0], made_of, strict=True)):
            found = [fit(each, place[1], rig.fixtures.values(), shelf) for each in survey.responders]
            before = self._fits[place] = made_of, found  # the alerts ask twice a second
        return before[1]

    def states(self) -> Iterator[tuple[str, RdmState]]:
        """The state of every output that can do RDM, by its name."""
        for name, output in self._house.devices.outputs.items():
            if has_rdm(output):
                lines = (self._line((name, universe)) for universe in output.section.universes)
                yield name, RdmState(lines=tuple(line for line in lines if line is not None))

    def conditions(self) -> Iterator[Condition]:
        """Lights that RDM has seen, and that are gone now or not what they are set up as."""
        for name, output in self._house.devices.outputs.items():
            for universe in output.section.universes if has_rdm(output) else ():
                if (line := self._known.get((name, universe))) is not None:
                    yield from self._judged((name, universe), line)

    def _judged(self, place: Place, line: Line) -> Iterator[Condition]:
        gone = {each.info.address: each for each in line.gone}
        wrong = {each.fixture: each for each in self.fits(place, line.survey) if each.wrong}
        for light in self._house.rig.fixtures.values():
            if light.universe != place[1]:
                continue
            missed, other = gone.get(light.address), wrong.get(light.name)
            said, what_next = (other.said, other.next_step) if other else (SILENT, SILENT)
            yield from rules.on_line(light.name, missed.name if missed else "", said, what_next)

    def _line(self, place: Place) -> RdmLine | None:
        known = self._known.get(place)
        if known is None:
            return None
        search = known.survey.discovery
        return RdmLine(
            universe=place[1],
            searched=iso(known.searched) if known.searched else None,
            complete=search.complete,
            count=len(search.uids),
            devices=tuple(each.told() for each in self.fits(place, known.survey)[:SHOWN]),
            gone=tuple(Fit(each).told() for each in known.gone[:SHOWN]),
        )

    # --- looking -----------------------------------------------------------------------------------------------------

    async def look(self, output: str, universe: int | None) -> Looked:
        """Search the line and read everybody; on air those that are known are read, and nobody is looked for. Raises
        Refusal, DriverError."""
        house = self._house
        folders = house.config.agent.profile_dirs
        with self.work.reserved(output):
            await self.recall()
            self._shelf = await house.on_disk(lambda: library.load(folders))  # a profile may have been added
            place = output, self.work.line(output, universe)[1]
            before = self._known.get(place)
            if searched := not house.on_air():
                found: Survey = await self.work.do(*place, "survey")
                known = self._known[place] = merged(before, found, house.host.wall())
                kept = dict(self._known)
                await house.on_disk(lambda: self._write(kept))
            else:
                uids = before.survey.discovery.uids if before else ()
                found = await self.work.do(*place, "read", tuple(map(str, uids)))
                known = before or Line(found)
        news = changes(before.survey, found)[:SHOWN] if before is not None else []
        self._tell(place, news, searched)
        house.herald.rdm()
        return Looked(found, known, news, searched)

    async def run(self) -> None:
        """Until cancelled: search the lines that are to be searched by themselves."""
        while True:
            await self.turn()
            await asyncio.sleep(LOOK)

    async def turn(self) -> None:
        """Search those lines whose time has come."""
        for place in tuple(self._wanted()):
            self._due[place] = self._house.now() + AGAIN
            try:
                await self.look(*place)
            except (Refusal, DriverError) as error:
                log.info("rdm.not_searched", output=place[0], universe=place[1], reason=str(error))
            else:
                self._due[place] = self._house.now() + self._house.config.rdm.every * HOUR

    def _wanted(self) -> Iterator[Place]:
        """Lines whose time has come: at the start, when their device is back or another one, and then now and then."""
        house, now = self._house, self._house.now()
        self._off_since = None if house.on_air() else now if self._off_since is None else self._off_since
        for name, output in house.devices.outputs.items():
            health = output.lane.health
            there = health.identity if health.state == "ok" else None
            if there is None or there is not self._seen.get(name):  # opened anew, however short it was away
                self._seen[name] = there
                for universe in output.section.universes:
                    self._due.pop((name, universe), None)
            if there is None or self._off_since is None or now < self._off_since + self.calm:
                continue
            if name in house.config.rdm.survey and has_rdm(output) and not house.tests.running:
                yield from ((name, one) for one in output.section.universes if now >= self._due.get((name, one), now))

    # --- inside ------------------------------------------------------------------------------------------------------

    def _tell(self, place: Place, news: Sequence[Change], searched: bool) -> None:
        """One event per change. What is read on air is compared with the last search, and is told once all the same."""
        before = self._on_air_told.pop(place, ())
        for each in news:
            if each not in before:
                said = Text(f"{each.said.en} {each.next_step.en}", f"{each.said.zh}{each.next_step.zh}")
                where = {"output": place[0], "universe": place[1], "uid": str(each.uid)}
                self._house.herald.event("rdm.changed", said, what=str(each.what), **where)
        if not searched:
            self._on_air_told[place] = tuple(news)

    @property
    def _file(self) -> RdmFile:
        return RdmFile(self._house.config.agent.state_dir)

    def _write(self, found: dict[Place, Line]) -> None:
        try:
            self._file.write(found)
        except OSError as error:  # the survey is no less true for it
            log.error("rdm.not_kept", path=str(self._file.path), reason=str(error))
