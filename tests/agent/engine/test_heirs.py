"""Whoever waits to be the next engine: is replaced when it is gone, and inherits nothing after a proper end."""

import asyncio
import sys
import time
from itertools import pairwise
from pathlib import Path

from agent.engine.server import ALONE
from tests.agent.engine.rooms import LIGHT, dimmers, engines, kill, listener, sacn, side
from tests.processes import Child
from tests.waiting import until

FEW = dimmers(4)
FULL = {"d1": {LIGHT: 1.0}}


def waits(pid):
    """Whether it has read everything in and waits for the lock (/proc/locks, "->")."""
    lines = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    return any(words[1] == "->" and words[5] == str(pid) for words in lines)


async def heir(folder, *others):
    """The one process that waits, besides these."""
    found = await until(lambda: [pid for pid in engines(folder) if pid not in others and waits(pid)])
    assert len(found) == 1
    return found[0]


async def test_an_heir_that_is_gone_is_replaced_and_takes_over_as_quickly(tmp_path):
    with listener("127.0.71.71") as heard:
        async with side(tmp_path, {"net": sacn("127.0.71.71")}, FEW, FULL) as daemon:
            await daemon.ready()
            first = daemon.client.pid
            for _ in range(2):
                gone = await heir(tmp_path, first)
                kill(gone)
                await until(lambda pid=gone: pid not in engines(tmp_path))
            second = await heir(tmp_path, first)
            kill(first)
            await until(lambda: daemon.client.pid == second)
            await daemon.ready()
            await heir(tmp_path, second)  # and it has an heir again
            assert daemon.client.falls == 1
    assert {packet.slots[0] for packet in heard.packets} == {255}
    assert max(b.when - a.when for a, b in pairwise(heard.packets)) < 1.9, "0.9 s between two frames, and the gap"


async def test_an_heir_that_is_gone_while_there_is_no_daemon_is_replaced_by_the_next_one(tmp_path):
    with listener("127.0.71.72"):
        async with side(tmp_path, {"net": sacn("127.0.71.72")}, FEW, FULL) as first:
            await first.ready()
            await first.vanish()
            gone = await heir(tmp_path, first.client.pid)
            kill(gone)
            await until(lambda: gone not in engines(tmp_path))
            async with side(tmp_path, {"net": sacn("127.0.71.72")}, FEW, FULL) as second:
                await second.ready()
                assert await heir(tmp_path, second.client.pid) != gone


async def test_after_a_proper_end_nobody_inherits(tmp_path):
    with listener("127.0.71.73"):
        async with side(tmp_path, {"net": sacn("127.0.71.73")}, FEW, FULL) as daemon:
            await daemon.ready()
            await heir(tmp_path, daemon.client.pid)
            one_more = Child(sys.executable, "-P", "-m", "agent.engine", tmp_path, "heir")
            await until(lambda: waits(one_more.process.pid))
            left = time.monotonic()
            await daemon.client.close(0.0)
            assert await asyncio.to_thread(one_more.code) == 0
            assert time.monotonic() - left < ALONE / 2, "it was no engine in between"
