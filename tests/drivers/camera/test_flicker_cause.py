"""Bands that stand still, by two exposures or by switching their light off."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from drivers.camera.flicker_cause import flicker_free, look, standing
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


def test_narrow_bands_are_found_by_switching_their_light_off() -> None:
    pulsed = replace(LIT, lamp=Lamp(1000, 1.0, duty=0.5))
    both, steady = seen((STEADY, pulsed), 1 / 2000, 1), seen((STEADY, OFF), 1 / 2000, 2)
    bands = standing(both, steady, 25, stepped=True, readout=0.02)
    assert bands is not None
    assert bands.frequency == pytest.approx(1000)
    again = seen((STEADY, OFF), 1 / 2000, 1)
    assert standing(again, seen((OFF, OFF), 1 / 2000, 2), 25, stepped=True, readout=0.02) is None


def test_exposures_that_hide() -> None:
    assert flicker_free(100, 1 / 500, 1 / 25) == pytest.approx((0.01, 0.02, 0.03, 0.04))
    assert flicker_free(100, 1 / 500, 1 / 200) == ()


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
