"""Lamps with a protocol of their own, spoken from the profile's tables: text or binary frames over a serial port, TCP
or UDP. No maker's name is known here."""

from collections.abc import Mapping, Set

from pydantic import Field, model_validator

from config.units import Attribute
from drivers.errors import NotSupported, Refused
from drivers.host import Host
from drivers.lamps.bus import BusLamp, LampBus, Values
from drivers.lamps.line_codec import Found, Shape
from drivers.lamps.wire import Wire, WireOptions
from drivers.registry import DriverSpec, Kind
from firmware_profiles.entry import WireEntry
from firmware_profiles.line_protocol import Frame, LineProtocol, Request
from firmware_profiles.model import Personality

LARGEST_UNIT = 255


class LineOptions(WireOptions):
    """What the configuration may say about a wire with a maker's own protocol."""

    udp: int | None = Field(
        None, ge=1, le=65535, description="UDP port of the lamp at `host`; none, without tcp: as the profile says."
    )

    @model_validator(mode="after")
    def _goes_one_way(self) -> "LineOptions":
        if self.udp is not None and (self.host is None or self.tcp is not None):
            raise ValueError("udp goes with host, and without tcp")
        return self


class Spoken:
    """One request, ready for use."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.sent = Shape(request)
        self.reply = Shape(request.reply) if isinstance(request.reply, Frame) else None
        self.refused = Shape(request.refused) if request.refused is not None else None

    def ask(self, wire: Wire, lamp: "LineLamp", values: Mapping[str, int]) -> Mapping[str, int]:
        """Say it with these values; the numbers in the answer."""
        numbers = {**_places(lamp), **values}
        data = self.sent.encode(numbers, lamp.bus.own_address)
        if self.request.reply == "none":
            for _ in range(self.request.times):
                wire.say(data, lamp.gap)
            return {}
        told = {name: numbers[name] for name in self.request.numbers - {"code"}}
        # An answer with another value than it was told is no confirmation: it was clamped, or it is an earlier one's.
        expected = {**_places(lamp), **told}
        found: Mapping[str, int] = {}
        for _ in range(self.request.times):
            found = wire.ask(
                data,
                lambda heard: self._answer(heard, data, expected, lamp),
                lamp.place,
                lamp.gap,
                size=len(data) if self.reply is None else self.reply.longest,
                again=self.request.repeatable,
            ).numbers
        return found

    def _answer(self, heard: bytes, sent: bytes, expected: Mapping[str, int], lamp: "LineLamp") -> Found | None:
        if self.reply is None:
            at = heard.find(sent)
            found = None if at < 0 else Found({}, at + len(sent))
        else:
            found = self.reply.find(heard, expected)
        refusal = None if self.refused is None else self.refused.find(heard, _places(lamp))
        if refusal is not None and (found is None or refusal.end < found.end):
            code = refusal.numbers.get("code")
            means = self.request.codes.get(str(code), "" if code is None else f"code {code}")
            raise Refused(f"{lamp.place} declines{': ' + means if means else ''}", "is this the profile of that light?")
        return found


class LineLamp(BusLamp):
    """One channel of one unit, in the profile's words."""

    def __init__(self, bus: "LineBus", name: str, personality: Personality, unit: int, channel: int) -> None:
        super().__init__(bus, name, personality, unit, channel)
        assert personality.line is not None
        self.protocol: LineProtocol = personality.line
        self._set = [Spoken(request) for request in self.protocol.set]
        self._read = [Spoken(request) for request in self.protocol.read]
        self._hello = [Spoken(request) for request in self.protocol.hello]
        self._due = False
        """Whether the heartbeat goes before the next values."""
        self._on, self._off, self._beat = (
            None if request is None else Spoken(request)
            for request in (self.protocol.on, self.protocol.off, self.protocol.heartbeat)
        )

    @property
    def settings(self) -> WireEntry:
        return self.protocol

    @property
    def reads(self) -> bool:
        return self.protocol.reads

    @property
    def has_switch(self) -> bool:
        return self._on is not None

    def greet(self, wire: Wire) -> None:
        for hello in self._hello:
            hello.ask(wire, self, {})
        self._due = not self._hello

    def renew(self) -> None:
        super().renew()
        self._due = True

    def _put(self, wire: Wire, values: Values, news: Set[Attribute]) -> None:
        if self._due and self._beat is not None:
            self._beat.ask(wire, self, _named(values))
        self._due = False
        for spoken in self._set:
            if spoken.request.numbers & {str(attribute) for attribute in news}:
                spoken.ask(wire, self, _named(values))

    def _switch(self, wire: Wire, lit: bool, values: Values) -> None:
        spoken = self._on if lit else self._off
        assert spoken is not None
        spoken.ask(wire, self, _named(values))

    def _get(self, wire: Wire) -> Values:
        numbers: dict[str, int] = {}
        for spoken in self._read:
            numbers |= spoken.ask(wire, self, {})
        return {a: numbers[str(a)] for a in self.personality.channels if str(a) in numbers}


class LineBus(LampBus):
    """A wire on which a maker's own protocol is spoken."""

    kind = "lamps with their own protocol"

    def __init__(self, options: LineOptions, host: Host) -> None:
        super().__init__(options, host)
        self._port = options.udp

    def _lamp(self, name: str, personality: Personality, unit: int, channel: int) -> LineLamp:
        if personality.line is None:
            raise NotSupported(f"{name}: its profile has no line protocol", "a personality with a line table")
        if not 1 <= unit <= LARGEST_UNIT:
            raise NotSupported(f"{name}: unit {unit} is none", f"1…{LARGEST_UNIT}", "unit")
        if self.options.host is not None and self.options.tcp is None and self._port is None:
            self._port = personality.line.port
            if self._port is None:
                raise NotSupported(
                    f"{name}: the port at {self.options.host} is not known", "options.udp or options.tcp"
                )
        return LineLamp(self, name, personality, unit, channel)

    def _udp(self) -> int | None:
        return self._port

    def _greet(self, wire: Wire) -> None:
        for lamp in self.lamps:
            if isinstance(lamp, LineLamp):
                lamp.greet(wire)


def _places(lamp: LineLamp) -> Mapping[str, int]:
    return {"channel": lamp.channel, "unit": lamp.unit}


def _named(values: Values) -> Mapping[str, int]:
    return {str(attribute): value for attribute, value in values.items()}


SPEC = DriverSpec(
    name="line",
    kind=Kind.BUS,
    options=LineOptions,
    make=LineBus,
    twin="drivers.virtual.twins.lamps:line_twin",
    example={"port": "usb:RS232-1"},
    lamp="generic/ascii-controller:8ch",
)
