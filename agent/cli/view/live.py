"""The live screen: topics in, a picture five times a second, keys."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live

from agent.cli.view.keys import keys
from agent.cli.view.screen import Foot, draw
from agent.cli.view.seen import Seen
from agent.messaging.client import Client
from agent.messaging.dial import NoConnection
from agent.messaging.topics import Topics

if TYPE_CHECKING:
    from config.broker import MqttSection

PERIOD = 0.2
"""Seconds between pictures: a drawing costs some 15 ms of the processor."""
AGAIN = 1.0
"""Seconds until a lost broker is tried again."""


def at() -> str:
    """Local time for the log."""
    return datetime.now().astimezone().strftime("%H:%M:%S")


async def feed(mqtt: "MqttSection", topics: Topics, seen: Seen) -> None:
    """Read the agent's topics into ``seen``, for ever; a lost broker is said and tried again."""
    while True:
        try:
            async with Client(mqtt, issuer="view") as client:
                async for message in client.watch(topics.up, topics.down):
                    seen.take(message.topic, message.payload, time.monotonic(), at(), message.retain)
        except NoConnection as error:
            seen.note(f"broker: {error.reason}", at(), "critical")
        await asyncio.sleep(AGAIN)


async def show(
    seen: Seen, foot: Foot, language: str, ended: asyncio.Event, pressed: Callable[[str], None], console: Console
) -> None:
    """Draw until ``ended``; ``pressed`` hears keys."""
    drawn = asyncio.Event()

    def key(name: str) -> None:
        pressed(name)
        drawn.set()

    with keys(key), Live(console=console, screen=True, auto_refresh=False, redirect_stderr=False) as live:
        while not ended.is_set():
            live.update(draw(seen, time.monotonic(), console.size, language, foot), refresh=True)
            drawn.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PERIOD):
                    await first(ended, drawn)


async def first(*events: asyncio.Event) -> None:
    """Wait for any of them."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waits:
            each.cancel()


async def watch_live(mqtt: "MqttSection", topics: Topics, language: str) -> int:
    """``watch --live``: until ``q`` or Ctrl-C."""
    seen, ended = Seen(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    reading = asyncio.create_task(feed(mqtt, topics, seen))
    foot = Foot(hint=f"./studio send --site {topics.site} --agent {topics.agent} ping")

    def pressed(key: str) -> None:
        if key == "q":
            ended.set()

    try:
        await show(seen, foot, language, ended, pressed, terminal())
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    return os.EX_OK


def terminal() -> Console:
    """Standard output as a console."""
    return Console(file=sys.stdout, highlight=False)
