"""Secrets come from files of their own, and never out again in an error."""

import os
from pathlib import Path

import pytest

from config.files import LARGEST_SECRET, problems, read_secret
from config.model import StudioConfig
from config.problems import ConfigError


def secret(tmp_path: Path, content: bytes, mode: int = 0o600) -> Path:
    path = tmp_path / "password"
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("content", [b"hunter2", b"hunter2\n", b"hunter2\r\n"])
@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_private_file_gives_its_secret(tmp_path, content, mode):
    assert read_secret(secret(tmp_path, content, mode)) == "hunter2"


def test_only_the_last_line_break_is_not_part_of_it(tmp_path):
    assert read_secret(secret(tmp_path, b" two\nlines \n\n")) == " two\nlines \n"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o601, 0o620])
def test_a_file_that_others_may_use_is_refused_with_the_cure(tmp_path, mode):
    path = secret(tmp_path, b"hunter2", mode)
    with pytest.raises(ConfigError) as caught:
        read_secret(path, "mqtt.password_file")
    assert str(caught.value) == (
        f"{path}: mqtt.password_file – others than its owner may use {path} (mode {mode:04o}) – chmod 600 {path}"
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "holds no secret"),
        (b"\n", "holds no secret"),
        (b"hunter2\0", "holds a NUL byte"),
        (b"hunter2\xff", "is not a UTF-8 text"),
        (b"hunter2" * LARGEST_SECRET, "is larger than"),
    ],
)
def test_an_unusable_secret_is_refused_without_showing_it(tmp_path, content, why):
    with pytest.raises(ConfigError, match=why) as caught:
        read_secret(secret(tmp_path, content))
    seen: BaseException | None = caught.value
    while seen is not None:
        assert "hunter2" not in f"{seen} {seen!r}"
        assert seen.__suppress_context__ or seen.__context__ is None
        seen = seen.__cause__


def test_what_is_no_file_is_refused_and_a_pipe_does_not_hold_up_the_start(tmp_path):
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path, why in [
        (tmp_path / "pipe", "is not a plain file"),
        (tmp_path, "is not a plain file"),
        (tmp_path / "none", "cannot be read here: No such file or directory"),
        (Path("a\0b"), "cannot be read here: not a path"),
    ]:
        with pytest.raises(ConfigError, match=why):
            read_secret(path)


def test_every_file_the_brokers_tables_name_is_looked_at(tmp_path):
    key = tmp_path / "one.key"
    key.write_text("a key")
    key.chmod(0o640)
    authority = tmp_path / "ca.pem"
    authority.write_text("a certificate")
    authority.chmod(0o644)
    mqtt = {
        "username": "a",
        "password_file": tmp_path / "none",
        "tls": {"ca_file": authority, "cert_file": tmp_path, "key_file": key},
    }
    config = StudioConfig.model_validate({"agent": {"site": "x", "name": "y"}, "mqtt": mqtt})
    assert [(problem.where, problem.why) for problem in problems(config)] == [
        ("mqtt.password_file", f"{tmp_path / 'none'} cannot be read here: No such file or directory"),
        ("mqtt.tls.key_file", f"others than its owner may use {key} (mode 0640)"),
        ("mqtt.tls.cert_file", f"{tmp_path} is not a plain file"),
    ]
