"""RDM through an Art-Net 4 gateway. The gateway discovers by itself and keeps the table of devices (ToD).

    ArtTodRequest 8000  tell me your table          net @21, command @22 (0 TodFull), count @23, Port-Address low @24…
    ArtTodData    8100  the table, in blocks        port @13, bind @20, net @21, response @22 (0, FF none), low @23,
                                                    total BE @24, block @26, UIDs here @27, 6 bytes each from @28
    ArtTodControl 8200  1 AtcFlush: look anew       net @21, command @22, Port-Address low @23
    ArtRdm        8300  one packet, or its answer   RDM version @12, net @21, command @22 (0), low @23, then the packet
                                                    without its start code

Source: Artistic Licence, *Art-Net 4 Protocol Release*, the sections of these names. Requests go to the gateway's own
address (RDM by broadcast is not allowed); answers come to UDP 6454 of this machine, from some gateways to the port
that asked. DMX is never touched: the gateway puts RDM between its frames.
"""

import struct
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

from drivers.dmx.artnet_wire import MAGIC, PORT, RDM, TOD_CONTROL, TOD_DATA, TOD_REQUEST, VERSION, head
from drivers.dmx.rdm_codec import START, RdmError, Uid, decode
from drivers.dmx.rdm_port import Answer, Ask, Table, encode_table
from drivers.host import Datagram, Endpoint, Host

RDM_VERSION = 1
"""RDM V1.0: the standard as published (0 is the draft)."""
MOST = 200
"""UIDs of one ArtTodData."""
OURS = Uid(0x7FF0, 0x5374)
"""The agent has no manufacturer id; 7FF0…7FFF are ESTA's for prototypes. Answers come to our address, not by UID."""


@dataclass(frozen=True, slots=True)
class TodRequest:
    """Tell me the table of this Port-Address."""

    port_address: int

    def encode(self) -> bytes:
        where = bytes((self.port_address >> 8, 0, 1, self.port_address & 0xFF))
        return head(TOD_REQUEST) + bytes(9) + where + bytes(31)


@dataclass(frozen=True, slots=True)
class TodControl:
    """Look for devices anew (AtcFlush)."""

    port_address: int
    command: int = 1

    def encode(self) -> bytes:
        return head(TOD_CONTROL) + bytes(9) + bytes((self.port_address >> 8, self.command, self.port_address & 0xFF))


@dataclass(frozen=True, slots=True)
class TodData:
    """One block of a table; ``total`` UIDs are in all blocks. ``none``: there is no table (TodNak)."""

    port_address: int
    uids: tuple[Uid, ...] = ()
    total: int = 0
    block: int = 0
    none: bool = False

    def encode(self) -> bytes:
        low, net = self.port_address & 0xFF, self.port_address >> 8
        port = bytes((RDM_VERSION, 1)) + bytes(6) + b"\1"
        rest = struct.pack(">BBBHBB", net, 0xFF if self.none else 0, low, self.total, self.block, len(self.uids))
        return head(TOD_DATA) + port + rest + b"".join(uid.encode() for uid in self.uids)


@dataclass(frozen=True, slots=True)
class Rdm:
    """One RDM packet, its start code left out on the wire."""

    port_address: int
    packet: bytes

    def encode(self) -> bytes:
        where = bytes((self.port_address >> 8, 0, self.port_address & 0xFF))
        return head(RDM) + bytes((RDM_VERSION,)) + bytes(8) + where + self.packet[1:]


RdmPacket = TodRequest | TodControl | TodData | Rdm


