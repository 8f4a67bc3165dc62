"""What a sACN source puts on the wire besides levels: priorities by slot, synchronisation, discovery, IPv6."""

from itertools import pairwise
from math import inf

import pytest
from pydantic import ValidationError

from drivers.base import Beat
from drivers.dmx import sacn_codec as codec
from drivers.dmx.sacn import SPEC, Sacn, SacnOptions, component
from drivers.dmx.sacn_codec import Data, Discovery, Sync
from drivers.dmx.sacn_stream import LONGEST_PAUSE, PAUSE, priorities
from drivers.errors import LinkLost, NotSupported
from drivers.host import Endpoint
from drivers.testing.bench import Bench
from drivers.virtual.clock import ManualClock
from drivers.virtual.studio import VirtualStudio


class Ear:
    """A node that only listens."""

    def __init__(self) -> None:
        self.heard: list[tuple[codec.Packet | None, Endpoint]] = []

    def receive(self, data: bytes, source: Endpoint, to: Endpoint) -> list[tuple[bytes, Endpoint]]:
        self.heard.append((codec.decode(data), to))
        return []

    def of(self, kind):
        return [packet for packet, _ in self.heard if isinstance(packet, kind)]


@pytest.fixture
def studio() -> VirtualStudio:
    return VirtualStudio(ManualClock())


def ear_in(studio: VirtualStudio, *groups: str, address: str = "10.0.0.9") -> Ear:
    ear = Ear()
    studio.place_node(address, ear, groups)
    return ear


def opened(studio: VirtualStudio, **options) -> Sacn:
    output = Sacn(SacnOptions.model_validate(options), studio)
    output.open()
    return output


def test_each_length_of_frame_is_sent_as_it_is_and_the_sequence_goes_on(studio):
    ear = ear_in(studio, codec.group(1))
    output = opened(studio)
    frames = [b"\1", b"\2", bytes(512), b"\3" * 512, b"\4"]
    for frame in frames:
        output.send(1, frame)
    assert [(each.slots, each.sequence) for each in ear.of(Data)] == list(zip(frames, [0, 64, 65, 66, 67], strict=True))


@pytest.mark.parametrize("frame", [b"", bytes(513)])
def test_a_frame_that_is_none_is_refused(studio, frame):
    ear_in(studio)
    with pytest.raises(NotSupported, match="1…512"):
        opened(studio).send(1, frame)


def test_sequences_go_on_after_a_reopen_and_a_closed_output_is_lost(studio):
    ear = ear_in(studio, codec.group(1))
    output = opened(studio)
    output.send(1, b"\1")
    output.send(1, b"\2")
    output.close()
    with pytest.raises(LinkLost):
        output.send(1, b"\3")
    output.open()
    output.send(1, b"\4")
    assert [each.sequence for each in ear.of(Data)] == [0, 64, 65]


def test_synchronisation_follows_the_data_of_a_beat_with_a_sequence_of_its_own(studio):
    ear = ear_in(studio, *(codec.group(each) for each in (1, 2, 7)))
    output = opened(studio, synchronization=7)
    assert isinstance(output, Beat)
    for _ in range(3):
        output.send(1, b"\1")
        output.send(2, b"\2")
        studio.clock.advance(output.flush() - studio.now())
        output.show()
    assert [type(packet) for packet, _ in ear.heard] == 3 * [Data, Data, Sync]
    assert {(each.sync_universe, each.options) for each in ear.of(Data)} == {(7, codec.FORCE)}
    assert [(each.address, each.sequence) for each in ear.of(Sync)] == [(7, 0), (7, 1), (7, 2)]
    assert {to for packet, to in ear.heard if isinstance(packet, Sync)} == {(codec.group(7), codec.PORT)}  # 6.3.3
    output.show()
    output.close()
    assert output.flush() == inf
    output.show()
    assert len(ear.of(Sync)) == 3, "without data there is nothing to show"


