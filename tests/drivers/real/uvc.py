"""A webcam as the kernel shows it, byte by byte: what a V4L2 node answers to each ioctl.

Numbers and offsets are those a C compiler gives for linux/videodev2.h on a 64-bit machine. They are written here once
more, and not taken from the driver, so that a wrong one there is noticed.
"""

import errno
import mmap
import os
import time
from collections import deque
from dataclasses import dataclass, field

from drivers.real.v4l2 import Kernel

QUERYCAP, ENUM_FMT, G_FMT, S_FMT = 0x80685600, 0xC0405602, 0xC0D05604, 0xC0D05605
REQBUFS, QUERYBUF, QBUF, DQBUF = 0xC0145608, 0xC0585609, 0xC058560F, 0xC0585611
STREAMON, STREAMOFF, G_PARM = 0x40045612, 0x40045613, 0xC0CC5615
G_CTRL, S_CTRL, QUERYCTRL, QUERYMENU = 0xC008561B, 0xC008561C, 0xC0445624, 0xC02C5625
NEXT, INACTIVE = 0x80000000, 0x10
INTEGER, BOOLEAN, MENU, BUTTON, CLASS = 1, 2, 3, 4, 6
ERROR, MONOTONIC = 0x40, 0x2000

AUTO, EXPOSURE, DYNAMIC, GAIN = 0x9A0901, 0x9A0902, 0x9A0903, 0x980913
WB_AUTO, WB, MAINS, FOCUS_AUTO, FOCUS, BRIGHTNESS = 0x98090C, 0x98091A, 0x980918, 0x9A090C, 0x9A090A, 0x980900


@dataclass
class Knob:
    kind: int
    name: str
    least: int
    most: int
    default: int
    step: int = 1
    menu: dict[int, str] = field(default_factory=dict)
    value: int = 0

    def __post_init__(self) -> None:
        self.value = self.default


def knobs() -> dict[int, Knob]:
    """A usual webcam's, in the order of their numbers."""
    return {
        0x980001: Knob(CLASS, "User Controls", 0, 0, 0),
        BRIGHTNESS: Knob(INTEGER, "Brightness", -64, 64, -3),
        WB_AUTO: Knob(BOOLEAN, "White Balance, Automatic", 0, 1, 1),
        GAIN: Knob(INTEGER, "Gain", 0, 100, 10),
        MAINS: Knob(MENU, "Power Line Frequency", 0, 2, 2, menu={0: "Disabled", 1: "50 Hz", 2: "60 Hz"}),
        WB: Knob(INTEGER, "White Balance Temperature", 2800, 6500, 4600, 10),
        0x980920: Knob(BUTTON, "Do White Balance", 0, 0, 0),
        AUTO: Knob(MENU, "Auto Exposure", 0, 3, 3, menu={1: "Manual Mode", 3: "Aperture Priority Mode"}),
        EXPOSURE: Knob(INTEGER, "Exposure Time, Absolute", 3, 2047, 250),
        DYNAMIC: Knob(BOOLEAN, "Exposure, Dynamic Framerate", 0, 1, 1),
        FOCUS: Knob(INTEGER, "Focus, Absolute", 0, 250, 30, 5),
        FOCUS_AUTO: Knob(BOOLEAN, "Focus, Automatic Continuous", 0, 1, 1),
    }


