"""Streams to test video sources with: a small MJPEG server on loopback, and who reads from it."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from drivers.base import Identity
from drivers.camera.opencv import OpenCVCamera
from drivers.errors import DriverError, LinkLost, StillOpening
from drivers.host import FrameSource
from drivers.real.video import open_source
from tests.waiting import PATIENCE


class Server:
    """Serves one MJPEG client after another. ``show`` is called with each picture's number before it is sent."""

    def __init__(
        self, *, length: bool = True, chunked: bool = False, kind: str = "multipart/x-mixed-replace;boundary=b"
    ):
        self._length, self._chunked, self._kind = length, chunked, kind
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/stream"
        self.client: socket.socket | None = None
        self.request = b""
        self._connected = threading.Event()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                while b"\r\n\r\n" not in self.request:
                    self.request += client.recv(4096)
                self.client = client
                self.greet()
                self._connected.set()

    def greet(self) -> None:
        coding = "Transfer-Encoding: chunked\r\n" if self._chunked else ""
        self.raw(f"HTTP/1.1 200 OK\r\nContent-Type: {self._kind}\r\n{coding}\r\n".encode())
        self.body(b"--b\r\n")

    def raw(self, data: bytes) -> None:
        assert self.client is not None
        self.client.sendall(data)

    def body(self, data: bytes) -> None:
        self.raw(b"%x\r\n%s\r\n" % (len(data), data) if self._chunked else data)

    def picture(self, data: bytes) -> None:
        assert self._connected.wait(PATIENCE)
        length = f"Content-Length: {len(data)}\r\n" if self._length else ""
        self.body(f"Content-Type: image/jpeg\r\n{length}\r\n".encode() + data + b"\r\n--b\r\n")

    def hang_up(self) -> None:
        if self.client is not None:
            self.client.close()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()
        self._thread.join(PATIENCE)


def answers(server: Server, *pieces: bytes, endless: bytes = b"") -> None:
    """What it says instead of a stream, before it hangs up."""

    def greet() -> None:
        with suppress(OSError):
            for piece in pieces:
                server.raw(piece)
            while endless:
                server.raw(endless)
        server.hang_up()

    server.greet = greet  # type: ignore[method-assign]


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def make(**options: object) -> Server:
        servers.append(Server(**options))  # type: ignore[arg-type]
        return servers[-1]

    yield make
    for server in servers:
        server.close()


TURN = 2.0
"""Seconds no turn of an opening may block."""


def open_by_turns(camera: OpenCVCamera) -> Identity:
    """As a lane opens it: turn by turn, none of which blocks for long."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        began = time.monotonic()
        try:
            return camera.open()
        except StillOpening as still:
            assert still.reason and still.remedy
        finally:
            assert time.monotonic() - began < TURN
    raise AssertionError("it is opened for ever")


@pytest.fixture
def opened() -> Iterator[Callable[[str], FrameSource]]:
    sources: list[FrameSource] = []

    def make(source: str) -> FrameSource:
        sources.append(open_source(source))
        return sources[-1]

    yield make
    for source in sources:
        source.close()


def closes_a_pending_read(source: FrameSource) -> None:
    errors: list[Exception] = []
    waiting = threading.Event()

    def read() -> None:
        waiting.set()
        try:
            while True:
                source.read(2 * PATIENCE)  # its own time-out would be another error
        except DriverError as error:
            errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    assert waiting.wait(PATIENCE)
    source.close()
    reader.join(PATIENCE)
    assert [type(error) for error in errors] == [LinkLost]
    source.close()
    with pytest.raises(LinkLost):
        source.read(1)