def test_the_synchronisation_waits_a_pause_after_the_last_data_but_not_for_ever(studio):
    ear_in(studio, *(codec.group(each) for each in (1, 7)))
    output = opened(studio, synchronization=7)
    begun = studio.now()
    for _ in range(20):
        output.send(1, b"\1")
        due = output.flush()
        assert due == pytest.approx(min(studio.now() + PAUSE, begun + LONGEST_PAUSE))
        studio.clock.advance(PAUSE / 2)
    output.show()
    output.send(1, b"\1")
    assert output.flush() == pytest.approx(studio.now() + PAUSE)


def test_what_was_sent_is_shown_before_an_output_closes(studio):
    ear = ear_in(studio, *(codec.group(each) for each in (1, 7)))
    output = opened(studio, synchronization=7, on_close="terminate")
    output.send(1, b"\1")
    output.flush()
    output.close()
    assert [type(packet) for packet, _ in ear.heard] == [Data, Sync, Data, Data, Data]


def test_without_synchronisation_a_beat_says_nothing(studio):
    ear = ear_in(studio, codec.group(1))
    output = opened(studio)
    output.send(1, b"\1")
    assert output.flush() == inf
    output.show()
    assert [(each.sync_universe, each.options) for each in ear.of(Data)] == [(0, 0)]
    assert len(ear.heard) == 1


def test_option_bits(studio):
    ear = ear_in(studio, codec.group(1))
    opened(studio, preview=True).send(1, b"\1")
    opened(studio, synchronization=9, force_synchronization=False).send(1, b"\1")
    assert [each.options for each in ear.of(Data)] == [codec.PREVIEW, 0]


def test_priorities_are_said_before_the_first_level_three_times_and_then_once_a_second(studio):
    ear = ear_in(studio, codec.group(1))
    output = opened(studio, address_priority={"1-2": 150, "9/3": 90, "1/4": 80})
    for _ in range(4 * 44):
        output.send(1, bytes((9,)) * 5)
        studio.clock.advance(1 / 44)
    said = ear.of(Data)
    assert said[0].start_code == codec.PRIORITIES
    assert {each.slots for each in said if each.start_code == codec.PRIORITIES} == {bytes((150, 150, 0, 80, 0))}
    codes = [each.start_code for each in said]
    assert codes[:6] == [0xDD, 0, 0xDD, 0, 0xDD, 0]
    assert 3 + 4 <= codes.count(0xDD) <= 3 + 6
    assert not any(before == after == 0xDD for before, after in pairwise(codes))
    assert [each.sequence for each in said] == [0, *((64 + i) % 256 for i in range(len(said) - 1))]  # one for both


@pytest.mark.parametrize("universe", range(1, 9))
def test_priorities_are_said_with_every_level_of_a_look_that_stands_still(studio, universe):
    ear = ear_in(studio, codec.group(universe))
    output = opened(studio, address_priority=120)
    for _ in range(8):
        output.send(universe, b"\1")
        studio.clock.advance(output.refresh.keepalive)
    codes = [each.start_code for each in ear.of(Data)]
    assert codes == [codec.PRIORITIES, *8 * [codec.LEVELS, codec.PRIORITIES]]


def test_priorities_of_a_number_and_of_a_table():
    assert priorities(120, 1, 3) == b"\x78\x78\x78"
    assert priorities({"2-3": 200, "3": 1, "7/1": 9}, 7, 4) == bytes((9, 200, 1, 0))
    assert priorities({"512": 5}, 1, 512) == bytes(511) + b"\5"


@pytest.mark.parametrize(
    "wrong",
    [
        {"address_priority": 201},
        {"address_priority": {"0": 1}},
        {"address_priority": {"513": 1}},
        {"address_priority": {"5-2": 1}},
        {"address_priority": {"64000/1": 1}},
        {"address_priority": {"1": 201}},
        {"address_priority": {"one": 1}},
        {"synchronization": 64000},
        {"multicast": "ipx"},
        {"interface": "no/card"},
    ],
)
def test_options_that_cannot_be(wrong):
    with pytest.raises(ValidationError):
        SacnOptions.model_validate(wrong)


