"""RDM parameters as typed values: what the data of a response means (E1.20 section 10, E1.37-1 section 3).

A :class:`Parameter` knows its id and how to read an answer; reading bytes that do not fit is :class:`RdmError`.
Bytes behind the fields the standard names are let go: later editions append.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Generic, TypeVar

from config.units import Text
from drivers.dmx.rdm_codec import RdmError, Uid
from drivers.dmx.rdm_words import SENSORS, UNITS, Pid, StatusType, scale, status_text

T = TypeVar("T", covariant=True)

NO_ADDRESS = 0xFFFF
"""Start address of a device without slots (10.5.1)."""
INFINITE = 0xFFFF


@dataclass(frozen=True, slots=True)
class Parameter(Generic[T]):
    """One parameter. ``passive``: asking for it changes nothing in the responder, so it may be asked on air."""

    pid: Pid
    read: Callable[[bytes], T]
    passive: bool = True


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """10.5.1. ``software`` is the version id, a number of the maker's own making; ``address`` 1…512, or NO_ADDRESS."""

    model: int
    software: int
    footprint: int = 0
    personality: int = 1
    personalities: int = 1
    address: int = NO_ADDRESS
    sub_devices: int = 0
    sensors: int = 0
    category: int = 0x0100
    protocol: int = 0x0100

    _FORM = struct.Struct(">HHHIHBBHHB")

    def encode(self) -> bytes:
        current, count = self.personality, self.personalities
        return self._FORM.pack(
            *(self.protocol, self.model, self.category, self.software, self.footprint, current, count),
            *(self.address, self.sub_devices, self.sensors),
        )

    @classmethod
    def decode(cls, data: bytes) -> "DeviceInfo":
        protocol, model, category, software, footprint, current, count, address, subs, sensors = _unpack(
            cls._FORM, data
        )
        return cls(model, software, footprint, current, count, address, subs, sensors, category, protocol)


@dataclass(frozen=True, slots=True)
class ParameterDescription:
    """10.4.2: a manufacturer's own parameter."""

    pid: int
    size: int
    data_type: int
    command_class: int
    unit: str
    factor: float
    lowest: int
    highest: int
    default: int
    text: str

    @classmethod
    def decode(cls, data: bytes) -> "ParameterDescription":
        form = struct.Struct(">HBBBBBBIII")
        pid, size, kind, command, _, unit, prefix, low, high, default = _unpack(form, data)
        return cls(pid, size, kind, command, _unit(unit), scale(prefix), low, high, default, text(data[form.size :]))


@dataclass(frozen=True, slots=True)
class Personalities:
    """10.6.1: which one is set, and how many there are; counted from 1."""

    current: int
    count: int


@dataclass(frozen=True, slots=True)
class PersonalityDescription:
    """10.6.2."""

    number: int
    slots: int
    text: str


@dataclass(frozen=True, slots=True)
class SlotInfo:
    """10.7.1: one slot. ``type`` 0: primary, ``label`` then says what it does; else secondary of slot ``label``."""

    offset: int
    type: int
    label: int


@dataclass(frozen=True, slots=True)
class SensorDefinition:
    """10.8.1. Ranges are in ``unit``, the prefix applied; ``records`` bit 0: a snapshot, bit 1: lowest and highest."""

    number: int
    type: str
    unit: str
    factor: float
    range: tuple[float, float]
    normal: tuple[float, float]
    records: int
    text: str

    @classmethod
    def decode(cls, data: bytes) -> "SensorDefinition":
        form = struct.Struct(">BBBBhhhhB")
        number, kind, unit, prefix, low, high, normal_low, normal_high, records = _unpack(form, data)
        factor = scale(prefix)
        return cls(
            number,
            SENSORS[kind] if kind < len(SENSORS) else f"sensor {kind:#04x}",
            _unit(unit),
            factor,
            (_scaled(low, factor), _scaled(high, factor)),
            (_scaled(normal_low, factor), _scaled(normal_high, factor)),
            records,
            text(data[form.size :]),
        )


@dataclass(frozen=True, slots=True)
class SensorValue:
    """10.8.2, as on the wire; multiply with the definition's ``factor``."""

    number: int
    present: int
    lowest: int = 0
    highest: int = 0
    recorded: int = 0

    def encode(self) -> bytes:
        return struct.pack(">Bhhhh", self.number, self.present, self.lowest, self.highest, self.recorded)


@dataclass(frozen=True, slots=True)
class CommsStatus:
    """10.3.3: packets that reached the responder spoilt, since its counters were cleared."""

    short: int
    length: int
    checksum: int

    @property
    def total(self) -> int:
        return self.short + self.length + self.checksum


