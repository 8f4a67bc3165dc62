"""The Art-Net input beyond the contract: how consoles find it, and what it does not listen to."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers.base import Heard
from drivers.dmx import artnet_codec as codec
from drivers.dmx import artnet_wire
from drivers.dmx.artnet import Artnet, ArtnetOptions
from drivers.dmx.artnet_codec import Address, Command, DiagData, Dmx, Node, Nzs, Poll, Sync
from drivers.dmx.artnet_in import ArtnetIn, ArtnetInOptions
from drivers.dmx.artnet_reply import LTP, MERGING, TRANSMITS
from drivers.host import Endpoint
from drivers.virtual.clock import ManualClock
from drivers.virtual.studio import HOME, VirtualStudio
from drivers.virtual.twins.artnet_in import CONSOLE, ArtnetConsole, artnet_in_twin
from tests.drivers.dmx.artnet_gate import Gate

HERE = (HOME, codec.PORT)
OTHER = "10.77.0.42"


@pytest.fixture
def studio() -> VirtualStudio:
    return VirtualStudio(ManualClock())


@pytest.fixture
def console(studio) -> ArtnetConsole:
    return artnet_in_twin(studio, ArtnetInOptions(universes=(1,)), "console")


def opened(studio: VirtualStudio, **options: object) -> ArtnetIn:
    device = ArtnetIn(ArtnetInOptions.model_validate({"universes": (1, 2), **options}), studio)
    device.open()
    return device


def say(studio: VirtualStudio, packet: bytes, source: Endpoint = (CONSOLE, codec.PORT)) -> None:
    studio.inject(packet, source, HERE)


def reading(device: ArtnetIn, name: str) -> float:
    return next(each.value for each in device.readings() if each.name == name)


def test_a_console_that_polls_is_told_each_universe_and_what_becomes_of_it(studio, console):
    device = opened(studio, port_address_offset=-1)
    say(studio, Poll(codec.CHANGES).encode())
    device.listen(1.1)
    assert [(reply.bind_index, reply.outputs, reply.good_outputs, reply.style) for reply in console.replies] == [
        (1, (0, 1), (0, 0), 0),
    ]
    assert {(reply.address, reply.short_name) for reply in console.replies} == {(HOME, "Studio Edge Agent")}
    console.replies.clear()
    say(studio, Dmx(0, b"\1\1").encode())
    say(studio, Dmx(0, b"\2\2").encode(), (OTHER, codec.PORT))
    assert [heard.slots for heard in device.listen(1.0)] == [b"\2\2"]
    device.listen(0.1)
    assert console.replies[0].good_outputs == (TRANSMITS | MERGING, 0)  # unasked, because merging began
    assert reading(device, "universes_merging") == 1


def test_a_poll_of_many_universes_is_answered_with_four_of_a_sub_net_in_each_reply(studio, console):
    device = opened(studio, universes=(*range(1, 1001), 2000))
    say(studio, Poll().encode())
    device.listen(1.1)
    assert [port for reply in console.replies for port in reply.outputs] == [*range(1, 1001), 2000]
    assert [reply.bind_index for reply in console.replies] == list(range(1, len(console.replies) + 1))
    assert max(len(reply.outputs) for reply in console.replies) == 4


def test_more_universes_than_replies_can_tell_are_refused_with_a_reason():
    with pytest.raises(ValidationError, match=r"256 universes take 256 poll replies; a node has 255.*name fewer"):
        ArtnetInOptions(universes=tuple(range(1, 256 * 16, 16)))
    ArtnetInOptions(universes=tuple(range(1, 255 * 16, 16)))


def test_an_artaddress_to_a_part_or_port_that_is_not_there_is_refused(studio, console):
    device = opened(studio, obey_artaddress=True)
    say(studio, Address(Command.MERGE_LTP, bind_index=2).encode())
    say(studio, Address(Command.MERGE_LTP, port=2).encode())
    say(studio, Address(Command.CANCEL_MERGE, bind_index=255).encode())
    device.listen(0.1)
    assert reading(device, "refused_commands") == 3


def test_replies_wait_a_random_time_of_at_most_a_second(studio, console):
    device = opened(studio)
    waits = set()
    for _ in range(20):
        begun = studio.now()
        say(studio, Poll().encode())
        console.replies.clear()
        while not console.replies:
            device.listen(0.01)
        waits.add(round(studio.now() - begun, 2))
    assert max(waits) <= 1.02 and len(waits) > 3


def test_what_changes_together_is_told_together(studio, console):
    device = opened(studio)
    console.say(1, b"\1\1")
    console.say(1, b"\1\2")
    console.say(2, b"\2\2")
    assert device.listen(1.0) == [
        Heard(1, b"\1\2", 101, sources=(CONSOLE,)),
        Heard(2, b"\2\2", 101, sources=(CONSOLE,)),
    ]
    assert device.listen(0.1) == []


def test_our_own_outputs_are_no_console(studio, console):
    device = opened(studio)
    output = Artnet(ArtnetOptions(host=HOME), studio)
    output.open()
    output.send(1, b"\x55\x55")
    assert device.listen(0.5) == []
    say(studio, Dmx(1, b"\3\3").encode(), (HOME, codec.PORT))  # console software on this machine
    assert [heard.slots for heard in device.listen(0.5)] == [b"\3\3"]
    curious = opened(studio, hear_local=True)
    output.send(1, b"\x55\x55")
    assert [heard.slots for heard in curious.listen(0.5)] == [b"\x55\x55"]


def test_an_output_beside_an_input_neither_takes_it_for_a_node_nor_misses_the_nodes(studio, console):
    device = opened(studio)
    output = Artnet(ArtnetOptions(), studio)
    output.open()
    for _ in range(30):
        output.flush()
        device.listen(0.1)
    assert output.nodes.parts == {}
    say(studio, Node("10.77.0.11", "gate", outputs=(1,)).encode(), ("10.77.0.11", codec.PORT))
    device.listen(0.1)
    output.flush()
    assert output.nodes.subscribers == {1: ("10.77.0.11",)}


def test_what_nodes_answer_is_passed_on_to_pollers_of_this_machine_alone(studio, console):
    device = opened(studio)
    with_port_of_its_own = studio.udp()
    stranger = ("10.77.0.50", 40000)
    say(studio, Poll().encode(), with_port_of_its_own.local)
    say(studio, Poll().encode(), stranger)
    device.listen(1.1)
    while with_port_of_its_own.receive(0):
        pass
    answer = artnet_wire.head(artnet_wire.RDM) + bytes(30)
    packets = [Node("10.77.0.11", "gate").encode(), DiagData("hot").encode(), answer]
    for packet in (*packets, Dmx(1, b"\1\1").encode()):
        say(studio, packet, ("10.77.0.11", codec.PORT))
    device.listen(0.1)
    passed = [with_port_of_its_own.receive(0) for _ in range(4)]
    assert [each and each.data for each in passed] == [*packets, None]
    studio.inject(packets[0], with_port_of_its_own.local, HERE)  # nothing is passed on in a circle
    device.listen(0.1)
    assert with_port_of_its_own.receive(0) is None


def test_other_start_codes_and_broken_packets_are_no_levels(studio, console):
    device = opened(studio)
    console.say(1, b"\1\1")
    device.listen(0.1)
    say(studio, Nzs(1, 0xDD, b"\x64" * 512).encode())
    say(studio, Dmx(1, bytes(512)).encode()[:100])
    say(studio, b"Art-Net\0")
    assert device.listen(0.5) == []
    assert reading(device, "other_start_codes") == 1


def test_a_sync_releases_what_waits_and_silence_does_too(studio, console):
    device = opened(studio)
    console.say(1, b"\1\1")
    device.listen(0.1)
    say(studio, Sync().encode())
    console.say(1, b"\2\2")
    assert device.listen(0.5) == []
    say(studio, Sync().encode())
    assert [heard.slots for heard in device.listen(0.5)] == [b"\2\2"]
    console.say(1, b"\3\3")
    begun = studio.now()
    assert [heard.slots for heard in device.listen(5.0)] == [b"\3\3"]
    assert studio.now() - begun == pytest.approx(4.0, abs=0.01)


def test_the_network_may_not_set_us_up_unless_told_so(studio, console):
    for obeys, mode in ((False, 0), (True, LTP)):
        device = opened(studio, obey_artaddress=obeys)
        console.replies.clear()
        say(studio, Address(Command.MERGE_LTP, port=1).encode())
        device.listen(0.1)
        assert [reply.good_outputs for reply in console.replies] == [(0, mode)]
        assert ("refused" in console.replies[0].report) is not obeys
        assert reading(device, "refused_commands") == (not obeys)
        assert [note.split()[0] for note in device.messages] == ["obeyed" if obeys else "refused"]
        device.close()


def test_commands_we_do_not_know_are_refused_with_an_answer(studio, console):
    device = opened(studio, obey_artaddress=True)
    unknown = Address().encode()[:106] + b"\xe0"
    of_inputs = artnet_wire.head(artnet_wire.INPUT) + bytes((0, 1, 0, 4, 1, 1, 1, 1))
    for count, packet in enumerate((unknown, of_inputs), start=1):
        console.replies.clear()
        say(studio, packet[:-1])
        device.listen(0.1)
        assert console.replies == []
        say(studio, packet)
        device.listen(0.1)
        assert "refused" in console.replies[0].report and reading(device, "refused_commands") == count


@pytest.mark.parametrize("command", [0x80, 0xC0, 0x87, 0x9F])
def test_nobody_sets_our_ip_address_and_that_is_not_answered(studio, command):
    """ArtIpProg: a node that cannot be programmed does not reply (section ArtIpProgReply), nor to one who only asks."""
    gate = Gate(studio, OTHER)
    device = opened(studio, obey_artaddress=True)
    settings = bytes.fromhex("0a4d002a ff000000 1936 0a4d00fe 00000000")
    program = artnet_wire.head(artnet_wire.IP_PROG) + bytes((0, 0, command, 0)) + settings
    inquiry = program[:14] + bytes((command & 0x7F,)) + program[15:]
    for packet, count in ((program[:-1], 0), (inquiry, 0), (program, 1), (program, 2)):
        say(studio, packet, (OTHER, codec.PORT))
        assert device.listen(1.1) == []
        assert reading(device, "refused_commands") == count
    assert gate.heard == []
    say(studio, Poll().encode(), (OTHER, codec.PORT))
    device.listen(1.1)
    assert [reply.address for reply in gate.kinds(Node)] == [HOME]


def test_a_flood_of_changes_does_not_keep_it_from_telling(studio, console):
    device = opened(studio)
    for number in range(2000):
        say(studio, Dmx(1, bytes((number % 251, 1))).encode())
    first = device.listen(0.5)
    assert [heard.universe for heard in first] == [1]
    assert device.listen(0.5) != []


def test_priority_and_length_are_as_the_options_say(studio, console):
    device = opened(studio, priority=180, lost_after=3.0)
    console.say(1, b"\1\1")
    assert [heard.priority for heard in device.listen(0.1)] == [180]
    begun = studio.now()
    (ended,) = device.listen(5.0)
    assert (ended.slots, ended.ended) == (b"", "lost")
    assert studio.now() - begun == pytest.approx(3.0, abs=0.01)


@pytest.mark.parametrize(
    "wrong",
    [
        {"universes": ()},
        {"universes": (1, 1)},
        {"universes": (0,)},
        {"universes": (40000,)},
        {"universes": (1,), "port_address_offset": -2},
        {"universes": (1,), "priority": 201},
        {"universes": (1,), "lost_after": 1},
    ],
)
def test_options_that_cannot_be(wrong):
    with pytest.raises(ValidationError):
        ArtnetInOptions.model_validate(wrong)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.binary(max_size=40)
            | st.builds(
                lambda opcode, body: codec.MAGIC + opcode.to_bytes(2, "little") + b"\0\x0e" + body,
                st.sampled_from([0x2000, 0x2100, 0x2300, 0x5000, 0x5100, 0x5200, 0x6000, 0x8000, 0x9700]),
                st.binary(max_size=600),
            ),
            st.integers(1, 254),
            st.integers(1, 65535),
        ),
        max_size=20,
    )
)
def test_whatever_comes_over_the_network_only_levels_are_heard(datagrams):
    studio = VirtualStudio(ManualClock())
    artnet_in_twin(studio, ArtnetInOptions(universes=(1,)), "console")
    device = opened(studio, obey_artaddress=True)
    spoken = False
    for data, last, port in datagrams:
        say(studio, data, (f"10.77.0.{last}", port))
        packet = codec.decode(data)
        spoken = spoken or isinstance(packet, Dmx)
        assert spoken or not device.listen(0.0)
        device.listen(0.5)
    device.close()
