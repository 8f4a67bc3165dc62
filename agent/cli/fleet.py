"""``studio-agent fleet --agents N``: the MQTT side of many agents at one broker, with the figures of it.

Without ``--host`` it starts a Mosquitto of its own on the loopback interface, and restarts it in the middle to see how
the fleet comes back. It ends by itself and leaves nothing behind.
"""

import argparse
import asyncio
import contextlib
import gc
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.cli.parser import complain, port

if TYPE_CHECKING:
    from agent.messaging.client import Client
    from agent.messaging.fleet import Fleet

MOST = 20_000
A_SECOND = 500
"""Agents that start in a second."""
DOWN = 2.0
"""Seconds the broker is away in its restart."""
BACK_WITHIN = 120.0


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--agents", type=_whole(1, MOST), default=1000, metavar="N", help=f"1…{MOST} (default: 1000)")
    parser.add_argument(
        "--interval", type=_whole(1, 3600), default=30, metavar="S", help="seconds between an agent's telemetry (30)"
    )
    parser.add_argument("--seconds", type=_whole(5, 3600), default=20, metavar="S", help="how long to measure (20)")
    parser.add_argument("--host", help="a broker that runs already; it is not restarted")
    parser.add_argument("--port", type=port, default=1883, metavar="N", help="of that broker (1883)")
    parser.add_argument("--json", action="store_true", help="the figures as JSON")


def _whole(low: int, high: int) -> Any:
    def number(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r}: a whole number, {low}…{high}")
        return int(text)

    return number


def run(options: argparse.Namespace) -> int:
    """0; 69 when there is no broker to be had or it loses agents, 71 when the machine allows too few connections."""
    import logging

    import structlog

    from agent.messaging.fleet import DESCRIPTORS, TooMany, allow

    # Looking for garbage among millions of objects stops all agents at once for more than a second; what a run of
    # bounded length leaves lying about is little beside them.
    gc.disable()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        allow(options.agents + DESCRIPTORS)
        figures = asyncio.run(measure(options))
    except TooMany as error:
        complain(f"studio-agent fleet: {error}")
        return os.EX_OSERR
    except NoBroker as error:
        complain(f"studio-agent fleet: {error}")
        return os.EX_UNAVAILABLE
    finally:
        gc.enable()
    print(json.dumps(figures, indent=2) if options.json else table(figures))
    return os.EX_OK


class NoBroker(Exception):
    """There is none, or it does not take the fleet."""


class Own:
    """A Mosquitto of our own on loopback, as far from its defaults as a fleet needs. Raises NoBroker."""

    def __init__(self, folder: Path) -> None:
        found = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        if found is None:
            raise NoBroker("there is no mosquitto here: apt-get install mosquitto, or name a broker with --host")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._file = folder / "mosquitto.conf"
        user = ["user root"] if os.geteuid() == 0 else []
        lines = [*user, f"listener {self.port} 127.0.0.1", "allow_anonymous true", "set_tcp_nodelay true"]
        self._file.write_text("\n".join([*lines, "max_queued_messages 0", "log_type error", ""]), encoding="utf-8")
        self._words = [found, "-c", str(self._file)]
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(self._words, stdout=quiet, stderr=quiet)  # noqa: ASYNC220, S603 - ours, at once
        until = time.monotonic() + 10
        while time.monotonic() < until and self._process.poll() is None:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            await asyncio.sleep(0.02)
        raise NoBroker("mosquitto does not start")

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)  # a broker that dies says goodbye to nobody
            self._process.wait()
            self._process = None

    def used(self) -> tuple[float, float]:
        """Its processor seconds and its memory (MiB) so far."""
        assert self._process is not None
        return _used(self._process.pid)


def _used(pid: int) -> tuple[float, float]:
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    ticks = os.sysconf("SC_CLK_TCK")
    return (int(stat[11]) + int(stat[12])) / ticks, int(stat[21]) * os.sysconf("SC_PAGE_SIZE") / 2**20


async def measure(options: argparse.Namespace) -> dict[str, Any]:
    """The figures, by name. Raises NoBroker, TooMany."""
    from agent.messaging.client import Client
    from agent.messaging.dial import NoConnection
    from agent.messaging.fleet import Fleet
    from config.broker import MqttSection

    with tempfile.TemporaryDirectory(prefix="studio-fleet-") as folder:
        own = None if options.host else Own(Path(folder))
        try:
            if own is not None:
                await own.start()
            at = own.port if own else options.port
            config = MqttSection(host=options.host or "127.0.0.1", port=at, protocol="5")
            fleet = Fleet(config, options.agents, options.interval)
            async with _running(fleet, options.agents / A_SECOND):
                figures = await _connected(fleet)
                try:
                    async with Client(config, issuer="fleet") as client:
                        figures |= await _steady(fleet, client, own, options.seconds)
                except NoConnection as error:
                    raise NoBroker(f"the requester: {error.reason}") from None
                if own is not None:
                    figures |= await _restarted(fleet, own)
        finally:
            if own is not None:
                own.stop()
    return figures


