"""What is known of the responders on a line: one snapshot of each, taken with passive reads only.

Reading is polite: what a responder does not list as supported is not asked (beyond what E1.20 Table A-3 makes
mandatory), and what it refuses or answers wrongly is written down in ``unread``, not fatal. A list that a defect makes
endless is cut.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from config.units import Text
from drivers.dmx import rdm_parameters as p
from drivers.dmx.rdm_codec import ROOT, Uid
from drivers.dmx.rdm_controller import Controller
from drivers.dmx.rdm_discovery import Discovery, discover
from drivers.dmx.rdm_parameters import (
    CommsStatus,
    DeviceInfo,
    LossMode,
    Parameter,
    PersonalityDescription,
    SensorDefinition,
    SensorValue,
    SlotInfo,
)
from drivers.dmx.rdm_port import Steps
from drivers.dmx.rdm_words import Pid, pid_name
from drivers.errors import BadReply, DriverError, LinkLost, ReplyTimeout

T = TypeVar("T")

MOST_LISTED = 32
"""Personalities, sensors or sub-devices read of one responder."""


@dataclass(frozen=True, slots=True)
class Sensor:
    """One sensor. Values are in ``definition.unit``; ``value`` None: it does not answer."""

    definition: SensorDefinition
    value: SensorValue | None

    @property
    def present(self) -> float | None:
        return None if self.value is None else round(self.value.present * self.definition.factor, 12)

    @property
    def is_normal(self) -> bool | None:
        """Within the normal range that the maker gives; None where there is no value."""
        low, high = self.definition.normal
        return None if self.present is None else low <= self.present <= high


@dataclass(frozen=True, slots=True)
class Responder:
    """One device, or one of its sub-devices, as it was when it was asked.

    ``firmware`` is SOFTWARE_VERSION_LABEL, "" where there is none; ``info.software`` the maker's number for it.
    ``unread``: parameter → why it could not be read. ``hours`` and counters are None where it does not count.
    """

    uid: Uid
    info: DeviceInfo
    supported: frozenset[int] = frozenset()
    manufacturer: str = ""
    model: str = ""
    label: str = ""
    firmware: str = ""
    personalities: tuple[PersonalityDescription, ...] = ()
    slots: tuple[SlotInfo, ...] = ()
    sensors: tuple[Sensor, ...] = ()
    device_hours: int | None = None
    lamp_hours: int | None = None
    lamp_strikes: int | None = None
    power_cycles: int | None = None
    comms: CommsStatus | None = None
    fail_mode: LossMode | None = None
    startup_mode: LossMode | None = None
    sub_devices: Mapping[int, "Responder"] = field(default_factory=dict)
    sub_device: int = ROOT
    odd: tuple[Text, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """How people may call it: its label, else its model, with the UID."""
        called = self.label or self.model
        return f"{called} ({self.uid})" if called else str(self.uid)

    @property
    def last_slot(self) -> int | None:
        """The last slot it listens to; above 512 is a fault. None for a device without slots."""
        if self.info.address == p.NO_ADDRESS or not self.info.footprint:
            return None
        return self.info.address + self.info.footprint - 1

    @property
    def personality(self) -> str:
        """The name of the mode that is set."""
        return next((each.text for each in self.personalities if each.number == self.info.personality), "")


@dataclass(frozen=True, slots=True)
class Survey:
    """A line: who is there, what each said, and who was found but told nothing (UID → why)."""

    discovery: Discovery
    responders: tuple[Responder, ...] = ()
    mute: Mapping[Uid, str] = field(default_factory=dict)

    def named(self, uid: Uid) -> Responder | None:
        return next((each for each in self.responders if each.uid == uid), None)


def survey(controller: Controller, has_table: bool, known: Iterable[Uid] = (), full: bool = True) -> Steps[Survey]:
    """Discover and read everybody. ``full`` as in :func:`~drivers.dmx.rdm_discovery.discover`. Refused on air."""
    found = yield from discover(controller, has_table, known, full)
    responders, mute = yield from read_all(controller, found.uids)
    return Survey(found, responders, mute)


def read_all(controller: Controller, uids: Iterable[Uid]) -> Steps[tuple[tuple[Responder, ...], dict[Uid, str]]]:
    """Read those that are known already: passive, so it may be done on air."""
    responders: list[Responder] = []
    mute: dict[Uid, str] = {}
    for uid in uids:
        try:
            responders.append((yield from read(controller, uid)))
        except LinkLost:
            raise
        except DriverError as error:
            mute[uid] = error.reason
    return tuple(responders), mute


def read(controller: Controller, uid: Uid, sub_device: int = ROOT) -> Steps[Responder]:
    """One responder. A DriverError only when not even DEVICE_INFO can be had."""
    info = yield from controller.get(uid, p.DEVICE_INFO, sub_device=sub_device)
    reader = _Reader(controller, uid, sub_device)
    reader.supported = (yield from reader.get(p.SUPPORTED_PARAMETERS, asked=True)) or frozenset()
    modes = yield from _personalities(reader, info)
    sensors = yield from _sensors(reader, info)
    model = yield from reader.get(p.DEVICE_MODEL_DESCRIPTION)
    manufacturer = yield from reader.get(p.MANUFACTURER_LABEL)
    label = yield from reader.get(p.DEVICE_LABEL)
    # Mandatory, so not listed among the supported (10.4.1).
    firmware = yield from reader.get(p.SOFTWARE_VERSION_LABEL, asked=sub_device == ROOT)
    hours = yield from reader.get(p.DEVICE_HOURS)
    lamp_hours = yield from reader.get(p.LAMP_HOURS)
    strikes = yield from reader.get(p.LAMP_STRIKES)
    cycles = yield from reader.get(p.DEVICE_POWER_CYCLES)
    comms = yield from reader.get(p.COMMS_STATUS)
    fail_mode = yield from reader.get(p.DMX_FAIL_MODE)
    startup_mode = yield from reader.get(p.DMX_STARTUP_MODE)
    slots = yield from reader.get(p.SLOT_INFO)
    subs: dict[int, Responder] = {}
    if sub_device == ROOT:
        subs = yield from _sub_devices(reader, info)
    return Responder(
        uid=uid,
        info=info,
        supported=reader.supported,
        manufacturer=manufacturer or "",
        model=model or "",
        label=label or "",
        firmware=firmware or "",
        personalities=modes,
        slots=slots or (),
        sensors=sensors,
        device_hours=hours,
        lamp_hours=lamp_hours,
        lamp_strikes=strikes,
        power_cycles=cycles,
        comms=comms,
        fail_mode=fail_mode,
        startup_mode=startup_mode,
        sub_devices=subs,
        sub_device=sub_device,
        odd=tuple(reader.odd),
        unread=dict(reader.unread),
    )


def refresh(controller: Controller, known: Responder) -> Steps[Responder]:
    """The same responder as it is now: what may change by itself or by hand, in few transactions. Passive.

    DEVICE_INFO, label of the firmware when its id changed, sensor values, counters and spoilt packets; names, modes and
    definitions stay as they were read. A DriverError when it does not answer.
    """
    reader = _Reader(controller, known.uid, known.sub_device)
    reader.supported = known.supported
    info = yield from controller.get(known.uid, p.DEVICE_INFO, sub_device=known.sub_device)
    firmware = known.firmware
    if info.software != known.info.software:
        firmware = (yield from reader.get(p.SOFTWARE_VERSION_LABEL, asked=True)) or ""
    sensors = []
    for sensor in known.sensors:
        value = yield from reader.get(p.SENSOR_VALUE, bytes((sensor.definition.number,)))
        sensors.append(Sensor(sensor.definition, value))
    hours = yield from reader.get(p.DEVICE_HOURS)
    lamp_hours = yield from reader.get(p.LAMP_HOURS)
    strikes = yield from reader.get(p.LAMP_STRIKES)
    cycles = yield from reader.get(p.DEVICE_POWER_CYCLES)
    comms = yield from reader.get(p.COMMS_STATUS)
    return replace(
        known,
        info=info,
        firmware=firmware,
        sensors=tuple(sensors),
        device_hours=hours,
        lamp_hours=lamp_hours,
        lamp_strikes=strikes,
        power_cycles=cycles,
        comms=comms,
        unread=dict(reader.unread),
    )


class _Reader:
    """Asks one responder, and writes down what it could not be asked."""

    def __init__(self, controller: Controller, uid: Uid, sub_device: int) -> None:
        self.controller = controller
        self.uid = uid
        self.sub_device = sub_device
        self.supported: frozenset[int] = frozenset()
        self.odd: list[Text] = []
        self.unread: dict[str, str] = {}

    def get(self, parameter: Parameter[T], data: bytes = b"", asked: bool = False) -> Steps[T | None]:
        """None where it is not supported or not had. ``asked``: although it is not listed."""
        if not asked and parameter.pid not in self.supported:
            return None
        try:
            return (yield from self.controller.get(self.uid, parameter, data, self.sub_device))
        except LinkLost:
            raise
        except DriverError as error:
            number = f" {data[0]}" if data else ""
            self.unread[f"{pid_name(parameter.pid)}{number}"] = error.reason
            return None


def _personalities(reader: _Reader, info: DeviceInfo) -> Steps[tuple[PersonalityDescription, ...]]:
    found = []
    if Pid.DMX_PERSONALITY_DESCRIPTION in reader.supported:
        for number in range(1, min(info.personalities, MOST_LISTED) + 1):
            mode = yield from reader.get(p.DMX_PERSONALITY_DESCRIPTION, bytes((number,)))
            if mode is None:
                break
            found.append(mode)
    if found and len(found) < min(info.personalities, MOST_LISTED):
        said, there = info.personalities, len(found)
        reader.odd.append(Text(f"says {said} personalities, describes {there}", f"声明{said}个模式，仅描述{there}个"))
    return tuple(found)


def _sensors(reader: _Reader, info: DeviceInfo) -> Steps[tuple[Sensor, ...]]:
    found = []
    if Pid.SENSOR_DEFINITION in reader.supported:
        for number in range(min(info.sensors, MOST_LISTED)):
            definition = yield from reader.get(p.SENSOR_DEFINITION, bytes((number,)))
            if definition is not None:
                value = yield from reader.get(p.SENSOR_VALUE, bytes((number,)))
                found.append(Sensor(definition, value))
    return tuple(found)


def _sub_devices(reader: _Reader, info: DeviceInfo) -> Steps[dict[int, Responder]]:
    """Sub-devices are numbered from 1 and may have gaps (9.2.2): as many as are said, within twice the numbers."""
    found: dict[int, Responder] = {}
    for number in range(1, min(2 * info.sub_devices, MOST_LISTED) + 1):
        if len(found) >= info.sub_devices:
            break
        try:
            found[number] = yield from read(reader.controller, reader.uid, number)
        except (ReplyTimeout, BadReply) as error:
            reader.unread[f"sub-device {number}"] = error.reason
            break
        except LinkLost:
            raise
        except DriverError:
            continue  # a gap
    return found
