"""Payloads against bytes of Eclipse Tahu's encoder, and against anything at all."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.messaging.sparkplug import protobuf
from agent.messaging.sparkplug.payload import (
    OPAQUE,
    SIGNED,
    UNSIGNED,
    WORDS,
    DataType,
    Metric,
    Payload,
    Property,
    as_type,
    decode,
)
from agent.messaging.sparkplug.protobuf import WireError

VECTORS = {
    each["meaning"]: bytes.fromhex(each["hex"])
    for each in json.loads((Path(__file__).parent / "tahu.json").read_text(encoding="utf-8"))
}
"""Made by Tahu's encoder (npm: sparkplug-payload 1.0.3)."""
AT, SENT = 1_700_000_000_001, 1_700_000_000_123
MEANT = {
    "NDEATH: bdSeq alone": Payload(metrics=(Metric("bdSeq", datatype=DataType.INT64, value=17),)),
    "every basic type": Payload(
        SENT,
        (
            Metric("a", 1, AT, DataType.INT8, -5),
            Metric("b", 2, AT, DataType.INT16, -32768),
            Metric("c", 300, AT, DataType.INT32, -(2**31)),
            Metric("d", 4, AT, DataType.INT64, -9007199254740993),
            Metric("e", None, AT, DataType.UINT8, 255),
            Metric("f", None, AT, DataType.UINT16, 65535),
            Metric("g", None, AT, DataType.UINT32, 2**32 - 1),
            Metric("h", None, AT, DataType.UINT64, 2**64 - 1),
            Metric("i", None, AT, DataType.FLOAT, 0.5),
            Metric("j", None, AT, DataType.DOUBLE, -1234.5678),
            Metric("k", None, AT, DataType.BOOLEAN, True),
            Metric("l", None, AT, DataType.BOOLEAN, False),
            Metric("m", None, AT, DataType.STRING, "key light 主光"),
            Metric("n", None, AT, DataType.DATETIME, 1_700_000_000_999),
            Metric("o", None, AT, DataType.TEXT, ""),
            Metric("p", None, AT, DataType.BYTES, bytes([0, 1, 255])),
        ),
        255,
    ),
    "nulls, history and a property": Payload(
        SENT,
        (
            Metric(
                "Network/rtt_ms", 7, AT, DataType.DOUBLE, None, properties={"engUnit": Property(DataType.STRING, "ms")}
            ),
            Metric(
                "Levels/cct",
                8,
                1_600_000_000_001,
                DataType.DOUBLE,
                4300.0,
                historical=True,
                properties={"engUnit": Property(DataType.STRING, "K"), "Quality": Property(DataType.INT32, 192)},
            ),
        ),
        0,
    ),
    "rebirth request (NCMD)": Payload(SENT, (Metric("Node Control/Rebirth", datatype=DataType.BOOLEAN, value=True),)),
    "a write by alias (DCMD)": Payload(SENT, (Metric(None, 41, None, DataType.DOUBLE, 0.25),)),
}


@pytest.mark.parametrize("meaning", VECTORS)
def test_what_tahu_encodes_is_read_as_it_was_meant(meaning: str) -> None:
    assert decode(VECTORS[meaning]) == MEANT[meaning]


@pytest.mark.parametrize("meaning", MEANT)
def test_our_bytes_are_those_of_tahu(meaning: str) -> None:
    assert MEANT[meaning].encode().hex() == VECTORS[meaning].hex()


numbers = st.integers(0, 2**64 - 1)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def values(kind: DataType) -> st.SearchStrategy[object]:
    if kind in SIGNED:
        return st.integers(-(2 ** (SIGNED[kind] - 1)), 2 ** (SIGNED[kind] - 1) - 1)
    if kind in UNSIGNED:
        return st.integers(0, 2 ** UNSIGNED[kind] - 1)
    if kind in WORDS:
        return words
    return {
        DataType.FLOAT: st.floats(width=32, allow_nan=False),
        DataType.DOUBLE: st.floats(allow_nan=False),
        DataType.BOOLEAN: st.booleans(),
    }.get(kind, st.binary(max_size=20))


