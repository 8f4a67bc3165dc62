"""What a fake RDM responder is made of: the defects it may have, and its sensors."""

import struct
from dataclasses import dataclass
from enum import StrEnum

from drivers.dmx.rdm_codec import ResponseType
from drivers.dmx.rdm_words import Nack


class Defect(StrEnum):
    """What a responder may do wrong."""

    NEVER_MUTES = "acknowledges its mute and goes on answering discovery"
    NO_MUTE_ANSWER = "does not answer its mute, and is not muted"
    SHORT_PREAMBLE = "answers discovery with two bytes of preamble"
    BAD_BRANCH = "answers discovery with a wrong checksum"
    BAD_CHECKSUM = "answers with a wrong checksum"
    BAD_NUMBER = "answers with another transaction number"
    SLOW = "answers after the time limit"
    TOO_MANY_PERSONALITIES = "says it has two personalities more than it describes"
    ANSWERS_BROADCASTS = "answers what nobody may answer"
    NO_QUEUE = "puts answers off, and has no queue to fetch them from"
    ENDLESS = "never ends an answer that is in parts"
    CUT = "sends the first half of each answer"


@dataclass(frozen=True)
class FakeSensor:
    """Type, unit and prefix as numbers of E1.20; values as on the wire."""

    text: str
    value: int
    type: int = 0x00
    unit: int = 0x01
    prefix: int = 0x00
    range: tuple[int, int] = (-20, 120)
    normal: tuple[int, int] = (0, 75)

    def definition(self, number: int) -> bytes:
        head = struct.pack(">BBBBhhhhB", number, self.type, self.unit, self.prefix, *self.range, *self.normal, 3)
        return head + self.text.encode()


def tenths(seconds: float) -> bytes:
    return round(seconds * 10).to_bytes(2, "big")


def word(number: int) -> bytes:
    return number.to_bytes(2, "big")


def refused(reason: Nack) -> tuple[ResponseType, bytes]:
    return ResponseType.NACK, word(reason)


def one(data: bytes) -> int:
    (number,) = struct.unpack(">B", data)
    return int(number)
