"""A network stream through OpenCV's FFmpeg: RTSP and whatever else it takes. Every packet is decoded, because codecs
need it, but only what is read is converted.

An OpenCV capture cannot be interrupted, and one that had no picture in time once never reads again: so each call has a
limit of its own, and what is dead is opened anew.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from drivers.base import Picture, Stamp
from drivers.errors import BadReply, DeviceMissing, LinkLost, Why
from drivers.host import STAMPS
from drivers.real import mjpeg, rtsp
from drivers.real.address import Address
from drivers.real.decode import eight_bits, opencv

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
Again = Callable[[LinkLost], bool]
"""Asked when a stream was opened and had no picture in time: whether it is opened once more."""
JUST_NOW = 0.02
"""Seconds. Who watched until then has the newest picture already."""


class Turn:
    """OpenCV opens by FFmpeg one source at a time in a process, whatever thread asks: a lock of its own, held as long
    as the opening takes. So is this one, and it says who has it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._has = ""
        self._waits: set[str] = set()

    @contextmanager
    def of(self, shown: str) -> Iterator[None]:
        """Once it is this source's. ``shown``: as people may see it."""
        self._waits.add(shown)
        with self._lock:
            self._waits.discard(shown)
            self._has = shown
            try:
                yield
            finally:
                self._has = ""

    def before(self, shown: str) -> str:
        """Who has it while this source waits for it; "" when it does not."""
        return self._has if shown in self._waits else ""


TURN = Turn()


def open_capture(address: Address, name: str, why: str, again: Again) -> "CaptureSource":
    """With its first picture. A capture that had none within its time is dead (OpenCV), but the camera may be well:
    some send a key frame every four seconds, and nothing can be shown before one. So it is opened anew."""
    while True:
        source = CaptureSource(_capture_url(address, why), shown=address.shown, name=name)
        try:
            source.watch(time.monotonic() + JUST_NOW)
            return source
        except LinkLost as error:
            source.close()
            if not again(error):
                raise


def _capture_url(address: Address, why: str) -> Any:
    cv2 = opencv()
    limits = [
        *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, int(OPEN_TIMEOUT * 1000)),
        *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, int(STALL_TIMEOUT * 1000)),
        *(cv2.CAP_PROP_N_THREADS, 1),
    ]
    try:
        with TURN.of(address.shown):
            began = time.monotonic()
            capture = cv2.VideoCapture(address.whole, cv2.CAP_FFMPEG, limits)
    except cv2.error:  # its text may hold the whole address
        said = f"{address.shown} cannot be opened: OpenCV does not take it"
        raise DeviceMissing(said, "check the address", why=Why.NO_STREAM) from None
    if not capture.isOpened():
        if address.url.lower().startswith(("rtsp://", "rtsps://")):
            left = OPEN_TIMEOUT - (time.monotonic() - began)
            raise rtsp.why(address, ASK_TIMEOUT + max(0.0, left), silent=left < 0.1 * OPEN_TIMEOUT)
        reason = why or f"nothing answers there within {OPEN_TIMEOUT:g} s, or it is no stream"
        raise DeviceMissing(
            f"{address.shown} cannot be opened: {reason}",
            "check address, name and password, and that the camera is on and streams MJPEG or H.264/H.265",
            why=Why.NO_STREAM,
        )
    return capture


class Owned:
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


def facts(capture: Any) -> dict[str, str]:
    """What OpenCV knows of what it opened."""
    cv2 = opencv()
    width, height = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    code = int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little", signed=True)
    rate = capture.get(cv2.CAP_PROP_FPS)
    found = {"backend": capture.getBackendName(), "size": f"{width}x{height}"}
    if code.isalnum():
        found["codec"] = code.decode("ascii")
    if 0 < rate <= 1000:
        found["fps"] = f"{rate:g}"
    return found


def by_itself(capture: Any) -> bool | None:
    """Whether the picture last grabbed was coded by itself, without those before; ``None``: the codec does not say."""
    kind = int(capture.get(opencv().CAP_PROP_FRAME_TYPE))
    return None if kind in (0, ord("?")) else kind == ord("I")


class CaptureSource:
    """A network stream through OpenCV's FFmpeg. One that changes its size goes on in the first one: OpenCV scales."""

    def __init__(self, capture: Any, shown: str, name: str) -> None:
        self._owned = Owned(capture)
        self._shown = shown
        self._facts = {"name": name, **facts(capture)}
        self._frames = self._keys = 0
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
            said = f"{self._shown} sent a picture that cannot be decoded"
            raise BadReply(said, "check its codec settings", why=Why.SPOILT)
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
        if not taken and now - began < 0.9 * STALL_TIMEOUT:
            raise LinkLost(f"{self._shown} ended", "check the camera and the cable or network to it", why=Why.CUT_OFF)
        if not taken or now - began >= STALL_TIMEOUT:  # what comes then is the last picture the decoder had kept
            raise LinkLost(
                f"{self._shown} sent no picture for {STALL_TIMEOUT:g} s",
                "is the camera or its encoder hung?",
                why=Why.SILENT,
            )
        self._frames += 1
        self._newest = now
        key = by_itself(capture)
        self._keys += key is not False
        self._stamps.append(Stamp(now, warming=now - self._opened < mjpeg.WARMING, key=key))
        return (now - began) - (time.thread_time() - busy) > WAITED

    def describe(self) -> dict[str, str]:
        return {**self._facts, "frames": str(self._frames), "keys": str(self._keys)}

    def close(self) -> None:
        self._owned.close()
