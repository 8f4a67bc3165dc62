"""TLS to the broker: certificates, and what the other side's refusal means.

With TLS 1.3 our handshake is done before the broker has looked at our certificate (RFC 8446, 4.4.2.4): its alert comes
instead of the answer to CONNECT, and paho calls that an unspecified error. So the socket remembers it.
"""

import contextlib
import ssl
from datetime import UTC, datetime
from typing import Any

from agent.messaging.leash import beneath
from config.broker import TlsSection

WANTS_ONE = ("certificate required", "handshake failure")
"""How alerts say that a client certificate is missing: TLS 1.3, TLS 1.2."""


class TlsSocket(ssl.SSLSocket):
    """Closes itself when its handshake fails (paho forgets to), and remembers a fatal alert."""

    fault: ssl.SSLError | None = None

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        try:
            return super().recv(buflen, flags)
        except ssl.SSLError as error:
            if "ALERT" in (error.reason or ""):
                self.fault = error
            raise

    def send(self, data: Any, flags: int = 0) -> int:
        try:
            return super().send(data, flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except OSError:  # the other side has gone, but what it said on leaving can still be read
            with contextlib.suppress(OSError):
                self.recv(1)
            raise


def context(tls: TlsSection) -> ssl.SSLContext:
    """TLS 1.2 or newer, the broker's name verified. Files are read at every connection, so that renewed certificates
    are used from the next one on. Raises OSError (ssl.SSLError is one)."""
    made = ssl.create_default_context(cafile=str(tls.ca_file) if tls.ca_file else None)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.sslsocket_class = TlsSocket
    if tls.cert_file and tls.key_file:
        made.load_cert_chain(str(tls.cert_file), str(tls.key_file))
    return made


def fault(sock: Any) -> ssl.SSLError | None:
    """The fatal alert that ended a connection, if one did."""
    found = beneath(sock)
    return found.fault if isinstance(found, TlsSocket) else None


def explain(tls: TlsSection | None, error: ssl.SSLError) -> str:
    """The error, and what would be right, where that can be told."""
    said = str(error)
    right = ""
    if tls is not None and tls.cert_file is None and any(words in said for words in WANTS_ONE):
        right = "it wants a client certificate: mqtt.tls.cert_file and key_file"
    elif "has expired" in said or "not yet valid" in said:
        now = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        right = f"renew the broker's certificate, or set this machine's clock: it says {now}"
    elif "certificate expired" in said.replace("_", " ").lower():
        right = "it finds our certificate out of date: renew mqtt.tls.cert_file, or set the broker's clock"
    elif "unknown ca" in said.replace("_", " ").lower():
        right = "it does not know who signed our certificate: mqtt.tls.cert_file, or its cafile"
    return f"TLS: {said}" + (f"; {right}" if right else "")
