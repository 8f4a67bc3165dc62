"""How the values of a Modbus light travel: registers, a switch, sensors. Data only; ``drivers/lamps`` speaks it.

Functions as in the Modbus Application Protocol 1.1b3: 03 and 04 read holding and input registers (6.3, 6.4), 05 and 0F
write coils (6.5, 6.11), 06 and 10 write registers (6.6, 6.12). Numbers of registers and coils are the protocol's own,
from 0 (4.4): what a manual calls 40001 is register 0.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from pydantic import Field

from config.units import Attribute, Name
from firmware_profiles.entry import Entry, Spans, WireEntry

Number = Annotated[int, Field(ge=0, le=0xFFFF, strict=True)]
Stride = Annotated[int, Field(ge=0, le=1000)]
Factor = Annotated[float, Field(allow_inf_nan=False)]
WORD = 0xFFFF
Words = Literal[1, 2]
Order = Literal["big", "little"]


def split(number: int, words: Words, order: Order) -> tuple[int, ...]:
    """A number as registers; one below 0 in two's complement."""
    made = tuple(number >> 16 * place & WORD for place in reversed(range(words)))
    return made if order == "big" else made[::-1]


def join(registers: Sequence[int], order: Order, signed: bool) -> int:
    """Registers as a number."""
    number = 0
    for register in registers if order == "big" else reversed(registers):
        number = number << 16 | register
    bits = 16 * len(registers)
    return number - (1 << bits) if signed and number >> (bits - 1) else number


class Register(Entry):
    """Where the value of one attribute is written, and where it can be read again."""

    address: Number = Field(description="Holding register of the first channel, from 0.")
    stride: Stride = Field(0, description="Registers from one channel's to the next one's.")
    offset: Annotated[int, Field(ge=-0x8000, le=WORD)] = Field(
        0, description="Added to the slot's value; what is then below 0 travels in two's complement."
    )
    words: Words = Field(1, description="2: the value has 32 bits in two registers, written by function 16.")
    order: Order = Field("big", description="Two registers: big: the upper half comes first; little: the lower half.")
    function: Literal[6, 16] = Field(6, description="6: one by one; 16: neighbours together.")
    read: Literal["holding", "input", "none"] = Field("holding", description="Where it can be read again.")
    read_address: Number | None = Field(None, description="Register to read it from, if another one.")

    @property
    def signed(self) -> bool:
        """Whether values below 0 travel."""
        return self.offset < 0

    def numbers(self, value: int) -> tuple[int, ...]:
        """The slot's value as the register has it, or both of them."""
        return split(value + self.offset, self.words, self.order)

    def value(self, numbers: Sequence[int]) -> int:
        """What they have as the slot's value."""
        return join(numbers, self.order, self.signed) - self.offset

    def place(self, channel: int) -> int:
        """The register of a channel (from 1)."""
        return self.address + (channel - 1) * self.stride

    def read_places(self, channel: int) -> Sequence[int]:
        """Where that channel is read again."""
        first = self.address if self.read_address is None else self.read_address
        first += (channel - 1) * self.stride
        return range(first, first + self.words)


class Switch(Entry):
    """What turns the light on and off besides its level: a coil, or a register."""

    coil: Number | None = Field(None, description="Coil of the first channel, from 0.")
    address: Number | None = Field(None, description="Or the holding register of the first channel.")
    stride: Stride = Field(0, description="Coils or registers from one channel's to the next one's.")
    many: bool = Field(False, description="Written by function 0F or 10, which some devices know alone.")
    on: Number = Field(1, description="What a register is set to for on.")
    off: Number = Field(0, description="… and for off.")

    @property
    def function(self) -> Literal[5, 6, 15, 16]:
        """The function it is written by."""
        if self.coil is not None:
            return 15 if self.many else 5
        return 16 if self.many else 6

    def place(self, channel: int) -> int:
        """The coil or register of a channel (from 1)."""
        first = self.coil if self.coil is not None else self.address
        assert first is not None
        return first + (channel - 1) * self.stride


