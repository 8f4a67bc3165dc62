"""The Art-Net receiver: no socket, no clock."""

from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.base import Heard
from drivers.dmx import artnet_codec as codec
from drivers.dmx.artnet_codec import Address, Command, Dmx, Nzs, Poll, Sync
from drivers.dmx.artnet_receiver import MOST_NOTES, Receiver

relaxed = settings(deadline=None, max_examples=60)
A, B, C = ("10.0.0.1", 6454), ("10.0.0.2", 6454), ("10.0.0.3", 6454)


def listening(**options: object) -> Receiver:
    return Receiver({0: 1, 1: 2}, **options)  # type: ignore[arg-type]


class Desk:
    """Sends to a receiver, with a sequence of its own for each Port-Address and port."""

    def __init__(self, receiver: Receiver, source: tuple[str, int], physical: int = 0) -> None:
        self.receiver, self.source, self.physical = receiver, source, physical
        self.sequences: dict[int, int] = {}

    def send(self, slots: bytes, now: float, port: int = 0) -> list[Heard]:
        self.sequences[port] = codec.following(self.sequences.get(port, 0))
        packet = Dmx(port, slots, self.sequences[port], self.physical)
        return self.receiver.hear(packet.encode(), self.source, now)

    def sync(self, now: float) -> list[Heard]:
        return self.receiver.hear(Sync().encode(), self.source, now)


def levels(heard: list[Heard]) -> list[tuple[int, bytes]]:
    return [(each.universe, each.slots) for each in heard]


def test_one_source_is_heard_as_it_sends_and_told_once():
    receiver = listening(priority=150)
    desk = Desk(receiver, A)
    assert desk.send(b"\1\2", 0.0) == [Heard(1, b"\1\2", 150, sources=("10.0.0.1",))]
    assert desk.send(b"\1\2", 1.0) == []
    assert levels(desk.send(b"\1\3", 1.1)) == [(1, b"\1\3")]
    assert levels(desk.send(b"\1\3", 1.2, port=1)) == [(2, b"\1\3")]
    assert desk.send(b"\1\3", 1.2, port=5) == []


def test_a_lost_source_ends_after_ten_seconds():
    receiver = listening()
    desk = Desk(receiver, A)
    desk.send(b"\1\2", 0.0)
    assert receiver.due == 10.0
    assert receiver.tick(9.9) == []
    assert receiver.tick(10.0) == [Heard(1, b"", sources=(), ended="lost")]
    assert receiver.tick(11.0) == []
    assert desk.send(b"\1\2", 12.0) == [Heard(1, b"\1\2", sources=("10.0.0.1",))]


def test_two_sources_are_merged_highest_first_and_a_third_is_ignored_and_said():
    receiver = listening()
    a, b, c = Desk(receiver, A), Desk(receiver, B), Desk(receiver, C)
    a.send(b"\x10\x80", 0.0)
    assert b.send(b"\x20\x40\x05\x06", 0.0) == [Heard(1, b"\x20\x80\x05\x06", sources=("10.0.0.1", "10.0.0.2"))]
    for now in range(100):
        assert c.send(b"\xff\xff\xff\xff", now / 100) == []
    assert receiver.ignored == 100
    assert [note for note in receiver.notes if "10.0.0.3" in note] == [
        "universe 1: 10.0.0.3 is ignored, two sources are merged already"
    ]
    b.send(b"\x20\x40\x05\x06", 5.0)
    assert receiver.tick(10.0) == [Heard(1, b"\x20\x40\x05\x06", sources=("10.0.0.2",))]
    assert levels(c.send(b"\xff\0\0\0", 10.1)) == [(1, b"\xff\x40\x05\x06")]


def test_two_ports_of_one_address_are_two_sources():
    receiver = listening()
    Desk(receiver, A).send(b"\x10\0", 0.0)
    assert Desk(receiver, A, physical=2).send(b"\0\x10", 0.0) == [
        Heard(1, b"\x10\x10", sources=("10.0.0.1", "10.0.0.1 port 2"))
    ]


