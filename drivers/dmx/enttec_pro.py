"""ENTTEC DMX USB Pro, and the clones that speak its protocol: one universe over a USB serial port.

The widget repeats the last frame by itself; it is fed again every 0.9 s all the same, so that one that was power
cycled behind a powered hub comes back with the look.
"""

from collections.abc import Iterable, Sequence

from pydantic import Field

from drivers.base import Check, Identity, Refresh
from drivers.dmx import enttec_codec as codec
from drivers.dmx.enttec_checks import widget_checks
from drivers.dmx.enttec_codec import Decoder, Label, Parameters
from drivers.dmx.enttec_rdm import EnttecRdm, can_rdm
from drivers.dmx.rdm_checks import rdm_checks
from drivers.dmx.rdm_known import Known
from drivers.errors import BadReply, DeviceMissing, LinkLost, NotSupported, ReplyTimeout
from drivers.host import Host, Link
from drivers.registry import DriverSpec, Kind, Options

BAUD = 57600
"""A dummy: the widget's USB chip ignores it (API 1.44, *PC setup*)."""

VARIETIES = {1: "DMX", 2: "DMX and RDM", 3: "RDM sniffer"}


class EnttecProOptions(Options):
    """What the configuration may say about a widget."""

    port: str = Field(min_length=1, description="Path of the serial port, or usb:SERIAL, which survives replugging.")
    timeout: float = Field(0.5, ge=0.05, le=5, description="Seconds to wait for an answer.")
    serial: str | None = Field(
        None, pattern=r"^[0-9A-Fa-f]{1,8}$", description="Serial number on the case; another widget is then refused."
    )
    break_us: float | None = Field(None, ge=96, le=1356, description="DMX break in µs; none: as the widget is set.")
    mab_us: float | None = Field(
        None, ge=10.67, le=1356, description="Mark after break in µs; none: as the widget is set."
    )
    rate: int | None = Field(
        None, ge=0, le=40, description="DMX frames per second, 0 = fastest; none: as the widget is set."
    )

    def exclusive(self, universes: Sequence[int]) -> Iterable[tuple[str, str]]:
        return [("options.port", self.port)]

    def wanted(self, found: Parameters) -> Parameters:
        """``found`` with what these options say instead."""
        return Parameters(
            found.firmware_lsb,
            found.firmware_msb,
            found.break_time if self.break_us is None else round(self.break_us / codec.UNIT_US),
            found.mab_time if self.mab_us is None else round(self.mab_us / codec.UNIT_US),
            found.rate if self.rate is None else self.rate,
            found.user,
        )


