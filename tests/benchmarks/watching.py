"""Watching a 1080p30 MJPEG stream at eight measurements a second: what it costs, and what it sees of the cadence.

A server in a process of its own sends photographs with noise on them, of the size a webcam's are, thirty times a
second. The peer decodes every picture, as a program does that reads OpenCV's capture in a loop.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import cv2
import numpy as np
from skimage import data

from agent.exposure.camera.insight import Insights
from agent.exposure.camera.watch import CameraWatch
from drivers.camera.metrics import measure
from drivers.camera.opencv import OpenCVCamera, OpenCVOptions
from drivers.real.host import RealHost
from tests.benchmarks.row import Row, p50, p99
from tests.processes import ROOT

SECONDS = float(os.environ.get("STUDIO_BENCH_WATCHING_SECONDS", "15"))
RATE, MEASURED = 30, 8
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=frame\r\n\r\n--frame\r\n"
SIZES = {"550": 95, "200": 80}
"""kB a picture, about, by the JPEG quality that gives it."""


MOST, SHARE = 10.0, 10 / 27
"""Per cent of a core; and the share of decoding every picture that was on the machine of the target, where that took
27 % (pictures of 544 kB)."""


def run(folder: Path) -> list[Row]:
    rows = []
    for size, quality in SIZES.items():
        with subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.watching", str(quality)], stdout=subprocess.PIPE, cwd=ROOT
        ) as server:
            try:
                assert server.stdout is not None
                url = f"http://127.0.0.1:{int(server.stdout.readline())}/"
                ours, intervals, count = watched(url, detail=False)
                full, *_ = watched(url, detail=True)
                every = peer(url)
                whole = {faces: lane(url, faces) for faces in (False, True)}
            finally:
                server.kill()
        how = (
            f"{SECONDS:g} s each, about {size} kB a picture, measure() included; at full size {full:.1f} %; "
            f"decoding every picture (cv2) {every:.1f} %"
        )
        what, target = (
            f"MJPEG 1080p30 watched at 8/s, CPU of one core, {size} kB",
            f"≤ {MOST:g} %, or {SHARE:.2f} of decoding every picture",
        )
        rows.append(Row(what, f"{ours:.1f} %", target, ours <= max(MOST, SHARE * every), how))
        how = f"faults, causes, flicker bursts, structure; looking for a face besides: {whole[True]:.1f} %"
        rows.append(Row(f"all that its lane does besides, {size} kB", f"{whole[False]:.1f} %", "", None, how))
        rows.append(
            Row(
                f"every packet stamped, {size} kB",
                f"{count / SECONDS:.1f} /s, interval {p50(intervals):.1f} ms",
                "30 /s",
                abs(count / SECONDS - RATE) < 0.5,
                f"p99 {p99(intervals):.1f} ms, longest {max(intervals):.1f} ms; the server sends every 33.3 ms",
            )
        )
    return rows


def watched(url: str, *, detail: bool) -> tuple[float, list[float], int]:
    """Per cent of a core, the intervals of the packets in ms, and how many there were."""
    camera = OpenCVCamera(OpenCVOptions(source=url, detail=detail), RealHost())
    camera.open()
    settle(lambda: camera.watch(time.monotonic() + 0.1))
    camera.stamps()
    times = []
    begun, due = time.process_time(), time.monotonic()
    until = due + SECONDS
    while due < until:
        due += 1 / MEASURED
        camera.watch(due)
        seen = measure(camera.grab().pixels, 0.18)
        if camera.price is not None:
            camera.price.undo(seen)
        times += [stamp.time for stamp in camera.stamps()]
    cost = time.process_time() - begun
    camera.close()
    return 100 * cost / SECONDS, (np.diff(times) * 1e3).tolist(), len(times)


def lane(url: str, faces: bool) -> float:
    """Per cent of a core for everything a camera's lane does."""
    host = RealHost()
    camera = OpenCVCamera(OpenCVOptions(source=url), host)
    watch = CameraWatch("cam", camera, MEASURED, lambda *_: None, host.now, Insights(faces, dict))
    watch.opened(camera.open(), host.now())
    begun = until = host.now()
    cost = time.process_time()
    while (now := host.now()) < until + SECONDS:
        if until == begun and now > begun + 5.0:  # after the stream's beginning, and with it the first look for a face
            until, cost = now, time.process_time()
        due = watch.turn(now)
        time.sleep(max(0.0, due - host.now()))
    cost = time.process_time() - cost
    camera.close()
    return 100 * cost / SECONDS


def peer(url: str) -> float:
    """Per cent of a core for decoding every picture."""
    cv2.setNumThreads(1)
    capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    assert capture.isOpened()
    settle(capture.read)
    begun, until = time.process_time(), time.monotonic() + SECONDS
    while time.monotonic() < until:
        assert capture.read()[0]
    cost = time.process_time() - begun
    capture.release()
    return 100 * cost / SECONDS


def settle(work: Callable[[], object]) -> None:
    """The burst at the beginning is not what is measured."""
    until = time.monotonic() + 2
    while time.monotonic() < until:
        work()


# --- the camera ------------------------------------------------------------------------------------------------------


def pictures(quality: int) -> list[bytes]:
    random = np.random.default_rng(5)
    found = []
    for photo in (data.astronaut(), data.coffee(), data.chelsea(), data.rocket()):
        large = cv2.resize(photo[..., ::-1], (1920, 1080), interpolation=cv2.INTER_CUBIC)
        for _ in range(4):
            noisy = np.clip(large + random.normal(0, 2.5, large.shape), 0, 255).astype(np.uint8)
            found.append(cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes())
    return found


def serve(quality: int) -> None:
    """One client after another, on an absolute grid, until killed."""
    parts = [
        b"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n--frame\r\n" % (len(each), each)
        for each in pictures(quality)
    ]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            client, _ = listener.accept()
            try:
                client.recv(4096)
                client.sendall(HEAD)
                due = time.monotonic()
                for part in cycle(parts):
                    due += 1 / RATE
                    time.sleep(max(0.0, due - time.monotonic()))
                    client.sendall(part)
            except OSError:
                client.close()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
