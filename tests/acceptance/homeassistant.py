"""Acceptance against a real Home Assistant: ``.venv/bin/python -m tests.acceptance.homeassistant --hass PYTHON``.

``PYTHON`` is one that has Home Assistant (2024.12 or newer) and paho-mqtt: see homeassistant.md beside this file. A real
Mosquitto, the agent on the virtual studio and Home Assistant are started; what a person would see and press there is
looked at and pressed. Prints what was found; exit code 0 when all of it was right.
"""

import argparse
import asyncio
import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.agent.app.conftest import House
from tests.brokers import Mosquitto
from tests.waiting import PATIENCE, free_port

CHILD = Path(__file__).with_name("hass_child.py")


class Hass:
    """Home Assistant in a process of its own."""

    def __init__(self, python: str, folder: Path, broker: int) -> None:
        self.python, self.folder, self.broker = python, folder, broker

    async def start(self) -> str:
        self.folder.mkdir(exist_ok=True)
        self.process = await asyncio.create_subprocess_exec(
            self.python,
            str(CHILD),
            *(str(self.folder), str(self.broker), str(free_port())),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=(self.folder / "stderr.log").open("ab"),
            limit=2**24,
        )
        return str((await self._line())["ready"])

    async def do(self, what: str, **more: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": what, **more}).encode() + b"\n")
        found = await self._line()
        assert "error" not in found, found
        return found

    async def call(self, domain: str, service: str, **data: Any) -> None:
        await self.do("call", domain=domain, service=service, data=data)

    async def until(self, entity: str, wanted: Callable[[dict[str, Any]], Any], within: float = PATIENCE) -> dict[str, Any]:
        """Wait for a state; AssertionError with the one there is."""
        end = time.monotonic() + within
        while True:
            found = (await self.do("states")).get(entity, {})
            if found and wanted(found):
                return found
            assert time.monotonic() < end, (entity, found)
            await asyncio.sleep(0.1)

    async def stop(self) -> None:
        await self.do("stop")
        await self.process.wait()

    async def _line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), 90)
        assert line, f"Home Assistant ended: {(self.folder / 'stderr.log').read_text()[-2000:]}"
        return dict(json.loads(line))


def told(step: str) -> None:
    sys.stdout.write(f"ok  {step}\n")
    sys.stdout.flush()


async def main(python: str) -> int:
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker = Mosquitto(folder).start()
        try:
            return await _walk(python, folder, broker)
        finally:
            broker.stop()


async def _walk(python: str, folder: Path, broker: Mosquitto) -> int:
    house = House(folder, broker.port)
    house.change("[alerts]", "[homeassistant]\nenabled = true\n\n[alerts]")
    house.change(
        "[looks.show]",
        '[fixtures.wash]\nprofile = "generic/rgbw-panel"\npersonality = "5ch"\nuniverse = 1\naddress = 20\n\n[looks.show]',
    )
    hass = Hass(python, folder / "hass", broker.port)
    version = await hass.start()
    told(f"Home Assistant {version} runs")
    async with house.running() as agent:
        house.air(False)
        await hass.until("light.studio_key", lambda s: s["state"] == "on")
        await asyncio.sleep(3)
        states = await hass.do("states")
        size = len(agent.bus.board[f"homeassistant/device/demo/studio/config"])
        found = {k: v["state"] for k, v in states.items()}
        for k, v in sorted(found.items()):
            sys.stdout.write(f"    {k:50} {v}\n")
        sys.stdout.write(f"    discovery message: {size} bytes\n")
        log = await hass.do("log")
        sys.stdout.write(json.dumps(log, indent=1) + "\n")
        sys.stdout.write(json.dumps((await hass.do("registry"))["devices"]) + "\n")
    await hass.stop()
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.homeassistant")
    parser.add_argument("--hass", required=True, help="a Python that has Home Assistant")
    sys.exit(asyncio.run(main(parser.parse_args().hass)))
