"""What the verbs of RDM do: look who is on a line, let one show itself, set one. One transaction at a time, so that the
levels go on; before each of them the interlock is asked."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import structlog

from agent.app.house import House
from agent.app.rdm_memory import Place, RdmFile, merged
from agent.lighting.output import OutputUnit
from agent.messaging.hints import hint
from agent.messaging.lifecycle import ReasonCode, Refusal
from agent.messaging.rdm_args import RdmIdentify, RdmSet, RdmSurvey
from agent.messaging.verbs import Job, Verb
from config.units import Text
from drivers.base import Impact
from drivers.dmx.rdm_changes import Change, changes, firmware
from drivers.dmx.rdm_jobs import Turn
from drivers.dmx.rdm_survey import Responder, Survey
from drivers.errors import DeviceMissing, LinkLost, WorkLost
from firmware_profiles import library
from firmware_profiles.library import Library
from firmware_profiles.rdm import choose

log = structlog.get_logger(__name__)

STEP = 3.0
"""Seconds one step may take, the lane's own work included."""
LONGEST = 600.0
SHOWN = 24
"""Devices told in an answer; it says how many there are."""
LOOK_ROUND = 0.1
"""Seconds between looks at the air state while a device shows itself."""
INSIST = 30.0
"""Seconds for which a device that shows itself is told to end it, while its output is away."""
ON_AIR = Text("RDM only reads on air", "直播期间RDM仅读取")

Asked = RdmSurvey | RdmIdentify | RdmSet


