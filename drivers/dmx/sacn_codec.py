"""Streaming ACN, ANSI E1.31-2018: the packets of UDP 5568.

    root      0010 0000 "ASC-E1.17"000 | flags+length | vector 4 data / 8 extended | CID 16
    framing   flags+length | vector 2 | source name 64 | priority | sync address 2 | sequence | options | universe 2
    DMP       flags+length | vector 2 | A1 | 0000 | 0001 | count 2 | start code | slots 0…512

Lengths count from their own field to the packet's end, with 0x7 in the top four bits. Under root vector 8 there are two
more: universe synchronisation (6.3: framing vector 1, sequence, synchronisation address) and universe discovery (clause
8: framing vector 2, then page, last page and a sorted list). Pure; decoding anything else gives ``None``.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

PORT = 5568
DISCOVERY_UNIVERSE = 64214
DISCOVERY_INTERVAL = 10.0
"""Seconds between universe discovery packets (appendix A)."""
SOURCE_LOST = 2.5
"""Seconds without data after which a source is gone (6.7.1)."""
PAGE = 512
"""Universes of one discovery page."""
SYNC_LOST = SOURCE_LOST
"""Seconds without a synchronisation packet after which there is no synchronisation any more (11.1.2)."""
FORCE, TERMINATED, PREVIEW = 0x20, 0x40, 0x80
"""Option bits (6.2.6): go on when synchronisation is lost; the source stops; not for the stage."""
LEVELS, PRIORITIES = 0x00, 0xDD
"""Start codes: levels, and one priority for each slot (ESTA's alternate start codes, DDh)."""
SEQUENCE_AT, OPTIONS_AT, SLOTS_AT = 111, 112, 126
"""Where in a data packet these are."""
SYNC_SEQUENCE_AT = 44

_PREAMBLE = b"\x00\x10\x00\x00ASC-E1.17\x00\x00\x00"
_ROOT = struct.Struct(">HI16s")
_FRAMING = struct.Struct(">HI64sBHBBH")
_DMP = struct.Struct(">HBBHHH")
_SYNC = struct.Struct(">HIBH2x")
_EXTENDED = struct.Struct(">HI64s4x")
_LIST = struct.Struct(">HIBB")
_ROOT_AT = len(_PREAMBLE)
_FRAMING_AT = _ROOT_AT + _ROOT.size
_DMP_AT = _FRAMING_AT + _FRAMING.size
_SLOTS_AT = _DMP_AT + _DMP.size
_LIST_AT = _FRAMING_AT + _EXTENDED.size


@dataclass(frozen=True, slots=True)
class Data:
    """A data packet. ``slots`` without the start code; ``sequence`` 0…255 of this universe."""

    cid: UUID
    source_name: str
    universe: int
    slots: bytes
    sequence: int
    priority: int = 100
    start_code: int = 0
    options: int = 0
    sync_universe: int = 0

    @property
    def terminated(self) -> bool:
        """The source says it stops (6.2.6)."""
        return bool(self.options & TERMINATED)

    @property
    def preview(self) -> bool:
        """Not to be shown on stage (6.2.6)."""
        return bool(self.options & PREVIEW)

    def encode(self) -> bytes:
        end = _SLOTS_AT + 1 + len(self.slots)
        framing = _FRAMING.pack(
            _length(end - _FRAMING_AT),
            2,
            _name(self.source_name),
            self.priority,
            self.sync_universe,
            self.sequence,
            self.options,
            self.universe,
        )
        dmp = _DMP.pack(_length(end - _DMP_AT), 2, 0xA1, 0, 1, len(self.slots) + 1)
        return _root(end, 4, self.cid) + framing + dmp + bytes((self.start_code,)) + self.slots


@dataclass(frozen=True, slots=True)
class Discovery:
    """Universe discovery: the universes a source sends, one page of at most 512."""

    cid: UUID
    source_name: str
    universes: tuple[int, ...]
    page: int = 0
    last_page: int = 0

    def encode(self) -> bytes:
        end = _LIST_AT + _LIST.size + 2 * len(self.universes)
        framing = _EXTENDED.pack(_length(end - _FRAMING_AT), 2, _name(self.source_name))
        listed = _LIST.pack(_length(end - _LIST_AT), 1, self.page, self.last_page)
        return _root(end, 8, self.cid) + framing + listed + struct.pack(f">{len(self.universes)}H", *self.universes)


@dataclass(frozen=True, slots=True)
class Sync:
    """Show now what was sent for this synchronisation address. ``sequence`` is that of these packets alone (6.3.2)."""

    cid: UUID
    address: int
    sequence: int

    def encode(self) -> bytes:
        end = _FRAMING_AT + _SYNC.size
        return _root(end, 8, self.cid) + _SYNC.pack(_length(end - _FRAMING_AT), 1, self.sequence, self.address)


Packet = Data | Discovery | Sync


def decode(data: bytes) -> Packet | None:
    """What a datagram says; ``None`` for everything that is not one of the packets above, or is not whole."""
    if len(data) < _FRAMING_AT or not data.startswith(_PREAMBLE):
        return None
    length, vector, cid = _ROOT.unpack_from(data, _ROOT_AT)
    if not _whole(length, data, _ROOT_AT):
        return None
    if vector == 4:
        return _data(data, UUID(bytes=cid))
    if vector == 8:
        return _discovery(data, UUID(bytes=cid)) or _sync(data, UUID(bytes=cid))
    return None


def later(sequence: int, last: int | None) -> bool:
    """Clause 6.7.2: discard when the signed difference to the last number lies in (−20, 0]."""
    if last is None:
        return True
    difference = (sequence - last + 128) % 256 - 128
    return not -20 < difference <= 0


def group(universe: int) -> str:
    """The multicast group of a universe (9.3.1)."""
    return f"239.255.{universe >> 8}.{universe & 0xFF}"


def group6(universe: int) -> str:
    """The same in IPv6 (9.3.2, tables 9-11 and 9-12)."""
    return f"ff18::8300:{universe:x}"


def pages(cid: UUID, source_name: str, universes: Sequence[int]) -> list[Discovery]:
    """All discovery packets of a source; one empty page when it sends nothing."""
    listed = sorted(set(universes))
    chunks = [tuple(listed[i : i + PAGE]) for i in range(0, len(listed), PAGE)] or [()]
    return [Discovery(cid, source_name, chunk, number, len(chunks) - 1) for number, chunk in enumerate(chunks)]


def _data(data: bytes, cid: UUID) -> Data | None:
    if len(data) <= _SLOTS_AT:
        return None
    framing = _FRAMING.unpack_from(data, _FRAMING_AT)
    length, vector, name, priority, sync_universe, sequence, options, universe = framing
    dmp_length, dmp_vector, kind, first, step, count = _DMP.unpack_from(data, _DMP_AT)
    if vector != 2 or (dmp_vector, kind, first, step) != (2, 0xA1, 0, 1):
        return None
    if not _whole(length, data, _FRAMING_AT) or not _whole(dmp_length, data, _DMP_AT):
        return None
    if not 1 <= count <= 513 or dmp_length & 0x0FFF != _DMP.size + count or priority > 200:
        return None
    if not 1 <= universe <= 63999:
        return None
    slots = data[_SLOTS_AT + 1 : _SLOTS_AT + count]
    return Data(cid, _said(name), universe, slots, sequence, priority, data[_SLOTS_AT], options, sync_universe)


def _discovery(data: bytes, cid: UUID) -> Discovery | None:
    if len(data) < _LIST_AT + _LIST.size:
        return None
    length, vector, name = _EXTENDED.unpack_from(data, _FRAMING_AT)
    list_length, list_vector, page, last_page = _LIST.unpack_from(data, _LIST_AT)
    if vector != 2 or list_vector != 1:
        return None
    if not _whole(length, data, _FRAMING_AT) or not _whole(list_length, data, _LIST_AT):
        return None
    count = ((list_length & 0x0FFF) - _LIST.size) // 2
    if not 0 <= count <= PAGE:
        return None
    universes = struct.unpack_from(f">{count}H", data, _LIST_AT + _LIST.size)
    return Discovery(cid, _said(name), universes, page, last_page)


def _sync(data: bytes, cid: UUID) -> Sync | None:
    if len(data) < _FRAMING_AT + _SYNC.size:
        return None
    length, vector, sequence, address = _SYNC.unpack_from(data, _FRAMING_AT)
    if vector != 1 or not _whole(length, data, _FRAMING_AT) or not 1 <= address <= 63999:
        return None
    return Sync(cid, address, sequence)


def _root(end: int, vector: int, cid: UUID) -> bytes:
    return _PREAMBLE + _ROOT.pack(_length(end - _ROOT_AT), vector, cid.bytes)


def _length(size: int) -> int:
    return 0x7000 | size


def _whole(length: int, data: bytes, at: int) -> bool:
    return length >> 12 == 7 and at + (length & 0x0FFF) <= len(data)


def _name(text: str) -> bytes:
    """UTF-8, null terminated, never cut inside a character."""
    return text.encode()[:63].decode(errors="ignore").encode().ljust(64, b"\0")


def _said(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode(errors="replace")
