"""Our Art-Net as a server made by others (PyPI ``stupidArtnet``) hears it, in a process of its own on loopback."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest

from drivers.dmx.artnet import Artnet, ArtnetOptions
from drivers.real.host import RealHost
from tests.processes import Child

ADDRESS = f"127.{1 + os.getpid() % 200}.{1 + os.getpid() // 200 % 200}.60"

SERVER = """
import json, socket, sys

from stupidArtnet import StupidArtnetServer

class Here(socket.socket):
    def bind(self, address):  # the library would take UDP 6454 of the whole machine
        super().bind((sys.argv[1], address[1]))
        say("ready")

def say(what):
    sys.stdout.write(json.dumps(what) + "\\n")
    sys.stdout.flush()

def took(levels, port_address):
    say([port_address, bytes(levels).hex()])

sys.modules["stupidArtnet.StupidArtnetServer"].socket.socket = Here
StupidArtnetServer.listeners = []
server = StupidArtnetServer()
for port_address in map(int, sys.argv[2:]):
    net, sub, universe = port_address >> 8, port_address >> 4 & 15, port_address & 15
    server.register_listener(universe, sub, net, is_simplified=False, callback_function=took)
say("listening")
sys.stdin.read()
"""
PORTS = (0x0001, 0x0123, 0x7FFF)


@pytest.fixture
def server() -> Iterator[Child]:
    child = Child(sys.executable, "-c", SERVER, ADDRESS, *map(str, PORTS))
    child.wait_line(lambda line: json.loads(line) == "ready")
    child.wait_line(lambda line: json.loads(line) == "listening")
    yield child
    assert child.finish() == 0


def test_levels_arrive_as_sent_in_every_universe_through_a_round_of_sequence_numbers(server):
    with closing(Artnet(ArtnetOptions(host=ADDRESS, timeout=0.05), RealHost())) as output:
        output.open()
        for number in range(300):
            for port_address in PORTS:
                size = 512 if number % 3 else 3 + number % 200
                frame = bytes((port_address + number + slot) % 256 for slot in range(size))
                before = len(server.lines)
                output.send(port_address, frame)
                padded = frame + bytes(size % 2)
                assert json.loads(server.wait_line(bool, since=before)) == [port_address, padded.hex()]
            output.flush()
