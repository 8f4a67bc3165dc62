"""DMX512 straight from a UART: ENTTEC Open DMX USB, its clones, and any FT232 with an RS-485 driver behind it.

No microcontroller: the host makes every packet, for ever, or the receivers lose their light.

      idle ──┐  break ≥ 92 µs  ┌── MAB ≥ 12 µs ──┬─ start code ─┬─ slot 1 ─┬ … ┬─ slot 512 ─┬── idle
             └─────────────────┘                 └ 250 kbit/s, 8N2: 44 µs each           ┘
             TIOCSBRK          TIOCCBRK          write()                                  wire free

Source: ANSI E1.11 - 2008 (R2018), 8.11, table 6 (transmitter timing): break 92 µs at least, mark after break (MAB)
12 µs at least and below 1 s, break to break 1204 µs at least and 1 s at most. Both may be longer than asked without
harm, as every wait of a general-purpose system is; neither may be shorter.

**When is the wire free?** A break takes effect at once, also when slots still wait in the UART: it would cut them off.
TIOCOUTQ counts the kernel's buffer only, and a USB chip holds 128 to 4096 bytes more. Linux' ftdi_sio lets
``tcdrain`` wait for the chip's *transmitter empty* bit, but looks once a clock tick (1 to 10 ms), and other chips'
drivers (CH340) have no such bit. So the end is *computed* (from the moment the write returned, 44 µs a slot, and
``LATENCY`` for USB) and the next break waits for it; then the port is drained, which by then is one question. Neither
alone would do: a stalled bus is seen by the drain only, a chip without the bit by the computation only. Once a bus has
stalled, what waited in the kernel reaches the chip at a time nobody knows: then it is drained first and the computation
begins there. Bytes left in a chip over a break would be the next packet's start code and slots.
"""

from collections.abc import Iterable, Sequence

from pydantic import Field

from drivers.base import Check, Identity, Limits, Refresh
from drivers.dmx import enttec_checks as checks
from drivers.errors import LinkLost, ReplyTimeout
from drivers.host import Host, Uart
from drivers.registry import DriverSpec, Kind, Options

BAUD = 250_000
SLOT = 44e-6
"""Seconds: a start bit, eight data bits, two stop bits."""
LATENCY = 0.0015
"""Seconds the last bytes may take from the kernel to the chip: one USB frame and a little."""
WHOLE = 513 * SLOT + LATENCY
"""Seconds after which nothing of a packet is on its way any more."""
PACKET_MS = Limits(warn=30.0, fail=50.0)
"""A full packet takes 24.5 ms with its waits; at 50 ms half the rate is gone."""
PACKETS = 8
FEWEST_SLOTS = 24
"""Shorter packets could follow one another faster than receivers must bear (1204 µs)."""


class OpenDmxOptions(Options):
    """What the configuration may say about such an adapter."""

    port: str = Field(min_length=1, description="Path of the serial port, or usb:SERIAL, which survives replugging.")
    rate: float = Field(38.0, ge=10, le=40, description="DMX frames per second; changed or not, all are sent.")
    break_us: float = Field(176.0, ge=92, le=500, description="DMX break in µs, at least; in truth some 100 µs longer.")
    mab_us: float = Field(20.0, ge=12, le=200, description="Mark after break in µs, at least.")
    rts: bool = Field(
        False,
        description="Level of the RTS line while sending. ENTTEC's own and most clones send with RTS off; for those"
        " that stay dark try true.",
    )

    def exclusive(self, universes: Sequence[int]) -> Iterable[tuple[str, str]]:
        return [("options.port", self.port)]


class OpenDmx:
    """Output of one universe. ``send`` returns when the packet has been handed over, not when it has passed."""

    def __init__(self, options: OpenDmxOptions, host: Host) -> None:
        self.options = options
        self.host = host
        self.last: bytes | None = None
        """The last packet as sent: start code and slots."""
        self.refresh = Refresh(max_hz=options.rate, keepalive=1 / options.rate)
        self._link: Uart | None = None
        self._free = 0.0
        """When the last packet has passed, on the host's clock."""
        self._held_up = False
        """The bus stalled, and what it held has not been seen to leave."""

    def open(self) -> Identity:
        """Nobody answers here: an adapter that can be opened is all that can be known."""
        self.close()
        link = self.host.serial(self.options.port, BAUD)
        self._link = link
        try:
            link.set_rts(self.options.rts)
            link.set_break(False)
        except BaseException:
            self.close()
            raise
        self._free = self.host.now() + WHOLE  # a program before us may have left a packet on its way
        serial = self.options.port.removeprefix("usb:") if self.options.port.startswith("usb:") else ""
        return Identity("Open DMX", serial=serial, details={"port": self.options.port})

    def send(self, universe: int, frame: bytes) -> None:  # one universe: its number does not travel
        """One packet of 1…512 slots (fewer than 24 are padded with zeros); waits until the one before has passed."""
        self._put(bytes(1) + frame.ljust(FEWEST_SLOTS, b"\0"))

    def close(self) -> None:
        """Let go of the port. The line falls idle; receivers do what they are set to do then, within 1 s."""
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def checks(self) -> Sequence[Check]:
        """SER-01…03 of the catalogue. SER-03 has the line's own time in it, and takes a fifth of a second, in which no
        fade goes on."""
        return (
            *checks.port_checks(self),
            checks.write_check(self, lambda: checks.write_time(self, PACKET_MS, PACKETS)),
        )

    @property
    def is_open(self) -> bool:
        """For the checks."""
        return self._link is not None

    def resend(self) -> None:
        """For the checks: the last packet again."""
        if self.last is not None:
            self._put(self.last)

    def _put(self, packet: bytes) -> None:
        link = self._link
        if link is None:
            raise LinkLost(f"{self.options.port} is not open")
        try:
            if self._held_up:
                link.drain()
                self._held_up = False
                self._free = self.host.now() + WHOLE
            if (rest := self._free - self.host.now()) > 0:
                link.pause(rest)
            link.drain()
            link.set_break(True)
            link.pause(self.options.break_us * 1e-6)
            link.set_break(False)
            link.pause(self.options.mab_us * 1e-6)
            link.write(packet)
        except ReplyTimeout:
            self._held_up = True
            raise
        self._free = self.host.now() + len(packet) * SLOT + LATENCY
        self.last = packet


SPEC = DriverSpec(
    name="open-dmx",
    kind=Kind.OUTPUT,
    options=OpenDmxOptions,
    make=OpenDmx,
    twin="drivers.virtual.twins.open_dmx:open_dmx_twin",
    example={"port": "usb:A50285BI"},
    universes=1,
)
