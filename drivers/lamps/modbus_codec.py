"""Modbus RTU: questions → frames, and the answer found in what comes back. Pure; pymodbus has the PDUs and the CRC.

    unit  function  data        CRC          Modbus over Serial Line 1.02, 2.5.1; at most 256 bytes, CRC low byte first,
    1     1         0…252       2            3.5 characters of silence before each frame, 1.75 ms above 19200 Bd

An answer is searched at every place of the input: its unit, function and length are known, so noise before it costs
nothing. (The framer's own way is to wait for as many bytes as the noise happens to announce.) Unit 0, the broadcast,
is never used: nobody would answer.
"""

from collections.abc import Sequence
from typing import NamedTuple

from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.bit_message import WriteMultipleCoilsRequest, WriteSingleCoilRequest
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadInputRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteSingleRegisterRequest,
)

ERROR = 0x80
"""Set in the function of an answer that refuses."""

EXCEPTIONS = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "server device failure",
    5: "acknowledge: it is still at it",
    6: "server device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target device failed to respond",
}
"""Modbus Application Protocol 1.1b3, 7."""

TRANSIENT = frozenset({5, 6, 8, 11})
"""Exceptions that may be gone a moment later."""

MOST_READ, MOST_WRITTEN = 125, 123
"""Registers in one question (6.3, 6.12)."""

_FRAMER = FramerRTU(DecodePDU(False))


class Question(NamedTuple):
    """``numbers``: what functions 5, 6, 15, 16 write (coils: 0 or 1); ``length``: how many registers 3 and 4 read."""

    unit: int
    function: int
    address: int
    numbers: tuple[int, ...] = ()
    length: int = 0


class Answer(NamedTuple):
    """Registers that were read; ``exception`` other than 0: the device refused."""

    numbers: tuple[int, ...] = ()
    exception: int = 0


def encode(question: Question) -> bytes:
    """The whole frame. Raises ValueError for what cannot be asked."""
    if not 1 <= question.unit <= 247:
        raise ValueError(f"unit {question.unit} is not one of 1…247")
    most = MOST_READ if question.function in (3, 4) else MOST_WRITTEN
    if not 1 <= (question.length or len(question.numbers)) <= most:
        raise ValueError(f"function {question.function} takes 1…{most} registers")
    return bytes(_FRAMER.buildFrame(_pdu(question)))


def _pdu(question: Question) -> ModbusPDU:
    unit, function, address, numbers, length = question
    bits = [bool(number) for number in numbers]
    match function:
        case 3:
            return ReadHoldingRegistersRequest(dev_id=unit, address=address, count=length)
        case 4:
            return ReadInputRegistersRequest(dev_id=unit, address=address, count=length)
        case 5:
            return WriteSingleCoilRequest(dev_id=unit, address=address, bits=bits)
        case 6:
            return WriteSingleRegisterRequest(dev_id=unit, address=address, registers=list(numbers))
        case 15:
            return WriteMultipleCoilsRequest(dev_id=unit, address=address, bits=bits)
        case 16:
            return WriteMultipleRegistersRequest(dev_id=unit, address=address, registers=list(numbers))
    raise ValueError(f"function {function} is none of 3, 4, 5, 6, 15, 16")


def size(question: Question) -> int:
    """Bytes of the answer to this question."""
    return 5 + 2 * question.length if question.function in (3, 4) else 8


def find(data: bytes, question: Question) -> Answer | None:
    """The answer to this question in ``data``; ``None``: not there (yet). Never raises."""
    reads = question.function in (3, 4)
    whole = size(question)
    begins = encode(question)[1:6] if question.function in (5, 6, 15, 16) else b""  # a write is confirmed by its head
    for at in range(len(data) - 4):
        if data[at] != question.unit:
            continue
        if data[at + 1] == question.function | ERROR and _whole(data[at : at + 5]):
            return Answer(exception=data[at + 2])
        frame = data[at : at + whole]
        if data[at + 1] != question.function or len(frame) < whole or not _whole(frame):
            continue
        if not reads and frame[1:6] == begins:
            return Answer()
        if reads and frame[2] == 2 * question.length:
            pdu = _FRAMER.decoder.decode(frame[1:-2])
            if pdu is not None:
                return Answer(tuple(pdu.registers))
    return None


def _whole(frame: bytes) -> bool:
    return bool(FramerRTU.check_CRC(frame[:-2], int.from_bytes(frame[-2:], "big")))


def silence(baud: int) -> float:
    """Seconds of silence that separate two frames (2.5.1.1)."""
    return 3.5 * 11 / baud if baud <= 19200 else 0.00175


def runs(places: Sequence[int], most: int) -> list[tuple[int, int]]:
    """Neighbouring registers together: (first, how many), each at most ``most``."""
    found: list[tuple[int, int]] = []
    for place in sorted(set(places)):
        if found and place == sum(found[-1]) and found[-1][1] < most:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((place, 1))
    return found
