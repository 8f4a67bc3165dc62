"""Idle cost of the service on the demo studio: CPU of one core and resident memory, the virtual studio included."""

import os
import sys
from pathlib import Path

from config.load import load
from tests.benchmarks.row import Row
from tests.benchmarks.studio import pause
from tests.brokers import Mosquitto
from tests.processes import ROOT, Child

SECONDS = 20.0


def run(folder: Path) -> list[Row]:
    folder = folder / "idle"
    folder.mkdir()
    broker = Mosquitto(folder).start()
    demo = ROOT / "config/examples/demo.toml"
    environ = {
        **os.environ,
        "STUDIO_AGENT__AGENT__STATE_DIR": str(folder / "state"),
        "STUDIO_AGENT__MQTT__PORT": str(broker.port),
    }
    load(demo, environ)
    child = Child(sys.executable, "-m", "agent", "run", "--virtual", "-c", str(demo), env=environ, log=folder / "log")
    try:
        pause(8.0)
        before = used(child.process.pid)
        pause(SECONDS)
        cpu = 100.0 * (used(child.process.pid) - before) / SECONDS
        memory = resident(child.process.pid)
    finally:
        child.end()
        broker.stop()
    how = f"`run --virtual` on the demo's file, loop at rest, {SECONDS:.0f} s; the virtual studio's cost included"
    return [
        Row("idle service, CPU of one core", f"{cpu:.1f} %", "≤ 15 %", cpu <= 15.0, how),
        Row("idle service, resident memory", f"{memory:.0f} MiB", "≤ 180 MiB", memory <= 180.0, how),
    ]


def used(pid: int) -> float:
    """CPU seconds of a process so far (proc(5): utime and stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> float:
    """MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
