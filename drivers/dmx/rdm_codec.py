"""RDM, ANSI E1.20: packets on the DMX512 line. Pure.

    ┌────┬────┬─────┬────────┬────────┬────┬──────┬───────┬─────┬────┬─────┬─────┬────────┬────────┐
    │ CC │ 01 │ len │ to (6) │ from 6 │ TN │ port │ count │ sub │ CC │ PID │ PDL │ 0…231  │ sum BE │
    └────┴────┴─────┴────────┴────────┴────┴──────┴───────┴─────┴────┴─────┴─────┴────────┴────────┘
      0    1     2     3…8      9…14   15    16     17    18-19  20   21-22  23    24…

``len`` counts the bytes before the checksum, which is the 16-bit sum of them (6.2). In a response byte 16 is the
response type and byte 17 how many messages wait in the responder's queue. The answer to DISC_UNIQUE_BRANCH has no
break and a form of its own (7.5): up to seven ``FE``, one ``AA``, the six bytes of the UID each as ``x|AA x|55``, and
the 16-bit sum of these twelve, coded the same way. The line turning round eats bytes of its beginning.

:func:`decode` and :func:`decode_branch` say with :class:`RdmError` what is wrong with bytes that should be one packet;
:class:`Decoder` finds packets in a stream of anything and never raises.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import total_ordering

START, SUB_START = 0xCC, 0x01
HEAD = 24
LONGEST_DATA = 231
LONGEST = HEAD + LONGEST_DATA + 2
ROOT, ALL_SUB_DEVICES, TOP_SUB_DEVICE = 0, 0xFFFF, 512
PREAMBLE, SEPARATOR = 0xFE, 0xAA
_BRANCH = 16
"""Bytes of a branch answer after its separator."""


class RdmError(ValueError):
    """These bytes are no RDM packet, and why; or a packet that cannot exist."""


@total_ordering
@dataclass(frozen=True, slots=True)
class Uid:
    """Who on the line: ESTA manufacturer (16 bit) and device (32 bit), E1.20 5."""

    manufacturer: int
    device: int

    def __post_init__(self) -> None:
        if not (0 <= self.manufacturer <= 0xFFFF and 0 <= self.device <= 0xFFFFFFFF):
            raise RdmError(f"{self.manufacturer:#x}:{self.device:#x} is no UID: 16 and 32 bits")

    @property
    def number(self) -> int:
        """The 48 bits as one number: the order of the binary search."""
        return self.manufacturer << 32 | self.device

    @property
    def is_broadcast(self) -> bool:
        """Whether many are meant: all devices, or all of one manufacturer (5.3). No one answers."""
        return self.device == 0xFFFFFFFF

    def encode(self) -> bytes:
        return self.number.to_bytes(6, "big")

    @classmethod
    def of(cls, number: int) -> "Uid":
        return cls(number >> 32, number & 0xFFFFFFFF)

    @classmethod
    def decode(cls, data: bytes) -> "Uid":
        """Of 6 bytes; RdmError otherwise."""
        if len(data) != 6:
            raise RdmError(f"a UID has 6 bytes, not {len(data)}")
        return cls.of(int.from_bytes(data, "big"))

    @classmethod
    def parse(cls, text: str) -> "Uid":
        """``"454E:02134567"``, as people and topics write it. RdmError otherwise."""
        left, colon, right = text.partition(":")
        digits = set("0123456789abcdefABCDEF")
        if not colon or len(left) != 4 or len(right) != 8 or not digits.issuperset(left + right):
            raise RdmError(f"{text[:40]!r} is no UID, such as 454E:02134567")
        return cls(int(left, 16), int(right, 16))

    def __lt__(self, other: "Uid") -> bool:
        return self.number < other.number

    def __str__(self) -> str:
        return f"{self.manufacturer:04X}:{self.device:08X}"


EVERYBODY = Uid(0xFFFF, 0xFFFFFFFF)
LAST = Uid(0xFFFF, 0xFFFFFFFE)
"""The highest UID a device can have."""


class Command(IntEnum):
    """Command class (Table A-1)."""

    DISCOVERY = 0x10
    DISCOVERY_RESPONSE = 0x11
    GET = 0x20
    GET_RESPONSE = 0x21
    SET = 0x30
    SET_RESPONSE = 0x31

    @property
    def is_response(self) -> bool:
        return bool(self & 1)

    @property
    def response(self) -> "Command":
        return Command(self | 1)


_COMMANDS = frozenset(Command)


class ResponseType(IntEnum):
    """Table A-2."""

    ACK = 0
    ACK_TIMER = 1
    NACK = 2
    ACK_OVERFLOW = 3


@dataclass(frozen=True, slots=True)
class Packet:
    """A request or a response.

    ``kind`` is the port ID of a request (1…255, 6.2.5) or the :class:`ResponseType` of a response; ``queued`` the
    message count: 0 in requests, in responses how many messages wait.
    """

    to: Uid
    source: Uid
    number: int
    command: Command
    pid: int
    data: bytes = b""
    sub_device: int = ROOT
    kind: int = 1
    queued: int = 0

    def encode(self) -> bytes:
        """From the start code to the checksum. RdmError when it cannot exist."""
        if len(self.data) > LONGEST_DATA:
            raise RdmError(f"{len(self.data)} data bytes; at most {LONGEST_DATA}")
        small = (self.number, self.kind, self.queued)
        if not all(0 <= value <= 0xFF for value in small):
            raise RdmError("transaction number, port and message count are bytes")
        if not (0 <= self.pid <= 0xFFFF and (self.sub_device <= TOP_SUB_DEVICE or self.sub_device == ALL_SUB_DEVICES)):
            raise RdmError(f"no parameter {self.pid:#x} of sub-device {self.sub_device}")
        body = bytes((START, SUB_START, HEAD + len(self.data))) + self.to.encode() + self.source.encode() + bytes(small)
        body += self.sub_device.to_bytes(2, "big") + bytes((self.command,))
        body += self.pid.to_bytes(2, "big") + bytes((len(self.data),)) + self.data
        return body + checksum(body).to_bytes(2, "big")

    def answer(self, kind: ResponseType = ResponseType.ACK, data: bytes = b"", queued: int = 0) -> "Packet":
        """A response to this request."""
        command, sub = self.command.response, self.sub_device
        return Packet(self.source, self.to, self.number, command, self.pid, data, sub, kind, queued)


def checksum(data: bytes) -> int:
    """6.2.11: the sum of all bytes, 16 bits of it."""
    return sum(data) & 0xFFFF


def decode(data: bytes) -> Packet:
    """The packet which these bytes are (bytes behind it are let go). RdmError says why they are none."""
    if len(data) < HEAD + 2:
        raise RdmError(f"{len(data)} bytes; the shortest packet has {HEAD + 2}")
    if data[0] != START or data[1] != SUB_START:
        raise RdmError(f"begins with {data[0]:02X} {data[1]:02X}, not CC 01")
    size = data[2]
    if size < HEAD or len(data) < size + 2:
        raise RdmError(f"says it has {size} bytes and checksum; {len(data)} are there")
    summed, said = checksum(data[:size]), int.from_bytes(data[size : size + 2], "big")
    if summed != said:
        raise RdmError(f"checksum {said:04X}, not {summed:04X}")
    if data[23] != size - HEAD:
        raise RdmError(f"{data[23]} data bytes said, {size - HEAD} there")
    if data[20] not in _COMMANDS:
        raise RdmError(f"unknown command class {data[20]:02X}")
    sub_device = int.from_bytes(data[18:20], "big")
    if sub_device > TOP_SUB_DEVICE and sub_device != ALL_SUB_DEVICES:
        raise RdmError(f"no sub-device {sub_device}: 0…{TOP_SUB_DEVICE}, or all")
    return Packet(
        to=Uid.decode(data[3:9]),
        source=Uid.decode(data[9:15]),
        number=data[15],
        command=Command(data[20]),
        pid=int.from_bytes(data[21:23], "big"),
        data=bytes(data[HEAD:size]),
        sub_device=sub_device,
        kind=data[16],
        queued=data[17],
    )


def encode_branch(uid: Uid, preamble: int = 7) -> bytes:
    """The answer to DISC_UNIQUE_BRANCH (7.5)."""
    coded = _doubled(uid.encode())
    return bytes((PREAMBLE,)) * preamble + bytes((SEPARATOR,)) + coded + _doubled(checksum(coded).to_bytes(2, "big"))


def decode_branch(data: bytes) -> Uid:
    """Who answered. RdmError: nobody alone did; several at once spoil the checksum.

    0…7 bytes of preamble are accepted, for the line's turn-round may eat some; so are bytes behind the answer, which
    it may add.
    """
    begin = 0
    while begin < len(data) and data[begin] == PREAMBLE:
        begin += 1
    if begin > 7:
        raise RdmError(f"{begin} bytes of preamble; at most 7")
    if data[begin : begin + 1] != bytes((SEPARATOR,)):
        raise RdmError("no separator AA")
    coded = data[begin + 1 : begin + 1 + _BRANCH]
    if len(coded) < _BRANCH:
        raise RdmError(f"{len(coded)} bytes of UID and checksum, not {_BRANCH}")
    plain = bytes(coded[i] & coded[i + 1] for i in range(0, _BRANCH, 2))
    if _doubled(plain) != coded:
        raise RdmError("not coded as the answer to a branch")
    if checksum(coded[:12]) != int.from_bytes(plain[6:], "big"):
        raise RdmError("wrong checksum")
    uid = Uid.decode(plain[:6])
    if uid.is_broadcast:
        raise RdmError(f"{uid} is nobody's own UID")
    return uid


def _doubled(data: bytes) -> bytes:
    return b"".join(bytes((each | 0xAA, each | 0x55)) for each in data)


class Decoder:
    """Bytes in any chunks → packets. Never raises; ``dropped`` counts bytes that belonged to none."""

    def __init__(self) -> None:
        self._held = bytearray()
        self.dropped = 0

    def feed(self, data: bytes) -> list[Packet]:
        self._held += data
        packets = []
        while (packet := self._next()) is not None:
            packets.append(packet)
        return packets

    def _next(self) -> Packet | None:
        held = self._held
        while True:
            begin = held.find(START)
            self._drop(len(held) if begin < 0 else begin)
            if len(held) > 1 and held[1] != SUB_START:
                self._drop(1)
                continue
            if len(held) < 3:
                return None
            if held[2] >= HEAD and len(held) < held[2] + 2:
                return None
            try:
                packet = decode(bytes(held[: held[2] + 2]))
            except RdmError:
                self._drop(1)
                continue
            del held[: held[2] + 2]
            return packet

    def _drop(self, count: int) -> None:
        self.dropped += count
        del self._held[:count]
