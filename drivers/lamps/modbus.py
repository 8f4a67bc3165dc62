"""Modbus RTU lamps: dimmers, PWM and 0-10 V boxes on one RS-485 line, or behind a serial server over TCP.

pymodbus makes the PDUs; its clients are not used, because they open ports by themselves: here the
:class:`~drivers.host.Host` is the only way to hardware, so that the virtual studio can stand in for it.
"""

import math
from collections.abc import Iterator, Sequence, Set

from pydantic import model_validator

from config.units import Attribute
from drivers.base import Quality, Reading
from drivers.errors import BadReply, DriverError, LinkLost, NotSupported, Refused, ReplyTimeout
from drivers.lamps import modbus_codec as codec
from drivers.lamps.bus import BusLamp, LampBus, Values
from drivers.lamps.modbus_codec import Answer, Question
from drivers.lamps.wire import Wire, WireOptions
from drivers.registry import DriverSpec, Kind
from firmware_profiles.entry import WireEntry
from firmware_profiles.model import Personality
from firmware_profiles.register_map import RegisterMap

READS = {"holding": 3, "input": 4}
"""The function that reads such registers."""


class ModbusOptions(WireOptions):
    """What the configuration may say about a Modbus line."""

    @model_validator(mode="after")
    def _has_a_port(self) -> "ModbusOptions":
        if self.host is not None and self.tcp is None:
            raise ValueError("Modbus RTU over a network needs the serial server's TCP port: tcp = …")
        return self


class ModbusLamp(BusLamp):
    """One channel of one unit."""

    def __init__(self, bus: "ModbusBus", name: str, personality: Personality, unit: int, channel: int) -> None:
        super().__init__(bus, name, personality, unit, channel)
        assert personality.modbus is not None
        self.map: RegisterMap = personality.modbus

    @property
    def settings(self) -> WireEntry:
        return self.map

    @property
    def reads(self) -> bool:
        return self.map.reads

    @property
    def has_switch(self) -> bool:
        return self.map.power is not None

    def _put(self, wire: Wire, values: Values, news: Set[Attribute]) -> None:
        for question in self.writes({a: values[a] for a in values if a in news}):
            self._ask(wire, question)

    def writes(self, values: Values) -> Iterator[Question]:
        """What puts these values there: neighbours together where the device takes that."""
        together: dict[int, int] = {}
        for attribute, value in values.items():
            register = self.map.values[attribute]
            place, numbers = register.place(self.channel), register.numbers(value)
            if register.function == 16:
                together |= {place + word: number for word, number in enumerate(numbers)}
            else:
                yield Question(self.unit, 6, place, numbers)
        for first, count in codec.runs(list(together), codec.MOST_WRITTEN):
            yield Question(self.unit, 16, first, tuple(together[first + step] for step in range(count)))

    def _switch(self, wire: Wire, lit: bool, values: Values) -> None:
        power = self.map.power
        assert power is not None
        number = int(lit) if power.coil is not None else power.on if lit else power.off
        self._ask(wire, Question(self.unit, power.function, power.place(self.channel), (number,)))

    def _get(self, wire: Wire) -> Values:
        found: dict[tuple[str, int], int] = {}
        read = {a: register for a, register in self.map.values.items() if register.read != "none"}
        for table in ("holding", "input"):
            places = [place for r in read.values() if r.read == table for place in r.read_places(self.channel)]
            for first, count in codec.runs(places, codec.MOST_READ):
                numbers = self._ask(wire, Question(self.unit, READS[table], first, length=count)).numbers
                found |= {(table, first + step): number for step, number in enumerate(numbers)}
        return {
            a: register.value([found[register.read, place] for place in register.read_places(self.channel)])
            for a, register in read.items()
        }

    def _measure(self, wire: Wire) -> Sequence[Reading]:
        """All it measures of itself. What it does not say is MISSING; after one time in silence the others are not
        asked, for each would cost the line's other lamps the whole time limit."""
        readings, silent = [], False
        for sensor in self.map.sensors:
            value, quality = float("nan"), Quality.MISSING
            try:
                if not silent:
                    question = Question(self.unit, READS[sensor.read], sensor.address, length=sensor.words)
                    value = sensor.reading(self._ask(wire, question).numbers)
            except LinkLost:
                raise
            except DriverError as error:
                silent = isinstance(error, ReplyTimeout | BadReply)
            if math.isfinite(value):
                quality = Quality.GOOD
            readings.append(Reading(sensor.name, value, sensor.unit, self.bus.host.now(), quality))
        return readings

    def _ask(self, wire: Wire, question: Question) -> Answer:
        answer = wire.ask(
            codec.encode(question),
            lambda data: codec.find(data, question),
            f"unit {question.unit}",
            self.map.gap,
            size=codec.size(question),
            named=True,
        )
        if answer.exception in codec.TRANSIENT:
            raise ReplyTimeout(f"{self.place}: {codec.EXCEPTIONS[answer.exception]} (Modbus {answer.exception})")
        if answer.exception:
            what = codec.EXCEPTIONS.get(answer.exception, "an exception of its own")
            verb = "read" if question.function in (3, 4) else "write"
            raise Refused(
                f"{self.place} will not {verb} {question.address} (function {question.function}):"
                f" {what} (Modbus exception {answer.exception})",
                "is this the profile of that device? compare registers with its manual",
            )
        return answer


class ModbusBus(LampBus):
    """A Modbus line."""

    kind = "Modbus RTU line"

    def _lamp(self, name: str, personality: Personality, unit: int, channel: int) -> ModbusLamp:
        if personality.modbus is None:
            raise NotSupported(f"{name}: its profile has no Modbus registers", "a personality with a modbus table")
        if not 1 <= unit <= 247:
            raise NotSupported(f"{name}: unit {unit} is no Modbus address", "1…247; 0 would be all at once", "unit")
        return ModbusLamp(self, name, personality, unit, channel)

    def _silence(self, settings: WireEntry) -> float:
        return codec.silence(self.options.baud or settings.baud)


SPEC = DriverSpec(
    name="modbus",
    kind=Kind.BUS,
    options=ModbusOptions,
    make=ModbusBus,
    twin="drivers.virtual.twins.lamps:modbus_twin",
    example={"port": "usb:RS485-1"},
    lamp="generic/modbus-dimmer:0-1000",
)
