"""The output engine on the wire, beside those who do the same from Python and a bare loop that only sends.

sACN unicast on loopback, 512 slots a universe, every frame another one, 44 Hz; the kernel's receive times. Errors are
|interval − 22.7 ms| of each universe, the first second left out; a frame is late after 1.5 periods.
"""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from agent.lighting.claims import Priority
from config.model import OutputSection
from config.units import Attribute
from firmware_profiles.library import load
from firmware_profiles.patch import Patched
from tests.agent.engine.rooms import Side, engines, sacn
from tests.benchmarks.hearing import PERIOD, Heard, arrived, busy, ear, judged, resident, spent, usual
from tests.benchmarks.row import Row, p50, p99
from tests.scenarios.floor import Widget

SECONDS = 8.0
LIGHT = Attribute.INTENSITY
COMMANDS = 300
FALLS = 6
IN_FLIGHT = 0.005
"""Seconds after a kill in which a packet may come that was sent before."""
_addresses = (f"127.0.72.{number}" for number in count(1))


def run(folder: Path) -> list[Row]:
    parts = (beats, loaded, costs, commands, fades, replugs, falls)
    rows = [row for part in parts for row in part(folder)]
    assert not engines(folder)
    return rows


def beats(folder: Path) -> list[Row]:
    """16 universes on a machine that does nothing else."""
    ours = asyncio.run(engine(folder, 16))
    rows = [
        Row(
            "DMX interval error, 16 universes, real-time scheduling",
            str(ours),
            "p99 ≤ 0.3 ms, 0 late",
            bool(np.percentile(ours.errors, 99) <= 0.3 and not ours.late),
            "output engine, one fade over 4 096 16-bit dimmers",
        )
    ]
    for name in ("bare", "sacn", "pyartnet", "stupidArtnet"):
        rows.append(Row(f"… {name}", str(peer(folder, name, 16)), "", None, "SCHED_FIFO as well"))
    return rows


def loaded(folder: Path) -> list[Row]:
    """Beside two busy loops."""
    with busy():
        first = asyncio.run(engine(folder, 16))
        usual = asyncio.run(engine(folder, 16, ordinary=True))
        rows = [
            Row(
                "DMX interval error beside two busy loops, real-time",
                str(first),
                "0 late",
                not first.late,
                "16 universes",
            ),
            Row(
                "… without real-time scheduling",
                str(usual),
                "≤ 25 ms (p99), 43.9-44.0 fps",
                bool(np.percentile(usual.errors, 99) <= 25 and 43.9 <= round(usual.rate, 1) <= 44.0),
                "16 universes",
            ),
            Row("… bare, real-time", str(peer(folder, "bare", 16)), "", None, ""),
        ]
        for name in ("bare", "sacn", "pyartnet", "stupidArtnet"):
            rows.append(Row(f"… {name}, not real-time", str(peer(folder, name, 16, ordinary=True)), "", None, ""))
    return rows


def costs(folder: Path) -> list[Row]:
    """One core's share, and memory."""
    rows = []
    for universes, most in ((64, 5.0), (256, 14.0)):
        memory: list[float] = []
        ours = asyncio.run(engine(folder, universes, memory=memory))
        rows.append(
            Row(
                f"CPU of one core, {universes} universes",
                f"{ours.cpu:.1f} %",
                f"≤ {most:g} %",
                ours.cpu <= most,
                str(ours),
            )
        )
        if universes == 256:
            size = memory[0]
            rows.append(Row("… memory of the engine", f"{size:.0f} MiB", "≤ 60 MiB", size <= 60, "resident, all told"))
        for name in ("bare", "sacn"):
            found = peer(folder, name, universes)
            rows.append(Row(f"… {name}", f"{found.cpu:.1f} %", "", None, str(found)))
    return rows


def commands(folder: Path) -> list[Row]:
    took = asyncio.run(command(folder))
    return [
        Row(
            "command inside the daemon → packet",
            f"p50 {p50(took):.2f} ms, p99 {p99(took):.2f} ms",
            "p99 ≤ 1 ms",
            p99(took) <= 1.0,
            f"{len(took)} commands 30-70 ms apart, 16 universes; claim to the kernel's receive time",
        )
    ]


