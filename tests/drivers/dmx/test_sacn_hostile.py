"""Whatever comes in: nothing raises, nothing malformed changes a level, and what is remembered stays bounded."""

import struct
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.base import Heard
from drivers.dmx import sacn_codec as codec
from drivers.dmx.sacn_codec import Data, Discovery, Sync
from drivers.dmx.sacn_discovery import MOST_PAGES, MOST_SOURCES
from drivers.dmx.sacn_merge import Source, merged
from drivers.dmx.sacn_receiver import MOST_ADDRESSES, Receiver

few = settings(deadline=None, max_examples=60)
CONSOLE = UUID(int=77)
cids = st.integers(0, 30).map(lambda number: UUID(int=number))
datas = st.builds(
    Data,
    cids,
    st.text(max_size=5).filter(lambda name: "\0" not in name),
    st.integers(0, 3),
    st.binary(max_size=12),
    st.integers(0, 255),
    st.integers(0, 255),
    st.sampled_from([0, 0, 0xDD, 0x17]),
    st.integers(0, 255),
    st.integers(0, 20),
)
syncs = st.builds(Sync, cids, st.integers(0, 20), st.integers(0, 255))
discoveries = st.builds(
    Discovery, st.uuids(), st.just("x"), st.tuples(st.integers(0, 65535)), st.integers(0, 255), st.integers(0, 255)
)
packets = st.one_of(datas, datas, syncs, discoveries).map(lambda packet: packet.encode())
anything = st.one_of(packets, st.binary(max_size=700))


def started(**settings: float) -> tuple[Receiver, Heard]:
    """A receiver that hears a console with the highest priority."""
    receiver = Receiver((1, 2), 0.0, sampling=0.0, patience=0.0, most_sources=4, **settings)
    receiver.take(Data(CONSOLE, "console", 1, b"\7\7", 0, 200).encode(), 0.0)
    (heard,) = receiver.changes(0.0)
    return receiver, heard


@few
@given(st.lists(st.tuples(anything, st.floats(0, 1)), max_size=60))
def test_anything_at_any_time_never_raises_and_stays_bounded(said):
    receiver, _ = started(most_streams=6)
    now = 0.0
    for data, passed in said:
        now += passed
        receiver.take(data, now)
        for heard in receiver.changes(now):
            assert len(heard.slots) <= 512 and 0 <= heard.priority <= 200
            assert not heard.priorities or len(heard.priorities) == len(heard.slots)
            assert not (heard.ended and (heard.slots or heard.sources))
        assert receiver.streams == sum(len(each.sources) for each in receiver._universes.values()) <= 6
        assert len(receiver._pulses) <= MOST_ADDRESSES
        assert receiver.due() > now or receiver.due() == float("inf")
    assert receiver.changes(now) == []


@few
@given(st.lists(anything, max_size=40))
def test_nobody_of_lower_priority_changes_what_the_console_says(said):
    receiver, before = started()
    for data in said:
        packet = codec.decode(data)
        if isinstance(packet, Data) and (packet.priority == 200 or packet.start_code == codec.PRIORITIES):
            continue
        receiver.take(data, 1.0)
    assert all(heard.universe == 2 or heard == before for heard in receiver.changes(1.0))


@few
@given(st.binary(min_size=1, max_size=512), st.data())
def test_a_packet_cut_or_too_long_or_with_wrong_lengths_changes_nothing(slots, data):
    receiver, _ = started()
    wire = bytearray(Data(CONSOLE, "console", 1, slots, 1, 200).encode())
    harm = data.draw(st.sampled_from(["cut", "length", "count", "vector", "universe", "priority"]))
    if harm == "cut":
        wire = wire[: data.draw(st.integers(0, len(wire) - 1))]
    elif harm == "length":
        at = data.draw(st.sampled_from([16, 38, 115]))
        size = len(wire) - at
        struct.pack_into(">H", wire, at, data.draw(st.integers(size + 1, 0x0FFF)) | 0x7000)
    elif harm == "count":
        struct.pack_into(
            ">H", wire, 123, data.draw(st.integers(0, 65535).filter(lambda count: count != len(slots) + 1))
        )
    elif harm == "vector":
        wire[data.draw(st.sampled_from([*range(18, 22), *range(40, 44), 117, 118]))] ^= data.draw(st.integers(1, 255))
    elif harm == "universe":
        struct.pack_into(">H", wire, 113, data.draw(st.sampled_from([0, 64000, 64214, 65535])))
    else:
        wire[108] = data.draw(st.integers(201, 255))
    receiver.take(bytes(wire), 0.5)
    assert receiver.changes(0.5) == []
    assert receiver.counters.malformed == 1


