"""Pictures of a V4L2 device, by its own buffers (memory-mapped streaming, one plane).

    driver --DQBUF: when it was captured, its number--> the newest buffer is held, undecoded --read()--> decoded
                                                   '--> all others go back at once (QBUF)

By ourselves and not by OpenCV: every packet is seen with the driver's time and number (what is missing between two was
dropped), nothing is decoded that nobody asked for, no call waits longer than it was told, and what is wrong has a name.
"""

import errno
import mmap
import select
import time
import zlib
from collections import deque
from pathlib import Path

import numpy as np

from drivers.base import Picture, Stamp
from drivers.errors import BadReply, DeviceMissing, LinkLost, ReplyTimeout, Why, why_of
from drivers.host import STAMPS
from drivers.real import decode, v4l2
from drivers.real.gate import Gate
from drivers.real.holder import holder
from drivers.real.v4l2 import CAPTURE, LINUX, MMAP, Kernel

BUFFERS = 6
"""Enough for 100 ms at 60 pictures a second, of which one is held."""
RESTED = 0.25
"""Seconds. A picture older than this is not shown: the next one is awaited."""
PREFERRED = (*decode.JPEGS, *decode.RAW)
"""Asked for in this order, when the format it is set to is none of them."""

REPLUG = "replug the camera, or use a USB port of its own"
_GONE = (errno.ENODEV, errno.ENXIO, errno.EIO, errno.ESHUTDOWN, errno.EPROTO)


def open_device(device: str, kernel: Kernel = LINUX) -> "DeviceSource":
    """Start a camera, in the size and format it is set to. DeviceMissing, with reason and remedy."""
    if kernel is LINUX and not Path(device).exists():
        raise DeviceMissing(f"{device} is not there", "check the cable; `devices` lists the cameras", why=Why.NOT_THERE)
    descriptor = v4l2.node(device, kernel)
    source = DeviceSource(device, descriptor, kernel)
    try:
        source.start()
    except BaseException:
        source.close()
        raise
    return source


