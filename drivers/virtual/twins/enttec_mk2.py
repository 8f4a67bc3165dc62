"""Fake firmware of an ENTTEC DMX USB Pro Mk2: a second socket, once the right key was told."""

from drivers.dmx import enttec_codec as codec
from drivers.dmx.enttec_codec import Label
from drivers.dmx.enttec_mk2 import DMX, MK2, EnttecMk2Options
from drivers.host import SerialPort
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twins.enttec import FT245, FTDI, SERIAL, EnttecFirmware, EnttecTwin
from drivers.virtual.twins.held import Held


class UnlockedFirmware(EnttecFirmware):
    """Key and assignment are forgotten with the power; labels of a key it was not told are labels it does not know."""

    key = b""
    assign_label = 0
    unlocked = False
    assigned = (DMX, 0)

    def restart(self) -> None:
        super().restart()
        self.unlocked = False
        self.assigned = (DMX, 0)

    @property
    def second(self) -> bool:
        """Whether its second socket carries DMX."""
        return self.unlocked and self.assigned[1] == DMX

    def _answer(self, label: int, data: bytes) -> bytes:
        if label == Label.HARDWARE_VERSION:
            return codec.encode(label, bytes((MK2,)))
        if label == Label.API_KEY:
            self.unlocked = data == self.key
            return b""
        if self.unlocked and label == self.assign_label and len(data) == 2:
            self.assigned = (data[0], data[1])
            return b""
        return super()._answer(label, data)


class Mk2Firmware(UnlockedFirmware):
    """One that sends."""

    def __init__(self, held: Held, options: EnttecMk2Options) -> None:
        super().__init__(held, options.ports[0], options.serial or SERIAL)
        self.key, self.assign_label = bytes.fromhex(options.api_key)[::-1], options.assign_label
        self._universe2 = options.ports[1]
        self._send2 = options.send_label

    def _answer(self, label: int, data: bytes) -> bytes:
        if self.second and label == self._send2:
            self._send(self._universe2, data)
            return b""
        return super()._answer(label, data)


def enttec_mk2_twin(studio: VirtualStudio, options: EnttecMk2Options, name: str) -> EnttecTwin:
    """A Mk2 behind the port that ``options`` name."""
    held = Held(studio.took)
    device = Mk2Firmware(held, options)
    usb_serial = options.port.removeprefix("usb:") if options.port.startswith("usb:") else ""
    path = f"/dev/virtual/{name}" if usb_serial else options.port
    port = SerialPort(path, options.port, "DMX USB Pro Mk2", usb_serial, FTDI, FT245)
    twin = EnttecTwin(studio.place_serial(port, device), device, held)
    studio.add(name, twin)
    return twin
