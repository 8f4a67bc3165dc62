"""Statistics of every sample against ffmpeg's ``signalstats`` on the same planes, to the last digit it prints."""

import subprocess
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from drivers.camera.signal import Planes, Signal, from_bgr, statistics
from tests.drivers.camera.photographs import photograph

FFMPEG = ("ffmpeg", "-hide_banner", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "yuv420p")
FILTER = ("-vf", "signalstats,metadata=print:file=-", "-f", "null", "-")


def signalstats(pictures: Sequence[Planes]) -> list[dict[str, float]]:
    """What ffmpeg prints of each, as names and numbers."""
    height, width = pictures[0].y.shape
    raw = b"".join(plane.tobytes() for planes in pictures for plane in planes)
    command = [*FFMPEG, "-s", f"{width}x{height}", "-i", "-", *FILTER]
    printed = subprocess.run(command, input=raw, stdout=subprocess.PIPE, check=True).stdout.decode()
    found: list[dict[str, float]] = []
    for line in printed.splitlines():
        name, is_number, value = line.partition("=")
        if is_number:
            found[-1][name.removeprefix("lavfi.signalstats.")] = float(value)
        else:
            found.append({})
    return found


def printed(signal: Signal) -> dict[str, float]:
    return {name: float(f"{value:g}") for name, value in signal.named()}


def measured(pictures: Sequence[Planes]) -> Iterator[Signal]:
    before = None
    for planes in pictures:
        yield statistics(planes, before)
        before = planes


def noise_planes(width: int, height: int, seed: int) -> Planes:
    random = np.random.default_rng(seed)
    half = (-(-height // 2), -(-width // 2))
    return Planes(*(random.integers(0, 256, shape, dtype=np.uint8) for shape in ((height, width), half, half)))


@pytest.mark.parametrize("size", [(640, 360), (641, 359), (10, 10), (3, 5), (1, 1)])
def test_ffmpeg_prints_the_same_of_photographs_and_of_noise(size: tuple[int, int]) -> None:
    names = ("astronaut.png", "coffee.png", "chelsea.png", "rocket.jpg", "motorcycle_left.png", "retina.jpg")
    pictures = [from_bgr(photograph(name, *size)) for name in names]
    pictures += [noise_planes(*size, seed) for seed in range(3)]
    said = signalstats(pictures)
    assert len(said) == len(pictures)
    assert [printed(signal) for signal in measured(pictures)] == said


def test_every_hue_and_every_saturation() -> None:
    codes = [(u, v) for u in range(0, 256, 3) for v in range(256) if (u + v) % 23 == 0]
    codes += [(u, v) for u in (0, 127, 128, 129, 255) for v in (0, 127, 128, 129, 255)]
    codes += [(128 + by, 128 + by * sign) for by in range(-127, 128) for sign in (-1, 1)]  # just on whole degrees
    pictures = [
        Planes(np.full((2, 2), 9, np.uint8), np.full((1, 1), u, np.uint8), np.full((1, 1), v, np.uint8))
        for u, v in codes
    ]
    said = signalstats(pictures)
    assert len({numbers["HUEMED"] for numbers in said}) > 300
    assert [printed(signal) for signal in measured(pictures)] == said


@pytest.mark.parametrize("matrix", ["709", "601"])
def test_planes_of_a_picture(matrix: str) -> None:
    kr, kb = {"709": (0.2126, 0.0722), "601": (0.299, 0.114)}[matrix]
    colours = {  # blue, green, red
        (0, 0, 0): (16, 128, 128),
        (255, 255, 255): (235, 128, 128),
        (0, 0, 255): (round(16 + 219 * kr), round(128 - 112 * kr / (1 - kb)), 240),
        (255, 0, 0): (round(16 + 219 * kb), 240, round(128 - 112 * kb / (1 - kr))),
    }
    for colour, codes in colours.items():
        planes = from_bgr(np.full((5, 7, 3), colour, np.uint8), matrix)  # type: ignore[arg-type]
        assert [plane.shape for plane in planes] == [(5, 7), (3, 4), (3, 4)]
        assert tuple(int(plane[-1, -1]) for plane in planes) == codes
        assert all((plane == plane[0, 0]).all() for plane in planes)


def test_the_usual_hd_bars_have_the_usual_codes() -> None:
    yellow = np.full((2, 2, 3), (0, 191, 191), np.uint8)  # 75 %: ITU-R BT.709 10-bit 674, 176, 543 over 4
    assert [int(plane[0, 0]) for plane in from_bgr(yellow)] == [168, 44, 136]


@pytest.mark.parametrize(
    "planes",
    [
        Planes(*(np.zeros(shape, np.uint8) for shape in ((4, 4), (2, 2), (2, 3)))),
        Planes(*(np.zeros(shape, np.uint8) for shape in ((4, 4), (4, 4), (4, 4)))),
        Planes(*(np.zeros(shape, np.uint8) for shape in ((0, 0), (0, 0), (0, 0)))),
        Planes(*(np.zeros(shape, np.uint16) for shape in ((4, 4), (2, 2), (2, 2)))),
    ],
)
def test_what_are_no_planes_is_refused(planes: Planes) -> None:
    with pytest.raises(ValueError, match="4:2:0"):
        statistics(planes)


def test_two_sizes_and_no_picture_are_refused() -> None:
    with pytest.raises(ValueError, match="two sizes"):
        statistics(noise_planes(8, 8, 0), noise_planes(10, 8, 0))
    for shape in ((4, 4), (4, 4, 4), (0, 4, 3)):
        with pytest.raises(ValueError, match="rows x columns x 3"):
            from_bgr(np.zeros(shape, np.uint8))
