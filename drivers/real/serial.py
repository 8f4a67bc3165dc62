"""Serial ports of this machine. pyserial finds, opens and configures them; reading and writing is ours.

pyserial's own ``read(n)`` waits for all ``n`` bytes and its ``write`` times out *after* everything was written when
the buffer is then full, so neither fits a request-and-reply link (serialposix.py, 3.5). Its exclusive lock is
``flock``: it keeps out programs that ask for it too. TIOCEXCL would keep out all, but stays set on a pseudo-terminal
when the owner was killed.
"""

import errno
import fcntl
import grp
import os
import stat
import struct
import termios
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from drivers.errors import DeviceMissing, LinkLost, ReplyTimeout, Why
from drivers.host import SerialPort
from drivers.real.adapters import MACHINE, USB, Tree, adapters
from drivers.real.holder import holder
from drivers.real.pipe import WRITE_TIMEOUT, Pipe

if TYPE_CHECKING:
    import serial

    from firmware_profiles.entry import Framing

BITS_PER_BYTE = 11
"""8N2: start, eight data, two stop bits."""

TIOCSBRK, TIOCCBRK = 0x5427, 0x5428
"""asm-generic/ioctls.h; ``termios`` does not know them."""

NAP = 0.002
"""Seconds up to which a pause sleeps in one piece: ``poll`` counts in whole milliseconds."""


class SerialLink(Pipe):
    """An open port as :class:`drivers.host.Uart`."""

    ended = "ready, but no data"  # an unplugged adapter is so for ever (pyserial 3.5 says it, too)
    stuck = "the device does not read: power it off and on, or replug it"
    check = "plug it in again, check the cable"

    def __init__(self, port: "serial.Serial", name: str, baud: int) -> None:
        super().__init__(port.fileno(), self._release, name)
        self._port = port
        self._baud = baud
        self._broken = False

    def drain(self) -> None:
        """Until the queue is empty, at most WRITE_TIMEOUT seconds. (``tcdrain`` alone has no limit.)"""
        with self._gate:
            deadline = time.monotonic() + WRITE_TIMEOUT
            while queued := self._queued():
                if time.monotonic() >= deadline:
                    raise ReplyTimeout(f"{queued} bytes did not leave {self._name} in {WRITE_TIMEOUT:g} s")
                self._gate.pause(max(0.001, queued * BITS_PER_BYTE / self._baud))
            try:
                termios.tcdrain(self._descriptor)  # the queue is empty: only the adapter's own few bytes are left
            except termios.error as error:
                raise self._gone(str(error.args[-1])) from error

    def set_break(self, on: bool) -> None:
        """TIOCSBRK and TIOCCBRK (tty_ioctl(4)). With USB adapters a control transfer, over when this returns.
        ``tcsendbreak`` would be a break of 250-500 ms. A pseudo-terminal takes it and does nothing."""
        with self._gate:
            try:
                fcntl.ioctl(self._descriptor, TIOCSBRK if on else TIOCCBRK)
            except OSError as error:
                raise self._gone(error.strerror) from error
            self._broken = on

    def set_rts(self, on: bool) -> None:
        with self._gate:
            try:
                change = termios.TIOCMBIS if on else termios.TIOCMBIC
                fcntl.ioctl(self._descriptor, change, struct.pack("i", termios.TIOCM_RTS))
            except OSError as error:
                if error.errno not in (errno.ENOTTY, errno.EINVAL):  # a pseudo-terminal has no such line
                    raise self._gone(error.strerror) from error

    def pause(self, seconds: float) -> None:
        """Never shorter: ``time.sleep`` is clock_nanosleep(2) on the monotonic clock, and resumed after signals."""
        until = time.monotonic() + seconds
        with self._gate:
            if seconds > NAP:
                self._gate.pause(seconds - NAP)
            while (rest := until - time.monotonic()) > 0:
                time.sleep(rest)

    def _queued(self) -> int:
        try:
            return int(struct.unpack("i", fcntl.ioctl(self._descriptor, termios.TIOCOUTQ, bytes(4)))[0])
        except OSError as error:
            raise self._gone(error.strerror) from error

    def _release(self) -> None:
        """Let the last frame out, then close. Without the flush a stalled port would hold ``close`` for 30 s."""
        deadline = time.monotonic() + 0.2
        try:
            if self._broken:  # closed in the middle of a break: some adapters would hold the line down
                fcntl.ioctl(self._descriptor, TIOCCBRK)
            while self._queued() and time.monotonic() < deadline:
                time.sleep(0.002)
            termios.tcflush(self._descriptor, termios.TCOFLUSH)
        except (OSError, LinkLost, termios.error):
            pass  # gone already: nothing to save
        finally:
            self._port.close()


