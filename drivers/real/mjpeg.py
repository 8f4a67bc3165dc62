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
from urllib.parse import SplitResult, urlsplit, urlunsplit

from drivers.errors import DeviceMissing, LinkLost, ReplyTimeout
from drivers.real.address import Address

START = b"\xff\xd8\xff"
END = b"\xff\xd9"
BIGGEST = 32 * 2**20
"""Bytes; a part or header longer than this is noise."""
RESTED = 0.25
"""Seconds. A picture that may have waited longer than this in the socket is not shown: the next one is awaited."""

_LENGTH = re.compile(rb"content-length:\s*(\d{1,9})", re.IGNORECASE)


class Parts:
    """Bytes of the multipart body in, whole JPEG pictures out. Never raises; noise is skipped to the next picture."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._length: int | None = None
        """Bytes of the part now coming in: 0 = its header did not say, None = still looking for its start."""
        self._seen = 0
        """How far the buffer was already searched for the end marker."""

    def feed(self, data: bytes) -> list[bytes]:
        """The pictures that became complete with ``data``, oldest first."""
        self._buffer += data
        pictures: list[bytes] = []
        while (picture := self._next()) is not None:
            pictures.append(picture)
        if len(self._buffer) > BIGGEST:
            self._drop(len(self._buffer))
        return pictures

    def _next(self) -> bytes | None:
        if self._length is None:
            start = self._buffer.find(START)
            if start < 0:
                del self._buffer[:-4096]  # a part's header is shorter than that
                return None
            said = _LENGTH.findall(bytes(self._buffer[:start]))
            self._drop(start)
            self._length = int(said[-1]) if said else 0
        if self._length == 0:
            end = self._buffer.find(END, self._seen)
            self._seen = max(0, len(self._buffer) - 1)
            if end < 0:
                return None
            size = end + len(END)
        else:
            size = self._length
            if len(self._buffer) < size:
                return None
        picture = bytes(self._buffer[:size])
        self._drop(size)
        return picture

    def _drop(self, count: int) -> None:
        del self._buffer[:count]
        self._length, self._seen = None, 0


class Chunks:
    """Takes the chunked transfer coding off (RFC 9112 7.1). Pure; ends for good at anything that is not a chunk."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._left = 0
        self.ended = False

    def feed(self, data: bytes) -> bytes:
        self._buffer += data
        out = bytearray()
        while not self.ended and self._buffer:
            if self._left:
                take = min(self._left, len(self._buffer))
                out += self._buffer[:take]
                del self._buffer[:take]
                self._left -= take
                continue
            line, found, _ = self._buffer.partition(b"\r\n")
            if not found:
                self.ended = len(self._buffer) > 1024
                break
            del self._buffer[: len(line) + 2]
            if not line:
                continue  # the line end that closes the chunk before
            size = bytes(line).split(b";")[0].strip()
            if re.fullmatch(rb"[0-9a-fA-F]{1,8}", size) is None or int(size, 16) == 0:
                self.ended = True
            else:
                self._left = int(size, 16)
        return bytes(out)


def _host(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]


class MjpegStream:
    """One open MJPEG answer. ``take()`` gives the newest JPEG; used by one thread, ``close()`` by any."""

    def __init__(self, connection: socket.socket, body: bytes, chunks: Chunks | None) -> None:
        self._socket = connection
        self._chunks = chunks
        self._parts = Parts()
        self._waiting = body
        self._asked = time.monotonic()
        self._lock = threading.Lock()
        self._closed = False
        self.frames = 0
        """Pictures that came in so far, shown or skipped."""

    def take(self, timeout: float) -> tuple[bytes, float]:
        """The newest whole JPEG and the monotonic time it was read. Older ones are dropped undecoded."""
        with self._lock:
            try:
                return self._take(time.monotonic() + timeout)
            except TimeoutError:
                raise ReplyTimeout(
                    f"the stream sent no picture for {timeout:g} s", "is the camera or its encoder hung?"
                ) from None
            except (OSError, ValueError) as error:
                raise LinkLost(f"the stream broke: {error}", "check the camera and the network to it") from None
            finally:
                self._asked = time.monotonic()
                if self._closed:
                    self._socket.close()

    def _take(self, deadline: float) -> tuple[bytes, float]:
        rested = time.monotonic() - self._asked > RESTED
        newest = self._drain(min(deadline, time.monotonic() + RESTED))
        if rested:
            newest = None
        while newest is None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._socket.settimeout(left)
            newest = self._receive()
        return newest, time.monotonic()

    def _drain(self, deadline: float) -> bytes | None:
        """Everything that waits in the socket; the last whole picture in it."""
        newest = None
        self._socket.settimeout(0)
        try:
            while time.monotonic() < deadline:
                newest = self._receive() or newest
        except (BlockingIOError, ssl.SSLWantReadError):
            pass
        return newest

    def _receive(self) -> bytes | None:
        data, self._waiting = self._waiting or self._socket.recv(262144), b""
        plain = data if self._chunks is None else self._chunks.feed(data)
        if self._closed:
            raise LinkLost("the stream is closed")
        if not data or (self._chunks is not None and self._chunks.ended):
            raise LinkLost("the far end ended the stream", "is the camera or its encoder still running?")
        pictures = self._parts.feed(plain)
        self.frames += len(pictures)
        return pictures[-1] if pictures else None

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
    if not address.username:
        remedy = "give username and password_file in the camera's options"
        raise DeviceMissing(f"{address.shown} wants a name and a password", remedy)
    answer = address.authorization(challenges, _target(urlsplit(address.url)))
    if answer is None:
        asked_for = challenges.partition(" ")[0] or "nothing that is named"
        raise DeviceMissing(f"{address.shown} wants another proof: {asked_for[:20]}", "set it to Digest or Basic")
    try:
        return _get(address, deadline, answer)
    except _Unauthorized:
        remedy = "correct username, or what is in password_file"
        raise DeviceMissing(f"{address.shown} refuses this name or password", remedy) from None


def _get(address: Address, deadline: float, authorization: str = "") -> MjpegStream | str:
    parts = urlsplit(address.url)
    secure = parts.scheme.lower() == "https"
    try:
        host, port = parts.hostname or "", parts.port or (443 if secure else 80)
        raw = socket.create_connection((host, port), max(0.001, deadline - time.monotonic()))
    except (OSError, ValueError) as error:
        reason = "no answer" if isinstance(error, TimeoutError) else str(error)
        raise DeviceMissing(
            f"{address.shown} cannot be reached: {reason}", "check address and port, and that the camera is on"
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
            return f"the server answered {status}"
        chunks = Chunks() if "chunked" in fields.get("transfer-encoding", "").lower() else None
        kind = fields.get("content-type", "").lower()
        if not kind.startswith("multipart/"):
            body, opening = _opening(connection, body, deadline, chunked=chunks is not None)
            if not opening.lstrip(b"\r\n").startswith((b"--", START)):
                connection.close()
                return f"the server sends {kind or 'something unnamed'}"
        return MjpegStream(connection, body, chunks)
    except (OSError, ValueError) as error:
        raw.close()
        reason = "connected, but no answer" if isinstance(error, TimeoutError) else str(error)
        raise DeviceMissing(f"{address.shown}: {reason}", "is there a camera stream behind this address?") from None


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
