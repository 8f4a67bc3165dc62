"""The commonest reasons are said in Chinese, too: each made for real, by the driver that meets it."""

import ast
import errno
import re
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

import cv2
import numpy as np
import pytest

from drivers.errors import BadReply, DeviceMissing, DriverError, LinkLost, NotSupported, ReplyTimeout, Why, why_of
from drivers.host import Login
from drivers.real.decode import jpeg
from drivers.real.host import RealHost
from drivers.real.v4l2_capture import open_device
from drivers.real.video import open_source
from tests.drivers.real import uvc
from tests.drivers.real.guarded import BASIC, Guarded
from tests.drivers.real.rtsp import Orders, RtspCamera
from tests.drivers.real.streams import Server, answers, serve
from tests.drivers.real.uvc import Uvc
from tests.processes import ROOT
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


def test_what_a_device_says() -> None:
    for code, ioctl, why in (
        (errno.EBUSY, uvc.STREAMON, Why.IN_USE),
        (errno.ENOSPC, uvc.STREAMON, Why.NO_ROOM),
        (errno.ENOTTY, uvc.QUERYCAP, Why.NO_CAMERA),
        (errno.ENODEV, uvc.REQBUFS, Why.NOT_THERE),
    ):
        twin = Uvc()
        twin.errors[ioctl] = code
        with pytest.raises(DeviceMissing) as caught:
            open_device("/dev/video0", twin)
        assert said(caught.value)[0] is why and caught.value.todo.zh == why.remedy
        twin.end()
    with closing(open_device("/dev/video0", twin := Uvc())) as source:
        with pytest.raises(ReplyTimeout) as silent:
            source.read(0.01)
        twin.picture(b"")
        with pytest.raises(ReplyTimeout) as incomplete:
            source.read(0.01)
        twin.picture(bytes(100))
        with pytest.raises(BadReply) as short:
            source.read(1.0)
        twin.unplug()
        with pytest.raises(LinkLost) as gone:
            source.read(PATIENCE)
    assert [each.value.why for each in (silent, incomplete, short, gone)] == [
        *(Why.SILENT, Why.SPOILT, Why.SPOILT, Why.UNPLUGGED),
    ]
    twin.end()
    odd = Uvc(code=b"pBAA")
    odd.formats = [b"pBAA"]
    with pytest.raises(DeviceMissing) as raw:
        open_device("/dev/video0", odd)
    assert said(raw.value) == (Why.NO_FORMAT, "摄像机的画面格式不受支持")
    odd.end()


def test_what_pictures_say() -> None:
    good = cv2.imencode(".jpg", np.zeros((36, 64, 3), np.uint8))[1].tobytes()
    head = good.index(b"\xff\xc0")
    huge = good[: head + 5] + b"\x40\x00\x40\x00" + good[head + 9 :]
    deep = good[: head + 4] + b"\x0c" + good[head + 5 :]
    for data, why in ((b"GIF89a", Why.SPOILT), (huge, Why.TOO_LARGE), (deep, Why.NO_FORMAT)):
        with pytest.raises(BadReply) as caught:
            jpeg(data)
        assert caught.value.why is why


CAMERA = ("address", "capture", "decode", "mjpeg", "opening", "rtsp", "v4l2", "v4l2_capture", "video")
OURS = re.compile(
    r"closed|not open yet|nothing here opens|no controls to be reached|has no control|the next picture is due"
)
"""What nobody reads who looks after a camera: our own doing, and what the configuration is asked about before."""


@pytest.mark.parametrize("room", CAMERA)
def test_whatever_a_camera_does_has_a_reason_in_chinese(room: str) -> None:
    """Every error raised there: the next one, too."""
    kinds = {"DeviceMissing", "LinkLost", "ReplyTimeout", "BadReply", "Refused", "NotSupported"}
    text = (ROOT / "drivers" / "real" / f"{room}.py").read_text()
    made = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    for node in made:
        if isinstance(node.func, ast.Name) and node.func.id in kinds and not OURS.search(ast.unparse(node)):
            assert "why" in {word.arg for word in node.keywords}, f"{room}.py:{node.lineno}: {ast.unparse(node)}"


def test_a_usual_reason_says_what_to_do_in_chinese_and_others_nothing() -> None:
    assert DeviceMissing("gone", "plug it in", why=Why.NOT_THERE).todo == ("plug it in", Why.NOT_THERE.remedy)
    assert LinkLost("x", "y").todo == ("y", "")
    assert all(re.search("[一-鿿]", why.remedy) for why in Why)


def test_an_unusual_reason_is_named_by_its_kind_and_repeated() -> None:
    assert ReplyTimeout("5 of 7 bytes").says == ("5 of 7 bytes", "没有及时响应（5 of 7 bytes）")
    assert NotSupported("no such knob", key="gain").says.zh == "不支持此操作（no such knob）"
    assert why_of(ValueError("no")) is None
    assert not any(ENGLISH.search(why.value) for why in Why)
