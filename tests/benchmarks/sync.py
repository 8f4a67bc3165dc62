"""``execute_at``: how far apart two agents' first changed frames are on their wires, and how far from the moment."""

import contextlib
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks.row import Row, p50, p99
from tests.benchmarks.studio import BACK, pause
from tests.brokers import Mosquitto, Plain, saying
from tests.scenarios.floor import Service, Widget

COMMANDS = 100
AHEAD = 0.6
"""Seconds from sending to the moment."""
ROOMS = ("one", "two")
BASE = "studio/v1/bench"

CONFIG = """
[agent]
site = "bench"
name = "{name}"
state_dir = "state-{name}"
[mqtt]
host = "127.0.0.1"
port = {broker}
[outputs.widget]
driver = "enttec-pro"
universes = [1]
options = {{ port = "{port}" }}
[fixtures.back]
profile = "generic/dimmer"
personality = "16bit"
universe = 1
address = 21
role = "back"
"""


@dataclass
class Room:
    name: str
    widget: Widget
    service: Service

    def changed(self, old: bytes, since: int) -> float:
        """When the first frame with another value came, monotonic seconds."""
        line = self.widget.wait_line(
            lambda text: '"slots"' in text and slots(text) != old,
            within=5.0,
            since=since,
        )
        return float(json.loads(line)["time"])


def slots(line: str) -> bytes:
    return bytes.fromhex(json.loads(line)["slots"])[BACK : BACK + 2]


def run(folder: Path) -> list[Row]:
    with rooms(folder / "sync") as (control, both):
        apart, late = commands(control, both)
    how = f"{len(apart)} commands, {AHEAD:g} s ahead; two services, a widget each on a pty, one broker, one clock"
    return [
        Row(
            "execute_at: two agents' first changed frames apart",
            f"p50 {p50(apart):.1f} ms, p99 {p99(apart):.1f} ms, max {max(apart):.1f} ms",
            "max ≤ 20 ms",
            max(apart) <= 20.0,
            how,
        ),
        Row(
            "… the moment asked for → changed frame on the wire",
            f"p50 {p50(late):.1f} ms, p99 {p99(late):.1f} ms, max {max(late):.1f} ms",
            "",
            None,
            f"min {min(late):.1f} ms",
        ),
    ]


def commands(control: Plain, both: list[Room]) -> tuple[list[float], list[float]]:
    chance = random.Random(7)
    apart: list[float] = []
    late: list[float] = []
    for number in range(COMMANDS):
        level = 0.505 if number % 2 else 0.5
        marks = [(room, len(room.widget.lines)) for room in both]
        olds = [slots(json.dumps({"slots": room.widget.frames_since(max(0, n - 1))[-1].hex()})) for room, n in marks]
        at = round(time.time() + AHEAD, 3)
        ahead = at - time.time()
        asked = time.monotonic() + ahead
        body = {
            "args": {"targets": ["back"], "levels": {"intensity": level}},
            "execute_at": datetime.fromtimestamp(at, UTC).isoformat(),
        }
        for room in both:
            control.client.publish(f"{BASE}/{room.name}/down/cmd/lights.set/s{number}", json.dumps(body), 1)
        times = [room.changed(old, mark) for (room, mark), old in zip(marks, olds, strict=True)]
        apart.append((max(times) - min(times)) * 1e3)
        late += [(each - asked) * 1e3 for each in times]
        pause(chance.uniform(0.05, 0.3))
    return apart, late


@contextlib.contextmanager
def rooms(folder: Path) -> Iterator[tuple[Plain, list[Room]]]:
    folder.mkdir(parents=True)
    with contextlib.ExitStack() as ends:
        broker = Mosquitto(folder).start()
        ends.callback(broker.stop)
        control = Plain(broker.port).subscribe(f"{BASE}/#")
        ends.callback(control.close)
        both = []
        for name in ROOMS:
            widget = Widget(folder / f"widget-{name}")
            ends.callback(widget.end)
            config = folder / f"{name}.toml"
            config.write_text(CONFIG.format(name=name, broker=broker.port, port=widget.link), encoding="utf-8")
            service = Service(config, folder / f"{name}.log")
            ends.callback(service.end)
            both.append(Room(name, widget, service))
        for name in ROOMS:
            control.wait(saying(f"{BASE}/{name}/up/status", lambda status: status["ready"]), 30)
        for room in both:  # a first level, so that there is a frame to change
            first = {"args": {"targets": ["back"], "levels": {"intensity": 0.505}}}
            control.publish(f"{BASE}/{room.name}/down/cmd/lights.set/first", json.dumps(first))
            ended = saying(f"{BASE}/{room.name}/up/cmd/lights.set/first", lambda body: body["state"] == "succeeded")
            control.wait(ended, 30)
        pause(1.0)
        yield control, both
