"""Talking to the service manager (sd_notify(3)): ready, stopping, still alive. Silent where there is none."""

import asyncio
import contextlib
import os
import socket


def notify(state: str) -> None:
    """Send one state line such as ``READY=1``; nothing happens outside a service manager."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.sendto(state.encode(), address)


def watchdog_interval() -> float | None:
    """Seconds within which the manager wants to hear ``WATCHDOG=1``; ``None`` when it does not."""
    try:
        return int(os.environ["WATCHDOG_USEC"]) / 1e6
    except (KeyError, ValueError):
        return None


async def keep_alive() -> None:
    """Say ``WATCHDOG=1`` three times as often as the manager asks, until cancelled; returns where it does not ask."""
    interval = watchdog_interval()
    while interval is not None:
        notify("WATCHDOG=1")
        await asyncio.sleep(interval / 3)
