"""What decoding at a reduced size costs, foretold from whole pictures, and taken back."""

import math
from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest

from drivers.base import Picture
from drivers.camera.metrics import measure
from drivers.camera.opencv import OpenCVCamera, OpenCVOptions
from drivers.camera.reduction import EVERY, price
from drivers.errors import BadReply, ReplyTimeout
from drivers.host import FrameSource, Login
from drivers.real import decode
from tests.drivers.camera.photographs import mosaic, photograph
from tests.drivers.camera.test_metrics import truth


def coded(pixels: Picture) -> bytes:
    return bytes(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 90])[1])


@pytest.mark.parametrize("name", ["grass.png", "coffee.png", "coins.png", "astronaut.png", "rocket.jpg"])
@pytest.mark.parametrize("size", [(1920, 1080), (3840, 2160)], ids=["halved", "quartered"])
def test_fine_textures_are_measured_right_at_a_reduced_size(name: str, size: tuple[int, int]) -> None:
    data = coded(mosaic(name, *size))
    whole, reduced = decode.jpeg(data)[0], decode.jpeg(data, detail=False)[0]
    light, clipped, _ = truth(whole)
    seen = measure(reduced, 0.18)
    put_right = price(whole, (reduced.shape[1], reduced.shape[0])).undo(seen)
    assert put_right.ev == pytest.approx(math.log2(light / 0.18), abs=0.01)
    assert put_right.clipped == pytest.approx(clipped, abs=0.15)
    assert math.log2(put_right.mean / light) == pytest.approx(put_right.ev - math.log2(light / 0.18), abs=1e-4)


def test_grass_is_seen_too_dark_and_highlights_are_lost_without_it() -> None:
    """Else the test above would be of nothing."""
    found = {}
    for name in ("grass.png", "coffee.png"):
        data = coded(mosaic(name, 1920, 1080))
        light, clipped, _ = truth(decode.jpeg(data)[0])
        seen = measure(decode.jpeg(data, detail=False)[0], 0.18)
        found[name] = seen.ev - math.log2(light / 0.18), seen.clipped - clipped
    assert found["grass.png"][0] < -0.03
    assert found["coffee.png"][1] < -0.5


def test_the_price_holds_while_the_light_changes() -> None:
    pixels = mosaic("grass.png", 1920, 1080)
    darker = np.asarray(cv2.LUT(pixels, np.array([round(code * 0.5**0.45) for code in range(256)], np.uint8)), np.uint8)
    assert price(darker, (960, 540)).ev == pytest.approx(price(pixels, (960, 540)).ev, abs=0.004)


def test_an_even_picture_costs_nothing() -> None:
    for code in (0, 128, 255):
        even = np.full((1080, 1920, 3), code, np.uint8)
        assert price(even, (960, 540)) == pytest.approx((0, 0, 0), abs=1e-6)


@dataclass
class Wire:
    """A host with one camera of 25 pictures a second, whose JPEGs are decoded for what is asked."""

    data: bytes
    time: float = 100.0
    whole: list[float] = field(default_factory=list)
    spoilt: bool = False
    silent: bool = False

    def now(self) -> float:
        return self.time

    def camera(self, source: str, login: Login) -> FrameSource:
        return self

    def read(self, timeout: float, detail: bool = True) -> tuple[Picture, float]:
        if self.silent:
            self.time += timeout
            raise ReplyTimeout("no picture")
        self.time += 0.04
        if detail:
            self.whole.append(self.time)
            if self.spoilt:
                raise BadReply("spoilt")
        return decode.jpeg(self.data, detail=detail)[0], self.time

    def watch(self, until: float) -> None:
        self.time = max(self.time, until)

    def stamps(self) -> tuple[()]:
        return ()

    def describe(self) -> dict[str, str]:
        return {}

    def close(self) -> None: ...


@pytest.fixture(scope="module")
def grass() -> bytes:
    return coded(mosaic("grass.png", 1920, 1080))


def opened(wire: Wire, *, detail: bool = False) -> OpenCVCamera:
    camera = OpenCVCamera(OpenCVOptions(source="http://camera/", detail=detail), wire)  # type: ignore[arg-type]
    camera.open()
    wire.whole.clear()
    return camera


def watched(camera: OpenCVCamera, wire: Wire, seconds: float) -> set[tuple[int, ...]]:
    """The sizes of the pictures that were given, two a second."""
    sizes = set()
    until = wire.time + seconds
    while wire.time < until:
        sizes.add(camera.grab().pixels.shape[:2])
        camera.watch(wire.time + 0.5)
    return sizes


def test_a_whole_picture_is_looked_at_every_few_seconds_and_given_to_nobody(grass: bytes) -> None:
    wire = Wire(grass)
    camera = opened(wire)
    assert camera.price is None
    assert watched(camera, wire, 2.5 * EVERY) == {(540, 960)}
    assert len(wire.whole) == 3
    assert camera.price is not None
    assert camera.price.ev < -0.03
    assert camera.describe()["reduced_by"].startswith(f"{camera.price.ev:+.3f} stop")


def test_after_a_cut_it_is_learned_at_once(grass: bytes) -> None:
    wire = Wire(grass)
    camera = opened(wire)
    watched(camera, wire, 1)
    before = camera.price
    wire.data = coded(mosaic("coffee.png", 1920, 1080))
    watched(camera, wire, 1)
    assert camera.price == before
    camera.cut()
    watched(camera, wire, 1)
    assert camera.price != before
    assert len(wire.whole) == 2


def test_another_size_of_picture_has_a_price_of_its_own(grass: bytes) -> None:
    wire = Wire(grass)
    camera = opened(wire)
    watched(camera, wire, 1)
    wire.data = coded(photograph("coffee.png", 1280, 720))
    camera.grab()
    assert camera.price is None
    assert watched(camera, wire, 1) == {(720, 1280)}
    assert camera.price is None


@pytest.mark.parametrize(("size", "detail"), [((1280, 720), False), ((1920, 1080), True)])
def test_pictures_that_are_whole_have_no_price(size: tuple[int, int], detail: bool) -> None:
    wire = Wire(coded(photograph("coffee.png", *size)))
    camera = opened(wire, detail=detail)
    assert watched(camera, wire, 4) == {size[::-1]}
    assert camera.price is None
    assert detail or wire.whole == []
    assert "reduced_by" not in camera.describe()


def test_a_whole_picture_that_cannot_be_had_is_waited_for(grass: bytes) -> None:
    wire = Wire(grass)
    camera = opened(wire)
    camera.grab()
    wire.silent = True
    camera.watch(wire.time + 0.1)
    wire.silent, wire.spoilt = False, True
    camera.watch(wire.time + 0.1)
    assert (camera.price, len(wire.whole)) == (None, 1)
    wire.spoilt = False
    assert watched(camera, wire, EVERY + 1) == {(540, 960)}
    assert camera.price is not None
