"""MJPEG over HTTP: a never-ending ``multipart/x-mixed-replace`` answer whose parts are whole JPEG pictures.

    HTTP/1.1 200 OK
    Content-Type: multipart/x-mixed-replace; boundary=frame      (RFC 2046 5.1, RFC 9112 6-7)

    --frame
    Content-Type: image/jpeg
    Content-Length: 81234          (customary, not certain; without it a part ends at its JPEG end marker)

    FF D8 FF ... FF D9
    --frame
    ...

Read here and not by OpenCV's FFmpeg for three reasons, all measured: only the picture that is asked for gets decoded
(OpenCV decodes every one), a stream that paused goes on when it resumes (an OpenCV capture whose read timed out once
never reads again), and closing ends a pending read at once. An answer that is something else is left to FFmpeg.
"""

import contextlib
import re
import socket
import ssl
import threading
import time
import zlib
from collections import deque
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit, urlunsplit

from drivers.base import Stamp
from drivers.errors import BadReply, DeviceMissing, LinkLost, ReplyTimeout, Why, why_of
from drivers.host import STAMPS
from drivers.real.address import MANUAL, Address, declined
from drivers.real.jpeg import START
from drivers.real.parts import Chunks, Parts

RESTED = 0.25
"""Seconds. A picture that may have waited longer than this in the socket is not shown: the next one is awaited."""
WARMING = 2.0
"""Seconds after opening within which a network stream's packets come in bursts."""
SPOILT = 3
"""Pictures in a row that may be spoilt."""
ATONCE = 262144
"""Bytes received at once, at most."""
PARTLY = 16384
"""Bytes that are more than a part's header: there was something, if no picture."""

_SPOILT_REMEDY = "lower the camera's size or quality; check its firmware and what is between it and here"
_BOUNDARY = re.compile(r'boundary\s*=\s*(?:"([^"]+)"|([^\s;]+))', re.IGNORECASE)


def _host(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]