def test_latest_takes_precedence_slot_by_slot():
    receiver = listening(merge="ltp")
    a, b = Desk(receiver, A), Desk(receiver, B)
    a.send(b"\x10\x10\x10\x10", 0.0)
    assert levels(b.send(b"\x20\x20", 0.1)) == [(1, b"\x20\x20\x10\x10")]
    assert a.send(b"\x10\x10\x10\x10", 0.2) == []  # said again is not set again
    assert levels(a.send(b"\0\x10\x10\x30", 0.3)) == [(1, b"\0\x20\x10\x30")]
    assert levels(b.send(b"\x20\x21", 0.4)) == [(1, b"\0\x21\x10\x30")]
    assert levels(receiver.tick(10.35)) == [(1, b"\x20\x21")]


def test_overtaken_packets_change_nothing_and_a_new_start_does():
    receiver = listening()

    def packet(sequence: int, level: int, now: float) -> list[tuple[int, bytes]]:
        return levels(receiver.hear(Dmx(0, bytes((level, 0)), sequence).encode(), A, now))

    assert packet(5, 50, 0.0)
    assert packet(6, 60, 0.02)
    assert not packet(5, 50, 0.03)
    assert not packet(6, 61, 0.04)
    assert receiver.late == 2
    assert packet(0, 70, 0.05)  # a source that does not count
    assert packet(200, 80, 0.06)
    assert packet(195, 90, 1.5)  # so much later it was not overtaken
    assert packet(100, 91, 1.51)


def test_after_a_sync_data_waits_for_the_next_one():
    receiver = listening()
    desk = Desk(receiver, A)
    desk.send(b"\1\1", 0.0)
    desk.send(b"\1\1", 0.0, port=1)
    assert desk.sync(0.0) == []
    assert desk.send(b"\2\2", 0.1) == [] and desk.send(b"\3\3", 0.1, port=1) == []
    assert levels(desk.sync(0.1)) == [(1, b"\2\2"), (2, b"\3\3")]
    assert receiver.hear(Sync().encode(), B, 0.2) == []
    assert desk.send(b"\4\4", 0.2) == []
    assert receiver.tick(4.09) == []
    assert receiver.due == 4.1
    assert levels(receiver.tick(4.1)) == [(1, b"\4\4")]
    assert levels(desk.send(b"\5\5", 4.2)) == [(1, b"\5\5")]


def test_a_sync_counts_only_for_its_own_senders_data_and_not_while_merging():
    receiver = listening()
    a, b = Desk(receiver, A), Desk(receiver, B)
    a.send(b"\1\1", 0.0)
    b.send(b"\1\1", 0.0, port=1)
    a.sync(0.0)
    assert levels(b.send(b"\2\2", 0.1, port=1)) == [(2, b"\2\2")]
    assert a.send(b"\7\0", 0.1) == []
    assert levels(b.send(b"\0\5", 0.2)) == [(1, b"\7\5")]  # what waited is shown when merging begins
    assert levels(a.send(b"\x09\0", 0.3)) == [(1, b"\x09\5")]
    assert a.sync(0.4) == []


def test_the_network_does_not_set_us_up():
    receiver = listening()
    a, b = Desk(receiver, A), Desk(receiver, B)
    a.send(b"\x10\0", 0.0)
    b.send(b"\0\x10", 0.0)
    for command in Command:
        assert not receiver.obey(Address(command), [0])
    assert receiver.refused == len(Command) - 1 and "refused ArtAddress CANCEL_MERGE" in receiver.notes
    assert levels(a.send(b"\x11\0", 0.1)) == [(1, b"\x11\x10")]


def test_a_merge_is_cancelled_where_that_is_allowed():
    receiver = listening(obeys=True)
    a, b = Desk(receiver, A), Desk(receiver, B)
    a.send(b"\x10\0", 0.0)
    b.send(b"\0\x10", 0.0)
    assert receiver.obey(Address(Command.CANCEL_MERGE), [0])
    assert b.send(b"\0\x12", 0.1) == [Heard(1, b"\0\x12", sources=("10.0.0.2",))]
    assert a.send(b"\xff\xff", 0.2) == []
    assert levels(receiver.tick(10.1)) == [(1, b"")]
    assert levels(a.send(b"\xff\xff", 10.2)) == [(1, b"\xff\xff")]
    assert not receiver.obey(Address(Command.FAIL_RECORD), [0])


