"""Why an RTSP address cannot be opened (RFC 2326). FFmpeg opens it, and says only that it could not; so after it failed
the camera is asked once more for its description, and what it says to that is the reason.

    DESCRIBE rtsp://camera/live RTSP/1.0          RTSP/1.0 200 OK
    CSeq: 1                                       Content-Length: 321
    Accept: application/sdp
                                                  m=video 0 RTP/AVP 96           (SDP, RFC 8866)
                                                  a=rtpmap:96 H264/90000

Nothing of a camera's own words is repeated but a status and a codec's name.
"""

import re
import socket
import ssl
import time
from urllib.parse import urlsplit

from drivers.errors import DeviceMissing, Why, why_of
from drivers.real.address import MANUAL, Address, declined

MOST = 65536
"""Bytes of an answer. A description has some hundred."""
STATIC = {"26": "JPEG", "31": "H261", "32": "MPV", "33": "MP2T", "34": "H263"}
"""Payload types that need no rtpmap (RFC 3551)."""
READ = {
    *("H264", "H265", "MP4V-ES", "JPEG", "MP2T", "MPV", "VP8", "VP9", "AV1", "H261", "H263", "H263-1998", "H263-2000"),
    *("RAW", "THEORA", "DV", "VC2", "X-QT", "X-QUICKTIME", "X-SV3V-ES", "X-ASF-PF", "X-PN-REALVIDEO"),
}
"""Kinds of video FFmpeg takes out of RTP packets."""
_STATUS = re.compile(rb"RTSP/\d\.\d (\d{3})\b")


class NotRtsp(ValueError):
    """What answers speaks something else."""


def why(address: Address, timeout: float, *, silent: bool) -> DeviceMissing:
    """The reason, found within ``timeout`` seconds. ``silent``: FFmpeg waited for it until its time was over."""
    shown = address.shown
    deadline = time.monotonic() + timeout
    try:
        parts = urlsplit(address.url)
        secure = parts.scheme.lower() == "rtsps"
        connection = socket.create_connection((parts.hostname or "", parts.port or (322 if secure else 554)), timeout)
    except (OSError, ValueError) as error:
        reason = "no answer" if isinstance(error, TimeoutError) else getattr(error, "strerror", None) or str(error)
        return DeviceMissing(
            f"{shown} cannot be reached: {reason}",
            "check address and port, and that the camera is on",
            why=why_of(error),
        )
    uri = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" + (f"?{parts.query}" if parts.query else "")
    try:
        if secure:
            connection.settimeout(max(0.001, deadline - time.monotonic()))
            connection = _trusting().wrap_socket(connection)
        with connection:
            status, fields, body = _ask(connection, uri, 1, "", deadline)
            if status == 401:
                answer = address.proof(fields.get("www-authenticate", ""), uri, "DESCRIBE")
                status, _, body = _ask(connection, uri, 2, answer, deadline)
                if status == 401:
                    return address.not_let_in()
    except DeviceMissing as refused:
        return refused
    except TimeoutError:
        connection.close()
        remedy = "is the camera hung? switch it off and on"
        return DeviceMissing(f"{shown}: connected, but no answer", remedy, why=Why.NO_ANSWER)
    except NotRtsp:
        reason = f"{shown} is no RTSP server: it answers in another way"
        return DeviceMissing(reason, MANUAL, why=Why.NO_STREAM)
    except ssl.SSLError:
        connection.close()
        said = f"{shown} speaks no TLS that is known here"
        return DeviceMissing(said, "try rtsp:// instead of rtsps://", why=Why.NO_STREAM)
    except OSError:
        connection.close()
        return DeviceMissing(f"{shown} hangs up when it is asked for the stream", MANUAL, why=Why.CUT_OFF)
    return _read(shown, status, body, silent=silent)


def _trusting() -> ssl.SSLContext:
    """As FFmpeg speaks TLS: cameras have certificates of their own making, so nobody's is checked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _read(shown: str, status: int, body: str, *, silent: bool) -> DeviceMissing:
    """What the answer means."""
    if status != 200:
        return declined(shown, status)
    found = codecs(body)
    if not found:
        return DeviceMissing(f"{shown} has no video in it", f"{MANUAL}; is its video switched off?", why=Why.NO_STREAM)
    if not any(each.upper() in READ for each in found):
        return DeviceMissing(
            f"{shown} sends video as {found[0]}, which cannot be decoded here",
            "set it to H.264, H.265 or MJPEG",
            why=Why.NO_STREAM,
        )
    if silent:
        return DeviceMissing(
            f"{shown} promises {found[0]} video and sends nothing that can be shown",
            "is the camera's encoder hung?",
            why=Why.SILENT,
        )
    return DeviceMissing(
        f"{shown} promises {found[0]} video and refuses to send it",
        "has it more viewers than it allows? or does it send by multicast only? then let it send to one (unicast)",
        why=Why.TURNED_DOWN,
    )


def codecs(description: str) -> list[str]:
    """Of the video in a session description, as it names them; ``unnamed`` where it does not."""
    found = []
    for media in re.split(r"^m=", description, flags=re.MULTILINE)[1:]:
        kind, *words = media.partition("\n")[0].split() or [""]
        payload = words[2] if len(words) > 2 else ""
        named = re.search(rf"^a=rtpmap:{re.escape(payload)} +([\w.+-]{{1,20}})/", media, re.MULTILINE)
        codec = named[1] if named else STATIC.get(payload, "unnamed")
        if kind == "video" or codec.upper() == "MP2T":
            found.append(codec)
    return found


def _ask(
    connection: socket.socket, uri: str, number: int, authorization: str, deadline: float
) -> tuple[int, dict[str, str], str]:
    """DESCRIBE: status, header fields, body. TimeoutError, OSError, or NotRtsp."""
    lines = [f"DESCRIBE {uri} RTSP/1.0", f"CSeq: {number}", "Accept: application/sdp", "User-Agent: studio-edge-agent"]
    if authorization:
        lines.append(f"Authorization: {authorization}")
    connection.settimeout(max(0.001, deadline - time.monotonic()))
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    data, length = b"", None
    while length is None or len(data) < length:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        more = connection.recv(MOST)
        if not more:
            raise ConnectionResetError
        data += more
        start = b"RTSP/"
        if data[: len(start)] != start[: len(data)] or len(data) > 2 * MOST:
            raise NotRtsp
        if length is None and b"\r\n\r\n" in data:
            status, fields = _head(data)
            said = re.match(r"\d{1,9}", fields.get("content-length", ""))
            length = data.index(b"\r\n\r\n") + 4 + (min(MOST, int(said[0])) if said else 0)
    return status, fields, data.partition(b"\r\n\r\n")[2].decode("latin-1")


def _head(data: bytes) -> tuple[int, dict[str, str]]:
    first, *rest = data.partition(b"\r\n\r\n")[0].split(b"\r\n")
    found = _STATUS.match(first)
    if found is None:
        raise NotRtsp
    fields: dict[str, str] = {}
    for line in rest:
        name, _, value = (each.strip() for each in line.decode("latin-1").partition(":"))
        name = name.lower()
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    return int(found[1]), fields