class MjpegStream:
    """One open MJPEG answer. ``take()`` gives the newest JPEG; used by one thread, ``close()`` by any."""

    def __init__(self, connection: socket.socket, body: bytes, chunks: Chunks | None, boundary: bytes = b"") -> None:
        self._socket = connection
        self._chunks = chunks
        self._parts = Parts(boundary)
        self._waiting = body
        self._room = memoryview(bytearray(ATONCE))
        """What is received, each time anew: memory of its own for each would cost as much as the receiving."""
        self._opened = self._asked = time.monotonic()
        self._newest: tuple[bytes, float] | None = None
        """The newest whole JPEG nobody took yet, and when it was whole here."""
        self._stamps: deque[Stamp] = deque(maxlen=STAMPS)
        self._lock = threading.Lock()
        self._closed = False
        self._spoilt = 0
        """Pictures in a row that came cut."""
        self._bytes = 0
        """Since the last whole picture."""
        self.frames = 0
        """Pictures that came in so far: shown, skipped or cut."""

    def take(self, timeout: float) -> tuple[bytes, float]:
        """The newest whole JPEG and the monotonic time it was read. Older ones are dropped undecoded. BadReply when
        three in a row came without their end."""
        with self._used():
            rested = time.monotonic() - self._asked > RESTED
            deadline = time.monotonic() + timeout
            self._drain(min(deadline, time.monotonic() + RESTED))
            if rested or (self._newest is not None and time.monotonic() - self._newest[1] > RESTED):
                self._newest = None
            while self._newest is None:
                left = deadline - time.monotonic()
                if self._spoilt >= SPOILT:
                    self._spoilt = 0
                    said = f"{SPOILT} pictures in a row came cut off, without their end"
                    raise BadReply(said, _SPOILT_REMEDY, why=Why.SPOILT)
                if left <= 0:
                    raise ReplyTimeout(self._silence(timeout), "is the camera or its encoder hung?", why=Why.SILENT)
                self._receive(left)
            newest, self._newest = self._newest, None
            return newest

    def watch(self, until: float) -> None:
        """Take in what comes until then, each picture at its own time."""
        with self._used():
            while (left := until - time.monotonic()) > 0:
                self._receive(left)

    def stamps(self) -> list[Stamp]:
        """Those of the pictures since the last call."""
        return [self._stamps.popleft() for _ in range(len(self._stamps))]

    @contextlib.contextmanager
    def _used(self) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except (OSError, ValueError) as error:
                said = f"the stream broke: {error}"
                raise LinkLost(said, "check the camera and the network to it", why=Why.CUT_OFF) from None
            finally:
                self._asked = time.monotonic()
                if self._closed:
                    self._socket.close()

    def _silence(self, timeout: float) -> str:
        if self._bytes > PARTLY:
            return f"the stream sent {self._bytes // 1024} kB, but no whole picture, for {timeout:.1f} s"
        return f"the stream sent no picture for {timeout:.1f} s"

    def _drain(self, deadline: float) -> None:
        """Everything that waits in the socket."""
        while time.monotonic() < deadline and self._receive(0):
            pass

    def _receive(self, timeout: float) -> bool:
        """What comes next, within ``timeout``; whether anything came."""
        try:
            data: bytes | memoryview = self._waiting
            if self._waiting:
                self._waiting = b""
            else:
                self._socket.settimeout(timeout)
                data = self._room[: self._socket.recv_into(self._room)]
        except (TimeoutError, BlockingIOError, ssl.SSLWantReadError):
            return False
        finally:
            if self._closed:
                raise LinkLost("the stream is closed")
        plain = data if self._chunks is None else self._chunks.feed(data)
        if not data or (self._chunks is not None and self._chunks.ended):
            said = "the far end ended the stream"
            raise LinkLost(said, "is the camera or its encoder still running?", why=Why.CUT_OFF)
        cut = self._parts.cut
        pictures = self._parts.feed(plain)
        cut = self._parts.cut - cut
        self.frames += len(pictures) + cut
        self._bytes += len(data)
        self._spoilt = 0 if pictures else self._spoilt + cut
        if pictures:
            now = time.monotonic()
            warming = now - self._opened < WARMING
            self._stamps.extend(Stamp(now, len(each), zlib.crc32(each), warming=warming) for each in pictures)
            self._newest, self._bytes = (pictures[-1], now), 0
        return True

    def close(self) -> None:
        """Ends a pending ``take()`` at once. The socket itself is closed by whoever uses it last."""
        self._closed = True
        with contextlib.suppress(OSError):  # the far end may have been faster
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        if self._lock.acquire(timeout=1.0):
            self._socket.close()
            self._lock.release()


class _Unauthorized(Exception):
    """The server asks who asks; the text is its ``WWW-Authenticate``."""


def connect(address: Address, timeout: float) -> MjpegStream | str:
    """GET the URL. A stream if the answer is MJPEG, else a sentence saying what it is. DeviceMissing: no answer, or
    not for us."""
    deadline = time.monotonic() + timeout
    try:
        return _get(address, deadline)
    except _Unauthorized as asked:
        challenges = str(asked)
    answer = address.proof(challenges, _target(urlsplit(address.url)))
    try:
        return _get(address, deadline, answer)
    except _Unauthorized:
        raise address.not_let_in() from None


