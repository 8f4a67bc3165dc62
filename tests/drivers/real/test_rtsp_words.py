"""What an RTSP camera says of its stream, read."""

import pytest

from drivers.real.rtsp import codecs
from tests.drivers.real.rtsp import AUDIO


@pytest.mark.parametrize(
    ("description", "found"),
    [
        ("v=0\r\n" + AUDIO, []),
        ("v=0\r\nm=video 0 RTP/AVP 26\r\n", ["JPEG"]),
        ("v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:97 H264/90000\r\na=rtpmap:96 H265/90000\r\n", ["H265"]),
        ("m=video 0 RTP/AVP 96\r\na=rtpmap:96 <script>/1\r\nm=audio 0 RTP/AVP 33\r\n", ["unnamed", "MP2T"]),
        ("m=\r\nm=video", ["unnamed"]),
        ("", []),
    ],
)
def test_the_video_of_a_description(description: str, found: list[str]) -> None:
    assert codecs(description) == found
