"""A console on the network takes our lights and gives them back, through the output engine's own sockets."""

import asyncio
import contextlib
import socket
import time
from itertools import pairwise
from uuid import UUID

from agent.lighting.claims import Priority
from config.model import InputSection
from drivers.dmx import sacn_codec as codec
from drivers.dmx.sacn_codec import Data
from tests.agent.engine.rooms import LIGHT, Side, dimmers, kill, listener, sacn, side
from tests.waiting import until

FEW = dimmers(2)
CID = UUID("c0450e00-0000-4000-8000-000000000009")
BEAT = 1 / 44


class Desk:
    """A console that sends one universe to an address of this machine, from a port of its own."""

    def __init__(self, address, priority=150):
        self.address = address
        self.priority = priority
        self.sequence = 0
        self.slots = bytes(512)
        self._socket = socket.socket(type=socket.SOCK_DGRAM)

    def send(self, options=0):
        self.sequence = (self.sequence + 1) % 256
        packet = Data(CID, "Desk", 1, self.slots, self.sequence, self.priority, options=options)
        self._socket.sendto(packet.encode(), (self.address, codec.PORT))

    def terminate(self):
        for _ in range(3):
            self.send(codec.TERMINATED)

    @contextlib.asynccontextmanager
    async def playing(self, key):
        """Goes on sending this level of the first light until left."""
        self.slots = bytes((key,)) + bytes(511)

        async def go_on():
            while True:
                self.send()
                await asyncio.sleep(0.2)

        task = asyncio.create_task(go_on())
        try:
            yield
        finally:
            task.cancel()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()


def ear(on_loss="fade", **more):
    options = {"universes": [1], "sampling": 0.0, "timeout": 2.5, "multicast": "ipv4", "interface": "127.0.0.1", **more}
    return {"desk": InputSection(driver="sacn-in", on_loss=on_loss, options=options)}


async def test_a_console_with_more_priority_is_followed_and_when_it_is_lost_the_lights_fade_back(tmp_path):
    with Desk("127.0.0.1") as desk, listener("127.0.71.21") as heard:
        async with side(tmp_path, {"net": sacn("127.0.71.21")}, FEW, {"d1": {LIGHT: 0.2}}, ear(sampling=1.5)) as daemon:
            await daemon.ready()
            await until(lambda: ("desk", "ok") in [(name, health.state) for name, health in daemon.told])
            async with desk.playing(255):
                await until(lambda: daemon.holding)
                assert daemon.holding[1].sources == ("Desk",) and daemon.holding[1].priority == 150
                await until(lambda: heard.last()[0] == 255)
                daemon.rig.claim("hand", Priority.MANUAL, {"d1": {LIGHT: 0.1}}, now=time.monotonic())
                count, fallen = len(heard.packets), daemon.client.pid
                kill(fallen)  # the engine's heir hears the console as well, but only after its sampling
                await until(lambda: daemon.client.pid not in (0, fallen))
                await daemon.ready()
                begun = time.monotonic()
                await until(lambda: heard.packets[-1].when > begun + 1.8)
                assert daemon.holding
                assert {packet.slots[0] for packet in heard.packets[count:]} == {255}, "nor did the lights leave it"
            lost = time.monotonic()
            await until(lambda: not daemon.holding)
            assert time.monotonic() - lost >= 2.2, "2.5 s after its last packet, which came up to 0.2 s before"
            await daemon.shown()
            assert heard.last()[0] == 26
    steps = [b.slots[0] - a.slots[0] for a, b in pairwise(heard.packets)]
    assert max(map(abs, steps)) <= 0.6 * 255 * 0.05 + 2, "no flash on either way, nor at the engine's fall"


async def test_a_console_that_says_goodbye_is_followed_no_more_at_once(tmp_path):
    with Desk("127.0.0.1") as desk, listener("127.0.71.22"):
        async with side(tmp_path, {"net": sacn("127.0.71.22")}, FEW, {}, ear()) as daemon:
            await daemon.ready()
            async with desk.playing(100):
                await until(lambda: daemon.holding)
            left = time.monotonic()
            desk.terminate()
            await until(lambda: not daemon.holding)
            assert time.monotonic() - left < 2.0


async def test_a_console_with_no_more_priority_than_ours_holds_nothing(tmp_path):
    with Desk("127.0.0.1", priority=100) as desk, listener("127.0.71.23") as heard:
        async with side(tmp_path, {"net": sacn("127.0.71.23")}, FEW, {"d1": {LIGHT: 1.0}}, ear()) as daemon:
            await daemon.ready()
            async with desk.playing(0):
                count = len(heard.packets)
                await until(lambda: len(heard.packets) > count + 2)
                assert not daemon.holding and {packet.slots[0] for packet in heard.packets} == {255}
                desk.priority = 101
                await until(lambda: daemon.holding)


async def test_the_last_look_that_is_held_outlives_the_engine_and_the_daemon_until_a_person_moves_it(tmp_path):
    net = {"net": sacn("127.0.71.24")}
    with Desk("127.0.0.1") as desk, listener("127.0.71.24") as heard:
        async with side(tmp_path, net, FEW, {"d1": {LIGHT: 0.2}}, ear("hold")) as daemon:
            await daemon.ready()
            async with desk.playing(200):
                await until(lambda: heard.last()[0] == 200)
            desk.terminate()
            await until(lambda: daemon.holding and daemon.holding[1].kept)
            (kept,) = daemon.holding[1].kept
            assert kept.sources == ("Desk",) and abs(kept.since - time.monotonic()) < 5
            count, fallen = len(heard.packets), daemon.client.pid
            kill(fallen)
            await until(lambda: daemon.client.pid not in (0, fallen))
            await daemon.ready()
            assert daemon.holding[1].kept == (kept,)
            await daemon.vanish()
            heir = Side(tmp_path, net, FEW, {"d1": {LIGHT: 0.2}}, ear("hold"))
            await heir.open()
            await heir.ready()
            assert heir.holding[1].kept == (kept,)
            begun = time.monotonic()
            await until(lambda: heard.packets[-1].when > begun + 1.0)
            assert {packet.slots[0] for packet in heard.packets[count:]} == {200}
            heir.client.free({1: b"\1"})
            await until(lambda: heard.last()[0] == 51)
            assert not heir.holding or not heir.holding[1].who(1, 1)
            await until(lambda: not any(any(each.mask[:1]) for each in getattr(heir.holding.get(1), "kept", ())))
            assert daemon.client is not heir.client
            await heir.client.close(0.0)
