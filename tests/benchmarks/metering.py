"""Metering of one decoded frame, beside touching every byte once (the floor no metering of the whole can beat),
scikit-image and ffmpeg; how right it is on real photographs; and signalstats' numbers, ours against ffmpeg's."""

import math
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from skimage.color import rgb2gray
from skimage.exposure import histogram

from drivers.base import Picture
from drivers.camera.metrics import SRGB, measure
from drivers.camera.presenter import PERIOD, SEARCH_PERIOD, detector
from drivers.camera.reduction import price
from drivers.camera.response import find
from drivers.camera.signal import Planes, from_bgr, statistics
from drivers.real import decode
from tests.benchmarks.row import Row, p50
from tests.drivers.camera.bracket import CURVES, scene, shoot
from tests.drivers.camera.photographs import NAMES, mosaic, original, photograph
from tests.drivers.camera.test_metrics import truth
from tests.drivers.camera.test_signal import printed, signalstats

SIZES = {"1080p": (1920, 1080), "4K": (3840, 2160)}
JUDGED = {"960x540": (960, 540), **SIZES}
"""960 x 540 is also what JPEG pictures of 1080p and 4K are decoded at, where that is near enough."""
TARGET = {"1080p": 0.35, "4K": 1.1}
"""Milliseconds, on a quiet machine: one that touches every byte of such a frame once in ``QUIET``."""
QUIET = {"1080p": 0.17, "4K": 0.72}
MOST_MEMORY = 400e6


def run(folder: Path) -> list[Row]:
    cv2.setNumThreads(1)
    rows = []
    for name, size in SIZES.items():
        rows.append(cost(name, size, folder))
    rows += [accuracy(name, size) for name, size in JUDGED.items()]
    rows += [row for name, size in SIZES.items() for row in reduced(name, size)]
    rows += [same_as_ffmpeg(), curve(), face()]
    return rows


def cost(name: str, size: tuple[int, int], folder: Path) -> Row:
    width, height = size
    copies = math.ceil(min(MOST_MEMORY, 1.1 * last_level_cache()) / (3 * width * height))
    frames = [np.roll(photograph(NAMES[at % len(NAMES)], *size), at, axis=1) for at in range(max(6, copies))]
    before = measure(frames[0], 0.18)
    ours: list[float] = []
    touch: list[float] = []
    for _ in range(5):  # in turn, so that a neighbour's load hits both
        touch += each(frames, lambda frame: cv2.norm(frame, cv2.NORM_L1))
        ours += each(frames, lambda frame: measure(frame, 0.18, before=before))
    skimage = each(frames[:4], lambda frame: (histogram(rgb2gray(frame[:, :, ::-1]) * 255), frame.mean()))
    ffmpeg = signalstats_cost([from_bgr(frame) for frame in frames[:6]], folder)
    allowed = max(TARGET[name], TARGET[name] / QUIET[name] * p50(touch))
    return Row(
        f"metering a {name} frame, all metrics but the face",
        f"{p50(ours):.2f} ms",
        f"≤ {TARGET[name]} ms, or {TARGET[name] / QUIET[name]:.2f} of touching every byte",
        p50(ours) <= allowed,
        f"median of {len(ours)}, best {min(ours):.2f}; touching every byte {p50(touch):.2f} (best {min(touch):.2f}), "
        f"scikit-image {p50(skimage):.0f}, ffmpeg signalstats {ffmpeg:.1f} ms",
    )


def accuracy(name: str, size: tuple[int, int]) -> Row:
    ev, clipped, crushed, averaged, grey = [], [], [], [], []
    for photo in NAMES:
        pixels = photograph(photo, *size)
        light, clip, crush = truth(pixels)
        seen = measure(pixels, 1.0)
        ev.append(abs(seen.ev - math.log2(light)))
        clipped.append(abs(seen.clipped - clip))
        crushed.append(abs(seen.crushed - crush))
        small = cv2.resize(pixels, None, fx=1 / 8, fy=1 / 8, interpolation=cv2.INTER_AREA)
        averaged.append(abs(math.log2(truth(small)[0] / light)))
        code = round(float(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY).mean()))
        grey.append(abs(math.log2(float(SRGB[code]) / light)))
    return Row(
        f"EV, clipped and crushed of {len(NAMES)} photographs at {name}, against all pixels in linear light",
        f"{max(ev):.3f} stop, {max(clipped):.2f}, {max(crushed):.2f} points",
        "≤ 0.02 stop, ≤ 0.15 points",
        max(ev) <= 0.02 and max(*clipped, *crushed) <= 0.15,
        f"worst; mean {sum(ev) / len(ev):.4f} stop; area-averaged 1/8 {max(averaged):.3f}, "
        f"mean of the grey codes {max(grey):.2f} stop",
    )


