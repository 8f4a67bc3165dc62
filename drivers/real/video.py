"""Video sources of this machine: V4L2 devices, files, HTTP MJPEG, RTSP and whatever else OpenCV's FFmpeg opens.

``read()`` gives the *newest* picture. What was not asked for is dropped as cheaply as the source allows::

    HTTP MJPEG   whole JPEGs dropped undecoded               MjpegSource, mjpeg.py
    V4L2 device  buffers handed back undecoded               DeviceSource, v4l2_capture.py
    RTSP, ...    decoded (codecs need it), not converted     CaptureSource, capture.py: until one had to be waited for
    file         decoded, not converted                      FileSource: plays at its own rate, over and over

No thread but a file's: whoever wants pictures calls ``read()`` as often as it likes, and ``watch()`` in between, so
that every packet is seen when it comes. ``cv2`` is imported at the first picture that needs it.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from drivers.base import Picture, Stamp
from drivers.errors import BadReply, DeviceMissing, LinkLost, NotSupported, ReplyTimeout, Why, why_of
from drivers.host import NOBODY, STAMPS, STREAMS, Controls, FrameSource, Login, VideoDevice, shown_url
from drivers.real import decode, mjpeg
from drivers.real.address import Address, join
from drivers.real.capture import OPEN_TIMEOUT, STALL_TIMEOUT, TURN, Again, Owned, by_itself, facts, open_capture
from drivers.real.decode import eight_bits, opencv
from drivers.real.v4l2 import DeviceControls
from drivers.real.v4l2_capture import open_device


def open_source(source: str, login: Login = NOBODY, again: Again = lambda without: False) -> FrameSource:
    """Open ``/dev/video0`` (or ``0``), a file, or an URL; an URL may take ``OPEN_TIMEOUT`` and more, see
    :mod:`drivers.real.opening`. DeviceMissing, with reason and remedy, when it cannot be."""
    scheme = source.partition("://")[0].lower() if "://" in source else ""
    if scheme in STREAMS:
        address = join(source, login)
        if scheme in ("http", "https"):
            return _open_http(address, again)
        return open_capture(address, scheme.upper(), "", again)
    if scheme and scheme != "file":
        known = ", ".join(("file", *STREAMS))
        raise DeviceMissing(
            f"{shown_url(source)!r}: nothing here opens {scheme}://", f"one of: {known}; or a device or file path"
        )
    device = device_of(source)
    return open_device(device) if device else FileSource(Path(source.removeprefix("file://")))


def device_of(source: str) -> str:
    """The node of a camera at this machine; "" for an address or a file."""
    if source.isdecimal():
        source = f"/dev/video{source}"
    return source if source.startswith("/dev/") else ""


def open_controls(source: str) -> Controls:
    """The knobs of a device. NotSupported for whatever has none that can be reached."""
    device = device_of(source)
    if not device:
        raise NotSupported(
            f"{shown_url(source)} has no controls to be reached from here",
            "lock exposure, gain, white balance and focus in the camera's own menu or page",
        )
    if not Path(device).exists():
        raise DeviceMissing(f"{device} is not there", "check the cable; `devices` lists the cameras", why=Why.NOT_THERE)
    return DeviceControls(device)


def video_devices(
    sysfs: Path = Path("/sys/class/video4linux"), by_id: Path = Path("/dev/v4l/by-id")
) -> list[VideoDevice]:
    """Capture devices of this machine. ``stable`` is the by-id link, which survives replugging, where there is one."""
    links = {str(link.resolve()): str(link) for link in sorted(by_id.glob("*"))} if by_id.is_dir() else {}
    found = []
    for entry in sorted(sysfs.glob("video*"), key=lambda path: (len(path.name), path.name)):
        if _word(entry / "index") not in ("", "0"):
            continue  # a UVC camera's second node carries metadata, not pictures
        device = f"/dev/{entry.name}"
        found.append(VideoDevice(device, links.get(device, device), _word(entry / "name")))
    return found


def _word(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


# --- opening ---------------------------------------------------------------------------------------------------------


def _open_http(address: Address, again: Again) -> FrameSource:
    stream = mjpeg.connect(address, OPEN_TIMEOUT)
    if isinstance(stream, mjpeg.MjpegStream):
        return MjpegSource(stream)
    return open_capture(address, "HTTP", stream, again)


# --- sources ---------------------------------------------------------------------------------------------------------


class MjpegSource:
    """An MJPEG stream over HTTP; only the picture asked for is decoded."""

    def __init__(self, stream: mjpeg.MjpegStream) -> None:
        self._stream = stream
        self._size = ""

    def read(self, timeout: float, detail: bool = True) -> tuple[Picture, float]:
        deadline = time.monotonic() + timeout
        for left in reversed(range(mjpeg.SPOILT)):  # one spoilt picture is not the end of a stream
            data, came = self._stream.take(max(0.001, deadline - time.monotonic()))
            try:
                pixels, (width, height) = decode.jpeg(data, detail=detail)
            except BadReply as error:
                if not left:
                    said = f"{mjpeg.SPOILT} times in a row: {error.reason}"
                    raise BadReply(said, error.remedy, why=error.why) from None
                continue
            self._size = f"{width}x{height}"
            return pixels, came
        raise AssertionError("the last one returns or raises")

    def watch(self, until: float) -> None:
        self._stream.watch(until)

    def stamps(self) -> Sequence[Stamp]:
        return self._stream.stamps()

    def describe(self) -> dict[str, str]:
        facts = {"name": "HTTP MJPEG", "backend": "MJPEG", "codec": "MJPG", "frames": str(self._stream.frames)}
        return facts | ({"size": self._size} if self._size else {})

    def close(self) -> None:
        self._stream.close()


class FileSource:
    """A video file as a camera: plays at its own rate and starts again at its end. It is read in a thread of its own,
    which a disk or a network folder that is lost may hold as long as the kernel likes."""

    def __init__(self, path: Path) -> None:
        try:
            there = path.is_file()
        except OSError as error:  # a folder that may not be entered
            remedy = "let this user read the file and enter its folder"
            raise DeviceMissing(f"{path}: {error.strerror}", remedy, why=why_of(error)) from None
        if not there:
            other = path.exists()
            said = "is no file but a folder or a pipe" if other else "is not there"
            raise DeviceMissing(
                f"{path} {said}", "give the path of a video file", why=Why.NO_FILM if other else Why.NOT_THERE
            )
        if not os.access(path, os.R_OK):
            raise DeviceMissing(f"{path}: permission denied", "let this user read the file", why=Why.NOT_ALLOWED)
        self._path = path
        self._look()
        cv2 = opencv()
        with TURN.of(str(path)):
            capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
        if not capture.isOpened():
            remedy = "try to convert it: ffmpeg -i IN OUT.mp4"
            raise DeviceMissing(f"{path} is not a video OpenCV can read", remedy, why=Why.NO_FILM)
        self._owned = Owned(capture)
        self._facts = {"name": path.name, **facts(capture)}
        self._rate = float(self._facts.get("fps", "25"))
        self._frames = self._keys = 0
        self._stamps: deque[Stamp] = deque(maxlen=STAMPS)
        self._start = time.monotonic()
        """When picture 0 was due. Moves on when nobody looked for a while: a paused film resumes, it does not race."""
        self._asked: SimpleQueue[tuple[int, SimpleQueue[Any]] | None] = SimpleQueue()
        threading.Thread(target=self._play, name="film", daemon=True).start()

    def _look(self) -> None:
        """At its beginning and its end: a network folder that is lost hangs here, and not in OpenCV, where all other
        openings would wait for it. DeviceMissing."""
        try:
            with self._path.open("rb") as file:
                file.read(1)
                file.seek(max(0, file.seek(0, os.SEEK_END) - 1))
                file.read(1)
        except OSError as error:
            raise DeviceMissing(
                f"{self._path}: {error.strerror}", "does the disk it lies on work?", why=why_of(error) or Why.NO_FILM
            ) from None

    def read(self, timeout: float, detail: bool = True) -> tuple[Picture, float]:
        """A read blocks ``timeout`` and ``STALL_TIMEOUT`` at most."""
        due, answer = self._due(timeout), SimpleQueue[Any]()
        self._asked.put((due, answer))
        try:
            found = answer.get(timeout=STALL_TIMEOUT)
        except Empty:
            said = f"{self._path} gave no picture for {STALL_TIMEOUT:g} s"
            raise LinkLost(said, "does the disk or the network folder it lies on answer?", why=Why.SILENT) from None
        if isinstance(found, Exception):
            raise found
        whole, pixels = found
        if not whole or pixels is None:
            said = f"{self._path} holds a picture that cannot be decoded"
            raise BadReply(said, "convert the file anew", why=Why.NO_FILM)
        return eight_bits(pixels), self._start + due / self._rate

    def _play(self) -> None:
        """The thread: up to the picture that is asked for, each time."""
        while (asked := self._asked.get()) is not None:
            due, answer = asked
            try:
                with self._owned as capture:
                    while self._frames <= due:
                        self._grab(capture)
                    answer.put(capture.retrieve())
            except Exception as error:  # who asked raises it
                answer.put(error)

    def watch(self, until: float) -> None:
        if self._owned.closed.wait(max(0.0, until - time.monotonic())):
            raise LinkLost("the source is closed")

    def stamps(self) -> Sequence[Stamp]:
        """When each was due."""
        return [self._stamps.popleft() for _ in range(len(self._stamps))]

    def _due(self, timeout: float) -> int:
        """The number of the picture to show; waits for it when the caller is faster than the film."""
        now = time.monotonic()
        late = (now - self._start) - self._frames / self._rate
        if late > 1.0:
            self._start += late
        elif late < 0:
            if self._owned.closed.wait(min(-late, timeout)):
                raise LinkLost("the source is closed")
            if -late > timeout:
                raise ReplyTimeout(f"{self._path}: the next picture is due in {-late - timeout:.2f} s")
        return max(self._frames, int((time.monotonic() - self._start) * self._rate))

    def _grab(self, capture: Any) -> None:
        if not capture.grab() and not (capture.set(opencv().CAP_PROP_POS_FRAMES, 0) and capture.grab()):
            raise LinkLost(f"{self._path} ended and cannot be started again", "is the file whole?", why=Why.NO_FILM)
        key = by_itself(capture)
        self._keys += key is not False
        self._stamps.append(Stamp(self._start + self._frames / self._rate, key=key))
        self._frames += 1

    def describe(self) -> dict[str, str]:
        return {**self._facts, "frames": str(self._frames), "keys": str(self._keys)}

    def close(self) -> None:
        self._owned.close()
        self._asked.put(None)
