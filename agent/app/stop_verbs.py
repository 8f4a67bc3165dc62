"""What the verbs for all lights together do: stop, its end, the grand master."""

import asyncio
from collections.abc import Mapping
from typing import Any

from agent.app.house import House
from agent.app.verbs import A_DAY, LOOK_AGAIN, free, on_the_wire
from agent.messaging.commands import LightsMaster, LightsStop, LightsStopReset
from agent.messaging.header import Say
from agent.messaging.lifecycle import ReasonCode, Refusal
from agent.messaging.payloads import Event
from agent.messaging.verbs import Job, Verb
from config.units import Text


class StopVerbs:
    """lights.stop, lights.stop.reset, lights.master."""

    def __init__(self, house: House) -> None:
        self._house = house

    def all(self) -> dict[str, Verb[Any]]:
        verbs: list[Verb[Any]] = [
            Verb("lights.stop", LightsStop, self._stop, always=True),
            Verb("lights.stop.reset", LightsStopReset, self._reset, check=self._can_reset, always=True),
            Verb("lights.master", LightsMaster, self._master, check=self._can_master, deadline=A_DAY),
        ]
        return {verb.name: verb for verb in verbs}

    def _can_reset(self, args: LightsStopReset) -> None:
        if not self._house.rig.stopped:
            raise Refusal(ReasonCode.UNKNOWN_TARGET, Text("the lights are not stopped", "灯光未被停止"))

    def _can_master(self, args: LightsMaster) -> None:
        free(self._house.rig)

    async def _stop(self, args: LightsStop, job: Job) -> Mapping[str, Any]:
        """Commands with a fade under way end as *stopped*; a self-test is cancelled: it would measure nonsense."""
        house = self._house
        house.rig.stop(job.issuer or "remote", house.now())
        test = house.tests.cancel()
        by = house.rig.stopped
        self._happened("lights.stopped", Text(f"all lights stopped by {by}", f"{by} 停止了所有灯光"), "warning", by)
        offline, _ = await on_the_wire(house, house.rig.fixtures)
        await house.remembered()
        more = {"offline": offline} if offline else {}
        return {"stopped_by": by, "fixtures": sorted(house.rig.fixtures), **more, **({"test": test} if test else {})}

    async def _reset(self, args: LightsStopReset, job: Job) -> Mapping[str, Any]:
        self._can_reset(args)
        house = self._house
        stopped, by = house.rig.stopped, job.issuer or "remote"
        house.rig.reset(house.now())
        self._happened("lights.reset", Text(f"{by} ended the stop", f"{by} 解除了灯光停止"), "note", by)
        await house.remembered()
        return {"stopped_by": stopped}

    async def _master(self, args: LightsMaster, job: Job) -> Mapping[str, Any]:
        """Over when another one sets it, or the lights are stopped. Cancelled, it stays as far as it came."""
        house = self._house
        before, begun = house.rig.master, house.now()
        arrived = house.rig.dim(args.level, now=begun, fade=args.fade)

        def mine() -> bool:
            return house.rig.master == args.level and not house.rig.stopped

        try:
            while (rest := arrived - house.now()) > 0 and mine():
                await asyncio.sleep(min(rest, LOOK_AGAIN))
        except asyncio.CancelledError:
            if mine():
                now = house.now()
                share = min(1.0, (now - begun) / (arrived - begun)) if arrived > begun else 1.0
                house.rig.dim(before + (args.level - before) * share, now=now, fade=0.0)
            raise
        await house.remembered()
        free(house.rig)
        if not mine():
            goes = f"{house.rig.master:g}"
            raise Refusal(ReasonCode.SUPERSEDED, Text(f"the grand master goes to {goes} now", f"总控现调至 {goes}"))
        offline, online = await on_the_wire(house, house.rig.fixtures)
        if offline and not online:
            raise Refusal(ReasonCode.OFFLINE, f"{', '.join(offline)}; the lights go there when it is back")
        return {"master": args.level, **({"offline": offline} if offline else {})}

    def _happened(self, name: str, text: Text, level: Any, by: str) -> None:
        house = self._house
        house.bus.publish(house.topics.event, Event(name=name, level=level, text=Say.of(text), fields={"by": by}))