def reduced(name: str, size: tuple[int, int]) -> list[Row]:
    """JPEG decoded at a reduced size, with what that costs taken back by a whole picture of the same scene."""
    rows = []
    for what, made in (("photographs", photograph), ("mosaics of them, the hardest texture", mosaic)):
        before, after, at_full = [], [], []
        for photo in NAMES:
            _, coded = cv2.imencode(".jpg", made(photo, *size), [cv2.IMWRITE_JPEG_QUALITY, 90])
            whole, small = decode.jpeg(coded.tobytes())[0], decode.jpeg(coded.tobytes(), detail=False)[0]
            light, *areas = truth(whole)
            seen = measure(small, 1.0)
            put_right = price(whole, (small.shape[1], small.shape[0])).undo(seen)
            for found, kept in ((seen, before), (put_right, after), (measure(whole, 1.0), at_full)):
                off = found.ev - math.log2(light), found.clipped - areas[0], found.crushed - areas[1]
                kept.append([abs(each) for each in off])
        worst = [max(each) for each in zip(*after, strict=True)]
        photographs = made is photograph
        rows.append(
            Row(
                f"the same of {len(NAMES)} {what}, JPEG {name} decoded at a reduced size",
                _said(after),
                "≤ 0.02 stop, ≤ 0.15 points clipped" if photographs else "",
                worst[0] <= 0.02 and worst[1] <= 0.15 if photographs else None,
                f"worst; what reducing costs not taken back {_said(before)}; decoded at full size {_said(at_full)}",
            )
        )
    return rows


def _said(errors: Sequence[Sequence[float]]) -> str:
    ev, clipped, crushed = (max(each) for each in zip(*errors, strict=True))
    return f"{ev:.3f} stop, {clipped:.2f}, {crushed:.2f} points"


def same_as_ffmpeg() -> Row:
    pictures = [from_bgr(photograph(name)) for name in NAMES]
    said = signalstats(pictures)
    differ = values = 0
    took = []
    before: Planes | None = None
    for planes, numbers in zip(pictures, said, strict=True):
        begun = time.perf_counter()
        ours = statistics(planes, before)
        took.append((time.perf_counter() - begun) * 1e3)
        values += len(numbers)
        differ += sum(value != numbers.get(name) for name, value in printed(ours).items())
        before = planes
    return Row(
        "statistics at full resolution against ffmpeg signalstats, 1080p",
        f"{differ} of {values} values differ",
        "none, to print rounding",
        differ == 0,
        f"{len(pictures)} photographs; ours {p50(took):.1f} ms a frame",
    )


def curve() -> Row:
    stops = (-4.0, -3.0, -2.0, -1.0, 0.0, 1.0)
    light = scene("motorcycle_left.png", 1280, 720)
    worst, assumed = [], []
    for encode in CURVES.values():
        response = find([shoot(light, at, encode, seed) for seed, at in enumerate(stops)], stops)
        for half in (-3.5, -2.5):
            one, other = shoot(light, half, encode, 50), shoot(light, half + 0.5, encode, 51)
            for table, errors in ((response.tables, worst), (SRGB, assumed)):
                step = measure(other, 1.0, curve=table).ev - measure(one, 1.0, curve=table).ev
                errors.append(abs(step - 0.5) / 0.5)
    return Row(
        "camera curve from 6 noisy JPEGs, on pictures it did not see",
        f"{max(worst):.3f} stop per stop",
        "≤ 0.05",
        max(worst) <= 0.05,
        f"worst of {len(CURVES)} curves; sRGB assumed {max(assumed):.2f}",
    )


def face() -> Row:
    cascade = detector()
    assert cascade is not None
    pixels = cv2.resize(original("astronaut.png"), (1080, 1080))
    wide = np.hstack([pixels, pixels[:, ::-1]])[:, :1920]
    (box, *_) = cascade.faces(wide)
    near = each([wide] * 9, lambda frame: cascade.faces(frame, box))
    whole = each([photograph("coffee.png")] * 5, cascade.faces)
    share = max(p50(near) / PERIOD, p50(whole) / SEARCH_PERIOD) / 10
    return Row(
        "looking for the presenter's face, 1080p, as often as it is done",
        f"{share:.1f} % of a core",
        "",
        None,
        f"near its place {p50(near):.0f} ms every {PERIOD} s; nobody in the whole picture {p50(whole):.0f} ms every "
        f"{SEARCH_PERIOD} s",
    )


def signalstats_cost(pictures: Sequence[Planes], folder: Path, frames: int = 30) -> float:
    """Milliseconds a frame of ffmpeg on one thread, less those of reading alone."""
    raw = folder / "planes.yuv"
    with raw.open("wb") as out:
        for at in range(frames):
            for plane in pictures[at % len(pictures)]:
                out.write(plane.tobytes())
    height, width = pictures[0].y.shape
    command = ["ffmpeg", "-loglevel", "error", "-nostdin", "-threads", "1", "-filter_threads", "1", "-f", "rawvideo"]
    command += ["-pix_fmt", "yuv420p", "-s", f"{width}x{height}", "-i", str(raw), "-vf"]
    took = []
    for filters in ("signalstats", "null"):
        best = math.inf
        for _ in range(2):
            begun = time.perf_counter()
            subprocess.run([*command, filters, "-f", "null", "-"], check=True)
            best = min(best, time.perf_counter() - begun)
        took.append(best)
    raw.unlink()
    return 1e3 * (took[0] - took[1]) / frames


def last_level_cache() -> float:
    """Bytes; 64 MB where the machine does not say."""
    found = 0.0
    for entry in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"):
        text = entry.read_text().strip()
        found = max(found, float(text[:-1]) * {"K": 1024.0, "M": 1048576.0}.get(text[-1], 0.0))
    return found or 64e6


def each(frames: list[Picture], work: Callable[[Picture], object], rounds: int = 1) -> list[float]:
    """Milliseconds of each call; frames are cycled through more memory than the caches hold."""
    took = []
    for _ in range(rounds):
        for frame in frames:
            begun = time.perf_counter()
            work(frame)
            took.append((time.perf_counter() - begun) * 1e3)
    return took
