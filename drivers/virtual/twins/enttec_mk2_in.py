"""An ENTTEC DMX USB Pro Mk2 with a console's cable in each of its sockets."""

from collections.abc import Callable

from drivers.dmx.enttec_mk2_in import EnttecMk2InOptions
from drivers.host import SerialPort
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twins.enttec import FT245, FTDI, SERIAL
from drivers.virtual.twins.enttec_in import EnttecInTwin, ReceivingFirmware
from drivers.virtual.twins.enttec_mk2 import UnlockedFirmware


class Mk2ReceivingFirmware(UnlockedFirmware, ReceivingFirmware):
    """What comes in by its second socket is handed on once the key was told, with the label that belongs to it."""

    def __init__(self, now: Callable[[], float], options: EnttecMk2InOptions) -> None:
        ReceivingFirmware.__init__(self, now, options.serial or SERIAL)
        self.key, self.assign_label = bytes.fromhex(options.api_key)[::-1], options.assign_label
        self._receive2 = options.receive_label

    def label(self, socket: int) -> int:
        if socket == 2:
            return self._receive2 if self.second else 0
        return super().label(socket)


def enttec_mk2_in_twin(studio: VirtualStudio, options: EnttecMk2InOptions, name: str) -> EnttecInTwin:
    """A Mk2 behind the port that ``options`` name; the consoles are silent at first."""
    device = Mk2ReceivingFirmware(studio.now, options)
    usb_serial = options.port.removeprefix("usb:") if options.port.startswith("usb:") else ""
    path = f"/dev/virtual/{name}" if usb_serial else options.port
    port = SerialPort(path, options.port, "DMX USB Pro Mk2", usb_serial, FTDI, FT245)
    twin = EnttecInTwin(studio.place_serial(port, device), device, studio.now, options.ports)
    studio.add(name, twin)
    return twin