def test_the_mode_of_merging_is_chosen_where_that_is_allowed():
    receiver = listening(obeys=True)
    a, b = Desk(receiver, A), Desk(receiver, B)
    a.send(b"\x10\0", 0.0)
    b.send(b"\0\x10", 0.0)
    assert receiver.obey(Address(Command.MERGE_LTP), [0])
    assert levels(a.send(b"\x05\0", 0.1)) == [(1, b"\x05\x10")]
    assert receiver.obey(Address(Command.MERGE_HTP), [0])
    assert levels(b.send(b"\x08\x10", 0.2)) == [(1, b"\x08\x10")]


def test_only_the_addresses_named_are_heard():
    receiver = listening(only=("10.0.0.2",))
    assert Desk(receiver, A).send(b"\1\1", 0.0) == []
    assert Desk(receiver, B).send(b"\1\1", 0.0) != []


addresses = st.integers(1, 6).map(lambda number: (f"10.0.0.{number}", 6454))
packets = st.one_of(
    st.builds(Dmx, st.integers(0, 2), st.binary(min_size=1, max_size=512), st.integers(0, 255), st.integers(0, 255)),
    st.builds(Nzs, st.integers(0, 2), st.sampled_from([0x17, 0x55, 0xCF, 0xDD]), st.binary(min_size=1, max_size=512)),
    st.just(Sync()),
    st.builds(Poll),
    st.builds(Address, st.sampled_from(Command)),
).map(lambda packet: packet.encode())
noise = st.binary(max_size=600) | st.builds(lambda body: codec.MAGIC + b"\0\x50\0\x0e" + body, st.binary(max_size=600))
cut = st.tuples(packets, st.integers(0, 500)).map(lambda whole: whole[0][: whole[1]])


@relaxed
@given(
    st.lists(st.tuples(packets | noise | cut, addresses, st.floats(0, 6)), max_size=60), st.sampled_from(["htp", "ltp"])
)
def test_whatever_comes_it_stays_small_and_says_only_what_was_sent(datagrams, merge):
    receiver = listening(merge=merge, obeys=True)
    now = 0.0
    sent: set[tuple[int, int, int]] = set()
    for data, source, pause in datagrams:
        now += pause
        packet = codec.decode(data)
        if isinstance(packet, Dmx):
            sent |= {(packet.port_address, slot, level) for slot, level in enumerate(packet.slots)}
        for heard in (*receiver.tick(now), *receiver.hear(data, source, now)):
            port = heard.universe - 1
            assert len(heard.slots) <= 512
            assert all((port, slot, level) in sent or not level for slot, level in enumerate(heard.slots))
            assert bool(heard.sources) == (not heard.ended)
        assert all(len(each.sources) <= 2 for each in receiver.universes.values())
        assert len(receiver.universes) == 2 and len(receiver._synced) <= 4 and len(receiver.notes) <= MOST_NOTES
    ends = receiver.tick(now + 20)
    assert not any(each.sources for each in receiver.universes.values())
    assert all(each.ended == "lost" for each in ends)


@relaxed
@given(st.binary(min_size=1, max_size=512), st.binary(min_size=1, max_size=512))
def test_highest_takes_precedence_is_the_maximum(first, second):
    receiver = listening()
    receiver.hear(Dmx(0, first).encode(), A, 0.0)
    receiver.hear(Dmx(0, second).encode(), B, 0.0)
    size = max(len(first), len(second)) + max(len(first), len(second)) % 2
    expected = bytes(map(max, first.ljust(size, b"\0"), second.ljust(size, b"\0")))
    assert receiver.universes[0].slots() == expected


@relaxed
@given(packets | noise)
def test_a_packet_that_is_no_levels_changes_none(data):
    receiver = listening()
    Desk(receiver, A).send(b"\x10\x20", 0.0)
    if not isinstance(codec.decode(data), Dmx):
        assert receiver.hear(data, A, 0.1) == []
        assert receiver.universes[0].slots() == b"\x10\x20"