class Sensor(Entry):
    """A number the device measures."""

    name: Name = Field(description="Name of the reading: temperature, voltage, fan.")
    unit: Annotated[str, Field(min_length=1, max_length=12)] = Field(description="Unit of the reading.")
    address: Number = Field(description="Register, from 0.")
    read: Literal["holding", "input"] = Field("input", description="input: function 04; holding: function 03.")
    words: Words = Field(1, description="2: 32 bits in two registers.")
    order: Order = Field("big", description="Two registers: big: the upper half comes first; little: the lower half.")
    real: bool = Field(False, description="Two registers are an IEEE 754 number with a fraction.")
    factor: Factor = Field(1.0, description="Reading = register x factor + offset.")
    offset: Factor = Field(0.0, description="Reading = register x factor + offset.")
    signed: bool = Field(False, description="Two's complement.")

    def reading(self, numbers: Sequence[int]) -> float:
        """The register, or both of them, as a reading; NaN where the device has no number there."""
        found: float = join(numbers, self.order, self.signed and not self.real)
        if self.real:
            found = struct.unpack(">f", int(found).to_bytes(4, "big"))[0]
        return found * self.factor + self.offset


class RegisterMap(WireEntry):
    """Where the values of a personality's slots are, and what else the device has."""

    values: dict[Attribute, Register] = Field(description="Attribute → its register; all the slots have.")
    power: Switch | None = Field(None, description="Switched on with light, off in the dark.")
    sensors: tuple[Sensor, ...] = Field((), description="What it measures of itself.")

    @property
    def reads(self) -> bool:
        """Whether anything it was told can be read again."""
        return any(register.read != "none" for register in self.values.values())

    def faults(self, spans: Spans) -> Iterator[str]:
        """What is wrong for a personality whose slots have these values."""
        if set(self.values) != set(spans):
            missing = ", ".join(sorted(set(spans) ^ set(self.values)))
            yield f"modbus.values and the slots must have the same attributes; one of them lacks {missing}"
            return
        for attribute, register in self.values.items():
            yield from self._range_faults(attribute, register, spans[attribute])
        yield from self._place_faults()
        names = [sensor.name for sensor in self.sensors]
        if len(set(names)) < len(names):
            yield "two sensors have the same name"
        for sensor in self.sensors:
            if sensor.real and sensor.words == 1:
                yield f"modbus.sensors {sensor.name}: a number with a fraction has words = 2"
            if sensor.address + sensor.words - 1 > WORD:
                yield f"modbus.sensors {sensor.name}: its second register would be 65536, and there are 65536"

    def _range_faults(self, attribute: Attribute, register: Register, span: tuple[int, int]) -> Iterator[str]:
        low, high = span[0] + register.offset, span[1] + register.offset
        bits = 16 * register.words
        least, most = (-1 << bits - 1, (1 << bits - 1) - 1) if register.signed else (0, (1 << bits) - 1)
        if low < least or high > most:
            yield f"modbus.values.{attribute}: {low}…{high} does not fit into {bits} bits ({least}…{most})"
        if register.words == 2 and register.function == 6:
            yield f"modbus.values.{attribute}: two registers are written by function 16, or half a value is seen"
        last = max(register.place(self.channels) + register.words - 1, register.read_places(self.channels)[-1])
        if last > WORD:
            yield f"modbus.values.{attribute}: the last channel's register would be {last}, and there are 65536"

    def _place_faults(self) -> Iterator[str]:
        taken: dict[tuple[str, int], str] = {}
        for attribute, register in self.values.items():
            for channel in range(1, self.channels + 1):
                for word in range(register.words):
                    whose = f"{attribute} of channel {channel}"
                    yield from _once(taken, "register", register.place(channel) + word, whose)
        power = self.power
        if power is None:
            return
        if (power.coil is None) == (power.address is None):
            yield "modbus.power needs either a coil or an address"
            return
        if Attribute.INTENSITY not in self.values:
            yield "modbus.power follows intensity, and there is none"
        if power.place(self.channels) > WORD:
            yield f"modbus.power: the last channel's would be {power.place(self.channels)}, and there are 65536"
        kind = "register" if power.coil is None else "coil"
        for channel in range(1, self.channels + 1):
            yield from _once(taken, kind, power.place(channel), f"the switch of channel {channel}")


def _once(taken: dict[tuple[str, int], str], kind: str, place: int, whose: str) -> Iterator[str]:
    other = taken.setdefault((kind, place), whose)
    if other != whose:
        yield f"{kind} {place} is {other} and {whose}: each its own (stride, channels)"
