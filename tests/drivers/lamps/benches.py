"""Buses and their far ends for tests."""

from drivers.host import SerialPort
from drivers.lamps.line import LineOptions
from drivers.lamps.modbus import ModbusBus, ModbusOptions
from drivers.virtual.clock import ManualClock
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twin import Fitted
from firmware_profiles import library
from firmware_profiles.model import Personality


def mode(name, personality):
    return library.find(name).personalities[personality]


def made(slots, **wire):
    return Personality.model_validate({"title": "for a test", "slots": slots, **wire})


class Spy:
    """Firmware that notes what it is sent and answers as it is told."""

    def __init__(self, answer=lambda data: b""):
        self.heard = []
        self.answer = answer

    def receive(self, data):
        self.heard.append(data)
        return self.answer(data)

    def restart(self):
        self.heard.clear()


def bus(kind, twin, fitted, **options):
    """A driver and its twin with these lamps."""
    studio = VirtualStudio(ManualClock())
    lamps = tuple(Fitted(f"lamp-{n}", *each) for n, each in enumerate(fitted))
    studio.lamps["bus"] = lamps
    read = (ModbusOptions if kind is ModbusBus else LineOptions).model_validate(options or {"port": "/dev/b"})
    far = twin(studio, read, "bus")
    driver = kind(read, studio)
    handles = [driver.lamp(each.name, each.personality, each.unit, each.channel) for each in lamps]
    return studio, driver, handles, far


def spied(kind, personality, answer, **lamp):
    studio = VirtualStudio(ManualClock())
    spy = Spy(answer)
    studio.place_serial(SerialPort("/dev/b", "/dev/b"), spy)
    driver = kind((ModbusOptions if kind is ModbusBus else LineOptions)(port="/dev/b"), studio)
    return driver, driver.lamp("lamp", personality, **lamp), spy
