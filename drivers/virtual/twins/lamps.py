"""Fake firmware of lamps on a bus: Modbus units, and lamps that speak a profile's line protocol.

The Modbus unit reads and writes its frames by itself, so that it is a second opinion on the production codec. The line
lamp takes the frames from the same tables as the driver; the tests hold them against bytes from the makers' papers.
"""

from collections.abc import Iterable, Mapping, Sequence

from config.units import Attribute, Levels
from drivers.host import Endpoint, SerialPort
from drivers.lamps.line import LineOptions
from drivers.lamps.line_codec import LONGEST, Found, Shape
from drivers.lamps.modbus import ModbusOptions
from drivers.lamps.wire import WireOptions
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twin import Fault, Fitted, SerialDevice
from drivers.virtual.wires import Wire
from firmware_profiles.line_protocol import Frame, Request
from firmware_profiles.register_map import RegisterMap
from firmware_profiles.render import render

FTDI, CHIP = 0x0403, 0x6001
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3


class Held:
    """What the lamps of a bus have been told, and the room that sees it."""

    def __init__(self, studio: VirtualStudio, fitted: Sequence[Fitted]) -> None:
        self.fitted = fitted
        self.values: dict[str, dict[Attribute, int]] = {}
        self.lit: dict[str, bool] = {}
        self.frozen = False
        self._studio = studio
        self.restart()

    def restart(self) -> None:
        """Power cycle: dark, and switched off where there is a switch."""
        for lamp in self.fitted:
            self.values[lamp.name] = {a: c.first for a, c in lamp.personality.channels.items()}
            wire = lamp.personality.modbus, lamp.personality.line
            self.lit[lamp.name] = not any(getattr(each, "power", None) or getattr(each, "on", None) for each in wire)

    def tell(self, lamp: Fitted, values: Mapping[Attribute, int], lit: bool | None = None) -> None:
        """New values, or the switch."""
        if self.frozen:
            return
        self.values[lamp.name] |= values
        if lit is not None:
            self.lit[lamp.name] = lit
        self._studio.lit(lamp.name, render(lamp.personality, self.levels(lamp)))

    def levels(self, lamp: Fitted) -> dict[Attribute, float]:
        """What a lamp shows."""
        channels = lamp.personality.channels
        levels = {a: channels[a].level(value) for a, value in self.values[lamp.name].items()}
        if not self.lit[lamp.name]:
            levels[Attribute.INTENSITY] = 0.0
        return levels


