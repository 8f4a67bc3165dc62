"""Devices and files whose opening hangs: no turn of the lane is blocked, and nothing stays open that nobody wants."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from drivers.camera.opencv import OpenCVCamera, OpenCVOptions
from drivers.errors import DeviceMissing, DriverError, LinkLost, ReplyTimeout, Why
from drivers.host import NOBODY, FrameSource, Login
from drivers.real import v4l2
from drivers.real.capture import STALL_TIMEOUT
from drivers.real.host import RealHost
from drivers.real.opening import Opening
from drivers.real.v4l2_capture import open_device
from tests.drivers.real.streams import TURN
from tests.drivers.real.test_v4l2 import yuyv
from tests.drivers.real.uvc import Uvc
from tests.waiting import PATIENCE


def wait_until_none_opens() -> None:
    until = time.monotonic() + PATIENCE
    while any(thread.name == "opening" for thread in threading.enumerate()):
        assert time.monotonic() < until
        os.sched_yield()


def refused(camera: OpenCVCamera) -> DriverError:
    """Why it does not open; within a turn."""
    began = time.monotonic()
    with pytest.raises(DriverError) as caught:
        camera.open()
    assert time.monotonic() - began < TURN
    return caught.value


# --- files -----------------------------------------------------------------------------------------------------------


class Slow:
    """A film whose beginning comes when it likes: a playlist, and in the place of its first part a pipe."""

    def __init__(self, folder: Path, before: str = "") -> None:
        """``before``: what the playlist has before it."""
        self.path, self._pipe, whole = folder / "film.ffconcat", folder / "part.ts", folder / "whole.ts"
        os.mkfifo(self._pipe)
        self.path.write_text(f"ffconcat version 1.0\n{before}file part.ts\n")
        film = cv2.VideoWriter(str(whole), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*"mp4v"), 10, (160, 90))
        for code in range(0, 200, 10):
            film.write(np.full((90, 160, 3), code, np.uint8))
        film.release()
        self._whole = whole.read_bytes()

    def come(self, whole: bool = True) -> None:
        """Whoever opens it has it from here on; not whole: nothing."""
        with self._pipe.open("wb") as writing:
            if whole:
                writing.write(self._whole)


@pytest.fixture
def slow(tmp_path: Path) -> Slow:
    return Slow(tmp_path)


def test_a_file_that_hangs_blocks_no_turn_and_holds_one_thread(slow: Slow) -> None:
    camera = OpenCVCamera(OpenCVOptions(source=str(slow.path)), RealHost())
    for _ in range(2):
        said = refused(camera)
        assert isinstance(said, ReplyTimeout) and said.why is Why.HANGS
        assert said.reason == f"{slow.path} hangs while it is opened" and "network folder" in said.remedy
    assert sum(thread.name == "opening" for thread in threading.enumerate()) == 1
    slow.come(whole=False)
    wait_until_none_opens()
    camera.close()


def test_a_file_that_hangs_while_it_plays_is_lost_in_time(tmp_path: Path) -> None:
    slow = Slow(tmp_path, before="file whole.ts\nduration 2\n")
    camera = OpenCVCamera(OpenCVOptions(source=str(slow.path)), RealHost())
    camera.open()
    until = time.monotonic() + PATIENCE
    while True:
        assert time.monotonic() < until
        began = time.monotonic()
        try:
            camera.grab()
        except LinkLost as lost:
            assert time.monotonic() - began < TURN + STALL_TIMEOUT
            assert "gave no picture for 1 s" in lost.reason and "network folder" in lost.remedy
            break
    camera.close()
    assert sum(thread.name == "film" for thread in threading.enumerate()) == 1
    slow.come(whole=False)
    while any(thread.name == "film" for thread in threading.enumerate()):
        assert time.monotonic() < until
        os.sched_yield()


def test_who_waits_for_another_one_says_so(slow: Slow, tmp_path: Path) -> None:
    """OpenCV opens one at a time."""
    refused(OpenCVCamera(OpenCVOptions(source=str(slow.path)), RealHost()))
    (tmp_path / "note.mp4").write_text("no film")
    other = OpenCVCamera(OpenCVOptions(source=f"file://{tmp_path}/note.mp4"), RealHost())
    said = refused(other)
    assert said.reason == f"file://{tmp_path}/note.mp4 waits until {slow.path} is open" and said.why is Why.QUEUES
    slow.come(whole=False)
    wait_until_none_opens()
    assert refused(other).why is Why.NO_FILM


def test_a_file_the_disk_does_not_give_is_no_matter_of_opencv() -> None:
    said = refused(OpenCVCamera(OpenCVOptions(source="/proc/self/mem"), RealHost()))
    assert said.reason == "/proc/self/mem: Input/output error" and "disk" in said.remedy


def test_a_file_that_opens_late_is_there_at_the_next_attempt(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.real.opening.KEPT", PATIENCE)
    camera = OpenCVCamera(OpenCVOptions(source=str(slow.path)), RealHost())
    refused(camera)
    slow.come()
    until = time.monotonic() + PATIENCE
    while True:
        try:
            assert camera.open().details["size"] == "160x90"
            break
        except ReplyTimeout:
            assert time.monotonic() < until
    camera.close()
    wait_until_none_opens()


def test_a_pipe_nobody_writes_to_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "film.mjpeg")
    said = refused(OpenCVCamera(OpenCVOptions(source=str(tmp_path / "film.mjpeg")), RealHost()))
    assert isinstance(said, DeviceMissing) and "a folder or a pipe" in said.reason
    wait_until_none_opens()


# --- devices ---------------------------------------------------------------------------------------------------------


class Hung(Uvc):
    """A camera whose driver takes its time to start it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.goes = threading.Event(), threading.Event()

    def ioctl(self, descriptor: int, request: int, data: bytearray) -> None:
        if request == v4l2.STREAMON:
            self.asked.set()
            assert self.goes.wait(PATIENCE)
        super().ioctl(descriptor, request, data)


