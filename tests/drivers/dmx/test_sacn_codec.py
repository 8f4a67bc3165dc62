"""The sACN codec, against itself and against the library ``sacn``."""

from uuid import UUID

import sacn.messages.data_packet as theirs
from hypothesis import given, settings
from hypothesis import strategies as st
from sacn.messages.sync_packet import SyncPacket
from sacn.messages.universe_discovery import UniverseDiscoveryPacket

from drivers.dmx import sacn_codec as codec
from drivers.dmx.sacn_codec import Data, Discovery, Sync

CID = UUID(int=7)
relaxed = settings(deadline=None, max_examples=80)
names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=15)
packets = st.builds(
    Data,
    st.uuids(),
    names,
    st.integers(1, 63999),
    st.binary(max_size=512),
    st.integers(0, 255),
    st.integers(0, 200),
    st.integers(0, 255),
    st.integers(0, 255),
    st.integers(0, 63999),
)


@relaxed
@given(packets)
def test_data_comes_back(packet):
    assert codec.decode(packet.encode()) == packet


@relaxed
@given(st.uuids(), names, st.lists(st.integers(1, 63999), unique=True, max_size=512), st.integers(0, 255))
def test_discovery_comes_back(cid, name, universes, page):
    packet = Discovery(cid, name, tuple(universes), page, page)
    assert codec.decode(packet.encode()) == packet


@relaxed
@given(st.uuids(), st.integers(1, 63999), st.integers(0, 255))
def test_synchronisation_comes_back_and_no_cut_of_it_is_one(cid, address, sequence):
    wire = Sync(cid, address, sequence).encode()
    assert len(wire) == 49  # table 4-2
    assert wire[codec.SYNC_SEQUENCE_AT] == sequence
    assert codec.decode(wire) == Sync(cid, address, sequence)
    assert all(codec.decode(wire[:size]) is None for size in range(len(wire)))


@relaxed
@given(st.uuids(), st.integers(1, 63999), st.integers(0, 255))
def test_the_library_builds_the_same_synchronisation(cid, address, sequence):
    packet = SyncPacket(tuple(cid.bytes), address, sequence)
    assert bytes(packet.getBytes()) == Sync(cid, address, sequence).encode()


def test_a_synchronisation_address_of_nothing_is_ignored():
    for address in (0, 64000, 65535):  # 6.3.3
        assert codec.decode(Sync(CID, address, 1).encode()) is None


def test_places_of_what_is_written_for_each_frame():
    wire = bytearray(Data(CID, "name", 1, b"\5\6", 7, options=0x80).encode())
    assert (wire[codec.SEQUENCE_AT], wire[codec.OPTIONS_AT], wire[codec.SLOTS_AT :]) == (7, 0x80, b"\5\6")


@relaxed
@given(packets, st.integers(0, 0x0FFF))
def test_a_count_that_is_not_the_lengths_is_nothing(packet, length):
    wire = bytearray(packet.encode())
    same = int.from_bytes(wire[115:117], "big") & 0x0FFF == length
    wire[115:117] = (0x7000 | length).to_bytes(2, "big")
    assert (codec.decode(bytes(wire)) == packet) is same


@relaxed
@given(st.uuids(), names, st.integers(1, 63999), st.binary(min_size=512, max_size=512), st.integers(0, 255))
def test_the_library_builds_the_same_bytes(cid, name, universe, slots, sequence):
    packet = theirs.DataPacket(tuple(cid.bytes), name, universe, tuple(slots), sequence=sequence)
    assert bytes(packet.getBytes()) == Data(cid, name, universe, slots, sequence).encode()


@relaxed
@given(st.uuids(), names, st.lists(st.integers(1, 63999), unique=True, min_size=1, max_size=512))
def test_the_library_builds_the_same_discovery(cid, name, universes):
    packet = UniverseDiscoveryPacket(tuple(cid.bytes), name, tuple(sorted(universes)))
    assert [bytes(packet.getBytes())] == [page.encode() for page in codec.pages(cid, name, universes)]


@relaxed
@given(st.binary(max_size=700))
def test_noise_is_nothing(noise):
    assert codec.decode(noise) is None


@relaxed
@given(packets, st.lists(st.tuples(st.integers(0, 700), st.integers(0, 255)), max_size=8), st.integers(0, 700))
def test_a_damaged_packet_never_raises(packet, changes, cut):
    wire = bytearray(packet.encode())
    for place, value in changes:
        wire[place % len(wire)] = value
    found = codec.decode(bytes(wire[: len(wire) - cut % len(wire)]))
    if isinstance(found, Data):
        assert len(found.slots) <= 512 and found.priority <= 200 and 1 <= found.universe <= 63999


def test_every_cut_of_a_packet_is_nothing():
    wire = Data(CID, "name", 1, bytes(100), 0).encode()
    assert len(wire) == 126 + 100
    assert all(codec.decode(wire[:size]) is None for size in range(len(wire)))


def test_a_long_name_is_cut_between_characters():
    found = codec.decode(Data(CID, "灯" * 30, 1, b"\0", 0).encode())
    assert isinstance(found, Data) and found.source_name == "灯" * 21


def test_overtaken_packets_are_those_less_than_20_behind():
    assert codec.later(0, None)
    for last in range(256):
        discarded = [(sequence - last + 128) % 256 - 128 for sequence in range(256) if not codec.later(sequence, last)]
        assert sorted(discarded) == list(range(-19, 1))


def test_groups():
    assert codec.group(1) == "239.255.0.1"
    assert codec.group(63999) == "239.255.249.255"
    assert codec.group(codec.DISCOVERY_UNIVERSE) == "239.255.250.214"


def test_many_universes_take_several_pages():
    pages = codec.pages(CID, "name", range(1, 1026))
    assert [(page.page, page.last_page, len(page.universes)) for page in pages] == [(0, 2, 512), (1, 2, 512), (2, 2, 1)]
    assert codec.pages(CID, "name", []) == [Discovery(CID, "name", ())]
