"""STAMP, the Simple Two-way Active Measurement Protocol, unauthenticated mode (RFC 8762; TLVs: RFC 8972).

    request (RFC 8762 4.2.1), 44 bytes          reply (4.3.1), 44 bytes

     0  sequence            u32                  0  reflector's sequence  u32
     4  T1, sent            NTP 64 bit           4  T3, reply sent        NTP 64 bit
    12  error estimate      u16                 12  error estimate        u16
    14  session identifier  u16                 14  session identifier    u16
    16  zero                28 bytes            16  T2, request received  NTP 64 bit
    44  TLVs                                    24  sender's sequence     u32
                                                28  sender's T1           64 bit
    error estimate (RFC 5357 4.1.2):            36  sender's error est.   u16
      S synchronised, Z 1 = PTP stamps,         38  zero                  2 bytes
      scale 6 bit, multiplier 8 bit             40  sender's TTL          u8, then 3 zero
      = multiplier * 2^scale * 2^-32 s          44  TLVs

Round trip without the reflector's own time: (T4 - T1) - (T3 - T2). Only differences of one clock are ever taken, so
no clock has to be right. Stamps are integers in units of 2^-32 s modulo 2^64: exact, and indifferent to the NTP era
that ends in 2036. Found in the field: a responder that answers 38 bytes (no TTL) with T2 = T3.
"""

import struct
from dataclasses import dataclass

PORT = 862
"""UDP port (RFC 8762 4.1)."""

TTL = 255
"""Time to live of requests and replies (RFC 8762 4.2.1): what arrives with less was routed."""

SIZE = 44
SHORTEST_REPLY = 38
REQUEST = struct.Struct("!IQHH28x")
REPLY = struct.Struct("!IQHHQIQHxx")
TLV = struct.Struct("!BBH")
UNRECOGNISED, MALFORMED = 0x80, 0x40
"""Flags of a TLV (RFC 8972 4): a sender sets the first, a reflector that knows the TLV clears it."""

EXTRA_PADDING = 1
SHORTEST_PADDING = TLV.size

NTP_EPOCH = 2_208_988_800
"""Seconds from 1900 to 1970 (RFC 5905)."""

ONE_SECOND = 1 << 32
ERA = 1 << 64
PTP = 0x4000
"""The Z flag: stamps are seconds and nanoseconds (IEEE 1588) instead of seconds and 2^-32 s."""

WITHIN_A_SECOND = 32 << 8 | 1
"""Error estimate: not known to be synchronised, multiplier 1 (0 is forbidden), scale 32 = 1 s."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a sender sends. ``sent``: T1 as NTP stamp."""

    sequence: int
    sent: int
    error: int = WITHIN_A_SECOND
    session: int = 0
    tlvs: bytes = b""

    def encode(self) -> bytes:
        return REQUEST.pack(self.sequence, self.sent, self.error, self.session) + self.tlvs


@dataclass(frozen=True, slots=True)
class Reply:
    """What a reflector answers. ``sent`` is T3, ``received`` T2, ``sender_…`` what the request said.

    ``sender_ttl`` is ``None`` in the short form some responders send."""

    sequence: int
    sent: int
    received: int
    sender_sequence: int
    sender_sent: int
    error: int = WITHIN_A_SECOND
    session: int = 0
    sender_error: int = WITHIN_A_SECOND
    sender_ttl: int | None = None
    tlvs: bytes = b""

    def encode(self) -> bytes:
        head = REPLY.pack(
            self.sequence,
            self.sent,
            self.error,
            self.session,
            self.received,
            self.sender_sequence,
            self.sender_sent,
            self.sender_error,
        )
        if self.sender_ttl is None:
            return head[:SHORTEST_REPLY]
        return head + bytes((self.sender_ttl, 0, 0, 0)) + self.tlvs

    @property
    def processing(self) -> float | None:
        """Seconds the reflector held the packet, T3 - T2; ``None`` when it does not tell (T2 = T3, or nonsense)."""
        took = apart(self._ticks(self.received), self._ticks(self.sent))
        return took if took > 0 else None

    @property
    def arrived(self) -> int:
        """T2 as a stamp on a scale of the reflector's own: good for differences between replies only."""
        return self._ticks(self.received)

    def _ticks(self, stamp: int) -> int:
        if not self.error & PTP:
            return stamp
        return (stamp >> 32 << 32) + (stamp & 0xFFFFFFFF) * ONE_SECOND // 1_000_000_000


def decode_request(data: bytes) -> Request | None:
    """The request in a datagram, or ``None``. Never raises.

    44 bytes at least: answering a shorter one (TWAMP Light allows 14) would make the reflector an amplifier."""
    if len(data) < SIZE:
        return None
    sequence, sent, error, session = REQUEST.unpack_from(data)
    return Request(sequence, sent, error, session, bytes(data[SIZE:]))


def decode_reply(data: bytes) -> Reply | None:
    """The reply in a datagram of at least 38 bytes, or ``None``. Never raises."""
    if len(data) < SHORTEST_REPLY:
        return None
    whole = len(data) >= SIZE
    sequence, sent, error, session, received, sender_sequence, sender_sent, sender_error = REPLY.unpack_from(
        bytes(data[:SHORTEST_REPLY]) + b"\0\0"
    )
    return Reply(
        sequence=sequence,
        sent=sent,
        received=received,
        sender_sequence=sender_sequence,
        sender_sent=sender_sent,
        error=error,
        session=session,
        sender_error=sender_error,
        sender_ttl=data[40] if whole else None,
        tlvs=bytes(data[SIZE:]) if whole else b"",
    )


def padding(size: int) -> bytes:
    """An Extra Padding TLV (RFC 8972 4.1) of ``size`` bytes in all; fewer than 4 are none."""
    if size < SHORTEST_PADDING:
        return b""
    return TLV.pack(UNRECOGNISED, EXTRA_PADDING, size - TLV.size) + bytes(size - TLV.size)


def reflected(tlvs: bytes) -> bytes:
    """TLVs as a reflector sends them back (RFC 8972 4): padding recognised, others marked, broken ones marked so.

    Always as long as they came, so a reply is never longer than its request."""
    answer = bytearray(tlvs)
    at = 0
    while at + TLV.size <= len(answer):
        _flags, kind, length = TLV.unpack_from(answer, at)
        end = at + TLV.size + length
        if end > len(answer):
            answer[at] = MALFORMED
            break
        answer[at] = 0 if kind == EXTRA_PADDING else UNRECOGNISED
        at = end
    return bytes(answer)


def to_stamp(seconds: float) -> int:
    """NTP stamp of a time in seconds since 1970."""
    whole = int(seconds // 1)
    return ((whole + NTP_EPOCH) * ONE_SECOND + int((seconds - whole) * ONE_SECOND)) % ERA


def apart(earlier: int, later: int) -> float:
    """Seconds between two stamps, negative when ``later`` is the earlier one; right across the end of an era."""
    ticks = (later - earlier) % ERA
    return (ticks - ERA if ticks >= ERA // 2 else ticks) / ONE_SECOND
