"""A network camera that speaks RTSP (RFC 2326, interleaved) and sends H.264 (RFC 6184): an honest one, until it is told
to misbehave. Real sockets on loopback; what it sends is a film that ffmpeg encoded."""

import base64
import re
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.waiting import PATIENCE

MOST = 1400
"""Bytes of an RTP payload; what is larger goes in fragments (FU-A)."""
VIDEO = "m=video 0 RTP/AVP 96\r\na=control:track0\r\na=rtpmap:96 {codec}/90000\r\na=fmtp:96 {fmtp}\r\n"
AUDIO = "m=audio 0 RTP/AVP 8\r\na=control:track1\r\na=rtpmap:8 PCMA/8000\r\n"


def film(folder: Path, size: str = "320x180", rate: int = 25, keys: int = 25) -> list[list[bytes]]:
    """Two seconds of a moving picture, as access units of NAL units; every ``keys``th starts anew."""
    path = folder / f"{size}-{rate}-{keys}.h264"
    how = f"slices=1:threads=1:aud=1:repeat-headers=1:scenecut=0:keyint={keys}:bframes=0"
    source = ("-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}", "-frames:v", str(2 * rate))
    coder = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-x264-params", how)
    command = ("ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *source, *coder, "-f", "h264")
    subprocess.run([*command, str(path)], check=True)
    units: list[list[bytes]] = []
    for nal in re.split(b"\0\0\0?\1", path.read_bytes())[1:]:
        if nal[0] & 31 == 9:  # an access unit delimiter
            units.append([])
        else:
            units[-1].append(nal)
    return units


@dataclass
class Orders:
    """What it does otherwise than a good camera. Read anew for each request and picture."""

    status: dict[str, int] = field(default_factory=dict)
    """Method: the status it is answered with."""
    mute: str = ""
    """The method after whose answer nothing more is said; ``"-"``: not even that to the first one."""
    challenges: Sequence[str] = ()
    right: Callable[[str, str, str], bool] = lambda given, method, uri: False
    """Whether an Authorization is let in."""
    greeting: bytes | None = None
    """What it says instead of all of this, to the first words."""
    codec: str = "H264"
    media: str = VIDEO
    """The media of its description."""
    session: int = 60
    """Seconds without a request after which it ends the stream, as announced."""
    rate: float = 25.0
    spoil: Callable[[int, list[bytes]], list[bytes]] = lambda number, packets: packets
    """What becomes of a picture's RTP packets."""
    ends: Callable[[int], str] = lambda number: ""
    """What happens before that picture: ``hold``, ``half``: of a packet, then silence; ``close``; or nothing."""


class RtspCamera:
    """One thread for each client. ``said`` are the requests, ``sent`` how many pictures left in all."""

    def __init__(self, units: list[list[bytes]], orders: Orders | None = None, port: int = 0) -> None:
        self.orders = orders or Orders()
        self.units = units
        self.said: list[str] = []
        self.sent = 0
        self.playing = threading.Event()
        self._stopped = threading.Event()
        self._clients: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = int(self._listener.getsockname()[1])
        self.place = f"127.0.0.1:{self.port}/live"
        self.url = f"rtsp://{self.place}"
        self._heard = time.monotonic()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client = self.entered(self._listener.accept()[0])
                self._clients.append(client)
                self._threads.append(threading.Thread(target=self._client, args=(client,), daemon=True))
                self._threads[-1].start()

    def entered(self, client: socket.socket) -> socket.socket:
        """A client that has just connected, as it is spoken with."""
        return client

    def transport(self, asked: str) -> str:
        """What a SETUP is granted; "" for none of what it asks for."""
        return f"{asked};ssrc=00000007" if "interleaved" in asked else ""

    def deliver(self, client: socket.socket, lock: threading.Lock, packets: list[bytes], share: float) -> None:
        """A picture's RTP packets, or that share of them."""
        block = b"".join(struct.pack(">cBH", b"$", 0, len(each)) + each for each in packets)
        with lock:
            client.sendall(block[: int(len(block) * share)])

    def _client(self, client: socket.socket) -> None:
        player: threading.Thread | None = None
        gone = threading.Event()
        lock = threading.Lock()
        with client, suppress(OSError):
            client.settimeout(2 * PATIENCE)
            waiting = b""
            while True:
                while waiting[:1] == b"$" and len(waiting) >= 4:  # RTCP of the client
                    waiting = waiting[4 + int.from_bytes(waiting[2:4], "big") :]
                if b"\r\n\r\n" not in waiting or waiting[:1] == b"$":
                    data = client.recv(65536)
                    if not data:
                        break
                    waiting += data
                    if self.orders.greeting is not None:
                        client.sendall(self.orders.greeting)
                        break
                    continue
                head, _, waiting = waiting.partition(b"\r\n\r\n")
                method = self._answer(client, head.decode(), lock)
                if method == "PLAY":
                    player = threading.Thread(target=self._play, args=(client, lock, gone), daemon=True)
                    player.start()
                if method == "TEARDOWN":
                    break
        gone.set()
        if player is not None:
            player.join(PATIENCE)

    def _answer(self, client: socket.socket, head: str, lock: threading.Lock) -> str:
        """Answer one request; its method, where it was granted."""
        method, uri, _ = head.split("\r\n")[0].split()
        self.said.append(f"{method} {uri}")
        self._heard = time.monotonic()
        orders = self.orders
        silent = orders.mute == "-" or (orders.mute and any(said.startswith(orders.mute) for said in self.said[:-1]))
        number = re.search(r"^CSeq: *(\d+)", head, re.MULTILINE | re.IGNORECASE)
        given = re.search(r"^Authorization: (.*?)\r?$", head, re.MULTILINE)
        fields, body, status = "", "", orders.status.get(method, 200)
        if orders.challenges and method != "OPTIONS" and not (given and orders.right(given[1], method, uri)):
            status = 401
            fields = "".join(f"WWW-Authenticate: {each}\r\n" for each in orders.challenges)
        elif status == 200 and method == "OPTIONS":
            fields = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN\r\n"
        elif status == 200 and method == "DESCRIBE":
            body = self._description()
            fields = f"Content-Base: {uri}/\r\nContent-Type: application/sdp\r\n"
        elif status == 200 and method == "SETUP":
            asked = re.search(r"^Transport: (.*?)\r?$", head, re.MULTILINE)
            granted = self.transport(asked[1]) if asked is not None else ""
            if granted:
                fields = f"Transport: {granted}\r\n"
            else:
                status = 461
        if method in ("SETUP", "PLAY") and status == 200:
            fields += f"Session: 77f0;timeout={orders.session}\r\n"
        if silent:
            return ""
        first = f"RTSP/1.0 {status} -\r\nCSeq: {number[1] if number else 0}\r\n"
        with lock:
            client.sendall(f"{first}{fields}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        return method if status == 200 else ""

    def _description(self) -> str:
        header = {nal[0] & 31: base64.b64encode(nal).decode() for nal in self.units[0]}
        fmtp = f"packetization-mode=1;sprop-parameter-sets={header[7]},{header[8]}"
        head = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\na=control:*\r\n"
        return head + self.orders.media.format(codec=self.orders.codec, fmtp=fmtp)

    def _play(self, client: socket.socket, lock: threading.Lock, gone: threading.Event) -> None:
        number, sequence, due = 0, 0, time.monotonic()
        with suppress(OSError):
            while not gone.is_set() and not self._stopped.is_set():
                orders = self.orders
                ends = orders.ends(number)
                if ends == "close" or time.monotonic() - self._heard > orders.session:
                    client.shutdown(socket.SHUT_RDWR)
                    return
                packets = self._packets(number, sequence)
                sequence += len(packets)
                spoilt = orders.spoil(number, packets)
                if ends != "hold":
                    self.deliver(client, lock, spoilt, 0.5 if ends == "half" else 1.0)
                self.playing.set()
                if ends:
                    while not gone.wait(0.05) and not self._stopped.is_set() and self.orders.ends(number):
                        pass
                    continue
                number, self.sent = number + 1, self.sent + 1
                due += 1 / orders.rate
                gone.wait(max(0.0, due - time.monotonic()))

    def _packets(self, number: int, sequence: int) -> list[bytes]:
        """The RTP packets of a picture (RFC 6184 5.6, 5.8), by a 90 kHz clock that runs 25 pictures a second."""
        payloads: list[bytes] = []
        for nal in self.units[number % len(self.units)]:
            if len(nal) <= MOST:
                payloads.append(nal)
                continue
            pieces = [nal[at : at + MOST] for at in range(1, len(nal), MOST)]
            for index, piece in enumerate(pieces):
                ends = (0x80 if index == 0 else 0) | (0x40 if index == len(pieces) - 1 else 0)
                payloads.append(bytes((nal[0] & 0x60 | 28, ends | nal[0] & 31)) + piece)
        stamp = int(number * 90000 / 25) & 0xFFFFFFFF
        return [
            struct.pack(">BBHII", 0x80, 96 | (0x80 if last else 0), (sequence + index) & 0xFFFF, stamp, 7) + payload
            for index, payload in enumerate(payloads)
            for last in (index == len(payloads) - 1,)
        ]

    def close(self) -> None:
        self._stopped.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for client in self._clients:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)
