"""The Art-Net output beyond the contract: whom frames reach, and what it knows of the nodes."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers.base import Reading, Verdict
from drivers.dmx import artnet_codec as codec
from drivers.dmx import artnet_wire
from drivers.dmx.artnet import Artnet, ArtnetOptions
from drivers.dmx.artnet_codec import DiagData, Dmx, Node, Poll, Sync
from drivers.errors import DeviceMissing, LinkLost, NotSupported
from drivers.host import Endpoint, Interface
from drivers.virtual.clock import ManualClock
from drivers.virtual.studio import HOME, VirtualStudio
from drivers.virtual.twin import Fault
from drivers.virtual.twins.artnet import ArtnetNode, artnet_twin

CONSOLE = "10.77.0.99"


class Gate:
    """A node that answers polls with what it is told to, and keeps what it hears."""

    def __init__(self, studio: VirtualStudio, address: str, *replies: Node) -> None:
        self.address = address
        self.replies = list(replies)
        self.heard: list[tuple[codec.Packet | None, Endpoint]] = []
        studio.place_node(address, self)

    def receive(self, data: bytes, source: Endpoint, to: Endpoint) -> list[tuple[bytes, Endpoint]]:
        packet = codec.decode(data)
        self.heard.append((packet, source))
        answers = self.replies if isinstance(packet, Poll) else []
        return [(reply.encode(), source) for reply in answers]

    def kinds(self, kind: type) -> list[codec.Packet]:
        return [packet for packet, _ in self.heard if isinstance(packet, kind)]

    def levels(self) -> list[tuple[int, bytes]]:
        return [(packet.port_address, packet.slots) for packet, _ in self.heard if isinstance(packet, Dmx)]


def node(address: str, *outputs: int, **changes: object) -> Node:
    return Node(address, f"gate {address}", outputs=outputs, **changes)  # type: ignore[arg-type]


def reading(output: Artnet, name: str) -> float:
    (found,) = [each for each in output.readings() if each.name == name]
    assert isinstance(found, Reading) and found.unit
    return found.value


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def studio(clock) -> VirtualStudio:
    return VirtualStudio(clock)


def opened(studio: VirtualStudio, **options: object) -> Artnet:
    output = Artnet(ArtnetOptions.model_validate(options), studio)
    output.open()
    return output


def keep_sending(output: Artnet, clock: ManualClock, seconds: float, *universes: int, frame: bytes = b"\1\2") -> None:
    for _ in range(round(seconds / 0.1)):
        for universe in universes or (1,):
            output.send(universe, frame)
        output.flush()
        clock.advance(0.1)


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


def test_polls_go_out_every_two_and_a_half_to_three_seconds_by_the_keepalive_alone(studio, clock):
    gate = Gate(studio, "10.77.0.11", node("10.77.0.11", 1))
    output = opened(studio)
    times: list[float] = []
    for _ in range(40):
        before = len(gate.kinds(Poll))
        output.send(1, b"\1\1")
        times += [clock.now()] * (len(gate.kinds(Poll)) - before)
        clock.advance(output.refresh.keepalive)
    assert len(times) >= 10
    assert all(2.5 <= after - before <= 3.0 for before, after in pairwise(times))
    assert {packet.flags for packet in gate.kinds(Poll)} == {0x0E}
    assert {packet.priority for packet in gate.kinds(Poll)} == {codec.MEDIUM}


@pytest.mark.parametrize(("said", "flags", "priority"), [("off", 0x02, 0x10), ("critical", 0x0E, 0xE0)])
def test_diagnostics_are_asked_for_as_told(studio, said, flags, priority):
    gate = Gate(studio, "10.77.0.11")
    opened(studio, diagnostics=said)
    assert [(packet.flags, packet.priority) for packet in gate.kinds(Poll)] == [(flags, priority)]


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


def test_diagnostics_are_kept(studio, clock):
    Gate(studio, "10.77.0.11", node("10.77.0.11", 1))
    output = opened(studio)
    for port in (6454, 40000):
        studio.inject(DiagData("fan slow", codec.HIGH).encode(), ("10.77.0.11", port), (HOME, codec.PORT))
    clock.advance(0.1)
    output.flush()
    assert [(each.address, each.said, each.priority) for each in output.messages[-2:]] == [
        ("10.77.0.11", "fan slow", codec.HIGH)
    ] * 2
    assert reading(output, "diagnostics") == 2


def test_a_controller_that_polls_finds_us(studio, clock):
    console = Gate(studio, CONSOLE)
    output = opened(studio)
    console.heard.clear()
    studio.inject(Poll().encode(), (CONSOLE, codec.PORT), ("10.77.0.255", codec.PORT))
    keep_sending(output, clock, 1.3)
    ((reply, source),) = [each for each in console.heard if isinstance(each[0], Node)]
    assert isinstance(reply, Node) and source == (HOME, codec.PORT)
    assert (reply.address, reply.mac, reply.style) == (HOME, "02:00:00:77:00:02", 1)
    assert (reply.short_name, reply.oem, reply.esta) == ("Studio Edge Agent", 0x00FF, 0x7FF0)
    assert (reply.outputs, reply.inputs, reply.bind_index) == ((), (), 1)
    assert reply.report == "#0001 [0001] ready"


def test_a_poll_for_certain_port_addresses_is_not_for_us(studio, clock):
    console = Gate(studio, CONSOLE)
    output = opened(studio)
    studio.inject(Poll(codec.TARGETED, 0x10, 0, 100).encode(), (CONSOLE, codec.PORT), (HOME, codec.PORT))
    keep_sending(output, clock, 1.3)
    assert console.kinds(Node) == []


def test_a_reply_passed_on_by_a_program_of_this_machine_counts_for_the_node_it_speaks_of(studio, clock):
    gate = Gate(studio, "10.77.0.11")
    output = opened(studio)
    studio.inject(node("10.77.0.11", 1).encode(), ("127.0.0.1", codec.PORT), (HOME, codec.PORT))
    keep_sending(output, clock, 0.3)
    assert (1, b"\1\2") in gate.levels()


def test_a_reply_that_claims_another_address_is_answered_where_it_came_from(studio, clock):
    gate, other = Gate(studio, "10.77.0.11", node("10.77.0.12", 1)), Gate(studio, "10.77.0.12")
    keep_sending(opened(studio), clock, 0.3)
    assert gate.levels() and not other.levels()


def test_who_answers_is_told_at_once_while_frames_go_out(studio, clock):
    gate = Gate(studio, "10.77.0.11", node("10.77.0.11", 1, status3=0x60, good_outputs=(0x88,), good_outputs_b=(0xC0,)))
    output = opened(studio)
    (nod_01,) = output.checks()
    keep_sending(output, clock, 6.0)
    before = clock.now(), len(gate.heard)
    result = nod_01.run()
    assert (clock.now(), len(gate.heard)) == before  # nothing waited, nothing was sent
    assert result.verdict is Verdict.PASS
    assert result.evidence["nodes"] == [
        "10.77.0.11 gate 10.77.0.11 0.0: outputs 1 (merging, RDM off, continuous); on loss: zero"
    ]


def test_a_universe_that_no_node_lists_is_found_by_the_check(studio, clock):
    Gate(studio, "10.77.0.11", node("10.77.0.11", 1))
    Gate(studio, CONSOLE, Node(CONSOLE, "desk", style=1))
    output = opened(studio)
    (nod_01,) = output.checks()
    assert nod_01.run().verdict is Verdict.PASS  # nothing was sent yet
    keep_sending(output, clock, 6.0, 1, 2)
    result = nod_01.run()
    assert (result.verdict, result.said.en) == (Verdict.MARGINAL, "No Art-Net node lists Port-Address 2.")
    assert all(result.remedy) and len(result.evidence["nodes"]) == 1


def test_a_console_alone_is_no_node(studio):
    Gate(studio, CONSOLE, Node(CONSOLE, "desk", style=1))
    (nod_01,) = opened(studio).checks()
    assert nod_01.run().verdict is Verdict.FAIL


def test_a_card_that_is_plugged_in_later_is_asked_too(studio, clock, monkeypatch):
    gate = Gate(studio, "192.168.9.11", node("192.168.9.11", 1))
    output = opened(studio)
    before = studio.interfaces()
    another = Interface("eth1", True, ("192.168.9.2/24",))
    monkeypatch.setattr(studio, "interfaces", lambda: [*before, another])
    sent_to: set[str] = set()
    carry = studio.carry

    def noting(data, sender, to):
        sent_to.add(to[0])
        return carry(data, sender, to)

    monkeypatch.setattr(studio, "carry", noting)
    keep_sending(output, clock, 5.0)
    assert "10.77.0.255" in sent_to and "192.168.9.255" not in sent_to
    keep_sending(output, clock, 30.0)
    assert "192.168.9.255" in sent_to and gate.levels()


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


ANSWER = artnet_wire.head(artnet_wire.TOD_DATA) + bytes(20)


@pytest.mark.parametrize(
    ("source", "to"),
    [
        (("10.77.0.11", 6454), 6454),  # as the standard has it
        (("10.77.0.11", 6454), 0),  # to the port that asked
        (("127.0.0.1", 6454), 0),  # passed on by whoever has 6454 on this machine
    ],
)
def test_what_a_node_answers_to_another_question_is_kept_wherever_it_comes_in(studio, source, to):
    gate = Gate(studio, "10.77.0.11", node("10.77.0.11", 1))
    watch = opened(studio).watch
    studio.inject(ANSWER, source, (HOME, codec.PORT))
    assert watch.receive(0.1) is None  # nobody asked
    watch.send(b"a question", ("10.77.0.11", codec.PORT))
    port = to or gate.heard[-1][1][1]
    studio.inject(ANSWER, source, (HOME, port))
    answer = watch.receive(0.5)
    assert answer is not None and (answer.data, answer.source) == (ANSWER, ("10.77.0.11", codec.PORT))
    begun = studio.now()
    assert watch.receive(0.5) is None
    assert studio.now() - begun == pytest.approx(0.5, abs=0.01)


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
