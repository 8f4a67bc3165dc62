"""Hears DMX on one loopback address, with the kernel's own time of each packet.

``python -m tests.benchmarks.ear ADDRESS FILE``: sACN (5568) and Art-Net (6454); says ``ready``, and writes FILE (.npy)
when its input ends: one row a packet: seconds since 1970, universe, first two slots as one number.
"""

import os
import selectors
import socket
import struct
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np

SO_TIMESTAMPNS = 35
SO_RCVBUFFORCE = 33
ROOM = 1 << 26


def main(address: str, file: Path) -> None:
    rows: list[tuple[float, int, int]] = []
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    waiting = selectors.DefaultSelector()
    for port, universe, slots, little in ((5568, 113, 126, False), (6454, 14, 18, True)):
        ear = socket.socket(type=socket.SOCK_DGRAM)
        ear.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        with suppress(OSError):
            ear.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
        ear.bind((address, port))
        ear.setblocking(False)
        waiting.register(ear, selectors.EVENT_READ, (universe, slots, little))
    waiting.register(sys.stdin, selectors.EVENT_READ)
    print("ready", flush=True)
    while True:
        for key, _ in waiting.select():
            if key.fileobj is sys.stdin:
                np.save(file, np.array(rows).reshape(-1, 3))
                return
            assert isinstance(key.fileobj, socket.socket)
            universe, slots, little = key.data
            with suppress(BlockingIOError):
                while True:
                    data, ancillary, _, _ = key.fileobj.recvmsg(1024, 64)
                    seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
                    number = int.from_bytes(data[universe : universe + 2], "little" if little else "big")
                    if len(data) > slots + 1:
                        rows.append((seconds + nanoseconds / 1e9, number, data[slots] << 8 | data[slots + 1]))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
