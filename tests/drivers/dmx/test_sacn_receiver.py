"""The merging receiver against the clauses of E1.31 it keeps: sources, priorities, sampling."""

from uuid import UUID

import pytest

from drivers.base import Heard
from drivers.dmx.sacn_codec import PREVIEW, PRIORITIES, TERMINATED
from tests.drivers.dmx.sacn_desk import A, B, C, Desk, levels


def test_what_one_source_sends_is_told_once_for_each_change():
    desk = Desk()
    assert desk.say(A, b"\1\2") == [Heard(1, b"\1\2", 100, sources=("A",))]
    assert desk.say(A, b"\1\2") == []
    assert desk.say(A, b"\1\3", priority=120) == [Heard(1, b"\1\3", 120, sources=("A",))]
    assert desk.say(A, b"\7", universe=2) == [Heard(2, b"\7", 100, sources=("A",))]


def test_the_highest_priority_wins_whoever_came_first():
    desk = Desk()
    desk.say(A, b"\xff\xff", priority=100)
    assert desk.say(B, b"\1\1", priority=101) == [Heard(1, b"\1\1", 101, sources=("B",))]
    assert desk.say(A, b"\xee\xee", priority=100) == []
    assert desk.say(A, b"\xee\xee", priority=200) == [Heard(1, b"\xee\xee", 200, sources=("A",))]


def test_among_equals_the_highest_level_of_each_slot():
    desk = Desk()
    desk.say(B, b"\1\5\1")
    assert desk.say(A, b"\2\4") == [Heard(1, b"\2\5\1", 100, sources=("A", "B"))]


def test_a_source_that_says_so_is_gone_at_once_and_the_next_one_takes_over():
    desk = Desk()
    desk.say(A, b"\1", priority=50)
    desk.say(B, b"\2")
    assert levels(*desk.say(B, b"\xff", options=TERMINATED)) == [b"\1"]
    assert desk.say(B, b"\xff", options=TERMINATED) == []
    assert desk.say(B, b"\xff", options=TERMINATED) == []
    assert desk.say(A, b"\xff", options=TERMINATED) == [Heard(1, b"", ended="terminated")]
    assert desk.receiver.streams == 0
    assert levels(*desk.say(A, b"\3")) == [b"\3"]


def test_what_was_sent_before_its_end_and_comes_after_it_does_not_bring_a_source_back():
    desk = Desk()
    desk.say(A, b"\1", sequence=99)
    for number in (100, 101, 102):
        desk.say(A, b"\1", sequence=number, options=TERMINATED)
    for number in (99, 102, 101, 83):
        assert desk.say(A, b"\xff", sequence=number) == []
    assert desk.receiver.streams == 0 and desk.receiver.counters.late == 4
    desk.now += 2.49
    assert desk.say(A, b"\xff", sequence=99) == []
    assert levels(*desk.say(B, b"\2", sequence=99)) == [b"\2"], "another source has numbers of its own"
    desk.now += 0.01
    assert desk.say(A, b"\5", sequence=99, priority=120) == [Heard(1, b"\5", 120, sources=("A",))]


@pytest.mark.parametrize("first", [0, 82, 103])
def test_a_source_that_begins_again_after_its_end_gets_in_at_once(first):
    desk = Desk()
    desk.say(A, b"\1", sequence=99)
    for number in (100, 101, 102):
        desk.say(A, b"\1", sequence=number, options=TERMINATED)
    assert levels(*desk.say(A, b"\3", sequence=first)) == [b"\3"]


def test_ends_are_remembered_of_no_more_sources_than_there_may_be():
    desk = Desk(most_sources=3)
    for number in range(50):
        who = UUID(int=number + 1)
        desk.say(who, b"\1", sequence=7)
        desk.say(who, b"\1", sequence=8, options=TERMINATED)
    (parted,) = [len(each.parted) for each in desk.receiver._universes.values() if each.parted]
    assert parted == 3
    assert desk.say(UUID(int=50), b"\xff", sequence=8) == [], "the latest are remembered"


