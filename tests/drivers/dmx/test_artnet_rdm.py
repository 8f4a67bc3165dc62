"""RDM through an Art-Net gateway: its packets, the table it keeps, and answers of others."""

import os
import socket
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.dmx import artnet_codec as codec
from drivers.dmx import rdm_parameters as p
from drivers.dmx.artnet import Artnet, ArtnetOptions
from drivers.dmx.artnet_rdm import OURS, Rdm, TodControl, TodData, TodRequest, decode_rdm
from drivers.dmx.rdm_codec import Command, Packet, Uid
from drivers.dmx.rdm_controller import Controller
from drivers.dmx.rdm_discovery import discover
from drivers.dmx.rdm_port import Ask, Table, decode_table, run
from drivers.dmx.rdm_survey import survey
from drivers.dmx.rdm_words import Pid
from drivers.errors import BadReply, DriverError, ReplyTimeout
from drivers.real.host import RealHost
from drivers.virtual.clock import ManualClock
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twins.artnet import ArtnetNode, artnet_twin
from drivers.virtual.twins.rdm import FakeResponder
from drivers.virtual.twins.rdm_line import Line
from drivers.virtual.twins.rdm_parts import Defect
from tests.waiting import PATIENCE

LAMP, OTHER = Uid(0x1234, 0x56789ABC), Uid(0x1234, 0x56789ABD)
uids = st.builds(Uid, st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF))
addresses = st.integers(0, codec.TOP_ADDRESS)
packets = (
    st.builds(TodRequest, addresses)
    | st.builds(TodControl, addresses, st.integers(0, 255))
    | st.builds(
        TodData,
        addresses,
        st.lists(uids, max_size=5).map(tuple),
        st.integers(0, 0xFFFF),
        st.integers(0, 255),
        st.booleans(),
    )
    | st.builds(Rdm, addresses, st.binary(min_size=1, max_size=256).map(lambda body: b"\xcc" + body))
)


def placed(*responders: FakeResponder, **options: object) -> tuple[Artnet, ArtnetNode]:
    studio = VirtualStudio(ManualClock())
    chosen = ArtnetOptions.model_validate({"host": "10.77.0.21", **options})
    twin = artnet_twin(studio, chosen, "node")
    twin.lines[1] = Line(responders, now=studio.now)
    driver = Artnet(chosen, studio)
    driver.open()
    return driver, twin


def controlled(driver: Artnet):
    port = driver.rdm(1)
    assert port is not None
    return port, Controller(port.uid)


def test_bytes_on_the_wire():
    head = b"Art-Net\0"
    assert TodRequest(0x1234).encode() == head + bytes.fromhex("0080 000e") + bytes(9) + b"\x12\0\1\x34" + bytes(31)
    assert TodControl(0x1234).encode() == head + bytes.fromhex("0082 000e") + bytes(9) + b"\x12\1\x34"
    table = TodData(0x1234, (LAMP,), 300, 1).encode()
    assert table == head + bytes.fromhex("0081 000e 0101 000000000000 01 12 00 34 012c 01 01 123456789abc")
    packet = Packet(LAMP, OURS, 1, Command.GET, 0x60).encode()
    assert Rdm(0x1234, packet).encode() == head + bytes.fromhex("0083 000e 01") + bytes(8) + b"\x12\0\x34" + packet[1:]


@settings(deadline=None, max_examples=80)
@given(packets)
def test_there_and_back(packet):
    assert decode_rdm(packet.encode()) == packet


@settings(deadline=None, max_examples=80)
@given(st.binary(max_size=60), packets, st.integers(0, 60))
def test_noise_and_cut_packets_are_none_or_a_packet(noise, packet, size):
    for data in (noise, packet.encode()[:size], packet.encode()[:12] + noise):
        found = decode_rdm(data)
        assert found is None or decode_rdm(found.encode()) == found


def test_a_reply_to_a_poll_says_whether_it_can():
    for can in (False, True):
        found = codec.decode(codec.Node("10.0.0.1", "n", rdm=can).encode())
        assert isinstance(found, codec.Node) and found.rdm is can


def test_which_have_a_port():
    driver, twin = placed()
    assert driver.rdm(1) is not None and driver.rdm(40000) is None
    driver.close()
    assert driver.rdm(1) is None
    twin.lines.clear()
    driver.open()
    assert driver.rdm(1) is None


