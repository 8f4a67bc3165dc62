"""MJPEG over HTTP, served picture by picture on loopback; and its codecs."""

import os
import threading
import time
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from drivers.errors import BadReply, DeviceMissing, DriverError, LinkLost, ReplyTimeout
from drivers.host import FrameSource
from drivers.real.mjpeg import Chunks, Parts
from drivers.real.video import MjpegSource, open_source
from tests.drivers.real.streams import Server, closes_a_pending_read, opened, serve
from tests.waiting import PATIENCE

__all__ = ["opened", "serve"]


def jpeg(code: int) -> bytes:
    done, data = cv2.imencode(".jpg", np.full((90, 160, 3), code, np.uint8))
    assert done
    return data.tobytes()


JPEGS = [jpeg(code) for code in range(0, 256, 5)]


def number(source: FrameSource) -> int:
    """Which of ``JPEGS`` it shows now."""
    return round(float(source.read(PATIENCE)[0].mean()) / 5)


def test_a_page_that_is_no_stream_is_named_for_what_it_is(serve: Callable[..., Server]) -> None:
    server = serve(kind="text/html")
    server.greet = lambda: (  # type: ignore[method-assign]
        server.raw(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
        server.hang_up(),
    )
    with pytest.raises(DeviceMissing, match=r"no such stream there \(the camera answers 404\)"):
        open_source(server.url)


@pytest.mark.parametrize("length", [True, False])
@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("kind", ["multipart/x-mixed-replace;boundary=b", "application/octet-stream"])
def test_the_newest_picture_wins(
    serve: Callable[..., Server], opened: Callable[[str], FrameSource], length: bool, chunked: bool, kind: str
) -> None:
    server = serve(length=length, chunked=chunked, kind=kind)
    source = opened(server.url)
    assert isinstance(source, MjpegSource)
    server.picture(JPEGS[1])
    assert number(source) == 1
    for each in range(2, 12):
        server.picture(JPEGS[each])
    until = time.monotonic() + PATIENCE
    seen = [number(source)]
    while seen[-1] != 11 and time.monotonic() < until:
        seen.append(number(source))
    assert seen[-1] == 11
    assert source.describe()["frames"] == "11"
    assert source.describe()["size"] == "160x90"


def test_a_picture_that_lay_in_the_socket_for_long_is_not_sold_as_new(
    serve: Callable[..., Server], opened: Callable[[str], FrameSource], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve()
    source = opened(server.url)
    server.picture(JPEGS[1])
    number(source)
    server.picture(JPEGS[2])
    clock = time.monotonic
    monkeypatch.setattr("drivers.real.mjpeg.time.monotonic", lambda: clock() + 10)
    answer: list[int] = []
    reader = threading.Thread(target=lambda: answer.append(number(source)))
    reader.start()
    until = clock() + PATIENCE
    while source.describe()["frames"] != "2" and clock() < until:
        os.sched_yield()
    server.picture(JPEGS[3])
    reader.join(PATIENCE)
    assert answer == [3]


def test_silence_is_a_timeout_and_the_stream_goes_on_after_it(
    serve: Callable[..., Server], opened: Callable[[str], FrameSource]
) -> None:
    server = serve()
    source = opened(server.url)
    server.picture(JPEGS[1])
    assert number(source) == 1
    began = time.monotonic()
    with pytest.raises(ReplyTimeout):
        source.read(0.3)
    assert time.monotonic() - began > 0.25
    server.picture(JPEGS[4])
    assert number(source) == 4


def test_the_end_of_the_stream_is_a_lost_link(
    serve: Callable[..., Server], opened: Callable[[str], FrameSource]
) -> None:
    server = serve()
    source = opened(server.url)
    server.picture(JPEGS[1])
    assert number(source) == 1
    server.hang_up()
    with pytest.raises(LinkLost):
        source.read(PATIENCE)


def test_spoilt_pictures_are_skipped_and_too_many_of_them_are_an_error(
    serve: Callable[..., Server], opened: Callable[[str], FrameSource]
) -> None:
    server = serve()
    source = opened(server.url)
    bad = b"\xff\xd8\xff" + bytes(100)
    results: list[object] = []

    def read() -> None:
        try:
            results.append(number(source))
        except DriverError as error:
            results.append(type(error))

    for pictures in ([bad, JPEGS[7]], [bad, bad, bad]):
        reader = threading.Thread(target=read)
        reader.start()
        for picture in pictures:
            taken = source.describe()["frames"]
            server.picture(picture)
            until = time.monotonic() + PATIENCE
            while source.describe()["frames"] == taken and time.monotonic() < until:
                os.sched_yield()
        reader.join(PATIENCE)
    assert results == [7, BadReply]


def test_close_ends_a_pending_read(serve: Callable[..., Server]) -> None:
    server = serve()
    source = open_source(server.url)
    server.picture(JPEGS[1])
    closes_a_pending_read(source)


def test_parts_come_whole_in_any_cutting() -> None:
    body = b"".join(
        b"--b\r\nContent-Type: image/jpeg\r\n%s\r\n%s\r\n" % (b"Content-length: %d\r\n" % len(j) if i % 2 else b"", j)
        for i, j in enumerate(JPEGS[:9])
    )
    for size in (1, 7, 100, 1000, len(body)):
        parts = Parts()
        pictures = [p for at in range(0, len(body), size) for p in parts.feed(body[at : at + size])]
        assert pictures == JPEGS[:9]


def test_a_part_of_true_length_is_not_searched_and_one_that_lies_after_it_costs_no_more_than_itself() -> None:
    """A boundary within a picture is an end only where the length before was not true."""
    odd = JPEGS[3][:-2] + b"\r\n--frame\r\n" + JPEGS[3][-2:]
    parts = Parts(b"frame")

    def fed(length: int, picture: bytes) -> list[bytes]:
        body = b"Content-Length: %d\r\n\r\n%s\r\n--frame\r\n" % (length, picture)
        return [p for at in range(0, len(body), 50) for p in parts.feed(body[at : at + 50])]

    assert fed(len(JPEGS[1]), JPEGS[1]) == [JPEGS[1]]
    assert fed(len(odd), odd) == [odd]
    cut = JPEGS[4][:-40]
    assert fed(len(JPEGS[4]), cut) + fed(len(JPEGS[5]), JPEGS[5]) == [JPEGS[5]]
    assert parts.cut == 1
    assert fed(len(JPEGS[6]), JPEGS[6]) == [JPEGS[6]]


def test_noise_never_stops_the_parts() -> None:
    random = np.random.default_rng(3)
    parts = Parts()
    for _ in range(50):
        parts.feed(random.bytes(5000).replace(b"\xff\xd8", b"\x00\x00"))
    assert parts.feed(b"\xff\xd9" + JPEGS[3] + JPEGS[4]) == [JPEGS[3], JPEGS[4]]


def test_chunks_are_joined_in_any_cutting() -> None:
    plain = b"".join(JPEGS[:5])
    coded = b"".join(b"%X;x=1\r\n%s\r\n" % (len(j), j) for j in JPEGS[:5])
    for size in (1, 5, 333, len(coded)):
        chunks = Chunks()
        assert b"".join(chunks.feed(coded[at : at + size]) for at in range(0, len(coded), size)) == plain
        assert not chunks.ended
        chunks.feed(b"0\r\n\r\n")
        assert chunks.ended