@contextlib.asynccontextmanager
async def _running(fleet: "Fleet", over: float) -> AsyncIterator[None]:
    task = asyncio.create_task(fleet.run(over))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _connected(fleet: "Fleet") -> dict[str, Any]:
    wanted = len(fleet.members)
    begun = time.monotonic()
    print(f"{wanted} agents connect …", file=sys.stderr)
    while fleet.online < wanted:
        if time.monotonic() - begun > BACK_WITHIN + wanted / A_SECOND:
            why = next(m.bus.health.reason for m in fleet.members if m.bus.health.state != "online")
            raise NoBroker(f"{wanted - fleet.online} of {wanted} agents do not come online: {why or 'no answer'}")
        await asyncio.sleep(0.05)
    return {"agents": wanted, "interval_s": fleet.interval, "all_online_s": round(time.monotonic() - begun, 1)}


async def _steady(fleet: "Fleet", client: "Client", own: Own | None, seconds: int) -> dict[str, Any]:
    """Telemetry flows, and a command goes to some agent ten times a second."""
    print(f"measuring for {seconds} s …", file=sys.stderr)
    trips: list[float] = []
    cpu, told, begun = time.process_time(), fleet.told, time.monotonic()
    broker = own.used() if own else (0.0, 0.0)
    while (now := time.monotonic()) < begun + seconds:
        member = random.choice(fleet.members)  # noqa: S311 - any of them
        async for _ in client.send(member.topics.site, member.topics.agent, "ping", timeout=10.0):
            pass
        trips.append(time.monotonic() - now)
        await asyncio.sleep(max(0.0, now + 0.1 - time.monotonic()))
    lasted = time.monotonic() - begun
    trips.sort()
    figures: dict[str, Any] = {
        "messages_per_s": round((fleet.told - told) / lasted, 1),
        "waiting": sum(member.bus.outbox.waiting for member in fleet.members),
        "command_p50_ms": round(trips[len(trips) // 2] * 1e3, 2),
        "command_p99_ms": round(trips[int(len(trips) * 0.99)] * 1e3, 2),
        "agents_cpu_percent": round(100 * (time.process_time() - cpu) / lasted, 1),
        "agents_rss_mib": round(_used(os.getpid())[1], 1),
    }
    if own is not None:
        after = own.used()
        figures["broker_cpu_percent"] = round(100 * (after[0] - broker[0]) / lasted, 1)
        figures["broker_rss_mib"] = round(after[1], 1)
    return figures


async def _restarted(fleet: "Fleet", own: Own) -> dict[str, Any]:
    from agent.messaging.fleet import crowded

    print("the broker dies and comes back …", file=sys.stderr)
    own.stop()
    down = time.monotonic()
    await asyncio.sleep(DOWN)
    await own.start()
    up = time.monotonic()
    while fleet.online < len(fleet.members) and time.monotonic() < up + BACK_WITHIN:
        await asyncio.sleep(0.05)
    arrivals = fleet.arrivals(down)
    return {
        "back": len(arrivals),
        "back_last_s": round(arrivals[-1] - (up - down), 1) if arrivals else None,
        "knocks_crowded_percent": round(100 * crowded(fleet.knocks(down)), 2),
    }


def table(figures: dict[str, Any]) -> str:
    """The figures for people."""
    said = {
        "agents": "agents",
        "interval_s": "seconds between an agent's telemetry",
        "all_online_s": "all online after, s",
        "messages_per_s": "messages a second",
        "waiting": "of these waiting at the end",
        "command_p50_ms": "command round trip p50, ms",
        "command_p99_ms": "… p99, ms",
        "agents_cpu_percent": "processor time of all agents, % of a core",
        "agents_rss_mib": "their memory, MiB",
        "broker_cpu_percent": "the broker's processor time, % of a core",
        "broker_rss_mib": "its memory, MiB",
        "back": "back after the broker's restart",
        "back_last_s": "… the last of them after, s",
        "knocks_crowded_percent": "… most at the door in one 100 ms, %",
    }
    width = max(map(len, said.values()))
    return "\n".join(f"{said[name]:{width}}  {value}" for name, value in figures.items())
