"""Where a camera's pictures come from, as a configuration may say it. Pure: texts in, faults out."""

import re
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from config.problems import nearest
from drivers.host import LOGINS, STREAMS

SAID = ("{username}", "{password}")
"""Where cameras want them in the query, the address says so in these words."""

_SECRET = re.compile(r"[?&;/]\w*(?:pass|pwd|token|secret)\w*=(?!\{password\}(?:[&;/#]|$))[^&;/#]", re.IGNORECASE)


def checked(source: str) -> str:
    """The source as given. Raises ValueError (``why: what would be right``), never with a secret in it."""
    scheme, is_url, rest = source.partition("://")
    if not is_url:
        return source
    known = ("file", *STREAMS)
    if scheme.lower() not in known:
        raise ValueError(f"nothing here opens {scheme[:20]}: {nearest(scheme.lower(), known)}")
    if scheme.lower() == "file":
        return source
    if rest.find("@") > 0:  # "udp://@239.0.0.1" names nobody
        raise ValueError(
            "the address holds a name or password before its @: give them as username and password_file, a file of its "
            "own with mode 0600 (an @ that belongs to the path is written %40)"
        )
    if _SECRET.search(source):
        raise ValueError(
            "the address holds a password: write {password} in its place and name the file with it as password_file, "
            "mode 0600"
        )
    if re.search(r"[\s\x00-\x1f]", source):
        raise ValueError("the address holds a blank or a line break: a blank is written %20")
    try:
        parts = urlsplit(source)
        port = parts.port
    except ValueError:
        raise ValueError("host or port of the address cannot be: like http://camera.lan:8080/stream") from None
    if port == 0 or (not parts.hostname and scheme.lower() in (*LOGINS, "rtmp", "rtmps")):
        raise ValueError("the address names no host and port that can be: like http://camera.lan:8080/stream")
    return source


def wants_login(source: str) -> bool:
    """Whether a name and a password could be said to it."""
    scheme, is_url, _ = source.partition("://")
    return bool(is_url) and (scheme.lower() in LOGINS or any(word in source for word in SAID))


def device(source: str) -> str:
    """The path of a camera at this machine, which only one may open; "" for an address or a file."""
    if source.isdecimal():
        source = f"/dev/video{int(source)}"
    return str(PurePosixPath(source)) if source.startswith("/dev/") else ""
