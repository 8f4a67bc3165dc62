"""RTSP through the production driver and real sockets: a camera as it should be, and all that one can do otherwise."""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from drivers.camera import cadence
from drivers.camera.faults import PictureFault
from drivers.camera.opencv import OpenCVCamera, OpenCVOptions
from drivers.errors import DeviceMissing, DriverError, LinkLost
from drivers.host import LONGEST_OPENING
from drivers.real.host import RealHost
from drivers.real.video import open_source
from tests.drivers.real.guarded import BASIC, SECRET, Guarded
from tests.drivers.real.rtsp import AUDIO, VIDEO, Orders, RtspCamera, film
from tests.drivers.real.streams import open_by_turns
from tests.waiting import PATIENCE, free_port

READ = 2.0
"""Seconds no read may take."""
OPENED = LONGEST_OPENING + 1.0
"""Seconds no opening may take, with one for a busy machine."""
DIGEST = 'Digest realm="camera", nonce="77f0"'
Units = list[list[bytes]]


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Units:
    return film(tmp_path_factory.mktemp("film"))


@pytest.fixture
def camera(units: Units) -> Iterator[Callable[..., RtspCamera]]:
    cameras: list[RtspCamera] = []

    def make(orders: Orders | None = None, pictures: Units = units, port: int = 0) -> RtspCamera:
        cameras.append(RtspCamera(pictures, orders, port))
        return cameras[-1]

    yield make
    for each in cameras:
        each.close()


@pytest.fixture
def driver() -> Iterator[Callable[..., OpenCVCamera]]:
    drivers: list[OpenCVCamera] = []

    def make(url: str, **options: object) -> OpenCVCamera:
        drivers.append(OpenCVCamera(OpenCVOptions.model_validate({"source": url, **options}), RealHost()))
        return drivers[-1]

    yield make
    for each in drivers:
        each.close()


