"""RTSP cameras that send in another way: over UDP (one that knows no interleaving), or within TLS (``rtsps``)."""

import re
import socket
import ssl
import threading
from pathlib import Path

from tests.drivers.real.rtsp import Orders, RtspCamera
from tests.waiting import PATIENCE


class UdpCamera(RtspCamera):
    """Answers 461 (Unsupported Transport) to a SETUP that asks for interleaving, and sends RTP over UDP."""

    def __init__(self, units: list[list[bytes]], orders: Orders | None = None) -> None:
        self._sender = socket.socket(type=socket.SOCK_DGRAM)
        self._sender.bind(("127.0.0.1", 0))
        self._to = 0
        super().__init__(units, orders)

    def transport(self, asked: str) -> str:
        ports = re.search(r"RTP/AVP(?:/UDP)?;unicast;client_port=(\d+)-\d+", asked)
        if ports is None:
            return ""
        self._to = int(ports[1])
        here = self._sender.getsockname()[1]
        return f"{ports[0]};server_port={here}-{here + 1};ssrc=00000007"

    def deliver(self, client: socket.socket, lock: threading.Lock, packets: list[bytes], share: float) -> None:
        for each in packets[: round(len(packets) * share)]:
            self._sender.sendto(each, ("127.0.0.1", self._to))

    def close(self) -> None:
        super().close()
        self._sender.close()


class TlsCamera(RtspCamera):
    """With a certificate of its own, as cameras have them."""

    def __init__(self, units: list[list[bytes]], certificate: Path, key: Path, orders: Orders | None = None) -> None:
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate, key)
        super().__init__(units, orders)
        self.url = f"rtsps://{self.place}"

    def entered(self, client: socket.socket) -> socket.socket:
        client.settimeout(PATIENCE)
        return self._tls.wrap_socket(client, server_side=True)
