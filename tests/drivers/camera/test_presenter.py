"""The presenter: a real face at several exposures, pictures without one, and a box that keeps still."""

import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from drivers.base import Picture
from drivers.camera.metrics import linear_to_srgb, measure, srgb_to_linear
from drivers.camera.points import Box
from drivers.camera.presenter import (
    CONFIRM_WITHIN,
    HOLD,
    MISSING,
    PERIOD,
    SEARCH_PERIOD,
    Detector,
    Presenter,
    detector,
    follow,
    overlap,
    weights_of,
    zones_of,
)
from tests.drivers.camera.photographs import original, photograph

FACE = (370, 135, 215, 215)
"""Where it is in the astronaut's picture at 1080 x 1080."""
SIZE = (1920, 1080)
HERE = (800, 300, 200, 200)


def astronaut(stops: float, size: int = 1080) -> Picture:
    pixels = cv2.resize(original("astronaut.png"), (size, size), interpolation=cv2.INTER_CUBIC)
    light = srgb_to_linear(np.arange(256) / 255) * 2.0**stops
    return np.round(255 * linear_to_srgb(np.clip(light, 0, 1))).astype(np.uint8)[pixels]


@pytest.fixture(scope="module")
def cascade() -> Iterator[Detector]:
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # as cameras set it; and what a look costs is asked of one thread
    found = detector()
    assert found is not None
    yield found
    cv2.setNumThreads(threads)


@pytest.mark.parametrize("stops", [-3.0, -2.0, -1.0, 0.0, 1.0, 1.5])
def test_a_face_is_found_whatever_the_exposure(cascade: Detector, stops: float) -> None:
    (face,) = cascade.faces(astronaut(stops))
    assert overlap(face, FACE) > 0.8


def test_the_box_is_in_the_pictures_own_pixels(cascade: Detector) -> None:
    for size in (540, 2160):
        (face,) = cascade.faces(astronaut(0, size))
        scale = size / 1080
        assert overlap(face, tuple(round(side * scale) for side in FACE)) > 0.7  # type: ignore[arg-type]


def test_near_its_place_a_face_is_found_for_little_and_elsewhere_it_is_found_too(cascade: Detector) -> None:
    pixels = astronaut(0)
    for near in (FACE, (350, 150, 180, 180), (0, 700, 200, 200), (-50, -50, 60, 60), (5000, 5000, 200, 200)):
        (face,) = cascade.faces(pixels, near)
        assert overlap(face, FACE) > 0.8
    took = [min(_cost(cascade, pixels, near) for _ in range(5)) for near in (FACE, None)]
    assert took[0] < 0.5 * took[1]


def _cost(cascade: Detector, pixels: Picture, near: Box | None) -> float:
    begun = time.thread_time()
    cascade.faces(pixels, near)
    return time.thread_time() - begun


def test_grey_and_four_channels_have_faces_too(cascade: Detector) -> None:
    pixels = astronaut(0)
    assert overlap(cascade.faces(np.ascontiguousarray(pixels[:, :, 1]))[0], FACE) > 0.8
    assert overlap(cascade.faces(np.dstack([pixels, pixels[:, :, 0]]))[0], FACE) > 0.8
    with pytest.raises(ValueError, match="at least"):
        cascade.faces(np.zeros((1, 1, 3), np.uint8))
    assert cascade.faces(np.zeros((9, 16, 3), np.uint8)) == []


@pytest.mark.parametrize("name", ["brick.png", "chelsea.png", "coffee.png", "grass.png", "motorcycle_left.png"])
def test_where_there_is_no_face_there_is_no_presenter(cascade: Detector, name: str) -> None:
    assert cascade.faces(photograph(name, 1280, 720)) == []


def test_without_the_class_or_its_file_there_is_no_detector(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(cv2.data, "haarcascades", str(tmp_path))
        assert detector() is None
    with monkeypatch.context() as patch:  # as in OpenCV 5
        patch.delattr(cv2, "CascadeClassifier")
        assert detector() is None
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "cv2", None)
        assert detector() is None
    assert detector() is not None
    assert "OpenCV" in MISSING.en
    assert "OpenCV" in MISSING.zh


def looks(*seen: list[tuple[int, int, int, int]], state: Presenter | None = None, begin: float = 10.0) -> Presenter:
    state = state or Presenter()
    for number, faces in enumerate(seen):
        state = follow(state, faces, begin + number * PERIOD, *SIZE)
    return state


def near(box: tuple[int, int, int, int], by: int) -> tuple[int, int, int, int]:
    return box[0] + by, box[1] + by, box[2], box[3]


