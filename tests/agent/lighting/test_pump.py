"""The beat: at once on change, never too fast, kept alive, no drift. Driven by hand: no thread, no waiting."""

from dataclasses import replace
from itertools import pairwise

import pytest

from agent.lighting.claims import Priority
from agent.lighting.part import Part
from agent.lighting.pump import Pump
from agent.lighting.rig import Rig
from agent.lighting.score import Score
from config.units import Attribute
from drivers.base import Identity, Refresh
from drivers.errors import LinkLost
from tests.agent.lighting.rooms import fixtures

LIGHT = Attribute.INTENSITY
FIXTURES = fixtures()


class Wire:
    """Takes frames and the time they were sent."""

    def __init__(self, refresh):
        self.refresh = refresh
        self.sent = []
        self.now = 0.0

    def send(self, universe, frame):
        self.sent.append((self.now, universe, frame))

    def times(self):
        return [when for when, _, _ in self.sent]


class Together(Wire):
    """One whose universes change together, a pause after the last frame."""

    PAUSE = 0.002

    def __init__(self, refresh):
        super().__init__(refresh)
        self.shown = []

    def flush(self):
        return self.now + self.PAUSE

    def show(self):
        self.shown.append(self.now)


class Bench:
    def __init__(self, refresh=None, universes=(1,), wire=Wire):
        self.wire = wire(refresh or Refresh(max_hz=40, keepalive=0.9))
        self.rig = Rig(FIXTURES, rate=0.6, present={"key": {LIGHT: 0.5}}, show=self.show)
        self.score = Score(self.rig.scene, universes)
        self.part = self.score.whole()
        self.pump = Pump(self.wire, self.part)
        self.pump.opened(Identity("wire"), 0.0)
        self.due = 0.0

    def show(self, scene):
        news = self.score.follow(scene)
        if news is not None:
            self.part = news if isinstance(news, Part) else self.part.changed(news, self.wire.now)
            self.pump.play(self.part)

    def run(self, until, late=0.0):
        """Turns when due (``late`` seconds after), as a lane would."""
        while self.due + late <= until:
            self.turn(self.due + late)

    def turn(self, now):
        self.wire.now = now
        self.due = self.pump.turn(now)


def test_the_first_frame_goes_out_at_once_and_is_the_present_look():
    bench = Bench()
    bench.run(0.0)
    assert bench.wire.sent == [(0.0, 1, bench.rig.scene.frame(1, 0.0))]


def test_an_unchanged_frame_is_kept_alive_and_no_more():
    bench = Bench()
    bench.run(9.5)
    assert bench.wire.times() == pytest.approx([0.9 * i for i in range(11)])


def test_a_change_goes_out_in_the_turn_it_is_seen():
    bench = Bench()
    bench.run(0.5)
    bench.rig.claim("hand", Priority.MANUAL, {"key": {LIGHT: 0.6}}, now=0.5123)
    bench.turn(0.5623)
    assert bench.wire.times()[-1] == 0.5623
    assert bench.wire.sent[-1][2] != bench.wire.sent[-2][2]


def test_even_a_slow_fade_shows_in_the_turn_its_scene_arrives():
    bench = Bench()
    bench.run(0.5)
    bench.rig.claim("hand", Priority.MANUAL, {"back": {LIGHT: 1.0}}, now=0.6, fade=20.0)
    bench.turn(0.6)
    assert bench.wire.times()[-1] == 0.6


def test_many_changes_never_go_faster_than_the_protocol_allows_and_the_last_one_arrives():
    bench = Bench()
    for i in range(400):
        now = i / 400
        bench.rig.claim("hand", Priority.MANUAL, {"back": {LIGHT: i / 1000}}, now=now)
        bench.turn(now)
    bench.run(3.0)
    gaps = [b - a for a, b in zip(bench.wire.times(), bench.wire.times()[1:], strict=False)]
    assert min(gaps) >= 1 / 40 - 0.006
    assert len([t for t in bench.wire.times() if t < 1.0]) <= 41
    assert bench.wire.sent[-1][2] == bench.rig.scene.frame(1, 1e9)


