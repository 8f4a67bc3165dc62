"""What the verbs of the automatic fill light do."""

from collections.abc import Mapping
from typing import Any

from agent.app.arrival import free
from agent.app.commissions import LONGEST, Commissions, automatics, told, undisturbed
from agent.app.house import House
from agent.app.verbs import targets
from agent.exposure.commissioning.refusals import Refused
from agent.messaging.exposure_args import (
    ExposureCommission,
    ExposureHandback,
    ExposureProve,
    ExposureRelease,
    ExposureSet,
)
from agent.messaging.hints import lacks
from agent.messaging.lifecycle import ReasonCode, Refusal
from agent.messaging.verbs import Job, Verb
from config.units import Text
from drivers.base import Impact

LIGHT = ("auto_exposure", "gain_automatic")
"""Automatics of a camera that change how bright its picture is."""
CODES = {"on-air": ReasonCode.ON_AIR, "touched": ReasonCode.SUPERSEDED, "stopped": ReasonCode.STOPPED}
"""Of commissionings and proofs that were ended from outside."""


class ExposureVerbs:
    """exposure.set, exposure.release, exposure.handback, exposure.commission, exposure.prove."""

    def __init__(self, house: House, commissions: Commissions) -> None:
        self._house = house
        self._commissions = commissions

    def all(self) -> dict[str, Verb[Any]]:
        verbs: list[Verb[Any]] = [
            Verb("exposure.set", ExposureSet, self._set, missing=self._missing),
            Verb("exposure.handback", ExposureHandback, self._handback, check=self._can, missing=self._missing),
            Verb("exposure.release", ExposureRelease, self._release, missing=self._missing, always=True),
            Verb(
                "exposure.commission",
                ExposureCommission,
                self._commission,
                check=self._can_commission,
                impact=Impact.VISIBLE,
                deadline=LONGEST,
                missing=self._missing,
            ),
            Verb(
                "exposure.prove",
                ExposureProve,
                self._prove,
                check=self._can_commission,
                impact=Impact.VISIBLE,
                deadline=LONGEST,
                missing=self._missing,
            ),
        ]
        return {verb.name: verb for verb in verbs}

    def _missing(self) -> Text | None:
        return lacks("exposure") if self._house.config.exposure is None else None

    def _can(self, args: ExposureHandback) -> None:
        self._named(args)

    def _can_commission(self, args: ExposureCommission | ExposureProve) -> None:
        free(self._house)
        self._commissions.ready()

    def _named(self, args: ExposureHandback) -> list[str] | None:
        """The loop's own among the targets. Raises Refusal where there is none."""
        if args.targets is None:
            return None
        own = self._house.exposure.fixtures if self._house.exposure is not None else ()
        named = [name for name in targets(self._house.rig, args.targets) if name in own]
        if not named:
            en = f"none of these lights is the automatic fill light's; its own are {', '.join(own)}"
            zh = f"这些灯都不属于自动补光；自动补光的灯：{'、'.join(own)}"
            raise Refusal(ReasonCode.UNKNOWN_TARGET, Text(en, zh))
        return named

    # --- effects ---------------------------------------------------------------------------------------------

    async def _set(self, args: ExposureSet, job: Job) -> Mapping[str, Any]:
        house = self._house
        assert house.exposure is not None
        camera = house.exposure.section.camera
        if args.mode == "hold":
            undisturbed(house.devices.cameras[camera])
        if args.mode == "hold" and house.devices.cameras[camera].lane.health.state == "ok":
            on = [name for name in await automatics(house, camera) if name in LIGHT]
            if on:
                en = f"{', '.join(on)} of {camera} is on: it would work against the lights; camera.lock switches it off"
                zh = f"{camera} 的 {'、'.join(on)} 已开启，会与灯光对抗；可用 camera.lock 关闭"
                raise Refusal(ReasonCode.DEVICE_REFUSED, Text(en, zh))
        said = house.exposure_set(args)
        await self._remembered()
        return said

    async def _release(self, args: ExposureRelease, job: Job) -> Mapping[str, Any]:
        house = self._house
        held = house.exposure.now_state.holding if house.exposure else ()
        said = house.exposure_set(ExposureSet(mode=args.mode))
        await self._remembered()
        return {**said, "released": sorted(held)}

    async def _handback(self, args: ExposureHandback, job: Job) -> Mapping[str, Any]:
        loop = self._house.exposure
        assert loop is not None
        back = loop.hand_back(self._named(args), self._house.now())
        self._house.herald.exposure()
        await self._remembered()
        return {"handed_back": list(back), "out": list(loop.now_state.out)}

    async def _remembered(self) -> None:
        """Which lights are out of the loop is on the disk."""
        self._house.looks.changed()
        await self._house.looks.remembered()

    async def _commission(self, args: ExposureCommission, job: Job) -> Mapping[str, Any]:
        found, file = await self._commissions.run(args.empty, job.progress)
        if isinstance(found, Refused):
            raise _refusal(found)
        en = f"the lights of {found.transport.camera} are commissioned"
        zh = f"{found.transport.camera} 的补光灯已标定"
        self._house.herald.event("exposure.commissioned", Text(en, zh), camera=found.transport.camera, file=file)
        return told(found, file)

    async def _prove(self, args: ExposureProve, job: Job) -> Mapping[str, Any]:
        """What was found is data: the command has succeeded when every light was looked for."""
        found = await self._commissions.prove(job.progress)
        if isinstance(found, Refused):
            raise _refusal(found)
        bad = [answer for answer in found.answers.values() if answer.kind not in ("ok", "bright")]
        if bad:
            text = Text(" ".join(each.said.en for each in bad), "".join(each.said.zh for each in bad))
            self._house.herald.event("exposure.unproven", text, "warning", lights=[*found.answers])
        return {
            "proven": found.sound,
            "swapped": [list(ring) for ring in found.swapped],
            "lights": {
                name: {
                    "answer": answer.kind,
                    "share": round(answer.own, 3),
                    "sigma": round(answer.sigma, 4),
                    "others": {other: round(share, 3) for other, share in answer.others.items()},
                    "en": answer.said.en,
                    "zh": answer.said.zh,
                }
                for name, answer in found.answers.items()
            },
        }


def _refusal(found: Refused) -> Refusal:
    return Refusal(
        CODES.get(found.code, ReasonCode.DEVICE_REFUSED),
        Text(f"{found.said.en} {found.remedy.en}", f"{found.said.zh}{found.remedy.zh}"),
    )
