"""``demo --plain``: a line a second for a log or a pipe, and a walk through the effects by itself."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent.cli.stage import Stage
from agent.cli.view.live import at
from agent.cli.view.seen import Seen
from agent.cli.view.words import say

RIGHT = 0.15
"""Stops from target that count as there."""


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop of the walk: what it says, does, and waits to see (at most ``within`` seconds)."""

    says: str
    do: Callable[[], None]
    sees: Callable[[], bool]
    seen: str
    within: float = 15.0


def nothing() -> None:
    """Only look."""


def stops(stage: Stage, seen: Seen) -> Sequence[Stop]:
    """The walk, shortest effects first."""

    def off() -> float | None:
        return next((state.error for state in seen.exposure.values()), None)

    def right() -> bool:
        error = off()
        return error is not None and abs(error) <= RIGHT and not any(alert for alert in seen.alerts)

    def dark() -> bool:
        error = off()
        return error is not None and error < -RIGHT

    def tested() -> bool:
        return seen.report is not None

    def lost() -> bool:
        return any(key.startswith("output.") for key in seen.alerts)

    def found() -> bool:
        return not lost()

    return (
        Stop("the exposure loop brings the picture to its target", nothing, right, "exposure on target"),
        Stop("somebody closes the curtain", lambda: stage.daylight(-1), dark, "the picture is too dark"),
        Stop("the loop raises the lights", nothing, right, "exposure on target"),
        Stop("the DMX widget is unplugged", stage.unplug, lost, "alert raised"),
        Stop("… and plugged in again", stage.plug, found, "alert resolved"),
        Stop("a quick self-test, by MQTT command", stage.test, tested, "self-test done", 30.0),
        Stop("a hand on the key light", stage.hand, lambda: _held(seen), "held by hand"),
        Stop("… and released", stage.release, lambda: not _held(seen), "released"),
    )


def _held(seen: Seen) -> bool:
    return any(state.held_by is not None and state.held_by.priority == "manual" for state, _ in seen.fixtures.values())


async def walk(stage: Stage, seen: Seen, language: str, ended: asyncio.Event, out: Callable[[str], None]) -> None:
    """Print until ``ended``; the walk begins once the agent is there."""
    guide = asyncio.create_task(_guide(stage, seen, out))
    told = 0
    try:
        while not ended.is_set():
            told = _news(seen, told, language, out)
            if seen.status is not None:
                out(status(seen, time.monotonic()))
            try:
                async with asyncio.timeout(1.0):
                    await ended.wait()
            except TimeoutError:
                continue
        _news(seen, told, language, out)
    finally:
        guide.cancel()
        await asyncio.gather(guide, return_exceptions=True)


async def _guide(stage: Stage, seen: Seen, out: Callable[[str], None]) -> None:
    while seen.status is None or not seen.status.ready:
        await asyncio.sleep(0.05)
    for stop in stops(stage, seen):
        out(f"{at()} ▶ {stop.says}")
        begun = time.monotonic()
        stop.do()
        while not stop.sees():
            if time.monotonic() - begun > stop.within:
                out(f"{at()} ▷ not seen within {stop.within:.0f} s: {stop.seen}")
                break
            await asyncio.sleep(0.05)
        else:
            out(f"{at()} ✓ {stop.seen} ({time.monotonic() - begun:.1f} s)")
    out(f"{at()} ▶ that was the walk; from another terminal: {stage.hint}")


def _news(seen: Seen, told: int, language: str, out: Callable[[str], None]) -> int:
    """Log lines not yet printed. A command's line is printed once it has its last answer."""
    lines = list(seen.log)
    for line in lines[told:]:
        if not line.text.en.endswith(("accepted", "executing")):
            out(f"{line.at} · {say(line.text, language, ' · ')}")
    return len(lines)


def status(seen: Seen, now: float) -> str:
    """Everything that matters in one line."""
    lights = " ".join(f"{name} {seen.levels(name, now).get('intensity', 0) * 100:.0f}%" for name in seen.fixtures)
    parts = [lights]
    for camera, state in seen.exposure.items():
        error = "–" if state.error is None else f"{state.error:+.2f}"
        trim = seen.number(f"exposure/{camera}", "trim_stops")
        trimmed = "" if trim is None else f" trim {trim:+.2f}"
        parts.append(f"{camera} {error} stop {state.mode}{trimmed}")
    for probe in seen.names("network/"):
        known = seen.numbers[f"network/{probe}"]
        rtt, jitter, loss = (known.get(key) for key in ("rtt_p50_ms", "jitter_ms", "loss_percent"))
        if rtt is not None and jitter is not None and loss is not None:
            parts.append(f"{probe} {rtt:.1f} ms ±{jitter:.1f} {loss:.1f}%")
    air = "air?" if seen.air is None else "on air" if seen.air.on_air else "off air"
    parts += [air, f"{len(seen.alerts)} alerts", f"{seen.rate(now):.0f} msg/s"]
    return f"{at()}   {' | '.join(parts)}"
