"""Sparkplug B payloads: metrics with names or aliases, times, types and values; to bytes and back. Pure.

Field numbers and types are those of ``sparkplug_b.proto`` (Sparkplug 3.0, 6.4.1); ids of clauses (``tck-id-…``) are
the specification's. Not made and not read: data sets, templates, arrays, nested property sets. A metric that has one
arrives with :data:`OPAQUE` as its value.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from agent.messaging.sparkplug import protobuf
from agent.messaging.sparkplug.protobuf import WireError

MOST_METRICS = 10_000
"""Metrics in one payload that are read; more is no payload of a host."""


class DataType(IntEnum):
    """``tck-id-payloads-metric-datatype-value``."""

    UNKNOWN = 0
    INT8 = 1
    INT16 = 2
    INT32 = 3
    INT64 = 4
    UINT8 = 5
    UINT16 = 6
    UINT32 = 7
    UINT64 = 8
    FLOAT = 9
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12
    DATETIME = 13
    TEXT = 14
    UUID = 15
    BYTES = 17
    FILE = 18


class _Opaque:
    def __repr__(self) -> str:
        return "OPAQUE"


OPAQUE: Final = _Opaque()
"""A value of a kind that is not read here."""
Value = bool | int | float | str | bytes | None | _Opaque
"""``None`` is Sparkplug's *null*. DateTime is milliseconds since 1970, UTC."""

SIGNED: Mapping[DataType, int] = {DataType.INT8: 8, DataType.INT16: 16, DataType.INT32: 32, DataType.INT64: 64}
UNSIGNED: Mapping[DataType, int] = {
    DataType.UINT8: 8,
    DataType.UINT16: 16,
    DataType.UINT32: 32,
    DataType.UINT64: 64,
    DataType.DATETIME: 64,
}
WORDS = frozenset({DataType.STRING, DataType.TEXT, DataType.UUID})
_LONG = frozenset({DataType.INT64, DataType.UINT32, DataType.UINT64, DataType.DATETIME})
"""In ``long_value``; UInt32 too, as Tahu's libraries have it. Reading takes either field."""


@dataclass(frozen=True, slots=True)
class Property:
    """One property of a metric: its type and value."""

    datatype: DataType
    value: Value


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. Without ``datatype`` (commands) a number's sign is unknown: see :func:`as_type`."""

    name: str | None = None
    alias: int | None = None
    timestamp: int | None = None
    datatype: DataType | None = None
    value: Value = None
    historical: bool = False
    properties: Mapping[str, Property] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Raises ValueError for a value that is not of its type."""
        out = bytearray()
        if self.name is not None:
            out += protobuf.text(1, self.name)
        if self.alias is not None:
            out += protobuf.whole(2, self.alias)
        if self.timestamp is not None:
            out += protobuf.whole(3, self.timestamp)
        if self.datatype is not None:
            out += protobuf.whole(4, self.datatype)
        if self.historical:
            out += protobuf.whole(5, 1)
        if self.value is None:
            out += protobuf.whole(7, 1)
        if self.properties:
            out += protobuf.block(9, _encode_properties(self.properties))
        if self.value is not None:
            out += _encode_value(self.datatype, self.value, 10)
        return bytes(out)


@dataclass(frozen=True, slots=True)
class Payload:
    """A message. ``timestamp`` is when it was sent, milliseconds since 1970, UTC; ``seq`` 0…255."""

    timestamp: int | None = None
    metrics: tuple[Metric, ...] = ()
    seq: int | None = None

    def encode(self) -> bytes:
        """Raises ValueError for a value that is not of its metric's type."""
        out = bytearray()
        if self.timestamp is not None:
            out += protobuf.whole(1, self.timestamp)
        for metric in self.metrics:
            out += protobuf.block(2, metric.encode())
        if self.seq is not None:
            out += protobuf.whole(3, self.seq)
        return bytes(out)


def decode(data: bytes) -> Payload:
    """Raises WireError for what is no payload, nothing else. Unknown fields are passed over; a field that comes twice
    counts as it came last, as protobuf has it."""
    timestamp = seq = None
    metrics: list[Metric] = []
    for number, wire, content in protobuf.fields(data):
        if number == 1:
            timestamp = protobuf.as_whole(content, wire)
        elif number == 2:
            if len(metrics) >= MOST_METRICS:
                raise WireError(f"more than {MOST_METRICS} metrics")
            metrics.append(_decode_metric(protobuf.as_block(content, wire)))
        elif number == 3:
            seq = protobuf.as_whole(content, wire)
    return Payload(timestamp, tuple(metrics), seq)


def as_type(value: Value, kind: DataType) -> bool | int | float | str:
    """What somebody wrote, as a value of the metric's own type. Hosts leave the type out of commands
    (``tck-id-payloads-metric-datatype-not-req``) or send a whole number for a double. Raises ValueError."""
    if kind is DataType.BOOLEAN and isinstance(value, bool):
        return value
    if kind in WORDS and isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        if kind in (DataType.DOUBLE, DataType.FLOAT):
            return float(value)
        if (kind in SIGNED or kind in UNSIGNED) and int(value) == value:
            return _fitting(kind, int(value))
    raise ValueError(f"{value!r} is no {kind.name.capitalize()}")


