import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import serial  # noqa: F401 - imported before rights are dropped

from drivers.errors import DeviceMissing, LinkLost, ReplyTimeout
from drivers.host import SerialPort
from drivers.real.serial import choose
from tests.waiting import PATIENCE

FRAME = bytes(range(256)) * 2 + b"\x7e\x06\x01\x02\x00\xe7"


@pytest.fixture
def link(host, terminal):
    opened = host.serial(terminal.name, 57600)
    yield opened
    opened.close()


def in_thread(call):
    """Run ``call`` in a thread; ``.outcome()`` waits for it and gives its error or value."""

    class Running(threading.Thread):
        def run(self):
            try:
                self.got = call()
            except Exception as error:
                self.got = error

        def outcome(self):
            self.join(PATIENCE)
            assert not self.is_alive()
            return self.got

    running = Running()
    running.start()
    return running


def test_bytes_go_both_ways_unchanged(link, terminal):
    link.write(FRAME)
    assert terminal.read(len(FRAME)) == FRAME
    terminal.write(b"\x00\n\r\x03\x04\x11\x13\xff")
    got = b""
    while len(got) < 8:
        got += link.read(100, PATIENCE)
    assert got == b"\x00\n\r\x03\x04\x11\x13\xff"


def test_read_gives_what_is_there_without_waiting_for_the_whole_size(link, terminal):
    terminal.write(b"abc")
    started = time.monotonic()
    assert link.read(600, 2 * PATIENCE) == b"abc"
    assert time.monotonic() - started < PATIENCE


def test_silence_is_no_bytes_after_the_time_limit(link):
    started = time.monotonic()
    assert link.read(1, 0.05) == b""
    assert 0.05 <= time.monotonic() - started < PATIENCE


def test_nothing_to_read_is_not_mistaken_for_unplugged(link):
    assert link.read(0, 0.01) == b""


def test_a_frame_reads_and_writes_fast_enough_for_40_hz(link, terminal):
    took = []
    for _ in range(200):
        started = time.monotonic()
        link.write(FRAME)
        link.drain()
        terminal.read(len(FRAME))
        took.append(time.monotonic() - started)
    assert statistics.median(took) < 0.025  # what it costs, not what else this machine does


def test_hang_up_is_link_lost_for_every_call(link, terminal):
    terminal.hang_up()
    for call in (lambda: link.read(1, 1.0), lambda: link.write(b"x"), link.drain):
        with pytest.raises(LinkLost):
            call()


def test_a_pending_read_ends_when_the_device_hangs_up(link, terminal):
    reading = in_thread(lambda: link.read(1, 2 * PATIENCE))
    terminal.hang_up()
    assert isinstance(reading.outcome(), LinkLost)


def test_bytes_sent_before_the_hang_up_are_still_read(link, terminal):
    terminal.write(b"bye")
    assert link.read(3, PATIENCE) == b"bye"
    terminal.hang_up()
    with pytest.raises(LinkLost, match=r"gone"):
        link.read(1, 1.0)


def test_a_pending_read_ends_when_another_thread_closes(link):
    reading = in_thread(lambda: link.read(1, 2 * PATIENCE))
    link.close()
    assert isinstance(reading.outcome(), LinkLost)


def test_a_stalled_device_bounds_the_write_and_the_close(link):
    started = time.monotonic()
    with pytest.raises(ReplyTimeout, match=r"took only \d+ of 200000 bytes"):
        link.write(bytes(200_000))
    link.close()
    assert time.monotonic() - started < PATIENCE


def test_a_pending_write_ends_when_another_thread_closes(link):
    writing = in_thread(lambda: link.write(bytes(200_000)))
    link.close()
    assert isinstance(writing.outcome(), LinkLost | ReplyTimeout)


def test_close_twice_then_every_call_is_link_lost(link):
    link.close()
    link.close()
    for call in (lambda: link.read(1, 1.0), lambda: link.write(b"x"), link.drain):
        with pytest.raises(LinkLost, match="closed"):
            call()


def test_one_port_has_one_owner_and_the_next_is_told_who(host, link, terminal):
    with pytest.raises(DeviceMissing, match="in use by") as refused:
        host.serial(terminal.name, 57600)
    assert "stop the other program" in refused.value.remedy
    link.close()
    host.serial(terminal.name, 250_000).close()


def test_the_owner_may_be_another_process(host, terminal):
    hold = (
        "import sys\nfrom drivers.real.host import RealHost\n"
        f"link = RealHost().serial({terminal.name!r}, 57600)\nprint('open', flush=True)\nsys.stdin.read()\nlink.close()"
    )
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout.readline() == b"open\n"
            with pytest.raises(DeviceMissing, match=f"process {other.pid}|another program"):
                host.serial(terminal.name, 57600)
        finally:
            other.stdin.close()
            other.wait(PATIENCE)


@pytest.mark.parametrize(
    ("port", "why"),
    [
        ("/dev/no-such-port", "there is no port"),
        ("/dev/null", "not a serial port"),
        ("usb:NO-SUCH-SERIAL", "no adapter with the USB serial number 'NO-SUCH-SERIAL'"),
    ],
)
def test_what_cannot_be_opened_is_missing_with_the_reason(host, port, why):
    with pytest.raises(DeviceMissing, match=why) as missing:
        host.serial(port, 57600)
    assert missing.value.remedy


def test_a_plain_file_is_not_a_serial_port(host, tmp_path):
    file = tmp_path / "ttyUSB0"
    file.write_bytes(b"")
    with pytest.raises(DeviceMissing, match="not a serial port"):
        host.serial(str(file), 57600)


def test_without_permission_the_remedy_names_the_group(host, terminal, nobody):
    Path(terminal.name).chmod(0)
    with nobody(), pytest.raises(DeviceMissing, match="permission denied") as missing:
        host.serial(terminal.name, 57600)
    assert "usermod -aG" in missing.value.remedy


def port(path, serial_number):
    return SerialPort(path, f"usb:{serial_number}", usb_serial=serial_number)


def test_a_usb_serial_number_finds_its_port_wherever_it_is_plugged_in():
    assert choose([port("/dev/ttyUSB1", "EN1"), port("/dev/ttyUSB0", "EN2")], "EN1") == "/dev/ttyUSB1"


def test_an_unknown_usb_serial_number_names_those_there_are():
    with pytest.raises(DeviceMissing) as missing:
        choose([port("/dev/ttyUSB0", "EN2")], "EN1")
    assert "EN2 (/dev/ttyUSB0)" in missing.value.remedy


def test_two_adapters_with_the_same_number_are_not_guessed_between():
    with pytest.raises(DeviceMissing, match="several ports") as missing:
        choose([port("/dev/ttyUSB0", "A1"), port("/dev/ttyUSB1", "A1")], "A1")
    assert "by-path" in missing.value.remedy


def test_listing_ports_gives_paths_that_exist(host):
    for each in host.serial_ports():
        assert Path(each.port).exists()
        assert each.stable