def test_a_face_counts_when_it_was_found_twice() -> None:
    assert looks([HERE]).box is None
    assert looks([HERE], [near(HERE, 5)]).box == near(HERE, 5)
    assert looks([HERE], [(100, 100, 150, 150)]).box is None  # elsewhere: another mistake
    once = looks([HERE])
    late = follow(once, [HERE], 10 + CONFIRM_WITHIN + 0.1, *SIZE)
    assert late.box is None


def test_the_box_is_held_for_a_while_and_then_given_up() -> None:
    held = looks([HERE], [HERE])
    found = held.found
    assert held.age(found + 1) == 1
    still = follow(held, [], found + HOLD - 0.1, *SIZE)
    assert still.box == HERE
    lost = follow(still, [], found + HOLD + 0.1, *SIZE)
    assert lost.box is None
    assert looks([HERE], [HERE], state=lost, begin=100.0).box == HERE


def test_jitter_is_damped_and_a_walk_is_followed() -> None:
    state = looks([HERE], [HERE])
    for by in (4, -5, 3, -4, 5):  # the cascade's own
        state = looks([near(HERE, by)], state=state, begin=state.looked + PERIOD)
        assert state.box == HERE
    far = near(HERE, 60)
    steps = []
    for _ in range(12):
        state = looks([far], state=state, begin=state.looked + PERIOD)
        assert state.box is not None
        steps.append(state.box[0])
    assert HERE[0] < steps[0] < far[0]
    assert steps == sorted(steps)
    assert abs(steps[-1] - far[0]) <= 0.06 * HERE[2] + 1


def test_who_sits_down_elsewhere_is_found_again_there() -> None:
    state = looks([HERE], [HERE])
    other = (200, 300, 200, 200)
    state = looks([other], state=state, begin=state.looked + PERIOD)
    assert state.box == HERE  # once may be a mistake
    state = looks([other], state=state, begin=state.looked + PERIOD)
    assert state.box == other


def test_the_largest_face_is_the_presenter_and_of_two_alike_the_central_one() -> None:
    small, large = (900, 400, 120, 120), (300, 300, 240, 240)
    assert looks([small, large], [large, small]).box == large
    edge = (1700, 800, 200, 200)
    assert looks([edge, HERE], [edge, HERE]).box == HERE
    # Whoever has the box keeps it, though somebody larger comes in.
    state = looks([HERE], [HERE])
    assert looks([large, HERE], [large, HERE], state=state, begin=20.0).box == HERE


def test_looks_are_due_at_a_low_rate() -> None:
    state = Presenter()
    assert state.due(0.0)
    state = follow(state, [], 5.0, *SIZE)
    assert not state.due(5.0 + SEARCH_PERIOD - 0.01)
    assert state.due(5.0 + SEARCH_PERIOD + 0.01)
    for faces in ([HERE], [HERE, HERE]):  # a face to confirm, and one to follow
        state = looks(*([face] for face in faces))
        assert not state.due(state.looked + PERIOD - 0.01)
        assert state.due(state.looked + PERIOD + 0.01)
    assert math.isinf(Presenter().age(5.0))
    assert 1 <= 1 / PERIOD <= 2


def test_zones_of_a_box() -> None:
    mask = zones_of((480, 240, 240, 360), *SIZE)  # zones are 120 x 120
    assert mask.sum() == 6
    assert mask[2:5, 4:6].all()
    tiny = zones_of((610, 250, 30, 30), *SIZE)
    assert np.argwhere(tiny).tolist() == [[2, 5]]
    off = zones_of((-300, -300, 200, 200), *SIZE)
    assert off.sum() == 1
    assert zones_of((0, 0, 1920, 1080), *SIZE).all()


def test_a_box_that_moves_is_metered_without_jumps() -> None:
    pixels = photograph("chelsea.png")
    boxes = [(at, 400, 300, 300) for at in range(600, 720, 10)]
    smooth = [measure(pixels, 0.18, weights_of(box, *SIZE)).ev for box in boxes]
    masked = [measure(pixels, 0.18, zones_of(box, *SIZE)).ev for box in boxes]
    assert np.abs(np.diff(smooth)).max() < 0.5 * np.abs(np.diff(masked)).max()
    weights = weights_of((480, 240, 240, 180), *SIZE)
    assert np.argwhere(weights).tolist() == [[2, 4], [2, 5], [3, 4], [3, 5]]
    assert weights[2, 4] == pytest.approx(1)
    assert weights[3, 5] == pytest.approx(0.5)
    assert weights_of((-300, -300, 200, 200), *SIZE).sum() == 1