def fades(folder: Path) -> list[Row]:
    """A fade of 10 s over 64 universes, beside two busy loops."""
    with busy():
        length = asyncio.run(fade(folder))
        theirs = peer_fade(folder)
    return [
        Row(
            "10 s fade over 64 universes beside two busy loops: error of its length",
            f"{(length - 10) * 1e3:+.1f} ms",
            "≤ 1 frame (22.7 ms)",
            abs(length - 10) <= PERIOD,
            "from the claim to the first frame at full, slowest universe",
        ),
        Row("… pyartnet", f"{(theirs - 10) * 100 / 10:+.0f} %", "", None, f"{theirs:.2f} s, its own clock"),
    ]


def replugs(folder: Path) -> list[Row]:
    took = asyncio.run(replug(folder))
    return [
        Row(
            "widget replugged on a pseudo-terminal → same look",
            f"p50 {p50(took):.2f} s, max {max(took):.2f} s",
            "≤ 2 s",
            max(took) <= 2.0,
            f"{len(took)} times, away 0.2-3 s; from the port being there to the frame being taken",
        )
    ]


def falls(folder: Path) -> list[Row]:
    """Killed in the middle of a fade, at rest and beside two busy loops."""
    rows = []
    for said, both in (("engine", False), ("engine and its heir", True)):
        quiet = asyncio.run(fall(folder, both))
        with busy():
            loud = asyncio.run(fall(folder, both))
        took = [*quiet, *loud]
        rows.append(
            Row(
                f"{said} killed → next frame",
                f"p50 {p50(took):.2f} s, max {max(took):.2f} s",
                "≤ 1 s",
                max(took) <= 1.0,
                f"{len(took)} times, half of them beside two busy loops (max {max(loud):.2f} s); 16 universes",
            )
        )
    return rows


# --- ours ------------------------------------------------------------------------------------------------------------


def dimmers(universes: int) -> dict[str, Patched]:
    """256 16-bit dimmers a universe: 512 slots, none of them still in a fade."""
    profile = load().find("generic/dimmer")
    mode = profile.personalities["16bit"]
    first = Patched("d", profile, mode, "16bit", 1, 1, "key", 2)
    places = [(universe, address) for universe in range(1, universes + 1) for address in range(1, 512, 2)]
    return {f"{u}-{a}": replace(first, name=f"{u}-{a}", universe=u, address=a) for u, a in places}


@contextlib.asynccontextmanager
async def standing(folder: Path, universes: int, address: str) -> Any:
    side = Side(folder, {"net": sacn(address, universes)}, dimmers(universes), {})  # type: ignore[arg-type]
    await side.open()
    try:
        await side.ready()
        yield side
    finally:
        await side.client.close(0.0)
        while engines(folder):
            await asyncio.sleep(0.05)


async def engine(
    folder: Path,
    universes: int,
    *,
    ordinary: bool = False,
    fade: float = 20.0,
    seconds: float = SECONDS,
    memory: list[float] | None = None,
) -> Heard:
    """A long fade of everything, heard for a while."""
    address = next(_addresses)
    with ear(folder, address) as file:
        async with standing(folder, universes, address) as side:
            if ordinary:
                usual(side.client.pid)
            side.rig.claim(
                "bench", Priority.MANUAL, {n: {LIGHT: 1.0} for n in side.rig.fixtures}, now=time.monotonic(), fade=fade
            )
            await asyncio.sleep(1.0)
            before = spent(side.client.pid)
            await asyncio.sleep(seconds)
            cpu = (spent(side.client.pid) - before) / seconds
            if memory is not None:
                memory.append(resident(side.client.pid))
    return judged(file, cpu, seconds)


