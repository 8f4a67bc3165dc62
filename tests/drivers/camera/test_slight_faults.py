"""Faults so slight that their lasting makes them faults, through JPEG: noise twice and three times as strong, a bump of
1 to 2 % of the width, a little out of focus behind somebody who has moved. And what is none: pans, walkers, leavers."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import cv2
import numpy as np
import pytest
from skimage import data

from drivers.base import Picture
from drivers.camera.baseline import Baseline, against, judge, seen, take
from drivers.camera.faults import FaultState, Named, PictureFault, start, step
from drivers.camera.metrics import measure, sample
from tests.drivers.camera.relit import WIDTH, Moment, Room, shoot
from tests.moving_pictures import Clip, play

LIT = {"lamp-0": 0.5, "lamp-1": 0.4, "lamp-2": 0.3, "lamp-3": 0.5}
SIZE = (320, 180)
PAIR = 0.125
"""Seconds between two pictures, as the lane measures them; each second one is compared."""
MOST = 5.0
"""Seconds within which a slight fault is named."""


def reference(pictures: Sequence[Picture]) -> Baseline:
    points = [sample(pixels) for pixels in pictures]
    return take(
        [seen(pixels, at, before) for pixels, at, before in zip(pictures[1:], points[1:], points, strict=False)], ""
    )


def watch(taken: Baseline, pictures: Iterable[Picture]) -> tuple[FaultState, list[tuple[float, Named]]]:
    """What is named, and when, as the lane does it."""
    state, told = start(0.0), []
    for number, pixels in enumerate(pictures):
        now, metrics = number * PAIR, measure(pixels, 0.18)
        compared = number % 2 == 1 and state.points is not None
        says = judge(against(taken, seen(pixels, metrics.points, state.points)), state.named) if compared else {}
        before = state.named
        state = step(state, metrics, metrics.points, now, judged=says)
        told += [(now, each) for each in state.faults if each.fault not in before]
    return state, told


def shots(room: Room, moments: Iterable[Moment], random: np.random.Generator) -> list[Picture]:
    return [shoot(room, moment, random) for moment in moments]


@pytest.fixture(params=["astronaut", "coffee", "chelsea", "coins"])
def scene(request: pytest.FixtureRequest) -> tuple[Room, Moment, np.random.Generator]:
    random = np.random.default_rng(11)
    return Room.made(random, name=request.param), Moment(LIT, gain=0.6, noise=1.2), random


@pytest.mark.parametrize("photograph", [0, 1, 5])
@pytest.mark.parametrize("times", [2.0, 3.0])
def test_noise_twice_as_strong_is_named_through_jpeg_though_a_presenter_moves(photograph: int, times: float) -> None:
    clip = Clip(move="presenter", photograph=photograph, frames=8 + 44, every=(4,), size=SIZE, noise=1.2, seed=3)
    quiet = [pixels for pixels, _ in play(clip)]
    taken = reference(quiet[:8])
    noisy = [pixels for pixels, _ in play(replace(clip, noise=1.2 * times))][8:]
    assert watch(taken, quiet[8:])[1] == []
    state, told = watch(taken, noisy)
    assert [each.fault for _, each in told] == [PictureFault.NOISE]
    assert told[0][0] <= MOST and told[0][1].evidence["noise"] >= 1.3
    assert state.untrusted is None


def test_what_changes_by_itself_is_no_noise() -> None:
    """Pans, zooms, shakes: all of it changes from one picture to the next, as noise does."""
    for move in ("pan", "zoom", "shake"):
        clip = Clip(move=move, photograph=4, frames=40, every=(4,), size=SIZE, noise=1.2, seed=5)
        still = replace(clip, move="presenter", frames=8)
        _, told = watch(reference([pixels for pixels, _ in play(still)]), (pixels for pixels, _ in play(clip)))
        assert PictureFault.NOISE not in {each.fault for _, each in told}, move


@pytest.mark.parametrize("aim", [(2, 0), (0, 2), (-2, 1), (3, 1)])
def test_a_bump_of_one_to_two_per_cent_is_named_when_it_lasts_and_does_not_blind(
    scene: tuple[Room, Moment, np.random.Generator], aim: tuple[int, int]
) -> None:
    room, moment, random = scene
    taken = reference(shots(room, [moment] * 8, random))
    bumped = [moment.but(aim=aim, person=(20 + 2 * number, 45) if number < 24 else None) for number in range(48)]
    state, told = watch(taken, shots(room, bumped, random))
    assert [each.fault for _, each in told] == [PictureFault.MOVED]
    when, named = told[0]
    assert 4.0 <= when <= MOST and named.slight
    assert state.untrusted is None
    assert named.evidence["shift_percent"] == pytest.approx(100 * math.hypot(*aim) / WIDTH, abs=0.45)


def test_a_bump_that_is_put_right_at_once_is_none(scene: tuple[Room, Moment, np.random.Generator]) -> None:
    room, moment, random = scene
    taken = reference(shots(room, [moment] * 8, random))
    bumped = [moment.but(aim=(2, 0)) if number % 32 < 24 else moment for number in range(64)]
    assert watch(taken, shots(room, bumped, random))[1] == []


def test_neither_a_walker_nor_a_leaver_is_a_bump_or_noise(scene: tuple[Room, Moment, np.random.Generator]) -> None:
    room, moment, random = scene
    there = moment.but(person=(60, 30))
    taken = reference(shots(room, [there] * 8, random))
    sways = [there.but(person=(60 + round(3 * math.sin(0.3 * n)), 30)) for n in range(48)]
    leaves = [there.but(person=(60 + 3 * n, 30)) for n in range(20)] + [moment] * 40
    for moments in (sways, leaves):
        _, told = watch(taken, shots(room, moments, random))
        assert not {PictureFault.MOVED, PictureFault.NOISE} & {each.fault for _, each in told}


def test_the_focus_is_judged_by_what_stands_still_where_the_middle_does_not() -> None:
    random = np.random.default_rng(11)
    photograph = cv2.resize(data.coffee()[..., ::-1], (960, 540))

    def shown(somebody: int, blur: float = 0.0) -> list[Picture]:
        scene = photograph.copy()
        middle = np.random.default_rng(somebody).integers(30, 200, (8, 8, 1), np.uint8)
        scene[142:398, 352:608] = middle.repeat(32, 0).repeat(32, 1)
        if blur:
            scene = cv2.GaussianBlur(scene, (0, 0), blur)
        noisy = [scene + random.normal(0.0, 1.0, scene.shape) for _ in range(5)]
        return [np.clip(np.rint(each), 0, 255).astype(np.uint8) for each in noisy]

    def sharpness(pictures: list[Picture]) -> float:
        return against(taken, seen(pictures[1], sample(pictures[1]), sample(pictures[0]))).sharpness

    taken = reference(shown(1))
    assert sharpness(shown(2)) == pytest.approx(1.0, abs=0.15)
    assert sharpness(shown(2, blur=1.5)) < 0.5