class Uvc(Kernel):
    """The device and the kernel in front of it."""

    def __init__(self, code: bytes = b"YUYV", size: tuple[int, int] = (64, 36), stride: int = 128) -> None:
        self.code, self.size, self.stride, self.length = code, size, stride, 65536
        self.formats = [code, b"MJPG"]
        self.knobs = knobs()
        self.errors: dict[int, int] = {}
        """What an ioctl fails with, by its number."""
        self.unplugged = False
        self.running = False
        self.memory: list[mmap.mmap] = []
        self.queued: deque[int] = deque()
        self.done: deque[bytes] = deque()
        self.open_nodes: set[int] = set()
        self._bell, self._ring = os.pipe()
        os.set_blocking(self._bell, False)
        self.sequence = -1

    # --- what the camera does ----------------------------------------------------------------------------------------

    def picture(self, data: bytes, *, captured: float | None = None, flags: int = MONOTONIC) -> None:
        """Send one. Without a buffer for it, it is dropped, and counted all the same."""
        self.sequence += 1
        if not self.queued:
            return
        index = self.queued.popleft()
        self.memory[index][: len(data)] = data
        at = time.monotonic() if captured is None else captured
        buffer = bytearray(88)
        buffer[0:4], buffer[4:8], buffer[8:12] = word(index), word(1), word(len(data))
        buffer[12:16] = word(flags)
        buffer[24:32], buffer[32:40] = int(at).to_bytes(8, "little"), int(at % 1 * 1e6).to_bytes(8, "little")
        buffer[56:60], buffer[60:64] = word(self.sequence), word(1)
        self.done.append(bytes(buffer))
        os.write(self._ring, b"x")

    def unplug(self) -> None:
        self.unplugged = True
        os.write(self._ring, b"x")

    def end(self) -> None:
        os.close(self._bell)
        os.close(self._ring)

    # --- the system calls --------------------------------------------------------------------------------------------

    def open(self, path: str) -> int:
        if self.unplugged:
            raise OSError(errno.ENODEV, "No such device")
        if path != "/dev/video0":
            raise OSError(errno.ENOENT, "No such file or directory")
        self.open_nodes.add(descriptor := os.dup(self._bell))
        return descriptor

    def close(self, descriptor: int) -> None:
        self.open_nodes.remove(descriptor)
        os.close(descriptor)

    def map(self, descriptor: int, length: int, offset: int) -> mmap.mmap:
        assert descriptor in self.open_nodes and length == self.length
        assert offset == len(self.memory) * 0x10000, "the offset is what QUERYBUF said"
        self.memory.append(mmap.mmap(-1, length))
        return self.memory[-1]

    def ioctl(self, descriptor: int, request: int, data: bytearray) -> None:
        assert descriptor in self.open_nodes
        assert len(data) == request >> 16 & 0x3FFF, "the size in the number is that of what is given"
        if self.unplugged:
            raise OSError(errno.ENODEV, "No such device")
        if request in self.errors:
            raise OSError(self.errors[request], os.strerror(self.errors[request]))
        {
            QUERYCAP: self._capability,
            ENUM_FMT: self._enumerate,
            G_FMT: self._format,
            S_FMT: self._set_format,
            REQBUFS: self._buffers,
            QUERYBUF: self._buffer,
            QBUF: self._queue,
            DQBUF: self._dequeue,
            STREAMON: self._stream,
            STREAMOFF: self._stream,
            G_PARM: self._interval,
            G_CTRL: self._read,
            S_CTRL: self._write,
            QUERYCTRL: self._query,
            QUERYMENU: self._menu,
        }[request](data)

    def _capability(self, data: bytearray) -> None:
        data[0:9], data[16:26], data[48:57] = b"uvcvideo\0", b"Studio Cam", b"usb-1-2.3"
        data[84:88], data[88:92] = word(0x84A00001), word(0x04200001)

    def _enumerate(self, data: bytearray) -> None:
        index = int.from_bytes(data[0:4], "little")
        if index >= len(self.formats):
            raise OSError(errno.EINVAL, "Invalid argument")
        data[44:48] = self.formats[index]

    def _format(self, data: bytearray) -> None:
        assert data[0:4] == word(1)
        data[8:12], data[12:16], data[16:20] = word(self.size[0]), word(self.size[1]), self.code
        data[24:28], data[28:32] = word(self.stride), word(self.length)

    def _set_format(self, data: bytearray) -> None:
        assert bytes(data[16:20]) in self.formats
        self.code = bytes(data[16:20])
        self._format(data)

    def _buffers(self, data: bytearray) -> None:
        assert data[4:12] == word(1) + word(1)
        data[0:4] = word(4)

    def _buffer(self, data: bytearray) -> None:
        index = int.from_bytes(data[0:4], "little")
        data[64:68], data[72:76] = word(index * 0x10000), word(self.length)

    def _queue(self, data: bytearray) -> None:
        assert data[60:64] == word(1)
        index = int.from_bytes(data[0:4], "little")
        assert index not in self.queued
        self.queued.append(index)

    def _dequeue(self, data: bytearray) -> None:
        if not self.done:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        os.read(self._bell, 1)
        data[:] = self.done.popleft()

    def _stream(self, data: bytearray) -> None:
        assert data == word(1)
        self.running = not self.running

    def _interval(self, data: bytearray) -> None:
        data[12:16], data[16:20] = word(1), word(30)

    # --- controls ----------------------------------------------------------------------------------------------------

    def inactive(self, number: int) -> bool:
        switch, free = {EXPOSURE: (AUTO, 1), WB: (WB_AUTO, 0), FOCUS: (FOCUS_AUTO, 0)}.get(number, (0, 0))
        return switch in self.knobs and self.knobs[switch].value != free

    def _query(self, data: bytearray) -> None:
        asked = int.from_bytes(data[0:4], "little")
        assert asked & NEXT
        number = next((each for each in sorted(self.knobs) if each > asked & ~NEXT), None)
        if number is None:
            raise OSError(errno.EINVAL, "Invalid argument")
        knob = self.knobs[number]
        data[0:4], data[4:8] = word(number), word(knob.kind)
        data[8:40] = knob.name.encode().ljust(32, b"\0")
        for at, value in zip((40, 44, 48, 52), (knob.least, knob.most, knob.step, knob.default), strict=True):
            data[at : at + 4] = value.to_bytes(4, "little", signed=True)
        data[56:60] = word(INACTIVE if self.inactive(number) else 0)

    def _menu(self, data: bytearray) -> None:
        knob, index = self.knobs[int.from_bytes(data[0:4], "little")], int.from_bytes(data[4:8], "little")
        if index not in knob.menu:
            raise OSError(errno.EINVAL, "Invalid argument")
        data[8:40] = knob.menu[index].encode().ljust(32, b"\0")

    def _read(self, data: bytearray) -> None:
        knob = self.knobs[int.from_bytes(data[0:4], "little")]
        data[4:8] = knob.value.to_bytes(4, "little", signed=True)

    def _write(self, data: bytearray) -> None:
        number, value = int.from_bytes(data[0:4], "little"), int.from_bytes(data[4:8], "little", signed=True)
        if self.inactive(number):
            raise OSError(errno.EACCES, "Permission denied")
        self.turned(number, value)

    def turned(self, number: int, value: int) -> None:
        """A control was set."""
        self.knobs[number].value = value


def word(value: int) -> bytes:
    return value.to_bytes(4, "little")
