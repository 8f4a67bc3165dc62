"""Locking a camera, through the real driver of controls, with a webcam that has automatics of its own behind it."""

import math
from collections import deque
from collections.abc import Callable, Iterator

import pytest

from drivers.camera.controls import Look, lock
from drivers.camera.locked import ORDER, Locked, file_name, from_json, restore, to_json
from drivers.errors import DeviceMissing, NotSupported, Refused
from drivers.real.v4l2 import DeviceControls
from tests.drivers.real import uvc
from tests.drivers.real.uvc import Uvc

NAME = "/dev/v4l/by-id/usb-Studio_Cam_1234-video-index0"
TARGET = 0.18


class Webcam(Uvc):
    """Its picture: scene x exposure x gain, two pictures late. ``ae`` and ``awb`` say whether its automatics obey their
    switches; what its exposure really is and what it says are two things while the automatic has it."""

    def __init__(self) -> None:
        super().__init__()
        self.scene, self.time, self.rate = 0.18 * 133 / 100, 0.0, 8.0
        self.exposure, self.kelvin, self.gain = 100.0, 4000.0, 1.0
        self.ae_obeys = self.awb_obeys = self.exposure_works = self.kelvin_works = True
        self.hidden_gain = False
        self.written: list[int] = []
        self._late: deque[tuple[float, float]] = deque([(TARGET, 0.0)] * 2)

    def turned(self, number: int, value: int) -> None:
        super().turned(number, value)
        self.written.append(number)
        if number == uvc.EXPOSURE and self.exposure_works:
            self.exposure = value
        if number == uvc.WB and self.kelvin_works:
            self.kelvin = value
        if number == uvc.AUTO and value == 1 and self.ae_obeys:
            self.exposure = self.knobs[uvc.EXPOSURE].value  # the value set last, not what the automatic had come to

    def look(self) -> Look:
        self.time += 1 / self.rate
        light = self.scene * self.exposure / 133 * self.gain
        if self.knobs[uvc.AUTO].value == 3 or not self.ae_obeys:
            self.exposure *= (TARGET / light) ** (2 / self.rate)
        if self.hidden_gain:
            self.gain *= (TARGET / light) ** (1 / self.rate)
        if self.knobs[uvc.WB_AUTO].value or not self.awb_obeys:
            self.kelvin += (4000 - self.kelvin) * 2 / self.rate
        self._late.append((min(1.0, light), math.log2(self.kelvin / 4000)))
        light, warmth = self._late.popleft()
        return Look(light * (1 + 0.01 * math.sin(self.time * 7)), warmth, self.time)


@pytest.fixture
def camera() -> Iterator[Webcam]:
    twin = Webcam()
    yield twin
    twin.end()


@pytest.fixture
def locked(camera: Webcam) -> Callable[..., Locked]:
    def work(**how: object) -> Locked:
        return lock(NAME, DeviceControls("/dev/video0", camera), camera.look, **how)  # type: ignore[arg-type]

    return work


def settled(camera: Webcam) -> float:
    return [camera.look().light for _ in range(30)][-1]


def test_a_locked_camera_shows_what_the_light_does(camera: Webcam, locked: Callable[..., Locked]) -> None:
    before = settled(camera)
    done = locked()
    assert camera.time < 25, "it takes 15 s, after 4 s of settling here"
    values = done.values
    assert (values["auto_exposure"], values["white_balance_automatic"], values["exposure_dynamic_framerate"]) == (
        1,
        0,
        0,
    )
    assert values["focus_automatic_continuous"] == 0
    assert 85 < values["exposure_time_absolute"] < 115  # what the automatic used; 250 is what it said
    assert settled(camera) == pytest.approx(before, rel=0.08)
    camera.scene *= 2
    assert settled(camera) == pytest.approx(2 * before, rel=0.1)
    assert list(values) == [name for name in ORDER if name in values]
    first = [camera.written.index(number) for number in (uvc.AUTO, uvc.EXPOSURE, uvc.GAIN, uvc.WB_AUTO, uvc.WB)]
    assert first == sorted(first)


