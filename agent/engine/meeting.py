"""How the daemon meets an engine: knocks, says the word, hears who it is."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import structlog

from agent.engine.messages import WORD, Hello, Unpacker, is_ours, socket_path

log = structlog.get_logger(__name__)

GREETS_WITHIN = 5.0
"""Seconds."""

AGAIN = 0.005
"""Seconds between two knocks."""


class Met(NamedTuple):
    """Whoever opened. ``hello``: ``None`` of one that cannot be understood, or that said nothing before it ended."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    unpacker: Unpacker
    hello: Hello | None


async def reached(folder: Path, within: float, coming: Callable[[], bool], now: Callable[[], float]) -> Met | None:
    """Knock until an engine opens and greets, or until none is ``coming`` any more. One that is just dying may have its
    door open, and says nothing."""
    until = now() + within
    while now() < until:
        last = not coming()
        met = await knock(folder)
        if met is not None and met.hello is not None:
            return met
        if met is not None:
            met.writer.close()
        if last:
            break
        await asyncio.sleep(AGAIN)
    return None


async def knock(folder: Path) -> Met | None:
    """Meet the engine whose state is in that folder; ``None``: nobody opens."""
    try:
        with socket_path(folder) as name:
            reader, writer = await asyncio.open_unix_connection(name, limit=1 << 20)
    except OSError:
        return None
    if not is_ours(writer.get_extra_info("socket")):
        log.error("engine.stranger", why="the engine's socket belongs to another user")
        writer.close()
        return None
    writer.write(WORD)
    unpacker = Unpacker()
    return Met(reader, writer, unpacker, await greeting(reader, unpacker))


async def greeting(reader: asyncio.StreamReader, unpacker: Unpacker) -> Hello | None:
    """The first message. ``None``: it cannot be understood, which an engine of another version need not."""
    try:
        async with asyncio.timeout(GREETS_WITHIN):
            while data := await reader.read(1 << 16):
                for message in unpacker.feed(data):
                    if isinstance(message, Hello):
                        return message
    except ConnectionError:
        pass  # it has ended
    except Exception as error:  # whatever an unknown pickle may raise
        log.warning("engine.not_understood", why=repr(error))
    return None


async def ended(reader: asyncio.StreamReader) -> None:
    """Wait until an engine that was told to end has, but not for ever."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(5.0):
            while await reader.read(1 << 16):
                pass
