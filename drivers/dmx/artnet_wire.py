"""Art-Net 4: what every packet shares.

    ┌───────────┬──────────────┬───────────────┬─────────
    │ "Art-Net"0│ OpCode  LE16 │ ProtVer BE16  │ …          (ArtPollReply alone has no ProtVer)
    └───────────┴──────────────┴───────────────┴─────────

A Port-Address is 15 bits: net 7, sub-net 4, universe 4. Source: Artistic Licence, *Specification for the Art-Net 4
Ethernet Communication Protocol*, revision DE: Table 1 (OpCodes) and the packet's own section, which the codecs name.
"""

import struct

PORT = 6454
VERSION = 14
MAGIC = b"Art-Net\0"
TOP_ADDRESS = 0x7FFF

POLL, POLL_REPLY, DIAG_DATA = 0x2000, 0x2100, 0x2300
DMX, NZS, SYNC = 0x5000, 0x5100, 0x5200
ADDRESS, INPUT = 0x6000, 0x7000
IP_PROG = 0xF800
TOD_REQUEST, TOD_DATA, TOD_CONTROL, RDM, RDM_SUB = 0x8000, 0x8100, 0x8200, 0x8300, 0x8400

OEM_UNKNOWN = 0x00FF
"""Of a product that has not been registered (Art-NetOemCodes.h: OemUnknown)."""
ESTA_PROTOTYPE = 0x7FF0
"""The first of the manufacturer codes 0x7FF0…0x7FFF that E1.20 sets aside for prototypes."""


def head(opcode: int, *, versioned: bool = True) -> bytes:
    """The beginning of a packet."""
    return MAGIC + opcode.to_bytes(2, "little") + (struct.pack(">H", VERSION) if versioned else b"")


def opcode_of(data: bytes) -> int | None:
    """Which packet this is; ``None`` when it is none of Art-Net, or of a protocol version before 14."""
    if len(data) < 12 or not data.startswith(MAGIC):
        return None
    opcode = int.from_bytes(data[8:10], "little")
    if opcode != POLL_REPLY and int.from_bytes(data[10:12], "big") < VERSION:
        return None
    return opcode


def text(said: str, size: int) -> bytes:
    """A field of ASCII, at least one zero at its end."""
    return said.encode("ascii", "replace")[: size - 1].ljust(size, b"\0")


def said(field: bytes) -> str:
    """What a field of text says; what is no ASCII or cannot be shown is a question mark."""
    plain = field.split(b"\0", 1)[0].decode("ascii", "replace")
    return "".join(sign if sign.isprintable() and sign != "\ufffd" else "?" for sign in plain)
