"""Light that ripples: the exact integral against a sum, and the bands it draws."""

import numpy as np
import pytest

from drivers.virtual.ripple import Ripple
from drivers.virtual.sensor import READ_OUT, Sensor
from tests.drivers.virtual.stand import Card, Stand

SQUARE, SINE = Ripple(1300.0, duty=0.3), Ripple(100.0, 0.4)


def summed(ripple: Ripple, begin: float, exposure: float) -> float:
    """By a sum of 100 000 moments, from what the words say."""
    turns = ripple.hertz * (begin + (np.arange(100_000) + 0.5) / 100_000 * exposure)
    if ripple.duty is None:
        return float((1 + ripple.depth * np.sin(2 * np.pi * turns)).mean())
    on = turns % 1.0 < ripple.duty
    return float((1 - ripple.depth + ripple.depth * on / ripple.duty).mean())


@pytest.mark.parametrize("ripple", [SQUARE, SINE, Ripple(240.0, 0.5, 0.9)])
@pytest.mark.parametrize("exposure", [1e-4, 1 / 1000, 1 / 333, 0.02])
def test_the_mean_is_the_integral(ripple: Ripple, exposure: float) -> None:
    for begin in (0.0, 0.0123, 1000.7):
        assert ripple.mean(np.array([begin]), exposure)[0] == pytest.approx(summed(ripple, begin, exposure), abs=2e-3)


@pytest.mark.parametrize("ripple", [SQUARE, SINE])
def test_whole_periods_do_not_ripple(ripple: Ripple) -> None:
    assert ripple.mean(np.linspace(0, 1, 777), 3 / ripple.hertz) == pytest.approx(1.0, abs=1e-6)


def test_a_sine_is_seen_through_a_sinc() -> None:
    seen = SINE.mean(np.linspace(5, 5.01, 4001), 1 / 250)
    assert (seen.max() - seen.min()) / 2 == pytest.approx(0.4 * abs(np.sinc(100 / 250)), rel=1e-3)


def test_a_dimmed_switched_lamp_draws_bands_of_its_frequency_and_its_integral() -> None:
    stand = Stand()
    lamp = stand.world.lamps["key"]
    stand.light(key=0.35)
    lamp.pwm = 1000.0
    duty = max(lamp.light(stand.clock.now()))
    assert 0.3 < duty < 0.4
    sensor = Sensor(stand.world, 160, 480, scene=Card, noise=0.0)
    sensor.shutter = 1 / 4000
    rows = sensor.light(stand.clock.now())[:, 80, 1]
    spectrum = np.abs(np.fft.rfft(rows - rows.mean()))
    assert int(spectrum.argmax()) == round(1000 * READ_OUT)
    # A quarter of a period: fully lit where the lamp is on throughout, dark where it is off throughout.
    assert rows.max() / rows.mean() == pytest.approx(1 / duty, rel=0.02)
    assert rows.min() == pytest.approx(0.0, abs=1e-6)
    sensor.shutter = 1 / 1000
    rows = sensor.light(stand.clock.now())[:, 80, 1]
    assert rows.max() / rows.min() == pytest.approx(1.0, abs=1e-4)


def test_at_full_a_switched_lamp_is_steady_and_its_mean_light_is_its_level() -> None:
    stand = Stand()
    lamp = stand.world.lamps["key"]
    lamp.pwm = 1000.0
    stand.light(key=1.0)
    assert lamp.ripple(stand.clock.now()) is None
    stand.light(key=0.3)
    sensor = Sensor(stand.world, 160, 480, scene=Card, noise=0.0)
    sensor.shutter = 1 / 700
    switched = sensor.light(stand.clock.now()).mean()
    lamp.pwm = 0.0
    assert switched == pytest.approx(sensor.light(stand.clock.now()).mean(), rel=0.01)


def test_bands_run_with_time_and_stand_when_they_fit_the_picture_rate() -> None:
    stand = Stand()
    stand.light(key=1.0)
    sensor = Sensor(stand.world, 160, 90, scene=Card, noise=0.0, read_out=0.028)
    sensor.shutter = 1 / 500

    def rows(number: int) -> np.ndarray:
        return sensor.light(1000 + number / 25)[:, 80, 1]

    for hertz, standing in ((100.0, True), (103.0, False)):
        stand.world.fault("key", "flicker", hertz=hertz, depth=0.2)
        assert bool(np.abs(rows(1) - rows(0)).max() < 0.01 * rows(0).mean()) is standing


def test_daylight_has_no_bands_and_dilutes_those_of_a_lamp() -> None:
    stand = Stand()
    stand.light(key=1.0)
    stand.world.fault("key", "flicker", hertz=400, depth=1.0, duty=0.5)
    sensor = Sensor(stand.world, 160, 360, scene=Card, noise=0.0)
    sensor.shutter = 1 / 1600

    def swing() -> float:
        rows = sensor.light(stand.clock.now())[:, 80, 1]
        return float((rows.max() - rows.min()) / (rows.max() + rows.min()))

    alone = swing()
    stand.world.daylight = 1.0
    assert alone == pytest.approx(1.0, abs=1e-3)
    assert swing() == pytest.approx(0.5, abs=0.01)  # lamp 0 or 2, daylight 1
