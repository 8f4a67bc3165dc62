"""V4L2 at the level of its system calls: a device node, what is said to it, and its controls.

Numbers and layouts are those of a 64-bit Linux, from include/uapi/linux/videodev2.h and v4l2-controls.h. Everything a
node is asked goes through a :class:`Kernel`, so a test can be the device and check every byte.
"""

import errno
import fcntl
import mmap
import os
import re
import struct
from typing import Literal

from drivers.errors import BadReply, DeviceMissing, DriverError, LinkLost, NotSupported, Refused, Why, why_of
from drivers.host import Control
from drivers.real.holder import holder


class Kernel:
    """The system calls, as this machine has them. OSError."""

    def open(self, path: str) -> int:
        return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def close(self, descriptor: int) -> None:
        os.close(descriptor)

    def ioctl(self, descriptor: int, request: int, data: bytearray) -> None:
        """``data`` is read and written."""
        fcntl.ioctl(descriptor, request, data, True)

    def map(self, descriptor: int, length: int, offset: int) -> mmap.mmap:
        return mmap.mmap(descriptor, length, mmap.MAP_SHARED, mmap.PROT_READ, offset=offset)


LINUX = Kernel()


def _request(direction: int, number: int, size: int) -> int:
    """_IOC of asm-generic/ioctl.h, type 'V'."""
    return direction << 30 | size << 16 | ord("V") << 8 | number


def _reads(number: int, size: int) -> int:
    return _request(2, number, size)


def _writes(number: int, size: int) -> int:
    return _request(1, number, size)


def _both(number: int, size: int) -> int:
    return _request(3, number, size)


CAPABILITY = struct.Struct("16s32s32sIII12x")
"""driver, card, bus_info, version, capabilities, device_caps"""
FORMAT = struct.Struct("I4xIIIIIIII168x")
"""type, width, height, pixelformat, field, bytesperline, sizeimage, colorspace, priv"""
FORMAT_NAME = struct.Struct("III32sI16x")
"""index, type, flags, description, pixelformat"""
BUFFERS = struct.Struct("III8x")
"""count, type, memory"""
BUFFER = struct.Struct("IIIII4xqq16xIIQI12x")
"""index, type, bytesused, flags, field, timestamp s, timestamp µs, sequence, memory, offset, length"""
INTERVAL = struct.Struct("IIIII184x")
"""type, capability, capturemode, timeperframe as a fraction"""
KIND = struct.Struct("I")
QUERY = struct.Struct("II32siiiiI8x")
"""id, type, name, minimum, maximum, step, default, flags"""
ITEM = struct.Struct("II32s4x")
"""id, index, name (of an integer menu: a number of 64 bits)"""
VALUE = struct.Struct("Ii")
"""id, value"""

QUERYCAP = _reads(0, CAPABILITY.size)
ENUM_FMT = _both(2, FORMAT_NAME.size)
G_FMT, S_FMT = _both(4, FORMAT.size), _both(5, FORMAT.size)
REQBUFS = _both(8, BUFFERS.size)
QUERYBUF, QBUF, DQBUF = _both(9, BUFFER.size), _both(15, BUFFER.size), _both(17, BUFFER.size)
STREAMON, STREAMOFF = _writes(18, KIND.size), _writes(19, KIND.size)
G_PARM = _both(21, INTERVAL.size)
G_CTRL, S_CTRL = _both(27, VALUE.size), _both(28, VALUE.size)
QUERYCTRL, QUERYMENU = _both(36, QUERY.size), _both(37, ITEM.size)

CAPTURE, MMAP, ANY_FIELD = 1, 1, 0
CAN_CAPTURE, CAN_STREAM, HAS_DEVICE_CAPS = 0x1, 0x04000000, 0x80000000
SPOILT = 0x40
"""Buffer flag: data may be missing."""
CLOCK_MASK, CLOCK_MONOTONIC = 0xE000, 0x2000
NEXT_CONTROL = 0x80000000
DISABLED, READ_ONLY, INACTIVE, WRITE_ONLY = 0x1, 0x4, 0x10, 0x40

_KINDS: dict[int, Literal["int", "bool", "menu"]] = {1: "int", 2: "bool", 3: "menu", 9: "menu"}
_INTEGER_MENU = 9

NAMES = {
    0x009A0901: "auto_exposure",
    0x009A0902: "exposure_time_absolute",
    0x009A0903: "exposure_dynamic_framerate",
    0x009A090A: "focus_absolute",
    0x009A090C: "focus_automatic_continuous",
    0x0098090C: "white_balance_automatic",
    0x00980913: "gain",
    0x00980918: "power_line_frequency",
    0x0098091A: "white_balance_temperature",
}
"""Names the product works with, by number: older kernels call them otherwise ("Exposure, Auto Priority")."""


