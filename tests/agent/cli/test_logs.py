"""Logs: one JSON line an event, a readable one for people, no secret in either."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from agent.runtime import logs


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logs.loud(None)  # an agent in this process may have been asked for more
    yield
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(out: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_an_event_is_one_json_line_with_level_and_utc_time() -> None:
    out = io.StringIO()
    logs.set_up("info", out)
    structlog.get_logger("x").info("device.lost", device="键", retry_in=2.0)
    structlog.get_logger("x").debug("not.heard")
    (line,) = lines(out)
    assert str(line.pop("timestamp")).endswith("Z")
    assert line == {"event": "device.lost", "level": "info", "device": "键", "retry_in": 2.0}
    assert "键" in out.getvalue()


def test_what_is_named_like_a_secret_is_never_written() -> None:
    for people in (False, True):
        out = io.StringIO()
        logs.set_up("debug", out, people=people)
        structlog.get_logger("x").warning(
            "x.y",
            password="canary",
            deep={"api_token": "canary", "list": [{"Secret": "canary"}]},
            password_file="/run/p",
        )
        assert "canary" not in out.getvalue()
        assert "/run/p" in out.getvalue()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://name:canary@10.0.0.9/s", "rtsp://name:***@10.0.0.9/s"),
        ("rtsp://name:canary of/the@camera@10.0.0.9/s", "rtsp://name:***@10.0.0.9/s"),
        ("http://canary@10.0.0.9/live", "http://***@10.0.0.9/live"),
        ("no picture from rtsp://name:can/ary@cam/s, again", "no picture from rtsp://name:***@cam/s, again"),
        ("http://cam/live?user=a&pwd=canary&size=2", "http://cam/live?user=a&pwd=***&size=2"),
        ("http://cam/live?pwd={password}&size=2", "http://cam/live?pwd={password}&size=2"),
        ("udp://@239.0.0.1:5000", "udp://@239.0.0.1:5000"),
        ("see http://cam:8080/live, and mail a@b", "see http://cam:8080/live, and mail a@b"),
    ],
)
def test_an_address_is_shown_without_its_password(text: str, shown: str) -> None:
    assert logs.redacted({"source": text, "each": [text]}) == {"source": shown, "each": [shown]}


def test_libraries_are_heard_from_warning_on_in_our_form() -> None:
    out = io.StringIO()
    logs.set_up("debug", out)
    logging.getLogger("amqtt.broker").info("chatter")
    logging.getLogger("paho").warning("trouble %d", 7)
    (line,) = lines(out)
    assert (line["event"], line["level"]) == ("trouble 7", "warning")


def test_an_exception_keeps_its_traceback_in_one_line() -> None:
    out = io.StringIO()
    logs.set_up("info", out)
    try:
        raise ValueError("why")
    except ValueError:
        structlog.get_logger("x").exception("x.failed")
    (line,) = lines(out)
    assert "ValueError: why" in str(line["exception"])


def test_people_get_text() -> None:
    out = io.StringIO()
    logs.set_up("info", out, people=True)
    structlog.get_logger("x").info("agent.ready", outputs=2)
    assert "agent.ready" in out.getvalue()
    assert not out.getvalue().startswith("{")


def test_an_unknown_level_is_an_error() -> None:
    with pytest.raises(KeyError):
        logs.set_up("loud", io.StringIO())
