"""V4L2 devices: every byte of what is asked and answered, and what goes wrong."""

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise

import cv2
import numpy as np
import pytest

from drivers.errors import BadReply, DeviceMissing, LinkLost, NotSupported, Refused, ReplyTimeout
from drivers.real import v4l2
from drivers.real.v4l2 import DeviceControls, plain_name
from drivers.real.v4l2_capture import DeviceSource, open_device
from drivers.real.video import open_controls
from tests.drivers.real import uvc
from tests.drivers.real.uvc import Uvc
from tests.waiting import PATIENCE


@pytest.fixture
def camera() -> Iterator[Uvc]:
    twin = Uvc()
    yield twin
    assert not twin.open_nodes, "a node stayed open"
    twin.end()


@pytest.fixture
def start(camera: Uvc) -> Iterator[Callable[[], DeviceSource]]:
    sources: list[DeviceSource] = []

    def make() -> DeviceSource:
        sources.append(open_device("/dev/video0", camera))
        return sources[-1]

    yield make
    for source in sources:
        source.close()


def yuyv(code: int) -> bytes:
    """36 rows of 64 grey pixels."""
    return bytes((code, 128)) * (64 * 36)


def jpeg(code: int, size: tuple[int, int] = (64, 36)) -> bytes:
    return cv2.imencode(".jpg", np.full((size[1], size[0], 3), code, np.uint8))[1].tobytes()


# --- pictures --------------------------------------------------------------------------------------------------------


def test_a_device_is_started_and_says_what_it_is(camera: Uvc, start: Callable[[], DeviceSource]) -> None:
    facts = start().describe()
    assert camera.running and len(camera.queued) == 4
    assert facts == {
        "name": "Studio Cam",
        "backend": "V4L2",
        "driver": "uvcvideo",
        "bus": "usb-1-2.3",
        "size": "64x36",
        "codec": "YUYV",
        "fps": "30",
        "frames": "0",
    }


def test_the_newest_picture_wins_and_every_packet_is_stamped(camera: Uvc, start: Callable[[], DeviceSource]) -> None:
    source = start()
    now = time.monotonic()
    for number, code in enumerate((50, 100, 150)):
        camera.picture(yuyv(code), captured=now - 0.1 + 0.033 * number)
    pixels, captured = source.read(1.0)
    assert pixels.shape == (36, 64, 3)
    assert abs(float(pixels.mean()) - (150 - 16) * 255 / 219) < 2
    assert captured == pytest.approx(now - 0.034, abs=1e-5)
    stamps = source.stamps()
    assert [stamp.sequence for stamp in stamps] == [0, 1, 2]
    assert [stamp.size for stamp in stamps] == [64 * 36 * 2] * 3
    assert len({stamp.mark for stamp in stamps}) == 3
    assert [after.time - before.time for before, after in pairwise(stamps)] == pytest.approx([0.033] * 2, abs=1e-5)
    assert source.stamps() == []
    assert len(camera.queued) == 3  # all but the one held


def test_what_the_driver_dropped_is_missing_in_the_numbers(camera: Uvc, start: Callable[[], DeviceSource]) -> None:
    source = start()
    for _ in range(6):  # of four buffers
        camera.picture(yuyv(90))
    source.watch(time.monotonic() + 0.01)
    camera.picture(yuyv(90))
    source.read(1.0)
    stamps = source.stamps()
    assert [stamp.sequence for stamp in stamps] == [0, 1, 2, 3, 6]
    assert len({stamp.mark for stamp in stamps}) == 1  # the same picture again and again


def test_watching_takes_pictures_in_at_their_time(camera: Uvc, start: Callable[[], DeviceSource]) -> None:
    source = start()
    begun = threading.Event()

    def work() -> None:
        begun.set()
        with suppress(LinkLost):
            source.watch(time.monotonic() + PATIENCE)

    watcher = threading.Thread(target=work, daemon=True)
    watcher.start()
    assert begun.wait(PATIENCE)
    for _ in range(12):  # three times as many as there are buffers
        until = time.monotonic() + PATIENCE
        while not camera.queued and time.monotonic() < until:
            os.sched_yield()
        camera.picture(yuyv(90))
    until = time.monotonic() + PATIENCE
    while source.describe()["frames"] != "12" and time.monotonic() < until:
        os.sched_yield()
    assert source.describe()["frames"] == "12"
    source.close()
    watcher.join(PATIENCE)
    assert not watcher.is_alive()


