"""A widget named by its USB serial number: found wherever it is plugged in, and while udev is still at work."""

import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from drivers.errors import DeviceMissing, LinkLost
from drivers.real.adapters import Tree, adapters
from drivers.real.host import RealHost
from drivers.real.serial import choose


class Bus:
    """A kernel's view of USB adapters, in files; the nodes are links to pseudo-terminals."""

    def __init__(self, root: Path) -> None:
        self.tree = Tree(root / "sys/class/tty", root / "dev")
        self._devices = root / "sys/devices/usb1"
        for folder in (self.tree.ports, self.tree.nodes, self._devices):
            folder.mkdir(parents=True)

    def plug(self, name: str, serial: str | None, terminal: str = "", socket: str = "1-1") -> None:
        """An adapter appears under ``/dev/name``; without ``terminal`` its node is not there yet."""
        usb = self._devices / socket
        port = usb / f"{socket}:1.0" / name
        port.mkdir(parents=True)
        for file, text in (("idVendor", "0403"), ("idProduct", "6001"), ("product", "DMX USB PRO"), ("serial", serial)):
            if text is not None:
                (usb / file).write_text(f"{text}\n")
        (self.tree.ports / name).mkdir()
        (self.tree.ports / name / "device").symlink_to(port)
        if terminal:
            (self.tree.nodes / name).symlink_to(terminal)

    def unplug(self, name: str) -> None:
        (self.tree.ports / name / "device").unlink()
        (self.tree.ports / name).rmdir()
        (self.tree.nodes / name).unlink(missing_ok=True)


@pytest.fixture
def bus() -> Iterator[Bus]:
    """Not in ``tmp_path``, where nobody but the owner may look."""
    with TemporaryDirectory() as root:
        Path(root).chmod(0o755)
        yield Bus(Path(root))


def test_it_is_found_again_under_another_name(bus, terminal, other_terminal):
    host = RealHost(bus.tree)
    bus.plug("ttyUSB0", "EN1", terminal.name)
    link = host.serial("usb:EN1", 57600)
    terminal.hang_up()
    with pytest.raises(LinkLost):
        link.read(1, 1.0)
    bus.unplug("ttyUSB0")
    with pytest.raises(DeviceMissing, match="no adapter with the USB serial number 'EN1'"):
        host.serial("usb:EN1", 57600)

    bus.plug("ttyUSB7", "EN1", other_terminal.name, socket="1-2")
    again = host.serial("usb:EN1", 57600)  # though the old link is still open
    again.write(b"here")
    assert other_terminal.read(4) == b"here"
    again.close()
    link.close()


def test_a_node_that_is_not_there_yet_is_missing_for_now(bus, terminal):
    host = RealHost(bus.tree)
    bus.plug("ttyUSB0", "EN1")
    with pytest.raises(DeviceMissing):
        host.serial("usb:EN1", 57600)
    (bus.tree.nodes / "ttyUSB0").symlink_to(terminal.name)
    host.serial("usb:EN1", 57600).close()


def test_a_node_without_rights_yet_is_missing_for_now(bus, terminal, nobody):
    host = RealHost(bus.tree)
    bus.plug("ttyUSB0", "EN1", terminal.name)
    Path(terminal.name).chmod(0)
    with nobody(), pytest.raises(DeviceMissing, match="permission denied") as missing:
        host.serial("usb:EN1", 57600)
    assert "tried again" in missing.value.remedy
    Path(terminal.name).chmod(0o666)
    with nobody():
        host.serial("usb:EN1", 57600).close()


def test_adapters_half_there_are_left_out(bus):
    bus.plug("ttyUSB0", "EN1")
    bus.plug("ttyACM0", None, socket="1-2")
    (bus.tree.ports / "ttyUSB1").mkdir()  # no device behind it yet
    (bus.tree.ports / "ttyUSB2").mkdir()
    (bus.tree.ports / "ttyUSB2" / "device").symlink_to("../../gone")  # just pulled
    (bus.tree.ports / "ttyS0").mkdir()
    found = adapters(bus.tree)
    assert [(each.port, each.usb_serial) for each in found] == [
        (f"{bus.tree.nodes}/ttyACM0", ""),
        (f"{bus.tree.nodes}/ttyUSB0", "EN1"),
    ]
    assert found[1].stable == "usb:EN1"
    assert (found[1].vendor_id, found[1].product_id, found[1].description) == (0x0403, 0x6001, "DMX USB PRO")


def test_without_sysfs_nothing_is_plugged_in(tmp_path):
    assert adapters(Tree(tmp_path / "none", tmp_path)) == []


def test_two_ports_of_one_adapter_are_not_guessed_between(bus):
    bus.plug("ttyUSB0", "FT1")
    bus.plug("ttyUSB1", "FT1", socket="1-2")
    with pytest.raises(DeviceMissing, match="several ports"):
        choose(adapters(bus.tree), "FT1")


def test_looking_for_it_four_times_a_second_costs_next_to_nothing(bus):
    for number in range(8):
        bus.plug(f"ttyUSB{number}", f"EN{number}", socket=f"1-{number}")
    begun = time.process_time()
    for _ in range(100):
        adapters(bus.tree)
    assert (time.process_time() - begun) / 100 < 0.0125  # 5 % of a core at four a second
