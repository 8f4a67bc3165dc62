"""The Art-Net output beyond the contract: whom frames reach."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers.dmx import artnet_codec as codec
from drivers.dmx.artnet import ArtnetOptions
from drivers.dmx.artnet_codec import Poll, Sync
from drivers.errors import DeviceMissing, LinkLost, NotSupported
from drivers.virtual.clock import ManualClock
from drivers.virtual.studio import HOME, VirtualStudio
from drivers.virtual.twin import Fault
from drivers.virtual.twins.artnet import ArtnetNode, artnet_twin
from tests.drivers.dmx.artnet_gate import Gate, keep_sending, node, opened, reading


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def studio(clock) -> VirtualStudio:
    return VirtualStudio(clock)


def test_each_universe_goes_to_the_nodes_that_list_it_and_to_nobody_else(studio):
    one = Gate(studio, "10.77.0.11", node("10.77.0.11", 1), node("10.77.0.11", 2, bind_index=2))
    two = Gate(studio, "10.77.0.12", node("10.77.0.12", 2))
    none = Gate(studio, "10.77.0.13", node("10.77.0.13"))
    output = opened(studio)
    for universe in (1, 2, 3):
        output.send(universe, bytes((universe, 0)))
    assert one.levels() == [(1, b"\1\0"), (2, b"\2\0")]
    assert two.levels() == [(2, b"\2\0")] and none.levels() == []
    assert reading(output, "universes_without_node") == 1
    assert reading(output, "nodes") == 2


def test_a_node_that_comes_later_gets_the_present_frame_with_its_first_reply(studio, clock):
    Gate(studio, "10.77.0.14")
    output = opened(studio, port_address_offset=-1)
    assert output.open().details["poll"] == "no answer"
    gate = Gate(studio, "10.77.0.11", node("10.77.0.11", 0))
    output.send(1, b"\7\7")
    assert gate.levels() == []
    clock.advance(2.6)
    output.flush()  # polls
    clock.advance(0.1)
    output.flush()  # hears the reply
    assert gate.levels() == [(0, b"\7\7")]


def test_a_node_that_goes_and_comes_back_is_told_and_fed_again(studio, clock):
    twin: ArtnetNode = artnet_twin(studio, ArtnetOptions(), "gate")
    output = opened(studio)
    keep_sending(output, clock, 1.0)
    twin.fault(Fault.UNPLUG)
    keep_sending(output, clock, 6.0)
    assert (reading(output, "nodes"), reading(output, "nodes_went")) == (0, 1)
    keep_sending(output, clock, 10.0)
    twin.heal()
    assert twin.frames == {}
    keep_sending(output, clock, 3.5, frame=b"\x09\x09")
    assert twin.frames == {1: b"\x09\x09"}
    assert (reading(output, "nodes"), reading(output, "nodes_came")) == (1, 2)
    said = [message.said for message in output.messages]
    assert said == [
        "Virtual node [1] is there",
        "Virtual node [1] does not answer any more",
        "Virtual node [1] is there",
    ]


def test_a_subscription_that_moves_is_followed(studio, clock):
    gate = Gate(studio, "10.77.0.11", node("10.77.0.11", 1))
    output = opened(studio)
    keep_sending(output, clock, 1.0, 1, 2)
    gate.replies = [node("10.77.0.11", 2)]
    keep_sending(output, clock, 3.0, 1, 2)
    gate.heard.clear()
    keep_sending(output, clock, 1.0, 1, 2)
    assert {port for port, _ in gate.levels()} == {2}


def test_one_unreachable_node_does_not_keep_the_frame_from_the_others(studio, monkeypatch):
    gates = [Gate(studio, f"10.77.0.{last}", node(f"10.77.0.{last}", 1)) for last in (11, 12, 13)]
    output = opened(studio)
    carry = studio.carry

    def no_route(data, sender, to):
        if to[0] == "10.77.0.12":
            raise LinkLost("no route")
        return carry(data, sender, to)

    monkeypatch.setattr(studio, "carry", no_route)
    output.send(1, b"\5\5")
    assert [bool(gate.levels()) for gate in gates] == [True, False, True]
    assert reading(output, "send_errors") == 1
    studio.network_up = False
    with pytest.raises(LinkLost, match="unreachable"):
        output.send(1, b"\5\5")


def test_broadcast_is_an_explicit_choice(studio):
    gates = [Gate(studio, f"10.77.0.{last}", node(f"10.77.0.{last}", 1, 2)) for last in (11, 12, 13)]
    quiet = Gate(studio, "10.77.0.14")
    opened(studio).send(1, b"\1\1")
    assert quiet.levels() == []
    opened(studio, broadcast_above=2).send(1, b"\2\2")
    assert quiet.levels() == [(1, b"\2\2")]
    opened(studio, broadcast_above=3).send(1, b"\3\3")
    opened(studio, broadcast="10.77.0.255").send(3, b"\4\4")
    assert quiet.levels() == [(1, b"\2\2"), (3, b"\4\4")]
    assert [len(gate.levels()) for gate in gates] == [4, 4, 4]


def test_sync_follows_the_beat_and_stops_while_a_node_hears_two_sources(studio, clock):
    gate = Gate(studio, "10.77.0.11", node("10.77.0.11", 1, good_outputs=(0x80,)))
    output = opened(studio, sync=True)
    for _ in range(3):
        output.send(1, b"\1\1")
        output.send(2, b"\1\1")
        output.flush()
    output.flush()  # nothing was sent: no beat
    assert [type(packet).__name__ for packet, _ in gate.heard if not isinstance(packet, Poll)] == ["Dmx", "Sync"] * 3
    gate.replies = [node("10.77.0.11", 1, good_outputs=(0x88,))]
    keep_sending(output, clock, 3.0)
    gate.heard.clear()
    keep_sending(output, clock, 1.0)
    assert gate.kinds(Sync) == [] and len(gate.levels()) == 10
    assert reading(output, "universes_merging") == 1


def test_without_the_option_nobody_is_synced(studio, clock):
    gate = Gate(studio, "10.77.0.11", node("10.77.0.11", 1))
    keep_sending(opened(studio), clock, 1.0)
    assert gate.kinds(Sync) == []


@pytest.mark.parametrize("size", [0, 513])
def test_a_frame_that_cannot_be(studio, size):
    Gate(studio, "10.77.0.11", node("10.77.0.11", 1))
    output = opened(studio)
    with pytest.raises(NotSupported, match=f"{size} slots"):
        output.send(1, bytes(size))


def test_without_a_network_it_is_missing(studio):
    with pytest.raises(DeviceMissing, match="no network card"):
        opened(studio)
    with pytest.raises(DeviceMissing, match="unreachable"):
        opened(studio, network="10.77.0.255")


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "a", "broadcast": "2.255.255.255"},
        {"broadcast": "2.255.255.255", "network": "10.0.0.255"},
        {"broadcast_above": 0},
        {"diagnostics": "all"},
    ],
)
def test_options_that_cannot_be(wrong):
    with pytest.raises(ValidationError):
        ArtnetOptions.model_validate(wrong)


noise = st.binary(max_size=40) | st.builds(
    lambda opcode, body: codec.MAGIC + opcode.to_bytes(2, "little") + b"\0\x0e" + body,
    st.sampled_from([0x2000, 0x2100, 0x2300, 0x5000, 0x5200, 0x6000, 0x8100, 0x8300]),
    st.binary(max_size=300),
)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(noise, st.integers(20, 254), st.integers(1, 65535), st.booleans()), max_size=20))
def test_whatever_comes_over_the_network_the_frames_go_on(datagrams):
    clock = ManualClock()
    studio = VirtualStudio(clock)
    gate = Gate(studio, "10.77.0.11", node("10.77.0.11", 1))
    output = opened(studio)
    for number, (data, last, port, shared) in enumerate(datagrams):
        to = codec.PORT if shared else gate.heard[0][1][1]
        studio.inject(data, (f"10.77.0.{last}", port), (HOME, to))
        keep_sending(output, clock, 0.3, frame=bytes((number, 1)))
        assert gate.levels()[-1] == (1, bytes((number, 1)))
    assert all(reading.value == reading.value for reading in output.readings())
    output.close()