def test_an_old_picture_is_not_sold_as_new(camera: Uvc, start: Callable[[], DeviceSource]) -> None:
    source = start()
    camera.picture(yuyv(90), captured=time.monotonic() - 1.0)
    with pytest.raises(ReplyTimeout):
        source.read(0.05)


def test_times_of_another_clock_are_not_believed(camera: Uvc, start: Callable[[], DeviceSource]) -> None:
    source = start()
    for captured, flags in ((5.0, uvc.MONOTONIC), (time.monotonic() - 0.1, 0), (time.monotonic() + 60, uvc.MONOTONIC)):
        camera.picture(yuyv(90), captured=captured, flags=flags)
        before = time.monotonic()
        assert before <= source.read(1.0)[1] <= time.monotonic()


def test_silence_is_a_timeout_and_an_unplugged_camera_is_lost(camera: Uvc, start: Callable[[], DeviceSource]) -> None:
    source = start()
    begun = time.monotonic()
    with pytest.raises(ReplyTimeout, match=r"no picture for 0\.2 s"):
        source.read(0.2)
    assert 0.19 < time.monotonic() - begun < PATIENCE
    camera.picture(yuyv(90))
    source.read(1.0)
    camera.unplug()
    with pytest.raises(LinkLost, match="/dev/video0 is gone"):
        source.read(PATIENCE)
    source.close()


def test_incomplete_pictures_are_never_shown(camera: Uvc, start: Callable[[], DeviceSource]) -> None:
    source = start()
    camera.picture(yuyv(90), flags=uvc.MONOTONIC | uvc.ERROR)
    camera.picture(b"")
    with pytest.raises(ReplyTimeout, match="only incomplete pictures"):
        source.read(0.05)
    assert len(camera.queued) == 4
    camera.picture(yuyv(90)[:1000])
    with pytest.raises(BadReply, match="1000 of 4608 bytes"):
        source.read(1.0)


def test_close_ends_a_pending_read(camera: Uvc, start: Callable[[], DeviceSource]) -> None:
    source, errors = start(), []
    waiting = threading.Event()

    def read() -> None:
        waiting.set()
        try:
            source.read(PATIENCE)
        except LinkLost as error:
            errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    assert waiting.wait(PATIENCE)
    source.close()
    reader.join(PATIENCE)
    assert len(errors) == 1
    assert not camera.running
    source.close()
    with pytest.raises(LinkLost):
        source.read(1.0)


@pytest.mark.parametrize(
    ("code", "stride", "data", "shown"),
    [
        (b"GREY", 64, bytes([77]) * 64 * 36, 77),
        (b"Y10 ", 128, (77 << 2 | 3).to_bytes(2, "little") * 64 * 36, 77),
        (b"Y16 ", 160, ((77 << 8).to_bytes(2, "little") * 64 + bytes(32)) * 36, 77),
        (b"NV12", 64, bytes([120]) * 64 * 36 + bytes([128]) * 64 * 18, 121),
        (b"NV12", 80, (bytes([120]) * 64 + bytes(16)) * 36 + (bytes([128]) * 64 + bytes(16)) * 18, 121),
        (b"YU12", 80, (bytes([120]) * 64 + bytes(16)) * 36 + (bytes([128]) * 32 + bytes(8)) * 36, 121),
        (b"UYVY", 128, bytes((128, 120)) * 64 * 36, 121),
        (b"RGB3", 192, bytes((77, 77, 77)) * 64 * 36, 77),
        (b"BGR3", 192, bytes((77, 77, 77)) * 64 * 36, 77),
        (b"MJPG", 0, jpeg(77) + bytes(500), 77),
    ],
)
def test_every_format_becomes_a_picture(code: bytes, stride: int, data: bytes, shown: int) -> None:
    camera = Uvc(code, stride=stride)
    source = open_device("/dev/video0", camera)
    camera.picture(data)
    pixels, _ = source.read(1.0)
    source.close()
    camera.end()
    assert pixels.shape == (36, 64, 3) and pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - shown).max() <= 1


def test_a_format_nobody_reads_is_changed_for_one_that_is_read(camera: Uvc, start: Callable[[], DeviceSource]) -> None:
    camera.code, camera.formats = b"H264", [b"H264", b"YUYV", b"MJPG"]
    assert start().describe()["codec"] == "MJPG"
    camera.code, camera.formats = b"H264", [b"H264", b"P010"]
    with pytest.raises(DeviceMissing, match="sends H264, P010"):
        start()


