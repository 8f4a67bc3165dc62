"""What DMX512 needs of a serial port: its rate, its break, pauses that are never too short."""

import fcntl
import struct
import termios
import time

import pytest

from drivers.base import Verdict
from drivers.dmx.open_dmx import SLOT, OpenDmx, OpenDmxOptions
from drivers.errors import LinkLost
from drivers.real.host import RealHost


def test_250_kilobaud_is_really_set(host, terminal):
    """DMX512's rate is none of termios' own; the kernel says what it took."""
    link = host.serial(terminal.name, 250_000)
    try:
        raw = fcntl.ioctl(link._descriptor, 0x802C542A, bytes(44))  # TCGETS2, asm-generic/ioctls.h
        (control,), (speed,) = struct.unpack_from("=8xI", raw), struct.unpack_from("=40xI", raw)  # struct termios2
        assert speed == 250_000
        assert control & termios.CSTOPB and control & termios.CSIZE == termios.CS8 and not control & termios.PARENB
    finally:
        link.close()


def test_a_break_can_be_begun_and_ended(host, terminal):
    link = host.serial(terminal.name, 250_000)
    for on in (True, False):
        link.set_break(on)
    link.write(b"\0\1\2")
    assert terminal.read(3) == b"\0\1\2"
    terminal.hang_up()
    link.close()
    with pytest.raises(LinkLost):
        link.set_break(True)


@pytest.mark.parametrize("seconds", [0.00001, 0.0005, 0.004])
def test_a_pause_is_never_too_short(host, terminal, seconds):
    link = host.serial(terminal.name, 250_000)
    for _ in range(20):
        begun = time.monotonic()
        link.pause(seconds)
        assert time.monotonic() - begun >= seconds
    link.close()
    with pytest.raises(LinkLost):
        link.pause(seconds)


def test_a_real_port_gets_start_code_and_slots_no_faster_than_the_line_is(terminal):
    """A pseudo-terminal shows no break, but every byte, at 250 kBd."""
    driver = OpenDmx(OpenDmxOptions(port=terminal.name), RealHost())
    identity = driver.open()
    assert identity.model == "Open DMX"
    begun = time.monotonic()
    for shade in (0, 127, 255):
        driver.send(1, bytes([shade]) * 512)
        assert terminal.read(513) == bytes(1) + bytes([shade]) * 512
    assert time.monotonic() - begun >= 2 * (513 * SLOT + 196e-6)
    assert driver.checks()[1].run().verdict is Verdict.PASS
    driver.close()