@pytest.fixture
def password(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text(SECRET + "\n", encoding="utf-8")
    file.chmod(0o600)
    return file


def refused(driver: OpenCVCamera, kind: type[DriverError] = DeviceMissing) -> str:
    """Why it does not open; it says so in time, and what to do."""
    began = time.monotonic()
    with pytest.raises(kind) as caught:
        open_by_turns(driver)
    assert time.monotonic() - began < OPENED
    assert caught.value.remedy
    return str(caught.value)


def lost(driver: OpenCVCamera) -> str:
    """Why the stream is gone. No read takes longer than it may until it is, watched or not."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        began = time.monotonic()
        try:
            driver.grab()
            driver.watch(time.monotonic() + 0.1)
        except LinkLost as error:
            return error.reason
        finally:
            assert time.monotonic() - began < READ
    raise AssertionError("it goes on and on")


# --- as it should be -------------------------------------------------------------------------------------------------


def test_it_is_opened_measured_and_every_packet_is_seen(
    camera: Callable[..., RtspCamera], driver: Callable[..., OpenCVCamera]
) -> None:
    far = camera()
    near = driver(far.url)
    identity = open_by_turns(near)
    assert (identity.model, identity.details["size"], identity.details["codec"]) == ("RTSP", "320x180", "h264")
    assert identity.details["source"] == far.url
    first = near.grab()
    assert first.pixels.shape == (180, 320, 3) and first.pixels.std() > 20
    near.stamps()
    before, sent = int(near.describe()["frames"]), far.sent
    for _ in range(5):
        near.watch(time.monotonic() + 0.2)
    stamps = near.stamps()
    assert len(stamps) == int(near.describe()["frames"]) - before
    assert len(stamps) > 0.5 * (far.sent - sent) > 5
    keys = [stamp.key for stamp in stamps]
    assert False in keys and abs(keys.count(True) - len(keys) / 25) < 1
    assert near.grab().captured > first.captured
    near.close()
    assert any(said.startswith("TEARDOWN") for said in (*far.said, *_later(far, "TEARDOWN")))


def _later(far: RtspCamera, method: str) -> list[str]:
    until = time.monotonic() + PATIENCE
    while not any(said.startswith(method) for said in far.said) and time.monotonic() < until:
        os.sched_yield()
    return far.said


def test_the_burst_of_its_first_two_seconds_is_marked(
    camera: Callable[..., RtspCamera], driver: Callable[..., OpenCVCamera]
) -> None:
    near = driver(camera().url)
    open_by_turns(near)
    stamps = list(near.stamps())
    while stamps[-1].warming:
        near.watch(time.monotonic() + 0.2)
        stamps += near.stamps()
    warm = [stamp.time for stamp in stamps if stamp.warming]
    assert 1.5 < next(stamp.time for stamp in stamps if not stamp.warming) - warm[0] < 2.5
    assert len(warm) > 40


def test_a_session_is_kept_alive(camera: Callable[..., RtspCamera], driver: Callable[..., OpenCVCamera]) -> None:
    far = camera(Orders(session=3))
    near = driver(far.url)
    open_by_turns(near)
    began = time.monotonic()
    while sum(said.startswith("GET_PARAMETER") for said in far.said) < 5:
        near.watch(time.monotonic() + 0.2)
        assert time.monotonic() - began < PATIENCE
    near.grab()
    assert time.monotonic() - began > 3


def test_sound_beside_the_picture_is_not_waited_for(
    camera: Callable[..., RtspCamera], driver: Callable[..., OpenCVCamera]
) -> None:
    far = camera(Orders(media=AUDIO + VIDEO))
    open_by_turns(driver(far.url))
    assert [said for said in far.said if said.startswith("SETUP")] == [f"SETUP {far.url}/track0"]


def test_a_stream_that_changes_its_size_goes_on_in_the_first_one(
    tmp_path: Path, units: Units, camera: Callable[..., RtspCamera], driver: Callable[..., OpenCVCamera]
) -> None:
    """Whole, not cut: red on the left, cyan on the right. The smaller film is darker by its larger clock."""
    near = driver(camera(pictures=units + film(tmp_path, "160x90")).url)
    open_by_turns(near)
    until = time.monotonic() + PATIENCE
    while (pixels := near.grab().pixels).mean() > 116:
        near.watch(time.monotonic() + 0.1)
        assert time.monotonic() < until
    assert pixels.shape == (180, 320, 3)
    assert pixels[150, 10].tolist() == pytest.approx([0, 0, 255], abs=25)
    assert pixels[150, 310].tolist() == pytest.approx([255, 255, 0], abs=25)


@pytest.mark.parametrize("fault", [PictureFault.DROPPED, PictureFault.TOO_FAST])
def test_a_broken_rhythm_is_seen(
    camera: Callable[..., RtspCamera], driver: Callable[..., OpenCVCamera], fault: PictureFault
) -> None:
    far = camera()
    near = driver(far.url)
    open_by_turns(near)
    state = cadence.start(time.monotonic())
    named: list[PictureFault] = []
    until = time.monotonic() + PATIENCE
    while fault not in named and time.monotonic() < until:
        near.watch(time.monotonic() + 0.2)
        state = cadence.feed(state, near.stamps(), now := time.monotonic(), cadence.NETWORK)
        named = [each for each, judged in cadence.judge(state, now, cadence.NETWORK).items() if judged.holds]
        if state.rate and fault is PictureFault.TOO_FAST:
            far.orders.rate = 75
        elif state.rate:
            far.orders.spoil = lambda number, packets: packets if number % 2 else []
    assert fault in named
    near.grab()


# --- what ends it ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ends", "why"),
    [("hold", "sent no picture for 1 s"), ("half", "sent no picture for 1 s"), ("close", "ended")],
)
def test_a_stream_that_stops_is_lost_in_time_and_opened_anew(
    camera: Callable[..., RtspCamera], driver: Callable[..., OpenCVCamera], ends: str, why: str
) -> None:
    far = camera()
    near = driver(far.url)
    open_by_turns(near)
    far.orders.ends = lambda number: ends
    assert lost(near) == f"{far.url} {why}"
    far.orders.ends = lambda number: ""
    open_by_turns(near)
    assert near.grab().pixels.shape == (180, 320, 3)


def test_noise_for_packets_is_lost_in_time(
    camera: Callable[..., RtspCamera], driver: Callable[..., OpenCVCamera], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.real.opening.LONGEST_OPENING", 5.0)  # once is enough
    far = camera()
    near = driver(far.url)
    open_by_turns(near)
    far.orders.spoil = lambda number, packets: [os.urandom(len(each)) for each in packets]
    # noise may happen to say that the stream is over
    assert lost(near) in (f"{far.url} sent no picture for 1 s", f"{far.url} ended")
    refused(near, DriverError)


def test_a_camera_that_was_away_is_opened_when_it_returns(
    camera: Callable[..., RtspCamera], driver: Callable[..., OpenCVCamera]
) -> None:
    port = free_port()
    near = driver(f"rtsp://127.0.0.1:{port}/live")
    assert refused(near) == f"rtsp://127.0.0.1:{port}/live cannot be reached: Connection refused"
    camera(port=port)
    open_by_turns(near)
    near.grab()


# --- what does not open ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("orders", "why"),
    [
        (Orders(status={"DESCRIBE": 404}), ": no such stream there (the camera answers 404)"),
        (Orders(status={"DESCRIBE": 403}), " lets nobody in from here (it answers 403)"),
        (Orders(status={"DESCRIBE": 503}), " does not give its stream: it answers 503"),
        (Orders(status={"SETUP": 454}), " promises H264 video and refuses to send it"),
        (Orders(status={"PLAY": 454}), " promises H264 video and refuses to send it"),
        (Orders(mute="-"), ": connected, but no answer"),
        (Orders(mute="DESCRIBE"), ": connected, but no answer"),
        (Orders(media=AUDIO), " has no video in it"),
        (Orders(codec="X-ODD"), " sends video as X-ODD, which cannot be decoded here"),
        (Orders(greeting=b"SSH-2.0-OpenSSH_9.2\r\n"), " is no RTSP server: it answers in another way"),
        (Orders(greeting=b"HTTP/1.1 400 Bad Request\r\n\r\n<html>"), " is no RTSP server: it answers in another way"),
        (Orders(greeting=b"RTSP/1.0 2x0 OK\r\n\r\n"), " is no RTSP server: it answers in another way"),
        (
            Orders(greeting=b"RTSP/1.0 200 OK\r\nContent-Length: 9999\r\n\r\nv=0"),
            " hangs up when it is asked for the stream",
        ),
        (Orders(greeting=b""), " hangs up when it is asked for the stream"),
    ],
    ids=lambda each: "" if isinstance(each, Orders) else each.strip(": ").replace(" ", "-")[:30],
)
def test_what_does_not_open_says_why(
    camera: Callable[..., RtspCamera], driver: Callable[..., OpenCVCamera], orders: Orders, why: str
) -> None:
    far = camera(orders)
    assert refused(driver(far.url)) == far.url + why


def test_one_whose_key_frame_comes_late_is_opened_anew(
    camera: Callable[..., RtspCamera], driver: Callable[..., OpenCVCamera], units: Units
) -> None:
    """Nothing can be shown before a key frame, and its first viewer gets none: they are four seconds apart."""
    far = camera()

    def late(number: int, packets: list[bytes]) -> list[bytes]:
        first = sum(said.startswith("PLAY") for said in far.said) < 2
        return [] if first and number % 25 == 0 else packets

    far.orders.spoil = late
    assert open_by_turns(driver(far.url)).details["size"] == "320x180"
    assert sum(said.startswith("PLAY") for said in far.said) == 2


def test_one_that_never_sends_what_it_promised_is_given_up(
    camera: Callable[..., RtspCamera], driver: Callable[..., OpenCVCamera], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.real.opening.LONGEST_OPENING", 5.0)  # once is enough
    far = camera(Orders(ends=lambda number: "hold"))
    assert refused(driver(far.url), LinkLost) == f"{far.url} sent no picture for 1 s"


def test_closing_it_while_it_is_opened_waits_for_no_picture(
    camera: Callable[..., RtspCamera], driver: Callable[..., OpenCVCamera]
) -> None:
    far = camera(Orders(ends=lambda number: "hold"))
    near = driver(far.url)
    with ThreadPoolExecutor(1) as pool:
        opening = pool.submit(near.open)
        assert far.playing.wait(PATIENCE)
        near.close()
        with pytest.raises(LinkLost, match="closed"):
            opening.result(PATIENCE)
    assert near.describe() == {}


# --- who is let in ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("challenge", [BASIC, DIGEST])
def test_the_right_one_is_let_in_and_nobody_else(
    camera: Callable[..., RtspCamera],
    driver: Callable[..., OpenCVCamera],
    password: Path,
    capfd: pytest.CaptureFixture[str],
    challenge: str,
) -> None:
    with closing(Guarded(challenge)) as door:
        right = door.right
    far = camera(Orders(challenges=[challenge], right=right))
    assert refused(driver(far.url)) == f"{far.url} wants a name and a password"
    near = driver(far.url, username="studio", password_file=str(password))
    shown = [str(open_by_turns(near).details), str(near.describe())]
    near.grab()
    near.close()
    password.write_text("canary")
    shown.append(refused(near))
    assert shown[-1] == f"{far.url} refuses this name or password"
    seen = " ".join((*shown, *far.said, *capfd.readouterr()))
    assert not any(word in seen for word in ("canary", "cret", "studio"))


def test_a_proof_that_is_not_known_here_is_named(camera: Callable[..., RtspCamera], password: Path) -> None:
    far = camera(Orders(challenges=["Negotiate"]))
    near = OpenCVOptions(source=far.url, username="studio", password_file=password)
    with pytest.raises(DeviceMissing, match=f"{far.url} wants another proof: Negotiate"):
        open_source(far.url, near.login)
