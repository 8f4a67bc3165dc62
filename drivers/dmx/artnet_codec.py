"""Art-Net 4: the packets this agent sends and understands (UDP 6454). The head they share is in ``artnet_wire``,
ArtPollReply in ``artnet_reply``.

    ArtPoll      12 flags · 13 DiagPriority · 14 target top BE16 · 16 target bottom BE16 · …
    ArtDiagData  13 DiagPriority · 14 logical port · 16 length BE16 · text
    ArtDmx       12 sequence · 13 physical · 14 SubUni · 15 Net · 16 length BE16 · slots
    ArtNzs       12 sequence · 13 start code · 14 SubUni · 15 Net · 16 length BE16 · slots
    ArtSync      12 aux 2
    ArtAddress   12 NetSwitch · 13 BindIndex · 14 short name 18 · 32 long name 64 · 96 SwIn 4 · 100 SwOut 4
                 104 SubSwitch · 105 AcnPriority · 106 Command

Source: *Art-Net 4*, the sections of those names, Table 5 (diagnostics priorities). Pure; decoding anything that is not
Art-Net, or not whole, gives ``None``.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from drivers.dmx.artnet_reply import Node
from drivers.dmx.artnet_reply import decode as _node
from drivers.dmx.artnet_wire import (
    ADDRESS,
    DIAG_DATA,
    DMX,
    MAGIC,
    NZS,
    POLL,
    POLL_REPLY,
    PORT,
    SYNC,
    TOP_ADDRESS,
    VERSION,
    head,
    opcode_of,
    said,
    text,
)

__all__ = [
    "ADDRESS", "CHANGES", "CRITICAL", "DIAGNOSTICS", "DIAG_DATA", "DIAG_UNICAST", "DMX", "HIGH", "LOW", "MAGIC",
    "MEDIUM", "NZS", "POLL", "POLL_REPLY", "PORT", "SYNC", "TARGETED", "TOP_ADDRESS", "VERSION", "VOLATILE",
    "Address", "Command", "DiagData", "Dmx", "Node", "Nzs", "Packet", "Poll", "Sync", "decode", "following", "later",
]  # fmt: skip

CHANGES, DIAGNOSTICS, DIAG_UNICAST, TARGETED = 0x02, 0x04, 0x08, 0x20
"""Bits of an ArtPoll's flags: tell me of changes; send me diagnostics; to me alone; only nodes in the range."""
LOW, MEDIUM, HIGH, CRITICAL, VOLATILE = 0x10, 0x40, 0x80, 0xE0, 0xF0
"""Priorities of diagnostics (Table 5)."""

SEQUENCE_WINDOW = 20
"""How far back a sequence number is *late* rather than a new start. The standard names no figure; E1.31's is used."""
LONGEST_TEXT = 512

_STREAM = struct.Struct(">BBBBH")
_KEEP = 0x7F
"""In a switch field of ArtAddress: bit 7 is not set, so nothing changes (0x00 would be "as the switches are")."""


class Command(IntEnum):
    """What an ArtAddress has a node do. From 0x10 on the low four bits name the port 0…3."""

    NONE = 0x00
    CANCEL_MERGE = 0x01
    LED_NORMAL = 0x02
    LED_MUTE = 0x03
    LED_LOCATE = 0x04
    RESET_FLAGS = 0x05
    ANALYSIS_ON = 0x06
    ANALYSIS_OFF = 0x07
    FAIL_HOLD = 0x08
    FAIL_ZERO = 0x09
    FAIL_FULL = 0x0A
    FAIL_SCENE = 0x0B
    FAIL_RECORD = 0x0C
    MERGE_LTP = 0x10
    DIRECTION_OUT = 0x20
    DIRECTION_IN = 0x30
    MERGE_HTP = 0x50
    FOLLOW_ARTNET = 0x60
    FOLLOW_ACN = 0x70
    CLEAR = 0x90
    STYLE_DELTA = 0xA0
    STYLE_CONSTANT = 0xB0
    RDM_ON = 0xC0
    RDM_OFF = 0xD0


@dataclass(frozen=True, slots=True)
class Poll:
    """ArtPoll: who is there? ``bottom``…``top``: only nodes with a Port-Address in that range shall answer."""

    flags: int = 0
    priority: int = LOW
    bottom: int = 0
    top: int = TOP_ADDRESS

    def encode(self) -> bytes:
        packet = head(POLL) + bytes((self.flags, self.priority))
        return packet + struct.pack(">HH", self.top, self.bottom) if self.flags & TARGETED else packet


@dataclass(frozen=True, slots=True)
class Dmx:
    """ArtDmx. ``sequence`` 1…255, 0 = not used; ``slots`` 1…512, padded to an even number on the wire."""

    port_address: int
    slots: bytes
    sequence: int = 0
    physical: int = 0

    def encode(self) -> bytes:
        return _stream(DMX, self.sequence, self.physical, self.port_address, self.slots + bytes(len(self.slots) % 2))


@dataclass(frozen=True, slots=True)
class Nzs:
    """ArtNzs: slots behind another start code than 0 (levels) and 0xCC (RDM). Never levels."""

    port_address: int
    start_code: int
    slots: bytes
    sequence: int = 0

    def encode(self) -> bytes:
        return _stream(NZS, self.sequence, self.start_code, self.port_address, self.slots)


