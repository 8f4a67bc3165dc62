"""The codecs of an MJPEG answer: whole JPEG pictures out of a multipart body, and the chunked transfer coding. Pure.

A part ends at its ``Content-Length``, if it has one and the picture does end there; else at the picture's own end
marker. Cameras lie about the length, and leave pictures unfinished: where the boundary (or, without one, the next
picture) comes before the end marker, the picture is *cut* and dropped. Half a picture would be metered as a dark one.
"""

import re

from drivers.real.jpeg import END, START, layout

BIGGEST = 32 * 2**20
"""Bytes; a part or header longer than this is noise."""
HEADER = 4096
"""Bytes a part's header has at most."""
PADDING = 64
"""Bytes that may follow the end marker within a part's length."""

_LENGTH = re.compile(rb"content-length:\s*(\d{1,9})", re.IGNORECASE)


class Parts:
    """Bytes of the multipart body in, whole JPEG pictures out. Never raises; noise is skipped to the next picture."""

    def __init__(self, boundary: bytes = b"") -> None:
        name = boundary.lstrip(b"-")  # some cameras write the two dashes into it, others do not
        self._edge = b"--" + name if name else START
        if 0 < len(name) < 4:  # so short that it is in a picture by chance
            self._edge = b"\n" + self._edge
        self._buffer = bytearray()
        self._inside = False
        self._length = 0
        """Bytes its header says; 0: it does not say, or what it says is not true."""
        self._body = 0
        """Where the coded picture begins; 0: not known yet."""
        self._looked = self._searched = 0
        """How far the buffer was already searched for the edge, and for the end marker."""
        self.cut = 0
        """Pictures so far that came without their end, or were too big to be any."""

    def feed(self, data: bytes) -> list[bytes]:
        """The pictures that became complete with ``data``, oldest first."""
        self._buffer += data
        pictures: list[bytes] = []
        while self._inside or self._begins():
            size, whole = self._measured()
            if size == 0:
                break
            if whole:
                pictures.append(bytes(memoryview(self._buffer)[:size]))
            self.cut += not whole
            self._drop(size)
        if len(self._buffer) > BIGGEST:
            self.cut += 1
            self._drop(len(self._buffer))
        return pictures

    def _begins(self) -> bool:
        start = self._buffer.find(START)
        if start < 0:
            del self._buffer[:-HEADER]
            return False
        said = _LENGTH.findall(bytes(self._buffer[max(0, start - HEADER) : start]))
        self._drop(start)
        self._inside, self._length = True, int(said[-1]) if said else 0
        return True

    def _measured(self) -> tuple[int, bool]:
        """Bytes of the part now coming in, and whether it is a whole picture; 0: not known yet."""
        buffer, length = self._buffer, self._length
        if 0 < length <= len(buffer):
            if buffer.find(END, max(0, length - PADDING), length) >= 0:
                return length, True
            self._length = 0  # that was not true: look for the end
        if self._body == 0:
            found = layout(buffer)
            if found is None:
                return 0, False
            self._body = self._looked = self._searched = found.body
        edge = buffer.find(self._edge, self._looked)
        self._looked = max(self._body, len(buffer) - len(self._edge) + 1)
        if self._length and edge < 0:
            return 0, False
        self._length = 0
        end = buffer.find(END, self._searched, edge if edge >= 0 else len(buffer))
        if end >= 0:
            return end + len(END), True
        self._searched = max(self._body, len(buffer) - 1)
        return max(0, edge), False

    def _drop(self, count: int) -> None:
        del self._buffer[:count]
        self._inside, self._length, self._body, self._looked, self._searched = False, 0, 0, 0, 0


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
