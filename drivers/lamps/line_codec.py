"""Frames of a line protocol ↔ bytes. Pure: the fields are a profile's (:mod:`firmware_profiles.line_protocol`).

    numbers ──Shape.encode──▶ bytes on the wire
    bytes   ──Shape.find────▶ the first whole frame that fits: its numbers, and where it ends

What comes in is searched, not parsed from its start: noise before a frame, a frame cut in two or a wrong checksum only
mean that there is nothing yet. Checksums: XOR and sums as the makers' papers have them; CRC-16 as catalogued by Greg
Cook (check values for "123456789": MODBUS 4B37, IBM-3740 "CCITT-FALSE" 29B1, XMODEM 31C3).
"""

import re
from collections.abc import Callable, Mapping
from functools import reduce
from operator import xor
from typing import NamedTuple

from firmware_profiles.line_protocol import CHECK_BYTES, Check, Escape, Frame, Part

LONGEST = 512
"""Bytes of unread input that are kept: several frames of any such protocol."""

ADDRESS = 15
"""Characters of an IPv4 address."""


class Found(NamedTuple):
    """A frame that was found: its numbers by name, and how many bytes up to its end."""

    numbers: Mapping[str, int]
    end: int


class DoesNotFit(ValueError):
    """A number has no room in its field: the profile's checks let none through."""


def crc16(data: bytes, polynomial: int, start: int, reflected: bool) -> int:
    """CRC of 16 bits; ``reflected``: least significant bit first, ``polynomial`` then reversed as well."""
    crc = start
    for byte in data:
        crc ^= byte if reflected else byte << 8
        for _ in range(8):
            if reflected:
                crc = crc >> 1 ^ (polynomial if crc & 1 else 0)
            else:
                crc = (crc << 1 ^ (polynomial if crc & 0x8000 else 0)) & 0xFFFF
    return crc


CHECKS: Mapping[Check, Callable[[bytes], int]] = {
    "xor": lambda data: reduce(xor, data, 0),
    "sum8": lambda data: sum(data) & 0xFF,
    "sum16": lambda data: sum(data) & 0xFFFF,
    "crc16-modbus": lambda data: crc16(data, 0xA001, 0xFFFF, reflected=True),
    "crc16-ccitt": lambda data: crc16(data, 0x1021, 0xFFFF, reflected=False),
    "crc16-xmodem": lambda data: crc16(data, 0x1021, 0, reflected=False),
}


