"""What the verbs of the network probes do."""

import asyncio
import math
from collections.abc import Mapping
from typing import Any

from agent.app.house import House
from agent.messaging.hints import hint, lacks
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


class ProbeVerbs:
    """probe.now."""

    def __init__(self, house: House) -> None:
        self._house = house

    def all(self) -> dict[str, Verb[Any]]:
        now: Verb[Any] = Verb(
            "probe.now", ProbeNow, self._now, check=self._can, deadline=LONGEST, missing=self._missing
        )
        return {now.name: now}

    def _missing(self) -> Text | None:
        return None if self._house.config.probes else lacks("probes")

    def _can(self, args: ProbeNow) -> None:
        probes = self._house.devices.probes
        if args.probe not in probes:
            meant = hint(args.probe, list(probes))
            said = Text(f"probe {args.probe}; {meant.en}", f"探测 {args.probe}；{meant.zh}")
            raise Refusal(ReasonCode.UNKNOWN_TARGET, said)
        health = probes[args.probe].lane.health
        if health.state == "offline":
            why = health.says()
            raise Refusal(ReasonCode.OFFLINE, Text(f"{args.probe}: {why.en}", f"{args.probe}：{why.zh}"))

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