@dataclass(frozen=True, slots=True)
class Status:
    """10.3.2: one status message. ``said`` is ``None`` where only STATUS_ID_DESCRIPTION knows its text."""

    sub_device: int
    type: int
    message: int
    first: int
    second: int

    @property
    def said(self) -> Text | None:
        return status_text(self.message, self.first, self.second)

    @property
    def is_bad(self) -> bool:
        return self.type in (StatusType.WARNING, StatusType.ERROR)

    def encode(self) -> bytes:
        return struct.pack(">HBHhh", self.sub_device, self.type, self.message, self.first, self.second)


@dataclass(frozen=True, slots=True)
class LossMode:
    """E1.37-1 3.2 and 3.3: what a device does without DMX, or before the first. Seconds; ``None`` is for ever.

    ``scene`` 0 is the ``level`` on all slots of intensity; others are presets.
    """

    scene: int
    delay: float | None
    hold: float | None
    level: int

    _FORM = struct.Struct(">HHHB")

    def encode(self) -> bytes:
        return self._FORM.pack(self.scene, _tenths(self.delay), _tenths(self.hold), self.level)

    @classmethod
    def decode(cls, data: bytes) -> "LossMode":
        scene, delay, hold, level = _unpack(cls._FORM, data)
        return cls(scene, _seconds(delay), _seconds(hold), level)


class Reset(IntEnum):
    """10.11.2."""

    WARM = 0x01
    COLD = 0xFF


@dataclass(frozen=True, slots=True)
class Muted:
    """7.6.3: what a responder says of itself when it is muted. ``binding`` joins the ports of one device."""

    managed_proxy: bool = False
    sub_devices: bool = False
    boot_loader: bool = False
    proxied: bool = False
    binding: Uid | None = None

    @classmethod
    def decode(cls, data: bytes) -> "Muted":
        (field,) = _unpack(struct.Struct(">H"), data)
        binding = Uid.decode(data[2:8]) if len(data) >= 8 else None
        return cls(bool(field & 1), bool(field & 2), bool(field & 4), bool(field & 8), binding)

    def encode(self) -> bytes:
        flags = (self.managed_proxy, self.sub_devices, self.boot_loader, self.proxied)
        field = sum(flag << bit for bit, flag in enumerate(flags))
        return field.to_bytes(2, "big") + (self.binding.encode() if self.binding else b"")


def text(data: bytes) -> str:
    """A label: up to 32 characters, ended early by a zero; what cannot be shown becomes ``?``."""
    plain = data[:32].split(b"\0", 1)[0].decode("ascii", "replace")
    return "".join(
        each if each.isprintable() and each != "\N{REPLACEMENT CHARACTER}" else "?" for each in plain
    ).strip()


def label(text: str) -> bytes:
    """A label to be set. RdmError when it is longer than 32 characters or not ASCII (10.5.6)."""
    if len(text) > 32 or not text.isascii() or not (text.isprintable() or not text):
        raise RdmError(f"{text[:40]!r} is no label: up to 32 printable ASCII characters")
    return text.encode("ascii")


def _unpack(form: struct.Struct, data: bytes) -> tuple[int, ...]:
    if len(data) < form.size:
        raise RdmError(f"{len(data)} data bytes; at least {form.size} are needed")
    return form.unpack_from(data)


def _rows(form: str, data: bytes) -> list[tuple[int, ...]]:
    row = struct.Struct(form)
    if len(data) % row.size:
        raise RdmError(f"{len(data)} data bytes are no rows of {row.size}")
    return list(row.iter_unpack(data))


def _number(form: str) -> Callable[[bytes], int]:
    return lambda data: _unpack(struct.Struct(form), data)[0]


def _scaled(value: int, factor: float) -> float:
    return round(value * factor, 12)  # 231 tenths are 23.1, not 23.1000…01


def _unit(unit: int) -> str:
    return UNITS[unit] if unit < len(UNITS) else f"unit {unit:#04x}"


def _seconds(tenths: int) -> float | None:
    return None if tenths == INFINITE else tenths / 10


def _tenths(seconds: float | None) -> int:
    if seconds is None:
        return INFINITE
    if not 0 <= seconds < INFINITE / 10:
        raise RdmError(f"{seconds:g} s does not fit: 0…6553.4 s, or none for ever")
    return round(seconds * 10)


def _sensor_value(data: bytes) -> SensorValue:
    form = struct.Struct(">Bhhhh")
    return SensorValue(*_unpack(form, data.ljust(form.size, b"\0") if len(data) >= 3 else data))