def open_port(port: str, baud: int, framing: "Framing" = "8N2", tree: Tree = MACHINE) -> SerialLink:
    """Open ``port`` (a path, or ``usb:SERIAL``) exclusively. Raises DeviceMissing with the reason."""
    import serial

    path = choose(adapters(tree), port.removeprefix(USB)) if port.startswith(USB) else port
    try:
        opened = serial.Serial(
            path,
            baud,
            bytesize=serial.EIGHTBITS,
            parity=framing[1],
            stopbits=int(framing[2]),
            timeout=0,
            write_timeout=0,
            exclusive=True,
        )
    except (OSError, termios.error) as error:  # SerialException is an OSError
        raise _missing(port, path, error) from error
    except ValueError as error:
        raise DeviceMissing(f"{port} cannot run at {baud} Bd: {error}", "give the baud rate of its manual") from error
    with suppress(OSError, ValueError, NotImplementedError):  # not every kind of port has it
        opened.set_low_latency_mode(True)  # FTDI adapters hold answers for 16 ms otherwise
    return SerialLink(opened, port, baud)


def choose(available: Sequence[SerialPort], usb_serial: str) -> str:
    """The path of the one adapter with that USB serial number. DeviceMissing when there is none, or more than one."""
    found = [each.port for each in available if each.usb_serial == usb_serial]
    if len(found) == 1:
        return found[0]
    if found:
        raise DeviceMissing(
            f"several ports have the USB serial number {usb_serial}: {', '.join(sorted(found))}",
            "name the wanted one by its path under /dev/serial/by-path",
        )
    there = ", ".join(sorted(f"{each.usb_serial} ({each.port})" for each in available if each.usb_serial))
    raise DeviceMissing(
        f"no adapter with the USB serial number {usb_serial!r} is plugged in",
        f"plugged in: {there}" if there else "no USB serial adapter is plugged in: check cable and power",
    )


def ports() -> list[SerialPort]:
    """The serial ports that exist, USB ones with their serial number, sorted by path."""
    from serial.tools import list_ports

    try:
        found = sorted(list_ports.comports(), key=lambda each: str(each.device))
    except (OSError, TypeError, ValueError):  # no /sys; or one went while it was looked at (see adapters.py)
        return list(adapters())
    links = _links()
    counted = [each.serial_number for each in found if each.serial_number]
    listed = []
    for each in found:
        unique = each.serial_number and counted.count(each.serial_number) == 1
        description = each.description if each.description not in (None, "", "n/a") else ""
        listed.append(
            SerialPort(
                port=each.device,
                stable=f"{USB}{each.serial_number}" if unique else links.get(each.device, each.device),
                description=description,
                usb_serial=each.serial_number or "",
                vendor_id=each.vid,
                product_id=each.pid,
            )
        )
    return listed


def _links() -> dict[str, str]:
    """Device path → its link under /dev/serial/by-path (the socket it is plugged into)."""
    try:
        return {str(link.resolve()): str(link) for link in sorted(Path("/dev/serial/by-path").iterdir())}
    except OSError:
        return {}


def _missing(port: str, path: str, error: Exception) -> DeviceMissing:
    number = getattr(error, "errno", None) or (error.args[0] if error.args else None)  # termios.error has no errno
    if number == errno.ENOENT:
        remedy = "plug it in; `studio-agent devices` lists what is there"
        return DeviceMissing(f"there is no port {port}", remedy, why=Why.NOT_THERE)
    if number in (errno.EACCES, errno.EPERM):
        group = _group(path)
        return DeviceMissing(
            f"{port} may not be opened: permission denied",
            f"just plugged in: the system still sets it up, and it is tried again. Otherwise add the user to the group"
            f" {group}: sudo usermod -aG {group} $USER, then log in again",
            why=Why.NOT_ALLOWED,
        )
    if number in (errno.EAGAIN, errno.EBUSY):
        remedy = "stop the other program; one port has one owner"
        return DeviceMissing(f"{port} is in use by {holder(path)}", remedy, why=Why.IN_USE)
    if number in (errno.ENXIO, errno.ENODEV, errno.EIO, errno.EPROTO):
        return DeviceMissing(f"nothing is behind {port}", "plug it in again, check the cable", why=Why.NOT_THERE)
    if not _is_terminal(path):
        return DeviceMissing(f"{port} is not a serial port", "`studio-agent devices` lists the serial ports")
    return DeviceMissing(f"{port} cannot be opened: {error}", "`studio-agent devices` lists what is there")


MEMORY_AND_MISC = (1, 10)
"""Major numbers of /dev/null and the like."""


def _is_terminal(path: str) -> bool:
    try:
        status = Path(path).stat()
        return stat.S_ISCHR(status.st_mode) and os.major(status.st_rdev) not in MEMORY_AND_MISC
    except OSError:
        return False


def _group(path: str) -> str:
    """The group that may open the port; dialout on Debian and Ubuntu."""
    try:
        name = grp.getgrgid(Path(path).stat().st_gid).gr_name
    except (OSError, KeyError):
        return "dialout"
    return "dialout" if name == "root" else name
