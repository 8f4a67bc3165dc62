"""Art-Net 4: the packets this agent sends and understands (UDP 6454).

    ┌───────────┬──────────────┬───────────────┬─────────
    │ "Art-Net"0│ OpCode  LE16 │ ProtVer BE16  │ …          ArtDmx:  sequence, physical, SubUni, Net, length BE16, slots
    └───────────┴──────────────┴───────────────┴─────────   (PollReply has no ProtVer)

A Port-Address is 15 bits: net 7, sub-net 4, universe 4. Source: Artistic Licence, *Art-Net 4 Protocol Release*, the
sections ArtPoll, ArtPollReply and ArtDmx. Pure; decoding anything that is not Art-Net gives ``None``.
"""

import ipaddress
import struct
from collections.abc import Iterable
from dataclasses import dataclass

PORT = 6454
VERSION = 14
MAGIC = b"Art-Net\0"
POLL, POLL_REPLY, DMX = 0x2000, 0x2100, 0x5000
TOP_ADDRESS = 0x7FFF
SHORTEST_REPLY = 207
"""Consumers must accept replies this short: the packet has grown with the editions."""
SEQUENCE_WINDOW = 20
"""How far back a sequence number is *late* rather than a new start. The standard names no figure; E1.31's is used."""

_PORT_OUTPUT = 0x80
_GOOD_OUTPUT = 0x80
_CAN_RDM = 0x02
"""Bit of Status1."""
_DMX_HEAD = struct.Struct(">BBBBH")


@dataclass(frozen=True, slots=True)
class Poll:
    """ArtPoll: who is there? ``flags`` bit 1: tell me of changes too."""

    flags: int = 0

    def encode(self) -> bytes:
        return _head(POLL) + struct.pack(">HBB", VERSION, self.flags, 0x10)


@dataclass(frozen=True, slots=True)
class Dmx:
    """ArtDmx. ``sequence`` 1…255, 0 = not used; ``slots`` 1…512, padded to an even number on the wire."""

    port_address: int
    slots: bytes
    sequence: int = 0
    physical: int = 0

    def encode(self) -> bytes:
        slots = self.slots + b"\0" * (len(self.slots) % 2)
        low, net = self.port_address & 0xFF, self.port_address >> 8
        return (
            _head(DMX)
            + struct.pack(">H", VERSION)
            + _DMX_HEAD.pack(self.sequence, self.physical, low, net, len(slots))
            + slots
        )


@dataclass(frozen=True, slots=True)
class Node:
    """ArtPollReply: one node, or one bound part of it (``bind_index``).

    ``outputs``: Port-Addresses it puts out. ``firmware`` is VersInfo, ``high.low``; ``report`` its own status text;
    ``rdm``: it can do RDM.
    """

    address: str
    short_name: str
    long_name: str = ""
    firmware: str = "0.0"
    outputs: tuple[int, ...] = ()
    oem: int = 0
    esta: int = 0
    bind_index: int = 1
    mac: str = ""
    report: str = ""
    rdm: bool = False

    def encode(self) -> bytes:
        """The 239 bytes on the wire; at most four outputs, which share net and sub-net."""
        if len(self.outputs) > 4 or len({each >> 4 for each in self.outputs}) > 1:
            raise ValueError("one reply holds at most 4 outputs of one sub-net; use one reply for each bind index")
        base = self.outputs[0] if self.outputs else 0
        high, _, low = self.firmware.partition(".")
        count = len(self.outputs)
        packet = _head(POLL_REPLY) + ipaddress.IPv4Address(self.address).packed + struct.pack("<H", PORT)
        packet += bytes((int(high), int(low or 0), base >> 8, base >> 4 & 0x0F))
        packet += struct.pack(">HBB", self.oem, 0, _CAN_RDM * self.rdm) + struct.pack("<H", self.esta)
        packet += _text(self.short_name, 18) + _text(self.long_name, 64) + _text(self.report, 64)
        packet += struct.pack(">H", count)
        packet += _four(_PORT_OUTPUT for _ in self.outputs)
        packet += bytes(4)
        packet += _four(_GOOD_OUTPUT for _ in self.outputs)
        packet += bytes(4)
        packet += _four(each & 0x0F for each in self.outputs)
        packet += bytes(7) + bytes.fromhex(self.mac.replace(":", "") or "00" * 6)
        packet += ipaddress.IPv4Address(self.address).packed + bytes((self.bind_index,))
        return packet.ljust(239, b"\0")


Packet = Poll | Dmx | Node


def decode(data: bytes) -> Packet | None:
    """What a datagram says; ``None`` for everything that is not one of the packets above or is not whole."""
    if len(data) < 12 or not data.startswith(MAGIC):
        return None
    opcode = int.from_bytes(data[8:10], "little")
    if opcode == POLL_REPLY:
        return _node(data)
    if int.from_bytes(data[10:12], "big") < VERSION:
        return None
    if opcode == POLL:
        return Poll(data[12]) if len(data) >= 14 else None
    if opcode == DMX:
        return _dmx(data)
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


def _dmx(data: bytes) -> Dmx | None:
    if len(data) < 18:
        return None
    sequence, physical, low, net, length = _DMX_HEAD.unpack_from(data, 12)
    slots = data[18 : 18 + length]
    if not 1 <= length <= 512 or len(slots) < length or net > 0x7F:
        return None
    return Dmx(net << 8 | low, slots, sequence, physical)


def _node(data: bytes) -> Node | None:
    if len(data) < SHORTEST_REPLY:
        return None
    base = (data[18] & 0x7F) << 8 | (data[19] & 0x0F) << 4
    kinds, numbers = data[174:178], data[190:194]
    ports = min(int.from_bytes(data[172:174], "big"), 4)
    return Node(
        address=str(ipaddress.IPv4Address(data[10:14])),
        short_name=_said(data[26:44]),
        long_name=_said(data[44:108]),
        firmware=f"{data[16]}.{data[17]}",
        outputs=tuple(base | numbers[i] & 0x0F for i in range(ports) if kinds[i] & _PORT_OUTPUT),
        oem=int.from_bytes(data[20:22], "big"),
        esta=int.from_bytes(data[24:26], "little"),
        bind_index=data[211] if len(data) > 211 else 1,
        mac=data[201:207].hex(":"),
        report=_said(data[108:172]),
        rdm=bool(data[23] & _CAN_RDM),
    )


def _head(opcode: int) -> bytes:
    return MAGIC + opcode.to_bytes(2, "little")


def _text(text: str, size: int) -> bytes:
    return text.encode("ascii", "replace")[: size - 1].ljust(size, b"\0")


def _said(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("ascii", "replace")


def _four(values: Iterable[int]) -> bytes:
    return bytes(values).ljust(4, b"\0")
