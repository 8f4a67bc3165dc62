"""A camera that can be spoilt while it is watched: prepared pictures, sent over HTTP or read at this machine."""

import random
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from zlib import crc32

import cv2
import numpy as np

from drivers.base import Picture
from drivers.camera.cadence import Packet
from drivers.errors import DeviceMissing, LinkLost, ReplyTimeout
from drivers.host import NOBODY, FrameSource, Login
from drivers.real.host import RealHost
from tests.drivers.camera.relit import Moment, Room, photograph, shoot

FPS = 25.0
FAULTS = ("stalled", "killed", "frozen", "black", "bars", "dropping", "doubling", "too fast", "bumped")
"""What can be done to it."""
LIVE = ""
BUFFERED = 1.0
"""Seconds of pictures that wait for a reader who is late; more are lost, and that would be true drops."""
SIZE = (640, 360)


def film(aim: tuple[int, int] = (0, 0), pictures: int = 40, seed: int = 2) -> list[Picture]:
    """Pictures of one scene, each with noise of its own, at SIZE."""
    noise = np.random.default_rng(seed)
    room = Room.made(noise, name="coffee")
    wide = cv2.resize(shoot(room, Moment(dict.fromkeys(room.fields, 0.4), gain=0.6, aim=aim, noise=0.3), noise), SIZE)
    return [np.clip(wide + noise.normal(0, 1.5, wide.shape), 0, 255).astype(np.uint8) for _ in range(pictures)]


def bars(pictures: int = 10) -> list[Picture]:
    """75 % bars over which a line of text walks."""
    made = []
    for number in range(pictures):
        pixels = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
        for column, colour in enumerate((7, 6, 3, 2, 5, 4, 1, 0)):
            pixels[:, column * 80 : column * 80 + 80] = [191 * (colour & 1), 95.5 * (colour & 2), 47.75 * (colour & 4)]
        cv2.putText(pixels, f"00:00:00:{number:02}", (40 + 20 * number, 120), 0, 1.2, (235, 235, 235), 3)
        made.append(pixels)
    return made


def jpeg(pixels: Picture) -> bytes:
    """As a camera compresses it."""
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes()


class Show:
    """Which picture comes next, and when: the same for every way out. ``fault``: what is done to it now."""

    def __init__(self) -> None:
        photograph.cache_clear()
        black = [np.full((SIZE[1], SIZE[0], 3), 3, np.uint8)]
        self._pictures = {LIVE: film(), "black": black, "bars": bars(), "bumped": film(aim=(9, 2))}
        self._jpegs = {kind: [jpeg(one) for one in pictures] for kind, pictures in self._pictures.items()}

    def pictures(self, kind: str) -> Sequence[Picture]:
        """Decoded."""
        return self._pictures.get(kind, self._pictures[LIVE])

    def jpegs(self, kind: str) -> Sequence[bytes]:
        """As sent."""
        return self._jpegs.get(kind, self._jpegs[LIVE])


class Playing:
    """Due times and numbers of the pictures of one source under its present fault."""

    def __init__(self, seed: int) -> None:
        self.fault = LIVE
        self.spoilt = 0.0
        """When it was last spoilt or healed."""
        self._random = random.Random(seed)
        self._due = time.monotonic()
        self._beat = 0

    def spoil(self, fault: str) -> float:
        self.fault, self.spoilt = fault, time.monotonic()
        return self.spoilt

    def next(self) -> tuple[float, int]:
        """When the next picture is due, and its number; skipped ones are not told of."""
        while True:
            self._due = max(self._due + 1 / (60.0 if self.fault == "too fast" else FPS), time.monotonic() - BUFFERED)
            self._beat += 1
            if self.fault != "dropping" or self._random.random() >= 0.3:
                break
        if self.fault == "frozen":
            return self._due, 0
        return self._due, self._beat // 2 if self.fault == "doubling" else self._beat


class Stream(Playing):
    """An MJPEG server on loopback."""

    def __init__(self, show: Show, seed: int) -> None:
        super().__init__(seed)
        self._show = show
        self._open = True
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/stream"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while self._open:
            with suppress(OSError):
                client, _ = self._listener.accept()
                with client:
                    client.recv(4096)
                    client.sendall(
                        b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=b\r\n\r\n--b\r\n"
                    )
                    for jpeg in self._parts():
                        head = f"Content-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n".encode()
                        client.sendall(head + jpeg + b"\r\n--b\r\n")
            while self._open and self.fault == "killed":
                time.sleep(0.01)

    def _parts(self) -> Iterator[bytes]:
        while self._open and self.fault != "killed":
            due, number = self.next()
            time.sleep(max(0.0, due - time.monotonic()))
            if self.fault != "stalled":
                jpegs = self._show.jpegs(self.fault)
                yield jpegs[number % len(jpegs)]

    def close(self) -> None:
        self._open = False
        self._listener.close()
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 0.1).close()
        self._thread.join(2.0)


class Local(Playing):
    """A source of this machine (:class:`drivers.host.FrameSource`): what a V4L2 device does, without one."""

    def __init__(self, show: Show, seed: int) -> None:
        super().__init__(seed)
        self._show = show
        self._stamps: list[Packet] = []
        self._frames = 0
        self._coming = self.next()
        self._newest: tuple[Picture, float] | None = None

    def _take(self, until: float) -> bool:
        """The next packet if it comes until then; waits for it, or until then."""
        if self.fault == "killed":
            raise LinkLost("the device is gone")
        due, number = self._coming
        if due > until or self.fault == "stalled":
            time.sleep(max(0.0, until - time.monotonic()))
            return False
        time.sleep(max(0.0, due - time.monotonic()))
        pictures = self._show.pictures(self.fault)
        pixels = pictures[number % len(pictures)]
        now = time.monotonic()
        self._stamps.append(Packet(due, crc32(pixels[::16].tobytes())))
        self._frames += 1
        self._newest, self._coming = (pixels, now), self.next()
        return True

    def read(self, timeout: float, detail: bool = True) -> tuple[Picture, float]:
        until = time.monotonic() + timeout
        while self._newest is None:
            if not self._take(until) and time.monotonic() >= until:
                raise ReplyTimeout(f"no picture for {timeout:g} s")
        newest, self._newest = self._newest, None
        return newest

    def watch(self, until: float) -> None:
        while time.monotonic() < until:
            self._take(until)

    def stamps(self) -> list[Packet]:
        stamps, self._stamps = self._stamps, []
        return stamps

    def describe(self) -> dict[str, str]:
        return {"name": "local", "fps": f"{FPS:g}", "frames": str(self._frames)}

    def close(self) -> None: ...


class Machine(RealHost):
    """This machine, with one camera more."""

    def __init__(self, local: Local) -> None:
        super().__init__()
        self._local = local

    def camera(self, source: str, login: Login = NOBODY) -> FrameSource:
        if self._local.fault == "killed":
            raise DeviceMissing("the device is gone")
        return self._local