class DeviceSource:
    """One open device. Used by one thread, ``close()`` by any."""

    def __init__(self, device: str, descriptor: int, kernel: Kernel) -> None:
        self._device, self._descriptor, self._kernel = device, descriptor, kernel
        self._gate = Gate(descriptor, self._release, device)
        self._memory: list[mmap.mmap] = []
        self._facts: dict[str, str] = {}
        self._code, self._width, self._height, self._stride = "", 0, 0, 0
        self._held: tuple[int, int, float] | None = None
        """Buffer, bytes used and time of the newest picture, which the driver does not have at present."""
        self._shown = True
        """Whether the picture held was read already."""
        self._stamps: deque[Stamp] = deque(maxlen=STAMPS)
        self._frames = self._spoilt = 0
        self._offset = 0.0
        self._streaming = False

    # --- opening -----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Ask what it is, map its buffers, let it run."""
        try:
            self._identify()
            self._choose()
            self._map()
            self._ioctl(v4l2.STREAMON, v4l2.KIND.pack(CAPTURE))
            self._streaming = True
        except OSError as error:
            raise self._refused(error) from None

    def _identify(self) -> None:
        try:
            said = v4l2.CAPABILITY.unpack(self._ioctl(v4l2.QUERYCAP, bytes(v4l2.CAPABILITY.size)))
        except OSError:
            what = f"{self._device} cannot be opened as a camera"
            raise DeviceMissing(what, "is it a camera at all?", why=Why.NO_CAMERA) from None
        driver, card, bus, _, all_can, this_can = said
        can = this_can if all_can & v4l2.HAS_DEVICE_CAPS else all_can
        if not (can & v4l2.CAN_CAPTURE and can & v4l2.CAN_STREAM):
            raise DeviceMissing(
                f"{self._device} cannot be opened as a camera: {v4l2.text(card)} gives no pictures there",
                "a camera has several nodes: take the first of them",
                why=Why.NO_CAMERA,
            )
        self._facts = {"name": v4l2.text(card), "backend": "V4L2", "driver": v4l2.text(driver), "bus": v4l2.text(bus)}

    def _choose(self) -> None:
        now = v4l2.FORMAT.unpack(self._ioctl(v4l2.G_FMT, v4l2.FORMAT.pack(CAPTURE, *[0] * 8)))
        code = _code(now[3])
        if code not in PREFERRED:
            offered = self._offered()
            wanted = next((each for each in PREFERRED if each in offered), None)
            if wanted is None:
                said = ", ".join(offered) or code
                raise DeviceMissing(
                    f"{self._device} sends {said}; read are {', '.join(PREFERRED)}",
                    "set another format at the camera, or reach it by RTSP",
                    why=Why.NO_FORMAT,
                )
            pixels = int.from_bytes(wanted.encode("ascii"), "little")
            asked = v4l2.FORMAT.pack(CAPTURE, now[1], now[2], pixels, v4l2.ANY_FIELD, 0, 0, 0, 0)
            now = v4l2.FORMAT.unpack(self._ioctl(v4l2.S_FMT, asked))
        _, self._width, self._height, pixels, _, self._stride, *_ = now
        self._code = _code(pixels)
        self._facts |= {"size": f"{self._width}x{self._height}", "codec": self._code.strip()}
        try:
            every = v4l2.INTERVAL.unpack(self._ioctl(v4l2.G_PARM, v4l2.INTERVAL.pack(CAPTURE, 0, 0, 0, 0)))[3:5]
        except OSError:
            return  # a driver need not say it
        if all(every) and every[1] / every[0] <= 1000:
            self._facts["fps"] = f"{every[1] / every[0]:g}"

    def _offered(self) -> list[str]:
        found: list[str] = []
        while len(found) < 64:
            try:
                asked = v4l2.FORMAT_NAME.pack(len(found), CAPTURE, 0, b"", 0)
                found.append(_code(v4l2.FORMAT_NAME.unpack(self._ioctl(v4l2.ENUM_FMT, asked))[4]))
            except OSError:
                break
        return found

    def _map(self) -> None:
        count = v4l2.BUFFERS.unpack(self._ioctl(v4l2.REQBUFS, v4l2.BUFFERS.pack(BUFFERS, CAPTURE, MMAP)))[0]
        for index in range(count):
            buffer = v4l2.BUFFER.unpack(self._ioctl(v4l2.QUERYBUF, _buffer(index)))
            self._memory.append(self._kernel.map(self._descriptor, buffer[10], buffer[9]))
            self._ioctl(v4l2.QBUF, _buffer(index))

    def _refused(self, error: OSError) -> DeviceMissing:
        if error.errno == errno.EBUSY:
            return DeviceMissing(
                f"{self._device} is in use by {holder(self._device)}",
                "stop the other program; one camera has one owner",
                why=Why.IN_USE,
            )
        if error.errno == errno.ENOSPC:
            return DeviceMissing(
                f"{self._device}: the USB bus has no room for its pictures",
                "use another port, a smaller size or MJPEG",
                why=Why.NO_ROOM,
            )
        return DeviceMissing(f"{self._device} cannot be started: {v4l2.reason(error)}", REPLUG, why=why_of(error))

    # --- pictures ----------------------------------------------------------------------------------------------------

    def read(self, timeout: float, detail: bool = True) -> tuple[Picture, float]:
        """The newest picture and when it was captured. BadReply: what the camera sends is none."""
        with self._gate:
            deadline = time.monotonic() + timeout
            while True:
                while self._take():
                    pass
                now = time.monotonic()
                if self._held is not None and not self._shown and now - self._held[2] <= RESTED:
                    break
                if now >= deadline:
                    raise self._silence(timeout)
                self._wait(deadline)
            self._shown = True
            return self._decoded(detail), self._held[2]

    def watch(self, until: float) -> None:
        """Take in what comes until then."""
        with self._gate:
            while time.monotonic() < until:
                if not self._take():
                    self._wait(until)

    def stamps(self) -> list[Stamp]:
        """Those of the pictures since the last call."""
        return [self._stamps.popleft() for _ in range(len(self._stamps))]

    def describe(self) -> dict[str, str]:
        return {**self._facts, "frames": str(self._frames)}

    def _silence(self, timeout: float) -> ReplyTimeout:
        spoilt, self._spoilt = self._spoilt, 0
        if spoilt:
            said = f"{self._device} sent only incomplete pictures ({spoilt}) for {timeout:.1f} s"
            return ReplyTimeout(said, REPLUG, why=Why.SPOILT)
        return ReplyTimeout(f"{self._device} sent no picture for {timeout:.1f} s", REPLUG, why=Why.SILENT)

    def _wait(self, until: float) -> None:
        events = self._gate.wait(select.POLLIN, until - time.monotonic())
        if events & ~select.POLLIN:  # the driver has nothing to give: taking says why, but it may say "later"
            self._take()
            self._gate.pause(min(0.02, max(0.0, until - time.monotonic())))

    def _take(self) -> bool:
        """One finished buffer, if there is any; the one held before goes back."""
        try:
            said = v4l2.BUFFER.unpack(self._ioctl(v4l2.DQBUF, _buffer(0)))
            index, _, used, flags, _, seconds, micros, sequence, *_ = said
            spoilt = bool(flags & v4l2.SPOILT) or used == 0
            back = index if spoilt else (None if self._held is None else self._held[0])
            if back is not None:
                self._ioctl(v4l2.QBUF, _buffer(back))
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno in _GONE:
                what = f"{self._device} is gone: {v4l2.reason(error)}"
                raise LinkLost(what, "check the cable", why=Why.UNPLUGGED) from None
            raise LinkLost(f"{self._device} stopped: {v4l2.reason(error)}", REPLUG, why=Why.CUT_OFF) from None
        if spoilt:
            self._spoilt += 1
            return True
        now = time.monotonic()
        captured = seconds + micros / 1e6
        if flags & v4l2.CLOCK_MASK != v4l2.CLOCK_MONOTONIC or not 0 <= now - captured < 2:
            captured = now  # another clock, or a driver that guesses
        self._held, self._shown = (index, used, captured), False
        self._frames += 1
        self._stamps.append(Stamp(captured, used, self._mark(index, used), sequence))
        return True

    def _mark(self, index: int, used: int) -> int:
        """Of uncompressed pictures every 61st byte: all of them would cost as much as metering."""
        with memoryview(self._memory[index]) as whole, whole[:used] as data:
            if self._code in decode.JPEGS:
                return zlib.crc32(data)
            return zlib.crc32(np.frombuffer(data, np.uint8)[::61].tobytes())

    def _decoded(self, detail: bool) -> Picture:
        assert self._held is not None
        index, used, _ = self._held
        with memoryview(self._memory[index]) as whole, whole[:used] as data:
            try:
                if self._code in decode.JPEGS:
                    return decode.jpeg(bytes(data), detail=detail)[0]
                return decode.raw(data, self._code, self._width, self._height, self._stride)
            except BadReply as error:
                raise BadReply(f"{self._device}: {error.reason}", error.remedy, why=error.why) from None

    # --- the end -----------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Idempotent, from any thread; a pending read ends with LinkLost."""
        self._gate.shut()

    def _release(self) -> None:
        try:
            if self._streaming:
                self._ioctl(v4l2.STREAMOFF, v4l2.KIND.pack(CAPTURE))
        except OSError:
            pass  # it was unplugged
        finally:
            for memory in self._memory:
                memory.close()
            self._kernel.close(self._descriptor)

    def _ioctl(self, request: int, data: bytes) -> bytearray:
        asked = bytearray(data)
        self._kernel.ioctl(self._descriptor, request, asked)
        return asked


def _code(pixels: int) -> str:
    return pixels.to_bytes(4, "little").decode("ascii", "replace")


def _buffer(index: int) -> bytes:
    return v4l2.BUFFER.pack(index, CAPTURE, 0, 0, 0, 0, 0, 0, MMAP, 0, 0)
