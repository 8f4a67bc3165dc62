"""Whoever waits to be the next engine: is replaced when it is gone, and inherits nothing after a proper end."""

import asyncio
import os
import signal
import sys
import time
from itertools import pairwise
from pathlib import Path

from structlog.testing import capture_logs

from agent.engine.server import ALONE
from agent.engine.vigil import HUNG, LOOK, Vigil
from agent.lighting.claims import Priority
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


async def test_an_engine_that_falls_together_with_its_heir_is_followed_by_one_that_nobody_waited_to_be(tmp_path):
    with listener("127.0.71.75") as heard:
        async with side(tmp_path, {"net": sacn("127.0.71.75")}, FEW, FULL) as daemon:
            await daemon.ready()
            both = {daemon.client.pid, await heir(tmp_path, daemon.client.pid)}
            daemon.client.mark = "text of another version"
            with capture_logs() as lines:
                for pid in both:
                    kill(pid)
                await until(lambda: daemon.client.pid not in {0, *both})
            gone = time.monotonic()
            daemon.rig.claim("hand", Priority.MANUAL, {"d2": {LIGHT: 0.2}}, now=gone)
            await daemon.shown()
            assert os.sched_getscheduler(await heir(tmp_path, daemon.client.pid)) == os.SCHED_OTHER
    assert {packet.slots[0] for packet in heard.packets} == {255} and heard.last()[1] == 51
    other = [line for line in lines if line["event"] == "engine.other_version"]
    assert [line["next"] for line in other] == ["restart the agent"], "its files were changed under it, and it is told"


async def test_an_engine_that_stands_still_is_ended_and_its_heir_goes_on_from_where_the_lights_are(tmp_path):
    with listener("127.0.71.76") as heard:
        async with side(tmp_path, {"net": sacn("127.0.71.76")}, FEW, FULL) as daemon:
            await daemon.ready()
            first = daemon.client.pid
            second = await heir(tmp_path, first)
            daemon.rig.claim("hand", Priority.MANUAL, {"d1": {LIGHT: 0.0}}, now=time.monotonic(), fade=20.0)
            await until(lambda: heard.last()[0] < 250)
            with capture_logs() as lines:
                os.kill(first, signal.SIGSTOP)
                await until(lambda: daemon.client.pid == second)
            daemon.rig.claim("hand", Priority.MANUAL, {"d1": {LIGHT: 1.0}}, now=time.monotonic())
            await until(lambda: heard.last()[0] == 255)
    assert [line["pid"] for line in lines if line["event"] == "engine.hung"] == [first]
    most = 0.6 * 255 / 44 + 1
    steps = [abs(b.slots[0] - a.slots[0]) for a, b in pairwise(heard.packets)]
    assert max(steps) <= 2 * most, "led, not thrown"


async def test_who_was_kept_from_running_itself_blames_no_engine(tmp_path):
    """The clock jumps as it does for a process that was stopped; the engine stays silent all the time."""
    times = iter([0.0, 0.0, *(100.0 * n for n in range(1, 6)), *(500.0 + 0.25 * n for n in range(1, 40))])
    engine = await asyncio.create_subprocess_exec("sleep", "60")
    looks = []

    def now():
        looks.append(next(times))
        return looks[-1]

    vigil = asyncio.create_task(Vigil(now).keep(engine.pid))
    await until(lambda: engine.returncode is not None)
    vigil.cancel()
    assert 500.0 + HUNG < looks[-1] <= 500.0 + HUNG + 4 * LOOK, "only silence while it was awake counts"