class EnttecPro:
    """Output of one universe."""

    refresh = Refresh(max_hz=44.0, keepalive=0.9, min_gap=0.006)
    """The widget times the line itself and takes its newest frame from what we write, so a change need not wait for
    our beat; 6 ms keeps its input from filling (OLA writes at most 190 frames a second)."""

    def __init__(self, options: EnttecProOptions, host: Host) -> None:
        self.options = options
        self.host = host
        self.last: bytes | None = None
        """The last label 6 message, as sent."""
        self._link: Link | None = None
        self._rdm: EnttecRdm | None = None
        self._known = Known(options.port, self.rdm)

    def open(self) -> Identity:
        """Ask for parameters (label 3) and serial number (label 10), set the parameters that differ.

        Label 10 makes a widget that is putting out DMX stop until the first frame: hence it is asked here and never
        while the show runs.
        """
        self.close()
        self._link = self.host.serial(self.options.port, BAUD)
        try:
            return self._identify()
        except BaseException:
            self.close()
            raise

    def send(self, universe: int, frame: bytes) -> None:  # one universe: its number does not travel
        """Put 1…512 slots on the wire (fewer than 24 are padded with zeros)."""
        message = codec.send_frame(frame)
        self._opened().write(message)
        self.last = message

    def close(self) -> None:
        """Let go of the port. The widget goes on repeating the last frame."""
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def checks(self) -> Sequence[Check]:
        """SER-01…03, WID-01, WID-02 of the catalogue; with RDM firmware RDM-01…08, too."""
        return (*widget_checks(self), *(rdm_checks(self._known) if self.rdm() else ()))

    def rdm(self, universe: int = 1) -> EnttecRdm | None:
        """RDM on its line, while it is open and its firmware can. On the device's own lane only."""
        return self._rdm if self._link is not None else None

    def rdm_known(self, universe: int = 1) -> Known:
        """What the checks remember of its line."""
        return self._known

    # --- for the checks ----------------------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        return self._link is not None

    def ask_parameters(self, timeout: float) -> Parameters:
        """Label 3; leaves a running output running."""
        found = Parameters.decode(self._ask(codec.ask_parameters(), Label.PARAMETERS, timeout))
        if found is None:
            raise BadReply(f"{self.options.port}: the widget's parameters are too short")
        return found

    def resend(self) -> None:
        """Write the last frame again and wait until it has left."""
        if self.last is not None:
            link = self._opened()
            link.write(self.last)
            link.drain()

    # --- open, step by step ------------------------------------------------------------------------------------------

    def _identify(self) -> Identity:
        found = self.ask_parameters(self.options.timeout)
        variety = VARIETIES.get(found.firmware_msb, f"variety {found.firmware_msb}")
        if found.firmware_msb == 3:
            raise NotSupported(
                f"{self.options.port}: firmware {found.firmware} is the RDM sniffer, which cannot send",
                "load the DMX or the RDM firmware with the maker's tool",
            )
        serial = self._serial_number()
        self._expect(serial)
        wanted = self.options.wanted(found)
        if wanted != found:
            self._opened().write(codec.encode(Label.SET_PARAMETERS, wanted.setting()))
        self._rdm = EnttecRdm(self, self._opened, found, serial) if can_rdm(found) else None
        return Identity("DMX USB Pro", found.firmware, serial, {"port": self.options.port, "variety": variety})

    def _serial_number(self) -> str:
        """As printed on the case; "" for a clone that does not know the question."""
        try:
            answer = self._ask(codec.ask_serial(), Label.SERIAL_NUMBER, self.options.timeout)
        except ReplyTimeout:
            return ""
        text = codec.serial_text(answer)
        if text is None:
            raise BadReply(f"{self.options.port}: a serial number of {len(answer)} bytes instead of 4")
        return text

    def _expect(self, serial: str) -> None:
        wanted = self.options.serial
        if wanted is not None and wanted.upper().rjust(8, "0") != serial:
            there = f"widget {serial}" if serial else "a widget without a serial number"
            raise DeviceMissing(
                f"{self.options.port}: {there} is there, not {wanted}",
                "plug the right widget in, or correct the option serial",
            )

    def _ask(self, request: bytes, label: Label, timeout: float) -> bytes:
        """Send a request and wait for its reply; unasked messages (received DMX) in between are let go."""
        link = self._opened()
        for _ in range(8):  # what came before the question is no answer; bounded, for DMX input may never pause
            if not link.read(4096, 0):
                break
        decoder = Decoder()
        until = self.host.now() + timeout
        link.write(request)
        while (remaining := until - self.host.now()) > 0:
            for message in decoder.feed(link.read(1024, remaining)):
                if message.label == label:
                    return message.data
        if decoder.dropped:
            raise BadReply(
                f"{self.options.port}: the answer to label {label} is not one of a DMX USB Pro",
                "check that the port is the widget's; try another cable or hub",
            )
        cut = " whole" if decoder.partial else ""
        raise ReplyTimeout(
            f"{self.options.port}: no{cut} answer to label {label} in {timeout:g} s",
            "check that the port is the widget's; unplug it and plug it in again",
        )

    def _opened(self) -> Link:
        link = self._link
        if link is None:
            raise LinkLost(f"{self.options.port} is not open")
        return link


SPEC = DriverSpec(
    name="enttec-pro",
    kind=Kind.OUTPUT,
    options=EnttecProOptions,
    make=EnttecPro,
    twin="drivers.virtual.twins.enttec:enttec_twin",
    example={"port": "usb:EN123456"},
    universes=1,
)
