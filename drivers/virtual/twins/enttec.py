"""Fake firmware of an ENTTEC DMX USB Pro."""

from drivers.dmx import enttec_codec as codec
from drivers.dmx.enttec_codec import Decoder, Label, Parameters
from drivers.dmx.enttec_pro import EnttecProOptions
from drivers.dmx.enttec_rdm import NO_BRANCH_TIMEOUT, can_rdm
from drivers.dmx.rdm_codec import Decoder as RdmDecoder
from drivers.host import SerialPort
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twins.held import Held, Plugged
from drivers.virtual.twins.rdm_line import Line
from drivers.virtual.wires import Socket

FTDI, FT245 = 0x0403, 0x6001
SERIAL = "02134567"
FACTORY = Parameters(firmware_lsb=44, firmware_msb=1, break_time=9, mab_time=1, rate=40)


class EnttecFirmware:
    """Bytes in, bytes out (:class:`drivers.virtual.twin.SerialDevice`).

    As the API says, requests it does not know are ignored, and every request but 3 and 6 stops the DMX output. The
    parameters live in flash: they survive a power cycle, the frame does not. It counts a message's bytes, however long
    they take, and lets go of all of them when no E7 is behind them.
    """

    def __init__(self, held: Held, universe: int = 1, serial: str = SERIAL, parameters: Parameters = FACTORY) -> None:
        self.parameters = parameters
        self.putting_out = False
        self.line: Line | None = None
        """RDM responders on its line, where the firmware can talk to them."""
        self._serial = serial
        self._universe = universe
        self._held = held
        self._decoder = Decoder(again=False)

    def receive(self, data: bytes) -> bytes:
        """What the host wrote → what the widget answers."""
        return b"".join(self._answer(message.label, message.data) for message in self._decoder.feed(data))

    def restart(self) -> None:
        """Power cycle."""
        self._decoder = Decoder(again=False)
        self.putting_out = False
        self._held.clear()

    def _answer(self, label: int, data: bytes) -> bytes:
        if label == Label.SEND:
            self._send(self._universe, data)
            return b""
        if label == Label.PARAMETERS:
            size = int.from_bytes(data[:2], "little")
            reply = self.parameters.encode()[:5] + self.parameters.user[:size].ljust(min(size, 508), b"\xff")
            return codec.encode(Label.PARAMETERS, reply)
        self.putting_out = False
        if label in (Label.SEND_RDM, Label.RDM_DISCOVERY) and self.line and can_rdm(self.parameters):
            return self._rdm(self.line, data, branch=label == Label.RDM_DISCOVERY)
        if label == Label.SERIAL_NUMBER:
            return codec.encode(Label.SERIAL_NUMBER, codec.serial_bytes(self._serial))
        if label == Label.SET_PARAMETERS and len(data) >= 5:
            old = self.parameters
            self.parameters = Parameters(
                old.firmware_lsb,
                old.firmware_msb,
                min(max(data[2], 9), 127),
                min(max(data[3], 1), 127),
                min(data[4], 40),
                data[5:],
            )
        return b""

    def _rdm(self, line: Line, packet: bytes, branch: bool) -> bytes:
        """The answer as label 5, and the time-out where there was none, none whole, or after a branch (before 4.15)."""
        heard = line.exchange(packet)
        if branch:
            owed = (self.parameters.firmware_msb, self.parameters.firmware_lsb) < NO_BRANCH_TIMEOUT
        else:
            owed = not RdmDecoder().feed(heard)
        timeout = codec.encode(Label.RDM_TIMEOUT)
        return (codec.encode(Label.RECEIVED, b"\0" + heard) + (timeout if owed else b"")) if heard else timeout

    def _send(self, universe: int, data: bytes) -> None:
        if not codec.FEWEST_SLOTS < len(data) <= 513:
            return
        self.putting_out = True
        if data[0] == 0:  # other start codes go out, but are no levels
            self._held.take(universe, data[1:])


class EnttecTwin(Plugged):
    """The widget in its socket (:class:`drivers.virtual.twin.OutputTwin`)."""

    def __init__(self, socket: Socket, device: EnttecFirmware, held: Held) -> None:
        super().__init__(socket, held)
        self.device = device

    @property
    def firmware(self) -> str:
        return self.device.parameters.firmware


def enttec_twin(studio: VirtualStudio, options: EnttecProOptions, name: str) -> EnttecTwin:
    """A widget behind the port that ``options`` name."""
    held = Held(studio.took)
    device = EnttecFirmware(held, studio.universes.get(name, (1,))[0], options.serial or SERIAL)
    usb_serial = options.port.removeprefix("usb:") if options.port.startswith("usb:") else ""
    path = f"/dev/virtual/{name}" if usb_serial else options.port
    port = SerialPort(path, options.port, "DMX USB Pro", usb_serial, FTDI, FT245)
    twin = EnttecTwin(studio.place_serial(port, device), device, held)
    studio.add(name, twin)
    return twin
