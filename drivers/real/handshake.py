"""The TCP handshake as a measurement."""

import socket
import struct
import time

from drivers.errors import LinkLost, Refused, ReplyTimeout
from drivers.real.net import resolve

TCPI_RTT = 68
"""Offset of ``tcpi_rtt`` (microseconds, u32) in ``struct tcp_info`` (linux/tcp.h)."""


def connect(host: str, port: int, timeout: float) -> float:
    """Seconds of a TCP handshake with ``host``:``port``: the kernel's own figure (TCP_INFO) where it has one.

    DeviceMissing: the name has no address; Refused; LinkLost: no way there; ReplyTimeout: silence."""
    address = resolve(host)
    place = f"{host}:{port}"
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as opened:
        opened.settimeout(timeout)
        started = time.monotonic()
        try:
            opened.connect((address, port))
        except TimeoutError:
            raise ReplyTimeout(f"{place} did not answer in {timeout:g} s", "check the port and the firewall") from None
        except ConnectionRefusedError:
            raise Refused(f"{place} refuses connections", "is the service running there? check the port") from None
        except OSError as error:
            raise LinkLost(f"{place} cannot be reached: {error.strerror}", "check cable, route and gateway") from error
        took = time.monotonic() - started
        try:
            info = opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCPI_RTT + 4)
        except OSError:
            return took
    kernel = float(struct.unpack_from("=I", info, TCPI_RTT)[0]) / 1e6 if len(info) >= TCPI_RTT + 4 else 0.0
    return kernel if 0 < kernel <= took else took
