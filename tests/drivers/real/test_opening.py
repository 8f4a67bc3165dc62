"""Openings that take long: whatever a network does with its time, no turn of the lane is blocked for it."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from agent.runtime.back_off import BackOff
from agent.runtime.lane import Health, Idle, Lane
from drivers.camera.opencv import OpenCVCamera, OpenCVOptions
from drivers.errors import DeviceMissing, ReplyTimeout, StillOpening
from drivers.real.host import RealHost
from drivers.real.opening import Opening
from tests.drivers.real.streams import TURN, Server, answers, open_by_turns, serve
from tests.drivers.real.test_bad_input import GOOD
from tests.waiting import PATIENCE

__all__ = ["serve"]


class MuteNameServer:
    """Hears every question over UDP and answers none. The system's resolver cannot be sent to it from within, so
    ``ask`` stands in for its call: it blocks in a real receive for as long as the server lives."""

    def __init__(self) -> None:
        self._server = socket.socket(type=socket.SOCK_DGRAM)
        self._server.bind(("127.0.0.1", 0))
        self._asking: list[socket.socket] = []

    def ask(self, host: str, *_: object) -> list[object]:
        with socket.socket(type=socket.SOCK_DGRAM) as asking:
            self._asking.append(asking)
            asking.settimeout(2 * PATIENCE)
            asking.connect(self._server.getsockname())
            asking.send(host.encode())
            asking.recv(512)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    @property
    def asked(self) -> int:
        return len(self._asking)

    def close(self) -> None:
        for asking in self._asking:
            port = asking.getsockname()
            self._server.sendto(b"?", port)
        self._server.close()


@pytest.fixture
def mute(monkeypatch: pytest.MonkeyPatch) -> Iterator[MuteNameServer]:
    server = MuteNameServer()
    monkeypatch.setattr("drivers.real.opening.socket.getaddrinfo", server.ask)
    with closing(server):
        yield server


@pytest.fixture
def camera() -> Iterator[Callable[[str], OpenCVCamera]]:
    cameras: list[OpenCVCamera] = []

    def make(url: str) -> OpenCVCamera:
        cameras.append(OpenCVCamera(OpenCVOptions(source=url), RealHost()))
        return cameras[-1]

    yield make
    for each in cameras:
        each.close()


def hanging() -> int:
    return sum(thread.name == "opening" for thread in threading.enumerate())


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_a_name_server_that_hangs_blocks_no_turn_and_holds_one_thread(
    mute: MuteNameServer, camera: Callable[[str], OpenCVCamera], monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setattr("drivers.camera.opencv.LONGEST_OPENING", 0.5)
    monkeypatch.setattr("drivers.camera.opencv.TURN", 0.3)
    near = camera(f"{scheme}://cam.lan/live")
    with pytest.raises(StillOpening, match="the name server does not answer"):
        near.open()
    with pytest.raises(ReplyTimeout, match="the name server does not answer"):
        near.open()
    for _ in range(2):  # and once more, as the lane does
        with pytest.raises(ReplyTimeout, match="the name server does not answer"):
            open_by_turns(near)
    assert mute.asked == 1
    assert hanging() == 1


def test_a_name_that_nobody_has_is_said(monkeypatch: pytest.MonkeyPatch, camera: Callable[[str], OpenCVCamera]) -> None:
    def unknown(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr("drivers.real.opening.socket.getaddrinfo", unknown)
    with pytest.raises(DeviceMissing, match="cannot be reached: Name or service not known"):
        open_by_turns(camera("http://cam.lan/live"))


def test_an_answer_that_is_late_and_then_nothing_blocks_no_turn(
    serve: Callable[..., Server], camera: Callable[[str], OpenCVCamera], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.camera.opencv.LONGEST_OPENING", 2.5)
    server = serve()
    late = threading.Event()
    greet = server.greet
    server.greet = lambda: (late.wait(1.2), greet())  # type: ignore[method-assign,func-returns-value]
    near, said = camera(server.url), []
    began = time.monotonic()
    while True:
        turn = time.monotonic()
        try:
            near.open()
        except StillOpening as still:
            said.append(still.reason)
        except ReplyTimeout as error:
            said.append(error.reason)
            break
        finally:
            assert time.monotonic() - turn < TURN
    assert said[0] == f"{server.url} does not answer"
    assert "sent no picture" in said[-1]
    assert time.monotonic() - began < 2.5 + TURN


def test_a_first_picture_that_comes_late_is_waited_for(
    serve: Callable[..., Server], camera: Callable[[str], OpenCVCamera]
) -> None:
    server = serve()
    near = camera(server.url)
    with pytest.raises(StillOpening):
        near.open()
    sender = threading.Thread(target=lambda: server.picture(GOOD[3]))
    sender.start()
    assert open_by_turns(near).details["size"] == "160x90"
    sender.join()


def test_a_stream_of_something_else_ends_with_what_it_sent(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.camera.opencv.LONGEST_OPENING", 1.0)
    server = serve()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=b\r\n\r\n--b\r\n\r\n"
    answers(server, head, endless=bytes(4096))
    with pytest.raises(ReplyTimeout, match=r"kB, but no whole picture"):
        open_by_turns(OpenCVCamera(OpenCVOptions(source=server.url), RealHost()))


def test_what_is_closed_while_it_is_opened_is_let_go(serve: Callable[..., Server]) -> None:
    server = serve()
    asked, go = threading.Event(), threading.Event()
    greet = server.greet
    server.greet = lambda: (asked.set(), go.wait(PATIENCE), greet())  # type: ignore[method-assign,func-returns-value]
    opening = Opening(server.url, RealHost.camera.__defaults__[0])  # type: ignore[index]
    assert asked.wait(PATIENCE)
    opening.close()
    go.set()
    assert server.client is not None
    server.client.settimeout(PATIENCE)
    while server.client.recv(4096):
        pass


def test_a_lane_says_what_it_waits_for_and_refuses_calls_meanwhile(
    mute: MuteNameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.camera.opencv.TURN", 0.3)
    told: list[Health] = []
    waits, refused = threading.Event(), threading.Event()

    class Asked:
        given_up = False

        def fn(self) -> None:
            raise AssertionError("it is not open")

        def tell(self, result: object, error: BaseException | None) -> None:
            assert isinstance(error, DeviceMissing) and "cam is being opened" in error.reason
            refused.set()

    def tell(name: str, health: Health) -> None:
        told.append(health)
        waits.set()

    near = OpenCVCamera(OpenCVOptions(source="http://cam.lan/live"), RealHost())
    bugs: list[object] = []
    lane = Lane(
        *("cam", near, Idle()),
        now=time.monotonic,
        tell=tell,
        bug=lambda name, error: bugs.append(error),
        back_off=BackOff(0.01, 0.02),
    )
    lane.start()
    assert waits.wait(PATIENCE)
    lane.post(Asked())
    assert refused.wait(PATIENCE)
    assert (told[0].state, "the name server does not answer" in told[0].reason) == ("starting", True)
    lane.request_stop()
    assert lane.join()
    assert not bugs