def _personality_description(data: bytes) -> PersonalityDescription:
    number, slots = _unpack(struct.Struct(">BH"), data)
    return PersonalityDescription(number, slots, text(data[3:]))


def _test_description(data: bytes) -> str:
    _unpack(struct.Struct(">B"), data)
    return text(data[1:])


DEVICE_INFO = Parameter(Pid.DEVICE_INFO, DeviceInfo.decode)
SUPPORTED_PARAMETERS = Parameter(Pid.SUPPORTED_PARAMETERS, lambda data: frozenset(pid for (pid,) in _rows(">H", data)))
PARAMETER_DESCRIPTION = Parameter(Pid.PARAMETER_DESCRIPTION, ParameterDescription.decode)
DEVICE_MODEL_DESCRIPTION = Parameter(Pid.DEVICE_MODEL_DESCRIPTION, text)
MANUFACTURER_LABEL = Parameter(Pid.MANUFACTURER_LABEL, text)
DEVICE_LABEL = Parameter(Pid.DEVICE_LABEL, text)
SOFTWARE_VERSION_LABEL = Parameter(Pid.SOFTWARE_VERSION_LABEL, text)
DMX_PERSONALITY = Parameter(Pid.DMX_PERSONALITY, lambda data: Personalities(*_unpack(struct.Struct(">BB"), data)))
DMX_PERSONALITY_DESCRIPTION = Parameter(Pid.DMX_PERSONALITY_DESCRIPTION, _personality_description)
DMX_START_ADDRESS = Parameter(Pid.DMX_START_ADDRESS, _number(">H"))
SLOT_INFO = Parameter(Pid.SLOT_INFO, lambda data: tuple(SlotInfo(*row) for row in _rows(">HBH", data)))
DMX_FAIL_MODE = Parameter(Pid.DMX_FAIL_MODE, LossMode.decode)
DMX_STARTUP_MODE = Parameter(Pid.DMX_STARTUP_MODE, LossMode.decode)
SENSOR_DEFINITION = Parameter(Pid.SENSOR_DEFINITION, SensorDefinition.decode)
SENSOR_VALUE = Parameter(Pid.SENSOR_VALUE, _sensor_value)
DEVICE_HOURS = Parameter(Pid.DEVICE_HOURS, _number(">I"))
LAMP_HOURS = Parameter(Pid.LAMP_HOURS, _number(">I"))
LAMP_STRIKES = Parameter(Pid.LAMP_STRIKES, _number(">I"))
DEVICE_POWER_CYCLES = Parameter(Pid.DEVICE_POWER_CYCLES, _number(">I"))
IDENTIFY_DEVICE = Parameter(Pid.IDENTIFY_DEVICE, lambda data: bool(_number(">B")(data)))
PERFORM_SELFTEST = Parameter(Pid.PERFORM_SELFTEST, lambda data: bool(_number(">B")(data)))
SELF_TEST_DESCRIPTION = Parameter(Pid.SELF_TEST_DESCRIPTION, _test_description)
COMMS_STATUS = Parameter(Pid.COMMS_STATUS, lambda data: CommsStatus(*_unpack(struct.Struct(">HHH"), data)))
STATUS_MESSAGES = Parameter(
    Pid.STATUS_MESSAGES, lambda data: tuple(Status(*row) for row in _rows(">HBHhh", data)), passive=False
)
STATUS_ID_DESCRIPTION = Parameter(Pid.STATUS_ID_DESCRIPTION, text)

ALL: tuple[Parameter[object], ...] = (
    *(DEVICE_INFO, SUPPORTED_PARAMETERS, PARAMETER_DESCRIPTION, DEVICE_MODEL_DESCRIPTION, MANUFACTURER_LABEL),
    *(DEVICE_LABEL, SOFTWARE_VERSION_LABEL, DMX_PERSONALITY, DMX_PERSONALITY_DESCRIPTION, DMX_START_ADDRESS),
    *(SLOT_INFO, DMX_FAIL_MODE, DMX_STARTUP_MODE, SENSOR_DEFINITION, SENSOR_VALUE, DEVICE_HOURS, LAMP_HOURS),
    *(LAMP_STRIKES, DEVICE_POWER_CYCLES, IDENTIFY_DEVICE, PERFORM_SELFTEST, SELF_TEST_DESCRIPTION, COMMS_STATUS),
    *(STATUS_MESSAGES, STATUS_ID_DESCRIPTION),
)
PASSIVE = frozenset(each.pid for each in ALL if each.passive)
"""What may be asked on air. STATUS_MESSAGES and QUEUED_MESSAGE are not among them: who asks takes the message away."""
