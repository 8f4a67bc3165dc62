"""Hand-over to a console and back: within a frame, never faster than the limit, and per slot where it says so."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.lighting.claims import Priority
from agent.lighting.console import Console, Consoles, Standing
from agent.lighting.rig import Rig
from drivers.base import Heard, Identity, Refresh
from tests.agent.lighting.test_pump import FIXTURES, LIGHT, Bench

RATE = 0.6
US = Standing()
REFRESH = Refresh(max_hz=40, keepalive=0.9, min_gap=0.002)


def desk(slots, held=None, limited=True):
    return Console("desk", ("Console",), 150, slots, held or b"\1" * len(slots), limited)


def frame(**slots):
    """512 slots, those of the room's key at 1, back (16 bit) at 21."""
    made = bytearray(512)
    for name, value in slots.items():
        made[{"key": 0, "cct": 1, "fill": 10, "back": 20, "other": 99}[name]] = value
    return bytes(made)


class Room(Bench):
    def __init__(self):
        super().__init__(REFRESH)
        self.run(1.0)

    def hear(self, now, console):
        self.pump.follow(1, console)
        self.due = now
        self.run(now)

    def slot(self, number):
        return [(when, sent[number]) for when, _, sent in self.wire.sent]


def test_a_console_is_followed_from_the_next_frame_on_at_the_limit_and_then_stays():
    room = Room()
    room.hear(1.01, desk(frame(key=255, cct=10)))
    room.run(6.0)
    moved = next(when for when, value in room.slot(0) if value > 128)
    assert moved <= 1.01 + 1 / 40 + 1e-9
    assert room.slot(0)[-1][1] == 255 and room.slot(1)[-1][1] == 10
    steps = [b - a for (_, a), (_, b) in pairwise(room.slot(0))]
    assert min(steps) >= 0 and max(steps) <= RATE * 255 * 0.05 + 1
    count = len(room.wire.sent)
    room.run(15.0)
    assert len(room.wire.sent) - count <= 11, "a look that stands still is only kept alive"


def test_when_it_ends_the_lights_go_back_to_where_the_scene_is_by_then_in_a_fade():
    room = Room()
    room.hear(1.0, desk(frame(key=255)))
    room.run(4.0)
    room.rig.claim("hand", Priority.MANUAL, {"key": {LIGHT: 0.2}}, now=4.0)
    room.run(8.0)
    assert room.slot(0)[-1][1] == 255, "a claim under a console moves nothing"
    room.hear(8.0, None)
    room.run(14.0)
    back = [value for when, value in room.slot(0) if when >= 8.0]
    assert back[-1] == 51 and room.wire.sent[-1][2] == room.rig.scene.frame(1, 14.0)
    assert all(0 <= a - b <= RATE * 255 * 0.05 + 1 for a, b in pairwise(back))
    assert room.pump.arrived


def test_slots_that_are_not_the_consoles_stay_ours_and_so_does_what_nobody_patched():
    room = Room()
    before = room.wire.sent[-1][2]
    held = bytes(1 if slot < 2 else 0 for slot in range(512))
    room.hear(1.0, desk(frame(key=255, fill=200, back=200, other=77), held))
    room.run(5.0)
    after = room.wire.sent[-1][2]
    assert after[0] == 255 and after[2:] == before[2:]


def test_an_unlimited_console_is_followed_as_it_sends():
    room = Room()
    room.hear(1.01, desk(frame(key=255), limited=False))
    assert room.slot(0)[-1] == (1.01, 255)
    room.hear(1.02, desk(frame(key=0), limited=False))
    assert room.slot(0)[-1] == (1.02, 0)
    room.hear(1.1, None)
    room.run(1.2)
    assert 0 < room.slot(0)[-1][1] <= RATE * 255 * 0.15 + 2, "the way back is limited all the same"


@pytest.mark.parametrize("limited", [True, False])
def test_a_stop_freezes_what_a_console_has_too_until_it_is_reset(limited):
    room = Room()
    room.hear(1.0, desk(frame(key=255), limited=limited))
    room.run(1.5)
    room.rig.stop("hand", 1.5)
    room.due = 1.5
    room.run(1.6)
    count = len(room.wire.sent)
    stopped = room.wire.sent[-1][2]
    room.hear(2.0, desk(frame(fill=255), limited=limited))
    room.run(4.0)
    room.hear(4.0, None)
    room.run(9.0)
    assert {sent for _, _, sent in room.wire.sent[count:]} == {stopped} and room.pump.arrived
    assert len(room.wire.sent) - count <= 20, "kept alive and no more"
    room.rig.reset(9.0)
    room.due = 9.0
    room.run(14.0)
    assert room.wire.sent[-1][2] == room.rig.scene.frame(1, 14.0) != stopped
    back = [value for when, value in room.slot(0) if when >= 9.0]
    assert all(0 <= a - b <= RATE * 255 * 0.05 + 1 for a, b in pairwise(back)), "in a fade"


def test_a_reload_and_an_outage_under_a_console_change_nothing_of_it():
    room = Room()
    room.hear(1.0, desk(frame(key=255)))
    room.run(4.0)
    fixtures = {name: light for name, light in FIXTURES.items() if name != "fill"}
    room.show(Rig(fixtures, rate=RATE, present={"key": {LIGHT: 0.1}}, show=room.show).scene)
    room.due = 4.0
    room.run(5.0)
    room.pump.opened(Identity("wire"), 6.0)
    room.due = 6.0
    room.run(8.0)
    assert {value for when, value in room.slot(0) if when >= 4.0} == {255}