def decode_rdm(data: bytes) -> RdmPacket | None:
    """What a datagram says; ``None`` for everything that is not one of the four or is not whole."""
    if len(data) < 24 or not data.startswith(MAGIC) or int.from_bytes(data[10:12], "big") < VERSION:
        return None
    opcode, address = int.from_bytes(data[8:10], "little"), (data[21] & 0x7F) << 8 | data[23]
    if opcode == RDM:
        return Rdm(address, bytes((START,)) + data[24:]) if data[22] == 0 and len(data) > 24 else None
    if opcode == TOD_CONTROL:
        return TodControl(address, data[22])
    if opcode == TOD_REQUEST:
        return TodRequest((data[21] & 0x7F) << 8 | data[24]) if len(data) > 24 and data[23] else None
    if opcode == TOD_DATA and len(data) >= 28:
        count = data[27]
        rows = data[28 : 28 + 6 * count]
        if len(rows) < 6 * count or count > MOST:
            return None
        uids = tuple(Uid.decode(rows[at : at + 6]) for at in range(0, len(rows), 6))
        return TodData(address, uids, int.from_bytes(data[24:26], "big"), data[26], data[22] != 0)
    return None


class Wire(Protocol):
    """Sends to nodes and hears what they answer, to whichever port (:class:`drivers.dmx.artnet_watch.Watch`)."""

    def send(self, data: bytes, to: Endpoint) -> float: ...

    def receive(self, timeout: float) -> Datagram | None: ...


class ArtnetRdm:
    """The RDM port to one output of a gateway (:class:`drivers.dmx.rdm_port.RdmPort`)."""

    uid = OURS
    has_table = True
    gap = 0.0
    limit = 0.5
    """The gateway waits for a gap between its frames, and other controllers may be before us."""

    def __init__(self, host: Host, address: str, port_address: int, wire: Wire) -> None:
        self._host = host
        self._address = address
        self._port_address = port_address
        self._wire = wire

    def now(self) -> float:
        return self._host.now()

    def transact(self, step: Ask | Table, timeout: float) -> Answer:
        """One packet to the gateway and its answer. Discovery packets are the gateway's own affair: silence."""
        if isinstance(step, Ask) and step.branch:
            return Answer()
        begun = self.now()
        until = begun + timeout
        if isinstance(step, Table):
            asked = TodControl(self._port_address) if step.flush else TodRequest(self._port_address)
            self._wire.send(asked.encode(), (self._address, PORT))
            return self._table(begun, until)
        self._wire.send(Rdm(self._port_address, step.packet).encode(), (self._address, PORT))
        return Answer() if step.broadcast else self._answer(step, begun, until)

    def rest(self, seconds: float) -> None:
        """Nothing has to go on meanwhile: the gateway repeats the levels."""
        with closing(self._host.udp()) as socket:
            until = self.now() + seconds
            while (remaining := until - self.now()) > 0:
                socket.receive(remaining)

    def _next(self, until: float) -> RdmPacket | None:
        """The next of the gateway's packets about our line; ``None`` when the time is over."""
        while (remaining := until - self.now()) > 0:
            datagram = self._wire.receive(remaining)
            if datagram is None or datagram.source[0] != self._address:
                continue
            found = decode_rdm(datagram.data)
            if found is not None and found.port_address == self._port_address:
                return found
        return None

    def _table(self, begun: float, until: float) -> Answer:
        """All blocks of the table; a table that did not come whole is garbled."""
        uids: set[Uid] = set()
        while (found := self._next(until)) is not None:
            if not isinstance(found, TodData):
                continue
            if found.none:
                return Answer(garbled=True, took=self.now() - begun)
            uids.update(found.uids)
            if len(uids) >= found.total:
                return Answer(encode_table(uids), took=self.now() - begun)
        return Answer(garbled=bool(uids), took=self.now() - begun)

    def _answer(self, step: Ask, begun: float, until: float) -> Answer:
        """What the device said to us; answers to other controllers are let go."""
        while (found := self._next(until)) is not None:
            if not isinstance(found, Rdm):
                continue
            try:
                packet, asked = decode(found.packet), decode(step.packet)
            except RdmError:
                return Answer(found.packet, took=self.now() - begun)
            if packet.to == self.uid and packet.number == asked.number:
                return Answer(found.packet, took=self.now() - begun)
        return Answer(took=self.now() - begun)