@pytest.mark.parametrize(
    ("multicast", "groups"),
    [
        ("ipv4", [codec.group(300)]),
        ("ipv6", [codec.group6(300)]),
        ("both", [codec.group(300), codec.group6(300)]),
    ],
)
def test_multicast_by_either_protocol_or_both_with_the_same_packet(studio, multicast, groups):
    discovery = [codec.group(codec.DISCOVERY_UNIVERSE), codec.group6(codec.DISCOVERY_UNIVERSE)]
    ear = ear_in(studio, codec.group(300), codec.group6(300), *discovery)
    output = opened(studio, multicast=multicast, on_close="terminate")
    output.send(300, b"\1")
    output.close()
    sent = [(packet, to[0]) for packet, to in ear.heard if isinstance(packet, Data)]
    assert [to for _, to in sent] == 4 * groups  # 9.1: identical packets
    assert len({packet for packet, _ in sent}) == 4
    assert len(ear.of(Discovery)) == len(groups)
    assert not studio.in_use()


def test_groups_of_ipv6():
    assert codec.group6(1) == "ff18::8300:1"
    assert codec.group6(63999) == "ff18::8300:f9ff"
    assert codec.group6(codec.DISCOVERY_UNIVERSE) == "ff18::8300:fad6"


def test_unicast_to_both_kinds_of_address_and_by_name(studio):
    studio.place_name("node", "10.0.0.7")
    ears = [ear_in(studio, address=each) for each in ("10.0.0.7", "fd00:77::9")]
    opened(studio, hosts=["node", "fd00:77::9"]).send(1, b"\5")
    assert [[each.slots for each in ear.of(Data)] for ear in ears] == [[b"\5"], [b"\5"]]


def test_a_unicast_source_is_discovered_too_unless_it_feeds_this_machine_alone(studio):
    ear = ear_in(studio, codec.group(codec.DISCOVERY_UNIVERSE))
    for hosts, heard in ((["10.0.0.9"], 2), (["127.0.0.1", "::1"], 0)):
        ear.heard.clear()
        output = opened(studio, hosts=hosts)
        output.send(3, b"\1")
        studio.clock.advance(codec.DISCOVERY_INTERVAL)
        output.send(3, b"\1")
        assert [each.universes for each in ear.of(Discovery)] == [(), (3,)][:heard]


def test_discovery_lists_what_is_sent_sorted_with_the_synchronisation_in_pages(studio):
    ear = ear_in(studio, codec.group(codec.DISCOVERY_UNIVERSE))
    output = opened(studio, synchronization=9000)
    for universe in range(600, 0, -1):
        output.send(universe, b"\1")
    ear.heard.clear()
    studio.clock.advance(codec.DISCOVERY_INTERVAL)
    output.send(1, b"\1")
    first, second = ear.of(Discovery)
    assert (first.page, first.last_page, second.page, second.last_page) == (0, 1, 1, 1)
    assert first.universes + second.universes == (*range(1, 601), 9000)


def test_the_component_is_known_without_opening(studio):
    ear_in(studio)
    options = SacnOptions(source_name="ours")
    assert str(component(options, studio)) == Sacn(options, studio).open().serial
    fixed = component(options, VirtualStudio(ManualClock()))
    assert component(SacnOptions(cid=fixed), studio) == fixed


@pytest.mark.parametrize(
    "options", [{"multicast": "ipv6"}, {"multicast": "both"}, {"hosts": ["fd00:77::5", "10.0.0.5"]}]
)
def test_twins_of_other_ways_hold_what_is_sent(options):
    bench = Bench(SPEC, **options)
    bench.works()
    bench.put_away()