@pytest.mark.parametrize("full", [True, False])
def test_the_table_and_reading(full):
    driver, _ = placed(FakeResponder(LAMP, label="key"), FakeResponder(OTHER))
    port, controller = controlled(driver)
    found = run(survey(controller, port.has_table, (LAMP, Uid(1, 1)), full), port, 60)
    assert (found.discovery.uids, found.discovery.new, found.discovery.gone) == ((LAMP, OTHER), (OTHER,), (Uid(1, 1),))
    assert found.discovery.complete
    assert [each.label for each in found.responders] == ["key", ""]


def test_a_table_in_blocks():
    many = [Uid(5, number) for number in range(450)]
    driver, _ = placed(*map(FakeResponder, many))
    port, _ = controlled(driver)
    assert list(decode_table(port.transact(Table(), 0.5).data)) == many


def test_an_empty_table_is_an_answer_and_silence_is_not():
    driver, twin = placed()
    port, controller = controlled(driver)
    assert run(discover(controller, True, (LAMP,), full=False), port, 60).complete
    twin.lines.clear()
    silent = run(discover(controller, True, (LAMP,), full=False), port, 60)
    assert not silent.complete and silent.uids == ()


def test_the_offset_is_kept():
    driver, twin = placed(FakeResponder(LAMP), port_address_offset=-1)
    port, controller = controlled(driver)
    assert run(controller.get(LAMP, p.DMX_START_ADDRESS), port, 1) == 1
    assert twin.lines[1].requests[-1].pid == Pid.DMX_START_ADDRESS


def test_silence_and_spoilt_answers():
    lamp = FakeResponder(LAMP, defects={Defect.SLOW})
    driver, _ = placed(lamp)
    port, controller = controlled(driver)
    with pytest.raises(ReplyTimeout):
        run(controller.get(LAMP, p.DEVICE_INFO), port, 5)
    lamp.defects = {Defect.BAD_CHECKSUM}
    with pytest.raises(BadReply):
        run(controller.get(LAMP, p.DEVICE_INFO), port, 5)


def test_answers_of_other_lines_nodes_and_controllers_are_let_go():
    driver, twin = placed(FakeResponder(LAMP))
    port, controller = controlled(driver)
    receive = twin.receive
    other = Packet(LAMP, Uid(9, 9), 1, Command.GET, 0x60).answer().encode()

    def crowded(data, source, to):
        own = receive(data, source, to)
        return [(Rdm(2, other).encode(), source), (Rdm(1, other).encode(), source), (b"noise", source), *own]

    twin.receive = crowded  # type: ignore[method-assign]
    assert run(controller.get(LAMP, p.DMX_START_ADDRESS), port, 2) == 1


def test_discovery_packets_are_the_gateways_own_affair():
    driver, twin = placed(FakeResponder(LAMP))
    port, _ = controlled(driver)
    assert port.transact(Ask(b"\xcc", branch=True), 0.5).silent
    assert twin.lines[1].requests == []


@settings(deadline=None, max_examples=60)
@given(st.lists(packets.map(lambda packet: packet.encode()) | st.binary(max_size=60), max_size=6))
def test_whatever_a_gateway_says_is_an_answer_or_none(said):
    driver, twin = placed()
    port, controller = controlled(driver)
    twin.receive = lambda data, source, to: [(each, source) for each in said]  # type: ignore[method-assign]
    begun = driver.host.now()
    for step in (Table(), Table(flush=True), Ask(Packet(LAMP, OURS, 1, Command.GET, 0x60).encode())):
        port.transact(step, 0.5)
    assert driver.host.now() - begun <= 1.5
    with pytest.raises(DriverError):
        run(controller.get(LAMP, p.DEVICE_INFO), port, 5)


def test_a_gateway_on_a_real_socket_is_surveyed():
    address = f"127.{1 + os.getpid() % 200}.0.3"
    studio = VirtualStudio()
    twin = artnet_twin(studio, ArtnetOptions(host=address), "node")
    twin.lines[1] = Line([FakeResponder(LAMP, label="key"), FakeResponder(OTHER)], now=studio.now)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind((address, codec.PORT))

        def answer() -> None:
            while (got := opened.recvfrom(2000))[0] != b"end":
                for reply, to in twin.receive(got[0], got[1], (address, codec.PORT)):
                    opened.sendto(reply, to)

        gateway = threading.Thread(target=answer)
        gateway.start()
        try:
            output = Artnet(ArtnetOptions(host=address, timeout=5), RealHost())
            output.open()
            port, controller = controlled(output)
            found = run(survey(controller, port.has_table, full=False), port, PATIENCE)
            assert [each.label for each in found.responders] == ["key", ""] and not found.mute
            output.close()
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
                end.sendto(b"end", (address, codec.PORT))
            gateway.join(PATIENCE)
    assert not gateway.is_alive()
