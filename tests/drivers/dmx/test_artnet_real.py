"""Art-Net on this machine's loopback: several nodes and consoles, each at an address of its own."""

import asyncio
import os
import selectors
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from queue import Queue

import pytest
from pyartnet import ArtNetNode
from stupidArtnet import StupidArtnet

from drivers.base import Heard
from drivers.dmx import artnet_codec as codec
from drivers.dmx.artnet import Artnet, ArtnetOptions
from drivers.dmx.artnet_codec import Dmx, Node, Poll, Sync
from drivers.dmx.artnet_in import ArtnetIn, ArtnetInOptions
from drivers.dmx.artnet_watch import hold_port
from drivers.errors import LinkLost
from drivers.real.host import RealHost
from tests.waiting import PATIENCE

NET = f"127.{1 + os.getpid() % 200}.{1 + os.getpid() // 200 % 200}"
"""Ours, for others may test on this machine at the same time."""
EVERYBODY = "127.255.255.255"
PORT = 100 + os.getpid() % 30000


def bound(address: str) -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    opened.bind((address, codec.PORT))
    opened.settimeout(PATIENCE)
    return opened


class Gate(threading.Thread):
    """A node: hears broadcasts and its own address, answers polls to the port that asked."""

    def __init__(self, last: int, *outputs: int) -> None:
        super().__init__()
        self.address = f"{NET}.{last}"
        self.frames: Queue[Dmx] = Queue()
        self.syncs: Queue[str] = Queue()
        self._outputs = outputs
        self._own, self._all = bound(self.address), bound(EVERYBODY)
        self._end, self._ended = socket.socketpair()
        self.start()

    def run(self) -> None:
        with selectors.DefaultSelector() as ready, self._own, self._all, self._ended:
            for opened in (self._own, self._all, self._ended):
                ready.register(opened, selectors.EVENT_READ)
            while True:
                for key, _ in ready.select():
                    if key.fileobj is self._ended:
                        return
                    self._take(*key.fileobj.recvfrom(2000))  # type: ignore[union-attr]

    def _take(self, data: bytes, source: tuple[str, int]) -> None:
        packet = codec.decode(data)
        if isinstance(packet, Poll):
            reply = Node(self.address, f"gate {self.address[-2:]}", outputs=self._outputs)
            self._own.sendto(reply.encode(), source)
        elif isinstance(packet, Dmx):
            self.frames.put(packet)
        elif isinstance(packet, Sync):
            self.syncs.put(source[0])

    def stop(self) -> None:
        self._end.close()
        self.join(PATIENCE)


@pytest.fixture
def gates() -> Iterator[list[Gate]]:
    both = [Gate(11, PORT), Gate(12, PORT, PORT ^ 1)]
    yield both
    for gate in both:
        gate.stop()


def test_nodes_are_found_by_broadcast_and_fed_by_unicast(gates):
    output = Artnet(ArtnetOptions(network=EVERYBODY, sync=True, timeout=0.05), RealHost())
    output.open()
    try:
        end = time.monotonic() + PATIENCE
        while len(output.nodes.subscribers.get(PORT, ())) < 2:
            assert time.monotonic() < end, "the nodes were not found"
            output.flush()
        for level in (10, 20):
            output.send(PORT, bytes((level,)) * 512)
            output.send(PORT ^ 1, bytes((level + 1,)) * 3)
            output.flush()
        one, two = gates
        for sequence, level in ((1, 10), (2, 20)):
            assert one.frames.get(timeout=PATIENCE) == Dmx(PORT, bytes((level,)) * 512, sequence)
            assert two.frames.get(timeout=PATIENCE) == Dmx(PORT, bytes((level,)) * 512, sequence)
            odd = bytes((level + 1,)) * 3 + b"\0"
            assert two.frames.get(timeout=PATIENCE) == Dmx(PORT ^ 1, odd, sequence)
        assert one.frames.empty()
        for gate in gates:
            assert gate.syncs.get(timeout=PATIENCE) and gate.syncs.get(timeout=PATIENCE)
        assert {gate.address for gate in gates} <= {address for address, _ in output.nodes.parts}
    finally:
        output.close()


