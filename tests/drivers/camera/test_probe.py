"""The probe: a small step of one lamp before a camera that is locked, and before one that is not."""

import numpy as np
import pytest

from drivers.camera.light import Floats
from drivers.camera.probe import judge
from tests.drivers.camera.relit import Moment, Room, column, light, shoot

LUMA = np.array([0.0722, 0.7152, 0.2126], np.float32)
STOPS = (0.1, 0.3)
TRIALS = 12


def luminance(room: Room, moment: Moment, random: np.random.Generator, pictures: int = 6) -> list[Floats]:
    return [np.log2(np.tensordot(LUMA, np.exp2(light(shoot(room, moment, random))), axes=1)) for _ in range(pictures)]


def probed(seed: int, stops: float, share: float, drift: float = 0.0) -> tuple[object, float, float]:
    """``share``: of the mean's change that the camera takes back."""
    random = np.random.default_rng(seed)
    room = Room.made(random)
    levels = {name: random.uniform(0.2, 0.5) for name in room.fields}
    strongest = max(room.fields, key=lambda name: float((column(room, name, Moment(levels))).mean() * levels[name]))
    at = Moment(levels, day=0.2, gain=0.4)
    stepped = at.but(levels={**levels, strongest: levels[strongest] * 2**stops})
    before = luminance(room, at, random)
    step = column(room, strongest, at) * (levels[strongest] * (2**stops - 1))
    expected = np.log2(1 + step / np.exp2(np.mean(before, axis=0)))
    was = np.exp2(np.mean(before, axis=0))
    mean = float(np.log2(np.nanmean(was * np.exp2(expected)) / np.nanmean(was)))
    during = luminance(room, stepped.but(gain=at.gain * 2 ** (-share * mean), day=0.2 * (1 + drift)), random)
    after = luminance(room, at.but(day=0.2 * (1 + 2 * drift)), random)
    found = judge(before, during, expected.astype(np.float32), after)
    return found.active, found.common, found.asked


@pytest.mark.parametrize("stops", STOPS)
def test_a_camera_that_takes_light_back_is_told_from_one_that_is_locked(stops: float) -> None:
    locked = [probed(seed, stops, 0.0) for seed in range(TRIALS)]
    wrong = [each for each in locked if each[0] is True]
    assert not wrong, f"locked, called active: {wrong}"
    active = [probed(seed, stops, 0.9) for seed in range(TRIALS)]
    missed = [each for each in active if each[0] is False]
    assert not missed, f"active, called locked: {missed}"
    assert sum(each[0] is True for each in active) >= TRIALS - 1


def test_daylight_that_drifts_meanwhile_is_not_the_camera() -> None:
    said = [probed(seed, 0.1, 0.0, drift=-0.06)[0] for seed in range(12)]
    assert True not in said


def test_what_proves_nothing_is_said() -> None:
    flat = [np.full((9, 16), -3.0, np.float32)] * 4
    nothing = np.zeros((9, 16), np.float32)
    assert judge(flat[:2], flat, nothing).why == "too few pictures"
    assert judge(flat, flat, nothing).why == "the lamp brings too little light to the picture"
    dark = [np.full((9, 16), np.nan, np.float32)] * 4
    assert judge(dark, dark, nothing).why == "too few zones are neither dark nor clipped"
    brighter = [each + np.float32(0.2) for each in flat]
    assert judge(flat, brighter, nothing + np.float32(0.1)).why == "the light changed by itself meanwhile"
