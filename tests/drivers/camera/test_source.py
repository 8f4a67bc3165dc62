"""What may stand in a camera's options, and that what is refused is not shown."""

from pathlib import Path

import pytest

from config.check import validate
from drivers.camera.opencv import OpenCVOptions
from drivers.host import Login


def faults(folder: Path | None = None, **options: object) -> str:
    return "\n".join(problem.line("f") for problem in validate(OpenCVOptions, options, "o", {"folder": folder})[1])


@pytest.mark.parametrize(
    "source",
    [
        "/dev/video0",
        "0",
        "clip@night.mp4",
        "file:///films/a b.mp4",
        "http://camera.lan/stream",
        "HTTPS://[fe80::1]:8443/stream?size=hd",
        "rtsp://10.0.0.7:554/live/ch%40name",
        "udp://@239.0.0.1:1234",
        "srt://:9000?mode=listener",
    ],
)
def test_what_can_be_opened_is_accepted(source: str) -> None:
    assert faults(source=source) == ""


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("rtsp://admin:canary@host/live", "give them as username and password_file"),
        ("rtsp://admin:can%61ry@host/live", "give them as username and password_file"),
        ("rtsp://admin:can/canary@host/live", "give them as username and password_file"),
        ("rtsp://admin:1?canary@host/live", "give them as username and password_file"),
        ("http://canary@host/", "give them as username and password_file"),
        ("http://host/video?user=admin&pwd=canary", "write {password} in its place"),
        ("http://host/video?loginPassword=canary", "write {password} in its place"),
        ("rtsp://host/user=admin&password=canary&channel=1", "write {password} in its place"),
        ("srt://host:9000?passphrase=canary", "write {password} in its place"),
        ("srt://host:9000?passphrase={password}canary", "write {password} in its place"),
        ("htp://camera/canary", "nothing here opens htp – did you mean 'http'?"),
        ("rtspp://camera/canary", "nothing here opens rtspp – did you mean 'rtsp'?"),
        ("gopher://camera/canary", "nothing here opens gopher – one of: file, http,"),
        ("http:///canary", "the address names no host"),
        ("http://camera:0/canary", "the address names no host and port that can be"),
        ("http://camera:http/canary", "host or port of the address cannot be"),
        ("http://camera:99999/canary", "host or port of the address cannot be"),
        ("http://[::1/canary", "host or port of the address cannot be"),
        ("http://camera/a canary", "a blank is written %20"),
        ("http://camera/\r\nX: canary", "a blank is written %20"),
    ],
)
def test_what_cannot_be_is_refused_and_not_shown(source: str, said: str) -> None:
    found = faults(source=source)
    assert found.startswith("f: o.source – ") and said in found
    assert "canary" not in found and "can%61ry" not in found


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"source": "http://h/", "username": "a:canary"}, "o.username – a user name has no colon"),
        ({"source": "http://h/", "username": "a\ncanary"}, "o.username – a user name has no colon and no control"),
        ({"source": "http://h/", "username": ""}, "o.username – is empty"),
        ({"source": "http://h/", "password_file": "p"}, "password_file without username – give the user name too"),
        ({"source": "http://h/", "password": "canary"}, "o.password – unknown key – did you mean 'password_file'?"),
        ({"source": "/dev/video0", "username": "a"}, "are for http, https, rtsp, rtsps"),
        ({"source": "rtmp://h/live", "username": "a", "password_file": "p"}, "are for http, https, rtsp, rtsps"),
        ({"source": "http://h/?u={username}&p={password}", "username": "a"}, "nothing gives it"),
        ({"source": "http://h/?u={username}&p={password}", "password_file": "p"}, "nothing gives it"),
    ],
)
def test_name_and_password_belong_together_and_to_an_address(options: dict[str, object], said: str) -> None:
    found = faults(**options)
    assert said in found
    assert "canary" not in found


def test_the_password_file_counts_from_the_configuration_s_folder(tmp_path: Path) -> None:
    data = {"source": "rtsp://h/live", "username": "a", "password_file": "secrets/camera"}
    options, found = validate(OpenCVOptions, data, "o", {"folder": tmp_path})
    assert options is not None and found == []
    assert options.login == Login("a", tmp_path / "secrets/camera")
    assert options.secrets() == {"password_file": tmp_path / "secrets/camera"}
    assert faults(tmp_path, source="srt://h:9000?passphrase={password}", password_file="p") == ""
    assert faults(tmp_path, source="rtmp://h/l?u={username}&p={password}", username="a", password_file="p") == ""


@pytest.mark.parametrize(
    ("source", "path"),
    [("0", "/dev/video0"), ("/dev/video0", "/dev/video0"), ("/dev//video0", "/dev/video0"), ("film.mp4", "")],
)
def test_only_a_device_is_had_by_one_alone(source: str, path: str) -> None:
    assert list(OpenCVOptions(source=source).exclusive(())) == ([("options.source", path)] if path else [])
    assert list(OpenCVOptions(source="http://h/").exclusive(())) == []
