"""RDM work on an output, step by step: one transaction at a time, so that the levels go on; before each of them the
interlock is asked. One piece of work at a time on an output."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from agent.app.house import House
from agent.lighting.output import OutputUnit
from agent.messaging.hints import hint
from agent.messaging.lifecycle import ReasonCode, Refusal
from config.units import Text
from drivers.dmx.rdm_jobs import Turn

STEP = 3.0
"""Seconds one step may take, the lane's own work included."""
ON_AIR = Text("RDM only reads on air", "直播期间RDM仅读取")


class RdmWork:
    """See the module. Everything raises Refusal, :meth:`do` also what the device raises."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._busy: set[str] = set()

    def line(self, name: str, universe: int | None) -> tuple[OutputUnit, int]:
        """The output and the universe that are meant."""
        outputs = self._house.devices.outputs
        if name not in outputs:
            meant = hint(name, list(outputs))
            said = Text(f"output {name}; {meant.en}", f"输出 {name}；{meant.zh}")
            raise Refusal(ReasonCode.UNKNOWN_TARGET, said)
        output = outputs[name]
        universes = output.section.universes
        meant_one = universe or universes[0]
        if meant_one not in universes or (universe is None and len(universes) > 1):
            which = ", ".join(map(str, universes))
            said = Text(f"universe: {name} has {which}", f"域：{name} 有 {which}")
            raise Refusal(ReasonCode.UNKNOWN_TARGET, said)
        if not has_rdm(output):
            said = Text(f"{output.section.driver} has no RDM", f"{output.section.driver} 不支持RDM")
            raise Refusal(ReasonCode.UNSUPPORTED, said)
        return output, meant_one

    def free(self, name: str) -> None:
        """Whether work may begin there."""
        if name in self._busy:
            raise Refusal(ReasonCode.BUSY, Text(f"RDM is at work on {name}", f"{name} 的RDM正忙"))
        if self._house.tests.running:
            raise Refusal(ReasonCode.BUSY, Text("a self-test is running", "自检正在进行"))

    @contextmanager
    def reserved(self, name: str) -> Iterator[None]:
        """The output is this work's until it has ended."""
        self.free(name)
        self._busy.add(name)
        try:
            yield
        finally:
            self._busy.discard(name)

    async def do(self, name: str, universe: int | None, what: str, *more: Any) -> Any:
        """One of :data:`drivers.dmx.rdm_jobs.WORK`."""
        output, line = self.line(name, universe)
        await output.lane.ask("rdm_begin", line, what, more, self._house.on_air(), timeout=STEP)
        while True:
            on_air = self._house.on_air()
            if on_air and what not in ("read", "hide"):
                raise Refusal(ReasonCode.ON_AIR, ON_AIR)
            turn: Turn = await output.lane.ask("rdm_step", line, on_air, timeout=STEP)
            if turn.done:
                return turn.result
            await asyncio.sleep(turn.rest)


def has_rdm(output: OutputUnit) -> bool:
    """Whether its driver can do RDM, on some devices at least."""
    return hasattr(output.driver, "rdm")
