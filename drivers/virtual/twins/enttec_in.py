"""An ENTTEC DMX USB Pro with a console's cable in it."""

import math
from collections.abc import Callable

from drivers.dmx import enttec_codec as codec
from drivers.dmx.enttec_codec import PACKET, Label
from drivers.dmx.enttec_pro_in import EnttecProInOptions
from drivers.host import SerialPort
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twin import Fault
from drivers.virtual.twins.enttec import FT245, FTDI, SERIAL, EnttecFirmware
from drivers.virtual.twins.held import Held
from drivers.virtual.wires import Socket

PERIOD = 1 / 44
"""Seconds between two packets of the console."""


class ReceivingFirmware(EnttecFirmware):
    """The widget's other half: packets in, messages out, as label 8 says (every one after a power cycle)."""

    def __init__(self, now: Callable[[], float], serial: str = SERIAL) -> None:
        super().__init__(Held(lambda universe, frame: None), serial=serial)
        self.on_change = False
        self.consoles: dict[int, bytes] = {}
        """Start code and slots of the packet that keeps coming, by socket."""
        self.next = math.inf
        self._now = now
        self._known = bytes(PACKET)

    def restart(self) -> None:
        super().restart()
        self.on_change = False
        self._known = bytes(PACKET)

    @property
    def due(self) -> float:
        return self.next if self.consoles else math.inf

    def speak(self) -> bytes:
        self.next = max(self.next + PERIOD, self._now())
        return b"".join(self.packet(data, socket=socket) for socket, data in self.consoles.items())

    def packet(self, data: bytes, status: int = 0, socket: int = 1) -> bytes:
        """A packet (start code and slots) came in by the cable; what the widget says of it."""
        label = self.label(socket)
        if self.putting_out or not label:
            return b""
        if not self.on_change or label != Label.RECEIVED:
            return codec.encode(label, bytes((status,)) + data)
        before, self._known = self._known, data + self._known[len(data) :]
        return b"".join(codec.encode_changes(before, self._known))

    def label(self, socket: int) -> int:
        """That of what comes in by that socket; 0: there is none, or it is not in use."""
        return Label.RECEIVED if socket == 1 else 0

    def _answer(self, label: int, data: bytes) -> bytes:
        if label == Label.RECEIVE_MODE and len(data) == 1:
            self.putting_out = False
            self.on_change = data[0] == 1
            self._known = bytes(PACKET)
            return b""
        return super()._answer(label, data)


class EnttecInTwin:
    """The widget in its socket, and the console (:class:`drivers.virtual.twin.InputTwin`)."""

    def __init__(
        self, socket: Socket, device: ReceivingFirmware, now: Callable[[], float], ports: tuple[int, ...] = ()
    ) -> None:
        """``ports``: the universes of its sockets; none: one socket, for whatever universe."""
        self.socket = socket
        self.device = device
        self._now = now
        self._ports = ports

    @property
    def firmware(self) -> str:
        return self.device.parameters.firmware

    def say(self, universe: int, slots: bytes) -> None:  # a cable carries no number
        socket = self._ports.index(universe) + 1 if self._ports else 1
        self.device.consoles[socket] = bytes(1) + slots
        self.device.next = self._now() + PERIOD
        self.send(self.device.consoles[socket], socket=socket)

    def send(self, packet: bytes, status: int = 0, socket: int = 1) -> None:
        """One packet between the console's: another start code, or one the widget lost parts of."""
        self.socket.emit(self.device.packet(packet, status, socket))

    def leave(self) -> None:
        """DMX has no goodbye: all cables are pulled."""
        self.device.consoles.clear()

    def fault(self, fault: Fault, at: int = 0) -> None:
        self.socket.fault(fault, at)

    def heal(self) -> None:
        self.socket.heal()


def enttec_in_twin(studio: VirtualStudio, options: EnttecProInOptions, name: str) -> EnttecInTwin:
    """A widget behind the port that ``options`` name; the console is silent at first."""
    device = ReceivingFirmware(studio.now, options.serial or SERIAL)
    usb_serial = options.port.removeprefix("usb:") if options.port.startswith("usb:") else ""
    path = f"/dev/virtual/{name}" if usb_serial else options.port
    port = SerialPort(path, options.port, "DMX USB Pro", usb_serial, FTDI, FT245)
    twin = EnttecInTwin(studio.place_serial(port, device), device, studio.now)
    studio.add(name, twin)
    return twin
