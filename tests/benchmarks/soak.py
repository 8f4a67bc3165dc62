"""A camera stream that misbehaves in every way we know, watched for ten minutes by a lane as the service's.

``STUDIO_BENCH_SOAK_SECONDS`` makes it shorter. The stream comes from a process of its own; what is counted is of this
one. Memory is compared between the second and the last quarter: the first is for buffers to find their size.
"""

import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from agent.runtime.back_off import BackOff
from agent.runtime.lane import Health, Lane
from drivers.base import Identity
from drivers.camera.metrics import measure
from drivers.camera.opencv import OpenCVCamera, OpenCVOptions
from drivers.real.host import RealHost
from tests.benchmarks.idle import resident
from tests.benchmarks.row import Row, p50
from tests.processes import ROOT

SECONDS = float(os.environ.get("STUDIO_BENCH_SOAK_SECONDS", "600"))


class Watching:
    """The lane's work, and how it went."""

    def __init__(self, camera: OpenCVCamera) -> None:
        self.camera = camera
        self.pictures = self.packets = self.opened_times = 0
        self.longest = 0.0
        """Seconds of the longest turn."""
        self._due = 0.0

    def opened(self, identity: Identity, now: float) -> None:
        self.opened_times += 1
        self._due = now

    def turn(self, now: float) -> float:
        begun = time.monotonic()
        try:
            self.camera.watch(self._due)
            measure(self.camera.grab().pixels, 0.18)
        finally:
            self.longest = max(self.longest, time.monotonic() - begun)
        self.pictures += 1
        self.packets += len(self.camera.stamps())
        self._due = max(self._due + 0.125, time.monotonic())
        return now


def run(folder: Path) -> list[Row]:
    reasons: Counter[str] = Counter()
    bugs: list[BaseException] = []

    def tell(name: str, health: Health) -> None:
        if health.state == "offline":
            reasons[health.reason.partition(":")[2][-60:] or health.reason[-60:]] += 1

    with subprocess.Popen([sys.executable, "-m", "tests.benchmarks.soak"], stdout=subprocess.PIPE, cwd=ROOT) as server:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/"
        camera = OpenCVCamera(OpenCVOptions(source=url), RealHost())
        work = Watching(camera)
        back_off = BackOff(0.05, 0.1)  # the service waits longer: here it should meet as much as it can
        lane = Lane(
            "soak",
            camera,
            work,
            now=time.monotonic,
            tell=tell,
            bug=lambda name, error: bugs.append(error),
            back_off=back_off,
            log=Silent(),
        )
        memory, descriptors, threads = [], [], []
        lane.start()
        until = time.monotonic() + SECONDS
        while time.monotonic() < until and not bugs:
            time.sleep(SECONDS / 600)
            memory.append(resident(os.getpid()))
            descriptors.append(len(list(Path("/proc/self/fd").iterdir())))
            threads.append(threading.active_count())
        lane.request_stop()
        ended = lane.join(5.0)
        server.kill()
    for reason, times in reasons.most_common():
        print(f"  {times:5d}  {reason}", file=sys.stderr)
    quarter = len(memory) // 4
    before, after = memory[quarter : 2 * quarter], memory[-quarter:]
    growth = p50(after) - p50(before)
    widest = max(descriptors) - min(descriptors)
    how = (
        f"{SECONDS:g} s, {work.packets} packets, {work.pictures} measured, opened {work.opened_times} times, "
        f"{len(reasons)} reasons for being offline"
    )
    sound = not bugs and ended and work.pictures > 0
    return [
        Row("misbehaving stream, memory", f"{growth:+.1f} MiB", "≤ 4 MiB", sound and growth <= 4.0, how),
        Row(
            "misbehaving stream, descriptors and threads",
            f"{descriptors[quarter]} to {descriptors[-1]} (± {widest}), {threads[quarter]} to {threads[-1]}",
            "none more",
            max(descriptors[-quarter:]) <= max(descriptors[quarter : 2 * quarter]) and threads[-1] <= threads[quarter],
            f"crashes: {len(bugs)}" + "".join(f" {error!r}" for error in bugs),
        ),
        Row(
            "misbehaving stream, longest turn", f"{work.longest:.2f} s", "≤ 2 s", work.longest <= 2.0, "watch and read"
        ),
    ]