def _get(address: Address, deadline: float, authorization: str = "") -> MjpegStream | str:
    parts = urlsplit(address.url)
    secure = parts.scheme.lower() == "https"
    try:
        host, port = parts.hostname or "", parts.port or (443 if secure else 80)
        raw = socket.create_connection((host, port), max(0.001, deadline - time.monotonic()))
    except (OSError, ValueError) as error:
        reason = "no answer" if isinstance(error, TimeoutError) else str(error)
        raise DeviceMissing(
            f"{address.shown} cannot be reached: {reason}",
            "check address and port, and that the camera is on",
            why=why_of(error),
        ) from None
    try:
        connection = ssl.create_default_context().wrap_socket(raw, server_hostname=host) if secure else raw
        raw = connection
        connection.sendall(_request(parts, authorization))
        head, body = _head(connection, deadline)
        status, fields = _parse(head)
        if status == 401:
            connection.close()
            raise _Unauthorized(fields.get("www-authenticate", ""))
        if status != 200:
            connection.close()
            if status >= 400:  # elsewhere and in another way FFmpeg may find it, here nobody does
                raise declined(address.shown, status)
            return f"the server answered {status}"
        kind = fields.get("content-type", "").lower()
        if kind.startswith("text/html"):
            connection.close()
            raise DeviceMissing(f"{address.shown} is a web page, not a stream", MANUAL, why=Why.NO_STREAM)
        if kind.startswith("image/") and "content-length" in fields:
            connection.close()
            remedy = "look the address of its video up in the camera's manual"
            raise DeviceMissing(f"{address.shown} is a still picture, not a stream", remedy, why=Why.NO_STREAM)
        chunks = Chunks() if "chunked" in fields.get("transfer-encoding", "").lower() else None
        if not kind.startswith("multipart/"):
            body, opening = _opening(connection, body, deadline, chunked=chunks is not None)
            if not opening.lstrip(b"\r\n").startswith((b"--", START)):
                connection.close()
                return f"the server sends {kind or 'something unnamed'}"
        named = _BOUNDARY.search(fields.get("content-type", ""))
        boundary = (named[1] or named[2]) if named else ""
        return MjpegStream(connection, body, chunks, boundary.encode("latin-1"))
    except (OSError, ValueError) as error:
        raw.close()
        reason = "connected, but no answer" if isinstance(error, TimeoutError) else str(error)
        kind_of = why_of(error) or Why.NO_STREAM
        remedy = "is there a camera stream behind this address?"
        raise DeviceMissing(f"{address.shown}: {reason}", remedy, why=kind_of) from None


def _target(parts: SplitResult) -> str:
    return urlunsplit(("", "", parts.path or "/", parts.query, ""))


def _request(parts: SplitResult, authorization: str) -> bytes:
    lines = [f"GET {_target(parts)} HTTP/1.1", f"Host: {_host(parts)}", "User-Agent: studio-edge-agent", "Accept: */*"]
    if authorization:
        lines.append(f"Authorization: {authorization}")
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode()


def _more(connection: socket.socket, deadline: float) -> bytes:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection.settimeout(left)
    data = connection.recv(65536)
    if not data:
        raise ConnectionResetError("the server hung up without a picture")
    return data


def _head(connection: socket.socket, deadline: float) -> tuple[bytes, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        if len(data) > 65536:
            raise ValueError("this is not an HTTP server")
        data += _more(connection, deadline)
        if data[:5] != b"HTTP/"[: len(data)]:  # SSH greets first and then waits
            raise ValueError("this is not an HTTP server")
    head, _, body = data.partition(b"\r\n\r\n")
    return head, body


def _opening(connection: socket.socket, body: bytes, deadline: float, *, chunked: bool) -> tuple[bytes, bytes]:
    """The body so far, with enough of it to tell what it is, and the same without transfer coding."""
    while True:
        plain = Chunks().feed(body) if chunked else body
        if len(plain.lstrip(b"\r\n")) >= len(START):
            return body, plain
        body += _more(connection, deadline)


def _parse(head: bytes) -> tuple[int, dict[str, str]]:
    first, *rest = head.decode("latin-1").split("\r\n")
    match = re.fullmatch(r"HTTP/1\.[01] (\d{3}).*", first)
    if match is None:
        raise ValueError("this is not an HTTP server")
    fields: dict[str, str] = {}
    for line in rest:
        name, _, value = line.partition(":")
        name = name.strip().lower()
        fields[name] = f"{fields[name]}, {value.strip()}" if name in fields else value.strip()
    return int(match[1]), fields