def test_where_the_output_can_take_it_a_change_goes_between_two_beats_of_a_fade():
    bench = Bench(Refresh(max_hz=40, keepalive=0.9, min_gap=0.005))
    bench.run(0.0)
    bench.rig.claim("hand", Priority.MANUAL, {"back": {LIGHT: 1.0}}, now=0.01, fade=10.0)
    bench.turn(0.01)
    bench.run(1.0)
    beat = bench.wire.times()[-1]
    bench.rig.claim("hand", Priority.MANUAL, {"key": {LIGHT: 0.1}}, now=beat + 0.002)
    bench.turn(beat + 0.002)
    assert bench.wire.times()[-1] == beat, "sooner than the output can take"
    assert bench.due == pytest.approx(beat + 0.005), "and then at once"
    bench.turn(bench.due)
    assert bench.wire.times()[-1] == beat + 0.005
    bench.turn(beat + 0.015)
    assert bench.wire.times()[-1] == beat + 0.005, "what goes on, goes on the beat"


@pytest.mark.parametrize("late", [0.0, 0.002])
def test_a_fade_keeps_its_beat_without_drift_and_ends_on_its_target(late):
    bench = Bench()
    bench.run(0.0)
    bench.rig.claim("hand", Priority.MANUAL, {"back": {LIGHT: 1.0}}, now=0.01, fade=10.0)
    bench.turn(0.026)
    bench.run(10.2, late)
    fading = [t for t in bench.wire.times() if 0.02 < t <= 10.02]
    assert len(fading) == pytest.approx(400, abs=2)
    assert bench.wire.sent[-1][2] == bench.rig.scene.frame(1, 1e9)
    assert bench.pump.figures(10.2).late_p99_ms == pytest.approx(late * 1e3, abs=0.01)


def test_a_changed_frame_is_repeated_as_often_as_the_protocol_wants():
    bench = Bench(Refresh(max_hz=40, keepalive=0.9, repeats=3))
    bench.run(5.0)
    assert bench.wire.times()[:4] == pytest.approx([0.0, 0.025, 0.05, 0.95])


def test_a_device_that_comes_back_gets_a_frame_at_once_and_is_led_to_where_the_lights_are_now():
    bench = Bench()
    bench.run(0.1)
    bench.rig.claim("hand", Priority.MANUAL, {"back": {LIGHT: 1.0}}, now=1.0)
    before = len(bench.wire.sent)
    bench.pump.opened(Identity("wire"), 20.0)
    bench.due = 20.0
    bench.run(23.0)
    back = [int.from_bytes(frame[20:22]) / 65535 for when, _, frame in bench.wire.sent[before:]]
    assert bench.wire.times()[before] == 20.0
    assert back[0] == 0.0
    assert back[-1] == 1.0
    steps = [b - a for a, b in pairwise(back)]
    assert max(steps) <= 0.6 / 40 + 0.001
    assert back.index(1.0) == pytest.approx(40 / 0.6, abs=2), "no slower than it may"


@pytest.mark.parametrize("fade", [0.0, 8.0])
def test_after_a_standstill_a_fade_goes_on_from_the_last_frame_and_arrives_as_soon_as_it_may(fade):
    bench = Bench()
    bench.run(0.0)
    bench.rig.claim("hand", Priority.MANUAL, {"back": {LIGHT: 1.0}}, now=0.01, fade=fade)
    bench.turn(0.026)
    bench.run(0.5)
    bench.turn(1.5)
    bench.run(10.0)
    back = [(when, int.from_bytes(frame[20:22]) / 65535) for when, _, frame in bench.wire.sent if when > 0.45]
    assert max(b - a for (_, a), (_, b) in pairwise(back)) <= 0.6 / 40 + 0.001
    gap = next(n for n, (when, _) in enumerate(back) if when == 1.5)
    assert back[gap][1] > back[gap - 1][1], "it goes on with the first frame"
    arrived = next(when for when, level in back if level == 1.0)
    assert arrived == pytest.approx(8.01 if fade else 0.01 + 1 / 0.6 + 1.0, abs=0.06), "late only where it must be"


def test_what_was_commanded_while_all_stood_still_is_no_throw_either():
    bench = Bench()
    bench.run(0.1)
    bench.rig.claim("hand", Priority.MANUAL, {"back": {LIGHT: 1.0}}, now=0.2)
    bench.rig.claim("hand", Priority.MANUAL, {"back": {LIGHT: 0.0}}, now=0.8)
    before = len(bench.wire.sent)
    bench.turn(0.85)
    bench.run(2.0)
    back = [0.0, *(int.from_bytes(frame[20:22]) / 65535 for _, _, frame in bench.wire.sent[before:])]
    assert max(abs(b - a) for a, b in pairwise(back)) <= 2 * 0.6 / 40 + 0.001, "a look ahead where it meets the scene"
    assert max(back) > 0.1
    assert back[-1] == 0.0