class Silent:
    """Thousands of lines nobody reads."""

    def info(self, event: str, **fields: object) -> None: ...
    def warning(self, event: str, **fields: object) -> None: ...
    def exception(self, event: str, **fields: object) -> None: ...


# --- the stream ------------------------------------------------------------------------------------------------------

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=frame\r\n\r\n--frame\r\n"


def jpeg(size: tuple[int, int], *how: int, grey: bool = False) -> bytes:
    pixels = np.random.default_rng(size[0]).integers(0, 256, (size[1] // 8 + 1, size[0] // 8 + 1, 3), dtype=np.uint8)
    pixels = cv2.resize(pixels, size)
    return cv2.imencode(".jpg", pixels[..., 0] if grey else pixels, list(how))[1].tobytes()


def part(picture: bytes, length: int | None = None) -> bytes:
    said = len(picture) if length is None else length
    head = b"Content-Length: %d\r\n" % said if said >= 0 else b""
    return b"Content-Type: image/jpeg\r\n" + head + b"\r\n" + picture + b"\r\n--frame\r\n"


def acts(chance: random.Random) -> Iterator[tuple[bytes, list[bytes], float]]:
    """What one connection gets: a head, then the pieces, so many seconds apart. In turn, so that all are met."""
    good, small, large = jpeg((1920, 1080)), jpeg((320, 180)), jpeg((7680, 4320))
    cut, noise = (
        good[: len(good) // 2],
        b"\xff\xd8\xff" + chance.randbytes(50_000).replace(b"\xff", b"\0") + b"\xff\xd9",
    )
    bomb = good.replace(good[good.index(b"\xff\xc0") + 5 :][:4], b"\xff\xff\xff\xff", 1)
    usual = [part(good)] * 12
    yield from (
        (HEAD, usual, 0.03),
        (HEAD, [part(good), part(cut, len(cut)), part(cut, len(good)), part(cut, -1)] * 4, 0.03),
        (HEAD, [part(good), *[part(cut)] * 30], 0.03),
        (HEAD, [part(good, 1000), part(good, len(good) + 5000), part(good, 99_999_999)] * 4, 0.03),
        (HEAD, [part(good), part(small), part(jpeg((1280, 720)))] * 5, 0.03),
        (HEAD, [part(small), *[part(jpeg((1, 1)))] * 30], 0.03),
        (HEAD, [part(large)] * 3, 0.3),
        (HEAD, [part(small), *[part(bomb)] * 20], 0.03),
        (HEAD, [part(small), *[part(noise)] * 20], 0.03),
        (
            HEAD,
            [part(jpeg((1920, 1080), grey=True)), part(jpeg((1920, 1080), cv2.IMWRITE_JPEG_PROGRESSIVE, 1))] * 6,
            0.03,
        ),
        (HEAD, [part(good), good[:-2], *[chance.randbytes(2**20).replace(b"\xff\xd9", b"\0\0")] * 60], 0.02),
        (HEAD, [part(small)] * 300, 0.0),
        (HEAD, [part(good)], 2.5),
        (HEAD, [], 2.5),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>", [], 0.0),
        (b"HTTP/1.1 200 OK\r\n", [b"X-Never: ends\r\n" * 100] * 200, 0.0),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", [], 0.0),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\n\r\n", [], 0.0),
        (b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n\r\n", [chance.randbytes(65536)] * 5, 0.01),
        (HEAD.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n", 1), [b"zz\r\n" + part(good)], 0.01),
        (b"", [], 0.0),
        (chance.randbytes(3000), [], 0.0),
    )


def serve() -> None:
    chance = random.Random(7)
    every = list(acts(chance))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        number = 0
        while True:
            client, _ = listener.accept()
            client.settimeout(3.0)
            head, pieces, gap = every[number % len(every)]
            number += 1
            try:
                client.recv(4096)
                client.sendall(head)
                for piece in pieces:
                    client.sendall(piece)
                    time.sleep(gap)
                if not pieces:
                    time.sleep(gap)
            except OSError:
                pass
            client.close()


if __name__ == "__main__":
    serve()
