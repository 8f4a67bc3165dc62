"""Network outputs on this machine's loopback, against receivers that are not ours."""

import os
import queue
import socket
import threading

import sacn

from drivers.base import Verdict
from drivers.dmx import artnet_codec
from drivers.dmx.artnet import Artnet, ArtnetOptions
from drivers.dmx.artnet_codec import Dmx, Node, Poll
from drivers.dmx.sacn import Sacn, SacnOptions
from drivers.real.host import RealHost
from tests.waiting import PATIENCE

UNIVERSE = 20000 + os.getpid() % 20000
"""Our own, for others may test on this machine at the same time."""


def test_the_library_sacn_receives_our_multicast():
    heard: queue.Queue = queue.Queue()
    gone = threading.Event()
    receiver = sacn.sACNreceiver(bind_address="127.0.0.1")
    receiver.register_listener("universe", heard.put, universe=UNIVERSE)
    receiver.register_listener("availability", lambda universe, changed: changed == "timeout" and gone.set())
    receiver.join_multicast(UNIVERSE)
    receiver.start()
    try:
        output = Sacn(
            SacnOptions(interface="127.0.0.1", source_name="灯光 test", priority=120, on_close="terminate"), RealHost()
        )
        identity = output.open()
        for frame in (bytes(512), bytes(range(256)) * 2, bytes(512)):
            for _ in range(output.refresh.repeats):
                output.send(UNIVERSE, frame)
            packet = heard.get(timeout=PATIENCE)
            assert bytes(packet.dmxData) == frame
            assert (packet.priority, packet.sourceName, packet.universe) == (120, "灯光 test", UNIVERSE)
            assert bytes(packet.cid).hex() == identity.serial.replace("-", "")
        assert [check.run().verdict for check in output.checks()] == [Verdict.PASS]
        assert heard.empty()  # repeats are no changes
        assert not gone.is_set()
        output.close()
        assert gone.wait(PATIENCE)  # said, not waited for
    finally:
        receiver.stop()


def test_an_artnet_node_on_a_real_socket_is_found_and_fed():
    address = f"127.{1 + os.getpid() % 200}.0.2"
    frames: queue.Queue = queue.Queue()

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind((address, artnet_codec.PORT))

        def answer() -> None:
            while True:
                data, source = opened.recvfrom(2000)
                packet = artnet_codec.decode(data)
                if packet is None:
                    return
                if isinstance(packet, Poll):
                    opened.sendto(Node(address, "real", firmware="3.9", outputs=(1,)).encode(), source)
                elif isinstance(packet, Dmx):
                    frames.put(packet)

        node = threading.Thread(target=answer)
        node.start()
        try:
            output = Artnet(ArtnetOptions(host=address, timeout=5), RealHost())
            identity = output.open()
            assert (identity.model, identity.firmware) == ("real", "3.9")
            output.send(1, bytes(range(101)))
            assert frames.get(timeout=PATIENCE) == Dmx(1, bytes(range(101)) + b"\0", 1)
            assert next(check.run().verdict for check in output.checks()) in (Verdict.PASS, Verdict.MARGINAL)
            output.close()
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
                end.sendto(b"end", (address, artnet_codec.PORT))
            node.join(PATIENCE)
    assert not node.is_alive()
