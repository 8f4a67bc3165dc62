"""What a lost console leaves behind where an input holds it: which slots, for how long, and how lights leave it."""

from dataclasses import replace
from itertools import pairwise

import pytest

from agent.lighting.claims import Priority
from agent.lighting.console import Consoles, Standing
from drivers.base import Heard
from tests.agent.lighting.test_console import RATE, Room, frame
from tests.agent.lighting.test_pump import LIGHT

HOLD = Standing(keeps=True)
TWO = Heard(1, b"\x10\x20\x30", 110, sources=("A",))
GONE = Heard(1, b"", ended="lost")


def mask(*slots):
    return bytes(1 if slot in slots else 0 for slot in range(512))


def keeping(**more):
    consoles = Consoles(lambda universe, found: None)
    consoles.hear("net", Standing(**{"keeps": True, **more}), TWO, 5.0)
    return consoles


def kept(consoles):
    """Slots that are kept, and their levels."""
    found = consoles.holding.get(1)
    if found is None:
        return {}
    return {slot: found.slots[slot] for each in found.kept for slot, its in enumerate(each.mask) if its}


@pytest.mark.parametrize("how", ["lost", "terminated"])
def test_the_last_look_of_a_lost_console_stays_and_says_of_whom_and_since_when(how):
    consoles = keeping()
    consoles.hear("net", HOLD, Heard(1, b"", ended=how), 9.0)
    held = consoles.holding[1]
    assert kept(consoles) == {0: 0x10, 1: 0x20, 2: 0x30}
    assert (held.sources, held.who(1, 3)) == ((), ())
    assert [(each.sources, each.since) for each in held.left(3, 3)] == [(("A",), 9.0)]
    assert held.left(4, 512) == ()


def test_without_being_asked_nothing_is_kept():
    consoles = keeping(keeps=False)
    consoles.hear("net", Standing(), GONE, 9.0)
    assert not consoles.holding


def test_an_input_that_is_lost_for_too_long_leaves_the_look_of_its_console_behind():
    consoles = keeping()
    consoles.doubt("net", 8.0)
    consoles.turn("net", 8.0)
    assert kept(consoles) == {0: 0x10, 1: 0x20, 2: 0x30} and consoles.holding[1].kept[0].since == 8.0


def test_a_console_that_is_there_and_holds_less_has_given_it_back():
    consoles = keeping()
    consoles.hear("net", HOLD, replace(TWO, priority=100), 6.0)
    assert not consoles.holding
    consoles.hear("net", HOLD, TWO, 7.0)
    consoles.hear("net", HOLD, replace(TWO, priorities=bytes((110, 0, 110))), 8.0)
    assert kept(consoles) == {} and consoles.holding[1].held[1] == 0


def test_of_two_sources_only_what_the_lost_one_alone_had_is_kept():
    consoles = keeping()
    both = Heard(1, b"\x10\x20\x30", 110, bytes((110,) * 3), ("A", "B"), shares=(b"\1\1\0", b"\0\1\1"))
    consoles.hear("net", HOLD, both, 6.0)
    consoles.hear("net", HOLD, Heard(1, b"\0\x21\x31", 110, bytes((0, 110, 110)), ("B",)), 7.0)
    assert kept(consoles) == {0: 0x10}
    assert consoles.holding[1].slots[:3] == b"\x10\x21\x31" and consoles.holding[1].who(1, 3) == ("B",)


def test_what_a_person_moves_is_kept_no_more_and_the_rest_is():
    consoles = keeping()
    consoles.hear("net", HOLD, GONE, 9.0)
    consoles.free({1: mask(0, 7), 2: mask(1)})
    assert kept(consoles) == {1: 0x20, 2: 0x30}
    consoles.free({1: mask(1, 2)})
    assert not consoles.holding


def test_whoever_comes_back_or_is_there_with_priority_takes_it_and_nobody_else_does():
    consoles = keeping()
    consoles.hear("net", HOLD, GONE, 9.0)
    consoles.hear("cable", HOLD, Heard(1, b"\xff\xff", 100, sources=("B",)), 10.0)
    assert kept(consoles) == {0: 0x10, 1: 0x20, 2: 0x30}, "one with no more priority than ours"
    consoles.hear("cable", HOLD, Heard(1, b"\xff\xff", 101, sources=("B",)), 11.0)
    assert kept(consoles) == {2: 0x30} and consoles.holding[1].slots[:3] == b"\xff\xff\x30"
    consoles.hear("net", HOLD, TWO, 12.0)
    assert kept(consoles) == {}


def test_an_input_that_is_taken_out_or_is_to_hold_nothing_any_more_lets_go():
    for end in (lambda c: c.forget("net"), lambda c: c.stand("net", Standing())):
        consoles = keeping()
        consoles.hear("net", HOLD, GONE, 9.0)
        end(consoles)
        assert not consoles.holding


def test_another_process_goes_on_with_what_is_kept():
    consoles = keeping()
    consoles.hear("net", HOLD, GONE, 9.0)
    consoles.hear("cable", HOLD, Heard(1, bytes(3) + b"\x44", 0, bytes((0, 0, 0, 150)), ("B",)), 10.0)
    there = Consoles(lambda universe, found: None)
    for name in ("net", "cable"):
        there.stand(name, HOLD)
        there.believe(name, {1: consoles.holding[1].of((name,))})
    assert there.holding[1].kept == consoles.holding[1].kept
    assert there.holding[1].who(1, 512) == ("B",) and there.holding[1].slots[:4] == b"\x10\x20\x30\x44"


def test_however_many_consoles_come_and_go_no_more_is_kept_than_there_are_slots():
    consoles = keeping()
    for number in range(1500):
        slot = number % 512
        held = bytes(150 if each == slot else 0 for each in range(512))
        consoles.hear("net", HOLD, Heard(1, b"\x42" * 512, 0, held, (f"source {number}",)), 10.0 + number)
        consoles.hear("net", HOLD, GONE, 10.5 + number)
    assert len(consoles.holding[1].kept) == 512
    assert consoles.holding[1].left(1, 1)[0].sources == ("source 1024",)


def test_the_lights_stay_where_they_are_until_a_person_moves_one_and_that_one_goes_in_a_fade():
    room = Room()
    consoles = Consoles(room.pump.follow)
    slots = frame(key=255, fill=200)
    consoles.hear("net", HOLD, Heard(1, slots, 150, sources=("A",)), 1.0)
    room.due = 1.0
    room.run(5.0)
    before = room.wire.sent[-1][2]
    consoles.hear("net", HOLD, GONE, 5.0)
    room.due = 5.0
    room.rig.claim("loop", Priority.LOOP, {"key": {LIGHT: 0.9}, "fill": {LIGHT: 0.9}}, now=5.0)
    room.run(10.0)
    assert {sent for when, _, sent in room.wire.sent if when >= 5.0} == {before}, "nothing automatic moves it"
    room.rig.claim("hand", Priority.MANUAL, {"key": {LIGHT: 0.2}}, now=10.0)
    consoles.free({1: mask(0, 1)})
    room.due = 10.0
    room.run(16.0)
    assert room.slot(0)[-1][1] == 51 and room.slot(10)[-1][1] == 200
    back = [value for when, value in room.slot(0) if when >= 10.0]
    assert all(0 <= a - b <= RATE * 255 * 0.05 + 1 for a, b in pairwise(back))
