"""Response curves, against the numbers of their standards, and seen through a sensor."""

import numpy as np
import pytest

from drivers.virtual.response import RESPONSES, STEPS, Response
from drivers.virtual.sensor import Sensor
from tests.drivers.virtual.stand import Card, Stand, daylight_for


@pytest.mark.parametrize("name", sorted(RESPONSES))
def test_decoding_is_the_exact_inverse(name: str) -> None:
    response = RESPONSES[name]
    light = np.linspace(0.0, response.reach, 2001)
    assert response.decode(response.encode(light)) == pytest.approx(light, abs=1e-4 * response.reach)
    assert (np.diff(response.encode(light)) > 0).all()
    assert response.encode(np.array([0.0, response.reach])) == pytest.approx([0, 1], abs=2e-3)


def test_the_standards_own_numbers() -> None:
    grey = np.array([0.18])
    assert RESPONSES["srgb"].encode(grey)[0] * 255 == pytest.approx(117.6, abs=0.1)
    assert RESPONSES["bt709"].encode(grey)[0] == pytest.approx(0.409, abs=0.001)
    assert RESPONSES["gamma"].encode(grey)[0] == pytest.approx(0.18 ** (1 / 2.2))


def test_film_has_a_toe_and_a_shoulder_and_the_same_middle() -> None:
    def slope(light: float) -> float:
        one, other = RESPONSES["srgb"].decode(RESPONSES["film"].encode(np.array([light, light * 1.01])))
        return float(np.log(other / one) / np.log(1.01))

    assert RESPONSES["film"].encode(np.array([0.18])) == pytest.approx(
        RESPONSES["srgb"].encode(np.array([0.18])), abs=0.002
    )
    assert slope(0.005) > 1.1 > slope(0.18) > slope(1.0) > 0.2


def test_the_table_gives_every_code() -> None:
    for name, response in RESPONSES.items():
        table = response.table()
        assert (table[0], table[-1]) == (0, 255)
        assert len(np.unique(table)) > 250, name
        assert len(table) == STEPS * response.reach**0.5 + 1


@pytest.mark.parametrize("name", sorted(RESPONSES))
def test_twice_the_exposure_is_one_stop_of_light_once_the_curve_is_undone(name: str) -> None:
    stand = Stand()
    sensor = Sensor(stand.world, 160, 90, scene=Card, noise=0.0, response=name)
    stand.camera.sensor = sensor
    stand.world.daylight = daylight_for(0.25)
    usual = stand.linear(sensor.render(stand.clock.now(), 0))
    sensor.shutter *= 2
    doubled = stand.linear(sensor.render(stand.clock.now(), 0))
    bright = usual > 0.02
    assert doubled[bright] / usual[bright] == pytest.approx(2.0, rel=0.04)
    assert np.median(doubled[bright] / usual[bright]) == pytest.approx(2.0, rel=0.005)


def test_a_curve_of_ones_own() -> None:
    straight = Response(lambda light: light, lambda code: code)
    stand = Stand()
    stand.world.daylight = daylight_for(1.0)
    picture = Sensor(stand.world, 160, 90, scene=Card, noise=0.0, response=straight).render(stand.clock.now(), 0)
    assert picture[45, :, 1] == pytest.approx(255 * (np.arange(160) + 0.5) / 160, abs=1)
