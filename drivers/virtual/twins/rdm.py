"""RDM responders: fixtures that answer for themselves, with the defects fixtures have.

A responder takes a packet and says what it would put on the line; :class:`drivers.virtual.twins.rdm_line.Line` joins
several to a line where they can speak at once.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from drivers.dmx.rdm_codec import (
    ALL_SUB_DEVICES,
    LONGEST_DATA,
    ROOT,
    Command,
    Packet,
    ResponseType,
    Uid,
    encode_branch,
)
from drivers.dmx.rdm_parameters import DeviceInfo, LossMode, Muted, SensorValue, Status
from drivers.dmx.rdm_words import Nack, Pid, StatusType
from drivers.virtual.twins.rdm_parts import Defect, FakeSensor, one, refused, tenths, word


@dataclass
class FakeResponder:
    """One device on the line, or a sub-device of one. ``late``: parameters answered by ACK_TIMER first, with the
    seconds it says; ``chunk``: data bytes of one answer, more come by ACK_OVERFLOW."""

    uid: Uid
    model: int = 0x0102
    software: int = 0x01040200
    firmware: str = "1.4.2"
    manufacturer: str = "Virtual studio"
    model_text: str = "Panel"
    label: str = ""
    address: int = 1
    personality: int = 1
    modes: tuple[tuple[str, int], ...] = (("8 bit", 2), ("16 bit", 4))
    sensors: tuple[FakeSensor, ...] = ()
    counters: dict[Pid, int] = field(default_factory=lambda: {Pid.DEVICE_HOURS: 1200, Pid.DEVICE_POWER_CYCLES: 31})
    comms: list[int] = field(default_factory=lambda: [0, 0, 0])
    fail_mode: LossMode | None = field(default_factory=lambda: LossMode(0, 1.0, None, 0))
    startup_mode: LossMode | None = None
    tests: tuple[str, ...] = ()
    statuses: list[Status] = field(default_factory=list)
    status_texts: dict[int, str] = field(default_factory=dict)
    sub_devices: dict[int, "FakeResponder"] = field(default_factory=dict)
    late: dict[int, float] = field(default_factory=dict)
    chunk: int = LONGEST_DATA
    defects: set[Defect] = field(default_factory=set)
    proxied: bool = False
    muted: bool = False
    identifying: bool = False
    testing: int = 0
    resets: int = 0
    queue: list[tuple[float, Packet]] = field(default_factory=list)
    """Messages and when they are ready."""
    now: Callable[[], float] = lambda: 0.0
    sets: int = 0
    """SETs that were obeyed: what a passive reader must leave at 0."""

    def __post_init__(self) -> None:
        self._parts: tuple[Packet, bytes] | None = None
        self._last: Packet | None = None
        self._promised: dict[int, float] = {}

    # --- the line ------------------------------------------------------------------------------------------------

    def hear(self, packet: Packet) -> bytes:
        """A packet on the line → what this one puts on it."""
        if packet.command is Command.DISCOVERY:
            return self._discovery(packet)
        mine = packet.to == self.uid
        if not mine and not (packet.to.is_broadcast and packet.to.manufacturer in (0xFFFF, self.uid.manufacturer)):
            return b""
        answer = self._answer(packet)
        return self._wire(answer) if mine or Defect.ANSWERS_BROADCASTS in self.defects else b""

    def _discovery(self, packet: Packet) -> bytes:
        if packet.pid == Pid.DISC_UNIQUE_BRANCH:
            low, high = packet.data[:6], packet.data[6:12]
            if self.muted or not low <= self.uid.encode() <= high:
                return b""
            wire = encode_branch(self.uid, 2 if Defect.SHORT_PREAMBLE in self.defects else 7)
            return wire[:-1] + bytes((wire[-1] ^ 0x01,)) if Defect.BAD_BRANCH in self.defects else wire
        if packet.to != self.uid and not packet.to.is_broadcast:
            return b""
        if packet.pid == Pid.DISC_MUTE and Defect.NO_MUTE_ANSWER in self.defects:
            return b""
        self.muted = packet.pid == Pid.DISC_MUTE and Defect.NEVER_MUTES not in self.defects
        if packet.to.is_broadcast and Defect.ANSWERS_BROADCASTS not in self.defects:
            return b""
        said = Muted(sub_devices=bool(self.sub_devices), proxied=self.proxied)
        return self._wire(replace(packet.answer(data=said.encode()), source=self.uid))

    def _wire(self, answer: Packet) -> bytes:
        if Defect.BAD_NUMBER in self.defects:
            answer = replace(answer, number=answer.number + 1 & 0xFF)
        wire = replace(answer, source=self.uid).encode()
        if Defect.BAD_CHECKSUM in self.defects:
            wire = wire[:-1] + bytes((wire[-1] ^ 0xFF,))
        return wire[: len(wire) // 2] if Defect.CUT in self.defects else wire

    # --- requests ------------------------------------------------------------------------------------------------

    def _answer(self, packet: Packet) -> Packet:
        if packet.pid == Pid.QUEUED_MESSAGE and packet.command is Command.GET:
            return self._queued(packet)
        promised = self._promised.get(packet.pid)
        if promised is not None and self.now() >= promised:  # asked again, without a queue
            del self._promised[packet.pid]
            return packet.answer(*self._do(packet))
        kind, data = self._do(packet)
        if kind is ResponseType.ACK and packet.pid in self.late:
            ready = self.now() + self.late[packet.pid]
            if Defect.NO_QUEUE in self.defects:
                self._promised[packet.pid] = ready
            else:
                self.queue.append((ready, packet.answer(kind, data)))
            return packet.answer(ResponseType.ACK_TIMER, tenths(self.late[packet.pid]), self._waiting)
        if kind is ResponseType.ACK and len(data) > self.chunk:
            return self._part(packet, data)
        self._parts = None
        return packet.answer(kind, data, self._waiting)

    def _part(self, packet: Packet, data: bytes) -> Packet:
        same = self._parts and (self._parts[0].pid, self._parts[0].data) == (packet.pid, packet.data)
        rest = self._parts[1] if self._parts and same else data
        part, rest = rest[: self.chunk], rest[self.chunk :]
        endless = Defect.ENDLESS in self.defects
        self._parts = (packet, rest or data) if rest or endless else None
        return packet.answer(ResponseType.ACK_OVERFLOW if rest or endless else ResponseType.ACK, part)

    def _queued(self, packet: Packet) -> Packet:
        if Defect.NO_QUEUE in self.defects:
            return packet.answer(ResponseType.NACK, word(Nack.UNKNOWN_PID))
        if packet.data == bytes((StatusType.GET_LAST_MESSAGE,)) and self._last:
            told = self._last
        elif self._waiting:
            first = next(each for each in self.queue if each[0] <= self.now())
            self.queue.remove(first)
            told = first[1]
        else:
            told = replace(packet.answer(data=self._take_statuses()), pid=Pid.STATUS_MESSAGES)
        self._last = told
        return replace(told, number=packet.number, to=packet.source, queued=self._waiting)

    @property
    def _waiting(self) -> int:
        return min(sum(ready <= self.now() for ready, _ in self.queue), 255)

    def _do(self, packet: Packet) -> tuple[ResponseType, bytes]:
        """What the device that is meant makes of it."""
        if packet.sub_device == ROOT:
            return self._own(packet)
        if packet.sub_device == ALL_SUB_DEVICES:
            if packet.command is not Command.SET:
                return refused(Nack.SUB_DEVICE_OUT_OF_RANGE)
            for each in self.sub_devices.values():
                each._own(packet)
            return ResponseType.ACK, b""
        if packet.sub_device not in self.sub_devices:
            return refused(Nack.SUB_DEVICE_OUT_OF_RANGE)
        return self.sub_devices[packet.sub_device]._own(packet)

    def _own(self, packet: Packet) -> tuple[ResponseType, bytes]:
        table = _GET if packet.command is Command.GET else _SET
        if packet.pid not in table or not self._has(packet.pid):
            known = packet.pid in _GET or packet.pid in _SET
            unknown = not known or not self._has(packet.pid)
            return refused(Nack.UNKNOWN_PID if unknown else Nack.UNSUPPORTED_COMMAND_CLASS)
        try:
            data = table[packet.pid](self, packet.data)
        except (struct.error, ValueError, TypeError, IndexError):
            return refused(Nack.FORMAT_ERROR)
        if data is None:
            return refused(Nack.DATA_OUT_OF_RANGE)
        if packet.command is Command.SET:
            self.sets += 1
        return ResponseType.ACK, data

    def _has(self, pid: int) -> bool:
        there = {
            Pid.DMX_FAIL_MODE: self.fail_mode is not None,
            Pid.DMX_STARTUP_MODE: self.startup_mode is not None,
            Pid.SENSOR_DEFINITION: bool(self.sensors),
            Pid.SENSOR_VALUE: bool(self.sensors),
            Pid.PERFORM_SELFTEST: bool(self.tests),
            Pid.SELF_TEST_DESCRIPTION: bool(self.tests),
            **{pid: pid in self.counters for pid in COUNTERS},
        }
        return there.get(Pid(pid), True)

    # --- parameters ----------------------------------------------------------------------------------------------

    def info(self) -> bytes:
        more = 2 if Defect.TOO_MANY_PERSONALITIES in self.defects else 0
        slots = self.modes[self.personality - 1][1] if self.modes else 0
        return DeviceInfo(
            self.model,
            self.software,
            slots,
            self.personality,
            len(self.modes) + more,
            self.address if slots else 0xFFFF,
            len(self.sub_devices),
            len(self.sensors),
        ).encode()

    def supported(self) -> bytes:
        hidden = {Pid.DEVICE_INFO, Pid.SUPPORTED_PARAMETERS, Pid.SOFTWARE_VERSION_LABEL, Pid.IDENTIFY_DEVICE}
        pids = sorted(pid for pid in {*_GET, *_SET} - hidden if self._has(pid))
        return b"".join(map(word, [*pids, *([Pid.QUEUED_MESSAGE] if Defect.NO_QUEUE not in self.defects else [])]))

    def _take_statuses(self) -> bytes:
        told, self.statuses[:] = b"".join(each.encode() for each in self.statuses[:25]), self.statuses[25:]
        return told


COUNTERS = (Pid.DEVICE_HOURS, Pid.LAMP_HOURS, Pid.LAMP_STRIKES, Pid.DEVICE_POWER_CYCLES)

T = TypeVar("T")
_Handler = Callable[[FakeResponder, bytes], bytes | None]


def _text(data: bytes) -> str:
    return data.decode("ascii")[:32]


def _numbered(entries: tuple[T, ...], make: Callable[[T], bytes], data: bytes, first: int) -> bytes | None:
    """The entry that is asked for by its number."""
    number = one(data)
    return make(entries[number - first]) if first <= number < first + len(entries) else None


def _set_label(it: FakeResponder, data: bytes) -> bytes:
    it.label = _text(data)
    return b""


def _set_address(it: FakeResponder, data: bytes) -> bytes | None:
    (address,) = struct.unpack(">H", data)
    if not 1 <= address <= 512:
        return None
    it.address = address
    return b""


def _set_personality(it: FakeResponder, data: bytes) -> bytes | None:
    number = one(data)
    if not 1 <= number <= len(it.modes):
        return None
    it.personality = number
    return b""


def _set_identify(it: FakeResponder, data: bytes) -> bytes:
    it.identifying = bool(one(data))
    return b""


def _set_test(it: FakeResponder, data: bytes) -> bytes | None:
    number = one(data)
    if number not in (0, 0xFF) and number > len(it.tests):
        return None
    it.testing = number
    return b""


def _reset(it: FakeResponder, data: bytes) -> bytes | None:
    if one(data) not in (0x01, 0xFF):
        return None
    it.resets += 1
    it.muted = it.identifying = False
    return b""


def _set_fail_mode(it: FakeResponder, data: bytes) -> bytes:
    it.fail_mode = LossMode.decode(data)
    return b""


def _clear_comms(it: FakeResponder, _: bytes) -> bytes:
    it.comms[:] = [0, 0, 0]
    return b""


def _clear_statuses(it: FakeResponder, _: bytes) -> bytes:
    it.statuses.clear()
    return b""


def _set_counter(it: FakeResponder, pid: Pid, data: bytes) -> bytes:
    (it.counters[pid],) = struct.unpack(">I", data)
    return b""


def _status_text(it: FakeResponder, data: bytes) -> bytes | None:
    (number,) = struct.unpack(">H", data)
    return it.status_texts[number].encode() if number in it.status_texts else None


_GET: dict[int, _Handler] = {
    Pid.DEVICE_INFO: lambda it, _: it.info(),
    Pid.SUPPORTED_PARAMETERS: lambda it, _: it.supported(),
    Pid.DEVICE_MODEL_DESCRIPTION: lambda it, _: it.model_text.encode(),
    Pid.MANUFACTURER_LABEL: lambda it, _: it.manufacturer.encode(),
    Pid.DEVICE_LABEL: lambda it, _: it.label.encode(),
    Pid.SOFTWARE_VERSION_LABEL: lambda it, _: it.firmware.encode(),
    Pid.DMX_PERSONALITY: lambda it, _: bytes((it.personality, len(it.modes))),
    Pid.DMX_PERSONALITY_DESCRIPTION: lambda it, data: _numbered(
        it.modes, lambda mode: data[:1] + word(mode[1]) + mode[0].encode(), data, 1
    ),
    Pid.DMX_START_ADDRESS: lambda it, _: word(it.address),
    Pid.SLOT_INFO: lambda it, _: b"".join(struct.pack(">HBH", n, 0, 1) for n in range(it.modes[0][1])),
    Pid.DMX_FAIL_MODE: lambda it, _: it.fail_mode.encode() if it.fail_mode else None,
    Pid.DMX_STARTUP_MODE: lambda it, _: it.startup_mode.encode() if it.startup_mode else None,
    Pid.SENSOR_DEFINITION: lambda it, data: _numbered(it.sensors, lambda each: each.definition(one(data)), data, 0),
    Pid.SENSOR_VALUE: lambda it, data: _numbered(
        it.sensors, lambda each: SensorValue(one(data), each.value, each.value, each.value).encode(), data, 0
    ),
    Pid.IDENTIFY_DEVICE: lambda it, _: bytes((it.identifying,)),
    Pid.PERFORM_SELFTEST: lambda it, _: bytes((bool(it.testing),)),
    Pid.SELF_TEST_DESCRIPTION: lambda it, data: _numbered(it.tests, lambda each: data[:1] + each.encode(), data, 1),
    Pid.COMMS_STATUS: lambda it, _: struct.pack(">HHH", *it.comms),
    Pid.STATUS_MESSAGES: lambda it, _: it._take_statuses(),
    Pid.STATUS_ID_DESCRIPTION: _status_text,
    **{pid: lambda it, _, pid=pid: it.counters[pid].to_bytes(4, "big") for pid in COUNTERS},  # type: ignore[misc]
}

_SET: dict[int, _Handler] = {
    Pid.DEVICE_LABEL: _set_label,
    Pid.DMX_START_ADDRESS: _set_address,
    Pid.DMX_PERSONALITY: _set_personality,
    Pid.DMX_FAIL_MODE: _set_fail_mode,
    Pid.IDENTIFY_DEVICE: _set_identify,
    Pid.RESET_DEVICE: _reset,
    Pid.PERFORM_SELFTEST: _set_test,
    Pid.COMMS_STATUS: _clear_comms,
    Pid.CLEAR_STATUS_ID: _clear_statuses,
    Pid.RECORD_SENSORS: lambda it, data: b"",
    **{pid: lambda it, data, pid=pid: _set_counter(it, pid, data) for pid in COUNTERS},  # type: ignore[misc]
}
