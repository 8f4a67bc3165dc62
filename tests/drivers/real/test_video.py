"""Video sources on real files and real streams: ffmpeg and a small HTTP server make them, on loopback only."""

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from drivers.errors import BadReply, DeviceMissing, DriverError, LinkLost, ReplyTimeout
from drivers.host import FrameSource
from drivers.real.host import RealHost
from drivers.real.mjpeg import Chunks, Parts
from drivers.real.video import CaptureSource, FileSource, MjpegSource, open_source, video_devices

FFMPEG = ("ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin")


def jpeg(code: int) -> bytes:
    done, data = cv2.imencode(".jpg", np.full((90, 160, 3), code, np.uint8))
    assert done
    return data.tobytes()


JPEGS = [jpeg(code) for code in range(0, 256, 5)]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten pictures at 25 per second; their brightness tells which one it is."""
    path = tmp_path_factory.mktemp("film") / "ten.mp4"
    grey = "color=black:size=160x90:rate=25,geq=lum='16+20*N':cb=128:cr=128"
    subprocess.run(
        [*FFMPEG, "-f", "lavfi", "-i", grey, "-frames:v", "10", "-pix_fmt", "yuv420p", str(path)], check=True
    )
    return path


class Server:
    """Serves one MJPEG client after another. ``show`` is called with each picture's number before it is sent."""

    def __init__(
        self, *, length: bool = True, chunked: bool = False, kind: str = "multipart/x-mixed-replace;boundary=b"
    ):
        self._length, self._chunked, self._kind = length, chunked, kind
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/stream"
        self.client: socket.socket | None = None
        self.request = b""
        self._connected = threading.Event()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                while b"\r\n\r\n" not in self.request:
                    self.request += client.recv(4096)
                self.client = client
                self.greet()
                self._connected.set()

    def greet(self) -> None:
        coding = "Transfer-Encoding: chunked\r\n" if self._chunked else ""
        self.raw(f"HTTP/1.1 200 OK\r\nContent-Type: {self._kind}\r\n{coding}\r\n".encode())
        self.body(b"--b\r\n")

    def raw(self, data: bytes) -> None:
        assert self.client is not None
        self.client.sendall(data)

    def body(self, data: bytes) -> None:
        self.raw(b"%x\r\n%s\r\n" % (len(data), data) if self._chunked else data)

    def picture(self, data: bytes) -> None:
        assert self._connected.wait(5)
        length = f"Content-Length: {len(data)}\r\n" if self._length else ""
        self.body(f"Content-Type: image/jpeg\r\n{length}\r\n".encode() + data + b"\r\n--b\r\n")

    def hang_up(self) -> None:
        if self.client is not None:
            self.client.close()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()
        self._thread.join(5)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def make(**options: object) -> Server:
        servers.append(Server(**options))  # type: ignore[arg-type]
        return servers[-1]

    yield make
    for server in servers:
        server.close()


@pytest.fixture
def opened() -> Iterator[Callable[[str], FrameSource]]:
    sources: list[FrameSource] = []

    def make(source: str) -> FrameSource:
        sources.append(open_source(source))
        return sources[-1]

    yield make
    for source in sources:
        source.close()


def number(source: FrameSource) -> int:
    """Which of ``JPEGS`` it shows now."""
    return round(float(source.read(2)[0].mean()) / 5)


# --- files -----------------------------------------------------------------------------------------------------------


def test_a_file_plays_at_its_own_rate_and_starts_again(film: Path, opened: Callable[[str], FrameSource]) -> None:
    source = opened(str(film))
    assert isinstance(source, FileSource)
    facts = source.describe()
    assert (facts["name"], facts["size"], facts["fps"], facts["frames"]) == ("ten.mp4", "160x90", "25", "0")
    began = time.monotonic()
    seen = [source.read(2) for _ in range(15)]
    frames = int(source.describe()["frames"])
    assert (frames - 1) / 25 <= time.monotonic() - began + 0.01
    assert frames >= 15
    times = [captured for _, captured in seen]
    assert times == sorted(set(times))
    assert all(abs(round(gap * 25) - gap * 25) < 1e-6 for gap in np.diff(times))
    levels = [float(pixels.mean()) for pixels, _ in seen]
    assert any(after < before for before, after in pairwise(levels))  # it started again


