"""The camera's own exposure and white balance, against what libcamera's do and against the light they should give."""

from itertools import pairwise

import pytest

from drivers.virtual.automatic import DEAD_ZONE, LAG, START_UP
from tests.drivers.virtual.stand import FPS, Sides, Stand, daylight_for

TARGET = 0.18


def auto(stand: Stand, **more: int) -> Stand:
    stand.control(auto_exposure=3, power_line_frequency=0, **more)
    return stand


def settled(light: float = 0.36, **more: int) -> Stand:
    """Automatic, and through with it; grey 0.5 everywhere."""
    stand = auto(Stand(Sides, roles=("key", "fill")), **more)
    stand.world.daylight = daylight_for(light)
    stand.picture(60)
    return stand


@pytest.mark.parametrize("stops", [-3.0, -1.0, 1.0, 2.5])
def test_it_brings_the_picture_to_its_target(stops: float) -> None:
    stand = settled()
    assert stand.seen() == pytest.approx(TARGET, rel=0.03)
    stand.world.daylight *= 2**stops
    assert abs(stand.seen(LAG) / TARGET - 1) > 0.3
    assert stand.seen(60) == pytest.approx(TARGET, rel=0.03)


def test_each_picture_goes_a_fifth_of_the_way_and_close_by_the_root_of_that() -> None:
    stand = settled()
    stand.picture(1)
    before = stand.shown("exposure_time_absolute")
    stand.world.daylight *= 0.5
    exposures = []
    for _ in range(12):
        stand.picture()
        exposures.append(stand.shown("exposure_time_absolute"))
    first = next(index for index, each in enumerate(exposures) if each != before)
    assert exposures[first] / before == pytest.approx(0.2 * 2 + 0.8, rel=0.02)
    assert exposures[first + 1] / before == pytest.approx(0.2 * 2 + 0.8 * 1.2, rel=0.02)
    assert exposures[-1] / before == pytest.approx(2.0, rel=0.03)
    gaps = [2 * before - each for each in exposures]
    close = next(index for index, gap in enumerate(gaps) if gap < 0.3 * before)
    assert gaps[close + 1] < 0.65 * gaps[close]


@pytest.mark.parametrize(("change", "moves"), [(0.6 * DEAD_ZONE, False), (3 * DEAD_ZONE, True)])
def test_within_the_dead_zone_it_does_nothing(change: float, moves: bool) -> None:
    stand = settled()
    # Find the middle of the dead zone first: it stopped somewhere inside.
    stand.world.daylight *= TARGET / stand.seen()
    stand.picture(60)
    before = stand.camera.follow(stand.camera.newest(stand.clock.now())[0] - 2)
    stand.world.daylight *= 1 + change
    stand.picture(40)
    after = stand.camera.follow(stand.camera.newest(stand.clock.now())[0] - 2)
    assert (abs(after.total / before.total - 1) > 1e-6) is moves


def test_when_pictures_begin_it_is_there_at_once() -> None:
    stand = auto(Stand(Sides))
    stand.world.daylight = daylight_for(0.05)
    stand.clock.advance(0.2)
    source = stand.studio.camera("cam")  # a second reader: pictures go on
    assert source is not stand.source
    stand.source.close()
    source.close()
    stand.source = stand.studio.camera("cam")
    assert stand.seen(2 * LAG + 4) == pytest.approx(TARGET, rel=0.03)
    assert START_UP > LAG


def test_a_lamp_on_one_side_makes_the_other_side_darker() -> None:
    """The sign by which a light loop tells that the camera works against it."""
    stand = settled(0.3)
    stand.light(key=0.0)
    stand.picture(10)
    before = stand.linear(stand.picture())
    stand.light(key=0.25)
    after = stand.linear(stand.picture(60))
    left, right = slice(None, 70), slice(90, None)
    assert after[:, right].mean() < 0.9 * before[:, right].mean()
    assert after[:, left].mean() > before[:, left].mean()
    ratio = after[:, right] / before[:, right]
    assert ratio.std() < 0.1 * (1 - ratio.mean())  # all of it by the same factor
    assert after.mean() == pytest.approx(before.mean(), rel=0.04)


