"""An ENTTEC DMX USB Pro as an input: a console's cable goes into it, and we hear what the console sends.

A widget does one thing at a time: this one cannot put out DMX, too (API 1.44, label 6 and 8).
"""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field

from drivers.base import Check, Heard
from drivers.dmx import enttec_checks as checks
from drivers.dmx import enttec_codec as codec
from drivers.dmx.enttec_codec import Decoder, Label, Message, Parameters
from drivers.dmx.enttec_pro import WidgetPort
from drivers.dmx.enttec_receive import Receiver
from drivers.dmx.enttec_widget import Widget
from drivers.host import Host
from drivers.registry import DriverSpec, Kind


class ListeningPort(WidgetPort):
    """What the configuration may say about any widget that listens."""

    priority: int = Field(
        101, ge=0, le=200, description="Priority of what is heard (DMX has none); more than ours takes over."
    )


class EnttecProInOptions(ListeningPort):
    """What the configuration may say about a widget that listens."""

    universe: int = Field(1, ge=1, le=63999, description="Number of the universe that comes in by this cable.")
    mode: Literal["always", "change"] = Field(
        "always",
        description="always: every packet is handed on. change: only what changed, for a slow USB line; a cable that is"
        " pulled is then noticed after up to 2.5 s instead of 1.25 s.",
    )


class Cable:
    """What comes in by one socket, and what was told of it."""

    def __init__(self, universe: int, priority: int, source: str, on_change: bool = False) -> None:
        self.receiver = Receiver(on_change, 0.0)
        self._universe = universe
        self._priority = priority
        self._source = source
        self._on_change = on_change
        self._told: bytes | None = None
        self._lost = False

    def open(self, now: float) -> None:
        """The widget has just been found. What was told before an outage stands until it is heard again, or is told to
        be lost."""
        self.receiver = Receiver(self._on_change, now)
        self._told = None if self._told is None else b""

    def news(self, now: float) -> Heard | None:
        """What is to be told of it now."""
        self._lost = self.receiver.check(now)
        slots = self.receiver.slots
        if self._lost and self._told is not None:
            self._told = None
            return Heard(self._universe, b"", self._priority, ended="lost")
        if slots is not None and slots != self._told:
            self._told = slots
            return Heard(self._universe, slots, self._priority, sources=(self._source,))
        return None

    @property
    def due(self) -> float:
        """When :meth:`news` has something to say, though nothing came in."""
        return math.inf if self._lost else self.receiver.due


class WidgetIn(Widget):
    """A widget that listens on one socket or several."""

    purpose = "hand DMX on"
    lost_after = 2.5
    """See the option ``mode``."""

    def __init__(self, options: ListeningPort, host: Host, cables: Mapping[int, Cable]) -> None:
        """``cables``: by the label of their packets; the first socket's is 5."""
        super().__init__(options, host)
        self.options = options
        self._decoder = Decoder()
        self._all = True
        self._cables = cables

    def listen(self, timeout: float) -> Sequence[Heard]:
        until = self.host.now() + timeout
        link = self._opened()
        cables = self._cables.values()
        first = self._cables[Label.RECEIVED].receiver
        while True:
            now = self.host.now()
            news = [heard for heard in [each.news(now) for each in cables] if heard is not None]
            if first.wants_all != self._all:
                link.write(codec.receive_mode(not first.wants_all))
                self._all = first.wants_all
            if news or now >= until:
                return news
            wake = min(until, *(each.due for each in cables))
            for message in self._decoder.feed(link.read(4096, max(0.0, wake - now))):
                cable = self._cables.get(message.label)
                if cable is not None:
                    cable.receiver.hear(Message(Label.RECEIVED, message.data), self.host.now())
                else:
                    first.hear(message, self.host.now())

    def checks(self) -> Sequence[Check]:
        """SER-01, SER-02 and WID-01 of the catalogue."""
        return (*checks.port_checks(self), checks.answer_check(self, self.options.port))

    def ask_parameters(self, timeout: float) -> Parameters:
        """Label 3. Packets that come in meanwhile are missed."""
        try:
            return super().ask_parameters(timeout)
        finally:
            self._decoder = Decoder()
            for each in self._cables.values():
                each.receiver.doubt(self.host.now())

    @property
    def counts(self) -> dict[str, int]:
        """Packets and messages since the device was opened that were no levels, by reason."""
        receivers = [each.receiver for each in self._cables.values()]
        return {
            "spoiled": sum(each.spoiled for each in receivers),
            "other": sum(each.other for each in receivers),
            "malformed": sum(each.malformed for each in receivers),
            "stray": self._decoder.dropped,
        }

    def _prepare(self, found: Parameters, serial: str) -> None:
        self._decoder = Decoder()
        for each in self._cables.values():
            each.open(self.host.now())
        self._all = True
        self._opened().write(codec.receive_mode(on_change=False))


class EnttecProIn(WidgetIn):
    """Input of one universe."""

    def __init__(self, options: EnttecProInOptions, host: Host) -> None:
        source, on_change = f"DMX on {options.port}", options.mode == "change"
        cable = Cable(options.universe, options.priority, source, on_change)
        super().__init__(options, host, {Label.RECEIVED: cable})


SPEC = DriverSpec(
    name="enttec-pro-in",
    kind=Kind.INPUT,
    options=EnttecProInOptions,
    make=EnttecProIn,
    twin="drivers.virtual.twins.enttec_in:enttec_in_twin",
    example={"port": "usb:EN654321"},
    universes=1,
)