def test_a_source_is_lost_after_two_and_a_half_seconds_and_not_before():
    desk = Desk()
    desk.say(A, b"\1")
    assert desk.receiver.due() == desk.now + 2.5
    assert desk.after(2.49) == []
    assert desk.after(0.01) == [Heard(1, b"", ended="lost")]
    assert desk.after(100) == []
    assert levels(*desk.say(A, b"\1", sequence=0)) == [b"\1"]


def test_a_source_that_only_keeps_alive_is_not_lost():
    desk = Desk()
    desk.say(A, b"\1")
    assert desk.alive(10, A) == []


def test_a_weaker_source_takes_over_when_the_stronger_is_lost():
    desk = Desk()
    desk.say(A, b"\1", priority=50)
    desk.say(B, b"\2")
    for _ in range(19):
        desk.now += 0.125
        assert desk.say(A, b"\1", priority=50) == []
    assert levels(*desk.after(0.125)) == [b"\1"]


def test_a_pulled_cable_does_not_hand_over_for_an_instant():
    """Both fall silent at once; B's 2.5 s end first, and A was last heard later only by its keep-alive."""
    desk = Desk()
    desk.say(B, b"\0", priority=100)
    desk.now += 0.9
    desk.say(A, b"\xff", priority=50)
    told = [heard for _ in range(50) for heard in desk.after(0.1)]
    assert told == [Heard(1, b"", ended="lost")]


def test_a_late_loss_is_settled_by_the_first_packet_of_the_other():
    desk = Desk()
    desk.say(B, b"\0", priority=100)
    desk.now += 0.9
    desk.say(A, b"\xff", priority=50)
    assert desk.after(1.7) == []
    assert levels(*desk.say(A, b"\xff", priority=50)) == [b"\xff"]


@pytest.mark.parametrize("behind", [0, 1, 19])
def test_late_packets_are_dropped(behind):
    desk = Desk()
    desk.say(A, b"\1", sequence=5)
    assert desk.say(A, b"\2", sequence=(5 - behind) % 256) == []
    assert desk.receiver.counters.late == 1
    assert levels(*desk.say(A, b"\3", sequence=6)) == [b"\3"]


@pytest.mark.parametrize("number", [6, 100, (5 - 20) % 256, (5 + 128) % 256])
def test_other_numbers_are_a_source_that_lost_some_or_began_anew(number):
    desk = Desk()
    desk.say(A, b"\1", sequence=5)
    assert levels(*desk.say(A, b"\2", sequence=number)) == [b"\2"]


def test_numbers_are_each_universes_and_sources_own():
    desk = Desk()
    desk.say(A, b"\1", sequence=50)
    assert levels(*desk.say(A, b"\2", universe=2, sequence=40)) == [b"\2"]
    assert levels(*desk.say(B, b"\2", sequence=40)) == [b"\2"]


def test_preview_and_other_start_codes_are_never_levels():
    desk = Desk()
    for start_code in (0x17, 0x55, 0xCC, 0xCF):
        assert desk.say(A, b"\xff", start_code=start_code) == []
    assert desk.say(A, b"\xff", options=PREVIEW) == []
    assert desk.receiver.streams == 0
    desk.say(A, b"\1")
    for start_code in (0x17, 0x55, 0xCC, 0xCF):
        assert desk.say(A, b"\xff", start_code=start_code) == []
    assert desk.say(A, b"\xff", options=PREVIEW) == []
    assert desk.say(A, b"\xff", options=PREVIEW, start_code=PRIORITIES) == []
    assert levels(*desk.say(A, b"\2")) == [b"\2"]


def test_a_source_that_goes_over_to_preview_is_lost():
    desk = Desk()
    desk.say(A, b"\1")
    told = []
    for _ in range(26):
        desk.now += 0.1
        told += desk.say(A, b"\1", options=PREVIEW)
    assert told == [Heard(1, b"", ended="lost")]


