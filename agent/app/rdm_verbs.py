"""What the verbs of RDM do: look who is on a line, let one show itself, set one."""

import asyncio
from collections.abc import Mapping
from typing import Any

from agent.app.house import House
from agent.app.rdm_lines import SHOWN, RdmLines
from agent.app.rdm_work import ON_AIR
from agent.messaging.lifecycle import ReasonCode, Refusal
from agent.messaging.rdm_args import RdmIdentify, RdmSet, RdmSurvey
from agent.messaging.verbs import Job, Verb
from drivers.base import Impact
from drivers.errors import DeviceMissing, LinkLost, WorkLost

LONGEST = 600.0
LOOK_ROUND = 0.1
"""Seconds between looks at the air state while a device shows itself."""
INSIST = 30.0
"""Seconds for which a device that shows itself is told to end it, while its output is away."""

Asked = RdmSurvey | RdmIdentify | RdmSet


class RdmVerbs:
    """rdm.survey, rdm.identify, rdm.set."""

    def __init__(self, house: House, lines: RdmLines) -> None:
        self._house = house
        self._lines = lines

    def all(self) -> dict[str, Verb[Any]]:
        visible = Impact.VISIBLE
        verbs: list[Verb[Any]] = [
            Verb("rdm.survey", RdmSurvey, self._survey, check=self._can, deadline=LONGEST),
            Verb("rdm.identify", RdmIdentify, self._identify, check=self._can, impact=visible, deadline=120.0),
            Verb("rdm.set", RdmSet, self._set, check=self._can, impact=visible, deadline=60.0),
        ]
        return {verb.name: verb for verb in verbs}

    def _can(self, args: Asked) -> None:
        self._lines.work.line(args.output, args.universe)
        self._lines.work.free(args.output)

    async def _survey(self, args: RdmSurvey, job: Job) -> Mapping[str, Any]:
        looked = await self._lines.look(args.output, args.universe)
        found = looked.found
        place = args.output, self._lines.work.line(args.output, args.universe)[1]
        return {
            "searched": looked.searched,
            "complete": found.discovery.complete,
            "count": len(found.discovery.uids),
            "devices": [each.told().model_dump() for each in self._lines.fits(place, found)[:SHOWN]],
            "silent": [str(uid) for uid in found.mute][:SHOWN],
            "changes": [
                {
                    "uid": str(each.uid),
                    "what": str(each.what),
                    "said": {"en": each.said.en, "zh": each.said.zh},
                    "next": {"en": each.next_step.en, "zh": each.next_step.zh},
                }
                for each in looked.news
            ],
        }

    async def _identify(self, args: RdmIdentify, job: Job) -> Mapping[str, Any]:
        house = self._house
        # reserved all the while: a survey meanwhile would leave the device flashing
        with self._lines.work.reserved(args.output):
            try:
                await self._lines.work.do(args.output, args.universe, "show", args.uid)
                end = house.now() + args.seconds
                while house.now() < end:
                    if house.on_air():
                        raise Refusal(ReasonCode.ON_AIR, ON_AIR)
                    await asyncio.sleep(LOOK_ROUND)
            finally:
                await asyncio.shield(asyncio.ensure_future(self._hide(args)))
        return {"uid": args.uid}

    async def _hide(self, args: RdmIdentify) -> None:
        """A light must not go on flashing because its output was away for a moment."""
        end = self._house.now() + INSIST
        while True:
            try:
                await self._lines.work.do(args.output, args.universe, "hide", args.uid)
                return
            except (DeviceMissing, LinkLost, WorkLost):
                if self._house.now() > end:
                    raise
                await asyncio.sleep(LOOK_ROUND)

    async def _set(self, args: RdmSet, job: Job) -> Mapping[str, Any]:
        with self._lines.work.reserved(args.output):
            work = self._lines.work.do
            await work(args.output, args.universe, "set", args.uid, args.address, args.personality, args.label)
        return args.model_dump(include={"uid", "address", "personality", "label"}, exclude_none=True)