class Machine(RealHost):
    """This machine, with that camera."""

    def __init__(self, twin: Uvc) -> None:
        super().__init__()
        self._twin = twin

    def camera(self, source: str, login: Login = NOBODY) -> FrameSource:
        return Opening(source, login, lambda source, login, again: open_device(source, self._twin))


@pytest.fixture
def hung() -> Iterator[Hung]:
    twin = Hung()
    yield twin
    twin.goes.set()
    until = time.monotonic() + PATIENCE
    while twin.open_nodes:
        assert time.monotonic() < until, "a node stayed open"
    assert not twin.running
    twin.end()


def test_a_driver_that_hangs_blocks_no_turn_and_what_comes_late_is_closed(
    hung: Hung, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.real.opening.KEPT", 0.01)
    camera = OpenCVCamera(OpenCVOptions(source="/dev/video0"), Machine(hung))
    said = refused(camera)
    assert said.reason == "/dev/video0 hangs while it is opened" and "replug" in said.remedy
    assert hung.asked.is_set() and hung.open_nodes
    hung.goes.set()
    hung.picture(yuyv(90))
    until = time.monotonic() + PATIENCE
    while hung.open_nodes:
        assert time.monotonic() < until
    assert not hung.running


def test_a_device_that_opens_late_is_there_at_the_next_attempt(hung: Hung) -> None:
    camera = OpenCVCamera(OpenCVOptions(source="/dev/video0"), Machine(hung))
    refused(camera)
    hung.goes.set()
    until = time.monotonic() + PATIENCE
    while not hung.running:
        assert time.monotonic() < until
    hung.picture(yuyv(90))
    assert camera.open().model == "Studio Cam"
    hung.picture(yuyv(150))
    assert camera.grab().pixels.mean() > 100
    camera.close()
    camera.close()


def test_a_device_without_a_first_picture_says_so(hung: Hung) -> None:
    hung.goes.set()
    camera = OpenCVCamera(OpenCVOptions(source="/dev/video0"), Machine(hung))
    assert "sent no picture" in refused(camera).reason


def test_closing_an_opening_ends_who_waits_for_it_at_once(hung: Hung) -> None:
    opening, said = Machine(hung).camera("/dev/video0"), []
    waits = threading.Event()

    def read() -> None:
        waits.set()
        try:
            opening.read(2 * PATIENCE)
        except DriverError as error:
            said.append(type(error))

    reader = threading.Thread(target=read)
    reader.start()
    assert waits.wait(PATIENCE)
    opening.close()
    reader.join(PATIENCE)
    assert said == [LinkLost]