def test_a_flood_of_sources_addresses_and_announcements_leaves_little_behind():
    receiver, _ = started()
    for number in range(3000):
        cid = UUID(int=1000 + number)
        receiver.take(Data(cid, "flood", 1 + number % 2, b"\1", 0, 150, sync_universe=1 + number).encode(), 0.1)
        for page in (0, 200):
            receiver.take(Discovery(cid, "flood", tuple(range(1, 513)), page, 255).encode(), 0.1)
        receiver.take(Sync(cid, 1 + number, 0).encode(), 0.1)
    assert receiver.streams <= 8
    assert receiver.counters.crowded >= 2990
    found = receiver.directory.announced(0.1)
    assert len(found) == MOST_SOURCES
    assert all(len(each.universes) <= 512 * MOST_PAGES for each in found)
    assert receiver.directory.left_out > 2900
    assert [heard.slots for heard in receiver.changes(0.1)] == [b"\1"]  # universe 2; the console's own stands


def test_a_flood_on_many_universes_does_not_shut_a_stronger_console_out_of_another():
    receiver = Receiver(range(1, 66), 0.0, sampling=0.0, patience=0.0)
    for number in range(512):
        receiver.take(Data(UUID(int=1000 + number), "flood", 1 + number % 64, b"\1", 0, number // 64).encode(), 0.1)
    receiver.changes(0.1)
    receiver.take(Data(CONSOLE, "console", 65, b"\7", 0, 200).encode(), 0.2)
    receiver.take(Data(UUID(int=78), "one more", 64, b"\7", 0, 200).encode(), 0.2)
    assert [heard.slots for heard in receiver.changes(0.2) if heard.universe == 65] == [b"\7"]
    assert receiver.streams == 512 and receiver.counters.crowded == 2
    receiver.take(Data(UUID(int=79), "weak", 65, b"\xff", 0, 0).encode(), 0.2)
    assert receiver.changes(0.2) == [] and receiver.counters.crowded == 3


@few
@given(
    st.lists(
        st.tuples(st.binary(max_size=9), st.integers(0, 200), st.none() | st.binary(max_size=9)), min_size=1, max_size=5
    )
)
def test_the_merge_slot_by_slot(sent):
    sources = [
        Source(f"{row}", f"{row}", priority, 0.0, 0.0, 0.0, 0, 0.0, slots, priorities)
        for row, (slots, priority, priorities) in enumerate(sent)
    ]
    heard = merged(1, sources)
    for at in range(max(len(slots) for slots, _, _ in sent)):
        ranks = []
        for slots, priority, priorities in sent:
            said = max(priority, 1) if priorities is None else min(priorities[at], 200) if at < len(priorities) else 0
            ranks.append(said if at < len(slots) else 0)
        if all(priorities is None for _, _, priorities in sent):
            highest = max(priority for _, priority, _ in sent)
            mine = [slots[at] for slots, priority, _ in sent if priority == highest and at < len(slots)]
            assert heard.slots[at : at + 1] == bytes(sorted(mine)[-1:])
        else:
            best = max(ranks)
            mine = [slots[at] for (slots, _, _), rank in zip(sent, ranks, strict=True) if rank == best > 0]
            assert (heard.slots[at], heard.priorities[at]) == (max(mine, default=0), best)


class Model:
    """What E1.31 6.2.3 says of sources with one priority each, in as few words as possible."""

    def __init__(self) -> None:
        self.sources: dict[int, tuple[int, bytes]] = {}

    def shown(self) -> tuple[bytes, int]:
        highest = max((priority for priority, _ in self.sources.values()), default=0)
        mine = [slots for priority, slots in self.sources.values() if priority == highest]
        return bytes(max(each) for each in zip(*mine, strict=True)), highest


@few
@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.none() | st.tuples(st.integers(0, 200), st.binary(min_size=3, max_size=3))),
        max_size=40,
    )
)
def test_sources_that_come_change_and_go_are_what_the_model_says(events):
    receiver = Receiver((1,), 0.0, sampling=0.0, patience=0.0)
    model, numbers, now = Model(), dict.fromkeys(range(5), 0), 0.0
    shown = (b"", 0)
    for which, said in events:
        now += 0.4
        if said is not None:
            model.sources[which] = said
        elif which in model.sources:
            priority, slots = model.sources.pop(which)
            numbers[which] += 1
            end = Data(UUID(int=which), "", 1, slots, numbers[which] % 256, priority, options=codec.TERMINATED)
            receiver.take(end.encode(), now)
        for each, (priority, slots) in model.sources.items():
            numbers[each] += 1
            receiver.take(Data(UUID(int=each), "", 1, slots, numbers[each] % 256, priority).encode(), now)
        for heard in receiver.changes(now):
            shown = (heard.slots, heard.priority if heard.sources else 0)
        assert shown == model.shown()
