"""A TCP connection as a byte pipe: serial servers, and lights that speak over TCP."""

import socket

from drivers.errors import DeviceMissing, why_of
from drivers.real.net import resolve
from drivers.real.pipe import Pipe

ALIVE = 5
"""Seconds of silence after which the far end is asked by the kernel whether it is there, and once a second then."""
GONE_MS = 8000
"""Milliseconds after which one that acknowledges nothing is gone (RFC 5482): not the quarter of an hour that the kernel
takes by itself, in which a light that never answers would seem to be told what it is told."""


class StreamLink(Pipe):
    """An open connection as :class:`drivers.host.Link`."""

    ended = "closed by the far end"
    stuck = "the far end does not read: power it off and on"
    check = "check its power and the network cable"

    def __init__(self, opened: socket.socket, name: str) -> None:
        opened.setblocking(False)
        super().__init__(opened.fileno(), opened.close, name)

    def drain(self) -> None:
        """Nothing gathers here: TCP_NODELAY is set, and the kernel sends at once."""


def open_stream(host: str, port: int, timeout: float) -> StreamLink:
    """Connect within ``timeout`` seconds. Raises DeviceMissing with the reason."""
    address, name = resolve(host), f"{host}:{port}"
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        opened.settimeout(timeout)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, ALIVE)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, GONE_MS)
        opened.connect((address, port))
        return StreamLink(opened, name)
    except OSError as error:
        opened.close()
        said = f"no answer in {timeout:g} s" if isinstance(error, TimeoutError) else error.strerror or str(error)
        raise DeviceMissing(
            f"{name} cannot be reached: {said}", "check address and port, power and network", why=why_of(error)
        ) from error
    except BaseException:
        opened.close()
        raise