def test_a_port_that_somebody_has_is_left_to_him():
    with bound(f"{NET}.20"):
        assert hold_port(RealHost()) is None


def test_a_console_finds_us_and_is_heard():
    address, desk = f"{NET}.30", f"{NET}.31"
    device = ArtnetIn(ArtnetInOptions(universes=(1, 2), interface=address), RealHost())
    assert device.open().details == {"address": address, "universes": "1, 2"}
    with closing(device), bound(desk) as console:
        console.sendto(Poll().encode(), (address, codec.PORT))
        assert device.listen(1.2) == []
        reply = codec.decode(console.recvfrom(2000)[0])
        assert isinstance(reply, Node) and (reply.address, reply.outputs) == (address, (1, 2))
        console.sendto(Dmx(2, bytes(range(200)), 1).encode(), (address, codec.PORT))
        (heard,) = device.listen(PATIENCE)
        assert (heard.universe, heard.slots, heard.sources) == (2, bytes(range(200)), (desk,))


def test_the_library_stupidartnet_is_heard():
    address, levels = f"{NET}.35", bytes(range(256)) * 2
    device = ArtnetIn(ArtnetInOptions(universes=(0x123,), interface=address, hear_local=True), RealHost())
    device.open()
    sender = StupidArtnet(address, 0x3, 512, source_address=(f"{NET}.36", 0))
    with closing(device), closing(sender):
        sender.set_simplified(False)
        sender.set_net(0x1)
        sender.set_subnet(0x2)
        sender.set(bytearray(levels))
        sender.show()
        (heard,) = device.listen(PATIENCE)
        assert (heard.universe, heard.slots, heard.sources) == (0x123, levels, (f"{NET}.36",))


def test_the_library_pyartnet_is_heard():
    address, desk, levels = f"{NET}.37", f"{NET}.38", bytes(range(255, -1, -1)) * 2
    device = ArtnetIn(ArtnetInOptions(universes=(7,), interface=address, hear_local=True), RealHost())
    device.open()

    async def show() -> Sequence[Heard]:
        async with ArtNetNode.create(address, source_ip=desk) as node:
            node.add_universe(7).add_channel(1, 512).set_values(levels)
            return await asyncio.to_thread(device.listen, PATIENCE)

    with closing(device):
        (heard,) = asyncio.run(show())
        assert (heard.universe, heard.slots, heard.sources) == (7, levels, (desk,))


def test_an_output_gets_the_replies_that_come_to_the_input():
    address = f"{NET}.40"
    host = RealHost()
    device = ArtnetIn(ArtnetInOptions(universes=(1,), interface=address), host)
    device.open()
    with closing(device), closing(host.udp(("127.0.0.1", 0))) as poller, bound(f"{NET}.41") as node:
        poller.send(Poll().encode(), (address, codec.PORT))
        device.listen(1.2)
        first = poller.receive(PATIENCE)
        assert first is not None and isinstance(codec.decode(first.data), Node)
        reply = Node(f"{NET}.41", "gate", outputs=(7,)).encode()
        node.sendto(reply, (address, codec.PORT))
        device.listen(0.1)
        second = poller.receive(PATIENCE)
        assert second is not None and second.data == reply


def test_closing_ends_a_listening():
    device = ArtnetIn(ArtnetInOptions(universes=(1,), interface=f"{NET}.50"), RealHost())
    device.open()
    ended: Queue[str] = Queue()

    def listen() -> None:
        try:
            device.listen(60)
        except LinkLost as error:
            ended.put(error.reason)

    listener = threading.Thread(target=listen)
    listener.start()
    device.close()
    assert ended.get(timeout=PATIENCE)
    listener.join(PATIENCE)
    assert not listener.is_alive()
