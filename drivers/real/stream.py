"""A TCP connection as a byte pipe: serial servers, and lights that speak over TCP."""

import select
import socket
import time

from drivers.errors import DeviceMissing, LinkLost, ReplyTimeout
from drivers.real.gate import Gate
from drivers.real.net import resolve

WRITE_TIMEOUT = 0.5
"""Seconds a write may take: the far end's window is then full."""


class StreamLink:
    """An open connection as :class:`drivers.host.Link`."""

    def __init__(self, opened: socket.socket, name: str) -> None:
        opened.setblocking(False)
        self._socket = opened
        self._name = name
        self._gate = Gate(opened.fileno(), opened.close, name)

    def read(self, size: int, timeout: float) -> bytes:
        """1…``size`` bytes as soon as any are there, ``b""`` after ``timeout`` seconds."""
        if size < 1:
            return b""
        deadline = time.monotonic() + timeout
        with self._gate:
            while True:
                try:
                    received = self._socket.recv(size)
                except BlockingIOError:
                    if not self._gate.wait(select.POLLIN, deadline - time.monotonic()):
                        return b""
                    continue
                except OSError as error:
                    raise self._gone(error.strerror) from error
                if not received:
                    raise self._gone("closed by the far end")
                return received

    def write(self, data: bytes) -> None:
        """All of ``data``, within WRITE_TIMEOUT seconds or ReplyTimeout."""
        deadline = time.monotonic() + WRITE_TIMEOUT
        rest = memoryview(data)
        with self._gate:
            while rest:
                try:
                    rest = rest[self._socket.send(rest) :]
                except BlockingIOError:
                    if not self._gate.wait(select.POLLOUT, deadline - time.monotonic()):
                        raise ReplyTimeout(f"{self._name} took no more data in {WRITE_TIMEOUT:g} s") from None
                except OSError as error:
                    raise self._gone(error.strerror) from error

    def drain(self) -> None:
        """Nothing gathers here: TCP_NODELAY is set, and the kernel sends at once."""

    def close(self) -> None:
        self._gate.shut()

    def _gone(self, why: str | None) -> LinkLost:
        return LinkLost(f"{self._name} is gone: {why or 'connection error'}", "check its power and the network cable")


def open_stream(host: str, port: int, timeout: float) -> StreamLink:
    """Connect within ``timeout`` seconds. Raises DeviceMissing with the reason."""
    address, name = resolve(host), f"{host}:{port}"
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        opened.settimeout(timeout)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.connect((address, port))
        return StreamLink(opened, name)
    except OSError as error:
        opened.close()
        why = f"no answer in {timeout:g} s" if isinstance(error, TimeoutError) else error.strerror or str(error)
        raise DeviceMissing(f"{name} cannot be reached: {why}", "check address and port, power and network") from error
    except BaseException:
        opened.close()
        raise
