"""ENTTEC DMX USB Pro, and the clones that speak its protocol: one universe over a USB serial port.

The widget repeats the last frame by itself; it is fed again every 0.9 s all the same, so that one that was power
cycled behind a powered hub comes back with the look.
"""

from collections.abc import Iterable, Sequence

from pydantic import Field

from drivers.base import Check, Refresh
from drivers.dmx import enttec_codec as codec
from drivers.dmx.enttec_checks import widget_checks
from drivers.dmx.enttec_codec import Label, Parameters
from drivers.dmx.enttec_rdm import EnttecRdm, can_rdm
from drivers.dmx.enttec_widget import Widget
from drivers.dmx.rdm_checks import rdm_checks
from drivers.dmx.rdm_known import Known
from drivers.host import Host
from drivers.registry import DriverSpec, Kind, Options


class WidgetPort(Options):
    """What the configuration may say about any widget."""

    port: str = Field(min_length=1, description="Path of the serial port, or usb:SERIAL, which survives replugging.")
    timeout: float = Field(0.5, ge=0.05, le=5, description="Seconds to wait for an answer.")
    serial: str | None = Field(
        None, pattern=r"^[0-9A-Fa-f]{1,8}$", description="Serial number on the case; another widget is then refused."
    )

    def exclusive(self, universes: Sequence[int]) -> Iterable[tuple[str, str]]:
        return [("options.port", self.port)]


class EnttecProOptions(WidgetPort):
    """What the configuration may say about a widget that sends."""

    break_us: float | None = Field(None, ge=96, le=1356, description="DMX break in µs; none: as the widget is set.")
    mab_us: float | None = Field(
        None, ge=10.67, le=1356, description="Mark after break in µs; none: as the widget is set."
    )
    rate: int | None = Field(
        None, ge=0, le=40, description="DMX frames per second, 0 = fastest; none: as the widget is set."
    )

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


class EnttecPro(Widget):
    """Output of one universe."""

    refresh = Refresh(max_hz=44.0, keepalive=0.9, min_gap=0.006)
    """The widget times the line itself and takes its newest frame from what we write, so a change need not wait for
    our beat; 6 ms keeps its input from filling (OLA writes at most 190 frames a second)."""

    def __init__(self, options: EnttecProOptions, host: Host) -> None:
        super().__init__(options, host)
        self.options = options
        self.last: bytes | None = None
        """The last label 6 message, as sent."""
        self._rdm: EnttecRdm | None = None
        self._known = Known(options.port, self.rdm)

    def send(self, universe: int, frame: bytes) -> None:  # one universe: its number does not travel
        """Put 1…512 slots on the wire (fewer than 24 are padded with zeros)."""
        message = codec.send_frame(frame)
        self._opened().write(message)
        self.last = message

    def checks(self) -> Sequence[Check]:
        """SER-01…03, WID-01, WID-02 of the catalogue; with RDM firmware RDM-01…08, too."""
        return (*widget_checks(self), *(rdm_checks(self._known) if self.rdm() else ()))

    def rdm(self, universe: int = 1) -> EnttecRdm | None:
        """RDM on its line, while it is open and its firmware can. On the device's own lane only."""
        return self._rdm if self._link is not None else None

    def rdm_known(self, universe: int = 1) -> Known:
        """What the checks remember of its line."""
        return self._known

    def resend(self) -> None:
        """For the checks: write the last frame again and wait until it has left."""
        if self.last is not None:
            link = self._opened()
            link.write(self.last)
            link.drain()

    def _prepare(self, found: Parameters, serial: str) -> None:
        wanted = self.options.wanted(found)
        if wanted != found:
            self._opened().write(codec.encode(Label.SET_PARAMETERS, wanted.setting()))
        self._rdm = EnttecRdm(self, self._opened, found, serial) if can_rdm(found) else None


SPEC = DriverSpec(
    name="enttec-pro",
    kind=Kind.OUTPUT,
    options=EnttecProOptions,
    make=EnttecPro,
    twin="drivers.virtual.twins.enttec:enttec_twin",
    example={"port": "usb:EN123456"},
    universes=1,
)
