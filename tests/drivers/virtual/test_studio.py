"""The virtual studio as a host: sockets, network, listeners, clock."""

import threading
from collections.abc import Iterator

import pytest

from drivers.errors import DeviceMissing, LinkLost, NotSupported, Refused, ReplyTimeout
from drivers.host import Endpoint, SerialPort
from drivers.virtual.clock import ManualClock
from drivers.virtual.studio import HOME, VirtualStudio
from drivers.virtual.twin import Fault

PORT = SerialPort("/dev/ttyUSB0", "usb:A1", usb_serial="A1")


class Echo:
    """A serial device and a node: says what it hears."""

    def __init__(self) -> None:
        self.restarts = 0
        self.arrivals: list[float] = []
        self.clock: VirtualStudio | None = None

    def receive(self, data: bytes, source: Endpoint = ("", 0), to: Endpoint = ("", 0)):
        if self.clock is not None:
            self.arrivals.append(self.clock.arrival())
        return data if not source[0] else [(data, source)]

    def restart(self) -> None:
        self.restarts += 1


class SlowLan:
    """50 ms one way; ``lost``: the numbers of the journeys that end nowhere."""

    def __init__(self, *lost: int) -> None:
        self._lost = lost
        self._count = 0

    def journey(self) -> float | None:
        self._count += 1
        return None if self._count in self._lost else 0.05


@pytest.fixture
def studio() -> VirtualStudio:
    return VirtualStudio(ManualClock())


# --- serial ---


@pytest.mark.parametrize("name", ["/dev/ttyUSB0", "usb:A1"])
def test_a_port_is_found_by_all_its_names(studio, name):
    studio.place_serial(PORT, Echo())
    link = studio.serial(name, 57600)
    link.write(b"hello")
    assert link.read(2, 0.1) == b"he"
    assert link.read(100, 0.1) == b"llo"
    assert studio.serial_ports() == [PORT]


def test_silence_takes_the_studios_time_and_none_of_ours(studio):
    socket = studio.place_serial(PORT, Echo())
    socket.fault(Fault.SILENCE)
    link = studio.serial("usb:A1", 57600)
    link.write(b"hello")
    begun = studio.now()
    assert link.read(10, 3600) == b""
    assert studio.now() - begun == pytest.approx(3600)


def test_a_port_has_one_owner_until_it_is_closed(studio):
    studio.place_serial(PORT, Echo())
    link = studio.serial("usb:A1", 57600)
    with pytest.raises(DeviceMissing, match="in use"):
        studio.serial("usb:A1", 57600)
    assert studio.in_use() == ["/dev/ttyUSB0"]
    link.close()
    link.close()
    assert studio.in_use() == []
    with pytest.raises(LinkLost, match="closed"):
        link.write(b"x")
    studio.serial("usb:A1", 57600)


@pytest.mark.parametrize("at", range(1, 12))
def test_unplugged_after_exactly_that_many_bytes(studio, at):
    socket = studio.place_serial(PORT, Echo())
    link = studio.serial("usb:A1", 57600)
    socket.fault(Fault.UNPLUG, at)
    passed = 0
    with pytest.raises(LinkLost):
        for _ in range(3):
            link.write(b"abcd")  # 4 there and 4 back
            passed += 4
            passed += len(link.read(10, 0.1))
    assert passed == at - at % 4 if at % 8 < 4 else at
    assert studio.serial_ports() == []
    socket.heal()
    assert studio.serial_ports() == [PORT]
    with pytest.raises(LinkLost):
        link.read(1, 0)  # the old link stays dead
    new = studio.serial("usb:A1", 57600)
    new.write(b"ab")
    assert new.read(10, 0.1) == b"ab"
    assert len(studio.in_use()) == 1
    new.close()
    assert len(studio.in_use()) == 1  # the old one was never closed
    link.close()
    assert studio.in_use() == []
    assert isinstance(socket.device, Echo) and socket.device.restarts == 1


def test_faults_of_answers(studio):
    socket = studio.place_serial(PORT, Echo())
    link = studio.serial("usb:A1", 57600)
    for fault, expected in ((Fault.CUT, b"ab"), (Fault.DOUBLE, b"abcdabcd")):
        socket.fault(fault)
        link.write(b"abcd")
        assert link.read(100, 0.1) == expected
    socket.fault(Fault.NOISE)
    link.write(b"abcd")
    noise = link.read(100, 0.1)
    assert len(noise) == 4 and noise != b"abcd"
    socket.heal()
    link.write(b"abcd")
    assert link.read(100, 0.1) == b"abcd"


def test_a_device_speaks_unasked(studio):
    socket = studio.place_serial(PORT, Echo())
    socket.emit(b"nobody listens")
    link = studio.serial("usb:A1", 57600)
    socket.emit(b"now")
    assert link.read(100, 0.1) == b"now"


def test_another_thread_ends_a_read_by_close_or_unplug():
    studio = VirtualStudio()  # real time: the reader must really wait
    socket = studio.place_serial(PORT, Echo())
    for end in (lambda link: link.close(), lambda link: socket.unplug()):
        link = studio.serial("usb:A1", 57600)
        ended: list[Exception] = []

        def read(link=link, ended=ended) -> None:
            try:
                link.read(1, 60)
            except LinkLost as error:
                ended.append(error)

        reader = threading.Thread(target=read)
        reader.start()
        end(link)
        reader.join(10)
        assert not reader.is_alive()
        assert len(ended) == 1


# --- network ---


