"""A DMX512 receiver on the line of a bare UART: it times break and mark, and shifts slots in one by one."""

from collections.abc import Callable

from drivers.dmx.open_dmx import SLOT, OpenDmxOptions
from drivers.host import SerialPort
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twins.held import Held, Plugged
from drivers.virtual.wires import Socket

FTDI, FT232R = 0x0403, 0x6001
BREAK, MAB = 88e-6, 8e-6
"""What a receiver must take for a break and a mark (E1.11, table 7): less may be missed, and is missed here."""
GRAIN = 1e-9
"""Rounding of a clock that counts seconds in floating point."""


class DmxReceiver:
    """The line as :class:`drivers.virtual.twin.SerialDevice` and :class:`drivers.virtual.twin.LineDevice`.

    It takes slots as they come, as real receivers do; what came after too short a break or mark is no packet.
    """

    def __init__(self, held: Held, now: Callable[[], float], universe: int = 1) -> None:
        self.missed = 0
        """Packets not taken: break or mark too short, or data without a break before."""
        self.cut = 0
        """Packets whose last slots a break cut off on the wire."""
        self._held = held
        self._now = now
        self._universe = universe
        self.restart()

    def restart(self) -> None:
        """Power cycle."""
        self._held.clear()
        self._packet = bytearray()
        self._broken_at: float | None = None
        self._marked_at: float | None = None
        self._taking = False
        self._free = self._now()

    def line(self, broken: bool) -> None:
        now = self._now()
        if broken:
            if now < self._free - GRAIN:
                self.cut += 1
            self._free = now
            self._broken_at = now
        elif self._broken_at is not None:
            self._taking = now - self._broken_at >= BREAK - GRAIN
            self._broken_at = None
            self._marked_at = now
            self._packet.clear()

    def receive(self, data: bytes) -> bytes:
        """Slots; a line at break carries none."""
        now = self._now()
        if self._broken_at is not None or self._marked_at is None:
            self.missed += 1
            return b""
        if not self._packet:
            self._taking &= now - self._marked_at >= MAB - GRAIN
            self.missed += not self._taking
        self._free = max(now, self._free) + len(data) * SLOT
        self._packet += data
        slots = bytes(self._packet[1:513])
        if self._taking and slots and self._packet[0] == 0:  # other start codes are no levels
            self._held.take(self._universe, slots)
        return b""


class OpenDmxTwin(Plugged):
    """The adapter in its socket (:class:`drivers.virtual.twin.OutputTwin`)."""

    firmware = ""
    mute = True

    def __init__(self, socket: Socket, device: DmxReceiver, held: Held) -> None:
        super().__init__(socket, held)
        self.device = device


def open_dmx_twin(studio: VirtualStudio, options: OpenDmxOptions, name: str) -> OpenDmxTwin:
    """A receiver behind the port that ``options`` name."""
    held = Held(studio.took)
    device = DmxReceiver(held, studio.now, studio.universes.get(name, (1,))[0])
    usb_serial = options.port.removeprefix("usb:") if options.port.startswith("usb:") else ""
    path = f"/dev/virtual/{name}" if usb_serial else options.port
    port = SerialPort(path, options.port, "FT232R USB UART", usb_serial, FTDI, FT232R)
    twin = OpenDmxTwin(studio.place_serial(port, device), device, held)
    studio.add(name, twin)
    return twin
