"""Names and addresses of machines as people write them: what is no host says what the host would be."""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import urlsplit

_LABEL = re.compile(r"\w(?:[\w-]{0,61}\w)?")
_PORTS = {"rtmp": 1935, "rtmps": 443, "http": 80, "https": 443, "srt": 9000}


def host(text: str) -> str:
    """A name (RFC 1123; ``_`` and other alphabets are let through), an IPv4 or an IPv6 address, as given.

    Raises ValueError (``why: what would be right``). Of a text with a scheme or an ``@`` only the host is shown: a
    password may stand before it."""
    if "/" in text or "@" in text:
        raise ValueError(f"there is more than a host in it: {_alone(_split(text)[0])}")
    if re.search(r"\s", text):
        raise ValueError("there is a blank in it: the name or address of one host")
    if text.startswith("["):
        raise ValueError(f"an IPv6 address stands without brackets here: {_alone(_split(text)[0])}")
    if ":" in text:
        if not _is_ipv6(text):
            raise ValueError(f"{text!r} is not a host: {_alone(_split(text)[0])}")
    elif re.fullmatch(r"[\d.]+", text):
        ipv4(text)
    elif not all(_LABEL.fullmatch(label) for label in text.removesuffix(".").split(".")):
        raise ValueError(f"{text!r} cannot be a host: letters, digits and - between dots, or an address")
    return text


def no_ipv6(text: str) -> str:
    """A host that our IPv4 sockets can reach. Raises ValueError."""
    if ":" in text:
        raise ValueError("this speaks IPv4 only: a name, or an address like 192.0.2.1")
    return text


def ipv4(text: str) -> str:
    """An IPv4 address. Raises ValueError."""
    try:
        return str(IPv4Address(text))
    except AddressValueError:
        raise ValueError(f"{text[:40]!r} is not an IPv4 address: four numbers from 0 to 255, like 192.0.2.1") from None


def card(text: str) -> str:
    """A network card of this machine: its name or one of its addresses; "" leaves it to the routing table. Raises
    ValueError."""
    if not text:
        return text
    if _is_ipv6(text):
        return str(IPv6Address(text))
    if re.fullmatch(r"[\d.]+", text):
        return ipv4(text)
    if ":" in text or "/" in text or not re.fullmatch(r"[\x21-\x7e]{1,15}", text):
        raise ValueError(
            f"{text[:40]!r} is no network card: a name like eth0, or the address of one; `devices` lists them"
        )
    return text


def endpoint(text: str) -> str:
    """``host:port``, an IPv6 address in brackets. Raises ValueError."""
    name, port = _split(text)
    if "/" in text or "@" in text:
        scheme = text.partition("://")[0].lower()
        shown = f"[{name}]" if ":" in name else name or "ingest.example"
        raise ValueError(f"this is an address of something there: '{shown}:{port or _PORTS.get(scheme, 1935)}' alone")
    if text.startswith("["):
        if not _is_ipv6(name):
            raise ValueError("what is in the brackets is not an IPv6 address: like [2001:db8::1]:1935")
    elif text.count(":") > 1:
        raise ValueError("an IPv6 address with a port stands in brackets: like [2001:db8::1]:1935")
    elif text.startswith(":"):
        raise ValueError("the host is missing: host:port, like ingest.lan:1935")
    else:
        host(text.partition(":")[0])
    written = re.fullmatch(r"(?:\[.*\]|[^:]*):(\d{1,5})", text)
    if written is None or not 1 <= int(written[1]) <= 65535:
        raise ValueError("the port is missing or cannot be: host:port, the port from 1 to 65535, like ingest.lan:1935")
    return text


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True


def _alone(name: str) -> str:
    return f"{name or 'a name or address'} alone; a port, where it can be chosen, has a key of its own"


def _split(text: str) -> tuple[str, int | None]:
    """Host and port that somebody meant; "" and ``None`` where that cannot be told."""
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        return parts.hostname or "", parts.port
    except ValueError:
        return "", None
