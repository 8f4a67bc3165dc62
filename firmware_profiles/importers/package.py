"""A GDTF file's description: the one entry of the zip that is read, as a tree. Bounded, and without XML entities.

Source: DIN SPEC 15800, *File Format Definition*: a zip archive with ``description.xml`` at its root.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from firmware_profiles.importers.foreign import Fault

ENTRY = "description.xml"
LARGEST = 64 * 1024 * 1024
"""Bytes a GDTF file may have: most of it are pictures and 3D models."""
LONGEST = 8 * 1024 * 1024
"""Bytes its description may have once unpacked."""
ENTRIES = 4096
ELEMENTS = 200_000
DEEPEST = 64
FOOT = b"PK\x01\x02"
"""How each entry of a zip's table of contents begins."""

_RIGHT = "a GDTF file as its maker or gdtf-share gives it"


@dataclass(slots=True)
class Node:
    """One XML element. ``line`` is where it begins."""

    tag: str
    line: int
    said: dict[str, str]
    inner: list["Node"] = field(default_factory=list)

    def all(self, *path: str) -> list["Node"]:
        """The elements at the end of a path of tags."""
        found = [self]
        for tag in path:
            found = [node for outer in found for node in outer.inner if node.tag == tag]
        return found

    def walk(self) -> Iterator["Node"]:
        """This one and all within it."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += reversed(node.inner)


def description(content: bytes) -> bytes:
    """``description.xml`` out of a GDTF file. Raises Fault."""
    if content.count(FOOT) > ENTRIES:
        raise Fault("file", f"the archive has more than {ENTRIES} entries", _RIGHT)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            found = [entry for entry in archive.infolist() if entry.filename == ENTRY]
            if len(found) != 1:
                raise Fault("file", f"the archive has {len(found) or 'no'} {ENTRY} at its root", _RIGHT)
            [entry] = found
            if entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise Fault(ENTRY, "is encrypted or packed in an unusual way", "a zip with deflate, no password")
            with archive.open(entry) as packed:
                text = packed.read(LONGEST + 1)  # what the table of contents says of the size is not believed
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, RuntimeError) as error:
        raise Fault("file", f"is a broken zip archive: {error}", _RIGHT) from None
    if len(text) > LONGEST:
        raise Fault(ENTRY, f"is larger than {LONGEST} bytes when unpacked", _RIGHT)
    return text.removesuffix(b"\0")  # some writers leave one


def tree(text: bytes) -> Node:
    """The document's root. Raises Fault with the line, also for a DOCTYPE: entities can multiply, or name files."""
    parser = expat.ParserCreate()
    top = Node("", 0, {})
    open_ones = [top]
    count = 0

    def start(tag: str, said: dict[str, str]) -> None:
        nonlocal count
        count += 1
        line = parser.CurrentLineNumber
        if count > ELEMENTS:
            raise Fault(ENTRY, f"has more than {ELEMENTS} elements", _RIGHT, line)
        if len(open_ones) > DEEPEST:
            raise Fault(ENTRY, "is nested too deeply", _RIGHT, line)
        node = Node(tag, line, said)
        open_ones[-1].inner.append(node)
        open_ones.append(node)

    def end(_tag: str) -> None:
        open_ones.pop()

    def doctype(*_: object) -> None:
        raise Fault(ENTRY, "has a DOCTYPE, and GDTF has none", "remove it", parser.CurrentLineNumber)

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise Fault(ENTRY, f"is not XML: {expat.ErrorString(error.code)}", _RIGHT, error.lineno) from None
    except (LookupError, ValueError) as error:  # an encoding that Python does not know, or not as a byte table
        raise Fault(ENTRY, f"cannot be decoded: {error}", "UTF-8") from None
    return top.inner[0]