@settings(max_examples=60, deadline=None)
@given(
    news=st.lists(
        st.tuples(st.floats(0.0, 1.5), st.none() | st.binary(min_size=0, max_size=30), st.floats(0, 1)),
        min_size=1,
        max_size=12,
    )
)
def test_whatever_a_console_does_no_light_moves_faster_than_it_may(news):
    room = Room()
    now = 1.0
    for pause, slots, level in news:
        now += pause
        room.run(now)
        room.rig.claim("hand", Priority.MANUAL, {"back": {LIGHT: level}}, now=now)
        room.hear(now, None if slots is None else desk(slots))
    room.run(now + 6.0)
    for number in (0, 10, 20):
        for (earlier, a), (later, b) in pairwise(room.slot(number)):
            # either of two frames that turn a fade round looks a beat ahead
            assert abs(a - b) <= RATE * 255 * (later - earlier + 2 / 40) + 1, (number, earlier, later)


# --- who holds what ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heard", "holds"),
    [
        (Heard(1, b"\x01\x02", 101, sources=("Desk",)), True),
        (Heard(1, b"\x01\x02", 100, sources=("Desk",)), False),
        (Heard(1, b"", 0, ended="lost"), False),
        (Heard(1, b"\x01\x02", 0, bytes((101, 0)), ("Desk",)), True),
        (Heard(1, b"\x01\x02", 200, bytes((100, 0)), ("Desk",)), False),
    ],
)
def test_only_more_than_our_own_priority_holds(heard, holds):
    told = []
    consoles = Consoles(lambda universe, found: told.append(found))
    consoles.hear("net", US, heard)
    assert bool(consoles.holding) == holds == bool(told)


def test_what_an_input_heard_before_it_began_anew_stands_until_it_is_heard_again_or_is_silent_for_long():
    told = []
    consoles = Consoles(lambda universe, found: told.append((universe, found and found.slots)))
    for universe in (1, 2):
        consoles.hear("net", US, Heard(universe, b"\x01", 110, sources=("A",)))
    consoles.doubt("net", 12.5)
    consoles.turn("net", 12.4)
    assert told == [(1, b"\x01"), (2, b"\x01")]
    consoles.hear("net", US, Heard(2, b"\x02", 110, sources=("A",)))
    consoles.turn("net", 12.5)
    assert told[2:] == [(2, b"\x02"), (1, None)]
    consoles.turn("net", 99.0)
    assert set(consoles.holding) == {2}


def test_who_holds_a_light_is_told_slot_by_slot():
    heard = Heard(1, bytes(6), 0, bytes((150, 150, 120, 0, 90, 120)), ("A", "B"), shares=(b"\1\1", b"\0\1\1\0\1\1"))
    consoles = Consoles(lambda universe, found: None)
    consoles.hear("net", US, heard)
    held = consoles.holding[1]
    assert [held.who(slot, slot) for slot in range(1, 7)] == [("A",), ("A", "B"), ("B",), (), (), ("B",)]
    assert held.who(1, 6) == ("A", "B")


def test_of_several_inputs_the_strongest_holds_and_when_it_goes_the_next_one():
    told = []
    consoles = Consoles(lambda universe, found: told.append(found and (found.input, found.priority)))
    consoles.hear("net", US, Heard(1, b"\x01", 110, sources=("A",)))
    consoles.hear("cable", US, Heard(1, b"\x02", 150, sources=("B",)))
    consoles.hear("net", US, Heard(1, b"\x03", 120, sources=("A",)))
    consoles.forget("cable")
    consoles.hear("net", US, Heard(1, b"", ended="terminated"))
    consoles.forget("net")
    assert told == [("net", 110), ("cable", 150), ("net", 120), None]


def test_several_inputs_are_merged_slot_by_slot_as_sources_within_one_are():
    consoles = Consoles(lambda universe, found: None)
    consoles.hear("net", US, Heard(1, b"\x10\x20\x30\x40", 0, bytes((150, 120, 120, 0)), ("A",)))
    consoles.hear("cable", US, Heard(1, b"\x90\x80\x11\x70\x60", 120, sources=("B",)))
    held = consoles.holding[1]
    assert (held.slots, held.held) == (b"\x10\x80\x30\x70\x60", bytes((150, 120, 120, 120, 120)))
    assert (held.sources, held.inputs, held.priority) == (("A", "B"), ("net", "cable"), 150)
    assert [held.who(slot, slot) for slot in range(1, 6)] == [("A",), ("A", "B"), ("A", "B"), ("B",), ("B",)]
    assert (held.of(("cable",)).sources, held.of(("cable",)).held[:5]) == (("B",), bytes((0, 120, 120, 120, 120)))
    assert held.of(("net", "cable")) is held and held.of(("other",)) is None
    consoles.forget("net")
    assert consoles.holding[1].slots == b"\x90\x80\x11\x70\x60"


def test_where_one_of_several_inputs_is_limited_all_are():
    consoles = Consoles(lambda universe, found: None)
    consoles.hear("net", Standing(limited=False), Heard(1, b"\1", 110, sources=("A",)))
    assert not consoles.holding[1].limited
    consoles.hear("cable", US, Heard(1, b"\0\1", 110, sources=("B",)))
    assert consoles.holding[1].limited
