"""Video sources of this machine: V4L2 devices, files, HTTP MJPEG, RTSP and whatever else OpenCV's FFmpeg opens.

``read()`` gives the *newest* picture. What was not asked for is dropped as cheaply as the source allows::

    HTTP MJPEG   whole JPEGs dropped undecoded               MjpegSource, mjpeg.py
    V4L2 device  buffers handed back undecoded               DeviceSource, v4l2_capture.py
    RTSP, ...    decoded (codecs need it), not converted     CaptureSource: grabs until one had to be waited for
    file         decoded, not converted                      FileSource: plays at its own rate, over and over

No thread: whoever wants pictures calls ``read()`` as often as it likes, and ``watch()`` in between, so that every
packet is seen when it comes. ``cv2`` is imported at the first picture that needs it.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from drivers.base import Picture, Stamp
from drivers.errors import BadReply, DeviceMissing, LinkLost, NotSupported, ReplyTimeout
from drivers.host import NOBODY, STAMPS, STREAMS, Controls, FrameSource, Login, VideoDevice, shown_url
from drivers.real import decode, mjpeg, rtsp
from drivers.real.address import Address, join
from drivers.real.decode import eight_bits, opencv
from drivers.real.v4l2 import DeviceControls
from drivers.real.v4l2_capture import open_device

OPEN_TIMEOUT = 2.0
"""Seconds to reach a network source."""
ASK_TIMEOUT = 0.5
"""Seconds beyond that to find out why it could not."""
STALL_TIMEOUT = 1.0
"""Seconds an OpenCV read may block. Also how long ``close()`` may take to end one, so not more (OpenCV: 30 s)."""
WAITED = 0.002
"""Seconds. A grab that slept this long found nothing waiting: its picture is fresh."""
CATCH_UP = 0.25
"""Seconds a read may spend on pictures nobody will see."""
JUST_NOW = 0.02
"""Seconds. Who watched until then has the newest picture already."""


def open_source(source: str, login: Login = NOBODY) -> FrameSource:
    """Open ``/dev/video0`` (or ``0``), a file, or an URL. DeviceMissing, with reason and remedy, when it cannot be."""
    scheme = source.partition("://")[0].lower() if "://" in source else ""
    if scheme in STREAMS:
        address = join(source, login)
        if scheme in ("http", "https"):
            return _open_http(address)
        return CaptureSource(_capture_url(address, ""), shown=address.shown, name=scheme.upper())
    if scheme and scheme != "file":
        known = ", ".join(("file", *STREAMS))
        raise DeviceMissing(
            f"{shown_url(source)!r}: nothing here opens {scheme}://", f"one of: {known}; or a device or file path"
        )
    if source.isdecimal():
        source = f"/dev/video{source}"
    if source.startswith("/dev/"):
        return open_device(source)
    return FileSource(Path(source.removeprefix("file://")))


def open_controls(source: str) -> Controls:
    """The knobs of a device. NotSupported for whatever has none that can be reached."""
    device = f"/dev/video{source}" if source.isdecimal() else source
    if not device.startswith("/dev/"):
        raise NotSupported(
            f"{shown_url(source)} has no controls to be reached from here",
            "lock exposure, gain, white balance and focus in the camera's own menu or page",
        )
    if not Path(device).exists():
        raise DeviceMissing(f"{device} is not there", "check the cable; `devices` lists the cameras")
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


def _open_http(address: Address) -> FrameSource:
    stream = mjpeg.connect(address, OPEN_TIMEOUT)
    if isinstance(stream, mjpeg.MjpegStream):
        return MjpegSource(stream)
    return CaptureSource(_capture_url(address, stream), shown=address.shown, name="HTTP")


def _capture_url(address: Address, why: str) -> Any:
    cv2 = opencv()
    limits = [
        *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, int(OPEN_TIMEOUT * 1000)),
        *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, int(STALL_TIMEOUT * 1000)),
        *(cv2.CAP_PROP_N_THREADS, 1),
    ]
    began = time.monotonic()
    try:
        capture = cv2.VideoCapture(address.whole, cv2.CAP_FFMPEG, limits)
    except cv2.error:  # its text may hold the whole address
        raise DeviceMissing(f"{address.shown} cannot be opened: OpenCV does not take it", "check the address") from None
    if not capture.isOpened():
        if address.url.lower().startswith("rtsp://"):
            left = OPEN_TIMEOUT - (time.monotonic() - began)
            raise rtsp.why(address, ASK_TIMEOUT + max(0.0, left), silent=left < 0.1 * OPEN_TIMEOUT)
        reason = why or f"nothing answers there within {OPEN_TIMEOUT:g} s, or it is no stream"
        raise DeviceMissing(
            f"{address.shown} cannot be opened: {reason}",
            "check address, name and password, and that the camera is on and streams MJPEG or H.264/H.265",
        )
    return capture


# --- sources ---------------------------------------------------------------------------------------------------------


class _Owned:
    """An OpenCV capture that any thread may close. Releasing one while another thread reads it crashes, so the one
    who is last in it releases it."""

    def __init__(self, capture: Any) -> None:
        self.capture = capture
        self.closed = threading.Event()
        self._lock = threading.Lock()

    def __enter__(self) -> Any:
        self._lock.acquire()
        if self.closed.is_set():
            self._lock.release()
            raise LinkLost("the source is closed")
        return self.capture

    def __exit__(self, *_: object) -> None:
        self._lock.release()
        if self.closed.is_set():
            self.close()

    def close(self) -> None:
        self.closed.set()
        if self._lock.acquire(blocking=False):  # else the reader does it on its way out
            self.capture.release()
            self._lock.release()


def _facts(capture: Any) -> dict[str, str]:
    cv2 = opencv()
    width, height = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    code = int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little", signed=True)
    rate = capture.get(cv2.CAP_PROP_FPS)
    facts = {"backend": capture.getBackendName(), "size": f"{width}x{height}"}
    if code.isalnum():
        facts["codec"] = code.decode("ascii")
    if 0 < rate <= 1000:
        facts["fps"] = f"{rate:g}"
    return facts


class CaptureSource:
    """A network stream through OpenCV's FFmpeg. One that changes its size goes on in the first one: OpenCV scales."""

    def __init__(self, capture: Any, shown: str, name: str) -> None:
        self._owned = _Owned(capture)
        self._shown = shown
        self._facts = {"name": name, **_facts(capture)}
        self._frames = 0
        self._opened = self._asked = time.monotonic()
        self._newest: float | None = None
        """When the picture last grabbed was whole here; ``None`` once it was read."""
        self._stamps: deque[Stamp] = deque(maxlen=STAMPS)

    def read(self, timeout: float, detail: bool = True) -> tuple[Picture, float]:
        """The newest picture. A read blocks ``STALL_TIMEOUT`` at most, whatever ``timeout`` says: OpenCV cannot be
        interrupted and a network capture that timed out once never recovers, hence LinkLost for it."""
        with self._owned as capture:
            deadline = time.monotonic() + min(timeout, CATCH_UP)
            watched = time.monotonic() - self._asked < JUST_NOW
            while not (watched and self._newest is not None):
                if self._grab(capture) or time.monotonic() > deadline:
                    break
            whole, pixels = capture.retrieve()
            now, self._newest = self._newest or time.monotonic(), None
            self._asked = time.monotonic()
        if not whole or pixels is None:
            raise BadReply(f"{self._shown} sent a picture that cannot be decoded", "check its codec settings")
        return eight_bits(pixels), now

    def watch(self, until: float) -> None:
        """Each packet is decoded (codecs need it), none converted. May last as long as a read."""
        with self._owned as capture:
            while time.monotonic() < until:
                self._grab(capture)
            self._asked = time.monotonic()

    def stamps(self) -> Sequence[Stamp]:
        return [self._stamps.popleft() for _ in range(len(self._stamps))]

    def _grab(self, capture: Any) -> bool:
        """The next picture; whether it had to be waited for. LinkLost."""
        began, busy = time.monotonic(), time.thread_time()
        taken = capture.grab()
        now = time.monotonic()
        if self._owned.closed.is_set():
            raise LinkLost("the source is closed")
        if not taken:
            if now - began < 0.9 * STALL_TIMEOUT:
                raise LinkLost(f"{self._shown} ended", "check the camera and the cable or network to it")
            raise LinkLost(
                f"{self._shown} sent no picture for {STALL_TIMEOUT:g} s", "is the camera or its encoder hung?"
            )
        self._frames += 1
        self._newest = now
        self._stamps.append(Stamp(now, warming=now - self._opened < mjpeg.WARMING))
        return (now - began) - (time.thread_time() - busy) > WAITED

    def describe(self) -> dict[str, str]:
        return {**self._facts, "frames": str(self._frames)}

    def close(self) -> None:
        self._owned.close()


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
                    raise BadReply(f"{mjpeg.SPOILT} times in a row: {error.reason}", error.remedy) from None
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
    """A video file as a camera: plays at its own rate and starts again at its end."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise DeviceMissing(f"{path} is not there, or not a file", "give the path of a video file")
        if not os.access(path, os.R_OK):
            raise DeviceMissing(f"{path}: permission denied", "let this user read the file")
        cv2 = opencv()
        capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
        if not capture.isOpened():
            raise DeviceMissing(f"{path} is not a video OpenCV can read", "try to convert it: ffmpeg -i IN OUT.mp4")
        self._path = path
        self._owned = _Owned(capture)
        self._facts = {"name": path.name, **_facts(capture)}
        self._rate = float(self._facts.get("fps", "25"))
        self._frames = 0
        self._stamps: deque[Stamp] = deque(maxlen=STAMPS)
        self._start = time.monotonic()
        """When picture 0 was due. Moves on when nobody looked for a while: a paused film resumes, it does not race."""

    def read(self, timeout: float, detail: bool = True) -> tuple[Picture, float]:
        with self._owned as capture:
            due = self._due(timeout)
            while self._frames <= due:
                self._grab(capture)
            whole, pixels = capture.retrieve()
        if not whole or pixels is None:
            raise BadReply(f"{self._path} holds a picture that cannot be decoded", "convert the file anew")
        return eight_bits(pixels), self._start + due / self._rate

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
            raise LinkLost(f"{self._path} ended and cannot be started again", "is the file whole?")
        self._stamps.append(Stamp(self._start + self._frames / self._rate))
        self._frames += 1

    def describe(self) -> dict[str, str]:
        return {**self._facts, "frames": str(self._frames)}

    def close(self) -> None:
        self._owned.close()
