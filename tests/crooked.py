"""A broker that does what no good broker does: as many bytes of MQTT as that takes, on loopback."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress


class Crooked:
    """Tells one client what it is told to. ``published`` is what came, in order: topic and body."""

    def __init__(self) -> None:
        self.port = 0
        self.granted = 1
        """The code of every SUBACK."""
        self.acknowledgements = 1
        """How many PUBACKs each message is given."""
        self.held = False
        """Whether they are kept back; :meth:`release` sends them."""
        self.published: list[tuple[str, bytes]] = []
        self._owed: list[Callable[[], None]] = []

    def release(self) -> None:
        self.held = False
        owed, self._owed = self._owed, []
        for acknowledge in owed:
            acknowledge()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        five = False
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                kind, body = await _packet(reader)
                if kind >> 4 == 1:  # CONNECT
                    five = body[6] == 5
                    writer.write(b"\x20\x03\x00\x00\x00" if five else b"\x20\x02\x00\x00")
                elif kind >> 4 == 3:  # PUBLISH, QoS 1
                    size = int.from_bytes(body[:2], "big")
                    topic, mid, rest = body[2 : 2 + size].decode(), body[2 + size : 4 + size], body[4 + size :]
                    self.published.append((topic, rest[1 + rest[0] :] if five else rest))
                    self._acknowledge(writer, mid)
                elif kind >> 4 == 8:  # SUBSCRIBE
                    filters = _filters(body[2 + five * (1 + body[2]) :])
                    answer = body[:2] + (b"\x00" if five else b"") + bytes([self.granted]) * filters
                    writer.write(bytes([0x90, len(answer)]) + answer)
                elif kind >> 4 == 12:  # PINGREQ
                    writer.write(b"\xd0\x00")
                elif kind >> 4 == 14:  # DISCONNECT
                    break
        writer.close()

    def _acknowledge(self, writer: asyncio.StreamWriter, mid: bytes) -> None:
        packet = (b"\x40\x02" + mid) * self.acknowledgements
        if self.held:
            self._owed.append(lambda: writer.write(packet))
        else:
            writer.write(packet)


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    kind = (await reader.readexactly(1))[0]
    length = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return kind, await reader.readexactly(length)


def _filters(body: bytes) -> int:
    """How many filters a SUBSCRIBE has."""
    count = 0
    while body:
        body = body[3 + int.from_bytes(body[:2], "big") :]
        count += 1
    return count


@asynccontextmanager
async def crooked() -> AsyncIterator[Crooked]:
    """One that listens."""
    broker = Crooked()
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    broker.port = server.sockets[0].getsockname()[1]
    try:
        yield broker
    finally:
        server.close()
