"""Focus and movement, told from the pictures alone."""

import cv2
import numpy as np
import pytest

from drivers.virtual.optics import Optics, smoothed
from drivers.virtual.scene import Scene
from drivers.virtual.sensor import Sensor
from drivers.virtual.twin import Fault
from tests.drivers.virtual.stand import Card, Stand

SIZE = (320, 180)


@pytest.fixture
def stand() -> Stand:
    stand = Stand(Scene, SIZE)
    stand.world.daylight = 1.0
    return stand


def shift(before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    """How far right and down, in pixels, by phase correlation."""
    window = cv2.createHanningWindow((before.shape[1], before.shape[0]), cv2.CV_32F)
    (right, down), _ = cv2.phaseCorrelate(before[..., 1].astype(np.float32), after[..., 1].astype(np.float32), window)
    return right, down


def test_a_bump_moves_the_picture_for_good(stand: Stand) -> None:
    before = stand.picture()
    stand.camera.fault(Fault.BUMP)
    for _ in range(2):
        right, down = shift(before, stand.picture(20))
        assert right == pytest.approx(0.04 * SIZE[1], abs=0.3)
        assert down == pytest.approx(0.016 * SIZE[1], abs=0.3)
    stand.camera.fault(Fault.BUMP, 50)
    assert shift(before, stand.picture())[0] == pytest.approx(0.02 * SIZE[1], abs=0.3)
    stand.camera.heal()
    assert shift(before, stand.picture()) == pytest.approx((0, 0), abs=0.05)


def test_shaking_is_less_than_a_pixel_and_comes_back(stand: Stand) -> None:
    before = stand.picture()
    stand.camera.fault(Fault.SHAKE)
    seen = np.array([shift(before, stand.picture(3)) for _ in range(40)])
    assert seen.std(axis=0) == pytest.approx(0.004 * SIZE[1], rel=0.4)
    assert np.abs(seen.mean(axis=0)).max() < 0.3
    assert np.array_equal(stand.camera.sensor.render(1000.0, 1), stand.camera.sensor.render(1000.0, 1))


def test_bands_stay_where_the_rows_are_when_the_camera_was_bumped(stand: Stand) -> None:
    """The shutter rolls over the sensor, not over the scene."""
    card = Stand(Card, SIZE)
    card.light(key=1.0)
    card.world.fault("key", "flicker", hertz=120, depth=0.5)
    sensor = Sensor(card.world, *SIZE, scene=Card)
    sensor.shutter = 1 / 1000
    before = sensor.light(1000.0)[:, 160, 1].copy()
    sensor.optics.shift = (0.0, 0.1)
    after = sensor.light(1000.0)[:, 160, 1]
    clear = slice(20, None)  # above, the picture's edge is drawn out
    assert after[clear] == pytest.approx(before[clear], rel=0.01)


def test_a_point_out_of_focus_is_a_gaussian_and_no_light_is_lost() -> None:
    points = np.zeros((180, 320, 3), np.float32)
    points[90, 160] = 1.0
    blurred = Optics().focused(points, 0.012)
    assert blurred.sum() == pytest.approx(3.0, rel=1e-3)
    across = blurred[:, :, 1].sum(axis=0)
    assert np.sqrt(((np.arange(320) - 160) ** 2 * across).sum()) == pytest.approx(0.012 * 180, rel=0.03)
    even = np.full((180, 320), 0.7, np.float32)
    assert np.allclose(smoothed(even, 0.3), even, rtol=1e-3)


def test_out_of_focus_edges_go_and_the_light_stays(stand: Stand) -> None:
    sharp = stand.picture()
    stand.camera.fault(Fault.DEFOCUS)
    soft = stand.picture()

    def edges(picture: np.ndarray) -> float:
        return float(cv2.Laplacian(cv2.GaussianBlur(picture, (0, 0), 1), cv2.CV_32F).var())

    assert edges(soft) < 0.3 * edges(sharp)
    assert stand.linear(soft).mean() == pytest.approx(float(stand.linear(sharp).mean()), rel=0.01)


def test_the_presenter_moves_and_the_wall_does_not(stand: Stand) -> None:
    sensor = stand.camera.sensor
    sensor.optics.sway = 0.03
    pictures = [stand.picture(9) for _ in range(12)]
    head = np.s_[50:90, 135:185]
    wall = np.s_[20:80, 10:60]
    moved = np.array([shift(pictures[0][head], each[head])[0] for each in pictures])
    assert moved.max() - moved.min() > 3
    for each in pictures:
        assert np.abs(each[wall].astype(int) - pictures[0][wall]).mean() < 2.5  # noise
    assert stand.camera.sensor.light(5.0).mean() == pytest.approx(stand.camera.sensor.light(9.0).mean(), rel=0.03)
