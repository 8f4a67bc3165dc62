"""An ENTTEC DMX USB Pro as an input: a console's cable goes into it, and we hear what the console sends.

A widget does one thing at a time: this one cannot put out DMX, too (API 1.44, label 6 and 8).
"""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from drivers.base import Check, Heard
from drivers.dmx import enttec_checks as checks
from drivers.dmx import enttec_codec as codec
from drivers.dmx.enttec_codec import Decoder, Parameters
from drivers.dmx.enttec_pro import WidgetPort
from drivers.dmx.enttec_receive import Receiver
from drivers.dmx.enttec_widget import Widget
from drivers.host import Host
from drivers.registry import DriverSpec, Kind


class EnttecProInOptions(WidgetPort):
    """What the configuration may say about a widget that listens."""

    universe: int = Field(1, ge=1, le=63999, description="Number of the universe that comes in by this cable.")
    priority: int = Field(
        101, ge=0, le=200, description="Priority of what is heard (DMX has none); more than ours takes over."
    )
    mode: Literal["always", "change"] = Field(
        "always",
        description="always: every packet is handed on. change: only what changed, for a slow USB line; a cable that is"
        " pulled is then noticed after up to 2.5 s instead of 1.25 s.",
    )


class EnttecProIn(Widget):
    """Input of one universe."""

    purpose = "hand DMX on"
    lost_after = 2.5
    """See the option ``mode``."""

    def __init__(self, options: EnttecProInOptions, host: Host) -> None:
        super().__init__(options, host)
        self.options = options
        self._decoder = Decoder()
        self._receiver = Receiver(False, 0.0)
        self._all = True
        self._told: bytes | None = None
        self._source = ""

    def listen(self, timeout: float) -> Sequence[Heard]:
        until = self.host.now() + timeout
        link = self._opened()
        receiver = self._receiver
        while True:
            now = self.host.now()
            lost = receiver.check(now)
            if receiver.wants_all != self._all:
                link.write(codec.receive_mode(not receiver.wants_all))
                self._all = receiver.wants_all
            if lost and self._told is not None:
                self._told = None
                return [Heard(self.options.universe, b"", self.options.priority, ended="lost")]
            if receiver.slots is not None and receiver.slots != self._told:
                self._told = receiver.slots
                return [
                    Heard(self.options.universe, receiver.slots, self.options.priority, sources=(self._source,)),
                ]
            if now >= until:
                return []
            wake = until if lost else min(until, receiver.due)
            for message in self._decoder.feed(link.read(4096, max(0.0, wake - now))):
                receiver.hear(message, self.host.now())

    def checks(self) -> Sequence[Check]:
        """SER-01, SER-02 and WID-01 of the catalogue."""
        return (*checks.port_checks(self), checks.answer_check(self, self.options.port))

    def ask_parameters(self, timeout: float) -> Parameters:
        """Label 3. Packets that come in meanwhile are missed."""
        try:
            return super().ask_parameters(timeout)
        finally:
            self._decoder = Decoder()
            self._receiver.doubt(self.host.now())

    @property
    def counts(self) -> dict[str, int]:
        """Packets and messages since the device was opened that were no levels, by reason."""
        receiver = self._receiver
        return {
            "spoiled": receiver.spoiled,
            "other": receiver.other,
            "malformed": receiver.malformed,
            "stray": self._decoder.dropped,
        }

    def _prepare(self, found: Parameters, serial: str) -> None:
        self._decoder = Decoder()
        self._receiver = Receiver(self.options.mode == "change", self.host.now())
        self._all = True
        # What was told before an outage stands until it is heard again, or is told to be lost.
        self._told = None if self._told is None else b""
        self._source = f"DMX on {self.options.port}"
        self._opened().write(codec.receive_mode(on_change=False))


SPEC = DriverSpec(
    name="enttec-pro-in",
    kind=Kind.INPUT,
    options=EnttecProInOptions,
    make=EnttecProIn,
    twin="drivers.virtual.twins.enttec_in:enttec_in_twin",
    example={"port": "usb:EN654321"},
    universes=1,
)
