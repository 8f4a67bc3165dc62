"""Run by v4l2.sh in its virtual machine: the V4L2 driver on the kernel's own test camera (module vivid)."""

import fcntl
import sys
import time
from itertools import pairwise
from pathlib import Path

from drivers.errors import DeviceMissing, DriverError, LinkLost, NotSupported
from drivers.real.v4l2 import DeviceControls
from drivers.real.v4l2_capture import open_device


def main(device: str) -> int:
    controls = DeviceControls(device)
    for control in controls.list():
        print("control", control.name, control.kind, control.minimum, control.maximum, dict(control.menu) or "")
    before = controls.read("brightness")
    controls.write("brightness", before + 10)
    assert controls.read("brightness") == before + 10
    controls.write("brightness", before)

    source = open_device(device)
    print(source.describe())
    pixels, captured = source.read(2.0)
    print(
        "picture", pixels.shape, pixels.dtype, f"mean {pixels.mean():.1f}", f"age {time.monotonic() - captured:.4f} s"
    )
    assert pixels.std() > 10, "colour bars have structure"
    try:
        open_device(device)
    except DeviceMissing as error:
        print("second owner:", error.reason)
        assert "in use" in error.reason
    else:
        raise AssertionError("two owners")

    source.watch(time.monotonic() + 1.0)  # what came while nobody looked: an emulated machine is slow
    source.stamps()
    source.watch(time.monotonic() + 4.0)
    stamps = source.stamps()
    gaps = [1e3 * (after.time - first.time) for first, after in pairwise(stamps)]
    missing = stamps[-1].sequence - stamps[0].sequence + 1 - len(stamps)
    print(
        f"{len(stamps)} packets, interval {min(gaps):.1f} to {max(gaps):.1f} ms, {missing} dropped, {stamps[0].size} B"
    )
    assert missing == 0 and len(stamps) > 12, "vivid sends 5 a second"
    try:
        controls.write("percentage_of_dropped_buffers", 30)
        source.watch(time.monotonic() + 3.0)
        stamps = source.stamps()
        missing = stamps[-1].sequence - stamps[0].sequence + 1 - len(stamps)
        print(f"with 30 % dropped: {len(stamps)} packets, {missing} dropped by their numbers")
        controls.write("percentage_of_dropped_buffers", 0)
    except NotSupported as error:
        print(error.reason)
    source.read(2.0)

    press(device, "Disconnect")
    begun = time.monotonic()
    try:
        while True:
            source.read(1.0)
    except LinkLost as error:
        print(f"unplugged: {error.reason} after {time.monotonic() - begun:.2f} s")
    except DriverError as error:
        print(f"unplugged: {error!r}")
        raise
    source.close()
    return 0


def press(device: str, name: str) -> None:
    """Push a button, which the product has no use for."""
    from drivers.real import v4l2

    with Path(device).open("r+b", buffering=0) as node:
        number = 0
        while True:
            data = bytearray(v4l2.QUERY.pack(number | v4l2.NEXT_CONTROL, 0, b"", 0, 0, 0, 0, 0))
            fcntl.ioctl(node, v4l2.QUERYCTRL, data, True)
            number, _, found, *_ = v4l2.QUERY.unpack(data)
            if v4l2.text(found) == name:
                fcntl.ioctl(node, v4l2.S_CTRL, bytearray(v4l2.VALUE.pack(number, 1)), True)
                return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
