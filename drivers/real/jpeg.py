"""What a JPEG picture says of itself before it is decoded (ITU-T T.81, annex B). Pure."""

from dataclasses import dataclass

START = b"\xff\xd8\xff"
END = b"\xff\xd9"

_ALONE = frozenset((0x01, *range(0xD0, 0xD9)))
"""Markers without a length (TEM, RST0-7, SOI)."""
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""SOF0…SOF15; DHT, JPG and DAC have numbers among them."""
_BASELINE, _SCAN = 0xC0, 0xDA


@dataclass(frozen=True, slots=True)
class Layout:
    """``body``: where the coded picture begins. ``width``, ``height``: 0 when nothing said it. ``bits`` per sample."""

    body: int
    width: int = 0
    height: int = 0
    bits: int = 8
    progressive: bool = False


def layout(data: bytes | bytearray | memoryview) -> Layout | None:
    """Walk the headers, over thumbnails in them. ``None``: they are not all there yet. What is no JPEG has its body at
    2 and no size."""
    at, found = 2, Layout(2)
    while True:
        if len(data) < at + 4:
            return None
        if data[at] != 0xFF:
            return Layout(2)
        marker = data[at + 1]
        if marker in _ALONE or marker == 0xFF:  # FF: fill
            at += 1 if marker == 0xFF else 2
            continue
        size = int.from_bytes(data[at + 2 : at + 4])
        if size < 2 or marker == 0x00:
            return Layout(2)
        if marker in _FRAMES:
            if len(data) < at + 9:
                return None
            height, width = int.from_bytes(data[at + 5 : at + 7]), int.from_bytes(data[at + 7 : at + 9])
            found = Layout(2, width, height, data[at + 4], marker != _BASELINE)
        at += 2 + size
        if marker == _SCAN:
            return Layout(at, found.width, found.height, found.bits, found.progressive)
