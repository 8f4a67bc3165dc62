"""What can be set on an RDM device, checked before and read back after. Refused on air, all of it.

Values that the standard does not allow are NotSupported before anything is sent; what a responder confirms and then
does not keep is BadReply.
"""

from typing import TypeVar

from drivers.dmx import rdm_parameters as p
from drivers.dmx.rdm_codec import ROOT, RdmError, Uid
from drivers.dmx.rdm_controller import Controller
from drivers.dmx.rdm_parameters import LossMode, Parameter, Reset
from drivers.dmx.rdm_port import Steps
from drivers.dmx.rdm_words import Pid, pid_name
from drivers.errors import BadReply, NotSupported

T = TypeVar("T")

ALL_TESTS, NO_TEST, ALL_SENSORS = 0xFF, 0, 0xFF


def set_address(controller: Controller, uid: Uid, address: int, sub_device: int = ROOT) -> Steps[None]:
    """DMX start address, 1…512 (10.6.3)."""
    data = _number(address, 1, 512, 2, "a start address")
    yield from _kept(controller, uid, p.DMX_START_ADDRESS, data, address, sub_device)


def set_personality(controller: Controller, uid: Uid, number: int, sub_device: int = ROOT) -> Steps[None]:
    """DMX mode, counted from 1 (10.6.1). The footprint changes with it: check the slots of its neighbours."""
    data = _number(number, 1, 255, 1, "a personality")
    yield from controller.set(uid, Pid.DMX_PERSONALITY, data, sub_device)
    now = yield from controller.get(uid, p.DMX_PERSONALITY, sub_device=sub_device)
    _same(uid, Pid.DMX_PERSONALITY, now.current, number)


def set_label(controller: Controller, uid: Uid, text: str, sub_device: int = ROOT) -> Steps[None]:
    """The device's own name, up to 32 ASCII characters (10.5.6)."""
    try:
        data = p.label(text)
    except RdmError as error:
        raise NotSupported(str(error)) from error
    yield from _kept(controller, uid, p.DEVICE_LABEL, data, text.strip(), sub_device)


def set_fail_mode(controller: Controller, uid: Uid, mode: LossMode) -> Steps[None]:
    """What it does when DMX is lost (E1.37-1 3.2)."""
    yield from _loss_mode(controller, uid, p.DMX_FAIL_MODE, mode)


def set_startup_mode(controller: Controller, uid: Uid, mode: LossMode) -> Steps[None]:
    """What it does until the first DMX (E1.37-1 3.3)."""
    yield from _loss_mode(controller, uid, p.DMX_STARTUP_MODE, mode)


def identify(controller: Controller, uid: Uid, on: bool) -> Steps[None]:
    """Let it show itself, usually by flashing (10.11.1). It does so until told to stop."""
    yield from _kept(controller, uid, p.IDENTIFY_DEVICE, bytes((on,)), on, ROOT)


def reset(controller: Controller, uid: Uid, kind: Reset = Reset.WARM) -> Steps[None]:
    """Restart it (10.11.2). It is dark meanwhile, un-muted after, and may not even answer this: asked once."""
    yield from controller.set(uid, Pid.RESET_DEVICE, bytes((kind,)), once=True)


def start_test(controller: Controller, uid: Uid, number: int = ALL_TESTS) -> Steps[None]:
    """Run one of its self-tests, or all (10.11.4); NO_TEST ends them. ``PERFORM_SELFTEST`` says while it runs."""
    data = _number(number, 0, 255, 1, "a self-test")
    yield from controller.set(uid, Pid.PERFORM_SELFTEST, data, once=True)


def record_sensors(controller: Controller, uid: Uid, number: int = ALL_SENSORS) -> Steps[None]:
    """Keep the present value of a sensor, or of all, as its recorded one (10.8.3)."""
    yield from controller.set(uid, Pid.RECORD_SENSORS, _number(number, 0, 255, 1, "a sensor"))


def clear_comms(controller: Controller, uid: Uid) -> Steps[None]:
    """Its counters of spoilt packets to zero (10.3.3)."""
    yield from controller.set(uid, Pid.COMMS_STATUS)


def clear_statuses(controller: Controller, uid: Uid) -> Steps[None]:
    """Forget its status messages (10.3.4)."""
    yield from controller.set(uid, Pid.CLEAR_STATUS_ID)


def set_counter(controller: Controller, uid: Uid, pid: Pid, value: int = 0) -> Steps[None]:
    """Lamp hours, strikes, device hours or power cycles, after a lamp was changed (10.9)."""
    counters = {each.pid: each for each in (p.DEVICE_HOURS, p.LAMP_HOURS, p.LAMP_STRIKES, p.DEVICE_POWER_CYCLES)}
    if pid not in counters:
        raise NotSupported(f"{pid_name(pid)} is no counter", f"one of {', '.join(each.name for each in counters)}")
    yield from _kept(controller, uid, counters[pid], _number(value, 0, 0xFFFFFFFF, 4, "a counter"), value, ROOT)


def _loss_mode(controller: Controller, uid: Uid, parameter: Parameter[LossMode], mode: LossMode) -> Steps[None]:
    try:
        data = mode.encode()
    except RdmError as error:
        raise NotSupported(str(error)) from error
    yield from _kept(controller, uid, parameter, data, LossMode.decode(data), ROOT)


def _kept(
    controller: Controller, uid: Uid, parameter: Parameter[T], data: bytes, wanted: T, sub_device: int
) -> Steps[None]:
    yield from controller.set(uid, parameter.pid, data, sub_device)
    now = yield from controller.get(uid, parameter, sub_device=sub_device)
    _same(uid, parameter.pid, now, wanted)


def _same(uid: Uid, pid: int, now: object, wanted: object) -> None:
    if now != wanted:
        raise BadReply(
            f"{uid} confirmed {pid_name(pid)} {wanted} and still says {now}", "see whether its menu is locked"
        )


def _number(value: int, low: int, high: int, size: int, what: str) -> bytes:
    if not low <= value <= high:
        raise NotSupported(f"{value} is not {what}", f"{low}…{high}")
    return value.to_bytes(size, "big")