# --- priorities by slot ---


def test_each_slot_goes_to_who_has_the_highest_priority_for_it():
    desk = Desk()
    desk.say(A, b"\x0a\x0a\x0a\x0a", priority=100)
    desk.say(B, b"\x14\x14\x14\x14", priority=100)
    heard = desk.say(B, bytes((150, 100, 0)), start_code=PRIORITIES)
    shares = (b"\1\1\0\0", b"\0\1\1\1")
    assert heard == [Heard(1, b"\x14\x14\x0a\x0a", 100, bytes((150, 100, 100, 100)), ("B", "A"), shares=shares)]
    heard = desk.say(B, bytes((1, 1, 1, 1)), start_code=PRIORITIES)
    assert levels(*heard) == [b"\x0a\x0a\x0a\x0a"]
    assert heard[0].sources == ("A",)


def test_a_source_alone_may_leave_slots_to_others():
    desk = Desk()
    desk.say(A, b"\5\5\5")
    (heard,) = desk.say(A, bytes((0, 255, 7)), start_code=PRIORITIES)
    assert (heard.slots, heard.priorities) == (b"\0\5\5", bytes((0, 200, 7)))
    (heard,) = desk.say(A, bytes(3), start_code=PRIORITIES)
    assert (heard.slots, heard.priorities, heard.sources, heard.ended) == (bytes(3), bytes(3), (), "")


def test_a_priority_of_0_for_the_packet_is_the_lowest_and_not_none():
    desk = Desk()
    desk.say(A, b"\x09\x09", priority=0)
    desk.say(B, b"\1\1")
    (heard,) = desk.say(B, bytes((1, 0)), start_code=PRIORITIES)
    assert (heard.slots, heard.priorities) == (b"\x09\x09", bytes((1, 1)))  # equal there: HTP


def test_without_priorities_by_slot_for_2_5_s_the_packets_priority_holds_again():
    desk = Desk()
    desk.say(A, b"\5\5")
    desk.say(A, bytes((150, 0)), start_code=PRIORITIES)
    told = desk.alive(2.4, A, slots=b"\5\5")
    assert told == []
    assert desk.alive(0.2, A, slots=b"\5\5") == [Heard(1, b"\5\5", 100, sources=("A",))]


def test_without_levels_for_2_5_s_a_source_is_gone_though_it_says_priorities():
    desk = Desk()
    desk.say(A, b"\5")
    told = []
    for _ in range(30):
        desk.now += 0.1
        told += desk.say(A, b"\x64", start_code=PRIORITIES)
    assert [each.ended for each in told] == ["", "lost"]


def test_a_new_source_may_say_its_priorities_before_its_levels_count():
    desk = Desk(patience=0.02)
    desk.say(A, b"\1\1")
    assert desk.after(0.0) == []
    assert desk.receiver.due() == desk.now + 0.02
    assert levels(*desk.after(0.02)) == [b"\1\1"]
    assert desk.say(B, b"\xff\xff", priority=150) == []
    (heard,) = desk.say(B, bytes((150, 0)), start_code=PRIORITIES)
    assert heard.slots == b"\xff\1"  # never ff ff


# --- sampling ---


def test_nothing_is_told_before_all_who_send_could_be_heard():
    desk = Desk(sampling=1.5)
    assert desk.say(A, b"\xff") == []
    assert desk.receiver.due() == desk.now + 1.5
    desk.now += 1.0
    assert desk.say(B, b"\1", priority=150) == []
    assert desk.after(0.49) == []
    assert desk.after(0.01) == [Heard(1, b"\1", 150, sources=("B",))]
    assert levels(*desk.say(C, b"\7", priority=200)) == [b"\7"]  # later ones are not delayed


def test_who_came_and_went_meanwhile_was_never_there():
    desk = Desk(sampling=1.5)
    desk.say(A, b"\xff")
    desk.say(A, b"\xff", options=TERMINATED)
    assert desk.after(1.5) == []
    assert desk.after(5) == []
