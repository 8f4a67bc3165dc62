"""The commonest reasons are said in Chinese, too: each made for real, by the driver that meets it."""

import re
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest

from drivers.errors import DeviceMissing, DriverError, LinkLost, NotSupported, ReplyTimeout, Why, why_of
from drivers.host import Login
from drivers.real.host import RealHost
from drivers.real.video import open_source
from tests.drivers.real.guarded import BASIC, Guarded
from tests.drivers.real.rtsp import Orders, RtspCamera
from tests.drivers.real.streams import Server, answers, serve
from tests.waiting import PATIENCE, free_port

__all__ = ["serve"]
ENGLISH = re.compile(r"[A-Za-z]{2,}")


def said(error: DriverError) -> tuple[Why | None, str]:
    assert error.says.en == error.reason
    return error.why, error.says.zh


def refusal(source: str, login: Login = Login()) -> DriverError:  # noqa: B008 - nobody
    with pytest.raises(DriverError) as caught:
        open_source(source, login).read(0.2)
    return caught.value


def test_what_is_not_there_in_use_or_forbidden(
    tmp_path: Path, nobody: Callable[[], AbstractContextManager[None]]
) -> None:
    host = RealHost()
    assert said(refusal("/dev/video97")) == (Why.NOT_THERE, "设备不存在或未连接")
    assert refusal(str(tmp_path / "film.mp4")).why is Why.NOT_THERE
    (tmp_path / "film.mp4").touch()
    tmp_path.chmod(0o700)
    with nobody():  # may not even look whether it is there
        assert said(refusal(str(tmp_path / "film.mp4"))) == (Why.NOT_ALLOWED, "没有访问权限")
    port = free_port()
    with closing(host.udp(("127.0.0.1", port))), pytest.raises(DeviceMissing) as caught:
        host.udp(("127.0.0.1", port))
    assert said(caught.value) == (Why.IN_USE, "设备被其他程序占用")


def test_what_a_network_says(serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> None:
    closed = f"127.0.0.1:{free_port()}"
    for source in (f"http://{closed}/", f"rtsp://{closed}/"):
        assert said(refusal(source)) == (Why.REFUSED, "对方拒绝连接")
    with pytest.raises(DeviceMissing) as caught:
        RealHost().resolve("no such name")
    assert said(caught.value) == (Why.NO_NAME, "无法解析主机名")
    assert why_of(socket.gaierror(socket.EAI_NONAME, "")) is Why.NO_NAME
    with socket.create_server(("127.0.0.1", 0)) as mute, monkeypatch.context() as patch:
        patch.setattr("drivers.real.video.OPEN_TIMEOUT", 0.3)
        assert said(refusal(f"http://127.0.0.1:{mute.getsockname()[1]}/")) == (Why.NO_ANSWER, "没有响应")
    page = serve()
    answers(page, b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
    assert said(refusal(page.url)) == (Why.NO_STREAM, "该地址不提供可读取的视频流")
    with closing(RtspCamera([], Orders(status={"DESCRIBE": 404}))) as camera:
        assert said(refusal(camera.url)) == (Why.NOT_FOUND, "该地址上没有这个视频流")
    with closing(Guarded(BASIC)) as door:
        secret = door.place
        assert said(refusal(f"http://{secret}")) == (Why.NOT_LET_IN, "用户名或密码不正确，或未提供")


def test_a_stream_that_ends(serve: Callable[..., Server]) -> None:
    server = serve()
    source = open_source(server.url)
    server.hang_up()
    with pytest.raises(LinkLost) as caught:
        source.read(PATIENCE)
    assert caught.value.says.zh.startswith("连接已断开")
    source.close()


def test_an_unusual_reason_is_named_by_its_kind_and_repeated() -> None:
    assert ReplyTimeout("5 of 7 bytes").says == ("5 of 7 bytes", "没有及时响应（5 of 7 bytes）")
    assert NotSupported("no such knob", key="gain").says.zh == "不支持此操作（no such knob）"
    assert why_of(ValueError("no")) is None
    assert not any(ENGLISH.search(why.value) for why in Why)