@dataclass(frozen=True, slots=True)
class Sync:
    """ArtSync: put out now what you were sent."""

    def encode(self) -> bytes:
        return head(SYNC) + bytes(2)


@dataclass(frozen=True, slots=True)
class DiagData:
    """ArtDiagData: a node tells how it fares. ``port``: the logical port it is about, 0: the whole node."""

    said: str
    priority: int = LOW
    port: int = 0

    def encode(self) -> bytes:
        line = text(self.said, min(len(self.said) + 1, LONGEST_TEXT))
        return head(DIAG_DATA) + bytes((0, self.priority, self.port, 0)) + struct.pack(">H", len(line)) + line


@dataclass(frozen=True, slots=True)
class Address:
    """ArtAddress: set a node up. ``None`` and "" change nothing; ``port`` is that of a command from 0x10 on.

    ``acn_priority`` 0…200: that of the sACN the node makes. ``net``, ``sub`` and the low four bits of ``inputs`` and
    ``outputs`` (one for each of four ports) are the switches of the Port-Addresses.
    """

    command: Command = Command.NONE
    port: int = 0
    bind_index: int = 1
    acn_priority: int | None = None
    short_name: str = ""
    long_name: str = ""
    net: int | None = None
    sub: int | None = None
    inputs: tuple[int | None, ...] = (None, None, None, None)
    outputs: tuple[int | None, ...] = (None, None, None, None)

    def encode(self) -> bytes:
        return b"".join(
            (
                head(ADDRESS),
                bytes((_switch(self.net), self.bind_index)),
                text(self.short_name, 18) + text(self.long_name, 64),
                bytes(map(_switch, (*self.inputs, *self.outputs, self.sub))),
                bytes((255 if self.acn_priority is None else self.acn_priority, self.command | self.port)),
            )
        )


Packet = Poll | Dmx | Node | Nzs | Sync | DiagData | Address


def decode(data: bytes) -> Packet | None:
    """What a datagram says; ``None`` for everything that is not one of the packets above or is not whole."""
    opcode = opcode_of(data)
    if opcode == DMX:
        return _dmx(data)
    if opcode == POLL_REPLY:
        return _node(data)
    if opcode == POLL:
        return _poll(data)
    if opcode == SYNC:
        return Sync()
    if opcode == NZS:
        return _nzs(data)
    if opcode == DIAG_DATA:
        return _diagnostics(data)
    if opcode == ADDRESS:
        return _address(data)
    return None


def later(sequence: int, last: int | None) -> bool:
    """Whether a frame with this sequence number is not an overtaken one. 0 says the source does not count."""
    if not sequence or not last:
        return True
    behind = (last - sequence) % 255  # 1…255 is a ring of 255 numbers
    return not 0 <= behind < SEQUENCE_WINDOW


def following(sequence: int) -> int:
    """The next number of the ring 1…255."""
    return sequence % 255 + 1


def _stream(opcode: int, first: int, second: int, port_address: int, slots: bytes) -> bytes:
    return head(opcode) + _STREAM.pack(first, second, port_address & 0xFF, port_address >> 8, len(slots)) + slots


def _streamed(data: bytes) -> tuple[int, int, int, bytes] | None:
    """The two first bytes, the Port-Address and the slots of ArtDmx and ArtNzs."""
    if len(data) < 18:
        return None
    first, second, low, net, length = _STREAM.unpack_from(data, 12)
    slots = data[18 : 18 + length]
    if not 1 <= length <= 512 or len(slots) < length or net > 0x7F:
        return None
    return first, second, net << 8 | low, slots


def _dmx(data: bytes) -> Dmx | None:
    found = _streamed(data)
    return found and Dmx(found[2], found[3], found[0], found[1])


def _nzs(data: bytes) -> Nzs | None:
    found = _streamed(data)
    return Nzs(found[2], found[1], found[3], found[0]) if found and found[1] not in (0x00, 0xCC) else None


def _poll(data: bytes) -> Poll:
    """12 bytes and more are valid, what is missing is zero (section ArtPoll)."""
    flags, priority, top, bottom = struct.unpack_from(">BBHH", data.ljust(18, b"\0"), 12)
    if not flags & TARGETED:
        return Poll(flags, priority)
    return Poll(flags, priority, bottom & TOP_ADDRESS, top & TOP_ADDRESS)


def _diagnostics(data: bytes) -> DiagData | None:
    if len(data) < 18:
        return None
    priority, port, length = struct.unpack_from(">BBxH", data, 13)
    if length > LONGEST_TEXT or len(data) < 18 + length:
        return None
    return DiagData(said(data[18 : 18 + length]), priority, port)


def _address(data: bytes) -> Address | None:
    if len(data) < 107:
        return None
    code = data[106]
    try:
        command, port = (Command(code), 0) if code < 0x10 else (Command(code & 0xF0), code & 0x0F)
    except ValueError:
        return None
    switches = tuple(each & _KEEP if each & 0x80 else None for each in data[96:105])
    return Address(
        command=command,
        port=port,
        bind_index=data[13] or 1,
        acn_priority=data[105] if data[105] <= 200 else None,
        short_name=said(data[14:32]),
        long_name=said(data[32:96]),
        net=data[12] & _KEEP if data[12] & 0x80 else None,
        sub=switches[8],
        inputs=switches[:4],
        outputs=switches[4:8],
    )


def _switch(value: int | None) -> int:
    return _KEEP if value is None else 0x80 | value
