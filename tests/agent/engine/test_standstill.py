"""The output engine is stopped in the middle of a fade and goes on; an Open DMX adapter is unplugged and comes back."""

import asyncio
import os
import pty
import select
import signal
import threading
import time
import tty
from itertools import pairwise

from agent.lighting.claims import Priority
from config.model import OutputSection
from tests.agent.engine.rooms import LIGHT, dimmers, listener, sacn, side
from tests.waiting import until

PERIOD = 1 / 44
RATE = 0.6
"""Share of full per second: the limit of these rooms."""
COUNTS = 0.05
"""Seconds between two frames for which a light may be moved."""


async def test_an_engine_that_stood_still_goes_on_from_the_last_frame_within_the_limit(tmp_path):
    with listener("127.0.71.20") as heard:
        async with side(tmp_path, {"net": sacn("127.0.71.20")}, dimmers(1)) as daemon:
            await daemon.ready()
            daemon.rig.claim("hand", Priority.MANUAL, {"d1": {LIGHT: 1.0}}, now=time.monotonic())
            await until(lambda: heard.last()[0] > 60)
            os.kill(daemon.client.pid, signal.SIGSTOP)
            stopped = time.monotonic()
            try:
                await until(lambda: time.monotonic() > stopped + 0.7)
                held = heard.last()[0]
                commanded = daemon.rig.scene.levels("d1", time.monotonic())[LIGHT] * 255
            finally:
                os.kill(daemon.client.pid, signal.SIGCONT)
            await until(lambda: heard.last()[0] == 255)
    assert commanded - held > 0.5 * RATE * 255, "the fade went on meanwhile"
    packets = [packet for packet in heard.packets if packet.universe == 1]
    for before, after in pairwise(packets):
        way = RATE * 255 * (min(after.when - before.when, COUNTS) + 2 * PERIOD) + 1
        assert 0 <= after.slots[0] - before.slots[0] <= way


class Adapter:
    """The far end of a bare serial port, as a link that is there while it is plugged; keeps every packet's slots."""

    def __init__(self, link):
        self.link, self.packets = link, []
        self._device, self._port = pty.openpty()
        tty.setraw(self._port)
        self.link.symlink_to(os.ttyname(self._port))
        self._stop, self._stopped = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        taken = b""
        while self._stop not in select.select([self._stop, self._device], [], [])[0]:
            taken += os.read(self._device, 4096)
            while len(taken) >= 513:
                self.packets.append(taken[1:513])
                taken = taken[513:]

    def unplug(self):
        os.write(self._stopped, b".")
        self._thread.join(10)
        self.link.unlink()
        for each in (self._device, self._port, self._stop, self._stopped):
            os.close(each)


async def test_an_open_dmx_adapter_that_is_replugged_has_the_look_within_two_seconds_and_goes_on(tmp_path):
    """A pseudo-terminal shows no break; that it is made for each packet is tested on the twin."""
    link = tmp_path / "adapter"
    section = OutputSection(driver="open-dmx", universes=(1,), options={"port": str(link)})
    adapter = Adapter(link)
    try:
        async with side(tmp_path, {"line": section}, dimmers(2), {"d1": {LIGHT: 1.0}}) as daemon:
            await daemon.ready()
            await until(lambda: adapter.packets)
            adapter.unplug()
            await until(lambda: daemon.units["line"].lane.health.state == "offline")
            daemon.rig.claim("hand", Priority.MANUAL, {"d2": {LIGHT: 0.5}}, now=time.monotonic())
            adapter = Adapter(link)
            plugged = time.monotonic()
            await until(lambda: adapter.packets)
            assert time.monotonic() - plugged < 2.0
            assert adapter.packets[0][:2] == bytes((255, 0)), "first what it had, and then led to where the lights are"
            await until(lambda: adapter.packets[-1][:2] == bytes((255, 128)))
            count = len(adapter.packets)
            await until(lambda: len(adapter.packets) > count + 20)
            assert daemon.units["line"].lane.health.state == "ok"
    finally:
        await asyncio.to_thread(adapter.unplug)
    assert {packet[0] for packet in adapter.packets} == {255}, "whole packets, none darker"
