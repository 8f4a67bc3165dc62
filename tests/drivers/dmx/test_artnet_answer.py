"""Answering Art-Net polls: whom, when, and how much of it at most."""

import ipaddress

from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.dmx import artnet_codec as codec
from drivers.dmx.artnet_answer import FORGET_AFTER, MOST_CALLERS, Callers, Card, Cards, is_ours, ourselves
from drivers.dmx.artnet_codec import Node, Poll
from drivers.host import Endpoint

relaxed = settings(deadline=None, max_examples=60)
HERE = Cards(
    (
        Card(ipaddress.IPv4Interface("10.0.0.2/24"), "02:00:00:00:00:01"),
        Card(ipaddress.IPv4Interface("2.0.0.9/8"), "02:00:00:00:00:02"),
    )
)


def callers(delay: float = 0.5) -> Callers:
    return Callers(HERE, lambda address, mac: [ourselves(address, mac, "test", 1)], lambda: delay)


def where(replies: list[tuple[bytes, Endpoint]]) -> list[Endpoint]:
    return [to for _, to in replies]


def test_a_reply_goes_to_whoever_asked_and_to_the_protocols_port():
    asked = callers()
    asked.polled(Poll(), ("10.0.0.7", 6454), 0.0)
    asked.polled(Poll(), ("10.0.0.8", 40000), 0.0)
    asked.polled(Poll(), ("10.0.0.2", 40001), 0.0)  # a program of this machine: 6454 is ours
    assert asked.due == 0.5 and asked.replies(0.4) == []
    assert where(asked.replies(0.5)) == [
        ("10.0.0.7", 6454), ("10.0.0.8", 6454), ("10.0.0.8", 40000), ("10.0.0.2", 40001)
    ]  # fmt: skip
    assert asked.replies(9.0) == []


def test_each_asker_is_told_the_address_that_faces_him():
    asked = callers()
    for address in ("2.3.4.5", "10.0.0.7", "172.16.0.1", "127.0.0.1"):
        asked.polled(Poll(), (address, 6454), 0.0)
    found = [codec.decode(packet) for packet, _ in asked.replies(1.0)]
    told = [(node.address, node.mac) for node in found if isinstance(node, Node)]
    assert told == [
        ("2.0.0.9", "02:00:00:00:00:02"),
        ("10.0.0.2", "02:00:00:00:00:01"),
        ("10.0.0.2", "02:00:00:00:00:01"),
        ("127.0.0.1", "00:00:00:00:00:00"),
    ]


def test_impatient_askers_are_answered_once():
    asked = callers()
    for _ in range(100):
        asked.polled(Poll(), ("10.0.0.7", 6454), 0.0)
    assert len(asked.replies(1.0)) == 1


def test_changes_are_told_to_those_who_want_them():
    asked = callers()
    asked.polled(Poll(codec.CHANGES), ("10.0.0.7", 6454), 0.0)
    asked.polled(Poll(), ("10.0.0.8", 6454), 0.0)
    asked.replies(1.0)
    asked.changed(2.0)
    assert where(asked.replies(2.0)) == [("10.0.0.7", 6454)]


def test_who_does_not_poll_any_more_gets_nothing_passed_on():
    asked = callers()
    asked.polled(Poll(), ("127.0.0.1", 40000), 0.0)
    asked.polled(Poll(), ("10.0.0.7", 40000), 0.0)
    asked.polled(Poll(), ("127.0.0.1", 6454), 0.0)
    assert asked.others_here(("10.0.0.11", 6454), 1.0) == [("127.0.0.1", 40000)]
    assert asked.others_here(("10.0.0.11", 6454), FORGET_AFTER + 1) == []


def test_we_know_ourselves():
    assert is_ours(ourselves("10.0.0.2", "", "Art-Net input", 0))
    assert not is_ours(Node("10.0.0.2", "Studio Edge Agent", oem=0x00FF, esta=0x7FF0))
    assert HERE.broadcasts() == ("10.0.0.255", "2.255.255.255")


polls = st.builds(Poll, st.integers(0, 255), st.integers(0, 255), st.integers(0, 0x7FFF), st.integers(0, 0x7FFF))
sources = st.tuples(st.ip_addresses(v=4).map(str), st.integers(1, 65535))


@relaxed
@given(st.lists(st.tuples(polls, sources, st.floats(0, 2), st.booleans()), max_size=80))
def test_whoever_polls_it_stays_small_and_answers_only_those(asking):
    asked = callers()
    now, seen = 0.0, set()
    for poll, source, pause, changed in asking:
        now += pause
        seen.add(source[0])
        asked.polled(poll, source, now)
        if changed:
            asked.changed(now)
        asked.answer(source, now, "refused")
        assert {to[0] for to in where(asked.replies(now))} <= seen
        assert len(asked._callers) <= MOST_CALLERS and len(asked._owed) <= 2 * MOST_CALLERS
        assert len(asked.others_here(("10.0.0.11", 6454), now)) <= MOST_CALLERS