kinds = st.sampled_from([kind for kind in DataType if kind is not DataType.UNKNOWN])
plain = st.sampled_from([*SIGNED, *UNSIGNED, *WORDS, DataType.FLOAT, DataType.DOUBLE, DataType.BOOLEAN])
properties = plain.flatmap(lambda kind: st.builds(Property, st.just(kind), st.none() | values(kind)))
metrics = kinds.flatmap(
    lambda kind: st.builds(
        Metric,
        st.none() | words,
        st.none() | numbers,
        st.none() | numbers,
        st.just(kind),
        st.none() | values(kind),
        st.booleans(),
        st.dictionaries(words, properties, max_size=3),
    )
)
payloads = st.builds(Payload, st.none() | numbers, st.lists(metrics, max_size=5).map(tuple), st.none() | numbers)


@given(payloads)
def test_what_was_encoded_comes_back(payload: Payload) -> None:
    assert decode(payload.encode()) == payload


@given(st.binary(max_size=200))
@example(b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
@example(b"\xff" * 11)
def test_noise_is_a_payload_or_a_wire_error(noise: bytes) -> None:
    with_luck(noise)


@given(payloads.map(Payload.encode), st.data())
def test_a_damaged_payload_is_a_payload_or_a_wire_error(good: bytes, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(good)))
    with_luck(good[:cut] + data.draw(st.binary(max_size=4)) + good[cut + data.draw(st.integers(0, 3)) :])


def with_luck(body: bytes) -> None:
    try:
        assert isinstance(decode(body), Payload)
    except WireError as error:
        assert str(error)


def test_what_is_not_read_here_is_passed_over() -> None:
    data_set = protobuf.block(2, protobuf.text(1, "table") + protobuf.whole(4, 16) + protobuf.block(17, b"\x08\x02"))
    later = protobuf.text(99, "third parties may add fields") + protobuf.double(100, 1.0) + protobuf.single(101, 1.0)
    (metric,) = decode(data_set + later).metrics
    assert metric.name == "table" and metric.value is OPAQUE and metric.datatype is None


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"\x0b", "wire type 3"),
        (b"\x00\x01", "field number 0"),
        (b"\x0a\x01x", "a number was due"),
        (protobuf.whole(2, 1), "bytes were due"),
        (protobuf.block(2, protobuf.block(1, b"\xff")), "UTF-8"),
        (protobuf.block(2, protobuf.block(9, protobuf.text(1, "key"))), "1 keys for 0 properties"),
        (b"\x08" + b"\x80" * 9 + b"\x02", "64 bits"),
        (b"\x12\x05ab", "wants 5 bytes"),
        (b"".join([protobuf.block(2, b"")] * 10_001), "more than 10000 metrics"),
    ],
)
def test_a_wire_error_says_what_is_wrong(body: bytes, why: str) -> None:
    with pytest.raises(WireError, match=why):
        decode(body)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (DataType.INT8, 128),
        (DataType.UINT8, -1),
        (DataType.UINT64, 2**64),
        (DataType.INT32, "1"),
        (DataType.BOOLEAN, 1),
        (DataType.STRING, 1.0),
        (DataType.DOUBLE, True),
        (DataType.UNKNOWN, 1),
        (DataType.STRING, b"bytes"),
    ],
)
def test_a_value_that_is_not_of_its_type_is_not_sent(kind: DataType, value: object) -> None:
    with pytest.raises(ValueError):
        Payload(metrics=(Metric("m", datatype=kind, value=value),)).encode()  # type: ignore[arg-type]


def test_a_command_without_types_is_read_by_the_metrics_own() -> None:
    assert as_type(4300, DataType.DOUBLE) == 4300.0
    assert as_type(0xFFFFFFFB, DataType.INT32) == -5
    assert as_type(2**64 - 5, DataType.INT64) == -5
    assert as_type(3.0, DataType.INT32) == 3
    for value, kind in (
        (None, DataType.DOUBLE),
        (0.5, DataType.INT32),
        (1, DataType.BOOLEAN),
        (OPAQUE, DataType.STRING),
    ):
        with pytest.raises(ValueError):
            as_type(value, kind)
    for value in (math.inf, math.nan):
        for kind in (DataType.INT32, DataType.DOUBLE):
            with pytest.raises(ValueError):
                as_type(value, kind)
