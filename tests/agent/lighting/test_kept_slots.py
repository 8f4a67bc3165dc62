"""Slots that a profile fixes (strobe, effects, mode) stay as they are on air, whatever leads to another patch."""

import itertools

import numpy as np
import pytest

from agent.lighting.part import Part
from agent.lighting.pump import Pump
from agent.lighting.rig import Rig
from agent.lighting.score import Score
from config.units import Attribute
from drivers.base import Identity, Refresh
from tests.flashing import patched

LIGHT = Attribute.INTENSITY
CROSSFADE, STROBE = 13, 12
"""Slots of universe 2 (0-based) that both modes of the light fix: at 0 and 255, and both at 127."""
WHITE, COLOUR, GONE = patched(odd=0), patched(odd=1), patched(few=True)


class Wire:
    """Universe 2 by hand; ``sent`` is every frame."""

    refresh = Refresh(max_hz=44.0, keepalive=0.9)

    def __init__(self, lights=WHITE, on_air=True):
        self.now, self.due, self.sent = 0.0, 0.0, []
        self.rig = self.made(lights, on_air)
        self.score = Score(self.rig.scene, (2,))
        self.begin({})

    def made(self, lights, on_air):
        present = {name: {LIGHT: 0.5} for name in lights}
        rig = Rig(lights, rate=0.35, present=present, show=lambda scene: None)
        rig.limit(0.35, self.now, on_air)
        return rig

    def begin(self, before):
        self.part = self.score.whole()
        self.pump = Pump(self, self.part, before)
        self.pump.opened(Identity("wire"), self.now)
        self.run(0.2)

    def go_over(self, lights, on_air=True):
        self.rig = self.made(lights, on_air)
        self.show()

    def show(self):
        news = self.score.follow(self.rig.scene)
        if news is not None:
            self.part = news if isinstance(news, Part) else self.part.changed(news, self.now)
            self.pump.play(self.part)
        self.due = self.now

    def air(self, on_air):
        self.rig.limit(0.35, self.now, on_air)
        self.show()

    def send(self, universe, frame):
        self.sent.append(np.frombuffer(frame, np.uint8))

    def run(self, seconds):
        until = self.now + seconds
        while self.due <= until:
            self.now = max(self.now, self.due)
            self.due = self.pump.turn(self.now)
        self.now = until
        return self.sent[-1]


@pytest.mark.parametrize(("before", "after", "kept", "then"), [(WHITE, COLOUR, 0, 255), (COLOUR, WHITE, 255, 0)])
def test_a_mode_changes_only_off_air(before, after, kept, then):
    wire = Wire(before)
    wire.go_over(after)
    assert wire.run(20.0)[CROSSFADE] == kept
    assert wire.pump.arrived, "it waits, and does not hurry"
    wire.air(False)
    assert wire.run(20.0)[CROSSFADE] == then
    assert wire.sent[-1].tobytes() == wire.rig.scene.frame(2, wire.now)


def test_a_slot_that_was_fixed_does_not_become_a_fading_one_on_air():
    wire = Wire(WHITE)
    wire.go_over(COLOUR)
    wire.rig.apply_look({"odd": {Attribute.RED: 1.0}}, now=wire.now, fade=0.0)
    wire.show()
    assert not wire.run(20.0)[14:17].any()
    wire.air(False)
    came = len(wire.sent)
    assert wire.run(20.0)[14] == 255
    red = [int(frame[14]) for frame in wire.sent[came:]]
    assert max(b - a for a, b in itertools.pairwise(red)) <= 3, "and off air it is led"


def test_a_light_that_is_taken_out_leaves_its_fixed_slots_until_it_is_off_air():
    wire = Wire(COLOUR)
    wire.go_over(GONE)
    last = wire.run(20.0)
    assert last[10] == 0 and (last[STROBE], last[CROSSFADE]) == (127, 255)
    wire.air(False)
    assert not wire.run(2.0).any()


def test_another_output_and_another_engine_keep_them_too():
    wire = Wire(COLOUR)
    wire.go_over(GONE)
    wire.run(0.5)
    wire.begin({2: wire.pump.wire(2)})
    assert wire.run(20.0)[CROSSFADE] == 255, "an engine that took over"
    wire.score = Score(wire.rig.scene, (2,), wire.score.fixed())
    wire.begin({2: wire.pump.wire(2)})
    assert wire.run(20.0)[CROSSFADE] == 255, "another output"
    wire.air(False)
    assert not wire.run(2.0).any()


def test_off_and_on_air_between_two_frames_moves_none():
    wire = Wire(WHITE)
    wire.go_over(COLOUR)
    wire.rig.apply_look({"odd": {LIGHT: 1.0}}, now=wire.now, fade=0.0)
    wire.show()
    wire.run(0.1)
    wire.now = wire.due
    wire.pump.turn(wire.now)
    came = len(wire.sent)
    for on_air in (False, True):
        wire.now += 0.001
        wire.air(on_air)
        wire.pump.turn(wire.now)
    assert len(wire.sent) == came
    wire.run(5.0)
    assert not any(frame[CROSSFADE] for frame in wire.sent[came:])


def test_a_light_in_a_new_place_has_its_fixed_slots_at_once():
    wire = Wire(GONE)
    wire.go_over(COLOUR)
    assert wire.run(0.1)[CROSSFADE] == 255
