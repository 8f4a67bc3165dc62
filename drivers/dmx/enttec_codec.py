"""ENTTEC DMX USB Pro Widget API 1.44: bytes of the USB serial line.

    ┌────┬───────┬─────────┬─────────┬──────────────┬────┐
    │ 7E │ label │ len LSB │ len MSB │ data 0…600   │ E7 │
    └────┴───────┴─────────┴─────────┴──────────────┴────┘

Nothing in the data is escaped, so a receiver that lost its place believes a false ``7E`` until length or ``E7`` prove
it wrong; the decoder then tries again from the next ``7E`` inside what it had. Source: ENTTEC, *DMX USB Pro Widget API
Specification 1.44*. Pure: no clock, no port.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

START, END = 0x7E, 0xE7
LONGEST = 600
"""Data bytes of one message."""
FEWEST_SLOTS = 24
"""A shorter DMX frame would break E1.11's minimum break-to-break time of 1204 µs."""
UNIT_US = 10.67
"""Break and mark-after-break are set in steps of this many microseconds."""


class Label(IntEnum):
    """What a message is about. Replies carry the label of their request. 13 and 14 are the Mk2's; 77 and 78 are an
    extension of other makers. 1 and 2 (firmware update) are left out on purpose."""

    PARAMETERS = 3
    SET_PARAMETERS = 4
    RECEIVED = 5
    SEND = 6
    SEND_RDM = 7
    RECEIVE_MODE = 8
    CHANGE_OF_STATE = 9
    SERIAL_NUMBER = 10
    RDM_DISCOVERY = 11
    RDM_TIMEOUT = 12
    API_KEY = 13
    HARDWARE_VERSION = 14
    MANUFACTURER = 77
    DEVICE_NAME = 78


class Message(NamedTuple):
    """One message of either direction."""

    label: int
    data: bytes


def encode(label: int, data: bytes = b"") -> bytes:
    """One message on the wire. ValueError when it cannot exist."""
    if len(data) > LONGEST:
        raise ValueError(f"{len(data)} data bytes; at most {LONGEST}")
    return bytes((START, label, len(data) & 0xFF, len(data) >> 8)) + data + bytes((END,))


def cut_off(messages: bytes, taken: int) -> bytes:
    """Of whole messages in a row only the first ``taken`` bytes went: what is left of the message that was begun."""
    end = 0
    while end < taken:
        end += 5 + int.from_bytes(messages[end + 2 : end + 4], "little")
    return messages[taken:end]


class Decoder:
    """Bytes in any chunks → messages. Never raises; ``dropped`` counts bytes that belonged to no message. ``again``:
    what proved to be none may have one inside. A widget has no memory for that, and reads on behind it."""

    def __init__(self, again: bool = True) -> None:
        self._held = bytearray()
        self._again = again
        self.dropped = 0

    @property
    def partial(self) -> bool:
        """A message has begun and not ended."""
        return bool(self._held)

    def feed(self, data: bytes) -> list[Message]:
        self._held += data
        messages = []
        while (message := self._next()) is not None:
            messages.append(message)
        return messages

    def _next(self) -> Message | None:
        held = self._held
        while True:
            start = held.find(START)
            self._drop(len(held) if start < 0 else start)
            if len(held) < 4:
                return None
            size = held[2] | held[3] << 8
            if size <= LONGEST:
                if len(held) < size + 5:
                    return None
                if held[size + 4] == END:
                    message = Message(held[1], bytes(held[4 : size + 4]))
                    del held[: size + 5]
                    return message
                if not self._again:
                    self._drop(size + 4)
            self._drop(1)  # a false start: look for another one behind it

    def _drop(self, count: int) -> None:
        self.dropped += count
        del self._held[:count]


@dataclass(frozen=True, slots=True)
class Parameters:
    """Label 3's reply. Break 9…127 and mark-after-break 1…127 in units of 10.67 µs; rate 1…40 frames/s, 0 fastest."""

    firmware_lsb: int
    firmware_msb: int
    break_time: int
    mab_time: int
    rate: int
    user: bytes = b""

    @property
    def firmware(self) -> str:
        """``"1.44"``; the number before the point is the variety: 1 DMX, 2 RDM, 3 RDM sniffer."""
        return f"{self.firmware_msb}.{self.firmware_lsb}"

    def encode(self) -> bytes:
        """Data of the reply."""
        return bytes((self.firmware_lsb, self.firmware_msb, self.break_time, self.mab_time, self.rate)) + self.user

    @classmethod
    def decode(cls, data: bytes) -> "Parameters | None":
        """``None`` when it is not one."""
        if len(data) < 5:
            return None
        return cls(data[0], data[1], data[2], data[3], data[4], bytes(data[5:]))

    def setting(self) -> bytes:
        """Data of label 4 that would set these, without user data. What a widget said of itself need not be what it may
        be set to, and it keeps this for good."""
        times = (min(max(self.break_time, 9), 127), min(max(self.mab_time, 1), 127), min(self.rate, 40))
        return bytes((0, 0, *times))