def _fitting(kind: DataType, value: int) -> int:
    bits = SIGNED.get(kind) or UNSIGNED[kind]
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1)) if kind in SIGNED else (0, 2**bits)
    if kind in SIGNED and value >= high:  # without a type the field is read unsigned
        value = _signed(value, 64 if value >= 2**32 else 32)
    if not low <= value < high:
        raise ValueError(f"{value} is no {kind.name.capitalize()}")
    return value


def _signed(value: int, bits: int) -> int:
    value &= 2**bits - 1
    return value - 2**bits if value >= 2 ** (bits - 1) else value


def _encode_value(kind: DataType | None, value: Value, base: int) -> bytes:
    """``base``: the field number of ``int_value``; the others follow in the same order in metrics and properties."""
    if kind is DataType.BOOLEAN and isinstance(value, bool):
        return protobuf.whole(base + 4, value)
    if kind in WORDS and isinstance(value, str):
        return protobuf.text(base + 5, value)
    if kind in (DataType.BYTES, DataType.FILE) and isinstance(value, bytes) and base == 10:
        return protobuf.block(base + 6, value)
    if kind is not None and isinstance(value, int | float) and not isinstance(value, bool):
        if kind is DataType.DOUBLE:
            return protobuf.double(base + 3, value)
        if kind is DataType.FLOAT:
            return protobuf.single(base + 2, value)
        if isinstance(value, int) and (kind in SIGNED or kind in UNSIGNED):
            if _fitting(kind, value) != value:
                raise ValueError(f"{value} is no {kind.name.capitalize()}")
            long = kind in _LONG
            return protobuf.whole(base + long, value & (2**64 - 1 if long else 2**32 - 1))
    raise ValueError(f"{value!r} cannot be sent as {kind.name if kind is not None else 'a metric without a type'}")


def _encode_properties(properties: Mapping[str, Property]) -> bytes:
    """Two arrays of one length (``tck-id-payloads-propertyset-keys-array-size``)."""
    keys = b"".join(protobuf.text(1, key) for key in properties)
    values = b"".join(
        protobuf.block(
            2,
            protobuf.whole(1, each.datatype)
            + (protobuf.whole(2, 1) if each.value is None else _encode_value(each.datatype, each.value, 3)),
        )
        for each in properties.values()
    )
    return keys + values


def _decode_metric(data: bytes) -> Metric:
    name = alias = timestamp = datatype = None
    historical = null = False
    value: Value = None
    properties: dict[str, Property] = {}
    for number, wire, content in protobuf.fields(data):
        if number == 1:
            name = protobuf.as_text(content, wire)
        elif number == 2:
            alias = protobuf.as_whole(content, wire)
        elif number == 3:
            timestamp = protobuf.as_whole(content, wire)
        elif number == 4:
            datatype = _datatype(protobuf.as_whole(content, wire))
        elif number == 5:
            historical = bool(protobuf.as_whole(content, wire))
        elif number == 7:
            null = bool(protobuf.as_whole(content, wire))
        elif number == 9:
            properties = _decode_properties(protobuf.as_block(content, wire))
        elif 10 <= number <= 19:
            value = _decode_value(number - 10, wire, content)
    return Metric(name, alias, timestamp, datatype, None if null else _typed(value, datatype), historical, properties)


def _decode_value(which: int, wire: int, content: int | bytes) -> Value:
    """``which``: 0 int, 1 long, 2 float, 3 double, 4 boolean, 5 string, 6 bytes; beyond: not read here."""
    match which:
        case 0:
            return protobuf.as_whole(content, wire) & 0xFFFFFFFF
        case 1:
            return protobuf.as_whole(content, wire)
        case 2:
            return protobuf.as_single(content, wire)
        case 3:
            return protobuf.as_double(content, wire)
        case 4:
            return bool(protobuf.as_whole(content, wire))
        case 5:
            return protobuf.as_text(content, wire)
        case 6:
            return protobuf.as_block(content, wire)
        case _:
            return OPAQUE


def _typed(value: Value, kind: DataType | None) -> Value:
    """The sign is in the type, not on the wire."""
    if kind is not None and kind in SIGNED and isinstance(value, int) and not isinstance(value, bool):
        return _signed(value, SIGNED[kind])
    return value


def _datatype(number: int) -> DataType | None:
    try:
        return DataType(number)
    except ValueError:
        return None


def _decode_properties(data: bytes) -> dict[str, Property]:
    keys: list[str] = []
    values: list[Property] = []
    for number, wire, content in protobuf.fields(data):
        if number == 1:
            keys.append(protobuf.as_text(content, wire))
        elif number == 2:
            values.append(_decode_property(protobuf.as_block(content, wire)))
    if len(keys) != len(values):
        raise WireError(f"{len(keys)} keys for {len(values)} properties")
    return dict(zip(keys, values, strict=True))


def _decode_property(data: bytes) -> Property:
    datatype: DataType | None = None
    null = False
    value: Value = None
    for number, wire, content in protobuf.fields(data):
        if number == 1:
            datatype = _datatype(protobuf.as_whole(content, wire))
        elif number == 2:
            null = bool(protobuf.as_whole(content, wire))
        elif 3 <= number <= 8:
            value = _decode_value(number - 3, wire, content)
        elif 9 <= number <= 11:
            value = OPAQUE
    return Property(datatype or DataType.UNKNOWN, None if null else _typed(value, datatype))
