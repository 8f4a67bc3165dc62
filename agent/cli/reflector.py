"""``studio-agent reflector``: the STAMP reflector of drivers/network, for a far end without one of its own."""

import argparse
import os
import signal

from agent.cli.parser import complain, port_or_any


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bind", default="0.0.0.0", help="local IPv4 address (default: all)")  # noqa: S104 - a server
    parser.add_argument("--port", type=port_or_any, default=862, help="UDP port; 0: any free one (default: 862)")


def run(options: argparse.Namespace) -> int:
    """Serves until SIGTERM or SIGINT, then 0; 69 when the port cannot be had."""
    from drivers.errors import DriverError
    from drivers.network.reflector import serve
    from drivers.real.host import RealHost

    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda got, _frame: asked.append(got))
    try:
        serve(
            RealHost(),
            (options.bind, options.port),
            lambda: bool(asked),
            lambda bound: print(f"reflector ready on {bound[0]}:{bound[1]}", flush=True),
        )
    except DriverError as error:
        complain(f"studio-agent reflector: {error.reason}{' – ' + error.remedy if error.remedy else ''}")
        return os.EX_UNAVAILABLE
    return os.EX_OK
