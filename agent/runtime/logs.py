"""Logs: JSON lines for machines, one readable line for people, always on standard error.

The service manager keeps the journal; there is no file of our own and no rotation. Events are ``noun.verb`` with
fields. Nothing that is named like a secret is ever written.
"""

import logging
import re
import sys
from collections import deque
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog

LEVELS: Mapping[str, int] = {"debug": 10, "info": 20, "warning": 30, "error": 40}
SECRET = (
    *("password", "passwd", "passphrase", "passcode", "pwd", "secret", "token", "credential", "private_key"),
    *("authorization", "api_key", "apikey"),
)
LATEST: deque[str] = deque(maxlen=500)
"""The newest lines, for a support bundle."""

_usual = LEVELS["info"]
_asked: int | None = None
HIDDEN = "***"
IN_ADDRESS = re.compile(r"(\w+://[^/@\s:]*:)[^\s\"']+@")
"""A name and a password, in the middle of a text. As people write it, the password may hold a slash or an @."""
ADDRESS = re.compile(r"(\w+://(?:[^/@\s:]*:)?).+@")
"""The same where the text is nothing but the address: it may then hold anything."""
IN_QUERY = re.compile(r"([?&;/]\w*(?:pass|pwd|token|secret|api_?key)\w*=)(?!\{password\})[^&;/#\s\"']+", re.IGNORECASE)
GUESTS = ("paho", "amqtt", "transitions", "asyncio", "scapy", "websockets")
"""Libraries that log by themselves: heard from WARNING on, in our form."""


def set_up(level: str = "info", stream: TextIO | None = None, people: bool | None = None) -> None:
    """Route structlog and the standard library's logging to ``stream`` (standard error).

    ``people``: the readable form; by default when the stream is a terminal. Raises KeyError for an unknown level.
    """
    out = sys.stderr if stream is None else stream
    readable = out.isatty() if people is None else people
    global _usual, _asked
    _usual, _asked = LEVELS[level], None
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if readable else "iso", utc=not readable),
        structlog.processors.StackInfoRenderer(),
        conceal,
    ]
    last: list[Any]
    if readable:
        colours = out.isatty()
        plain = structlog.dev.plain_traceback
        last = [structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=plain, pad_event_to=24)]
    else:
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    structlog.configure(
        processors=[_heard, *shared, *last, _remember],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),  # what is below is left out by _heard
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last], foreign_pre_chain=shared
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(LEVELS[level], logging.WARNING))
    for name in GUESTS:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)


def loud(level: str | None) -> None:
    """Log from this level on until told otherwise; ``None``: as it was set up."""
    global _asked
    _asked = None if level is None else LEVELS[level]


def _heard(_logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if LEVELS.get(method, logging.ERROR) < (_usual if _asked is None else _asked):
        raise structlog.DropEvent
    return event


def _remember(_logger: object, _method: str, line: Any) -> Any:
    LATEST.append(str(line))
    return line


def conceal(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: what is named like a secret shows as ``***``, at any depth."""
    for key in event:
        event[key] = _concealed(key, event[key])
    return event


def _concealed(key: str, value: Any) -> Any:
    plain = key.lower()
    if any(word in plain for word in SECRET) and not plain.endswith("_file"):
        return HIDDEN
    if isinstance(value, Mapping):
        return {inner: _concealed(str(inner), each) for inner, each in value.items()}
    if isinstance(value, list | tuple):
        return [_concealed(key, each) for each in value]
    return value


def redacted(value: Any) -> Any:
    """The same without secrets: what is named like one, and the password in an address (``rtsp://name:***@host``,
    ``http://host/live?pwd=***``)."""
    if isinstance(value, Mapping):
        return {key: redacted(_concealed(str(key), each)) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(each) for each in value]
    return _bare(value) if isinstance(value, str) else value


def _bare(text: str) -> str:
    if whole := ADDRESS.match(text):
        text = f"{whole[1]}{HIDDEN}@{text[whole.end() :]}"
    return IN_QUERY.sub(rf"\1{HIDDEN}", IN_ADDRESS.sub(rf"\1{HIDDEN}@", text))
