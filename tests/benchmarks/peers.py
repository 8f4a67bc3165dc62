"""Who else sends DMX from Python, and nobody at all.

``python -m tests.benchmarks.peers NAME ADDRESS UNIVERSES SECONDS``:

512 slots a universe, every frame another one, 44 frames a second, unicast. ``bare`` is a loop that sends ready packets
at absolute times: what the machine can do. ``pyartnet-fade``: its own fade of so many seconds. Ends by itself.
"""

import asyncio
import gc
import socket
import sys
import time

RATE = 44.0


def bare(address: str, universes: int, seconds: float) -> None:
    packets = [bytearray(638) for _ in range(universes)]
    for number, packet in enumerate(packets, 1):
        packet[18:22] = (4).to_bytes(4, "big")
        packet[113:115] = number.to_bytes(2, "big")
    out = socket.socket(type=socket.SOCK_DGRAM)
    to = (address, 5568)
    gc.disable()
    began = time.monotonic()
    for beat in range(int(seconds * RATE)):
        time.sleep(max(0.0, began + beat / RATE - time.monotonic()))
        for packet in packets:
            packet[126:128] = (beat % 65536).to_bytes(2, "big")
            packet[111] = beat & 0xFF
            out.sendto(packet, to)


def python_sacn(address: str, universes: int, seconds: float) -> None:
    """Its own thread, as its README shows."""
    import sacn

    sender = sacn.sACNsender("127.0.0.1", 0, fps=int(RATE), universeDiscovery=False)
    sender.start()
    for number in range(1, universes + 1):
        sender.activate_output(number)
        sender[number].destination = address
    until = time.monotonic() + seconds
    beat = 0
    while time.monotonic() < until:
        beat += 1
        for number in range(1, universes + 1):
            sender[number].dmx_data = (beat >> 8 & 0xFF, beat & 0xFF, *[beat & 0xFF] * 510)
        time.sleep(1 / RATE)
    sender.stop()


async def pyartnet(address: str, universes: int, seconds: float, fade: bool = False) -> None:
    from pyartnet import SacnNode

    node = SacnNode.create(address, 5568, source_ip="127.0.0.1", max_fps=int(RATE))
    async with node:
        channels = [node.add_universe(n).add_channel(start=1, width=512) for n in range(1, universes + 1)]
        if fade:
            for channel in channels:
                channel.set_fade([255] * 512, int(seconds * 1000))
            for channel in channels:
                await channel
            return
        until = time.monotonic() + seconds
        beat = 0
        while time.monotonic() < until:
            beat += 1
            for channel in channels:
                channel.set_values([beat >> 8 & 0xFF, *[beat & 0xFF] * 511])
            await asyncio.sleep(1 / RATE)


def stupid_artnet(address: str, universes: int, seconds: float) -> None:
    from stupidArtnet import StupidArtnet

    senders = [StupidArtnet(address, number, 512, int(RATE), True, False) for number in range(1, universes + 1)]
    for sender in senders:
        sender.start()
    until = time.monotonic() + seconds
    beat = 0
    while time.monotonic() < until:
        beat += 1
        for sender in senders:
            sender.set(bytearray([beat >> 8 & 0xFF, *[beat & 0xFF] * 511]))
        time.sleep(1 / RATE)
    for sender in senders:
        sender.stop()


def main(name: str, address: str, universes: int, seconds: float) -> None:
    if name == "bare":
        bare(address, universes, seconds)
    elif name == "sacn":
        python_sacn(address, universes, seconds)
    elif name == "stupidArtnet":
        stupid_artnet(address, universes, seconds)
    else:
        asyncio.run(pyartnet(address, universes, seconds, fade=name == "pyartnet-fade"))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