def test_a_studio_without_nodes_has_no_network(studio):
    socket = studio.udp()
    with pytest.raises(LinkLost, match="unreachable"):
        socket.send(b"x", ("10.0.0.9", 7))
    with pytest.raises(LinkLost, match="unreachable"):
        studio.connect("10.0.0.9", 7, 1)
    assert [each.name for each in studio.interfaces() if each.up] == ["lo"]


def test_delay_is_on_the_clock_and_known_to_the_node():
    studio = VirtualStudio(ManualClock(), lan=SlowLan())
    echo = Echo()
    echo.clock = studio
    studio.place_node("10.0.0.9", echo)
    socket = studio.udp(("", 5000))
    left = socket.send(b"ping", ("10.0.0.9", 7))
    assert socket.receive(0.09) is None
    answer = socket.receive(0.5)
    assert answer is not None
    assert (answer.data, answer.source) == (b"ping", ("10.0.0.9", 7))
    assert answer.received - left == pytest.approx(0.1)
    assert studio.now() - left == pytest.approx(0.1)
    assert echo.arrivals == [pytest.approx(left + 0.05)]


def test_loss_either_way():
    studio = VirtualStudio(ManualClock(), lan=SlowLan(1, 3))
    studio.place_node("10.0.0.9", Echo())
    socket = studio.udp()
    for expected in (None, None, b"3"):
        socket.send(b"3", ("10.0.0.9", 7))
        answer = socket.receive(1)
        assert (answer and answer.data) == expected


def test_unicast_broadcast_and_groups(studio):
    studio.place_node("10.0.0.1", Echo(), ["239.1.1.1"])
    studio.place_node("10.0.0.2", Echo())
    socket = studio.udp(("", 5000), broadcast=True)

    def heard(address: str) -> list[str]:
        socket.send(b"x", (address, 7))
        return sorted(answer.source[0] for answer in iter(lambda: socket.receive(0), None))

    assert heard("10.0.0.1") == ["10.0.0.1"]
    assert heard("239.1.1.1") == ["10.0.0.1"]
    assert heard("255.255.255.255") == ["10.0.0.1", "10.0.0.2"]
    assert heard("10.0.0.7") == []
    with pytest.raises(NotSupported, match="broadcast"):
        studio.udp().send(b"x", ("255.255.255.255", 7))


def test_sockets_of_the_machine_hear_each_other(studio):
    studio.place_node("10.0.0.1", Echo())
    receiver = studio.udp(("", 5568), groups=["239.255.0.1"])
    sender = studio.udp(ttl=7)
    sender.send(b"multicast", ("239.255.0.1", 5568))
    sender.send(b"unicast", (HOME, 5568))
    sender.send(b"other group", ("239.255.0.2", 5568))
    heard = list(iter(lambda: receiver.receive(0), None))
    assert [(datagram.data, datagram.ttl) for datagram in heard] == [(b"multicast", 7), (b"unicast", 7)]


def test_a_closed_socket_is_lost(studio):
    socket = studio.udp()
    socket.close()
    socket.close()
    with pytest.raises(LinkLost):
        socket.receive(1)
    with pytest.raises(LinkLost):
        socket.send(b"x", (HOME, 1))


def test_listeners_accept_refuse_and_keep_silent(studio):
    listener = studio.place_listener("10.0.0.9", 1935)
    studio.place_name("ingest", "10.0.0.9")
    assert studio.connect("ingest", 1935, 1) == 0
    listener.refuses = True
    with pytest.raises(Refused):
        studio.connect("ingest", 1935, 1)
    listener.fault(Fault.SILENCE)
    begun = studio.now()
    with pytest.raises(ReplyTimeout):
        studio.connect("ingest", 1935, 0.7)
    assert studio.now() - begun == pytest.approx(0.7)
    with pytest.raises(DeviceMissing, match="no such host name"):
        studio.connect("elsewhere", 1935, 1)


def test_sniffing_sees_what_passes_meanwhile():
    studio = VirtualStudio()
    studio.place_node("10.0.0.9", Echo())
    seen: list = []
    done = threading.Event()

    def sniff() -> None:
        seen.extend(studio.sniff("studio0", 1.5))
        done.set()

    sniffer = threading.Thread(target=sniff)
    sniffer.start()
    socket = studio.udp(("", 5000))
    while not done.is_set():
        socket.send(b"payload", ("10.0.0.9", 7))
        done.wait(0.02)
    sniffer.join(10)
    there = [each for each in seen if each.source[0] == HOME]
    assert there[0].data == bytes.fromhex("1388 0007 000f 0000") + b"payload"
    assert any(each.source == ("10.0.0.9", 7) for each in seen)


# --- names and people ---


def test_a_twin_is_broken_by_name_and_a_misspelt_one_is_told(studio):
    log: list = []

    class Lamp:
        firmware = ""

        def fault(self, fault: Fault, at: int = 0) -> None:
            log.append((fault, at))

        def heal(self) -> None:
            log.append("healed")

    studio.add("widget-1", Lamp())
    studio.fault("widget-1", "unplug", at=3)
    studio.heal("widget-1")
    assert log == [(Fault.UNPLUG, 3), "healed"]
    with pytest.raises(DeviceMissing, match="widget-2"):
        studio.fault("widget-2", "unplug")


def test_hosts_without_an_address_get_one_and_keep_it(studio):
    address = studio.place_host("ingest.example")
    assert studio.place_host("ingest.example") == address == studio.resolve("ingest.example")
    assert VirtualStudio().place_host("ingest.example") == address


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before
