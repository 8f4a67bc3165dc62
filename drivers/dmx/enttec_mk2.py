"""ENTTEC DMX USB Pro Mk2: the widget with a second DMX socket, two universes over one USB port.

The first socket is a DMX USB Pro's, label for label. The second one answers to labels that ENTTEC deals out with an
*API key*: every developer gets a key and label numbers of his own, on request, and a widget knows only those of the
key it was last told (label 13). So there are no numbers to be had here: key and labels are options, as the paper that
comes with the key gives them. Known to all is, from ENTTEC's public example program for the Mk2: 13 takes the key,
four bytes, least significant first; 14 answers the hardware version in one byte, 2 and above for a Mk2; *set port
assignment* takes a byte for each socket (1: DMX); *send DMX on port 2* takes what label 6 does; what socket 2
receives comes with a label of its own, *receive DMX on port 2*, once label 8 has told the widget to hand on all; and
the program waits 200 ms after key and assignment. **Not tried on hardware by us.** For one socket ``enttec-pro`` and
``enttec-pro-in`` will do.
"""

from pydantic import Field, field_validator

from drivers.dmx import enttec_codec as codec
from drivers.dmx.enttec_codec import Label, Parameters
from drivers.dmx.enttec_pro import EnttecPro, EnttecProOptions, WidgetPort
from drivers.dmx.enttec_widget import Widget
from drivers.errors import BadReply, NotSupported, Refused, ReplyTimeout
from drivers.host import Host
from drivers.registry import DriverSpec, Kind

MK2 = 2
"""Hardware version; 3 is its revision B."""
DMX = 1
"""What a socket is assigned to; 0 nothing, 2 MIDI."""
SETTLE = 0.2
"""Seconds."""


class Mk2Port(WidgetPort):
    """What the configuration may say about any Mk2."""

    ports: tuple[int, int] = Field(description="Numbers of the universes on socket 1 and on socket 2.")
    api_key: str = Field(
        pattern=r"^[0-9A-Fa-f]{8}$", description="API key as ENTTEC's paper prints it; they send it on request."
    )
    assign_label: int = Field(ge=15, le=255, description="Label of set port assignment that belongs to the key.")

    @field_validator("ports")
    @classmethod
    def _two(cls, ports: tuple[int, int]) -> tuple[int, int]:
        if ports[0] == ports[1] or not all(1 <= each <= 63999 for each in ports):
            raise ValueError("two different universes from 1 to 63999")
        return ports


class EnttecMk2Options(EnttecProOptions, Mk2Port):
    """What the configuration may say about a Mk2 that sends."""

    send_label: int = Field(ge=15, le=255, description="Label of send DMX on port 2 that belongs to the key.")

    def refuses(self, universe: int) -> str:
        if universe in self.ports:
            return ""
        return f"universe {universe} is on neither socket: options.ports has {self.ports[0]} and {self.ports[1]}"


class Mk2(Widget):
    """What is alike whether it sends or listens."""

    model = "DMX USB Pro Mk2"
    simple = "enttec-pro"
    """The driver for those with one socket."""

    def _unlock(self, options: Mk2Port) -> None:
        """Tell the key, and have DMX on both sockets. NotSupported when it has only one."""
        self._require_mk2(options)
        link = self._opened()
        link.write(codec.encode(Label.API_KEY, bytes.fromhex(options.api_key)[::-1]))
        link.pause(SETTLE)
        link.write(codec.encode(options.assign_label, bytes((DMX, DMX))))
        link.pause(SETTLE)

    def _require_mk2(self, options: Mk2Port) -> None:
        no = NotSupported(
            f"{options.port}: this widget has one DMX socket", f"driver {self.simple} is for those with one"
        )
        try:
            answer = self._ask(codec.encode(Label.HARDWARE_VERSION), Label.HARDWARE_VERSION, options.timeout)
        except ReplyTimeout:
            raise no from None
        if not answer:
            raise BadReply(f"{options.port}: an empty hardware version")
        if answer[0] < MK2:
            raise no


class EnttecMk2(EnttecPro, Mk2):
    """Output of two universes."""

    def __init__(self, options: EnttecMk2Options, host: Host) -> None:
        super().__init__(options, host)
        self._mk2 = options
        self._sent: dict[int, bytes] = {}

    def send(self, universe: int, frame: bytes) -> None:
        """Put 1…512 slots on the universe's socket (fewer than 24 are padded with zeros)."""
        if universe not in self._mk2.ports:
            raise Refused(f"{self.options.port}: {self._mk2.refuses(universe)}")
        first = universe == self._mk2.ports[0]
        message = codec.send_frame(frame, label=Label.SEND if first else self._mk2.send_label)
        self._opened().write(message)
        self._sent[universe] = message
        if first:
            self.last = message

    def resend(self) -> None:
        """For the checks: write the last frames of both sockets again and wait until they have left."""
        link = self._opened()
        link.write(b"".join(self._sent.values()))
        link.drain()

    def _prepare(self, found: Parameters, serial: str) -> None:
        super()._prepare(found, serial)
        self._unlock(self._mk2)


SPEC = DriverSpec(
    name="enttec-pro-mk2",
    kind=Kind.OUTPUT,
    options=EnttecMk2Options,
    make=EnttecMk2,
    twin="drivers.virtual.twins.enttec_mk2:enttec_mk2_twin",
    # Key and labels of the example are made up.
    example={"port": "usb:EN252261", "ports": (1, 2), "api_key": "00112233", "assign_label": 200, "send_label": 201},
    universes=2,
)
