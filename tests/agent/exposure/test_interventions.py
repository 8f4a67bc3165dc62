"""What people do in the middle of a hold (``tests/interventions.py``): the judge of the shows has nothing to say."""

import numpy as np

from tests.interventions import blackout, cue, fader, grand, stop
from tests.shows import Show


def test_masters_stops_black_outs_cues_and_faders_in_mid_hold_are_neither_fought_nor_answered_by_a_jump():
    show, dice = Show(2), np.random.default_rng(7)
    show.commission()
    show.teach()
    show.hold()
    show.run(8)
    for act in (grand, stop, blackout, cue, fader):
        show.judge.begin(act.__name__)
        act(show, dice)
    assert not show.failures


def test_the_judge_sees_a_loop_that_moves_lights_in_a_stop_and_one_that_keeps_its_claims():
    show = Show(2)
    show.commission()
    show.hold()
    show.run(8)
    show.judge.barred = "nobody may move a light"
    show.judge.forgive(-9.0)
    show.world.daylight = 0.3
    show.run(3)
    show.loop.mode = "watch"
    show.run(0.2)
    assert {failure.kind for failure in show.failures} >= {"barred", "claims"}