class Shape:
    """A frame ready for use."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self._parts = frame.fields
        self._pattern = re.compile(b"".join(map(_pattern, self._parts)), re.DOTALL)
        self._escape = None if frame.escape is None else _Escaped(frame.escape, self._parts)

    @property
    def longest(self) -> int:
        """Bytes it has at the most."""
        whole = sum(_width(part) for part in self._parts)
        return whole if self._escape is None else 2 * whole

    def encode(self, numbers: Mapping[str, int], own: str = "") -> bytes:
        """The frame with these numbers; ``own``: this machine's address, for frames that say it. Raises DoesNotFit,
        KeyError for a number that is not given."""
        written: list[bytes] = [b""] * len(self._parts)
        for turn in (_plain, _length, _check):  # a checksum may cover a length, a length never a checksum's value
            for at, part in enumerate(self._parts):
                made = turn(part, at, written, numbers, own)
                if made is not None:
                    written[at] = made
        whole = b"".join(written)
        return whole if self._escape is None else self._escape.put(whole)

    def find(self, data: bytes, expected: Mapping[str, int] | None = None) -> Found | None:
        """The first whole frame in ``data`` whose checks are right and whose numbers are those ``expected``."""
        if self._escape is not None:
            for whole, end in self._escape.frames(data):
                match = self._pattern.fullmatch(whole)
                numbers = None if match is None else self._numbers(match, expected or {})
                if numbers is not None:
                    return Found(numbers, end)
            return None
        at = 0
        while (match := self._pattern.search(data, at)) is not None:
            numbers = self._numbers(match, expected or {})
            if numbers is not None:
                return Found(numbers, match.end())
            at = match.start() + 1
        return None

    def _numbers(self, match: re.Match[bytes], expected: Mapping[str, int]) -> dict[str, int] | None:
        written = [group or b"" for group in match.groups()]
        numbers = {}
        for at, part in enumerate(self._parts):
            if part.number is not None:
                number = _read(part, written[at]) - part.add
                if number < 0 or expected.get(str(part.number), number) != number:
                    return None
                numbers[str(part.number)] = number
            elif not _holds(part, at, written):
                return None
        return numbers


def _holds(part: Part, at: int, written: list[bytes]) -> bool:
    """Whether a checksum or a length is right; anything else is."""
    if part.check is not None:
        return _read(part, written[at]) == CHECKS[part.check](_over(part, at, written))
    return part.length is None or _read(part, written[at]) - part.add == len(_over(part, at, written))


def _plain(part: Part, at: int, written: list[bytes], numbers: Mapping[str, int], own: str) -> bytes | None:
    if part.constant is not None:
        return part.constant
    if part.number is not None:
        return _write(part, numbers[str(part.number)] + part.add)
    if part.own_address:
        return own.encode("ascii", "replace")
    return None if part.skip is None else bytes(part.skip)


def _length(part: Part, at: int, written: list[bytes], numbers: Mapping[str, int], own: str) -> bytes | None:
    return None if part.length is None else _write(part, len(_over(part, at, written)) + part.add)


def _check(part: Part, at: int, written: list[bytes], numbers: Mapping[str, int], own: str) -> bytes | None:
    return None if part.check is None else _write(part, CHECKS[part.check](_over(part, at, written)))


def _over(part: Part, at: int, written: list[bytes]) -> bytes:
    first, last = part.over or (0, at - 1)
    return b"".join(written[first : last + 1])


def _write(part: Part, number: int) -> bytes:
    if not 0 <= number <= part.most:
        raise DoesNotFit(f"{number} does not fit into {part.digits} digits or bytes of {part.form}")
    match part.form:
        case "binary":
            return number.to_bytes(part.digits, part.order)
        case "decimal":
            return (f"{number:0{part.digits}d}" if part.padded else str(number)).encode()
        case "hex":
            return f"{number:0{part.digits}x}".encode()
        case "HEX":
            return f"{number:0{part.digits}X}".encode()


def _read(part: Part, text: bytes) -> int:
    if part.form == "binary":
        return int.from_bytes(text, part.order)
    return int(text, 10 if part.form == "decimal" else 16)


def _width(part: Part) -> int:
    if part.constant is not None:
        return len(part.constant)
    return part.skip or (ADDRESS if part.own_address else part.digits)


def _pattern(part: Part) -> bytes:
    if part.constant is not None:
        return b"(" + re.escape(part.constant) + b")"
    if part.own_address:
        return b"([0-9.]{7,%d})" % ADDRESS
    if part.skip is not None:
        return b"(.{%d})" % part.skip
    alphabet = {"binary": b".", "decimal": b"[0-9]"}.get(part.form, b"[0-9A-Fa-f]")
    return b"(%s{%d})" % (alphabet, part.digits) if part.padded else b"(%s{1,%d})" % (alphabet, part.digits)


class _Escaped:
    """Puts escapes in, takes them out, and cuts what comes in into frames."""

    def __init__(self, escape: Escape, parts: tuple[Part, ...]) -> None:
        first, last = parts[0].constant, parts[-1].constant
        assert first is not None and last is not None  # the profile's checks say so
        self._first, self._last = first[0], last[0]
        self._lead = int(escape.lead, 16)
        self._of = {*bytes.fromhex(escape.of), self._lead}
        self._flip = escape.flip
        self._never = {self._first, self._last} if escape.flip else set()
        """Bytes that cannot follow the lead: the frame was cut there, and another one begins."""

    def put(self, whole: bytes) -> bytes:
        inside = b"".join(
            bytes((self._lead, byte ^ self._flip)) if byte in self._of else bytes((byte,)) for byte in whole[1:-1]
        )
        return whole[:1] + inside + whole[-1:]

    def frames(self, data: bytes) -> list[tuple[bytes, int]]:
        """Every frame of the input without its escapes, and where it ends."""
        found = []
        inside: bytearray | None = None
        led = False
        for at, byte in enumerate(data):
            if led and byte in self._never:
                inside, led = None, False
            if inside is not None and led:
                inside.append(byte ^ self._flip)
                led = False
            elif inside is not None and byte == self._last and inside:
                found.append((bytes((self._first, *inside, byte)), at + 1))
                inside = bytearray() if self._first == self._last else None  # one flag may end a frame and begin one
            elif byte == self._first:
                inside = bytearray()
            elif inside is not None and byte == self._lead:
                led = True
            elif inside is not None:
                inside.append(byte)
        return found


assert set(CHECKS) == set(CHECK_BYTES)
