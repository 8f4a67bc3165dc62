"""Whatever the network commands, no picture flashes: a hundred thousand hostile streams, judged by their frames."""

import numpy as np
import pytest

from agent.lighting import lamps
from agent.lighting.catchup import CatchUp
from agent.lighting.lamps import LampPump
from agent.lighting.pump import Pump
from tests import flash_judge
from tests.flash_judge import Seen
from tests.flashing import Hostile, campaign, campaigns


def test_thirty_thousand_hostile_streams_flash_nowhere():
    seen = campaigns(seed=4, streams=30_000)
    assert seen.safe and seen.streams >= 30_000, seen
    assert seen.slope > 0.5 and seen.flashes >= 1, "the streams are hostile enough to come near the limits"


@pytest.mark.parametrize("seed", range(20))
def test_when_the_commands_end_the_frame_comes_to_be_the_scene(seed):
    show, seen = Hostile(seed), Seen()
    for _ in range(50):
        show.stream()
    assert show.settle(), show.last
    show.judge(seen)
    assert seen.safe, seen


# --- the analysis bites -----------------------------------------------------------------------------------------------


def test_a_limiter_twice_as_fast_is_found():
    seen = campaign(seed=5, streams=5_000, faster=2.0)
    assert not seen.safe and seen.slope > 1.3 and seen.where


def test_a_limiter_a_fifth_too_fast_is_found():
    seen = campaign(seed=5, streams=5_000, faster=1.2)
    assert not seen.safe and seen.slope > 1.05 and seen.where


def test_an_output_that_is_not_led_back_is_found(monkeypatch):
    frame = CatchUp.frame

    def thrown(self, part, now, wire):
        self._levels = np.where(self._held, self._theirs, part.levels(now, self._which))
        return frame(self, part, now, wire)

    monkeypatch.setattr(CatchUp, "frame", thrown)
    assert not campaign(seed=6, streams=5_000).safe


def test_a_frame_that_makes_up_for_a_pause_is_found(monkeypatch):
    monkeypatch.setattr(Pump, "_after_pause", lambda *args: None)
    seen = campaign(seed=6, streams=5_000)
    assert not seen.safe and not seen.which.startswith("unit")


def test_a_lamp_that_makes_up_for_a_pause_is_found(monkeypatch):
    monkeypatch.setattr(lamps, "EXCHANGE", 10.0)
    seen = campaign(seed=9, streams=5_000)
    assert not seen.safe and seen.which.startswith("unit")


def test_a_strobe_slot_that_moves_is_found(monkeypatch):
    monkeypatch.setattr(flash_judge, "STROBE", 20)
    assert campaign(seed=7, streams=500).moved


def test_a_mode_slot_that_moves_on_air_is_found(monkeypatch):
    init = CatchUp.__init__

    def careless(self, *args):
        init(self, *args)
        self.kept[:], self.keeps = False, False

    monkeypatch.setattr(CatchUp, "__init__", careless)
    assert campaign(seed=8, streams=5_000).moved


def test_a_lamp_that_is_not_led_is_found(monkeypatch):
    monkeypatch.setattr(LampPump, "_led", lambda self, line, scene, now: (scene.levels(line.light.name, now), True))
    seen = campaign(seed=9, streams=5_000)
    assert not seen.safe and seen.which.startswith("unit")