def ask_parameters(user_size: int = 0) -> bytes:
    """Label 3: read parameters and that many bytes of user data. Does not stop the DMX output."""
    return encode(Label.PARAMETERS, user_size.to_bytes(2, "little"))


def ask_serial() -> bytes:
    """Label 10. Stops the periodic DMX output until the next label 6, as every request but 3 and 6 does."""
    return encode(Label.SERIAL_NUMBER)


def serial_text(data: bytes) -> str | None:
    """Label 10's reply, 4 BCD bytes, least significant first, as printed on the case. ``None``: not one."""
    return data[::-1].hex().upper() if len(data) == 4 else None


def serial_bytes(text: str) -> bytes:
    """The reply's data for a serial number of up to 8 digits."""
    return bytes.fromhex(text.rjust(8, "0"))[::-1]


def send_frame(frame: bytes, start_code: int = 0, label: int = Label.SEND) -> bytes:
    """Label 6: start code and 24…512 slots. The widget repeats them by itself until told otherwise. ``label``: a Mk2
    has another one for its second socket."""
    return encode(label, bytes((start_code,)) + frame.ljust(FEWEST_SLOTS, b"\0"))


def name_text(data: bytes) -> str | None:
    """Label 77's and 78's reply: a number (ESTA manufacturer, device) and a text. ``None``: not one."""
    if len(data) < 3:
        return None
    text = data[2:].partition(b"\0")[0].decode("ascii", "replace")
    return "".join(letter for letter in text if letter.isprintable()).strip() or None


def name_bytes(number: int, text: str) -> bytes:
    """The reply's data."""
    return number.to_bytes(2, "little") + text.encode("ascii") + b"\0"


@dataclass(frozen=True, slots=True)
class Received:
    """Label 5: a DMX packet the widget received. Only ``good`` ones may be believed."""

    status: int
    start_code: int
    slots: bytes

    @property
    def good(self) -> bool:
        """Bit 0 queue overflow, bit 1 overrun: either spoils the packet."""
        return self.status == 0


def decode_received(data: bytes) -> Received | None:
    """Label 5's data; ``None`` when too short to be one."""
    return Received(data[0], data[1], data[2:]) if len(data) >= 2 else None


def receive_mode(on_change: bool) -> bytes:
    """Label 8: hand on every packet received (label 5), or only what changed (label 9)."""
    return encode(Label.RECEIVE_MODE, bytes((on_change,)))


SPAN = 40
"""Bytes of the packet that one change-of-state message can tell of."""
PACKET = 513
"""Start code and slots."""


def decode_changes(data: bytes) -> dict[int, int] | None:
    """Label 9's data: place in the packet (0: the start code) → its new value.

    A first place divided by 8, five bytes with a bit for each of 40 places (least significant first), and a byte for
    each bit that is set. ``None``: not that; then nothing of it may be believed.
    """
    if not 6 < len(data) <= 6 + SPAN:
        return None
    bits = int.from_bytes(data[1:6], "little")
    places = [data[0] * 8 + bit for bit in range(SPAN) if bits >> bit & 1]
    if not places or places[-1] >= PACKET or len(places) > len(data) - 6:
        return None
    return dict(zip(places, data[6:], strict=False))  # some pad the values to 40


def encode_changes(before: bytes, after: bytes) -> list[bytes]:
    """The messages with which a widget tells of ``after``, two packets of equal length."""
    messages = []
    place = 0
    while (place := next((each for each in range(place, len(after)) if before[each] != after[each]), -1)) >= 0:
        first = place // 8
        span = range(first * 8, min(first * 8 + SPAN, len(after)))
        changed = [each for each in span if before[each] != after[each]]
        bits = sum(1 << each - first * 8 for each in changed)
        values = bytes(after[each] for each in changed)
        messages.append(encode(Label.CHANGE_OF_STATE, bytes((first,)) + bits.to_bytes(5, "little") + values))
        place = first * 8 + SPAN
    return messages
