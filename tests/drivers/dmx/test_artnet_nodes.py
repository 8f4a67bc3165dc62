"""The table of Art-Net nodes."""

from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.dmx import artnet_nodes
from drivers.dmx.artnet_codec import DiagData, Node
from drivers.dmx.artnet_nodes import FED_FOR, MOST_PARTS, Nodes

relaxed = settings(deadline=None, max_examples=60)


def part(*outputs: int, bind_index: int = 1, **changes: object) -> Node:
    return Node("10.0.0.1", "gate", outputs=outputs, bind_index=bind_index, **changes)  # type: ignore[arg-type]


def said(nodes: Nodes) -> list[str]:
    return [message.said for message in nodes.messages]


def test_one_address_with_several_parts_and_several_addresses_for_one_universe():
    nodes = Nodes()
    nodes.heard(part(1, 2), "10.0.0.1", 0.0)
    nodes.heard(part(3, bind_index=2), "10.0.0.1", 0.0)
    nodes.heard(part(2), "10.0.0.2", 0.0)
    assert nodes.settle(0.0)
    assert nodes.subscribers == {1: ("10.0.0.1",), 2: ("10.0.0.1", "10.0.0.2"), 3: ("10.0.0.1",)}
    nodes.heard(part(4, bind_index=2), "10.0.0.1", 1.0)
    assert nodes.settle(1.0)
    assert 3 not in nodes.subscribers and nodes.subscribers[4] == ("10.0.0.1",)
    assert not nodes.settle(1.0)


def test_an_input_port_is_subscribed_too():
    nodes = Nodes()
    nodes.heard(Node("10.0.0.1", "desk", inputs=(7,)), "10.0.0.1", 0.0)
    nodes.settle(0.0)
    assert nodes.subscribers == {7: ("10.0.0.1",)}


def test_a_node_silent_three_seconds_after_a_poll_is_gone_and_fed_a_while_longer():
    nodes = Nodes()
    nodes.polled(0.0)
    nodes.heard(part(1), "10.0.0.1", 0.5)
    nodes.polled(2.5)
    nodes.settle(5.4)
    assert nodes.online()
    nodes.settle(5.5)
    assert not nodes.online() and (nodes.came, nodes.went) == (1, 1)
    assert nodes.subscribers == {1: ("10.0.0.1",)}
    assert nodes.settle(0.5 + FED_FOR + 0.1)
    assert nodes.subscribers == {} and not nodes.parts
    nodes.heard(part(1), "10.0.0.1", 20.0)
    assert nodes.settle(20.0) and nodes.subscribers == {1: ("10.0.0.1",)}
    assert said(nodes) == ["gate [1] is there", "gate [1] does not answer any more", "gate [1] is there"]


def test_one_lost_reply_is_told_and_costs_no_frame():
    nodes = Nodes()
    for poll in range(4):
        nodes.polled(2.5 * poll)
        if poll != 1:
            nodes.heard(part(1), "10.0.0.1", 2.5 * poll + 0.1)
        assert nodes.settle(2.5 * poll + 0.2) is (poll == 0)
        assert nodes.subscribers == {1: ("10.0.0.1",)}


def test_what_becomes_another_about_a_node_is_told():
    nodes = Nodes()
    nodes.heard(part(1, good_outputs=(0x80,), status3=0x20), "10.0.0.1", 0.0)
    nodes.heard(part(1, good_outputs=(0x88,), status3=0x60), "10.0.0.1", 1.0)
    nodes.heard(part(1, good_outputs=(0x89,), status3=0x60), "10.0.0.1", 2.0)
    assert said(nodes)[1:] == [
        "gate [1] hears more than one source on Port-Address 1",
        "gate [1] was set to zero when it hears nobody",
        "gate [1] follows sACN on Port-Address 1, not Art-Net",
    ]
    assert nodes.merging([1, 2]) == {1}


def test_who_answers_how_fast():
    nodes = Nodes()
    nodes.polled(10.0)
    nodes.heard(part(1), "10.0.0.1", 10.25)
    nodes.heard(part(1), "10.0.0.1", 11.0)  # a change, unasked
    assert [each.took for each in nodes.online()] == [0.25]


def test_while_more_comes_in_than_is_read_no_node_is_dropped():
    nodes = Nodes()
    nodes.polled(0.0)
    nodes.heard(part(1), "10.0.0.1", 0.1)
    nodes.settle(0.1)
    for poll in range(1, 20):
        nodes.polled(2.5 * poll)
        nodes.unheard(2.5 * poll + 0.5)
        assert not nodes.settle(2.5 * poll + 0.5) and nodes.online()
    nodes.polled(50.0)
    assert not nodes.settle(52.9) and nodes.online()
    nodes.settle(53.0)
    assert not nodes.online()
    assert nodes.settle(48.0 + FED_FOR + 0.1) and nodes.subscribers == {}


def test_invented_nodes_get_no_place_that_an_older_one_has():
    nodes = Nodes()
    nodes.heard(part(1, 2), "10.0.0.1", 0.0)
    for number in range(3000):
        nodes.heard(part(1), f"10.1.{number // 250}.{number % 250}", 0.1)
    nodes.settle(0.2)
    assert len(nodes.subscribers[1]) == artnet_nodes.MOST_TARGETS and nodes.subscribers[1][0] == "10.0.0.1"
    assert nodes.subscribers[2] == ("10.0.0.1",)
    assert nodes.crowded == {1: 3001 - artnet_nodes.MOST_TARGETS}
    assert "more than 64 nodes ask for Port-Address 1" in said(nodes)[-1]


@relaxed
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 300), st.integers(1, 255), st.floats(0, 30)), max_size=60))
def test_the_table_holds_what_was_heard_lately_whatever_comes(replies):
    nodes = Nodes()
    now = 0.0
    for address, port, bind_index, pause in replies:
        now += pause
        nodes.polled(now - 3.0)
        nodes.heard(part(port, bind_index=bind_index), f"10.0.0.{address}", now)
        nodes.settle(now)
        assert f"10.0.0.{address}" in nodes.subscribers[port]
        assert all(each.seen >= now - FED_FOR for each in nodes.parts.values())
        assert {name for names in nodes.subscribers.values() for name in names} == {key[0] for key in nodes.parts}


def test_a_hostile_network_makes_it_no_longer(monkeypatch):
    monkeypatch.setattr(artnet_nodes, "MOST_PARTS", 20)
    nodes = Nodes()
    for number in range(500):
        nodes.heard(part(1, bind_index=number % 255 + 1), f"10.0.{number // 255}.1", 0.0)
        nodes.told(DiagData("hot"), "10.0.0.1", 0.0)
    nodes.settle(0.0)
    assert len(nodes.parts) == 20 and nodes.refused == 480 and MOST_PARTS > 1000
    assert len(nodes.messages) == artnet_nodes.MOST_MESSAGES and nodes.diagnostics == 500
