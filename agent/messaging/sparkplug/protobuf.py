"""The wire format of Protocol Buffers, as much of it as Sparkplug needs. Pure.

    message = { key value }            key   = varint(number << 3 | wire type)

    0 VARINT   7 bits a byte, low ones first, top bit: there is more       uint32, uint64, bool
    1 I64      8 bytes, little endian                                      double
    2 LEN      varint length, so many bytes                                string, bytes, messages
    5 I32      4 bytes, little endian                                      float

Source: Protocol Buffers, *Encoding* (protobuf.dev). Groups (wire types 3 and 4) are in no Sparkplug message: an error.
Negative numbers go as two's complement of 32 or 64 bits in a varint, as Sparkplug demands (never zigzag).
"""

import struct
from collections.abc import Iterator

VARINT, I64, LEN, I32 = 0, 1, 2, 5
MOST = 2**64


class WireError(ValueError):
    """Bytes that are no message of this kind. The only thing the reader raises."""


def varint(number: int) -> bytes:
    """0 … 2⁶⁴−1. Raises ValueError beyond."""
    if not 0 <= number < MOST:
        raise ValueError(f"{number} is not an unsigned number of 64 bits")
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def whole(field: int, number: int) -> bytes:
    """A field with an unsigned number (or a truth value)."""
    return varint(field << 3 | VARINT) + varint(number)


def double(field: int, number: float) -> bytes:
    return varint(field << 3 | I64) + struct.pack("<d", number)


def single(field: int, number: float) -> bytes:
    """A float of 32 bits. Beyond its range it becomes infinite, as a C program's would."""
    try:
        packed = struct.pack("<f", number)
    except OverflowError:
        packed = struct.pack("<f", float("inf") if number > 0 else float("-inf"))
    return varint(field << 3 | I32) + packed


def block(field: int, content: bytes) -> bytes:
    """A field with bytes, or with a message."""
    return varint(field << 3 | LEN) + varint(len(content)) + content


def text(field: int, words: str) -> bytes:
    """A field with UTF-8; a lone surrogate, which has none, becomes ``?``."""
    return block(field, words.encode("utf-8", "replace"))


def fields(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """Number, wire type and raw content of every field: an int for VARINT, else its bytes. Raises WireError."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if not 1 <= number < 2**29:
            raise WireError(f"field number {number} at byte {at}: 1 to 2^29-1")
        if wire == VARINT:
            content, at = _varint(data, at)
            yield number, wire, content
            continue
        if wire == LEN:
            length, at = _varint(data, at)
        elif wire in (I64, I32):
            length = 8 if wire == I64 else 4
        else:
            raise WireError(f"wire type {wire} at byte {at}: not 0, 1, 2 or 5")
        if length > len(data) - at:
            raise WireError(f"field {number} wants {length} bytes at byte {at}, {len(data) - at} are left")
        yield number, wire, data[at : at + length]
        at += length


def as_whole(content: int | bytes, wire: int) -> int:
    if wire != VARINT or not isinstance(content, int):
        raise WireError(f"wire type {wire} where a number was due")
    return content


def as_double(content: int | bytes, wire: int) -> float:
    if wire != I64 or not isinstance(content, bytes):
        raise WireError(f"wire type {wire} where a double was due")
    return float(struct.unpack("<d", content)[0])


def as_single(content: int | bytes, wire: int) -> float:
    if wire != I32 or not isinstance(content, bytes):
        raise WireError(f"wire type {wire} where a float was due")
    return float(struct.unpack("<f", content)[0])


def as_block(content: int | bytes, wire: int) -> bytes:
    if wire != LEN or not isinstance(content, bytes):
        raise WireError(f"wire type {wire} where bytes were due")
    return content


def as_text(content: int | bytes, wire: int) -> str:
    try:
        return as_block(content, wire).decode("utf-8")
    except UnicodeDecodeError as error:
        raise WireError(f"a string that is not UTF-8: {error.reason}") from None


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        if at >= len(data):
            raise WireError("the message ends within a number")
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
        if shift > 63:
            raise WireError(f"a number of more than 10 bytes before byte {at}")
    if number >= MOST:
        raise WireError(f"a number of more than 64 bits before byte {at}")
    return number, at
