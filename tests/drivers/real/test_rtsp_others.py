"""RTSP cameras that send over UDP only, or within TLS, through the production driver and real sockets."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from drivers.camera.opencv import OpenCVCamera, OpenCVOptions
from drivers.errors import DeviceMissing, LinkLost
from drivers.real.host import RealHost
from tests.certificates import ours
from tests.drivers.real.rtsp import Orders, RtspCamera, film
from tests.drivers.real.rtsp_others import TlsCamera, UdpCamera
from tests.drivers.real.streams import open_by_turns
from tests.waiting import PATIENCE

__all__ = ["ours"]


@pytest.fixture(params=["udp", "tls"])
def far(request: pytest.FixtureRequest, tmp_path: Path, ours: Path) -> Iterator[RtspCamera]:
    units = film(tmp_path)
    made = UdpCamera(units) if request.param == "udp" else TlsCamera(units, ours / "broker.crt", ours / "broker.key")
    with closing(made):
        yield made


def camera(url: str) -> OpenCVCamera:
    return OpenCVCamera(OpenCVOptions(source=url), RealHost())


def test_it_is_opened_and_lost_like_any_other(far: RtspCamera) -> None:
    with closing(camera(far.url)) as near:
        assert open_by_turns(near).details["size"] == "320x180"
        setups = sum(said.startswith("SETUP") for said in far.said)
        assert setups == (2 if isinstance(far, UdpCamera) else 1)  # TCP is asked for first
        near.watch(time.monotonic() + 0.2)
        assert near.grab().pixels.std() > 20
        far.orders.ends = lambda number: "hold"
        began = time.monotonic()
        with pytest.raises(LinkLost, match=f"{far.url} sent no picture for 1 s"):
            while time.monotonic() < began + PATIENCE:
                near.grab()
        assert time.monotonic() - began < 2.0


def test_why_one_within_tls_does_not_open_is_said(tmp_path: Path, ours: Path) -> None:
    units = film(tmp_path)
    wrong = Orders(status={"DESCRIBE": 404})
    with ExitStack() as stack:
        far: RtspCamera = TlsCamera(units, ours / "broker.crt", ours / "broker.key", wrong)
        stack.enter_context(closing(far))
        near = stack.enter_context(closing(camera(far.url)))
        with pytest.raises(DeviceMissing, match="no such stream there"):
            open_by_turns(near)
        plain = stack.enter_context(closing(RtspCamera(units, Orders(greeting=b"RTSP/1.0 400 Bad\r\n\r\n"))))
        near = stack.enter_context(closing(camera(plain.url.replace("rtsp:", "rtsps:"))))
        with pytest.raises(DeviceMissing, match="speaks no TLS that is known here"):
            open_by_turns(near)
