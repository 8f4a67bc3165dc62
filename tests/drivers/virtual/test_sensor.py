"""The sensor against the physics it says it has."""

import numpy as np
import pytest

from drivers.camera.flicker import FlickerWatch
from drivers.virtual.response import RESPONSES, Response
from drivers.virtual.sensor import CALIBRATION, ELECTRONS, READ_NOISE, Sensor
from tests.drivers.virtual.stand import Card, Sides, Stand, daylight_for

STRAIGHT = Response(lambda light: light, lambda code: code)


@pytest.mark.parametrize("decibels", [18.0, 26.0])
def test_photon_transfer_noise_grows_with_the_root_of_light_and_has_a_floor(decibels: float) -> None:
    """Variance over mean, column by column of the grey wedge: the slope is the gain, the intercept the read noise."""
    gain = 10 ** (decibels / 20)
    stand = Stand()
    stand.world.daylight = daylight_for(0.9 / gain)
    sensor = Sensor(stand.world, 320, 180, scene=Card, response=STRAIGHT)
    sensor.gain = decibels
    pairs = [(sensor.render(0.0, 2 * n).astype(float), sensor.render(0.0, 2 * n + 1).astype(float)) for n in range(12)]
    means = np.mean([(one + other) / 2 for one, other in pairs], axis=(0, 1, 3))
    variances = np.mean([(one - other) ** 2 / 2 for one, other in pairs], axis=(0, 1, 3))
    clear = (means > 20) & (means < 200)  # neither cut off at black nor at white
    slope, floor = np.polyfit(means[clear], variances[clear], 1)
    per_electron = 255 * gain / ELECTRONS
    assert slope == pytest.approx(per_electron, rel=0.03)
    assert floor == pytest.approx((per_electron * READ_NOISE) ** 2 + 1 / 12, abs=0.12 * per_electron * 20)
    dark = Sensor(stand.world, 320, 180, scene=Card, response=STRAIGHT, seed=3)
    dark.gain = 40.0
    stand.world.daylight = 0.0
    black = np.array([dark.render(0.0, n) for n in range(4)], float)
    above = black[black > 0]
    expected = 25500 / ELECTRONS * READ_NOISE
    assert np.sqrt((above**2).mean()) == pytest.approx(expected, rel=0.25)


def test_light_adds_between_lamps_and_scales_with_exposure_and_gain() -> None:
    stand = Stand(roles=("key", "fill"))
    sensor = Sensor(stand.world, 160, 90)
    fields = []
    for levels in ({"key": 0.5}, {"fill": 0.7}, {"key": 0.5, "fill": 0.7}):
        stand.light(**levels)
        fields.append(sensor.light(stand.clock.now()).copy())
    assert np.allclose(fields[2], fields[0] + fields[1], rtol=1e-4)
    assert np.abs(fields[0] - fields[1]).max() > 0.05
    sensor.shutter, sensor.gain = sensor.shutter / 2, 20 * np.log10(4)
    assert np.allclose(sensor.light(stand.clock.now()), 2 * fields[2], rtol=1e-4)


def test_white_is_calibrated() -> None:
    stand = Stand()
    stand.world.daylight = 0.5
    white = Sensor(stand.world, 160, 90, scene=Card).light(0.0)[:, -1]
    assert white == pytest.approx(0.5 * CALIBRATION * 159.5 / 160, rel=1e-4)


def test_a_full_well_is_white_for_every_curve_and_lower_gain_does_not_bring_it_back() -> None:
    stand = Stand()
    stand.world.daylight = daylight_for(30.0)
    for name in RESPONSES:
        assert Sensor(stand.world, 160, 90, scene=Card, response=name).render(0.0, 0)[:, 80:].min() == 255, name
    sensor = Sensor(stand.world, 160, 90, scene=Card, noise=0.0)
    sensor.gain = -6.0206
    half = RESPONSES["srgb"].encode(np.array([0.5]))[0] * 255
    assert sensor.render(0.0, 0)[:, 80:] == pytest.approx(half, abs=1)


def test_same_world_time_and_number_same_picture_and_another_number_other_noise() -> None:
    stand = Stand()
    stand.world.daylight = daylight_for(0.5)
    sensor, again = (Sensor(stand.world, 160, 90, scene=Card, seed=4) for _ in range(2))
    one = sensor.render(7.0, 5)
    sensor.render(9.0, 6)
    assert np.array_equal(one, again.render(7.0, 5))
    other = again.render(7.0, 6).astype(int)
    assert not np.array_equal(one, other)
    # Differences of neighbours are as large as of strangers: no picture repeats the noise of the one before.
    assert np.std(other - one) == pytest.approx(np.std(again.render(7.0, 99).astype(int) - one), rel=0.05)
    assert not np.array_equal(one, Sensor(stand.world, 160, 90, scene=Card, seed=5).render(7.0, 5))


def test_jpeg_costs_a_little_truth() -> None:
    stand = Stand()
    stand.world.daylight = daylight_for(0.5)
    plain = Sensor(stand.world, 160, 90, scene=Card).render(0.0, 1).astype(float)
    coded = Sensor(stand.world, 160, 90, scene=Card, jpeg=85).render(0.0, 1).astype(float)
    assert 0.3 < np.abs(coded - plain).mean() < 3
    assert coded.mean() == pytest.approx(plain.mean(), abs=0.5)


def test_white_balance_makes_a_lamp_of_its_temperature_grey() -> None:
    stand = Stand()
    stand.world.daylight, stand.world.daylight_cct = 0.3, 3200.0
    sensor = Sensor(stand.world, 160, 90, scene=Sides)
    blue, green, red = sensor.light(0.0)[45, 80]
    assert red > 1.5 * blue
    sensor.kelvin = 3200.0
    balanced = sensor.light(0.0)[45, 80]
    assert balanced == pytest.approx([balanced[1]] * 3, rel=1e-3)
    assert balanced[1] == pytest.approx(green)  # it is not what makes a picture brighter
    sensor.kelvin = 8000.0
    blue_now, _, red_now = sensor.light(0.0)[45, 80]
    assert red_now / blue_now > red / blue


def test_its_noise_has_no_beat_that_looks_like_flicker() -> None:
    stand = Stand()
    stand.world.daylight = daylight_for(0.5)
    strengths = []
    for seed in range(8):
        watch, sensor = FlickerWatch(), Sensor(stand.world, 160, 90, scene=Card, seed=seed)
        for number in range(46):
            watch.collect(sensor.render(7.0, number), number / 10)
        strengths.append(watch.report().strength)
    assert np.mean(strengths) < 12.5  # noise without any beat: 10.8; a tile that goes round by even steps: 14.4
