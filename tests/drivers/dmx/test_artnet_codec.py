"""The Art-Net codec."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.dmx import artnet_codec as codec
from drivers.dmx.artnet_codec import Dmx, Node, Poll

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
    assert wire[211] == 3


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
    st.lists(st.integers(0, 15), max_size=4),
    st.integers(0, 0xFFFF),
    st.integers(1, 255),
)
def test_replies_come_back(address, short, long, high, low, base, ports, oem, bind_index):
    node = Node(
        address, short, long, f"{high}.{low}", one_sub_net(base, ports), oem, 0x4E45, bind_index, "02:00:00:00:00:01"
    )
    assert codec.decode(node.encode()) == node


@relaxed
@given(st.binary(max_size=600))
def test_noise_is_nothing(noise):
    assert noise.startswith(codec.MAGIC) or codec.decode(noise) is None


@relaxed
@given(st.sampled_from([codec.POLL, codec.POLL_REPLY, codec.DMX, 0x9700]), st.binary(max_size=600))
def test_noise_behind_a_good_head_never_raises(opcode, noise):
    found = codec.decode(codec.MAGIC + opcode.to_bytes(2, "little") + noise)
    if isinstance(found, Dmx):
        assert 1 <= len(found.slots) <= 512 and 0 <= found.port_address <= codec.TOP_ADDRESS
    if isinstance(found, Node):
        assert len(noise) >= 197


def test_every_cut_of_a_packet_is_nothing_or_shorter_than_allowed():
    frame = Dmx(1, bytes(100)).encode()
    assert all(codec.decode(frame[:size]) is None for size in range(len(frame)))
    reply = Node("10.0.0.1", "n").encode()
    assert all(codec.decode(reply[:size]) is None for size in range(207))
    assert isinstance(codec.decode(reply[:207]), Node)  # what the first edition sent


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
