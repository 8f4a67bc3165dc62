"""How long a certificate still holds, read from its DER bytes: the standard library decodes only those of the trusted
authorities, and ours may be any. Pure but for reading the file it is given.
"""

import base64
import re
from datetime import UTC, datetime
from pathlib import Path

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
SEQUENCE, VERSION, UTC_TIME = 0x30, 0xA0, 0x17


def not_after(der: bytes) -> float:
    """End of validity, seconds since 1970 (X.509: RFC 5280, 4.1). Raises ValueError for what is no certificate."""
    try:
        certificate = _inside(der, 0)[0]
        body = _inside(certificate, 0)[0]  # tbsCertificate
        at = 0
        if body[0] == VERSION:
            at = _inside(body, 0)[1]
        for _ in range(3):  # serial number, signature algorithm, issuer
            at = _inside(body, at)[1]
        validity = _inside(body, at)[0]
        second = _inside(validity, 0)[1]
        text = _inside(validity, second)[0].decode("ascii")
        # UTCTime has two digits for the year: 50…99 are 1950…1999
        full = ("19" if text[:2] >= "50" else "20") + text if validity[second] == UTC_TIME else text
        return datetime.strptime(full, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except (IndexError, UnicodeDecodeError) as error:
        raise ValueError("not a certificate") from error


def pem_not_after(path: Path) -> float:
    """The first of a PEM file. Raises OSError or ValueError."""
    found = _PEM.search(path.read_bytes())
    if found is None:
        raise ValueError(f"{path} holds no certificate")
    return not_after(base64.b64decode(found.group(1)))


def _inside(data: bytes, at: int) -> tuple[bytes, int]:
    """Content of the element at ``at``, and where the next one begins (X.690, 8.1)."""
    length, start = data[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        length, start = int.from_bytes(data[start : start + size], "big"), start + size
    if start + length > len(data):
        raise IndexError("cut short")
    return data[start : start + length], start + length
