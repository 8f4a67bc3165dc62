"""What the verbs of the measuring services do: the exposure loop's mode, a probe's burst."""

import asyncio
import math
from collections.abc import Mapping
from typing import Any

from agent.app.house import House
from agent.app.verbs import targets
from agent.messaging.exposure_args import ExposureHandback, ExposureRelease, ExposureSet
from agent.messaging.hints import hint
from agent.messaging.lifecycle import ReasonCode, Refusal
from agent.messaging.service_args import ProbeNow
from agent.messaging.verbs import Job, Verb
from config.units import Text
from drivers.base import Reading
from drivers.network.jitter import Window

PACE = 0.02
"""Seconds between two round trips of a burst: the shortest interval a probe may have anyway."""
LONGEST = 320.0
"""Seconds: a hundred round trips that are all lost."""


class ExposureVerbs:
    """exposure.set, exposure.release, exposure.handback."""

    def __init__(self, house: House) -> None:
        self._house = house

    def all(self) -> dict[str, Verb[Any]]:
        verbs: list[Verb[Any]] = [
            Verb("exposure.set", ExposureSet, self._set, missing=self._missing),
            Verb("exposure.handback", ExposureHandback, self._handback, check=self._can, missing=self._missing),
            Verb("exposure.release", ExposureRelease, self._release, missing=self._missing, always=True),
        ]
        return {verb.name: verb for verb in verbs}

    def _missing(self) -> str:
        return "the configuration has no [exposure]" if self._house.config.exposure is None else ""

    async def _set(self, args: ExposureSet, job: Job) -> Mapping[str, Any]:
        return self._house.exposure_set(args)

    async def _release(self, args: ExposureRelease, job: Job) -> Mapping[str, Any]:
        house = self._house
        held = house.exposure.now_state.holding if house.exposure else ()
        said = house.exposure_set(ExposureSet(mode=args.mode))
        await house.looks.remembered()
        return {**said, "released": sorted(held)}

    def _can(self, args: ExposureHandback) -> None:
        self._named(args)

    def _named(self, args: ExposureHandback) -> list[str] | None:
        """The loop's own among the targets. Raises Refusal where there is none."""
        if args.targets is None:
            return None
        own = self._house.exposure.fixtures if self._house.exposure is not None else ()
        named = [name for name in targets(self._house.rig, args.targets) if name in own]
        if not named:
            en = f"none of these lights is the automatic fill light's; its own are {', '.join(own)}"
            raise Refusal(
                ReasonCode.UNKNOWN_TARGET, Text(en, f"这些灯都不属于自动补光；自动补光的灯：{'、'.join(own)}")
            )
        return named

    async def _handback(self, args: ExposureHandback, job: Job) -> Mapping[str, Any]:
        loop = self._house.exposure
        assert loop is not None
        back = loop.hand_back(self._named(args), self._house.now())
        self._house.herald.exposure()
        await self._house.looks.remembered()
        return {"handed_back": list(back), "out": list(loop.now_state.out)}


class ProbeVerbs:
    """probe.now."""

    def __init__(self, house: House) -> None:
        self._house = house

    def all(self) -> dict[str, Verb[Any]]:
        now: Verb[Any] = Verb(
            "probe.now", ProbeNow, self._now, check=self._can, deadline=LONGEST, missing=self._missing
        )
        return {now.name: now}

    def _missing(self) -> str:
        return "" if self._house.config.probes else "the configuration has no [probes]"

    def _can(self, args: ProbeNow) -> None:
        probes = self._house.devices.probes
        if args.probe not in probes:
            meant = hint(args.probe, list(probes))
            said = Text(f"probe {args.probe}; {meant.en}", f"探测 {args.probe}；{meant.zh}")
            raise Refusal(ReasonCode.UNKNOWN_TARGET, said)
        health = probes[args.probe].lane.health
        if health.state == "offline":
            raise Refusal(ReasonCode.OFFLINE, f"{args.probe}: {health.reason}")

    async def _now(self, args: ProbeNow, job: Job) -> Mapping[str, Any]:
        """Round trips in the probe's own lane, each a call of its own, so that its usual samples are not kept out."""
        self._can(args)
        probe = self._house.devices.probes[args.probe]
        window = Window(seconds=LONGEST)
        for number in range(args.count):
            begun = self._house.now()
            for reading in await probe.lane.call(lambda: list(probe.driver.sample()), timeout=10.0):
                _add(window, reading)
            if (number + 1) % 10 == 0:
                said = Text(f"{number + 1} of {args.count}", f"{number + 1}/{args.count}")
                job.progress((number + 1) / args.count, said)
            if number + 1 < args.count:
                await asyncio.sleep(max(0.0, begun + PACE - self._house.now()))
        seen = window.statistics()
        numbers = {
            "rtt_p50_ms": seen.p50,
            "rtt_p95_ms": seen.p95,
            "rtt_max_ms": seen.max,
            "jitter_ms": seen.jitter,
            "loss_percent": seen.loss,
        }
        rounded = {name: None if math.isnan(value) else round(value, 3) for name, value in numbers.items()}
        return {"probe": args.probe, "probes": seen.count, "lost": seen.lost, **rounded}


def _add(window: Window, reading: Reading) -> None:
    if reading.name == "rtt":
        window.add(reading.time, reading.value)
