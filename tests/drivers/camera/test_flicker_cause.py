"""Bands that stand still, the light that draws them, and the cross-check by another exposure."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from drivers.camera.flicker import Bands, FlickerWatch
from drivers.camera.flicker_cause import (
    Answer,
    BandStep,
    Standing,
    attribute,
    cross_check,
    culprit,
    flicker_free,
    is_mains,
    look,
    predicted,
    standing,
    standing_bands,
)
from drivers.camera.metrics import Floats
from tests.moving_pictures import Clip, Fixture, Lamp, play

STEADY, LIT = Fixture(0.8, None, 0.7, 0.5), Fixture(1.0, Lamp(100, 0.1, phase=0.2), 0.35, 0.35)
OFF = Fixture(0.0)
ROOM = Clip("presenter", 1, fps=25, frames=12, size=(320, 180), rig=(STEADY, LIT))
SHORT, HIDING = 1 / 250, 1 / 100


@cache
def seen(rig: tuple[Fixture, ...], exposure: float, seed: int) -> Floats:
    """A look at the room; with another seed the presenter stands elsewhere."""
    return look(pixels for pixels, _ in play(replace(ROOM, rig=rig, exposure=exposure, seed=seed)))


def test_standing_bands_are_found_by_an_exposure_that_hides_them() -> None:
    bands = standing(seen(ROOM.rig, SHORT, 1), seen(ROOM.rig, HIDING, 2), 25, readout=0.02)
    assert bands is not None
    assert bands.frequency == 100
    assert bands.cycles == pytest.approx(2, abs=0.3)
    assert 2 < bands.contrast < 10 * np.sinc(0.4)


def test_nothing_stands_where_nothing_flickers() -> None:
    calm = (STEADY, replace(LIT, lamp=None))
    assert standing(seen(calm, SHORT, 1), seen(calm, HIDING, 2), 25, readout=0.02) is None
    assert standing(seen(calm, SHORT, 1), seen((STEADY, OFF), SHORT, 2), 25, stepped=True, readout=0.02) is None


def test_narrow_bands_are_found_by_switching_a_light_off_and_name_it() -> None:
    pulsed = replace(LIT, lamp=Lamp(1000, 1.0, duty=0.5))
    room = (STEADY, pulsed)
    both = seen(room, 1 / 2000, 1)
    found = {
        "key": standing(both, seen((STEADY, OFF), 1 / 2000, 2), 25, stepped=True, readout=0.02),
        "fill": standing(
            seen((STEADY, OFF), 1 / 2000, 1), seen((OFF, OFF), 1 / 2000, 2), 25, stepped=True, readout=0.02
        ),
    }
    named = culprit(found)
    assert named.fixtures == ("key",)
    assert named.evidence["key"]["frequency_hz"] == 1000
    assert "key" in named.reason.en
    assert "key" in named.reason.zh


def test_the_light_that_draws_standing_bands_is_named_by_switching_each_off() -> None:
    all_on = standing(seen(ROOM.rig, SHORT, 1), seen(ROOM.rig, HIDING, 2), 25, readout=0.02)
    assert all_on is not None

    def bands(rig: tuple[Fixture, ...]) -> Bands:
        return standing_bands(seen(rig, SHORT, 1), seen(rig, HIDING, 2), all_on.cycles)

    before = bands(ROOM.rig)
    named = attribute(
        {
            "fill": BandStep(before, bands((replace(STEADY, level=0.4), LIT)), 0.8, 0.4),
            "key": BandStep(before, bands((STEADY, replace(LIT, level=0.3))), 1.0, 0.3),
        }
    )
    assert named.fixtures == ("key",), named.evidence


def test_the_light_that_draws_rolling_bands_is_named_by_stepping_each() -> None:
    room = replace(ROOM, fps=30.0, frames=40)
    flickering = replace(LIT, lamp=Lamp(100, 0.2))

    def watch(rig: tuple[Fixture, ...]) -> FlickerWatch:
        watch = FlickerWatch(readout=0.02)
        for pixels, captured in play(replace(room, rig=rig)):
            watch.collect(pixels, captured)
        return watch

    first = watch((STEADY, flickering))
    flicker = first.report().flicker
    assert flicker is not None
    steps = {
        "fill": (watch((replace(STEADY, level=0.6), flickering)), 0.8, 0.6),
        "key": (watch((STEADY, replace(flickering, level=0.7))), 1.0, 0.7),
    }
    named = attribute(
        {
            name: BandStep(first.bands(flicker), after.bands(flicker), *levels)
            for name, (after, *levels) in steps.items()
        }
    )
    assert named.fixtures == ("key",), named.evidence


def test_a_light_that_only_lights_what_bands_are_compared_with_is_not_blamed() -> None:
    before = Bands(contrast=4.0, sd=0.02, light=0.2)
    steps = {
        "innocent": BandStep(before, Bands(5.0, 0.02, 0.16), 1.0, 0.6),  # less other light: more contrast, same bands
        "guilty": BandStep(before, Bands(2.4, 0.02, 0.17), 1.0, 0.5),
    }
    named = attribute(steps)
    assert named.fixtures == ("guilty",)
    assert named.evidence["guilty"]["share"] == pytest.approx(0.98, abs=0.02)
    assert named.evidence["innocent"]["share"] == pytest.approx(0, abs=0.02)


def test_two_lights_may_be_guilty_and_nobody_may_be() -> None:
    before = Bands(4.0, 0.02, 0.2)
    both = attribute(
        {"a": BandStep(before, Bands(3.0, 0.02, 0.2), 1, 0.5), "b": BandStep(before, Bands(3.2, 0.02, 0.2), 1, 0.5)}
    )
    assert both.fixtures == ("a", "b")
    lost = attribute({"a": BandStep(Bands(0.1, 0.05, 0.2), Bands(0.05, 0.05, 0.18), 1.0, 0.5)})
    assert lost.fixtures == ()
    assert lost.reason.zh
    assert culprit({"a": None}).fixtures == ()


def test_the_worst_of_several_comes_first_by_its_own_depth_not_by_what_it_adds() -> None:
    small = Standing(100, (), contrast=1.0, strength=30, cycles=2, growth=1.05)  # 1 % from a twentieth of the light
    large = Standing(100, (), contrast=2.0, strength=35, cycles=2, growth=2.0)
    assert culprit({"large": large, "small": small}).fixtures == ("small", "large")


def test_another_exposure_confirms_or_refutes() -> None:
    before = Bands(5.0, 0.05, 0.2)
    assert predicted(5.0, 100, 1 / 250, 1 / 100) == pytest.approx(0, abs=1e-6)
    assert predicted(5.0, 120, 1 / 250, 1 / 100) == pytest.approx(5 * np.sinc(1.2) / np.sinc(0.48) * -1)
    assert cross_check(before, Bands(0.06, 0.05, 0.2), 100, 1 / 250, 1 / 100).answer is Answer.CONFIRMED
    assert cross_check(before, Bands(4.8, 0.05, 0.2), 100, 1 / 250, 1 / 100).answer is Answer.REFUTED
    assert cross_check(before, Bands(4.9, 0.05, 0.2), 100, 1 / 250, 1 / 240).answer is Answer.UNDECIDED
    assert cross_check(before, Bands(4.9, 0.05, 0.2), 1000, 1 / 250, 1 / 100).answer is Answer.UNDECIDED


def test_exposures_that_hide_and_mains() -> None:
    assert flicker_free(100, 1 / 500, 1 / 25) == pytest.approx((0.01, 0.02, 0.03, 0.04))
    assert flicker_free(100, 1 / 500, 1 / 200) == ()
    assert is_mains(99.95)
    assert is_mains(120.2)
    assert not is_mains(95.3)


def test_looks_say_what_they_cannot_be() -> None:
    with pytest.raises(ValueError, match="no picture"):
        look([])
    with pytest.raises(ValueError, match="several sizes"):
        look([np.zeros((90, 160, 3), np.uint8), np.zeros((45, 80, 3), np.uint8)])
    small, large = look([np.full((90, 160, 3), 99, np.uint8)]), look([np.full((180, 160, 3), 99, np.uint8)])
    with pytest.raises(ValueError, match="one size"):
        standing(small, large, 25)
    dark = look([np.zeros((90, 160, 3), np.uint8)])
    assert standing(dark, dark, 25) is None
    burnt = look([np.full((90, 160, 3), 255, np.uint8)])
    assert standing(burnt, burnt, 25) is None
    with pytest.raises(ValueError, match="in common"):
        standing_bands(dark, dark, 2.0)
