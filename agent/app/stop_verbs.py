"""What the verbs for many lights together do: stop, its end, masters, blackout, its end."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

from agent.app.arrival import A_DAY, LOOK_AGAIN, free, handed_over, on_the_wire
from agent.app.house import House
from agent.lighting.masters import GRAND
from agent.messaging.commands import LightsMaster, LightsStop, LightsStopReset
from agent.messaging.header import Say
from agent.messaging.hints import hint
from agent.messaging.lifecycle import ReasonCode, Refusal
from agent.messaging.payloads import Event
from agent.messaging.show_args import LightsBlackout, LightsRestore, SubmasterSet
from agent.messaging.verbs import Job, Verb
from config.units import Text


class StopVerbs:
    """lights.stop, lights.stop.reset, lights.master, submaster.set, lights.blackout, lights.restore."""

    def __init__(self, house: House) -> None:
        self._house = house

    def all(self) -> dict[str, Verb[Any]]:
        verbs: list[Verb[Any]] = [
            Verb("lights.stop", LightsStop, self._stop, always=True),
            Verb("lights.stop.reset", LightsStopReset, self._reset, check=self._can_reset, always=True),
            Verb("lights.master", LightsMaster, self._master, check=self._can_move, deadline=A_DAY),
            Verb("submaster.set", SubmasterSet, self._submaster, check=self._can_submaster, deadline=A_DAY),
            Verb("lights.blackout", LightsBlackout, self._black_out, check=self._can_move, deadline=A_DAY),
            Verb("lights.restore", LightsRestore, self._restore, check=self._can_restore, deadline=A_DAY),
        ]
        return {verb.name: verb for verb in verbs}

    def _can_reset(self, args: LightsStopReset) -> None:
        if not self._house.rig.stopped:
            raise Refusal(ReasonCode.UNKNOWN_TARGET, Text("the lights are not stopped", "灯光未被停止"))

    def _can_move(self, args: Any) -> None:
        free(self._house)

    def _can_restore(self, args: LightsRestore) -> None:
        free(self._house)
        if not self._house.rig.masters.blackout:
            raise Refusal(ReasonCode.UNKNOWN_TARGET, Text("there is no blackout", "没有全场暗场"))

    def _can_submaster(self, args: SubmasterSet) -> None:
        free(self._house)
        groups = [name for name in self._house.rig.masters.levels if name != GRAND]
        if args.group not in groups:
            meant = hint(args.group, groups)
            raise Refusal(
                ReasonCode.UNKNOWN_TARGET, Text(f"group {args.group}; {meant.en}", f"分组 {args.group}；{meant.zh}")
            )

    async def _stop(self, args: LightsStop, job: Job) -> Mapping[str, Any]:
        """Commands with a fade under way end as *stopped*; a self-test is cancelled: it would measure nonsense."""
        house = self._house
        house.rig.stop(job.issuer or "remote", house.now())
        handed_over(house, house.rig.fixtures)  # after it: it stays where it is until the reset
        house.stage.playback.turn(house.now())  # no cue begins by itself any more
        test = house.tests.cancel()
        by = house.rig.stopped
        self._happened("lights.stopped", Text(f"all lights stopped by {by}", f"{by} 停止了所有灯光"), "warning", by)
        offline, _ = await on_the_wire(house, house.rig.fixtures)
        await house.looks.remembered()
        more = {"offline": offline} if offline else {}
        return {"stopped_by": by, "fixtures": sorted(house.rig.fixtures), **more, **({"test": test} if test else {})}

    async def _reset(self, args: LightsStopReset, job: Job) -> Mapping[str, Any]:
        self._can_reset(args)
        house = self._house
        stopped, by = house.rig.stopped, job.issuer or "remote"
        house.rig.reset(house.now())
        self._happened("lights.reset", Text(f"{by} ended the stop", f"{by} 解除了灯光停止"), "note", by)
        await house.looks.remembered()
        return {"stopped_by": stopped}

    async def _master(self, args: LightsMaster, job: Job) -> Mapping[str, Any]:
        await self._move(GRAND, args.level, args.fade)
        return {"master": args.level, **await self._sent(self._house.rig.fixtures)}

    async def _submaster(self, args: SubmasterSet, job: Job) -> Mapping[str, Any]:
        await self._move(args.group, args.level, args.fade)
        rig = self._house.rig
        return {"group": args.group, "submaster": args.level, **await self._sent(rig.masters.under(args.group))}

    async def _black_out(self, args: LightsBlackout, job: Job) -> Mapping[str, Any]:
        house, by = self._house, job.issuer or "remote"
        new = not house.rig.masters.blackout
        arrived = house.rig.black_out(by, now=house.now(), fade=args.fade)
        handed_over(house, house.rig.fixtures)
        by = house.rig.masters.blackout
        if new:
            self._happened("lights.blackout", Text(f"blackout by {by}", f"{by} 执行了全场暗场"), "warning", by)
        await self._dark(arrived, by)
        return {"blackout_by": by, **await self._sent(house.rig.fixtures)}

    async def _restore(self, args: LightsRestore, job: Job) -> Mapping[str, Any]:
        self._can_restore(args)
        house, by = self._house, job.issuer or "remote"
        ended = house.rig.masters.blackout
        arrived = house.rig.restore(now=house.now(), fade=args.fade)
        self._happened("lights.restored", Text(f"{by} ended the blackout", f"{by} 结束了全场暗场"), "note", by)
        await self._dark(arrived, "")
        return {"blackout_by": ended, **await self._sent(house.rig.fixtures)}

    # --- inside ----------------------------------------------------------------------------------------------

    async def _move(self, name: str, level: float, fade: float) -> None:
        """Over when another one sets it, or the lights are stopped. Cancelled, it stays as far as it came."""
        house = self._house
        before, begun = house.rig.masters.levels[name], house.now()
        arrived = house.rig.dim(level, now=begun, fade=fade, group=name)

        def mine() -> bool:
            return house.rig.masters.levels.get(name) == level and not house.rig.stopped

        try:
            while (rest := arrived - house.now()) > 0 and mine():
                await asyncio.sleep(min(rest, LOOK_AGAIN))
        except asyncio.CancelledError:
            if mine():
                now = house.now()
                share = min(1.0, (now - begun) / (arrived - begun)) if arrived > begun else 1.0
                house.rig.dim(before + (level - before) * share, now=now, fade=0.0, group=name)
            raise
        await house.looks.remembered()
        free(house)
        if not mine():
            goes = f"{house.rig.masters.levels.get(name, 1.0):g}"
            en, zh = (f"the submaster of {name}", f"{name} 的分控") if name else ("the grand master", "总控")
            raise Refusal(ReasonCode.SUPERSEDED, Text(f"{en} goes to {goes} now", f"{zh}现调至 {goes}"))

    async def _dark(self, arrived: float, by: str) -> None:
        """Until the blackout ``by`` somebody (""; its end) is whole, unless the other one is called for meanwhile. A
        command that is cancelled leaves it: half a blackout helps nobody."""
        house = self._house
        while (rest := arrived - house.now()) > 0 and house.rig.masters.blackout == by and not house.rig.stopped:
            await asyncio.sleep(min(rest, LOOK_AGAIN))
        await house.looks.remembered()
        free(house)
        if house.rig.masters.blackout != by:
            said = Text("the blackout was ended", "全场暗场已结束") if by else Text("a new blackout", "新的全场暗场")
            raise Refusal(ReasonCode.SUPERSEDED, said)

    async def _sent(self, names: Collection[str]) -> dict[str, Any]:
        """Which outputs are away. Raises Refusal when all are."""
        offline, online = await on_the_wire(self._house, names)
        if offline and not online:
            raise Refusal(ReasonCode.OFFLINE, f"{', '.join(offline)}; the lights go there when it is back")
        return {"offline": offline} if offline else {}

    def _happened(self, name: str, text: Text, level: Any, by: str) -> None:
        house = self._house
        house.bus.publish(house.topics.event, Event(name=name, level=level, text=Say.of(text), fields={"by": by}))
