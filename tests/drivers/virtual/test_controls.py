"""Controls with the manners and the bad manners of V4L2 and UVC."""

import numpy as np
import pytest

from drivers.errors import DeviceMissing, NotSupported, Refused
from drivers.virtual.controls import fitted
from drivers.virtual.twin import Fault
from tests.drivers.virtual.stand import Sides, Stand, daylight_for


@pytest.fixture
def stand() -> Stand:
    stand = Stand(Sides)
    stand.world.daylight = daylight_for(0.4)
    return stand


def test_the_list_says_kind_range_and_what_is_held_by_an_automatic(stand: Stand) -> None:
    found = {control.name: control for control in stand.camera.controls.list()}
    assert found["auto_exposure"].kind == "menu"
    assert set(found["auto_exposure"].menu) == {1, 3}
    time = found["exposure_time_absolute"]
    assert (time.kind, time.default, time.inactive) == ("int", 200, False)
    assert found["focus_absolute"].inactive
    stand.control(auto_exposure=3)
    found = {control.name: control for control in stand.camera.controls.list()}
    assert found["exposure_time_absolute"].inactive
    for control in found.values():
        assert control.minimum <= stand.shown(control.name) <= control.maximum
        assert fitted(control, control.default) == control.default


def test_defaults_are_what_the_camera_does(stand: Stand) -> None:
    for control in stand.camera.controls.list():
        assert stand.shown(control.name) == control.default, control.name


def test_under_an_automatic_writing_is_denied_and_changes_nothing(stand: Stand) -> None:
    stand.control(auto_exposure=3, white_balance_automatic=1)
    for name in ("exposure_time_absolute", "white_balance_temperature", "focus_absolute"):
        with pytest.raises(Refused, match="permission denied"):
            stand.camera.controls.write(name, 100)
    stand.control(auto_exposure=1)
    stand.control(exposure_time_absolute=77)
    assert stand.shown("exposure_time_absolute") == 77


def test_values_are_fitted_as_v4l2_does_and_menus_are_strict(stand: Stand) -> None:
    stand.control(exposure_time_absolute=99999, gain=-5, white_balance_temperature=4567, exposure_dynamic_framerate=7)
    assert stand.shown("exposure_time_absolute") == 5000
    assert stand.shown("gain") == 0
    assert stand.shown("white_balance_temperature") == 4560
    assert stand.shown("exposure_dynamic_framerate") == 1
    for wrong in (0, 2, 4):
        with pytest.raises(Refused, match="invalid argument"):
            stand.camera.controls.write("auto_exposure", wrong)
    with pytest.raises(NotSupported, match="iris"):
        stand.camera.controls.write("iris_absolute", 1)


@pytest.mark.parametrize("latency", [2, 4, 6])
def test_a_written_exposure_is_seen_after_the_latency(latency: int) -> None:
    stand = Stand(Sides, latency=latency)
    stand.world.daylight = daylight_for(0.4)
    stand.picture(10)
    before = stand.seen()
    stand.control(exposure_time_absolute=100)
    assert stand.shown("exposure_time_absolute") == 100
    levels = [stand.seen() for _ in range(8)]
    changed = [index for index, level in enumerate(levels) if level < 0.9 * before]
    assert changed[0] + 1 == latency  # the first picture has waited for one interval
    assert levels[latency] == pytest.approx(before / 2, rel=0.03)


@pytest.mark.parametrize("latency", [2, 3, 6])
def test_a_step_of_light_is_seen_after_the_latency(latency: int) -> None:
    stand = Stand(Sides, latency=latency)
    stand.picture(10)
    stand.light(key=1.0)
    levels = [stand.seen() for _ in range(9)]
    assert [level > 0.05 for level in levels].index(True) + 1 == latency


def test_no_exposure_outlasts_its_picture_unless_it_may(stand: Stand) -> None:
    stand.control(exposure_time_absolute=1200)
    stand.picture(5)
    assert stand.shown("exposure_time_absolute") == 400
    assert stand.seen() == pytest.approx(0.4, rel=0.03)
    stand.control(exposure_dynamic_framerate=1, exposure_time_absolute=1200)
    stand.picture(9)
    assert stand.shown("exposure_time_absolute") == 1200
    assert stand.camera.pace == 3


def test_a_stale_read_back_says_what_was_written_last_while_the_picture_goes_on(stand: Stand) -> None:
    stand.control(exposure_time_absolute=250)
    stand.picture(5)
    stand.control(auto_exposure=3, power_line_frequency=0)
    stand.camera.controls.stale = True
    stand.picture(40)
    assert stand.shown("exposure_time_absolute") == 250
    stand.camera.controls.stale = False
    assert stand.shown("exposure_time_absolute") < 230


def test_a_lying_control_takes_everything_and_does_nothing(stand: Stand) -> None:
    stand.camera.controls.lying.add("exposure_time_absolute")
    before = stand.seen(3)
    stand.control(exposure_time_absolute=50)
    assert stand.shown("exposure_time_absolute") == 50
    assert stand.seen(10) == pytest.approx(before, rel=0.01)
    stand.camera.controls.lying = {"auto_exposure"}
    stand.control(auto_exposure=3)
    assert stand.shown("auto_exposure") == 3
    stand.world.daylight *= 2
    assert stand.seen(40) == pytest.approx(2 * before, rel=0.03)


def test_a_missing_control_is_not_there(stand: Stand) -> None:
    stand.camera.controls.missing.add("auto_exposure")
    assert "auto_exposure" not in {control.name for control in stand.camera.controls.list()}
    with pytest.raises(NotSupported):
        stand.shown("auto_exposure")
    stand.control(exposure_time_absolute=100)  # nothing is there that could hold it


def test_gain_is_tenths_of_a_decibel_and_focus_blurs(stand: Stand) -> None:
    usual = stand.seen()
    stand.control(gain=60)
    assert stand.seen(4) == pytest.approx(usual * 10 ** (6 / 20), rel=0.02)
    stand.world.daylight = 0.0
    stand.light(key=0.8)
    sharp = np.abs(np.diff(stand.linear(stand.picture(9))[:, :, 1], axis=1)).max()
    stand.control(focus_automatic_continuous=0)
    stand.control(focus_absolute=0)
    soft = np.abs(np.diff(stand.linear(stand.picture(9))[:, :, 1], axis=1)).max()
    assert soft < 0.7 * sharp


def test_unplugged_there_is_nothing_to_ask_and_replugged_it_is_as_delivered(stand: Stand) -> None:
    stand.control(auto_exposure=1, exposure_time_absolute=123, white_balance_temperature=3000)
    stand.picture(5)
    stand.control(gain=100)  # not yet in force
    stand.camera.fault(Fault.UNPLUG)
    for ask in (stand.camera.controls.list, lambda: stand.shown("gain"), lambda: stand.control(gain=1)):
        with pytest.raises(DeviceMissing):
            ask()
    stand.camera.heal()
    for control in stand.camera.controls.list():
        assert stand.shown(control.name) == control.default
    stand.camera.sensor.kelvin = 4000.0  # how it is made, not how it is set
    stand.camera.fault(Fault.UNPLUG)
    stand.camera.heal()
    assert stand.shown("white_balance_temperature") == 4000