async def command(folder: Path) -> list[float]:
    """Milliseconds from just before the claim until the kernel has the packet that shows it."""
    address = next(_addresses)
    chance = random.Random(5)
    sent: list[float] = []
    with ear(folder, address) as file:
        async with standing(folder, 16, address) as side:
            up = False
            await asyncio.sleep(2.0)
            for _ in range(COMMANDS):
                up = not up
                sent.append(time.time())
                side.rig.claim(
                    "bench", Priority.MANUAL, {"7-1": {LIGHT: 0.01 if up else 0.0}}, now=time.monotonic(), fade=0.0
                )
                await asyncio.sleep(chance.uniform(0.03, 0.07))
            await asyncio.sleep(0.2)
    rows = np.load(file)
    mine = rows[rows[:, 1] == 7]
    changed = mine[1:, 0][np.diff(mine[:, 2]) != 0]
    return [float((changed[changed >= when][0] - when) * 1e3) for when in sent if (changed >= when).any()]


async def fade(folder: Path) -> float:
    """Seconds a fade of 10 s takes, of the slowest universe."""
    address = next(_addresses)
    with ear(folder, address) as file:
        async with standing(folder, 64, address) as side:
            began = time.time()
            side.rig.claim(
                "bench", Priority.MANUAL, {n: {LIGHT: 1.0} for n in side.rig.fixtures}, now=time.monotonic(), fade=10.0
            )
            await asyncio.sleep(11.0)
    return arrived(file) - began


async def replug(folder: Path) -> list[float]:
    """Seconds from a widget's port being there again until it has the frame it had."""
    link = folder / "widget"
    widget = Widget(link)
    output = OutputSection(driver="enttec-pro", universes=(1,), options={"port": str(link)})
    took: list[float] = []
    chance = random.Random(3)
    side = Side(folder, {"widget": output}, dimmers(1), {"1-1": {LIGHT: 1.0}})  # type: ignore[arg-type]
    await side.open()
    try:
        await side.ready()
        for _ in range(8):
            await asyncio.to_thread(widget.end)
            while side.units["widget"].lane.health.state != "offline":
                await asyncio.sleep(0.01)
            await asyncio.sleep(chance.uniform(0.2, 3.0))
            widget = await asyncio.to_thread(Widget, link)
            back = time.monotonic()
            await asyncio.to_thread(widget.wait_frame, lambda frame: frame[:2] == b"\xff\xff")
            took.append(time.monotonic() - back)
    finally:
        await side.client.close(0.0)
        widget.end()
    return took


async def fall(folder: Path, both: bool) -> list[float]:
    """Seconds from the kill to the next frame, each time of another engine."""
    took: list[float] = []
    for _ in range(FALLS):
        address = next(_addresses)
        with ear(folder, address) as file:
            async with standing(folder, 16, address) as side:
                lights = {name: {LIGHT: 1.0} for name in side.rig.fixtures}
                side.rig.claim("bench", Priority.MANUAL, lights, now=time.monotonic(), fade=60.0)
                await asyncio.sleep(1.5)
                killed = time.time()
                for pid in engines(folder) if both else [side.client.pid]:
                    os.kill(pid, signal.SIGKILL)
                await side.ready()
                await asyncio.sleep(3.0)
        when = np.sort(np.load(file)[:, 0])
        took.append(float(when[np.searchsorted(when, killed + IN_FLIGHT)] - killed))
    return took


# --- peers -----------------------------------------------------------------------------------------------------------


def peer(folder: Path, name: str, universes: int, ordinary: bool = False) -> Heard:
    address = next(_addresses)
    policy = ["chrt", "-o", "0"] if ordinary else ["chrt", "-f", "20"]
    with ear(folder, address) as file:
        words = [sys.executable, "-m", "tests.benchmarks.peers", name, address, str(universes), str(SECONDS + 2)]
        child = subprocess.Popen([*policy, *words], stderr=subprocess.DEVNULL)
        time.sleep(2.0)
        before = spent(child.pid)
        time.sleep(SECONDS - 1.0)
        cpu = (spent(child.pid) - before) / (SECONDS - 1.0)
        child.wait(60)
    return judged(file, cpu, SECONDS)


def peer_fade(folder: Path) -> float:
    address = next(_addresses)
    with ear(folder, address) as file:
        words = [sys.executable, "-m", "tests.benchmarks.peers", "pyartnet-fade", address, "64", "10"]
        subprocess.run(["chrt", "-f", "20", *words], check=False, timeout=120)
    rows = np.load(file)
    return arrived(file) - float(rows[:, 0].min())