def test_exposure_time_first_then_gain_and_both_end() -> None:
    stand = settled(0.36)
    assert stand.shown("gain") == 0
    stand.world.daylight /= 8
    stand.picture(60)
    assert stand.shown("exposure_time_absolute") == round(1e4 / FPS)
    assert stand.shown("gain") == pytest.approx(20 * 10 * 0.6021, abs=8)  # 8 times darker, 2 by time, 4 by gain
    stand.world.daylight /= 1000
    assert stand.seen(120) < TARGET / 3
    assert stand.shown("gain") == pytest.approx(240, abs=2)  # within the dead zone


def test_exposure_is_whole_periods_of_the_mains_unless_shorter_than_one() -> None:
    for mains, period in ((1, 100), (2, 1e4 / 120)):
        stand = settled(0.26)
        stand.control(power_line_frequency=mains)
        stand.picture(60)
        time = stand.shown("exposure_time_absolute")
        assert time / period == pytest.approx(round(time / period), abs=0.01)
        assert stand.seen() == pytest.approx(TARGET, rel=0.03)
        assert stand.shown("gain") > 0
        stand.world.daylight *= 8
        stand.picture(80)
        assert 10 < stand.shown("exposure_time_absolute") < period


def test_in_the_dark_it_slows_down_where_it_may() -> None:
    stand = settled(0.36)
    stand.control(exposure_dynamic_framerate=1)
    stand.world.daylight /= 5
    stand.picture(100)
    assert stand.shown("exposure_time_absolute") > 1e4 / FPS
    assert stand.seen() == pytest.approx(TARGET, rel=0.03)
    began, counted = stand.clock.now(), int(stand.source.describe()["frames"])
    stamps = [stand.source.read(1)[1] for _ in range(10)]
    gaps = {round((after - before) * FPS) for before, after in pairwise(stamps)}
    assert gaps == {3}
    frames = int(stand.source.describe()["frames"]) - counted
    assert frames == pytest.approx((stand.clock.now() - began) * FPS / 3, abs=1)


def test_slowed_down_it_decides_once_a_picture() -> None:
    stand = settled(0.05, exposure_dynamic_framerate=1)
    assert stand.camera.pace == 4
    steps = []
    step = stand.camera.automatic.step
    stand.camera.automatic.step = lambda *args: (steps.append(1), step(*args))[1]
    stand.picture(40)
    assert len(steps) == pytest.approx(10, abs=1)


def test_pictures_nobody_reads_change_nothing() -> None:
    def run(every: int) -> list[float]:
        stand = auto(Stand(Sides), white_balance_automatic=1)
        stand.world.daylight, start = daylight_for(0.5), stand.clock.now()
        stand.world.daylight = lambda now: daylight_for(0.5 if now < start + 0.8 else 0.2)
        levels = []
        for number in range(1, 41):
            if number % every == 0:
                levels.append(float(stand.picture(every).mean()))
        return levels

    assert run(4) == run(1)[3::4]


def test_after_an_hour_unseen_it_has_settled_and_that_is_cheap() -> None:
    stand = settled(0.36)
    steps = []
    step = stand.camera.automatic.step
    stand.camera.automatic.step = lambda *args: (steps.append(1), step(*args))[1]
    stand.world.daylight /= 4
    assert stand.seen(3600 * 25) == pytest.approx(TARGET, rel=0.03)
    assert len(steps) <= 250


def test_grey_world_finds_the_lamp_in_steps() -> None:
    stand = settled(0.36, white_balance_automatic=1)
    stand.world.daylight_cct = 3200.0
    seen = []
    for _ in range(80):
        stand.picture()
        seen.append(stand.shown("white_balance_temperature"))
    assert seen[0] == pytest.approx(5600, abs=30)
    assert seen[-1] == pytest.approx(3200, rel=0.02)
    mired = [1e6 / each for each in seen]
    jumps = [after - before for before, after in pairwise(mired)]
    assert max(jumps) == pytest.approx(0.1 * (1e6 / 3200 - 1e6 / 5600), rel=0.05)
    blue, green, red = stand.linear(stand.picture()).mean(axis=(0, 1))
    assert (blue, red) == pytest.approx((green, green), rel=0.04)


def test_locked_nothing_moves() -> None:
    stand = settled(0.36, white_balance_automatic=1)
    stand.control(
        auto_exposure=1, white_balance_automatic=0, exposure_time_absolute=200, white_balance_temperature=5600
    )
    before = stand.seen(5)
    stand.world.daylight *= 2
    assert stand.seen(40) == pytest.approx(2 * before, rel=0.03)
