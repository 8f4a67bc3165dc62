"""USB serial adapters, straight from sysfs.

Asked every quarter of a second while a widget is away, so it reads only what belongs to USB adapters: one listing of
``/sys/class/tty`` and two small files for each adapter. pyserial's ``comports()`` opens a dozen files for every port,
and a port that vanishes while it looks leaves as a TypeError (3.5: ``int(None, 16)``).

Layout (Documentation/ABI/testing/sysfs-bus-usb): ``/sys/class/tty/ttyUSB0/device`` is the adapter's port under the
USB interface, for ``ttyACM0`` it is the interface itself; the nearest parent with ``idVendor`` is the USB device.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from drivers.host import SerialPort

NAMES = ("ttyUSB", "ttyACM")
USB = "usb:"


@dataclass(frozen=True, slots=True)
class Tree:
    """Where the kernel shows its ports, and where their device nodes are."""

    ports: Path = Path("/sys/class/tty")
    nodes: Path = Path("/dev")


MACHINE = Tree()


def adapters(tree: Tree = MACHINE) -> Sequence[SerialPort]:
    """The USB adapters plugged in now, sorted by path. One that is half there, coming or going, is left out: it will
    be whole, or gone, the next time."""
    try:
        names = sorted(entry.name for entry in tree.ports.iterdir() if entry.name.startswith(NAMES))
    except OSError:
        return []
    return [found for name in names if (found := _adapter(tree, name)) is not None]


def _adapter(tree: Tree, name: str) -> SerialPort | None:
    try:
        place = (tree.ports / name / "device").resolve(strict=True)
        usb = next(parent for parent in (place, *place.parents) if (parent / "idVendor").exists())
        vendor, product = (int((usb / file).read_text(), 16) for file in ("idVendor", "idProduct"))
    except (OSError, StopIteration, ValueError):
        return None
    serial = _line(usb / "serial")
    path = str(tree.nodes / name)
    return SerialPort(path, f"{USB}{serial}" if serial else path, _line(usb / "product"), serial, vendor, product)


def _line(file: Path) -> str:
    """A file of one line; "" when there is none, as with adapters without a serial number."""
    try:
        return file.read_text(errors="replace").strip()
    except OSError:
        return ""