class RdmVerbs:
    """rdm.survey, rdm.identify, rdm.set."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._busy: set[str] = set()
        self._on_air_told: dict[Place, tuple[Change, ...]] = {}
        self._last: dict[Place, Survey] = {}
        """What was found last, also before the start; for what has changed."""
        self._has_read = False

    def all(self) -> dict[str, Verb[Any]]:
        visible = Impact.VISIBLE
        verbs: list[Verb[Any]] = [
            Verb("rdm.survey", RdmSurvey, self._survey, check=self._can, deadline=LONGEST),
            Verb("rdm.identify", RdmIdentify, self._identify, check=self._can, impact=visible, deadline=120.0),
            Verb("rdm.set", RdmSet, self._set, check=self._can, impact=visible, deadline=60.0),
        ]
        return {verb.name: verb for verb in verbs}

    # --- checks ----------------------------------------------------------------------------------------------

    def _can(self, args: Asked) -> None:
        self._line(args)
        if args.output in self._busy:
            raise Refusal(ReasonCode.BUSY, Text(f"RDM is at work on {args.output}", f"{args.output} 的RDM正忙"))

    def _line(self, args: Asked) -> tuple[OutputUnit, int]:
        """The output and the universe that are meant. Raises Refusal."""
        outputs = self._house.devices.outputs
        if args.output not in outputs:
            meant = hint(args.output, list(outputs))
            said = Text(f"output {args.output}; {meant.en}", f"输出 {args.output}；{meant.zh}")
            raise Refusal(ReasonCode.UNKNOWN_TARGET, said)
        output = outputs[args.output]
        universes = output.section.universes
        universe = args.universe or universes[0]
        if universe not in universes or (args.universe is None and len(universes) > 1):
            which = ", ".join(map(str, universes))
            said = Text(f"universe: {args.output} has {which}", f"域：{args.output} 有 {which}")
            raise Refusal(ReasonCode.UNKNOWN_TARGET, said)
        if not hasattr(output.driver, "rdm"):
            said = Text(f"{output.section.driver} has no RDM", f"{output.section.driver} 不支持RDM")
            raise Refusal(ReasonCode.UNSUPPORTED, said)
        return output, universe

    # --- effects ---------------------------------------------------------------------------------------------

    async def _survey(self, args: RdmSurvey, job: Job) -> Mapping[str, Any]:
        house = self._house
        on_air = house.on_air()
        universe = self._line(args)[1]
        last = await self._known()
        before = last.get((args.output, universe))
        if on_air:
            uids = before.discovery.uids if before else ()
            with self._reserved(args):
                found: Survey = await self._do(args, "read", tuple(map(str, uids)))
        else:
            with self._reserved(args):
                found = await self._do(args, "survey")
            last[args.output, universe] = merged(before, found)
            kept = dict(last)
            await house.on_disk(lambda: self._write(kept))
        folders = house.config.agent.profile_dirs
        shelf = await house.on_disk(lambda: library.load(folders))
        told = found.responders[:SHOWN]
        news = changes(before, found)[:SHOWN] if before is not None else []
        self._tell((args.output, universe), news, on_air)
        return {
            "searched": not on_air,
            "complete": found.discovery.complete,
            "count": len(found.discovery.uids),
            "devices": [_told(each) | self._fits(each, universe, shelf) for each in told],
            "silent": [str(uid) for uid in found.mute][:SHOWN],
            "changes": [
                {
                    "uid": str(each.uid),
                    "what": str(each.what),
                    "said": {"en": each.said.en, "zh": each.said.zh},
                    "next": {"en": each.next_step.en, "zh": each.next_step.zh},
                }
                for each in news
            ],
        }

    def _tell(self, place: Place, news: Sequence[Change], on_air: bool) -> None:
        """One event per change. What is read on air is compared with the last search, and is told once all the same."""
        before = self._on_air_told.pop(place, ())
        for each in news:
            if each not in before:
                said = Text(f"{each.said.en} {each.next_step.en}", f"{each.said.zh}{each.next_step.zh}")
                where = {"output": place[0], "universe": place[1], "uid": str(each.uid)}
                self._house.herald.event("rdm.changed", said, what=str(each.what), **where)
        if on_air:
            self._on_air_told[place] = tuple(news)

    async def _identify(self, args: RdmIdentify, job: Job) -> Mapping[str, Any]:
        house = self._house
        with self._reserved(args):  # all the while: a survey that began meanwhile would leave the device flashing
            try:
                await self._do(args, "show", args.uid)
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
                await self._do(args, "hide", args.uid)
                return
            except (DeviceMissing, LinkLost, WorkLost):
                if self._house.now() > end:
                    raise
                await asyncio.sleep(LOOK_ROUND)

    async def _set(self, args: RdmSet, job: Job) -> Mapping[str, Any]:
        with self._reserved(args):
            await self._do(args, "set", args.uid, args.address, args.personality, args.label)
        return args.model_dump(include={"uid", "address", "personality", "label"}, exclude_none=True)

    def _fits(self, each: Responder, universe: int, shelf: Library) -> dict[str, Any]:
        """Which light of the rig it is, which profile holds for it, and what to do where these two differ. Nothing is
        changed by it: a profile is chosen by a person."""
        lights = self._house.rig.fixtures.values()
        light = next((one for one in lights if (one.universe, one.address) == (universe, each.info.address)), None)
        chosen = choose(shelf, each.uid.manufacturer, each.info.model, each.firmware)
        said, what_next = chosen.said, chosen.next_step
        if light is not None and chosen.profile is not None and chosen.profile.name != light.profile.name:
            name, has = chosen.profile.name, light.profile.name
            said = Text(f"{light.name} is set up as {has}, and is {name}.", f"{light.name} 配置为{has}，实际为{name}。")
            what_next = Text(
                f'Set profile = "{name}" for {light.name} off air, then reload.',
                f'请在非直播时为 {light.name} 设置profile = "{name}"，然后重新加载。',
            )
        elif light is not None and light.personality.footprint != each.info.footprint:
            slots, ours = each.info.footprint, light.personality.footprint
            said = Text(
                f"{light.name} is set up with {ours} slots, and takes {slots}.",
                f"{light.name} 配置为{ours}个通道，实际占用{slots}个。",
            )
            what_next = Text(
                "Choose the personality that the light is set to, or set the light to the configured one.",
                "请选择灯具当前的模式，或将灯具改为配置中的模式。",
            )
        return {
            "fixture": light.name if light else None,
            "profile": chosen.profile.name if chosen.profile else None,
            "said": {"en": said.en, "zh": said.zh},
            "next": {"en": what_next.en, "zh": what_next.zh},
        }

    # --- inside ----------------------------------------------------------------------------------------------

    @property
    def _file(self) -> RdmFile:
        return RdmFile(self._house.config.agent.state_dir)

    async def _known(self) -> dict[Place, Survey]:
        if not self._has_read:
            for place, found in (await self._house.on_disk(self._file.read)).items():
                self._last.setdefault(place, found)  # another output's survey may have been quicker
            self._has_read = True
        return self._last

    def _write(self, found: Mapping[Place, Survey]) -> None:
        try:
            self._file.write(found)
        except OSError as error:  # the survey is no less true for it
            log.error("rdm.not_kept", path=str(self._file.path), reason=str(error))

    @contextmanager
    def _reserved(self, args: Asked) -> Iterator[None]:
        """One piece of RDM work at a time on an output. Raises Refusal."""
        self._can(args)
        self._busy.add(args.output)
        try:
            yield
        finally:
            self._busy.discard(args.output)

    async def _do(self, args: Asked, what: str, *more: Any) -> Any:
        """Some RDM work, step by step. Raises Refusal, DriverError."""
        output, universe = self._line(args)
        await output.lane.ask("rdm_begin", universe, what, more, self._house.on_air(), timeout=STEP)
        while True:
            on_air = self._house.on_air()
            if on_air and what not in ("read", "hide"):
                raise Refusal(ReasonCode.ON_AIR, ON_AIR)
            turn: Turn = await output.lane.ask("rdm_step", universe, on_air, timeout=STEP)
            if turn.done:
                return turn.result
            await asyncio.sleep(turn.rest)


def _told(each: Responder) -> dict[str, Any]:
    return {
        "uid": str(each.uid),
        "model": each.model,
        "label": each.label,
        "firmware": firmware(each),
        "address": each.info.address,
        "footprint": each.info.footprint,
        "personality": each.info.personality,
    }
