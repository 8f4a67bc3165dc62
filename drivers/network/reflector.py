"""A STAMP reflector, stateful (RFC 8762 4.3): something for our probe, or anybody's, to measure against.

    python -m drivers.network.reflector --bind 127.0.0.1 --port 8862

T2 is the kernel's receive stamp and T3 is taken just before sending, so the time Python needs is told and does not
count as network. Both are monotonic times plus one offset, so that setting the clock cannot come between them.
"""

import argparse
import signal
import sys
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial

from drivers.errors import DriverError
from drivers.host import Endpoint, Host
from drivers.network import stamp_codec as codec

SESSIONS = 1024
"""Sessions counted at a time; the one unused longest is forgotten and would start again at 0."""


class Reflector:
    """The protocol, without a socket: request in, reply out. A session is a sender's address, port and SSID."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._sessions: OrderedDict[tuple[Endpoint, int], int] = OrderedDict()

    def answer(
        self, data: bytes, source: Endpoint, received: float, ttl: int | None, clock: Callable[[], float]
    ) -> bytes | None:
        """The reply, never longer than the request, or ``None``. ``received`` is T2, ``clock()`` at the end T3, both
        in seconds since 1970.

        A datagram *from* a reflector's port gets no answer: two reflectors would play ping-pong for ever."""
        if source[1] in (self._port, codec.PORT):
            return None
        request = codec.decode_request(data)
        if request is None:
            return None
        session = (source, request.session)
        number = self._sessions.pop(session, 0)
        self._sessions[session] = (number + 1) & 0xFFFFFFFF
        if len(self._sessions) > SESSIONS:
            self._sessions.popitem(last=False)
        return codec.Reply(
            sequence=number,
            received=codec.to_stamp(received),
            sender_sequence=request.sequence,
            sender_sent=request.sent,
            sender_error=request.error,
            session=request.session,
            sender_ttl=ttl or 0,
            tlvs=codec.reflected(request.tlvs),
            sent=codec.to_stamp(clock()),
        ).encode()


def serve(
    host: Host, bind: Endpoint, stop: Callable[[], bool], ready: Callable[[Endpoint], None] = lambda _bound: None
) -> None:
    """Reflect until ``stop()`` says so (asked five times a second). ``ready`` is told the bound address.

    Raises DeviceMissing when the port cannot be had, LinkLost when the socket dies."""
    datagrams = host.udp(bind, ttl=codec.TTL)
    try:
        reflector = Reflector(datagrams.local[1])
        ready(datagrams.local)
        while not stop():
            datagram = datagrams.receive(0.2)
            if datagram is None:
                continue
            offset = _offset(host)
            reply = reflector.answer(
                datagram.data,
                datagram.source,
                datagram.received + offset,
                datagram.ttl,
                partial(_on_wall, host, offset),
            )
            if reply is None:
                continue
            try:
                datagrams.send(reply, datagram.source)
            except DriverError:
                continue  # that sender cannot be reached just now; the others can
    finally:
        datagrams.close()


def _offset(host: Host) -> float:
    """From the monotonic to the wall clock: of three looks the one least interrupted (the smallest: ``now`` first)."""
    return min(-host.now() + host.wall() for _ in range(3))


def _on_wall(host: Host, offset: float) -> float:
    return host.now() + offset


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve on this machine until SIGTERM or SIGINT; one line on standard output when ready."""
    from drivers.real.host import RealHost

    parser = argparse.ArgumentParser(prog="reflector", description="STAMP reflector (RFC 8762)")
    parser.add_argument("--bind", default="0.0.0.0", help="local IPv4 address (default: all)")  # noqa: S104 - a server
    parser.add_argument("--port", type=int, default=codec.PORT, help="UDP port, 0: any free one (default: 862)")
    options = parser.parse_args(arguments)
    if not 0 <= options.port <= 65535:
        parser.error(f"--port {options.port}: a UDP port is 0 to 65535")
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda got, _frame: asked.append(got))

    def ready(bound: Endpoint) -> None:
        sys.stdout.write(f"reflector ready on {bound[0]}:{bound[1]}\n")
        sys.stdout.flush()

    try:
        serve(RealHost(), (options.bind, options.port), lambda: bool(asked), ready)
    except DriverError as error:
        sys.stderr.write(f"reflector: {error.reason}{' – ' + error.remedy if error.remedy else ''}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
