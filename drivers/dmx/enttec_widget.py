"""What every driver of an ENTTEC widget does: find it, ask who it is, ask it things."""

from contextlib import suppress
from typing import Protocol
from weakref import WeakKeyDictionary, WeakValueDictionary

from drivers.base import Identity
from drivers.dmx import enttec_codec as codec
from drivers.dmx.enttec_codec import Decoder, Label, Parameters
from drivers.dmx.enttec_line import WidgetLine
from drivers.errors import BadReply, DeviceMissing, DriverError, LinkLost, NotSupported, ReplyTimeout
from drivers.host import Host

BAUD = 57600
"""A dummy: the widget's USB chip ignores it (API 1.44, *PC setup*)."""

VARIETIES = {1: "DMX", 2: "DMX and RDM", 3: "RDM sniffer"}
SNIFFER = 3

NAME_WAIT = 0.1
"""Seconds for both names. Most widgets do not know the question, and light must not wait for those."""


KEPT = ("usb:", "/dev/serial/")
"""Names that stay with an adapter, or with its socket."""
KNOWN: WeakKeyDictionary[Host, "WeakValueDictionary[str, Widget]"] = WeakKeyDictionary()
"""Whose the widgets are that were found so far, by their serial numbers."""


class WidgetOptions(Protocol):
    """What all of them may be told."""

    @property
    def port(self) -> str: ...
    @property
    def timeout(self) -> float: ...
    @property
    def serial(self) -> str | None: ...


class Widget:
    """One widget and its line. Subclasses say in :meth:`_prepare` what else opening takes."""

    model = "DMX USB Pro"
    purpose = "send"

    def __init__(self, options: WidgetOptions, host: Host) -> None:
        self._wanted = options
        self.host = host
        self._link: WidgetLine | None = None
        self._port = options.port
        """The name it was found under."""
        self._served = ""
        """Serial number of the widget that was here last."""
        self._alone = True
        """It is the only one with that number, as far as is known: clones may share one."""

    def open(self) -> Identity:
        """Ask for parameters (label 3), serial number (10) and names (77, 78).

        Every label but 3 and 6 makes a widget that is putting out DMX stop until the next frame: hence those are asked
        here and never while the show runs. A widget that was here before is looked for under the names of the others,
        too: replugged together they may have exchanged them.
        """
        self.close()
        try:
            return self._open(self._wanted.port)
        except DeviceMissing:
            for port in self._elsewhere():
                with suppress(DriverError):
                    return self._open(port)
            raise

    def _open(self, port: str) -> Identity:
        for each in self._others():
            if each.is_open and each._port == port:  # asking the system who has it takes long
                raise DeviceMissing(f"{port} is in use for widget {each._served}", "name widgets usb:SERIAL")
        self._port = port
        self._link = WidgetLine(self.host.serial(port, BAUD))
        try:
            self._link.clear()
            return self._identify()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the port. A widget that is putting out goes on repeating the last frame."""
        link, self._link = self._link, None
        if link is not None:
            link.close()

    @property
    def is_open(self) -> bool:
        return self._link is not None

    def ask_parameters(self, timeout: float) -> Parameters:
        """Label 3; leaves a running output running."""
        found = Parameters.decode(self._ask(codec.ask_parameters(), Label.PARAMETERS, timeout))
        if found is None:
            raise BadReply(f"{self._wanted.port}: the widget's parameters are too short")
        return found

    # --- open, step by step ------------------------------------------------------------------------------------------

    def _identify(self) -> Identity:
        found = self.ask_parameters(self._wanted.timeout)
        variety = VARIETIES.get(found.firmware_msb, f"variety {found.firmware_msb}")
        if found.firmware_msb == SNIFFER:
            raise NotSupported(
                f"{self._wanted.port}: firmware {found.firmware} is the RDM sniffer, which cannot {self.purpose}",
                "load the DMX or the RDM firmware with the maker's tool",
            )
        serial = self._serial_number()
        self._expect(serial)
        self._recognise(serial)
        details = {"port": self._port, "variety": variety, **self._names()}
        self._prepare(found, serial)
        return Identity(self.model, found.firmware, serial, details)

    def _prepare(self, found: Parameters, serial: str) -> None:
        """What is left to be set once the widget is known to be the right one."""

    def _serial_number(self) -> str:
        """As printed on the case; "" for a clone that does not know the question."""
        try:
            answer = self._ask(codec.ask_serial(), Label.SERIAL_NUMBER, self._wanted.timeout)
        except ReplyTimeout:
            return ""
        text = codec.serial_text(answer)
        if text is None:
            raise BadReply(f"{self._wanted.port}: a serial number of {len(answer)} bytes instead of 4")
        return text

    def _expect(self, serial: str) -> None:
        wanted = self._wanted.serial
        if wanted is not None and wanted.upper().rjust(8, "0") != serial:
            there = f"widget {serial}" if serial else "a widget without a serial number"
            raise DeviceMissing(
                f"{self._wanted.port}: {there} is there, not {wanted}",
                "plug the right widget in, or correct the option serial",
            )

    def _recognise(self, serial: str) -> None:
        """The lights that hang on another output's widget are not ours, whatever its name is by now: what dims ours may
        strobe them. An unknown widget is a spare one, put in for ours."""
        mine, known = self._wanted.port, KNOWN.setdefault(self.host, WeakValueDictionary())
        owner = known.get(serial, self)
        home = owner._wanted.port
        if self._served and serial != self._served and (home != mine or self._port != mine):
            raise DeviceMissing(
                f"{self._port}: widget {serial} is there, which belongs to {home}; ours is {self._served}",
                "plug it in again; name widgets usb:SERIAL, which they keep",
            )
        if serial:
            known[serial] = self
        if home != mine:
            self._alone = owner._alone = False
        self._served = serial

    def _elsewhere(self) -> list[str]:
        """Names of other widgets' ports, of those that a system deals out as it likes."""
        mine = self._wanted.port
        if not (self._served and self._alone) or mine.startswith(KEPT):
            return []
        names = dict.fromkeys(each._wanted.port for each in self._others())
        return [each for each in names if each != mine and not each.startswith(KEPT)]

    def _others(self) -> "list[Widget]":
        return [each for each in KNOWN.get(self.host, {}).values() if each is not self]

    def _names(self) -> dict[str, str]:
        """Maker and device, of those widgets that say it."""
        link = self._opened()
        asked = {Label.MANUFACTURER: "manufacturer", Label.DEVICE_NAME: "device"}
        link.write(b"".join(codec.encode(label) for label in asked))
        found: dict[str, str] = {}
        decoder = Decoder()
        until = self.host.now() + min(NAME_WAIT, self._wanted.timeout)
        while len(found) < len(asked) and (rest := until - self.host.now()) > 0:
            for message in decoder.feed(link.read(1024, rest)):
                text = codec.name_text(message.data) if message.label in asked else None
                if text:
                    found[asked[Label(message.label)]] = text
        return found

    def _ask(self, request: bytes, label: int, timeout: float) -> bytes:
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
                f"{self._wanted.port}: the answer to label {label} is not one of a DMX USB Pro",
                "check that the port is the widget's; try another cable or hub",
            )
        cut = " whole" if decoder.partial else ""
        raise ReplyTimeout(
            f"{self._wanted.port}: no{cut} answer to label {label} in {timeout:g} s",
            "check that the port is the widget's; unplug it and plug it in again",
        )

    def _opened(self) -> WidgetLine:
        link = self._link
        if link is None:
            raise LinkLost(f"{self._wanted.port} is not open")
        return link