def test_wanted_values_and_whole_periods_of_the_mains(camera: Webcam, locked: Callable[..., Locked]) -> None:
    camera.scene /= 2.4
    settled(camera)
    done = locked(mains=50, wanted={"gain": 20, "white_balance_temperature": 5000, "brightness": 5})
    assert done.values["exposure_time_absolute"] == 200
    assert (done.values["gain"], done.values["white_balance_temperature"], done.values["brightness"]) == (20, 5000, 5)
    assert camera.knobs[uvc.MAINS].value == done.values["power_line_frequency"] == 1
    assert any("against the automatic's" in note for note in done.notes) == (
        done.values["exposure_time_absolute"] == 200
    )


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("ae_obeys", "moves its picture back|does not do what it says"),
        ("exposure_works", "does not do what it says"),
        ("awb_obeys", "moves its colours back"),
        ("kelvin_works", "does nothing"),
    ],
)
def test_a_camera_that_only_says_it_is_locked_is_refused(
    camera: Webcam, locked: Callable[..., Locked], wrong: str, reason: str
) -> None:
    settled(camera)
    setattr(camera, wrong, False)
    with pytest.raises(Refused, match=reason) as caught:
        locked()
    assert caught.value.remedy
    assert camera.knobs[uvc.AUTO].value == 3 and camera.knobs[uvc.WB_AUTO].value == 1  # as it was
    assert camera.knobs[uvc.DYNAMIC].value == camera.knobs[uvc.FOCUS_AUTO].value == 1


def test_a_gain_that_works_behind_the_switches_is_noticed(camera: Webcam, locked: Callable[..., Locked]) -> None:
    settled(camera)
    camera.hidden_gain = True
    with pytest.raises(Refused, match="moves its picture back") as caught:
        locked()
    assert "gain still works" in caught.value.remedy


def test_a_moving_scene_and_a_camera_without_the_switch_are_refused(
    camera: Webcam, locked: Callable[..., Locked]
) -> None:
    settled(camera)
    del camera.knobs[uvc.AUTO]
    with pytest.raises(Refused, match="it has no auto_exposure"):
        locked()
    camera.knobs = uvc.knobs()
    camera.knobs[uvc.AUTO].menu = {0: "Auto Mode", 3: "Aperture Priority Mode"}
    with pytest.raises(Refused, match="no manual mode: Auto Mode"):
        locked()
    camera.knobs = uvc.knobs()
    scene, steady = camera.scene, camera.look

    def flashing() -> Look:
        look = steady()
        return Look(look.light * (4.0 if camera.time % 2 < 1 else 1.0), look.warmth, look.time)

    with pytest.raises(Refused, match=r"moves by .* stop by itself"):
        lock(NAME, DeviceControls("/dev/video0", camera), flashing)
    assert camera.scene == scene and camera.knobs[uvc.AUTO].value == 3


def test_what_is_wanted_must_be_there_and_in_range(camera: Webcam, locked: Callable[..., Locked]) -> None:
    with pytest.raises(Refused, match="gain goes from 0 to 100"):
        locked(wanted={"gain": 200})
    with pytest.raises(NotSupported, match="no control iris"):
        locked(wanted={"iris": 2})
    assert camera.written == []


def test_a_camera_that_returns_gets_its_values_back(camera: Webcam, locked: Callable[..., Locked]) -> None:
    settled(camera)
    done = locked()
    kept = from_json(to_json(done))
    assert kept == done
    replugged = Webcam()
    controls = DeviceControls("/dev/video0", replugged)
    assert restore(controls, kept) == ()
    assert {name: controls.read(name) for name in kept.values} == dict(kept.values)
    assert replugged.exposure == done.values["exposure_time_absolute"]
    del replugged.knobs[uvc.FOCUS]
    replugged.knobs[uvc.GAIN].most = 5
    assert restore(controls, kept) == (
        "focus_absolute: the camera has it no more",
        "gain: gain goes from 0 to 5, not 10",
    )
    replugged.unplugged = True
    with pytest.raises(DeviceMissing):
        restore(controls, kept)
    replugged.end()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"version": 2, "camera": "x", "values": {"gain": 1}, "notes": []}',
        b'{"version": 1, "camera": "x", "values": {"gain": true}, "notes": []}',
        b'{"version": 1, "camera": "x", "values": {}, "notes": []}',
        b'{"version": 1, "camera": 1, "values": {"gain": 1}, "notes": [2]}',
        b"\xff",
    ],
)
def test_what_is_no_locked_set_is_said(content: bytes) -> None:
    with pytest.raises(ValueError):
        from_json(content)


def test_every_camera_has_a_file_of_its_own() -> None:
    names = {file_name(each) for each in (NAME, NAME.replace("-", "_"), "/dev/video0", "rtsp://a/b", "rtsp://a-b")}
    assert len(names) == 5
    assert all("/" not in each and not each.startswith(".") for each in names)
