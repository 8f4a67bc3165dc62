"""The merging receiver: synchronisation (E1.31 clause 11), limits, discovery (clause 12)."""

from dataclasses import replace
from uuid import UUID

import pytest

from drivers.base import Heard
from drivers.dmx import sacn_codec as codec
from drivers.dmx.sacn_codec import FORCE, TERMINATED, Data, Sync
from tests.drivers.dmx.sacn_desk import A, B, C, Desk, levels


def synced(desk: Desk, number: int, cid: UUID = A, address: int = 9) -> list[Heard]:
    return desk.take(Sync(cid, address, number))


def test_data_waits_for_the_packet_of_its_address_and_universes_change_together():
    desk = Desk()
    assert levels(*desk.say(A, b"\1", sync_universe=9)) == [b"\1"]  # 11.1.1: none has come yet
    assert synced(desk, 0) == []
    assert desk.say(A, b"\2", sync_universe=9) == []
    assert desk.say(A, b"\3", sync_universe=9) == []
    assert desk.say(A, b"\4", universe=2, sync_universe=9) == []
    assert synced(desk, 1, address=8) == []
    assert synced(desk, 0) == []  # late
    assert levels(*synced(desk, 1)) == [b"\3", b"\4"]
    assert synced(desk, 2) == []


def test_data_without_an_address_counts_at_once_and_drops_what_waits():
    desk = Desk()
    desk.say(A, b"\1", sync_universe=9)
    synced(desk, 0)
    desk.say(A, b"\2", sync_universe=9)
    assert levels(*desk.say(A, b"\3")) == [b"\3"]
    assert synced(desk, 1) == []


@pytest.mark.parametrize(("options", "free"), [(FORCE, True), (0, False)])
def test_when_synchronisation_is_lost_the_bit_says_whether_to_go_on(options, free):
    desk = Desk()
    desk.say(A, b"\1", sync_universe=9)
    synced(desk, 0)
    desk.say(A, b"\2", sync_universe=9, options=options)
    assert levels(*synced(desk, 1)) == [b"\2"]
    for _ in range(19):
        desk.now += 0.125
        assert desk.say(A, b"\3", sync_universe=9, options=options) == []
    desk.now += 0.125
    assert levels(*desk.say(A, b"\4", sync_universe=9, options=options)) == ([b"\4"] if free else [])
    desk.say(A, b"\5", sync_universe=9, options=options)
    heard = synced(desk, 200)  # back, with whatever number
    assert levels(*heard) == ([] if free else [b"\5"])
    assert desk.say(A, b"\6", sync_universe=9, options=options) == []


def test_a_source_that_never_was_synchronised_does_not_wait_for_a_dead_one():
    desk = Desk()
    desk.say(A, b"\1", sync_universe=9)
    synced(desk, 0)
    desk.now += 3
    assert levels(*desk.say(B, b"\2", sync_universe=9)) == [b"\2"]


def test_a_synchronised_source_that_ends_ends_at_once():
    desk = Desk()
    desk.say(A, b"\1", sync_universe=9)
    synced(desk, 0)
    desk.say(A, b"\2", sync_universe=9)
    assert [each.ended for each in desk.say(A, b"\2", sync_universe=9, options=TERMINATED)] == ["terminated"]
    assert synced(desk, 1) == []


def test_a_stranger_cannot_beat_the_time_of_an_address_that_has_its_source():
    desk = Desk()
    desk.say(A, b"\1", sync_universe=9)
    synced(desk, 0)
    desk.say(A, b"\2", sync_universe=9)
    assert synced(desk, 100, cid=C) == []
    desk.now += 1
    assert levels(*synced(desk, 1)) == [b"\2"]


def test_addresses_are_joined_when_they_are_first_wanted_and_only_so_many():
    joined: list[int] = []
    desk = Desk(listen_for=lambda address: not joined.append(address) and address != 13)
    desk.say(A, b"\1", sync_universe=13)
    synced(desk, 0, address=13)
    assert levels(*desk.say(A, b"\2", sync_universe=13)) == [b"\2"]  # could not be joined: shown as it comes
    for address in range(20, 60):
        desk.say(A, bytes((address,)), sync_universe=address)
    assert joined[0] == 13
    assert len(desk.receiver._pulses) <= 8


def test_a_universe_follows_the_strongest_and_the_rest_is_counted():
    desk = Desk(most_sources=2)
    desk.say(A, b"\1", priority=50)
    desk.say(B, b"\2", priority=60)
    assert desk.say(C, b"\3", priority=50) == []
    assert desk.receiver.counters.crowded == 1
    assert levels(*desk.say(C, b"\3", priority=61)) == [b"\3"]
    assert desk.receiver.counters.crowded == 2
    assert levels(*desk.say(C, b"\3", options=TERMINATED)) == [b"\2"]  # B stayed, A had to go


def test_the_bound_of_all_universes_together():
    desk = Desk(most_streams=2)
    desk.say(A, b"\1")
    desk.say(B, b"\2")
    assert desk.say(A, b"\1", universe=2) == []
    assert desk.receiver.streams == 2
    assert levels(*desk.say(C, b"\3", priority=200)) == [b"\3"]
    assert desk.receiver.streams == 2


def test_ours_and_universes_nobody_asked_for_are_ignored():
    desk = Desk(ignore=[A])
    assert desk.say(A, b"\1") == []
    assert desk.say(B, b"\1", universe=3) == []
    assert (desk.receiver.streams, desk.receiver.counters.strange) == (0, 1)


def test_who_announces_what():
    desk = Desk()
    first, second, third = codec.pages(B, "desk", range(1, 1026))
    desk.take(second)
    desk.take(first)
    desk.take(replace(first, cid=A, source_name="a\nb", universes=(3,), last_page=0))
    found = desk.receiver.directory.announced(desk.now)
    assert [(each.name, each.universes) for each in found] == [("a�b", (3,)), ("desk", tuple(range(1, 1025)))]
    desk.take(third)
    assert len(desk.receiver.directory.announced(desk.now)[1].universes) == 1025
    (short,) = codec.pages(B, "desk", [7])
    desk.take(short)
    assert [each.universes for each in desk.receiver.directory.announced(desk.now)] == [(3,), (7,)]
    assert desk.receiver.directory.announced(desk.now + 26) == []


def test_names_of_sources_are_fit_to_be_shown():
    desk = Desk()
    desk.receiver.take(Data(A, "x\x1b[2J灯", 1, b"\1", 0).encode(), desk.now)
    assert desk.news()[0].sources == ("x�[2J灯",)
    desk.receiver.take(Data(A, "renamed", 1, b"\1", 1).encode(), desk.now)
    assert desk.news()[0].sources == ("renamed",)
