"""TCP as a byte pipe, on loopback; and the settings of a serial port."""

import os
import socket
import termios
import threading
from contextlib import closing, suppress
from pathlib import Path

import pytest

from config.units import Attribute
from drivers.errors import DeviceMissing, LinkLost, ReplyTimeout
from drivers.lamps.modbus import ModbusBus, ModbusOptions
from drivers.real import stream
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twin import Fitted
from drivers.virtual.twins.lamps import modbus_twin
from firmware_profiles import library
from tests.waiting import PATIENCE, free_port

LOOPBACK = "127.0.0.1"


@pytest.fixture
def server():
    with closing(socket.create_server((LOOPBACK, 0))) as listening:
        listening.settimeout(PATIENCE)
        yield listening


@pytest.fixture
def ends(host, server):
    link = host.stream(LOOPBACK, server.getsockname()[1], PATIENCE)
    far, _ = server.accept()
    with closing(link), closing(far):
        yield link, far


def test_bytes_go_both_ways_unchanged(ends):
    link, far = ends
    frame = bytes(range(256)) * 40
    link.write(frame)
    got = b""
    while len(got) < len(frame):
        got += far.recv(65536)
    assert got == frame
    far.sendall(b"abc")
    assert link.read(2, PATIENCE) == b"ab"
    assert link.read(2, PATIENCE) == b"c"
    assert link.read(2, 0.01) == b"" and link.read(0, PATIENCE) == b""
    link.drain()


def test_a_far_end_that_leaves_is_a_lost_link(ends):
    link, far = ends
    far.close()
    with pytest.raises(LinkLost, match="closed by the far end"):
        link.read(1, PATIENCE)


def test_a_far_end_that_acknowledges_nothing_any_more_is_lost_in_time(host, server, monkeypatch):
    """A window that stays shut is for the kernel what a far end without power is: nothing comes back."""
    monkeypatch.setattr(stream, "GONE_MS", 300)
    with closing(host.stream(LOOPBACK, server.getsockname()[1], PATIENCE)) as link:
        far, _ = server.accept()
        begun = host.now()
        with closing(far), pytest.raises(LinkLost):
            while host.now() < begun + PATIENCE:
                with suppress(ReplyTimeout):
                    link.write(bytes(1 << 20))


def test_close_from_another_thread_ends_a_read(ends):
    link, _ = ends
    caught = []

    def read():
        try:
            link.read(1, PATIENCE)
        except LinkLost as error:
            caught.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    link.close()
    link.close()
    reader.join(PATIENCE)
    assert not reader.is_alive() and caught
    with pytest.raises(LinkLost):
        link.write(b"x")


def test_nobody_there_is_a_missing_device(host):
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(DeviceMissing, match="cannot be reached"):
        host.stream(LOOPBACK, free_port(), 1.0)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_modbus_line_behind_a_real_serial_server(host, server):
    dimmer = library.find("generic/modbus-dimmer").personalities["0-255"]
    studio = VirtualStudio()
    studio.lamps["far"] = (Fitted("lamp", dimmer, 5, 3),)
    twin = modbus_twin(studio, ModbusOptions(port="/dev/far"), "far")

    def serve():
        far, _ = server.accept()
        with far:
            while data := far.recv(64):
                far.sendall(twin.device.receive(data))

    serving = threading.Thread(target=serve)
    serving.start()
    options = ModbusOptions(host=LOOPBACK, tcp=server.getsockname()[1], timeout=5)
    bus = ModbusBus(options, host)
    lamp = bus.lamp("lamp", dimmer, 5, 3)
    try:
        bus.open()
        lamp.apply({Attribute.INTENSITY: 0.2})
        assert lamp.read() == {Attribute.INTENSITY: 0.2} == twin.shown["lamp"]
    finally:
        bus.close()
        serving.join(PATIENCE)
    assert not serving.is_alive()


@pytest.mark.parametrize(
    ("framing", "flags"),
    [
        ("8N1", 0),
        ("8N2", termios.CSTOPB),
        ("8E1", termios.PARENB),
        ("8O1", termios.PARENB | termios.PARODD),
    ],
)
def test_a_serial_port_is_set_as_asked(host, framing, flags):
    # a pseudo-terminal drops the parity bit (tty_ioctl, pty.c), so what is asked of it is what is looked at
    asked = []
    set_ = termios.tcsetattr
    device, port = os.openpty()
    try:
        termios.tcsetattr = lambda fd, when, attributes: asked.append(attributes[2]) or set_(fd, when, attributes)
        host.serial(os.ttyname(port), 9600, framing).close()
    finally:
        termios.tcsetattr = set_
        os.close(device)
        os.close(port)
    assert asked
    every = termios.CSTOPB | termios.PARENB | termios.PARODD
    assert {setting & every for setting in asked} == {flags}
    assert all(setting & termios.CSIZE == termios.CS8 for setting in asked)


def test_a_modbus_line_on_a_real_serial_port(host, terminal):
    dimmer = library.find("generic/modbus-dimmer").personalities["relay-1000"]
    studio = VirtualStudio()
    studio.lamps["far"] = (Fitted("lamp", dimmer, 5, 3),)
    twin = modbus_twin(studio, ModbusOptions(port="/dev/far"), "far")

    def serve():
        while not over.is_set():
            if answer := twin.device.receive(terminal.read(1)):
                terminal.write(answer)
        terminal.hang_up()

    over = threading.Event()
    bus = ModbusBus(ModbusOptions(port=terminal.name, timeout=5, retries=0), host)
    lamp = bus.lamp("lamp", dimmer, 5, 3)
    held = os.open(terminal.name, os.O_RDWR | os.O_NOCTTY)  # nobody at the port would be a hang-up at the other end
    serving = threading.Thread(target=serve, daemon=True)
    serving.start()
    bus.open()
    os.close(held)
    begun = host.now()
    for level in (0.25, 0.5, 1.0):
        lamp.apply({Attribute.INTENSITY: level})
        assert lamp.read() == {Attribute.INTENSITY: level} == twin.shown["lamp"]
    assert host.now() - begun >= 6 * dimmer.modbus.gap, "the profile's gap was not kept"
    over.set()
    with pytest.raises(LinkLost):
        lamp.apply({Attribute.INTENSITY: 0.0})
    bus.close()
    serving.join(PATIENCE)
    assert not serving.is_alive()
