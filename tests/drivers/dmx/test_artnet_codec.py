"""The Art-Net codec."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.dmx import artnet_codec as codec
from drivers.dmx import artnet_reply
from drivers.dmx.artnet_codec import Address, Command, DiagData, Dmx, Node, Nzs, Poll, Sync

relaxed = settings(deadline=None, max_examples=80)
ascii_text = st.text(st.characters(min_codepoint=32, max_codepoint=126))


def one_sub_net(base: int, ports: list[int]) -> tuple[int, ...]:
    return tuple((base & 0x7FF0) | port for port in ports)


def test_bytes_on_the_wire():
    head = b"Art-Net\0"
    assert Poll().encode() == head + bytes.fromhex("00 20 00 0E 00 10")
    frame = Dmx(0x1234, b"\xff\x80", sequence=7).encode()
    assert frame == head + bytes.fromhex("00 50 00 0E 07 00 34 12 00 02 FF 80")


def test_a_reply_has_its_fields_where_the_standard_puts_them():
    wire = Node(
        "192.168.1.20", "gate", "A gateway", "1.9", (0x123, 0x124), 0x00FF, 0x4E45, 3, "02:00:00:00:00:07"
    ).encode()
    assert len(wire) == 239
    assert wire[8:10] == b"\x00\x21"
    assert wire[10:16] == bytes((192, 168, 1, 20)) + b"\x36\x19"  # the port is little-endian
    assert wire[16:20] == bytes((1, 9, 0x01, 0x02))
    assert wire[24:26] == b"\x45\x4e"  # low byte first
    assert wire[26:31] == b"gate\0"
    assert wire[172:176] == bytes((0, 2, 0x80, 0x80))
    assert wire[190:192] == bytes((3, 4))
    assert wire[201:207] == bytes((2, 0, 0, 0, 0, 7))
    assert wire[207:211] == bytes((192, 168, 1, 20))
    assert wire[211] == 3
    more = Node(
        "10.0.0.1", "n", outputs=(1,), inputs=(2, 3), status3=0xE0, good_outputs=(0x8A,), good_outputs_b=(0xC0,)
    )
    wire = more.encode()
    assert wire[172:178] == bytes((0, 2, 0xC0, 0x40, 0, 0))
    assert wire[182] == 0x8A and wire[186:188] == bytes((2, 3)) and wire[190] == 1
    assert wire[213] == 0xC0 and wire[217] == 0xE0


def test_what_a_reply_says_of_its_outputs():
    node = Node("10.0.0.1", "n", outputs=(16, 17), good_outputs=(0x88, 0x81), status3=0b0110_0000)
    assert (node.merging, node.on_acn, node.fail_safe) == ((16,), (17,), "zero")
    assert Node("10.0.0.1", "n", status3=0b0100_0000).fail_safe == ""  # it cannot be told: zeros would be "hold"
    states = [Node("10.0.0.1", "n", status3=0x20 | bits << 6).fail_safe for bits in range(4)]
    assert states == ["hold", "zero", "full", "scene"]


@relaxed
@given(st.integers(0, 0x7FFF), st.binary(min_size=1, max_size=512), st.integers(0, 255), st.integers(0, 255))
def test_frames_come_back_padded_to_even(port_address, slots, sequence, physical):
    found = codec.decode(Dmx(port_address, slots, sequence, physical).encode())
    assert found == Dmx(port_address, slots + bytes(len(slots) % 2), sequence, physical)


@relaxed
@given(
    st.ip_addresses(v=4).map(str),
    ascii_text.filter(lambda text: len(text) <= 17),
    ascii_text.filter(lambda text: len(text) <= 63),
    st.integers(0, 255),
    st.integers(0, 255),
    st.integers(0, 0x7FFF),
    st.lists(st.tuples(st.integers(0, 15), st.integers(0, 255), st.integers(0, 255)), max_size=4),
    st.lists(st.integers(0, 15), max_size=4),
    st.integers(0, 0xFFFF),
    st.integers(1, 255),
    st.lists(st.integers(0, 255), min_size=5, max_size=5),
)
def test_replies_come_back(address, short, long, high, low, base, ports, inputs, oem, bind_index, state):
    node = Node(
        address,
        short,
        long,
        f"{high}.{low}",
        one_sub_net(base, [number for number, _, _ in ports]),
        oem,
        0x4E45,
        bind_index,
        "02:00:00:00:00:01",
        inputs=one_sub_net(base, inputs),
        good_outputs=tuple(good for _, good, _ in ports),
        good_outputs_b=tuple(good for _, _, good in ports),
        style=state[0],
        acn_priority=state[1],
        status1=state[2] & ~2,
        rdm=bool(state[2] & 2),
        status2=state[3],
        status3=state[4],
        refresh_hz=1000,
    )
    assert codec.decode(node.encode()) == node


@relaxed
@given(st.binary(max_size=600))
def test_noise_is_nothing(noise):
    assert noise.startswith(codec.MAGIC) or codec.decode(noise) is None


@relaxed
@given(
    st.sampled_from([codec.POLL, codec.POLL_REPLY, codec.DMX, codec.NZS, codec.SYNC, codec.DIAG_DATA, codec.ADDRESS,
                     0x8300, 0x9700]),
    st.booleans(),
    st.binary(max_size=700),
)  # fmt: skip
def test_noise_behind_a_good_head_never_raises(opcode, version, noise):
    body = (b"\0\x0e" if version else b"") + noise
    found = codec.decode(codec.MAGIC + opcode.to_bytes(2, "little") + body)
    if isinstance(found, Dmx):
        assert 1 <= len(found.slots) <= 512 and 0 <= found.port_address <= codec.TOP_ADDRESS
    if isinstance(found, Node):
        assert len(body) >= artnet_reply.SHORTEST - 10
        assert all(0 <= port <= codec.TOP_ADDRESS for port in (*found.outputs, *found.inputs))
        assert found.short_name.isprintable() and found.report.isprintable()
    if isinstance(found, Nzs):
        assert found.start_code not in (0, 0xCC)
    if isinstance(found, DiagData):
        assert len(found.said) <= 512 and found.said.isprintable()


@relaxed
@given(st.integers(0, 0x7FFF), st.integers(0, 255), st.binary(min_size=1, max_size=512), st.integers(0, 255))
def test_other_start_codes_come_back_and_are_never_levels(port_address, start_code, slots, sequence):
    found = codec.decode(Nzs(port_address, start_code, slots, sequence).encode())
    if start_code in (0, 0xCC):
        assert found is None
    else:
        assert found == Nzs(port_address, start_code, slots, sequence)


@relaxed
@given(
    ascii_text.filter(lambda text: len(text) < 512), st.sampled_from([0x10, 0x40, 0x80, 0xE0, 0xF0]), st.integers(0, 4)
)
def test_diagnostics_come_back(said, priority, port):
    assert codec.decode(DiagData(said, priority, port).encode()) == DiagData(said, priority, port)


switches = st.none() | st.integers(0, 15)


@relaxed
@given(
    st.sampled_from(Command),
    st.integers(0, 3),
    st.integers(1, 255),
    st.none() | st.integers(0, 200),
    st.tuples(st.none() | st.integers(0, 127), switches),
    st.tuples(switches, switches, switches, switches),
    ascii_text.filter(lambda text: len(text) <= 17),
)
def test_set_up_comes_back(command, port, bind_index, priority, address, ports, name):
    packet = Address(command, port if command >= 0x10 else 0, bind_index, priority, name, "", *address, outputs=ports)
    assert codec.decode(packet.encode()) == packet


def test_set_up_has_its_fields_where_the_standard_puts_them():
    wire = Address(
        Command.FAIL_SCENE, bind_index=2, acn_priority=150, net=1, sub=2, outputs=(3, None, None, None)
    ).encode()
    assert len(wire) == 107
    assert (wire[12], wire[13], wire[96], wire[100], wire[104]) == (0x81, 2, 0x7F, 0x83, 0x82)
    assert (wire[105], wire[106]) == (150, 0x0B)
    assert Address(Command.MERGE_HTP, 2).encode()[106] == 0x52
    assert Address(Command.CANCEL_MERGE).encode()[105] == 255


def test_polls_of_every_edition():
    head = b"Art-Net\0" + bytes.fromhex("00 20 00 0E")
    assert codec.decode(head) == Poll(0, 0)
    assert codec.decode(head + b"\x06\x80") == Poll(6, 0x80)
    range_of_ports = Poll(codec.TARGETED, 0x10, 3, 9)
    assert range_of_ports.encode() == head + bytes.fromhex("20 10 00 09 00 03")
    assert codec.decode(range_of_ports.encode() + bytes(4)) == range_of_ports


def test_sync_on_the_wire():
    assert Sync().encode() == b"Art-Net\0" + bytes.fromhex("00 52 00 0E 00 00")


def test_every_cut_of_a_packet_is_nothing_or_shorter_than_allowed():
    for whole in (Dmx(1, bytes(100)), Nzs(1, 0x17, bytes(30)), DiagData("hot"), Address()):
        wire = whole.encode()
        assert all(codec.decode(wire[:size]) is None for size in range(len(wire)))
    reply = Node("10.0.0.1", "n", outputs=(5,), good_outputs=(0x88,), status3=0xE0).encode()
    assert all(codec.decode(reply[:size]) is None for size in range(198))
    shortest = codec.decode(reply[:198])  # "Minimum Packet Length": what is missing is zero
    assert isinstance(shortest, Node)
    assert (shortest.outputs, shortest.merging, shortest.fail_safe, shortest.bind_index) == ((5,), (5,), "", 1)


def test_an_old_protocol_version_is_not_understood():
    wire = bytearray(Dmx(1, b"\1\2").encode())
    wire[11] = 13
    assert codec.decode(bytes(wire)) is None


@pytest.mark.parametrize(
    ("sequence", "last", "taken"),
    [(1, None, True), (2, 1, True), (1, 1, False), (1, 2, False), (1, 255, True), (255, 1, False), (0, 9, True),
     (9, 0, True), (100, 5, True), (5, 100, True), (250, 10, False)],
)  # fmt: skip
def test_overtaken_frames(sequence, last, taken):
    assert codec.later(sequence, last) is taken


def test_the_sequence_never_says_zero():
    sequence, seen = 0, []
    for _ in range(510):
        sequence = codec.following(sequence)
        seen.append(sequence)
    assert seen == [*range(1, 256), *range(1, 256)]


def test_more_than_one_reply_holds_is_refused():
    with pytest.raises(ValueError, match="at most 4 outputs of one sub-net"):
        Node("10.0.0.1", "n", outputs=(0, 16)).encode()


@relaxed
@given(
    st.sampled_from(
        [
            Dmx(5, b"\1\2", 3),
            Nzs(5, 0x17, b"text"),
            DiagData("hot", 0x80, 2),
            Sync(),
            Address(Command.MERGE_LTP, 1),
            Node("10.0.0.1", "n", outputs=(5,), good_outputs=(0x80,), good_outputs_b=(0,), mac="00:00:00:00:00:00"),
        ]
    ),
    st.binary(max_size=3000),
)
def test_what_follows_a_packet_is_not_read(packet, tail):
    assert codec.decode(packet.encode() + tail) == packet
