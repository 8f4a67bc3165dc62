"""MQTT command → changed frame on the wire, and the DMX beat, both beside the camera loop at 1080p25."""

import json
import random
import sys
import time
from itertools import pairwise
from pathlib import Path

from tests.benchmarks.row import Row, p50, p99
from tests.benchmarks.studio import BACK, Bench, pause, studio
from tests.processes import Child
from tests.scenarios.floor import Widget

COMMANDS = 500
BEAT = 1 / 44


def run(folder: Path) -> list[Row]:
    with studio(folder / "command") as bench:
        bench.start()
        bench.heard("status", lambda s: s["ready"])
        bench.heard("state/camera/front", lambda s: s["health"] == "ok")
        pause(4.0)
        delays = commands(bench)
        floor = bare(bench)
        errors, late, seconds = beat(bench)
        exposure = json.loads(bench.heard("tele/exposure/front").payload)
    shown = f"camera loop at 25 fps 1080p (EV {exposure['ev_stops']:+.1f}); widget on a pty"
    return [
        Row(
            "MQTT command → changed frame on the wire",
            f"p50 {p50(delays):.1f} ms, p99 {p99(delays):.1f} ms",
            "p99 ≤ 10 ms",
            p99(delays) <= 10.0,
            f"{len(delays)} of {COMMANDS} commands, QoS 1; {shown}",
        ),
        Row(
            "… the same without us: paho subscriber → widget",
            f"p50 {p50(floor):.1f} ms, p99 {p99(floor):.1f} ms",
            "",
            None,
            f"{len(floor)} messages beside the same service and camera loop: the machine's own floor",
        ),
        Row(
            "DMX beat beside the camera loop: |interval − 22.7 ms|",
            f"p50 {p50(errors):.2f} ms, p99 {p99(errors):.2f} ms, {late} late",
            "",
            None,
            f"{len(errors)} intervals of a {seconds:.0f} s fade (late: > 1.5 periods); {shown}",
        ),
    ]


def commands(bench: Bench) -> list[float]:
    """Milliseconds from just before ``publish`` until a frame with another value for the back light has arrived."""
    delays: list[float] = []
    chance = random.Random(7)
    up = True
    for _ in range(COMMANDS):
        lines = len(bench.widget.lines)
        before = bench.widget.frames_since(max(0, lines - 1))[-1][BACK : BACK + 2]
        sent = bench.send("lights.set", {"targets": ["back"], "levels": {"intensity": 0.505 if up else 0.5}})
        up = not up
        line = bench.widget.wait_line(
            lambda text, old=before: (
                '"slots"' in text and bytes.fromhex(json.loads(text)["slots"])[BACK : BACK + 2] != old
            ),
            within=5.0,
            since=lines,
        )
        delays.append((json.loads(line)["time"] - sent) * 1e3)
        pause(chance.uniform(0.06, 0.12))
    return delays


def bare(bench: Bench) -> list[float]:
    """The same way without the agent, on the same loaded machine."""
    widget = Widget(bench.folder / "bare")
    child = Child(sys.executable, "-m", "tests.benchmarks.bare", str(bench.broker.port), "bare/frame", str(widget.link))
    chance = random.Random(7)
    delays: list[float] = []
    try:
        child.wait_line(lambda line: line == "ready")
        for number in range(COMMANDS):
            lines = len(widget.lines)
            sent = time.monotonic()
            bench.control.client.publish("bare/frame", str(number % 200 + 1), 1)
            line = widget.wait_line(lambda text: '"slots"' in text, within=5.0, since=lines)
            delays.append((json.loads(line)["time"] - sent) * 1e3)
            pause(chance.uniform(0.06, 0.12))
    finally:
        child.end()
        widget.end()
    return delays


def beat(bench: Bench) -> tuple[list[float], int, float]:
    """One long fade of the back light: how far each interval between frames is from the beat, in ms."""
    seconds = 30.0
    pause(1.0)
    lines = len(bench.widget.lines)
    bench.send("lights.set", {"targets": ["back"], "levels": {"intensity": 1.0}, "fade": seconds})
    pause(seconds - 1.0)
    times = [json.loads(text)["time"] for text in bench.widget.lines[lines:] if '"slots"' in text][10:]
    gaps = [b - a for a, b in pairwise(times)]
    return [abs(gap - BEAT) * 1e3 for gap in gaps], sum(gap > 1.5 * BEAT for gap in gaps), seconds