def test_a_device_lost_again_before_its_first_frame_is_still_led_from_the_last_one_it_took():
    bench = Bench()
    bench.run(0.1)
    bench.rig.claim("hand", Priority.MANUAL, {"back": {LIGHT: 1.0}}, now=1.0)
    send, bench.wire.send = bench.wire.send, lost
    bench.pump.opened(Identity("wire"), 20.0)
    with pytest.raises(LinkLost):
        bench.turn(20.0)
    bench.wire.send = send
    bench.pump.opened(Identity("wire"), 40.0)
    bench.turn(40.0)
    assert not bench.wire.sent[-1][2][20]
    assert bench.pump.figures(40.0).late_p99_ms < 1.0, "an outage is no lateness"


def lost(universe, frame):
    raise LinkLost("unplugged again")


def test_every_universe_of_an_output_is_sent():
    bench = Bench(universes=(1, 2))
    bench.run(0.0)
    assert [universe for _, universe, _ in bench.wire.sent] == [1, 2]


@pytest.mark.parametrize("change", ["gone", "renamed", "moved", "swapped"])
def test_another_patch_is_gone_over_to_without_a_jump(change):
    bench = Bench()
    bench.run(1.0)
    before = bench.wire.sent[-1][2]
    assert before[0] == 128
    light = FIXTURES["key"]
    patch = {name: fixture for name, fixture in FIXTURES.items() if name != "key"}
    present = {}
    if change == "renamed":
        patch["other"] = replace(light, name="other")
    elif change == "moved":
        patch["key"], present = replace(light, address=101), {"key": {LIGHT: 0.5}}
    elif change == "swapped":
        patch["key"], present = replace(light, address=11), {"key": {LIGHT: 0.5}}
        patch["fill"] = replace(FIXTURES["fill"], address=1)
    rig = Rig(patch, rate=0.6, present=present, show=bench.show)
    bench.show(rig.scene)
    bench.due = 1.0
    bench.run(30.0)
    frames = [before, *(frame for when, _, frame in bench.wire.sent if when >= 1.0)]
    colour = {slot for f in patch.values() for slot in (f.address,) if f.footprint == 2 and f.name != "back"}
    steps = [abs(a[slot] - b[slot]) for a, b in pairwise(frames) for slot in range(512) if slot not in colour]
    assert 0 < max(steps) <= 0.6 * 255 / 40 + 1
    assert frames[-1] == rig.scene.frame(1, 30.0), "it has arrived, and nothing is left of what is gone"


def faded(wire):
    """A fade and a look that stands still: the bench afterwards."""
    bench = Bench(Refresh(max_hz=40, keepalive=0.9, repeats=3), (1, 2), wire)
    bench.run(0.02)
    bench.rig.claim("hand", Priority.MANUAL, {"back": {LIGHT: 1.0}}, now=0.022, fade=1.0)
    bench.turn(0.026)
    bench.run(5.0)
    return bench


def test_what_is_shown_together_is_shown_a_pause_after_its_frames_which_keep_their_times():
    bench, plain = faded(Together), faded(Wire)
    assert bench.wire.sent == plain.wire.sent
    assert bench.wire.shown == pytest.approx([at + Together.PAUSE for at in sorted(set(bench.wire.times()))])
    assert bench.pump.figures(5.0) == plain.pump.figures(5.0)


def test_a_change_seen_in_the_turn_that_shows_goes_out_in_it():
    bench = Bench(Refresh(max_hz=40, keepalive=0.9, min_gap=0.005), wire=Together)
    bench.run(0.5)
    bench.rig.claim("hand", Priority.MANUAL, {"back": {LIGHT: 1.0}}, now=0.52, fade=10.0)
    bench.turn(0.525)
    bench.rig.claim("hand", Priority.MANUAL, {"key": {LIGHT: 0.1}}, now=0.535)
    bench.turn(0.535)
    assert bench.wire.times()[-2:] == [0.525, 0.535]
    assert bench.wire.shown[-1] == 0.535
    assert bench.due == pytest.approx(0.537)


def test_what_was_sent_to_a_device_that_was_lost_is_not_shown_by_the_one_that_comes_back():
    bench = Bench(wire=Together)
    bench.run(0.0)
    bench.pump.opened(Identity("wire"), 20.0)
    bench.turn(20.0)
    assert bench.wire.shown == []
    assert bench.due == pytest.approx(20.002)
