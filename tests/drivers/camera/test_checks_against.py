"""CAM-07 to CAM-10: they come in with a reference picture, and say what has become of it."""

import math
from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import pytest

from drivers.base import Image, Picture, Result, Verdict
from drivers.camera import checks_against
from drivers.camera.baseline import Baseline, seen, take
from drivers.camera.metrics import sample
from drivers.camera.opencv import OpenCVCamera, OpenCVOptions
from drivers.virtual.clock import ManualClock
from drivers.virtual.studio import VirtualStudio
from tests.drivers.camera.relit import Moment, Room, shoot

LIT = Moment({"lamp-0": 0.5, "lamp-1": 0.4, "lamp-2": 0.3, "lamp-3": 0.5}, gain=0.5)


class Stand:
    """A camera that gives pictures of a room."""

    def __init__(self, blur: float = 0.0) -> None:
        self.random = np.random.default_rng(8)
        self.room = Room.made(self.random, name="coffee")
        self.moment = LIT
        self.blur = blur

    def pixels(self) -> Picture:
        made = shoot(self.room, self.moment, self.random)
        return cv2.GaussianBlur(made, (0, 0), self.blur) if self.blur else made

    def grab(self) -> Image:
        return Image(self.pixels(), 0.0, 0)

    def reference(self) -> Baseline:
        shots: list[Picture] = [self.pixels() for _ in range(6)]
        points: Iterator[Picture] = map(sample, shots)
        before, numbers = next(points), []
        for pixels, now in zip(shots[1:], points, strict=True):
            numbers.append(seen(pixels, now, before))
            before = now
        return take(numbers, "2026-03-01T19:00:00Z")


def run(stand: Stand, reference: Baseline) -> dict[str, Result]:
    return {ident: check(stand.grab, reference) for ident, check in checks_against.CHECKS.items()}


def test_nothing_has_changed() -> None:
    stand = Stand()
    found = run(stand, stand.reference())
    assert {ident: result.verdict for ident, result in found.items()} == dict.fromkeys(found, Verdict.PASS)


def test_each_finds_its_own_fault_and_says_what_to_do() -> None:
    stand = Stand()
    reference = stand.reference()
    changes = {
        "CAM-07": LIT.but(noise=8.0),
        "CAM-09": LIT.but(white=(1.2, 1.0, 0.85)),
        "CAM-10": LIT.but(aim=(9, 0)),
    }
    for ident, moment in changes.items():
        stand.moment = moment
        result = checks_against.CHECKS[ident](stand.grab, reference)
        assert result.verdict is Verdict.FAIL, (ident, result)
        assert result.remedy.en and result.remedy.zh
    stand.moment, stand.blur = LIT, 2.5
    assert checks_against.sharp(stand.grab, reference).verdict is Verdict.FAIL


def test_a_small_bump_is_marginal_and_another_scene_is_beyond_measure() -> None:
    stand = Stand()
    reference = stand.reference()
    stand.moment = LIT.but(aim=(3, 0))
    assert checks_against.aimed(stand.grab, reference).verdict is Verdict.MARGINAL
    stand.room = Room.made(stand.random, name="astronaut")
    result = checks_against.aimed(stand.grab, reference)
    assert result.verdict is Verdict.FAIL and result.value is None
    assert "does not show what the reference shows" in result.said.en


def test_what_cannot_be_compared_is_no_verdict() -> None:
    stand = Stand()
    reference = stand.reference()
    with pytest.raises(ValueError, match="cannot be compared"):
        checks_against.noisy(stand.grab, replace(reference, noise=math.nan))
    with pytest.raises(ValueError, match="shows too little"):
        checks_against.aimed(stand.grab, replace(reference, grey=(90,) * len(reference.grey)))


def test_the_driver_brings_them_only_with_a_reference() -> None:
    camera = OpenCVCamera(OpenCVOptions(source="/dev/video0"), VirtualStudio(ManualClock()))
    assert not {check.id for check in camera.checks()} & checks_against.TITLES.keys()
    camera.reference = Stand().reference()
    assert {check.id for check in camera.checks()} >= checks_against.TITLES.keys()
