"""What people and topics see of a camera's address."""

import pytest

from drivers.host import shown_url


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("/dev/video0", "/dev/video0"),
        ("rtsp://cam:554/live", "rtsp://cam:554/live"),
        ("rtsp://admin:hunter2@cam/live", "rtsp://cam/live"),
        ("rtsp://admin:hun/ter2@cam/live", "rtsp://cam/live"),
        ("http://admin:hun#ter2@cam/x", "http://cam/x"),
        ("http://admin:hun?ter2@cam/x", "http://cam/x"),
        ("http://cam/x?user=admin&pwd=hunter2", "http://cam/x"),
    ],
)
def test_no_secret_is_shown(source: str, shown: str) -> None:
    assert shown_url(source) == shown