class ModbusFirmware:
    """All units of one line at byte level (:class:`drivers.virtual.twin.SerialDevice`)."""

    def __init__(self, held: Held) -> None:
        self._held = held
        self._heard = b""
        self.sensors: dict[tuple[int, int], int] = {}
        """(unit, register) → what a sensor has; others have 250."""

    def restart(self) -> None:
        self._heard = b""
        self._held.restart()

    def receive(self, data: bytes) -> bytes:
        """What the master wrote → what a unit answers. Frames for others and broken ones are let go."""
        self._heard = (self._heard + data)[-LONGEST:]
        for at in range(len(self._heard) - 3):
            rest = self._heard[at:]
            size = 9 + rest[6] if rest[1] in (15, 16) and len(rest) > 6 else 8
            if len(rest) >= size and crc(rest[: size - 2]) == rest[size - 2 : size]:
                self._heard = rest[size:]
                return self._answer(rest[0], rest[1], rest[2 : size - 2])
        return b""

    def _answer(self, unit: int, function: int, body: bytes) -> bytes:
        if all(lamp.unit != unit for lamp in self._held.fitted):
            return b""
        address, second = int.from_bytes(body[:2], "big"), int.from_bytes(body[2:4], "big")
        if function in (3, 4):
            numbers = [self._read(unit, function, address + step) for step in range(second)]
            whole = [number for number in numbers if number is not None]
            if not 1 <= second <= 125 or len(whole) < len(numbers):
                return self._refuse(unit, function, ILLEGAL_ADDRESS)
            made = b"".join(number.to_bytes(2, "big") for number in whole)
            return framed(bytes((unit, function, len(made))) + made)
        if function not in (5, 6, 15, 16):
            return self._refuse(unit, function, ILLEGAL_FUNCTION)
        return self._written(unit, function, address, second, body)

    def _written(self, unit: int, function: int, address: int, second: int, body: bytes) -> bytes:
        coil = function in (5, 15)
        numbers = [second]
        if function == 5:
            numbers = [int(second == 0xFF00)]
        elif function == 15:
            numbers = [body[5 + step // 8] >> step % 8 & 1 for step in range(second)]
        elif function == 16:
            numbers = [int.from_bytes(body[5 + 2 * step : 7 + 2 * step], "big") for step in range(second)]
        places, changes = [], []
        at = 0
        while at < len(numbers):
            place = self._place(unit, address + at, coil)
            words = 1 if place is None or place[1] is None else _table(place[0]).values[place[1]].words
            places.append(place if at + words <= len(numbers) else None)
            if place is not None:
                changes.append(self._change(*place, numbers[at : at + words]))
            at += words
        if not all(places):
            return self._refuse(unit, function, ILLEGAL_ADDRESS)
        if not all(changes):
            return self._refuse(unit, function, ILLEGAL_VALUE)
        for lamp, values, lit in (change for change in changes if change):
            self._held.tell(lamp, values, lit)
        return framed(bytes((unit, function)) + body[:4])

    def _place(self, unit: int, address: int, coil: bool) -> tuple[Fitted, Attribute | None] | None:
        """Whose register or coil that is, and of which attribute (``None``: the switch)."""
        for lamp in self._held.fitted:
            table = lamp.personality.modbus
            if lamp.unit != unit or table is None:
                continue
            power = table.power
            if power is not None and (power.coil is not None) == coil and power.place(lamp.channel) == address:
                return lamp, None
            for attribute, register in table.values.items():
                if not coil and register.place(lamp.channel) == address:
                    return lamp, attribute
        return None

    def _change(
        self, lamp: Fitted, attribute: Attribute | None, numbers: Sequence[int]
    ) -> tuple[Fitted, dict[Attribute, int], bool | None] | None:
        """What written numbers do; ``None``: such a number cannot be."""
        table = _table(lamp)
        if attribute is None:
            assert table.power is not None
            return lamp, {}, numbers[0] == (1 if table.power.coil is not None else table.power.on)
        channel = lamp.personality.channels[attribute]
        value = table.values[attribute].value(numbers)
        return (lamp, {attribute: value}, None) if channel.first <= value <= channel.last else None

    def _read(self, unit: int, function: int, address: int) -> int | None:
        table = "holding" if function == 3 else "input"
        for lamp in self._held.fitted:
            modbus = lamp.personality.modbus
            if lamp.unit != unit or modbus is None:
                continue
            for attribute, register in modbus.values.items():
                places = register.read_places(lamp.channel)
                if register.read == table and address in places:
                    return register.numbers(self._held.values[lamp.name][attribute])[places.index(address)]
            if any(each.read == table and 0 <= address - each.address < each.words for each in modbus.sensors):
                return self.sensors.get((unit, address), 250)
        return None

    def _refuse(self, unit: int, function: int, code: int) -> bytes:
        return framed(bytes((unit, function | 0x80, code)))


def _table(lamp: Fitted) -> RegisterMap:
    assert lamp.personality.modbus is not None
    return lamp.personality.modbus


def crc(data: bytes) -> bytes:
    """CRC-16 of Modbus over Serial Line 1.02, 6.2.2, low byte first."""
    register = 0xFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ 0xA001 if register & 1 else register >> 1
    return register.to_bytes(2, "little")


def framed(data: bytes) -> bytes:
    """With its CRC."""
    return data + crc(data)


class LineFirmware:
    """All lamps of one wire with a protocol of their own (SerialDevice, and NodeDevice on the network)."""

    def __init__(self, held: Held) -> None:
        self._held = held
        self._heard = b""
        self._known = [entry for lamp in held.fitted for entry in _words(lamp)]
        self.refuses: int | None = None
        """Set: every request is refused with this code."""

    def restart(self) -> None:
        self._heard = b""
        self._held.restart()

    def receive_datagram(self, data: bytes) -> bytes:
        """One datagram is one request."""
        self._heard = b""
        return self.receive(data)

    def receive(self, data: bytes) -> bytes:
        self._heard = (self._heard + data)[-LONGEST:]
        answers = b""
        while (found := self._first()) is not None:
            (lamp, what, request), frame = found
            sent = self._heard[: frame.end]
            self._heard = self._heard[frame.end :]
            answers += self._answer(lamp, what, request, frame, sent)
        return answers

    def _first(self) -> tuple[tuple[Fitted, str, Request], Found] | None:
        best: tuple[tuple[Fitted, str, Request], Found] | None = None
        for lamp, what, request, shape in self._known:
            found = shape.find(self._heard, {"channel": lamp.channel, "unit": lamp.unit})
            if found is not None and (best is None or found.end < best[1].end):
                best = ((lamp, what, request), found)
        return best

    def _answer(self, lamp: Fitted, what: str, request: Request, found: Found, sent: bytes) -> bytes:
        channels = lamp.personality.channels
        values = {a: found.numbers[str(a)] for a in channels if str(a) in found.numbers}
        possible = all(channels[a].first <= value <= channels[a].last for a, value in values.items())
        if self.refuses is not None or not possible:
            refused = request.refused
            return b"" if refused is None else Shape(refused).encode(self._numbers(lamp) | {"code": self.refuses or 0})
        lit = {"on": True, "off": False}.get(what)
        if values or lit is not None:
            self._held.tell(lamp, values, lit)
        if request.reply == "echo":
            return Shape(request).encode({**self._numbers(lamp), **found.numbers}) if not request.escape else sent
        return Shape(request.reply).encode(self._numbers(lamp)) if isinstance(request.reply, Frame) else b""

    def _numbers(self, lamp: Fitted) -> dict[str, int]:
        values = {str(a): value for a, value in self._held.values[lamp.name].items()}
        return {"channel": lamp.channel, "unit": lamp.unit, "code": 0, **values}


def _words(lamp: Fitted) -> Iterable[tuple[Fitted, str, Request, Shape]]:
    """Everything that can be said to a lamp."""
    line = lamp.personality.line
    if line is None:
        return
    for what in ("hello", "set", "read"):
        yield from ((lamp, what, request, Shape(request)) for request in getattr(line, what))
    for what in ("on", "off", "heartbeat"):
        request = getattr(line, what)
        if request is not None:
            yield lamp, what, request, Shape(request)


class _Node:
    """The same lamp as a thing on the network."""

    def __init__(self, device: LineFirmware, port: int) -> None:
        self._device = device
        self._port = port

    def receive(self, data: bytes, source: Endpoint, to: Endpoint) -> Iterable[tuple[bytes, Endpoint]]:
        answer = self._device.receive_datagram(data) if to[1] == self._port else b""
        return [(answer, source)] if answer else []


class LampsTwin:
    """The lamps on their wire (:class:`drivers.virtual.twin.BusTwin`)."""

    firmware = ""

    def __init__(self, wire: Wire, device: ModbusFirmware | LineFirmware, held: Held) -> None:
        self.wire = wire
        self.device = device
        self.held = held

    @property
    def shown(self) -> Mapping[str, Levels]:
        return {lamp.name: self.held.levels(lamp) for lamp in self.held.fitted}

    def fault(self, fault: Fault, at: int = 0) -> None:
        self.held.frozen = fault is Fault.FREEZE
        self.wire.fault(fault, at)

    def heal(self) -> None:
        self.held.frozen = False
        self.wire.heal()


def modbus_twin(studio: VirtualStudio, options: ModbusOptions, name: str) -> LampsTwin:
    """The units of a Modbus line, as ``studio.lamps`` has them."""
    held = Held(studio, studio.lamps.get(name, ()))
    device = ModbusFirmware(held)
    return _added(studio, name, LampsTwin(_wired(studio, options, name, device), device, held))


def line_twin(studio: VirtualStudio, options: LineOptions, name: str) -> LampsTwin:
    """Lamps with their own protocol, as ``studio.lamps`` has them."""
    held = Held(studio, studio.lamps.get(name, ()))
    device = LineFirmware(held)
    lines = [lamp.personality.line for lamp in held.fitted if lamp.personality.line is not None]
    port = options.udp or next((line.port for line in lines if line.port is not None), None)
    if options.host is None or options.tcp is not None or port is None:
        wire: Wire = _wired(studio, options, name, device)
    else:
        wire = studio.place_node(studio.place_host(options.host), _Node(device, port))
    return _added(studio, name, LampsTwin(wire, device, held))


def _wired(studio: VirtualStudio, options: WireOptions, name: str, device: SerialDevice) -> Wire:
    if options.host is not None and options.tcp is not None:
        return studio.place_stream(studio.place_host(options.host), options.tcp, device)
    port = options.port or f"/dev/virtual/{name}"
    usb_serial = port.removeprefix("usb:") if port.startswith("usb:") else ""
    path = f"/dev/virtual/{name}" if usb_serial else port
    return studio.place_serial(SerialPort(path, port, "RS-485 adapter", usb_serial, FTDI, CHIP), device)


def _added(studio: VirtualStudio, name: str, twin: LampsTwin) -> LampsTwin:
    studio.add(name, twin)
    return twin