def plain_name(name: str) -> str:
    """As v4l2-ctl writes it: lower case, one _ for whatever is neither letter nor digit."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def text(raw: bytes) -> str:
    return raw.partition(b"\0")[0].decode("utf-8", "replace").strip()


def node(device: str, kernel: Kernel) -> int:
    """A descriptor of the node. DeviceMissing with what to do."""
    try:
        return kernel.open(device)
    except OSError as error:
        remedy = {
            errno.EACCES: "add this user to the group 'video' and start again",
            errno.EBUSY: "stop the other program; one camera has one owner",
        }.get(error.errno or 0, "check the cable; `devices` lists the cameras")
        raise DeviceMissing(f"{device} cannot be opened: {reason(error)}", remedy, why=why_of(error)) from None


def reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)


# --- controls --------------------------------------------------------------------------------------------------------


class DeviceControls:
    """The controls of one node (:class:`drivers.host.Controls`). Each call opens the node for itself: V4L2 allows that
    beside a capture, nothing stays open, and a camera that was replugged is found again."""

    def __init__(self, device: str, kernel: Kernel = LINUX) -> None:
        self._device = device
        self._kernel = kernel

    def list(self) -> tuple[Control, ...]:
        descriptor = node(self._device, self._kernel)
        try:
            return tuple(control for _, control in _all(self._device, self._kernel, descriptor))
        finally:
            self._kernel.close(descriptor)

    def read(self, name: str) -> int:
        return self._value(name, G_CTRL, 0)

    def write(self, name: str, value: int) -> None:
        self._value(name, S_CTRL, value)

    def _value(self, name: str, request: int, value: int) -> int:
        descriptor = node(self._device, self._kernel)
        try:
            known = {
                control.name: (number, control) for number, control in _all(self._device, self._kernel, descriptor)
            }
            if name not in known:
                raise NotSupported(f"{self._device} has no control {name}")
            number, control = known[name]
            if request == S_CTRL and not control.minimum <= value <= control.maximum:
                wrong = f"{name} goes from {control.minimum} to {control.maximum}, not {value}"
                raise Refused(wrong, why=Why.NO_VALUE)
            data = bytearray(VALUE.pack(number, value))
            try:
                self._kernel.ioctl(descriptor, request, data)
            except OSError as error:
                raise _failed(self._device, name, error) from None
            said: int = VALUE.unpack(data)[1]
            return said
        finally:
            self._kernel.close(descriptor)


def _all(device: str, kernel: Kernel, descriptor: int) -> list[tuple[int, Control]]:
    """Every control that can be set, with its number."""
    found: list[tuple[int, Control]] = []
    number = asked = 0
    while asked < 1000:  # no driver has so many: one that goes round in circles
        asked += 1
        data = bytearray(QUERY.pack(number | NEXT_CONTROL, 0, b"", 0, 0, 0, 0, 0))
        try:
            kernel.ioctl(descriptor, QUERYCTRL, data)
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOTTY):
                break  # no more, or none at all
            raise _failed(device, "its controls", error) from None
        number, kind, name, least, most, step, default, flags = QUERY.unpack(data)
        if kind not in _KINDS or flags & (DISABLED | WRITE_ONLY | READ_ONLY):
            continue
        plain = NAMES.get(number) or plain_name(text(name))
        items = _menu(kernel, descriptor, number, kind, range(least, most + 1)) if _KINDS[kind] == "menu" else {}
        control = Control(plain, _KINDS[kind], least, most, step, default, items, bool(flags & INACTIVE))
        found.append((number, control))
    return found


def _menu(kernel: Kernel, descriptor: int, number: int, kind: int, values: range) -> dict[int, str]:
    items = {}
    for index in values[:256]:
        data = bytearray(ITEM.pack(number, index, b""))
        try:
            kernel.ioctl(descriptor, QUERYMENU, data)
        except OSError:
            continue  # this value has no meaning at this camera
        raw = ITEM.unpack(data)[2]
        items[index] = str(int.from_bytes(raw[:8], "little", signed=True)) if kind == _INTEGER_MENU else text(raw)
    return items


def _failed(device: str, name: str, error: OSError) -> DriverError:
    said = f"{device}: {name}: {reason(error)}"
    if error.errno in (errno.EACCES, errno.EPERM):
        return Refused(said, "something automatic has it now: switch that to manual first", why=Why.AUTOMATIC)
    if error.errno == errno.EBUSY:
        return Refused(f"{said} (used by {holder(device)})", "stop the other program", why=Why.IN_USE)
    if error.errno in (errno.ERANGE, errno.EINVAL):
        return Refused(said, "the camera does not know this value", why=Why.NO_VALUE)
    if error.errno in (errno.ENODEV, errno.ENXIO, errno.ESHUTDOWN):
        return LinkLost(f"{device} is gone", "check the cable", why=Why.UNPLUGGED)
    return BadReply(said, "the camera did not take it: try again, or replug it", why=Why.NO_VALUE)
