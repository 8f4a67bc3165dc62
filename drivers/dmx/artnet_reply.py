"""ArtPollReply: a node, or one bound part of it, says who it is, which Port-Addresses it carries and how it fares.

     10 IP · 14 port LE16 · 16 VersInfo BE16 · 18 NetSwitch · 19 SubSwitch · 20 Oem BE16 · 22 Ubea · 23 Status1
     24 ESTA LE16 · 26 short name 18 · 44 long name 64 · 108 report 64 · 172 NumPorts BE16 · 174 PortTypes 4
    178 GoodInput 4 · 182 GoodOutputA 4 · 186 SwIn 4 · 190 SwOut 4 · 194 AcnPriority · 195 SwMacro · 196 SwRemote
    197 spare 3 · 200 Style · 201 MAC 6 · 207 BindIp 4 · 211 BindIndex · 212 Status2 · 213 GoodOutputB 4
    217 Status3 · 218 RDMnet UID 6 · 224 User 2 · 226 RefreshRate BE16 · … 239

Source: Art-Net 4, section ArtPollReply ("Minimum Packet Length": 198 bytes and more are valid, what is missing is
zero) and Table 4 (style codes). Pure.
"""

import ipaddress
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from drivers.dmx.artnet_wire import POLL_REPLY, PORT, head, said, text

SHORTEST = 198
LENGTH = 239

OUTPUT, INPUT = 0x80, 0x40
"""Bits of PortTypes: puts data from the network out; brings data onto the network."""
TRANSMITS, MERGING, LTP, ACN = 0x80, 0x08, 0x02, 0x01
"""Bits of GoodOutputA."""
RDM_OFF, CONTINUOUS, DISCOVERY_IDLE, DISCOVERY_OFF = 0x80, 0x40, 0x20, 0x10
"""Bits of GoodOutputB."""
FAIL_OVER = 0x20
"""Bit of Status3: the node can be told what to do when the network is lost; bits 7-6 say what."""
CAN_RDM = 0x02
"""Bit of Status1."""
LOCAL_ADDRESSES = 0x10
"""Status1, bits 5-4 = 01: Port-Addresses are set at the device, not over the network."""
FIFTEEN_BITS = 0x08
"""Bit of Status2: Port-Addresses of 15 bits."""

ST_NODE, ST_CONTROLLER = 0x00, 0x01
FAIL_SAFE = ("hold", "zero", "full", "scene")

PORTS = 4
"""Outputs, and inputs, that one reply holds."""
MOST_PARTS = 255
"""Replies of one node: its bind index is 1…255."""


def parts(ports: Sequence[int]) -> list[tuple[int, ...]]:
    """Port-Addresses as replies can hold them: at most four of one net and sub-net in each (fields NetSwitch and
    SubSwitch). Their order is kept within a sub-net. More than :data:`MOST_PARTS` cannot be told."""
    sub_nets: dict[int, list[int]] = {}
    for port in ports:
        sub_nets.setdefault(port >> 4, []).append(port)
    return [tuple(each[at : at + PORTS]) for each in sub_nets.values() for at in range(0, len(each), PORTS)]