@pytest.mark.parametrize(
    ("request_", "error", "reason"),
    [
        (uvc.REQBUFS, errno.EBUSY, "in use by another program"),
        (uvc.STREAMON, errno.ENOSPC, "USB bus has no room"),
        (uvc.STREAMON, errno.EIO, "cannot be started: Input/output error"),
        (uvc.QUERYCAP, errno.ENOTTY, "cannot be opened as a camera"),
    ],
)
def test_what_cannot_be_started_says_why(
    camera: Uvc, start: Callable[[], DeviceSource], request_: int, error: int, reason: str
) -> None:
    camera.errors[request_] = error
    with pytest.raises(DeviceMissing, match=reason) as caught:
        start()
    assert caught.value.remedy
    assert not camera.open_nodes


# --- controls --------------------------------------------------------------------------------------------------------


def test_controls_are_listed_as_v4l2_ctl_names_them(camera: Uvc) -> None:
    controls = {each.name: each for each in DeviceControls("/dev/video0", camera).list()}
    assert list(controls) == [
        "brightness",
        "white_balance_automatic",
        "gain",
        "power_line_frequency",
        "white_balance_temperature",
        "auto_exposure",
        "exposure_time_absolute",
        "exposure_dynamic_framerate",
        "focus_absolute",
        "focus_automatic_continuous",
    ]
    exposure = controls["exposure_time_absolute"]
    assert (exposure.kind, exposure.minimum, exposure.maximum, exposure.step, exposure.default, exposure.inactive) == (
        "int",
        3,
        2047,
        1,
        250,
        True,
    )
    assert (controls["brightness"].minimum, controls["brightness"].default) == (-64, -3)
    assert controls["auto_exposure"].menu == {1: "Manual Mode", 3: "Aperture Priority Mode"}
    assert controls["white_balance_automatic"].kind == "bool"


def test_names_of_older_kernels_are_those_of_today(camera: Uvc) -> None:
    camera.knobs[uvc.AUTO].name, camera.knobs[uvc.DYNAMIC].name = "Exposure, Auto", "Exposure, Auto Priority"
    names = [each.name for each in DeviceControls("/dev/video0", camera).list()]
    assert "auto_exposure" in names and "exposure_dynamic_framerate" in names
    assert plain_name("Pan, Absolute (Fine)") == "pan_absolute_fine"


def test_controls_are_read_and_set(camera: Uvc) -> None:
    controls = DeviceControls("/dev/video0", camera)
    assert controls.read("brightness") == -3
    controls.write("brightness", -20)
    assert camera.knobs[uvc.BRIGHTNESS].value == controls.read("brightness") == -20
    assert not camera.open_nodes


def test_what_a_control_refuses_has_a_reason(camera: Uvc) -> None:
    controls = DeviceControls("/dev/video0", camera)
    with pytest.raises(Refused, match="exposure_time_absolute: Permission denied") as caught:
        controls.write("exposure_time_absolute", 100)
    assert "automatic" in caught.value.remedy
    with pytest.raises(Refused, match="from 0 to 100, not 101"):
        controls.write("gain", 101)
    with pytest.raises(NotSupported, match="no control iris"):
        controls.read("iris")
    kinds = {errno.EBUSY: Refused, errno.EIO: BadReply, errno.ENODEV: LinkLost, errno.ERANGE: Refused}
    for error, kind in kinds.items():
        camera.errors[uvc.S_CTRL] = error
        with pytest.raises(kind):
            controls.write("gain", 10)
    camera.unplug()
    with pytest.raises(DeviceMissing, match="No such device"):
        controls.list()


def test_a_device_without_controls_has_none_and_an_address_cannot(camera: Uvc) -> None:
    camera.errors[uvc.QUERYCTRL] = errno.ENOTTY
    assert DeviceControls("/dev/video0", camera).list() == ()
    with pytest.raises(NotSupported, match=r"rtsp://127\.0\.0\.1/live has no controls"):
        open_controls("rtsp://name:secret@127.0.0.1/live?pin=1")
    with pytest.raises(DeviceMissing):
        open_controls("/dev/video87")
    with pytest.raises(NotSupported):
        open_controls("film.mp4")


def test_the_kernel_of_this_machine_is_asked() -> None:
    with pytest.raises(DeviceMissing, match="cannot be opened as a camera"):
        open_device("/dev/null")
    assert v4l2.DeviceControls("/dev/null").list() == ()
