"""What an Art-Net output does beside its frames: it polls, answers, and knows the nodes."""

from itertools import pairwise

import pytest

from drivers.base import Verdict
from drivers.dmx import artnet_codec as codec
from drivers.dmx import artnet_wire
from drivers.dmx.artnet_codec import Address, Command, DiagData, Node, Poll
from drivers.dmx.artnet_watch import MOST_AT_ONCE
from drivers.host import Interface
from drivers.virtual.clock import ManualClock
from drivers.virtual.studio import HOME, VirtualStudio
from tests.drivers.dmx.artnet_gate import CONSOLE, Gate, keep_sending, node, opened, reading

ANSWER = artnet_wire.head(artnet_wire.TOD_DATA) + bytes(20)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def studio(clock) -> VirtualStudio:
    return VirtualStudio(clock)


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


def test_other_traffic_that_fills_every_look_makes_no_node_vanish(studio, clock):
    Gate(studio, "10.77.0.11", node("10.77.0.11", 1))
    output = opened(studio)
    for _ in range(200):
        for _ in range(2 * MOST_AT_ONCE):
            studio.inject(b"noise", ("10.77.0.66", 40000), output.watch.socket.local)
        output.send(1, b"\1\1")
        output.flush()
        clock.advance(0.1)
    assert output.nodes.online() and output.nodes.subscribers == {1: ("10.77.0.11",)}


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


def test_a_command_to_an_output_is_refused_with_an_answer(studio, clock):
    console = Gate(studio, CONSOLE)
    output = opened(studio)
    console.heard.clear()
    studio.inject(Address(Command.LED_LOCATE).encode(), (CONSOLE, codec.PORT), (HOME, codec.PORT))
    keep_sending(output, clock, 0.2)
    (reply,) = console.kinds(Node)
    assert isinstance(reply, Node) and "refused" in reply.report
    assert reading(output, "refused_commands") == 1


def test_nobody_sets_an_outputs_ip_address_and_that_is_not_answered(studio, clock):
    console = Gate(studio, CONSOLE)
    output = opened(studio)
    console.heard.clear()
    program = artnet_wire.head(artnet_wire.IP_PROG) + bytes((0, 0, 0x86, 0)) + bytes(18)
    for to in ((HOME, codec.PORT), output.watch.socket.local):
        studio.inject(program, (CONSOLE, codec.PORT), to)
    keep_sending(output, clock, 1.2)
    assert [packet for packet, _ in console.heard if not isinstance(packet, Poll)] == []
    assert reading(output, "refused_commands") == 1


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