@dataclass(frozen=True, slots=True)
class Node:
    """One ArtPollReply.

    ``outputs``, ``inputs``: Port-Addresses it puts out, and brings onto the network; ``good_outputs`` and
    ``good_outputs_b``: the status byte of each of ``outputs``. ``firmware`` is VersInfo, ``high.low``; ``report`` its
    own status text; ``rdm``: it can do RDM (a bit of Status1, which ``status1`` leaves out); ``refresh_hz`` the
    fastest it takes ArtDmx, 0: as fast as DMX512.
    """

    address: str
    short_name: str
    long_name: str = ""
    firmware: str = "0.0"
    outputs: tuple[int, ...] = ()
    oem: int = 0
    esta: int = 0
    bind_index: int = 1
    mac: str = ""
    report: str = ""
    inputs: tuple[int, ...] = ()
    good_outputs: tuple[int, ...] = ()
    good_outputs_b: tuple[int, ...] = ()
    style: int = ST_NODE
    acn_priority: int = 0
    status1: int = 0
    status2: int = 0
    status3: int = 0
    refresh_hz: int = 0
    rdm: bool = False

    @property
    def merging(self) -> tuple[int, ...]:
        """The Port-Addresses that more than one source sends to."""
        return tuple(port for port, good in zip(self.outputs, self.good_outputs, strict=False) if good & MERGING)

    @property
    def on_acn(self) -> tuple[int, ...]:
        """The Port-Addresses that follow sACN instead of Art-Net."""
        return tuple(port for port, good in zip(self.outputs, self.good_outputs, strict=False) if good & ACN)

    @property
    def fail_safe(self) -> str:
        """What it does when it hears nobody: hold, zero, full or scene; "" when it does not say."""
        return FAIL_SAFE[self.status3 >> 6] if self.status3 & FAIL_OVER else ""

    def encode(self) -> bytes:
        """The 239 bytes on the wire. ValueError past four ports a direction, or when they are not of one sub-net."""
        every = (*self.outputs, *self.inputs)
        if max(len(self.outputs), len(self.inputs)) > PORTS or len({each >> 4 for each in every}) > 1:
            raise ValueError("one reply holds at most 4 outputs of one sub-net; use one reply for each bind index")
        base = every[0] if every else 0
        high, _, low = self.firmware.partition(".")
        count = max(len(self.outputs), len(self.inputs))
        kinds = (OUTPUT * (i < len(self.outputs)) | INPUT * (i < len(self.inputs)) for i in range(count))
        own = ipaddress.IPv4Address(self.address).packed
        return b"".join(
            (
                head(POLL_REPLY, versioned=False),
                own,
                struct.pack("<H", PORT),
                bytes((int(high), int(low or 0), base >> 8, base >> 4 & 0x0F)),
                struct.pack(">HBB", self.oem, 0, self.status1 | CAN_RDM * self.rdm),
                struct.pack("<H", self.esta),
                text(self.short_name, 18) + text(self.long_name, 64) + text(self.report, 64),
                struct.pack(">H", count),
                _four(kinds),
                bytes(4),
                _four(self.good_outputs or (TRANSMITS for _ in self.outputs)),
                _four(each & 0x0F for each in self.inputs),
                _four(each & 0x0F for each in self.outputs),
                bytes((self.acn_priority, 0, 0, 0, 0, 0, self.style)),
                bytes.fromhex(self.mac.replace(":", "") or "00" * 6),
                own,
                bytes((self.bind_index, self.status2)),
                _four(self.good_outputs_b),
                bytes((self.status3,)) + bytes(8),
                struct.pack(">H", self.refresh_hz),
            )
        ).ljust(LENGTH, b"\0")


def decode(data: bytes) -> Node | None:
    """A reply of any edition; ``None`` when it is too short."""
    if len(data) < SHORTEST:
        return None
    data = data.ljust(LENGTH, b"\0")
    base = (data[18] & 0x7F) << 8 | (data[19] & 0x0F) << 4
    kinds = data[174:178]
    out = [i for i in range(4) if kinds[i] & OUTPUT]
    return Node(
        address=str(ipaddress.IPv4Address(data[10:14])),
        short_name=said(data[26:44]),
        long_name=said(data[44:108]),
        firmware=f"{data[16]}.{data[17]}",
        outputs=tuple(base | data[190 + i] & 0x0F for i in out),
        oem=int.from_bytes(data[20:22], "big"),
        esta=int.from_bytes(data[24:26], "little"),
        bind_index=data[211] or 1,  # "0 or 1 means root device"
        mac=data[201:207].hex(":"),
        report=said(data[108:172]),
        inputs=tuple(base | data[186 + i] & 0x0F for i in range(4) if kinds[i] & INPUT),
        good_outputs=tuple(data[182 + i] for i in out),
        good_outputs_b=tuple(data[213 + i] for i in out),
        style=data[200],
        acn_priority=data[194],
        status1=data[23] & ~CAN_RDM,
        rdm=bool(data[23] & CAN_RDM),
        status2=data[212],
        status3=data[217],
        refresh_hz=int.from_bytes(data[226:228], "big"),
    )


def _four(values: Iterable[int]) -> bytes:
    return bytes(values).ljust(4, b"\0")
