"""``python -m drivers.virtual.serve enttec-pro --link PATH``: a twin on a real pseudo-terminal, in its own process.

PATH becomes a symbolic link to the terminal. Runs until SIGTERM, SIGINT or the end of a piped standard input, answers
however often the port is opened and closed, and removes the link. Standard output carries JSON lines: first
``{"ready": PATH, "tty": …}``, then with ``--print-frames`` one line for each frame that changed (``--all``: for each
frame), ``{"universe": 1, "time": monotonic seconds of arrival, "slots": hex}``.
"""

import argparse
import json
import os
import pty
import select
import signal
import stat
import sys
import time
import tty
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from drivers.dmx.enttec_codec import Parameters
from drivers.dmx.rdm_codec import Uid
from drivers.virtual.twin import SerialDevice
from drivers.virtual.twins.enttec import FACTORY, SERIAL, EnttecFirmware
from drivers.virtual.twins.held import Held
from drivers.virtual.twins.rdm import FakeResponder
from drivers.virtual.twins.rdm_line import Line

CHUNK = 4096
PROTOTYPES = 0x7FF0
"""ESTA's manufacturer id for what is no product."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Exit code 0 after an orderly end."""
    parser = argparse.ArgumentParser(prog="python -m drivers.virtual.serve", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("driver", choices=["enttec-pro"], help="whose far end to play")
    parser.add_argument("--link", type=Path, required=True, help="path that becomes the port")
    parser.add_argument("--print-frames", action="store_true", help="one JSON line for each changed frame")
    parser.add_argument("--all", action="store_true", help="with --print-frames: unchanged frames too")
    parser.add_argument("--universe", type=int, default=1, help="number to print with the frames")
    parser.add_argument("--serial", default=SERIAL, help="the widget's serial number, up to 8 digits")
    parser.add_argument("--firmware", default="1.44", help="variety.version: 1 DMX, 2 RDM, 3 sniffer")
    parser.add_argument(
        "--rdm", type=int, default=0, metavar="N", help="RDM fixtures on the line (firmware 2.4 or more)"
    )
    chosen = parser.parse_args(arguments)
    variety, _, version = chosen.firmware.partition(".")
    parameters = Parameters(int(version or 0), int(variety), FACTORY.break_time, FACTORY.mab_time, FACTORY.rate)
    took = printer(chosen.all) if chosen.print_frames else _ignore
    device = EnttecFirmware(Held(took), chosen.universe, chosen.serial, parameters)
    if chosen.rdm:
        fixtures = (FakeResponder(Uid(PROTOTYPES, number), address=number) for number in range(1, 1 + chosen.rdm))
        device.line = Line(fixtures, now=time.monotonic)
    with wake_on_signals() as woken:
        serve(device, chosen.link, woken)
    return 0


def printer(everything: bool) -> Callable[[int, bytes], None]:
    """Says on standard output which frame was taken."""
    last: dict[int, bytes] = {}

    def took(universe: int, frame: bytes) -> None:
        if everything or last.get(universe) != frame:
            last[universe] = frame
            say({"universe": universe, "time": time.monotonic(), "slots": frame.hex()})

    return took


def serve(device: SerialDevice, link: Path, woken: int) -> None:
    """Answer on a new pseudo-terminal that ``link`` points to, until ``woken`` or standard input is readable at its
    end. Our own handle on the far side keeps the terminal alive while nobody has it open."""
    near, far = pty.openpty()
    tty.setraw(far)
    os.set_blocking(near, False)
    _point(link, os.ttyname(far))
    say({"ready": str(link), "tty": os.ttyname(far)})
    watched = our_input()
    inputs = [near, woken, *watched]
    unsent = bytearray()
    try:
        while True:
            readable, writable, _ = select.select(inputs, [near] if unsent else [], [])
            if woken in readable:
                return
            if any(each in readable and not os.read(each, CHUNK) for each in watched):
                return
            if near in readable:
                unsent += device.receive(os.read(near, CHUNK))
            if unsent and (near in writable or near in readable):
                try:
                    del unsent[: os.write(near, unsent)]
                except BlockingIOError:
                    continue
    finally:
        _unpoint(link, os.ttyname(far))
        os.close(near)
        os.close(far)


def our_input() -> list[int]:
    """Standard input, where its end says something: /dev/null, which a shell gives to a job in the background, and
    files are at their end from the start."""
    try:
        kind = os.fstat(0).st_mode
    except OSError:
        return []
    return [0] if stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind) or os.isatty(0) else []


@contextmanager
def wake_on_signals() -> Iterator[int]:
    """A descriptor that becomes readable on SIGTERM or SIGINT, so that ``select`` needs no time limit."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    before = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    handlers = {each: signal.signal(each, _noted) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield read
    finally:
        for each, handler in handlers.items():
            signal.signal(each, handler)
        signal.set_wakeup_fd(before)
        os.close(read)
        os.close(write)


def say(line: dict[str, object]) -> None:
    """One JSON line, at once. A reader that has gone away is not our affair."""
    try:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        pass


def _point(link: Path, target: str) -> None:
    """Put the link there in one step, over a stale one, but never over a real file."""
    if link.exists() and not link.is_symlink():
        raise SystemExit(f"{link} exists and is no symbolic link; choose another path")
    new = link.with_name(f".{link.name}.{os.getpid()}")
    new.symlink_to(target)
    new.replace(link)


def _unpoint(link: Path, target: str) -> None:
    """Take the link away, unless somebody else's has replaced it."""
    if link.is_symlink() and str(link.readlink()) == target:
        link.unlink()


def _noted(number: int, frame: FrameType | None) -> None:
    """The wake-up descriptor does the work."""


def _ignore(universe: int, frame: bytes) -> None:
    """Frames nobody wants to see."""


if __name__ == "__main__":
    raise SystemExit(main())
