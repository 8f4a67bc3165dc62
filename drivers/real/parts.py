"""The codecs of an MJPEG answer: whole JPEG pictures out of a multipart body, and the chunked transfer coding. Pure.

A part ends at its ``Content-Length``, if it has one and the picture does end there; else at the picture's own end
marker. Cameras lie about the length, and leave pictures unfinished: where the boundary (or, without one, the next
picture) comes before the end marker, the picture is *cut* and dropped. Half a picture would be metered as a dark one.
Where the length of the picture before was true, a part is not searched before so many bytes are there.
"""

import re

from drivers.real.jpeg import END, START, layout

BIGGEST = 32 * 2**20
"""Bytes; a part or header longer than this is noise."""
HEADER = 4096
"""Bytes a part's header has at most."""
ROOM = 2**20
"""Bytes there is room for at first."""
PADDING = 64
"""Bytes that may follow the end marker within a part's length."""

_LENGTH = re.compile(rb"content-length:\s*(\d{1,9})", re.IGNORECASE)


class Parts:
    """Bytes of the multipart body in, whole JPEG pictures out. Never raises; noise is skipped to the next picture.

    The bytes lie in one block that is used again and again: new memory for every picture costs more than its bytes.
    """

    def __init__(self, boundary: bytes = b"") -> None:
        name = boundary.lstrip(b"-")  # some cameras write the two dashes into it, others do not
        self._edge = b"--" + name if name else START
        if 0 < len(name) < 4:  # so short that it is in a picture by chance
            self._edge = b"\n" + self._edge
        self._buffer = bytearray(ROOM)
        self._head = self._tail = 0
        """What came in and is not done with yet."""
        self._inside = False
        self._length = 0
        """Bytes its header says; 0: it does not say, or what it says is not true."""
        self._true = 0
        """The last length that was true; 0: the last one was not."""
        self._body = 0
        """Where the coded picture begins, from the head on; 0: not known yet."""
        self._looked = self._searched = 0
        """How far it was already searched for the edge, and for the end marker, from the head on."""
        self.cut = 0
        """Pictures so far that came without their end, or were too big to be any."""

    def feed(self, data: bytes | memoryview) -> list[bytes]:
        """The pictures that became complete with ``data``, oldest first."""
        self._append(data)
        pictures: list[bytes] = []
        while self._inside or self._begins():
            size, whole = self._measured()
            if size == 0:
                break
            if whole:
                pictures.append(self._bytes(self._head, self._head + size))
            self.cut += not whole
            self._drop(size)
        if self._tail - self._head > BIGGEST:
            self.cut += 1
            self._drop(self._tail - self._head)
            self._buffer = bytearray(ROOM)
        return pictures

    def _append(self, data: bytes | memoryview) -> None:
        if self._tail + len(data) > len(self._buffer):
            before, held = self._buffer, self._tail - self._head
            if held + len(data) > len(before):
                self._buffer = bytearray(max(held + len(data), min(2 * held, BIGGEST + ROOM)))
                with memoryview(before) as whole, whole[self._head : self._tail] as part:
                    self._buffer[:held] = part
            else:  # by way of a copy: the two may overlap
                self._buffer[:held] = self._bytes(self._head, self._tail)
            self._head, self._tail = 0, held
        self._buffer[self._tail : self._tail + len(data)] = data
        self._tail += len(data)

    def _bytes(self, start: int, end: int) -> bytes:
        with memoryview(self._buffer) as whole:
            return bytes(whole[start:end])

    def _find(self, what: bytes, start: int, end: int) -> int:
        """Where it is, all counted from the head on; -1: nowhere."""
        at = self._buffer.find(what, self._head + start, self._head + end)
        return at - self._head if at >= 0 else at

    def _begins(self) -> bool:
        start = self._find(START, 0, self._tail - self._head)
        if start < 0:
            self._head = max(self._head, self._tail - HEADER)
            return False
        said = _LENGTH.findall(self._bytes(self._head + max(0, start - HEADER), self._head + start))
        self._drop(start)
        self._inside, self._length = True, int(said[-1]) if said else 0
        return True

    def _measured(self) -> tuple[int, bool]:
        """Bytes of the part now coming in, and whether it is a whole picture; 0: not known yet."""
        length, here = self._length, self._tail - self._head
        if 0 < length <= here:
            if self._find(END, max(0, length - PADDING), length) >= 0:
                self._true = length
                return length, True
            self._length = self._true = 0  # that was not true: look for the end
        elif 0 < length <= 2 * self._true:
            return 0, False  # searching all of it for what should not be there is half of what reading a stream costs
        if self._body == 0:
            with memoryview(self._buffer) as whole, whole[self._head : self._tail] as part:
                found = layout(part)
            if found is None:
                return 0, False
            self._body = self._looked = self._searched = found.body
        edge = self._find(self._edge, self._looked, here)
        self._looked = max(self._body, here - len(self._edge) + 1)
        if self._length and edge < 0:
            return 0, False
        self._length = 0
        end = self._find(END, self._searched, edge if edge >= 0 else here)
        if end >= 0:
            return end + len(END), True
        self._searched = max(self._body, here - 1)
        return max(0, edge), False

    def _drop(self, count: int) -> None:
        self._head += count
        if self._head == self._tail:
            self._head = self._tail = 0
        self._inside, self._length, self._body, self._looked, self._searched = False, 0, 0, 0, 0


class Chunks:
    """Takes the chunked transfer coding off (RFC 9112 7.1). Pure; ends for good at anything that is not a chunk."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._left = 0
        self.ended = False

    def feed(self, data: bytes | memoryview) -> bytes:
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