def test_a_file_nobody_watched_resumes_where_it_was(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = FileSource(film)
    source.read(2)
    late = time.monotonic
    monkeypatch.setattr("drivers.real.video.time.monotonic", lambda: late() + 3600)
    source.read(2)
    assert int(source.describe()["frames"]) == 2
    source.close()


# --- what is not there -----------------------------------------------------------------------------------------------


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_what_cannot_be_opened_says_why_and_what_to_do(tmp_path: Path) -> None:
    text = tmp_path / "note.mp4"
    text.write_text("not a film")
    port = closed_port()
    cases = {
        "/no/such/film.mp4": "is not there",
        str(tmp_path): "not a file",
        str(text): "not a video",
        "/dev/video87": "is not there",
        "87": "/dev/video87 is not there",
        "/dev/null": "cannot be opened as a camera",
        f"http://127.0.0.1:{port}/x": "cannot be reached: .*refused",
        "http://127.0.0.1:99999/x": "Port out of range",
        f"rtsp://user:secret@127.0.0.1:{port}/x": f"rtsp://127.0.0.1:{port}/x cannot be opened",
        "gopher://127.0.0.1/": "nothing here opens gopher",
    }
    for source, reason in cases.items():
        with pytest.raises(DeviceMissing, match=reason) as caught:
            open_source(source)
        assert caught.value.remedy, source
        assert "secret" not in str(caught.value)


def test_a_server_that_says_nothing_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        began = time.monotonic()
        with pytest.raises(DeviceMissing, match="no answer"):
            open_source(f"http://127.0.0.1:{mute.getsockname()[1]}/")
        assert 1.5 < time.monotonic() - began < 4


def test_a_page_that_is_no_stream_is_named_for_what_it_is(serve: Callable[..., Server]) -> None:
    server = serve(kind="text/html")
    server.greet = lambda: (  # type: ignore[method-assign]
        server.raw(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
        server.hang_up(),
    )
    with pytest.raises(DeviceMissing, match="the server answered 404"):
        open_source(server.url)


# --- HTTP MJPEG ------------------------------------------------------------------------------------------------------


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
    until = time.monotonic() + 5
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
    until = clock() + 5
    while source.describe()["frames"] != "2" and clock() < until:
        os.sched_yield()
    server.picture(JPEGS[3])
    reader.join(5)
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
    assert 0.25 < time.monotonic() - began < 1
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
        source.read(1)


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
            until = time.monotonic() + 5
            while source.describe()["frames"] == taken and time.monotonic() < until:
                os.sched_yield()
        reader.join(5)
    assert results == [7, BadReply]


def test_name_and_password_are_sent(serve: Callable[..., Server], opened: Callable[[str], FrameSource]) -> None:
    server = serve()
    opened(server.url.replace("://", "://studio:se%20cret@"))
    assert b"Authorization: Basic c3R1ZGlvOnNlIGNyZXQ=\r\n" in server.request


def closes_a_pending_read(source: FrameSource) -> None:
    errors: list[Exception] = []
    waiting = threading.Event()

    def read() -> None:
        waiting.set()
        try:
            while True:
                source.read(5)
        except DriverError as error:
            errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    assert waiting.wait(5)
    began = time.monotonic()
    source.close()
    reader.join(5)
    assert time.monotonic() - began < 1.5
    assert [type(error) for error in errors] == [LinkLost]
    source.close()
    with pytest.raises(LinkLost):
        source.read(1)


def test_close_ends_a_pending_read(serve: Callable[..., Server], film: Path) -> None:
    server = serve()
    source = open_source(server.url)
    server.picture(JPEGS[1])
    closes_a_pending_read(source)
    closes_a_pending_read(open_source(str(film)))


# --- ffmpeg as the camera --------------------------------------------------------------------------------------------


def streamed(film: Path, *how: str) -> tuple[subprocess.Popen[bytes], str]:
    """ffmpeg serves the film over and over to one client; its port and when it listens are found by trying."""
    port = closed_port()
    url = f"{how[-1]}://127.0.0.1:{port}"
    if how[-1] == "http":
        url += "/live"
    command = [*FFMPEG, "-re", "-stream_loop", "-1", "-i", str(film), *how[:-1], "-listen", "1", url]
    return subprocess.Popen(command), url


def patiently(url: str) -> FrameSource:
    until = time.monotonic() + 10
    while True:
        try:
            return open_source(url)
        except DeviceMissing:
            if time.monotonic() > until:
                raise


def test_ffmpeg_serving_mjpeg_is_read_stops_and_goes_on(film: Path) -> None:
    encoder, url = streamed(film, "-c:v", "mjpeg", "-f", "mpjpeg", "http")
    try:
        source = patiently(url)
        assert isinstance(source, MjpegSource)
        first, second = source.read(2), source.read(2)
        assert first[0].shape == (90, 160, 3)
        assert second[1] > first[1]
        os.kill(encoder.pid, signal.SIGSTOP)
        with pytest.raises(ReplyTimeout):
            for _ in range(100):
                source.read(0.5)
        os.kill(encoder.pid, signal.SIGCONT)
        source.read(2)
        encoder.kill()
        with pytest.raises(LinkLost):
            for _ in range(100):
                source.read(2)
        source.close()
    finally:
        encoder.kill()
        encoder.wait()


def test_an_opencv_stream_is_bounded_when_its_server_stops_and_when_it_is_closed(film: Path) -> None:
    encoder, url = streamed(film, "-c:v", "libx264", "-tune", "zerolatency", "-f", "mpegts", "tcp")
    try:
        source = patiently(url)
        assert isinstance(source, CaptureSource)
        shapes = {source.read(2)[0].shape for _ in range(5)}
        assert shapes == {(90, 160, 3)}
        assert source.describe()["codec"] == "h264"
        os.kill(encoder.pid, signal.SIGSTOP)
        longest = 0.0
        with pytest.raises(LinkLost):
            for _ in range(100):
                began = time.monotonic()
                try:
                    source.read(2)
                finally:
                    longest = time.monotonic() - began
        assert longest < 2
        closes_at_once = time.monotonic()
        source.close()
        assert time.monotonic() - closes_at_once < 1
    finally:
        encoder.kill()
        encoder.wait()


# --- codecs ----------------------------------------------------------------------------------------------------------


def test_parts_come_whole_in_any_cutting() -> None:
    body = b"".join(
        b"--b\r\nContent-Type: image/jpeg\r\n%s\r\n%s\r\n" % (b"Content-length: %d\r\n" % len(j) if i % 2 else b"", j)
        for i, j in enumerate(JPEGS[:9])
    )
    for size in (1, 7, 100, 1000, len(body)):
        parts = Parts()
        pictures = [p for at in range(0, len(body), size) for p in parts.feed(body[at : at + size])]
        assert pictures == JPEGS[:9]


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


# --- devices ---------------------------------------------------------------------------------------------------------


def test_capture_devices_are_listed_with_their_lasting_names(tmp_path: Path) -> None:
    for name, index, title in (("video10", 0, "Studio Cam"), ("video2", 0, "Webcam"), ("video3", 1, "Webcam metadata")):
        (tmp_path / "sys" / name).mkdir(parents=True)
        (tmp_path / "sys" / name / "index").write_text(f"{index}\n")
        (tmp_path / "sys" / name / "name").write_text(f"{title}\n")
    (tmp_path / "by-id").mkdir()
    (tmp_path / "by-id" / "usb-Studio_Cam_1234-video-index0").symlink_to("/dev/video10")
    found = video_devices(tmp_path / "sys", tmp_path / "by-id")
    assert [(each.device, each.name) for each in found] == [("/dev/video2", "Webcam"), ("/dev/video10", "Studio Cam")]
    assert [each.stable.rpartition("/")[2] for each in found] == ["video2", "usb-Studio_Cam_1234-video-index0"]
    assert video_devices(tmp_path / "none", tmp_path / "none") == []


def test_the_real_host_opens_sources(film: Path) -> None:
    source = RealHost().camera(str(film))
    assert source.read(2)[0].shape == (90, 160, 3)
    source.close()
