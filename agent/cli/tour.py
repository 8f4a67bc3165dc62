"""``demo --plain``: a line a second for a log or a pipe, and a walk through the effects by itself."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent.cli.stage import Stage
from agent.cli.view.live import at
from agent.cli.view.seen import Line, Seen
from agent.cli.view.words import say

RIGHT = 0.15
"""Stops from target that count as there …"""
STEADY = 0.8
"""… when it stays so for so many seconds."""


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop of the walk: what it says, does, and waits to see for ``hold`` seconds (at most ``within`` in all)."""

    says: str
    do: Callable[[], None]
    sees: Callable[[], bool]
    seen: str
    within: float = 15.0
    hold: float = 0.0


def nothing() -> None:
    """Only look."""


def stops(stage: Stage, seen: Seen) -> Sequence[Stop]:
    """The walk, shortest effects first."""

    def off() -> float | None:
        return next((state.error for state in seen.exposure.values()), None)

    def right() -> bool:
        error = off()
        return error is not None and abs(error) <= RIGHT

    def dark() -> bool:
        error = off()
        return error is not None and error < -RIGHT

    def tested() -> bool:
        return seen.report is not None

    def lost() -> bool:
        return any(key.startswith("output.") for key in seen.alerts)

    def found() -> bool:
        return not lost()

    def returned() -> bool:
        return any(state.holding and not state.out for state in seen.exposure.values())

    return (
        Stop("the exposure loop brings the picture to its target", nothing, right, "exposure on target", hold=STEADY),
        Stop("somebody closes the curtain", lambda: stage.daylight(-1), dark, "the picture is too dark"),
        Stop("the loop raises the lights", nothing, right, "exposure on target", hold=STEADY),
        Stop("the DMX widget is unplugged", stage.unplug, lost, "alert raised"),
        Stop("… and plugged in again", stage.plug, found, "alert resolved"),
        Stop("a quick self-test, by MQTT command", stage.test, tested, "self-test done", 30.0),
        Stop("a hand on the key light", stage.hand, lambda: held(seen, there=True), "held by hand"),
        Stop("… and released", stage.release, lambda: not held(seen), "released: the loop keeps off it"),
        Stop("… and handed back", stage.hand_back, returned, "the loop has it again"),
    )


def held(seen: Seen, there: bool = False) -> bool:
    """Whether a hand is on a light; ``there``: and it is where the hand wanted it (released before, its command would
    have failed)."""
    hands = (
        state for state, _ in seen.fixtures.values() if state.held_by is not None and state.held_by.priority == "manual"
    )
    return any(state.levels == state.target or not there for state in hands)


async def walk(stage: Stage, seen: Seen, language: str, ended: asyncio.Event, out: Callable[[str], None]) -> None:
    """Print until ``ended``; the walk begins once the agent is there."""
    guide = asyncio.create_task(_guide(stage, seen, out))
    news = News(seen, language)
    due = time.monotonic()
    try:
        while not ended.is_set():
            for line in news.lines():
                out(line)
            if seen.status is not None and time.monotonic() >= due:
                out(status(seen, time.monotonic()))
                due = max(due + 1.0, time.monotonic())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.1):
                    await ended.wait()
        for line in news.lines(last=True):
            out(line)
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
        since = await _sees(stop, begun)
        if since is None:
            out(f"{at()} ▷ not seen within {stop.within:.0f} s: {stop.seen}")
        else:
            out(f"{at()} ✓ {stop.seen} ({since - begun:.1f} s)")
    out(f"{at()} ▶ that was the walk; from another terminal: {stage.hint}")


async def _sees(stop: Stop, begun: float) -> float | None:
    """Since when it is seen, once it has been for long enough; ``None`` when time is over."""
    since: float | None = None
    while (now := time.monotonic()) - begun <= stop.within:
        if not stop.sees():
            since = None
        elif since is None:
            since = now
        if since is not None and now - since >= stop.hold:
            return since
        await asyncio.sleep(0.05)
    return None


class News:
    """The log as lines that are printed once: a command when it has its last answer."""

    def __init__(self, seen: Seen, language: str) -> None:
        self._seen, self._language = seen, language
        self._told = 0
        self._open: list[Line] = []

    def lines(self, last: bool = False) -> list[str]:
        """What is new; with ``last`` also what never came to its end."""
        fresh = self._seen.logged - self._told
        self._told = self._seen.logged
        found = [*self._open, *(list(self._seen.log)[-fresh:] if fresh else ())]
        self._open = [] if last else [line for line in found if line.open]
        return [f"{line.at} · {say(line.text, self._language, ' · ')}" for line in found if last or not line.open]


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
    parts += [air, f"{len(seen.alerts)} alert{'s' * (len(seen.alerts) != 1)}", f"{seen.rate(now):.0f} msg/s"]
    return f"{at()}   {' | '.join(parts)}"
