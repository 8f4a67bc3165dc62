"""Where lamps can be, and where not: told before anything is opened."""

import pytest
from pydantic import ValidationError

from drivers.errors import NotSupported
from drivers.lamps.line import LineBus, LineOptions
from drivers.lamps.modbus import ModbusBus, ModbusOptions
from drivers.virtual.clock import ManualClock
from drivers.virtual.studio import VirtualStudio
from firmware_profiles import library


def mode(name, personality):
    return library.find(name).personalities[personality]


DIMMER = mode("generic/modbus-dimmer", "0-1000")
ASCII = mode("generic/ascii-controller", "8ch")


@pytest.mark.parametrize(
    ("kind", "personality", "options", "lamp", "why"),
    [
        (ModbusBus, ASCII, {}, {}, "no Modbus registers"),
        (LineBus, DIMMER, {}, {}, "no line protocol"),
        (ModbusBus, DIMMER, {}, {"unit": 248}, "no Modbus address"),
        (ModbusBus, DIMMER, {}, {"unit": 0}, "no Modbus address"),
        (ModbusBus, DIMMER, {}, {"channel": 5}, "such a device has 4"),
        (LineBus, ASCII, {"port": None, "host": "a.lan"}, {}, "the port at a.lan is not known"),
    ],
)
def test_a_lamp_that_cannot_be_there_is_refused(kind, personality, options, lamp, why):
    model = ModbusOptions if kind is ModbusBus else LineOptions
    driver = kind(model.model_validate({"port": "/dev/b", **options}), VirtualStudio(ManualClock()))
    with pytest.raises(NotSupported, match=why):
        driver.lamp("lamp", personality, **lamp)


def test_two_speeds_on_one_line_are_refused_unless_the_site_says_its_own():
    fast = mode("generic/binary-controller", "8ch")
    driver = LineBus(LineOptions(port="/dev/b"), VirtualStudio(ManualClock()))
    driver.lamp("slow", ASCII)
    with pytest.raises(NotSupported, match="19200 Bd 8N1, and slow at 9600 Bd 8N1"):
        driver.lamp("fast", fast, 2)
    driver = LineBus(LineOptions(port="/dev/b", baud=9600), VirtualStudio(ManualClock()))
    driver.lamp("slow", ASCII)
    driver.lamp("fast", fast, 2)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"port": "/dev/b", "host": "a.lan"},
        {"port": "/dev/b", "tcp": 502},
        {"host": "a.lan", "baud": 9600},
        {"host": "a.lan"},
        {"port": "/dev/b", "framing": "7E1"},
    ],
)
def test_a_place_that_is_none_is_refused(options):
    with pytest.raises(ValidationError):
        ModbusOptions.model_validate(options)
