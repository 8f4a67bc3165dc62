"""The camera driver and its self-test, looking into the virtual studio."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from drivers.base import Picture, Result, Verdict
from drivers.camera.checks import Watch, age, exposed, rate
from drivers.camera.opencv import SPEC, OpenCVCamera, OpenCVOptions
from drivers.errors import DeviceMissing, LinkLost, ReplyTimeout
from drivers.host import FrameSource, Login
from drivers.virtual.camera import VirtualCamera, camera_twin
from drivers.virtual.clock import ManualClock
from drivers.virtual.studio import VirtualStudio
from drivers.virtual.twin import Fault

SOURCE = "rtsp://camera.example/live?stream=2"
SECRET = Path("/no/such/secret")
"""A virtual camera wants none."""


@pytest.fixture
def studio() -> VirtualStudio:
    return VirtualStudio(ManualClock())


@pytest.fixture
def twin(studio: VirtualStudio) -> VirtualCamera:
    return camera_twin(studio, {"source": SOURCE}, "cam")


@pytest.fixture
def camera(studio: VirtualStudio, twin: VirtualCamera) -> OpenCVCamera:
    return OpenCVCamera(OpenCVOptions(source=SOURCE, username="studio", password_file=SECRET, size=(640, 360)), studio)


def run(camera: OpenCVCamera) -> dict[str, Result]:
    return {check.id: check.run() for check in camera.checks()}


def test_identity_has_size_and_rate_but_no_password(camera: OpenCVCamera) -> None:
    identity = camera.open()
    assert identity.model == "Virtual camera"
    assert identity.details["size"] == "640x360"
    assert identity.details["fps"] == "25"
    assert identity.details["source"] == "rtsp://camera.example/live"
    assert all("secret" not in check.subject for check in camera.checks())


def test_a_slow_caller_gets_the_picture_of_now(camera: OpenCVCamera, studio: VirtualStudio) -> None:
    camera.open()
    clock = studio.clock
    assert isinstance(clock, ManualClock)
    for _ in range(5):
        clock.advance(0.43)
        image = camera.grab()
        assert 0 <= studio.now() - image.captured <= 1 / 25


def test_a_good_camera_passes_everything(camera: OpenCVCamera) -> None:
    camera.open()
    found = run(camera)
    assert sorted(found) == ["CAM-01", "CAM-02", "CAM-03", "CAM-04", "CAM-05", "CAM-12"]
    assert {ident: result.verdict for ident, result in found.items()} == dict.fromkeys(found, Verdict.PASS)
    assert found["CAM-02"].evidence["fps"] == pytest.approx(25, rel=0.01)


def test_a_frozen_picture_fails_frozen_and_age(camera: OpenCVCamera, twin: VirtualCamera) -> None:
    camera.open()
    twin.fault(Fault.FREEZE)
    found = run(camera)
    assert found["CAM-03"].verdict is Verdict.FAIL
    assert found["CAM-12"].verdict is Verdict.FAIL
    assert found["CAM-02"].verdict is Verdict.PASS
    assert found["CAM-04"].verdict is Verdict.PASS
    twin.heal()
    assert run(camera)["CAM-03"].verdict is Verdict.PASS


def test_a_lens_cap_fails_black(camera: OpenCVCamera, twin: VirtualCamera) -> None:
    camera.open()
    twin.fault(Fault.BLACK)
    result = run(camera)["CAM-04"]
    assert result.verdict is Verdict.FAIL
    assert result.value == 100
    assert "lens cap" in result.remedy.en
    assert "镜头盖" in result.remedy.zh


def test_too_much_light_fails_exposed_and_says_which_way(camera: OpenCVCamera, twin: VirtualCamera) -> None:
    camera.open()
    twin.sensor.gain = 18
    result = run(camera)["CAM-05"]
    assert result.verdict is Verdict.FAIL
    assert "Close the iris" in result.remedy.en
    twin.sensor.gain = -40
    result = run(camera)["CAM-05"]
    assert result.verdict is Verdict.FAIL
    assert "Open the iris" in result.remedy.en


def test_the_wrong_camera_is_told_by_its_size(studio: VirtualStudio, twin: VirtualCamera) -> None:
    camera = OpenCVCamera(OpenCVOptions(source=SOURCE, size=(1920, 1080)), studio)
    camera.open()
    result = run(camera)["CAM-01"]
    assert result.verdict is Verdict.FAIL
    assert "640x360 instead of 1920x1080" in result.said.en


def test_a_camera_slower_than_configured_is_marginal_or_fails(studio: VirtualStudio, twin: VirtualCamera) -> None:
    for nominal, verdict in ((25, Verdict.PASS), (28, Verdict.MARGINAL), (50, Verdict.FAIL)):
        camera = OpenCVCamera(OpenCVOptions(source=SOURCE, fps=nominal), studio)
        camera.open()
        assert run(camera)["CAM-02"].verdict is verdict
        camera.close()


def test_unplugged_and_silent(camera: OpenCVCamera, twin: VirtualCamera) -> None:
    camera.open()
    twin.fault(Fault.SILENCE)
    with pytest.raises(ReplyTimeout):
        camera.grab()
    twin.heal()
    camera.grab()
    twin.fault(Fault.UNPLUG)
    with pytest.raises(LinkLost):
        camera.grab()
    with pytest.raises(DeviceMissing):
        camera.open()
    twin.heal()
    camera.open()


def test_watching_tells_of_the_packets_between_two_pictures(camera: OpenCVCamera, studio: VirtualStudio) -> None:
    camera.open()
    camera.stamps()
    begun = studio.now()
    camera.watch(begun + 60)
    assert studio.now() - begun == pytest.approx(0.5)  # the lane has other things to do, too
    before = camera.grab()
    camera.watch(studio.now() + 0.4)
    after = camera.grab()
    assert after.number == before.number + 1
    assert len(camera.stamps()) == pytest.approx((studio.now() - begun) * 25, abs=1)


def test_silence_of_one_and_a_half_seconds_is_a_lost_camera(
    camera: OpenCVCamera, twin: VirtualCamera, studio: VirtualStudio
) -> None:
    camera.open()
    twin.fault(Fault.SILENCE)
    begun = studio.now()
    with pytest.raises(ReplyTimeout):
        camera.grab()
    with pytest.raises(LinkLost, match=r"none for 1\.5 s"):
        camera.grab()
    assert studio.now() - begun == pytest.approx(1.5, abs=0.05)


def test_a_camera_has_a_lasting_name_and_its_controls(studio: VirtualStudio) -> None:
    for source, name in ((SOURCE, "rtsp://camera.example/live"), ("/dev/video0", "/dev/v4l/by-id/virtual-cam")):
        camera_twin(studio, {"source": source}, "cam")
        camera = OpenCVCamera(OpenCVOptions(source=source), studio)
        assert camera.stable == name
        assert camera.controls().read("auto_exposure") == 1


class Repeats:
    """A host whose source gives one and the same picture again and again, while time passes."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def camera(self, source: str, login: Login) -> FrameSource:
        return self  # type: ignore[return-value]

    def read(self, timeout: float, detail: bool = True) -> tuple[Picture, float]:
        self.time += 0.1
        return np.zeros((90, 160, 3), np.uint8), 0.05

    def describe(self) -> dict[str, str]:
        return {}

    def close(self) -> None:
        pass


def test_a_picture_given_before_is_never_given_again() -> None:
    camera = OpenCVCamera(OpenCVOptions(source="x"), Repeats())  # type: ignore[arg-type]
    camera.open()
    with pytest.raises(ReplyTimeout, match="repeats itself"):
        camera.grab()


def test_without_a_nominal_rate_gaps_are_what_counts(camera: OpenCVCamera, twin: VirtualCamera) -> None:
    """MJPEG over HTTP has no rate of its own."""
    camera.open()

    def nameless() -> Mapping[str, str]:
        return {key: value for key, value in camera.describe().items() if key != "fps"}

    watch = Watch(camera.grab, nameless, twin.studio.now)
    result = rate(watch, None)
    assert result.verdict is Verdict.PASS
    assert result.evidence["nominal_from"] == "median interval"
    assert result.evidence["nominal"] == pytest.approx(25, rel=0.01)
    assert exposed(watch).verdict is Verdict.PASS
    assert age(watch).value == pytest.approx(0, abs=0.04)


def test_example_options_are_valid() -> None:
    assert SPEC.options.model_validate(dict(SPEC.example)) == OpenCVOptions(source="/dev/video0")
