"""The Mk2 beyond the contract: its key, its second socket, and widgets that are none."""

from typing import Any

import pytest
from pydantic import ValidationError

from drivers.base import Verdict
from drivers.dmx.enttec_mk2 import SPEC, EnttecMk2, EnttecMk2Options
from drivers.dmx.enttec_pro import EnttecProOptions
from drivers.errors import NotSupported, Refused
from drivers.virtual.clock import ManualClock
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twin import Fault
from drivers.virtual.twins.enttec import EnttecTwin, enttec_twin
from drivers.virtual.twins.enttec_mk2 import enttec_mk2_twin

EXAMPLE = dict(SPEC.example)
ONE, TWO = bytes([1]) * 512, bytes([2]) * 512


def placed(**wrong: Any) -> tuple[EnttecMk2, EnttecTwin]:
    """A driver told ``wrong`` things beside a widget that knows the right ones."""
    studio = VirtualStudio(ManualClock())
    twin = enttec_mk2_twin(studio, EnttecMk2Options.model_validate({**EXAMPLE, "ports": (5, 9)}), "widget")
    return EnttecMk2(EnttecMk2Options.model_validate({**EXAMPLE, "ports": (5, 9), **wrong}), studio), twin


def test_each_universe_has_its_socket_and_checks_change_neither():
    driver, twin = placed()
    assert driver.open().model == "DMX USB Pro Mk2"
    driver.send(9, TWO)
    driver.send(5, ONE)
    assert twin.frames == {5: ONE, 9: TWO}
    assert [check.run().verdict for check in driver.checks()] == [Verdict.PASS] * 5
    assert twin.frames == {5: ONE, 9: TWO}
    with pytest.raises(Refused, match="universe 6 is on neither socket"):
        driver.send(6, ONE)


@pytest.mark.parametrize("wrong", [{"api_key": "33221100"}, {"assign_label": 199}, {"send_label": 202}])
def test_with_another_keys_numbers_the_second_socket_stays_dark_and_the_first_is_lit(wrong):
    driver, twin = placed(**wrong)
    driver.open()
    driver.send(9, TWO)
    driver.send(5, ONE)
    assert twin.frames == {5: ONE}


def test_after_a_power_cycle_opening_tells_the_key_again():
    driver, twin = placed()
    driver.open()
    twin.fault(Fault.UNPLUG)
    twin.heal()
    driver.open()
    driver.send(9, TWO)
    assert twin.frames == {9: TWO}


def test_a_widget_with_one_socket_is_refused_with_the_driver_that_fits():
    studio = VirtualStudio(ManualClock())
    enttec_twin(studio, EnttecProOptions(port=EXAMPLE["port"]), "widget")
    with pytest.raises(NotSupported, match="one DMX socket") as refused:
        EnttecMk2(EnttecMk2Options.model_validate(EXAMPLE), studio).open()
    assert "enttec-pro" in refused.value.remedy
    assert not studio.in_use()


@pytest.mark.parametrize("wrong", [{"ports": (1, 1)}, {"ports": (0, 2)}, {"api_key": "12"}, {"send_label": 6}])
def test_options_that_cannot_be(wrong):
    with pytest.raises(ValidationError):
        EnttecMk2Options.model_validate({**EXAMPLE, **wrong})
