"""A service between real processes for the benchmarks: broker, widget on a pseudo-terminal, 1080p25 stream."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.brokers import Mosquitto, Plain, saying
from tests.processes import ROOT
from tests.scenarios.floor import Playing, Service, Widget, film
from tests.waiting import free_port

BASE = "studio/v1/bench/room"
BACK = 20

CONFIG = """
[agent]
site = "bench"
name = "room"
state_dir = "state"
[mqtt]
host = "127.0.0.1"
port = {broker}
[lighting]
start_look = "show"
[outputs.widget]
driver = "enttec-pro"
universes = [1]
options = {{ port = "{port}" }}
[fixtures.key]
profile = "generic/bicolour-panel"
personality = "2ch"
universe = 1
address = 1
role = "key"
[fixtures.back]
profile = "generic/dimmer"
personality = "16bit"
universe = 1
address = 21
role = "back"
[looks.show]
fade = 0.1
levels = {{ key = {{ intensity = 0.6 }}, back = {{ intensity = 0.5 }} }}
[cameras.front]
driver = "opencv"
rate = 25.0
options = {{ source = "http://127.0.0.1:{camera}/studio.mjpeg" }}
[exposure]
camera = "front"
fixtures = ["key"]
mode = "hold"
"""


@dataclass
class Bench:
    folder: Path
    broker: Mosquitto
    control: Plain
    widget: Widget
    config: Path
    service: Service | None = None

    def start(self) -> float:
        """Start the service; the monotonic time of it."""
        begun = time.monotonic()
        self.service = Service(self.config, self.folder / "agent.log")
        return begun

    def heard(self, topic: str, wanted: Any = lambda payload: True, within: float = 30.0) -> Any:
        return self.control.wait(saying(f"{BASE}/up/{topic}", wanted), within)

    def send(self, verb: str, args: dict[str, Any]) -> float:
        """Publish without waiting for the broker; the monotonic time just before."""
        body = json.dumps({"args": args, "issuer": "bench"})
        now = time.monotonic()
        self.control.client.publish(f"{BASE}/down/cmd/{verb}/{uuid4().hex}", body, 1)
        return now


@contextmanager
def studio(folder: Path, camera: bool = True, size: str = "1920x1080") -> Iterator[Bench]:
    """Everything but the service, which :meth:`Bench.start` starts."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    video = large(film(folder, seconds=2.0), size) if camera else None
    stream = Playing(video, port, copy=True) if video else None
    broker = Mosquitto(folder).start()
    widget = Widget(folder / "widget")
    config = folder / "studio.toml"
    config.write_text(CONFIG.format(broker=broker.port, port=widget.link, camera=port), encoding="utf-8")
    control = Plain(broker.port).subscribe(f"{BASE}/up/#")
    bench = Bench(folder, broker, control, widget, config)
    try:
        yield bench
    finally:
        if bench.service is not None:
            bench.service.end()
        control.close()
        if stream is not None:
            stream.stop()
        widget.end()
        broker.stop()


def large(video: Path, size: str) -> Path:
    """The same film at another size, as MJPEG."""
    bigger = video.with_name(f"{size}.mkv")
    width, _, height = size.partition("x")
    command = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-y", "-i", str(video)]
    command += ["-vf", f"scale={width}:{height},noise=alls=6:allf=t", "-c:v", "mjpeg", "-q:v", "4", str(bigger)]
    subprocess.run(command, check=True, cwd=ROOT, stdin=subprocess.DEVNULL)
    return bigger


def pause(seconds: float) -> None:
    """Let time pass (benchmarks measure over time; tests must not do this)."""
    threading.Event().wait(seconds)
