import socket
import subprocess
import sys

from drivers.host import Host


def test_importing_the_host_loads_no_hardware_library():
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, drivers.real.host; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.split()
    assert "drivers.real.host" in loaded
    assert not {"serial", "cv2", "scapy", "socket"} & set(loaded)


def test_it_is_a_host(host):
    as_host: Host = host
    assert as_host.now() <= as_host.now()
    assert as_host.wall() > 1_700_000_000


def test_interfaces_are_those_the_kernel_names_and_loopback_is_up(host):
    found = {each.name: each for each in host.interfaces()}
    assert set(found) == {name for _, name in socket.if_nameindex()}
    assert found["lo"].up
    assert "127.0.0.1/8" in found["lo"].addresses


def test_counters_of_an_interface_grow_with_its_traffic(host):
    def packets():
        return next(each.packets for each in host.interfaces() if each.name == "lo")

    before = packets()
    one, other = host.udp(("127.0.0.1", 0)), host.udp(("127.0.0.1", 0))
    for _ in range(10):
        one.send(b"x", other.local)
    one.close()
    other.close()
    assert packets() >= before + 10


def test_without_sys_the_interfaces_are_still_known(host, monkeypatch):
    monkeypatch.setattr("drivers.real.inventory._number", lambda name, file: None)
    lo = next(each for each in host.interfaces() if each.name == "lo")
    assert lo.packets > 0
    assert lo.speed is None
