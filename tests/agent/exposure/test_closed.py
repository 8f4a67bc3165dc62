"""The whole loop on the honest virtual camera: commissioned by its pictures, held by them, never fooled by it."""

import math

import pytest

from agent.exposure.commissioning.instructions import Commissioned
from agent.exposure.commissioning.refusals import Refused
from tests.closed import ClosedStudio, beyond, settled


@pytest.mark.parametrize(("delay", "within"), [(2, 3.0), (6, 6.0)])
@pytest.mark.parametrize("factor", [2.0, 0.5])
def test_a_stop_of_daylight_is_made_good_in_time_without_overshoot(delay, within, factor):
    studio = ClosedStudio(delay)
    found = studio.commission()
    assert isinstance(found, Commissioned)
    assert found.transport.delay.seconds == pytest.approx((delay + 0.35) / studio.rate, abs=0.06)
    studio.loop.set_mode("hold", studio.now)
    studio.run(10)
    assert studio.loop.now_state.why == "resting" and not studio.loop.now_state.tripped
    studio.world.daylight *= factor
    trail = studio.run(10)
    assert abs(trail[delay + 1]) > 0.2, "the room did change"
    assert settled(trail, studio.rate) <= within
    assert beyond(trail, math.log2(factor)) <= 0.02


@pytest.mark.parametrize("commissioned", [True, False])
@pytest.mark.parametrize("ask", [0.4, -0.3, 0.0])
def test_auto_exposure_is_refused_within_two_seconds_and_no_light_has_run(commissioned, ask):
    studio = ClosedStudio()
    if commissioned:
        studio.commission()
    studio.camera.controls.write("auto_exposure", 3)
    studio.run(6)
    assert studio.seen is not None
    studio.loop.set_mode("hold", studio.now, target=2.0 ** (studio.seen.ev + ask))
    begun, before = studio.now, studio.level()
    levels = []
    studio.run(2.0, until=lambda: levels.append(studio.level()) or bool(studio.loop.now_state.tripped))
    assert studio.loop.now_state.tripped == "camera-auto-exposure", studio.loop.now_state
    assert studio.now - begun <= 2.0
    assert abs(math.log2(max(levels) / before)) < 0.31 and abs(math.log2(min(levels) / before)) < 0.31
    studio.run(3)
    assert studio.level() == pytest.approx(before, rel=0.01)


@pytest.mark.parametrize("commissioned", [True, False])
def test_a_cloud_during_the_probe_is_not_taken_for_the_camera(commissioned):
    for step in (-0.01, -0.004, 0.004, 0.01):
        studio = ClosedStudio()
        if commissioned:
            studio.commission()
        studio.run(2)
        studio.loop.set_mode("hold", studio.now)
        for _ in range(30):  # a tenth of a stop of daylight in three seconds and more
            studio.world.daylight *= 2.0**step
            studio.turn()
        assert studio.loop.now_state.tripped == "", (step, studio.loop.now_state.evidence)


def test_commissioning_with_auto_exposure_on_is_refused():
    studio = ClosedStudio()
    studio.camera.controls.write("auto_exposure", 3)
    studio.run(5)
    found = studio.commission(empty=False)
    assert isinstance(found, Refused) and found.code == "auto-exposure", found
    assert studio.level() == pytest.approx(0.35, rel=0.01)


def test_on_air_the_picture_comes_back_slowly_and_steadily():
    studio = ClosedStudio()
    studio.commission()
    studio.on_air = True
    studio.loop.set_mode("hold", studio.now)
    studio.run(10)
    before = studio.level()
    studio.world.daylight *= 1.6
    levels = []
    studio.run(8, until=lambda: bool(levels.append(studio.level())))
    steps = [math.log2(b / a) * studio.rate for a, b in zip([before, *levels], levels, strict=False)]
    assert min(steps) >= -0.055 and max(steps) <= 0.005, "0.05 stop a second, and never back"
    assert levels[-1] < before * 0.85
