"""Video sources on real files and real streams that ffmpeg makes, on loopback only."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from drivers.errors import DeviceMissing, LinkLost, ReplyTimeout
from drivers.host import FrameSource
from drivers.real.capture import CaptureSource
from drivers.real.host import RealHost
from drivers.real.video import FileSource, MjpegSource, open_source, video_devices
from tests.drivers.real.streams import closes_a_pending_read, opened
from tests.waiting import PATIENCE, free_port

__all__ = ["opened"]

FFMPEG = ("ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten pictures at 25 per second; their brightness tells which one it is."""
    path = tmp_path_factory.mktemp("film") / "ten.mp4"
    grey = "color=black:size=160x90:rate=25,geq=lum='16+20*N':cb=128:cr=128"
    subprocess.run(
        [*FFMPEG, "-f", "lavfi", "-i", grey, "-frames:v", "10", "-pix_fmt", "yuv420p", str(path)], check=True
    )
    return path


# --- files -----------------------------------------------------------------------------------------------------------


def test_a_file_plays_at_its_own_rate_and_starts_again(film: Path, opened: Callable[[str], FrameSource]) -> None:
    source = opened(str(film))
    assert isinstance(source, FileSource)
    facts = source.describe()
    assert (facts["name"], facts["size"], facts["fps"], facts["frames"]) == ("ten.mp4", "160x90", "25", "0")
    began = time.monotonic()
    seen = [source.read(PATIENCE) for _ in range(15)]
    frames = int(source.describe()["frames"])
    assert (frames - 1) / 25 <= time.monotonic() - began + 0.01
    assert frames >= 15
    times = [captured for _, captured in seen]
    assert times == sorted(set(times))
    gaps = np.diff(times)
    assert all(abs(round(gap * 25) - gap * 25) < 1e-6 for gap in gaps if gap < 1.0)  # after a longer one it resumes
    levels = [float(pixels.mean()) for pixels, _ in seen]
    assert any(after < before for before, after in pairwise(levels))  # it started again


def test_every_picture_of_a_file_has_its_time(film: Path, opened: Callable[[str], FrameSource]) -> None:
    source = opened(str(film))
    source.read(PATIENCE)
    source.watch(time.monotonic() + 0.2)
    _, captured = source.read(PATIENCE)
    stamps = source.stamps()
    assert len(stamps) == int(source.describe()["frames"]) > 4
    assert np.diff([stamp.time for stamp in stamps]) == pytest.approx(1 / 25, abs=1e-6)
    assert stamps[-1].time == pytest.approx(captured)
    source.close()
    with pytest.raises(LinkLost):
        source.watch(time.monotonic() + PATIENCE)


def test_a_file_nobody_watched_resumes_where_it_was(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = FileSource(film)
    source.read(PATIENCE)
    before, late = int(source.describe()["frames"]), time.monotonic
    monkeypatch.setattr("drivers.real.video.time.monotonic", lambda: late() + 3600)
    source.read(PATIENCE)
    assert before < int(source.describe()["frames"]) < before + 1000  # of the 90 000 of an hour
    source.close()


# --- what is not there -----------------------------------------------------------------------------------------------


def test_what_cannot_be_opened_says_why_and_what_to_do(tmp_path: Path) -> None:
    text = tmp_path / "note.mp4"
    text.write_text("not a film")
    port = free_port()
    cases = {
        "/no/such/film.mp4": "is not there",
        str(tmp_path): "no file but a folder",
        str(text): "not a video",
        "/dev/video87": "is not there",
        "87": "/dev/video87 is not there",
        "/dev/null": "cannot be opened as a camera",
        f"http://127.0.0.1:{port}/x": "cannot be reached: .*refused",
        "http://127.0.0.1:99999/x": "Port out of range",
        f"rtsp://127.0.0.1:{port}/x?pin=secret": f"rtsp://127.0.0.1:{port}/x cannot be reached: .*refused",
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
        assert 1.5 < time.monotonic() - began < PATIENCE


# --- ffmpeg as the camera --------------------------------------------------------------------------------------------


def streamed(film: Path, *how: str) -> tuple[subprocess.Popen[bytes], str]:
    """ffmpeg serves the film over and over to one client; its port and when it listens are found by trying."""
    port = free_port()
    url = f"{how[-1]}://127.0.0.1:{port}"
    if how[-1] == "http":
        url += "/live"
    command = [*FFMPEG, "-re", "-stream_loop", "-1", "-i", str(film), *how[:-1], "-listen", "1", url]
    return subprocess.Popen(command), url


def patiently(url: str) -> FrameSource:
    until = time.monotonic() + PATIENCE
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
        first, second = source.read(PATIENCE), source.read(PATIENCE)
        assert first[0].shape == (90, 160, 3)
        assert second[1] > first[1]
        os.kill(encoder.pid, signal.SIGSTOP)
        with pytest.raises(ReplyTimeout):
            for _ in range(100):
                source.read(0.5)
        os.kill(encoder.pid, signal.SIGCONT)
        source.read(PATIENCE)
        encoder.kill()
        with pytest.raises(LinkLost):
            for _ in range(100):
                source.read(PATIENCE)
        source.close()
    finally:
        encoder.kill()
        encoder.wait()


def test_an_opencv_stream_is_bounded_when_its_server_stops_and_when_it_is_closed(film: Path) -> None:
    encoder, url = streamed(film, "-c:v", "libx264", "-tune", "zerolatency", "-f", "mpegts", "tcp")
    try:
        source = patiently(url)
        assert isinstance(source, CaptureSource)
        shapes = {source.read(PATIENCE)[0].shape for _ in range(5)}
        assert shapes == {(90, 160, 3)}
        assert source.describe()["codec"] == "h264"
        source.stamps()
        before = int(source.describe()["frames"])
        source.watch(time.monotonic() + 0.3)
        taken = int(source.describe()["frames"]) - before
        stamps = source.stamps()
        assert len(stamps) == taken > 1
        assert all(stamp.warming for stamp in stamps) and stamps[-1].time > stamps[0].time
        _, captured = source.read(PATIENCE)
        assert captured >= stamps[-1].time
        os.kill(encoder.pid, signal.SIGSTOP)
        began = time.monotonic()
        with pytest.raises(LinkLost):
            for _ in range(100):
                source.read(PATIENCE)
        source.close()
        assert time.monotonic() - began < PATIENCE  # without a bound it would wait for the server for ever
    finally:
        encoder.kill()
        encoder.wait()


def test_close_ends_a_pending_read(film: Path) -> None:
    closes_a_pending_read(open_source(str(film)))


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
    assert source.read(PATIENCE)[0].shape == (90, 160, 3)
    source.close()
