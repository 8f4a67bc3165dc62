"""``python -m agent.cli.broker --port N``: the demo's MQTT broker, a process of its own on the loopback interface.

Says ``ready PORT`` on standard output and lives until its standard input ends: the pipe to it closes however its
parent ends, so it cannot be left behind. Where there is no pipe or terminal it lives until SIGTERM. For the demo only:
it keeps nothing on disk and lets everybody in.
"""

import argparse
import asyncio
import logging
import os
import signal
import socket
import stat
import sys


def main() -> int:
    """0 after an orderly end, 69 when the port is taken."""
    parser = argparse.ArgumentParser(prog="python -m agent.cli.broker")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    port = parser.parse_args().port
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which says goodbye over us first
    logging.basicConfig(level=logging.CRITICAL)
    return asyncio.run(_serve(port or _free()))


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _serve(port: int) -> int:
    from amqtt.broker import Broker
    from amqtt.errors import BrokerError

    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
    )
    try:
        await broker.start()
    except BrokerError as error:
        sys.stderr.write(f"broker: port {port}: {error}\n")
        return os.EX_UNAVAILABLE
    sys.stdout.write(f"ready {port}\n")
    sys.stdout.flush()
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def readable() -> None:
        if not os.read(0, 4096):
            ended.set()

    kind = os.fstat(0).st_mode
    if stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind) or os.isatty(0):  # a file or /dev/null can neither be watched nor end
        loop.add_reader(0, readable)
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    # All connections are on this machine and it keeps nothing: there is nothing to wait for.
    os._exit(os.EX_OK)


if __name__ == "__main__":
    sys.exit(main())
