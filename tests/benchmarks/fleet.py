"""Thousands of agents at one broker: how they come back after its death; paho with its defaults beside it."""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from agent.messaging.fleet import crowded
from tests.benchmarks.row import Row
from tests.brokers import Mosquitto

AGENTS = 5000
BARE = 250
"""Threaded paho clients: each takes three descriptors, and select() ends at 1 024."""
AWAY = 5.0
"""Seconds the broker is away for them; shorter, and they have hardly begun to wait."""


def run(folder: Path) -> list[Row]:
    words = [sys.executable, "-m", "agent", "fleet", "--agents", str(AGENTS), "--seconds", "20", "--json"]
    found = json.loads(subprocess.run(words, stdout=subprocess.PIPE, text=True, timeout=600, check=True).stdout)
    here = folder / "fleet"
    here.mkdir()
    words = [sys.executable, "-m", "tests.benchmarks.fleet", str(here)]
    bare = float(subprocess.run(words, stdout=subprocess.PIPE, text=True, timeout=300, check=True).stdout)
    last, most = found["back_last_s"], found["knocks_crowded_percent"]
    return [
        Row(
            f"{AGENTS:,} agents after a broker's restart",
            f"{found['back']:,} back, the last after {last:.1f} s, at most {most:.1f} % at the door in 100 ms",
            "≤ 30 s, ≤ 5 %",
            found["back"] == AGENTS and last <= 30 and most <= 5,
            "one Mosquitto, killed, back after 2 s; all agents in one process",
        ),
        Row(
            "… paho with its defaults",
            f"at most {bare:.0f} % in 100 ms",
            "",
            None,
            f"{BARE} clients, broker away for {AWAY:g} s",
        ),
        Row(
            "… while they talk",
            f"{found['messages_per_s']:.0f} msg/s, command p50 {found['command_p50_ms']:.1f} ms, "
            f"p99 {found['command_p99_ms']:.1f} ms",
            "",
            None,
            f"agents {found['agents_cpu_percent']:.0f} % of a core, "
            f"{found['agents_rss_mib'] / AGENTS * 1024:.0f} KiB each; "
            f"broker {found['broker_cpu_percent']:.0f} %, {found['broker_rss_mib']:.0f} MiB",
        ),
    ]


def bare(folder: Path) -> float:
    """The fullest tenth of a second in which clients as they are come back, percent."""
    broker = Mosquitto(folder).start()
    back: list[float] = []
    lock = threading.Lock()

    def connected(*_: object) -> None:
        with lock:
            back.append(time.monotonic())

    clients = [Client(CallbackAPIVersion.VERSION2) for _ in range(BARE)]
    for client in clients:
        client.on_connect = connected
        client.connect("127.0.0.1", broker.port)
        client.loop_start()
    wait(lambda: len(back) == BARE)
    broker.stop(kill=True)
    back.clear()
    down = threading.Event()
    down.wait(AWAY)
    broker.start()
    wait(lambda: len(back) >= BARE)
    first = min(back)
    share = crowded([each - first for each in back])
    for client in clients:
        client.disconnect()
        client.loop_stop()
    broker.stop()
    return share * 100


def wait(condition: object) -> None:
    until = time.monotonic() + 120
    while not condition():  # type: ignore[operator]
        if time.monotonic() > until:
            raise TimeoutError("they did not all come back within two minutes")
        time.sleep(0.01)


if __name__ == "__main__":
    print(bare(Path(sys.argv[1])))
